/* record.c - one line per message, and the counters.
 *
 * Errors: none; every text from the network is cleaned and cut. */
#include "decide/record.h"

#include "base/counters.h"
#include "core/stage.h"

/* Forwarded: where it had come in from. */
static void add_entry(struct strbuf *b, const struct message *message)
{
    char address[NETADDR_TEXT];
    if (message->origin == ORIGIN_FORWARDED)
        sb_printf(b, " entry=[%s]", netaddr_format(&message->entry_client, address));
}

static void add_action(struct strbuf *b, enum policy_point point, const struct verdict *verdict)
{
    sb_printf(b, " action=%s", action_name(verdict->action));
    if (verdict->if_enforced != verdict->action)
        sb_printf(b, " would=%s", action_name(verdict->if_enforced));
    if (verdict->cause)
        sb_printf(b, " cause=%s", verdict->cause);
    if (point != POINT_EOM)
        sb_printf(b, " at=%s", point_name(point));
}

/* As Postfix writes it: name[address]; the MTA says "[address]" where it found no name. */
static void add_client(struct strbuf *b, const struct session *session)
{
    char address[NETADDR_TEXT];
    bool named = session->client_name.n > 0 && session->client_name.p[0] != '[';
    struct str name = named ? telling_word(b->arena, session->client_name) : STR("unknown");
    sb_printf(b, " client=%.*s[%s]", STR_ARG(name), netaddr_format(&session->client, address));
}

struct str record_line(enum policy_point point, const struct telling *t, int64_t took_us)
{
    struct strbuf b;
    struct arena *a = t->arena;
    const struct message *m = t->message;
    struct str to = m->recipients_kept ? m->recipients[0].address : STR("");
    sb_init(&b, a);
    sb_printf(&b, "%.*s: origin=%s", STR_ARG(telling_id(m)), origin_name(m->origin));
    add_entry(&b, m);
    for (const struct stage *const *s = t->stages; *s; s++)
        if ((*s)->telling->log)
            (*s)->telling->log(t, &b);
    if (m->over_limit)
        sb_add(&b, STR(" over-limit=header"));
    add_action(&b, point, t->verdict);
    add_client(&b, t->session);
    sb_printf(&b, " helo=%.*s from=<%.*s> to=<%.*s>", STR_ARG(telling_word(a, t->session->helo)),
              STR_ARG(telling_word(a, m->from.whole)), STR_ARG(telling_word(a, to)));
    if (m->n_recipients > 1)
        sb_printf(&b, " nrcpt=%zu", m->n_recipients);
    sb_printf(&b, " size=%llu ms=%lld", (unsigned long long)(m->header_bytes + m->body_bytes),
              (long long)(took_us / 1000));
    return sb_str(&b);
}

static void count_queries(const struct evidence *e)
{
    bool out = e->spf.mail_from.outcome.out_of_queries || e->spf.helo.outcome.out_of_queries;
    for (size_t i = 0; i < e->dkim.n; i++)
        out = out || e->dkim.signatures[i].out_of_queries;
    counter_add(CTR_DNS_OUT_OF_QUERIES, out);
}

static void count_override(enum override_reason reason)
{
    static const enum counter overrides[] = {
        [OVERRIDE_LOCAL_POLICY] = CTR_OVERRIDE_LOCAL_POLICY,
        [OVERRIDE_MAILING_LIST] = CTR_OVERRIDE_MAILING_LIST,
        [OVERRIDE_TRUSTED_FORWARDER] = CTR_OVERRIDE_TRUSTED_FORWARDER,
        [OVERRIDE_TEST_MODE] = CTR_OVERRIDE_TEST_MODE,
    };
    if (reason != OVERRIDE_NONE)
        counter_inc(overrides[reason]);
}

/* What a policy service lets through is counted at its end, behind the milter. */
static void count_action(const struct message *message, const struct verdict *verdict)
{
    static const enum counter done[] = {
        [ACTION_ACCEPT] = CTR_ACCEPTED,        [ACTION_TAG] = CTR_ACCEPTED,
        [ACTION_QUARANTINE] = CTR_QUARANTINED, [ACTION_TEMPFAIL] = CTR_TEMPFAILED,
        [ACTION_REJECT] = CTR_REJECTED,
    };
    if (!message->checks || verdict->action >= ACTION_QUARANTINE)
        counter_inc(done[verdict->action]);
    if (verdict->if_enforced == verdict->action)
        return;
    if (verdict->if_enforced == ACTION_QUARANTINE)
        counter_inc(CTR_WOULD_QUARANTINE);
    else if (verdict->if_enforced == ACTION_TEMPFAIL)
        counter_inc(CTR_WOULD_TEMPFAIL);
    else if (verdict->if_enforced == ACTION_REJECT)
        counter_inc(CTR_WOULD_REJECT);
}

void record_count(enum policy_point point, const struct telling *t)
{
    static const enum counter origins[] = {
        [ORIGIN_INBOUND] = CTR_INBOUND,
        [ORIGIN_OURS] = CTR_OURS,
        [ORIGIN_RELAYED] = CTR_RELAYED,
        [ORIGIN_FORWARDED] = CTR_FORWARDED,
    };
    if (point == POINT_EOM) {
        counter_inc(CTR_MESSAGES);
        counter_inc(origins[t->message->origin]);
    }
    if (t->message->over_limit)
        counter_inc(CTR_LIMIT_EXCEEDED);
    count_queries(t->evidence);
    for (const struct stage *const *s = t->stages; *s; s++)
        if ((*s)->telling->count)
            (*s)->telling->count(t);
    count_override(t->verdict->override);
    count_action(t->message, t->verdict);
}
