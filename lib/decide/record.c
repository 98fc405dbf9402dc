/* record.c - one line per message, and the counters.
 *
 * Errors: none; every text from the network is cleaned and cut. */
#include "decide/record.h"

#include <string.h>

#include "base/counters.h"

#define WORD_MAX       128
#define SIGNATURES_MAX 5 /* named in the line; the rest is counted */

static struct str without(struct arena *a, struct str s, char unwanted)
{
    struct strbuf b;
    if (str_find(s, 0, unwanted) == s.n)
        return s;
    sb_init(&b, a);
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == unwanted)
            sb_printf(&b, "\\x%02X", (unsigned char)unwanted);
        else
            sb_addc(&b, s.p[i]);
    }
    return sb_str(&b);
}

/* Words have no spaces, lest a HELO of "x action=reject" look like two fields. */
static struct str clean_word(struct arena *a, struct str s)
{
    return without(a, str_safe(a, s, WORD_MAX, true), ' ');
}

/* What stands in quotes has none inside. */
static struct str clean_text(struct arena *a, struct str s)
{
    return without(a, str_safe(a, s, WORD_MAX, true), '"');
}

/* Forwarded: where it had come in from. */
static void add_entry(struct strbuf *b, const struct message *message)
{
    char address[NETADDR_TEXT];
    if (message->origin == ORIGIN_FORWARDED)
        sb_printf(b, " entry=[%s]", netaddr_format(&message->entry_client, address));
}

static void add_spf(struct strbuf *b, const struct evidence_spf *spf)
{
    if (spf->mail_from.checked)
        sb_printf(b, " spf=%s", spf_result_name(spf->mail_from.outcome.result));
    if (spf->helo.checked)
        sb_printf(b, " spf-helo=%s", spf_result_name(spf->helo.outcome.result));
}

static void add_dkim(struct strbuf *b, const struct evidence_dkim *dkim)
{
    if (!dkim->checked)
        return;
    if (!dkim->n)
        sb_add(b, STR(" dkim=none"));
    for (size_t i = 0; i < dkim->n && i < SIGNATURES_MAX; i++) {
        const struct dkim_signature *s = &dkim->signatures[i];
        sb_printf(b, "%s%s", i ? "," : " dkim=", dkim_result_name(s->result));
        if (s->domain.n)
            sb_printf(b, "(%.*s/%.*s)", STR_ARG(clean_word(b->arena, s->domain)),
                      STR_ARG(clean_word(b->arena, s->selector)));
    }
    size_t unnamed = dkim->skipped + (dkim->n > SIGNATURES_MAX ? dkim->n - SIGNATURES_MAX : 0);
    if (unnamed)
        sb_printf(b, ",+%zu", unnamed);
}

static void add_dmarc(struct strbuf *b, const struct evidence_dmarc *dmarc,
                      const struct verdict *verdict)
{
    if (!dmarc->checked)
        return;
    if (!dmarc->n) {
        sb_printf(b, " dmarc=%s(%.*s)", dmarc_result_name(dmarc->result),
                  STR_ARG(clean_text(b->arena, dmarc->reason)));
        return;
    }
    const struct dmarc_outcome *o = &dmarc->outcomes[verdict->author];
    sb_printf(b, " dmarc=%s", dmarc_result_name(o->result));
    if (o->record_domain.n)
        sb_printf(b, "(p=%s)", dmarc_policy_name(o->policy));
    sb_printf(b, " author=%.*s", STR_ARG(clean_word(b->arena, o->author_domain)));
    if (dmarc->from_problem.n)
        sb_printf(b, " from-problem=\"%.*s\"", STR_ARG(clean_text(b->arena, dmarc->from_problem)));
    if (o->discovery != DMARC_TREEWALK)
        sb_printf(b, " discovery=%s", dmarc_discovery_name(o->discovery));
    if (verdict->override != OVERRIDE_NONE)
        sb_printf(b, " override=%s(%.*s)", override_name(verdict->override),
                  STR_ARG(verdict->override_comment));
}

/* Why the signatures may not hold on the way. */
static void add_risks(struct strbuf *b, unsigned risks)
{
    const char *before = " risk=";
    for (unsigned risk = 1; risk <= risks; risk *= 2) {
        if (!(risks & risk))
            continue;
        sb_printf(b, "%s%s", before, dkim_risk_name(risk));
        before = ",";
    }
}

static void add_signing(struct strbuf *b, const struct evidence_signing *signing)
{
    if (!signing->tried)
        return;
    if (signing->problem.n) {
        sb_printf(b, " signing-failed=\"%.*s\"", STR_ARG(clean_text(b->arena, signing->problem)));
        return;
    }
    if (!signing->n) {
        sb_printf(b, " not-signed=\"%.*s\"", STR_ARG(clean_text(b->arena, signing->why)));
        return;
    }
    for (size_t i = 0; i < signing->n; i++)
        sb_printf(b, "%s%.*s/%.*s", i ? "," : " signed=", STR_ARG(signing->keys[i].domain),
                  STR_ARG(signing->keys[i].selector));
    sb_printf(b, " because=\"%.*s\"", STR_ARG(clean_text(b->arena, signing->why)));
    add_risks(b, signing->risks);
}

static void add_action(struct strbuf *b, enum policy_point point, const struct verdict *verdict)
{
    sb_printf(b, " action=%s", action_name(verdict->action));
    if (verdict->wanted != verdict->action)
        sb_printf(b, " would=%s", action_name(verdict->wanted));
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
    struct str name = named ? clean_word(b->arena, session->client_name) : STR("unknown");
    sb_printf(b, " client=%.*s[%s]", STR_ARG(name), netaddr_format(&session->client, address));
}

struct str record_line(enum policy_point point, const struct session *session,
                       const struct message *message, const struct evidence *evidence,
                       const struct verdict *verdict, int64_t took_us, struct arena *a)
{
    struct strbuf b;
    sb_init(&b, a);
    sb_printf(&b, "%.*s: origin=%s",
              STR_ARG(message->queue_id.n ? clean_word(a, message->queue_id) : STR("NOQUEUE")),
              origin_name(message->origin));
    add_entry(&b, message);
    add_spf(&b, &evidence->spf);
    add_dkim(&b, &evidence->dkim);
    add_dmarc(&b, &evidence->dmarc, verdict);
    add_signing(&b, &evidence->signing);
    if (evidence->forged.n + evidence->forged.n_received_spf)
        sb_printf(&b, " forged-removed=%zu", evidence->forged.n + evidence->forged.n_received_spf);
    if (evidence->forged.too_many)
        sb_add(&b, STR(" over-limit=forged"));
    if (message->over_limit)
        sb_add(&b, STR(" over-limit=header"));
    add_action(&b, point, verdict);
    add_client(&b, session);
    struct str to = message->recipients_kept ? message->recipients[0].address : STR("");
    sb_printf(&b, " helo=%.*s from=<%.*s> to=<%.*s>", STR_ARG(clean_word(a, session->helo)),
              STR_ARG(clean_word(a, message->from.whole)), STR_ARG(clean_word(a, to)));
    if (message->n_recipients > 1)
        sb_printf(&b, " nrcpt=%zu", message->n_recipients);
    sb_printf(&b, " size=%llu ms=%lld",
              (unsigned long long)(message->header_bytes + message->body_bytes),
              (long long)(took_us / 1000));
    return sb_str(&b);
}

static void count_results(const struct evidence *e)
{
    static const enum counter spf[] = {
        [SPF_NONE] = CTR_SPF_NONE,           [SPF_NEUTRAL] = CTR_SPF_NEUTRAL,
        [SPF_PASS] = CTR_SPF_PASS,           [SPF_FAIL] = CTR_SPF_FAIL,
        [SPF_SOFTFAIL] = CTR_SPF_SOFTFAIL,   [SPF_TEMPERROR] = CTR_SPF_TEMPERROR,
        [SPF_PERMERROR] = CTR_SPF_PERMERROR,
    };
    static const enum counter dkim[] = {
        [DKIM_NONE] = CTR_DKIM_NONE,           [DKIM_PASS] = CTR_DKIM_PASS,
        [DKIM_FAIL] = CTR_DKIM_FAIL,           [DKIM_POLICY] = CTR_DKIM_POLICY,
        [DKIM_NEUTRAL] = CTR_DKIM_NEUTRAL,     [DKIM_TEMPERROR] = CTR_DKIM_TEMPERROR,
        [DKIM_PERMERROR] = CTR_DKIM_PERMERROR,
    };
    static const enum counter dmarc[] = {
        [DMARC_NONE] = CTR_DMARC_NONE,           [DMARC_PASS] = CTR_DMARC_PASS,
        [DMARC_FAIL] = CTR_DMARC_FAIL,           [DMARC_TEMPERROR] = CTR_DMARC_TEMPERROR,
        [DMARC_PERMERROR] = CTR_DMARC_PERMERROR,
    };
    if (e->spf.mail_from.checked)
        counter_inc(spf[e->spf.mail_from.outcome.result]);
    if (e->dkim.checked && !e->dkim.n)
        counter_inc(CTR_DKIM_NONE);
    for (size_t i = 0; i < e->dkim.n; i++)
        counter_inc(dkim[e->dkim.signatures[i].result]);
    counter_add(CTR_DKIM_SIGNATURES_SKIPPED, e->dkim.skipped);
    if (e->dmarc.checked)
        counter_inc(dmarc[e->dmarc.result]);
    counter_add(CTR_FORGED_REMOVED, e->forged.n + e->forged.n_received_spf);
    counter_add(CTR_FORGED_REFUSED, e->forged.too_many);
}

static void count_queries(const struct evidence *e)
{
    bool out = e->spf.mail_from.outcome.out_of_queries || e->spf.helo.outcome.out_of_queries;
    for (size_t i = 0; i < e->dkim.n; i++)
        out = out || e->dkim.signatures[i].out_of_queries;
    counter_add(CTR_DNS_OUT_OF_QUERIES, out);
}

static void count_signing(const struct message *message, const struct evidence_signing *signing)
{
    if (!signing->tried)
        return;
    if (signing->problem.n)
        counter_inc(CTR_SIGN_FAILED);
    else if (signing->n)
        counter_inc(CTR_SIGNED);
    else if (message->origin == ORIGIN_OURS) /* others need not be */
        counter_inc(CTR_NOT_SIGNED);
    if (signing->mismatch)
        counter_inc(CTR_SENDER_MISMATCH);
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

static void count_action(const struct verdict *verdict)
{
    static const enum counter done[] = {
        [ACTION_ACCEPT] = CTR_ACCEPTED,        [ACTION_TAG] = CTR_ACCEPTED,
        [ACTION_QUARANTINE] = CTR_QUARANTINED, [ACTION_TEMPFAIL] = CTR_TEMPFAILED,
        [ACTION_REJECT] = CTR_REJECTED,
    };
    counter_inc(done[verdict->action]);
    if (verdict->wanted == verdict->action)
        return;
    if (verdict->wanted == ACTION_QUARANTINE)
        counter_inc(CTR_WOULD_QUARANTINE);
    else if (verdict->wanted == ACTION_TEMPFAIL)
        counter_inc(CTR_WOULD_TEMPFAIL);
    else if (verdict->wanted == ACTION_REJECT)
        counter_inc(CTR_WOULD_REJECT);
}

void record_count(enum policy_point point, const struct message *message,
                  const struct evidence *evidence, const struct verdict *verdict)
{
    static const enum counter origins[] = {
        [ORIGIN_INBOUND] = CTR_INBOUND,
        [ORIGIN_OURS] = CTR_OURS,
        [ORIGIN_RELAYED] = CTR_RELAYED,
        [ORIGIN_FORWARDED] = CTR_FORWARDED,
    };
    if (point == POINT_EOM) {
        counter_inc(CTR_MESSAGES);
        counter_inc(origins[message->origin]);
    }
    if (message->over_limit)
        counter_inc(CTR_LIMIT_EXCEEDED);
    count_results(evidence);
    count_queries(evidence);
    count_signing(message, &evidence->signing);
    count_override(verdict->override);
    count_action(verdict);
}
