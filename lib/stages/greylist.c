/* greylist.c - has this client, or this sender's domain, been here before?
 *
 * A message has up to three kinds of keys: the client's network; the domain that SPF passed for,
 * where that says something of the client; at the end of the message, domains of signatures that
 * are aligned. All are looked up and, where they are not known, recorded in one question; one that
 * is old enough lets the message pass. A pass records the other keys, too, and does not make them
 * any older.
 *
 * Errors: without an answer, or where something could not be recorded, the result is unknown, and
 * nobody is asked to come again. */
#include "core/gate.h"
#include "core/greykey.h"
#include "core/stage.h"

#define DOMAINS_MAX 8 /* keys of signatures */

/* --- Who is spared -----------------------------------------------------------------------------*/

struct network {
    struct netaddr net;
    unsigned bits;
};

/* Loopback, RFC 1918, link-local, carriers' own (RFC 6598), ULA: nobody's reputation. */
static const struct network local_networks[] = {
    {{4, {127}}, 8},        {{4, {10}}, 8},          {{4, {172, 16}}, 12},
    {{4, {192, 168}}, 16},  {{4, {169, 254}}, 16},   {{4, {100, 64}}, 10},
    {{6, {[15] = 1}}, 128}, {{6, {0xFE, 0x80}}, 10}, {{6, {0xFC}}, 7},
};

static bool is_local(const struct netaddr *client)
{
    for (size_t i = 0; i < sizeof local_networks / sizeof *local_networks; i++)
        if (netaddr_in(client, &local_networks[i].net, local_networks[i].bits))
            return true;
    return false;
}

/* All recipients have one fate, so one that is spared frees the others. */
static bool some_recipient_is_responsible(const struct message *m)
{
    for (size_t i = 0; i < m->recipients_kept; i++)
        if (!m->recipients[i].refused && gate_is_responsible(m->recipients[i].address))
            return true;
    return false;
}

static bool spf_passed(const struct stage_run *run)
{
    const struct evidence_spf_identity *spf = &run->evidence->spf.mail_from;
    return spf->checked && spf->outcome.result == SPF_PASS;
}

/* Nothing can save the message: there is nothing to remember of it. At the end of a message an
 * aligned signature might; a policy service knows none. */
static bool spf_will_refuse(const struct stage_run *run)
{
    const struct conf *conf = run->conf;
    bool may_be_saved = conf->spf_dmarc_pass_cancels && !run->message->checks;
    const struct evidence_spf_identity *spf = &run->evidence->spf.mail_from;
    return spf->checked && spf->outcome.result == SPF_FAIL && conf->spf_on_fail == ACTION_REJECT &&
           conf->spf_mode == CHECK_ENFORCE && conf->mode == RUN_ENFORCE &&
           message_is_checked(run->message, SERVICE_SPF) && !may_be_saved &&
           !netset_has(&conf->spf_trusted_forwarders, &run->session->client);
}

/* At DATA an allow list that has not answered yet costs only the delay. */
static struct str why_exempt(const struct stage_run *run)
{
    const struct netaddr *client = &run->session->client;
    if (!client->family)
        return STR("no client address");
    if (is_local(client))
        return STR("local network");
    if (some_recipient_is_responsible(run->message))
        return STR("recipient");
    if (gate_freedom(run->conf, run->session, run->message, run->evidence, run->message->arena) ==
        GATE_FREE)
        return STR("exceptions");
    if (run->evidence->lists.trusted)
        return STR("allow list");
    if (spf_will_refuse(run))
        return STR("SPF fail is refused");
    return STR_NONE;
}

/* --- Keys --------------------------------------------------------------------------------------*/

struct keys {
    size_t n;
    struct state_key v[2 + DOMAINS_MAX];
};

static void add_key(struct keys *keys, struct str key)
{
    for (size_t i = 0; i < keys->n; i++)
        if (str_eq(keys->v[i].key, key))
            return;
    keys->v[keys->n++].key = key;
}

static void add_domain(const struct stage_run *run, struct keys *keys, struct str domain)
{
    if (keys->n < sizeof keys->v / sizeof *keys->v && domain.n &&
        !greykey_is_shared(run->conf, domain, run->message->arena))
        add_key(keys, greykey_of_domain(domain, run->message->arena));
}

static bool is_below(struct str domain, struct str above)
{
    return above.n && str_ends_nocase(domain, above) &&
           (domain.n == above.n || domain.p[domain.n - above.n - 1] == '.');
}

static bool is_aligned(const struct evidence_dmarc *dmarc, struct str domain)
{
    for (size_t i = 0; i < dmarc->n; i++) {
        const struct dmarc_outcome *o = &dmarc->outcomes[i];
        if (o->dkim_aligned &&
            (str_eq_nocase(domain, o->author_domain) || is_below(domain, o->organizational_domain)))
            return true;
    }
    return false;
}

static void collect_keys(const struct stage_run *run, struct keys *keys)
{
    const struct evidence *e = run->evidence;
    add_key(keys, greykey_of_client(run->conf, &run->session->client, run->message->arena));
    if (spf_passed(run) && e->spf.mail_from.outcome.narrow)
        add_domain(run, keys, e->spf.mail_from.outcome.domain);
    for (size_t i = 0; i < e->dkim.n; i++)
        if (e->dkim.signatures[i].result == DKIM_PASS &&
            is_aligned(&e->dmarc, e->dkim.signatures[i].domain))
            add_domain(run, keys, e->dkim.signatures[i].domain);
}

/* --- The question ------------------------------------------------------------------------------*/

/* What is left until the key is old enough; a clock of another host may be ahead of ours. */
static int64_t seconds_left(const struct stage_run *run, const struct state_key *key)
{
    int64_t now = run->message->now, first = key->value < now ? key->value : now;
    int64_t delay = (run->conf->greylist_delay + 999) / 1000;
    return first + delay > now ? first + delay - now : 0;
}

static bool is_ripe(const struct stage_run *run, const struct state_key *key)
{
    return key->result == STATE_ANSWER && seconds_left(run, key) == 0;
}

/* Those that are old enough live on. */
static void let_pass(const struct stage_run *run, const struct keys *keys)
{
    struct evidence_greylist *g = &run->evidence->greylist;
    struct keys ripe = {0};
    for (size_t i = 0; i < keys->n; i++) {
        if (!is_ripe(run, &keys->v[i]))
            continue;
        ripe.v[ripe.n++] = keys->v[i];
        if (ripe.n == 1)
            g->why = greykey_words(keys->v[i].key, run->message->arena);
    }
    g->result = GREYLIST_PASS;
    state_touch(run->memory->state, run->message->now, run->conf->greylist_lifetime / 1000, ripe.v,
                ripe.n);
}

/* What was recorded by a clock that was ahead, ours before a step or that of another host, counts
 * from now on: nobody waits until that time comes. */
static void bring_back(const struct stage_run *run, const struct keys *keys)
{
    struct keys ahead = {0};
    for (size_t i = 0; i < keys->n; i++) {
        struct state_key key = keys->v[i];
        if (key.result != STATE_ANSWER || key.value <= run->message->now)
            continue;
        key.value = run->message->now;
        ahead.v[ahead.n++] = key;
    }
    if (ahead.n)
        state_touch(run->memory->state, run->message->now, run->conf->greylist_window / 1000,
                    ahead.v, ahead.n);
}

static void judge_greylist_keys(const struct stage_run *run, const struct keys *keys)
{
    struct evidence_greylist *g = &run->evidence->greylist;
    bool unknown = false, seen = false, ripe = false;
    g->wait_s = (run->conf->greylist_delay + 999) / 1000;
    for (size_t i = 0; i < keys->n; i++) {
        const struct state_key *key = &keys->v[i];
        unknown = unknown || key->result == STATE_UNKNOWN;
        seen = seen || key->result == STATE_ANSWER;
        ripe = ripe || is_ripe(run, key);
        if (key->result == STATE_ANSWER && seconds_left(run, key) < g->wait_s)
            g->wait_s = seconds_left(run, key);
    }
    if (ripe)
        let_pass(run, keys);
    else
        g->result = unknown ? GREYLIST_UNKNOWN : seen ? GREYLIST_WAIT : GREYLIST_NEW;
}

static void look_up(struct stage_run *run, bool at_end)
{
    struct evidence_greylist *g = &run->evidence->greylist;
    int64_t now = run->message->now;
    struct keys keys = {0};
    g->at_end = at_end;
    g->why = why_exempt(run);
    if (g->why.n) {
        g->result = GREYLIST_EXEMPT;
        return;
    }
    if (!run->memory)
        return;
    collect_keys(run, &keys);
    state_put_if_absent(run->memory, now, now, run->conf->greylist_window / 1000, keys.v, keys.n);
    bring_back(run, &keys);
    judge_greylist_keys(run, &keys);
}

/* What may turn out to be forwarded is asked about at its end, if it is none; a policy service has
 * no end to wait for. */
static void greylist_data(struct stage_run *run)
{
    const struct conf *conf = run->conf;
    bool now = conf->greylist_at == GREYLIST_AT_DATA || run->message->checks;
    if (conf->greylist_mode != CHECK_OFF && now &&
        message_is_checked(run->message, SERVICE_GREYLIST) && !run->message->may_be_forwarded)
        look_up(run, false);
}

/* And so is mail of an MTA that did not tell of DATA. */
static void greylist_eom(struct stage_run *run)
{
    if (run->conf->greylist_mode != CHECK_OFF &&
        run->evidence->greylist.result == GREYLIST_NOT_ASKED)
        look_up(run, true);
}

const struct stage stage_greylist = {
    .name = "greylist",
    .data = greylist_data,
    .eom = greylist_eom,
    .telling = &telling_greylist,
};
