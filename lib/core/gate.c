/* gate.c - the asker of the gate, and what frees a message from the gate.
 *
 * Errors: none; what may not be asked any more is DNS_SERVFAIL. */
#include "core/gate.h"

#include "core/evidence.h"
#include "core/message.h"
#include "core/request.h"
#include "mail/domain.h"

struct gate {
    struct dns_asker *message; /* the message's */
    struct dns_asker own;
    unsigned share;
};

static const struct dns_answer out_of_queries = {.status = DNS_SERVFAIL};

static struct gate *new_gate(struct dns_asker *asker, unsigned share, unsigned spare, size_t memory)
{
    struct gate *gate = arena_make(asker->arena, struct gate);
    gate->message = asker;
    gate->share = share;
    gate->own = (struct dns_asker){
        .dns = asker->dns,
        .arena = asker->arena,
        .memory = memory,
        .spare = spare,
        .waits = asker->waits,
        .waiting_context = asker->waiting_context,
        .trace = asker->trace,
        .trace_context = asker->trace_context,
    };
    return gate;
}

struct gate *gate_new(const struct conf *conf, struct dns_asker *asker)
{
    struct request_shares shares = request_shares(conf);
    return new_gate(asker, shares.gate / 2, shares.spare / 2, CONF_GATE_MEMORY / 2);
}

/* So many queries, and those that repeat a failure, are never used up. */
struct gate *gate_new_for_lists(const struct conf *conf, struct dns_asker *asker)
{
    unsigned spare = request_shares(conf).spare;
    unsigned share = (unsigned)conf->n_lists * GATE_LIST_QUERIES + spare + 1;
    return new_gate(asker, share, spare, conf->n_lists * CONF_LIST_MEMORY);
}

static bool may_ask(const struct gate *gate)
{
    return gate->own.queries < gate->share;
}

void gate_start(struct gate *gate, struct str name, enum dns_type type)
{
    if (may_ask(gate))
        dns_start(&gate->own, name, type);
}

const struct dns_answer *gate_lookup(struct gate *gate, struct str name, enum dns_type type)
{
    struct dns_asker *own = &gate->own, *message = gate->message;
    int64_t waited = own->waited_us;
    if (!may_ask(gate))
        return &out_of_queries;
    own->patience_us = message->patience_us;
    own->may_pend = message->may_pend;
    own->waiting = message->waiting;
    const struct dns_answer *answer = dns_lookup(own, name, type);
    message->patience_us = own->patience_us;
    message->waited_us += own->waited_us - waited;
    return answer;
}

static bool is_excepted(const struct conf *conf, struct arena *a, struct str domain)
{
    struct str name;
    return domain.n && domain_normalize(a, domain, &name) &&
           conf_has_domain(&conf->exceptions_domains, name);
}

static bool has_free_recipient(const struct conf *conf, const struct message *message,
                               struct arena *a)
{
    for (size_t i = 0; conf->exceptions_recipients.n && i < message->recipients_kept; i++)
        if (!message->recipients[i].refused &&
            conf_has_address(&conf->exceptions_recipients, a, message->recipients[i].address))
            return true;
    return false;
}

static enum gate_freedom freer(enum gate_freedom x, enum gate_freedom y)
{
    return x == GATE_FREE || y == GATE_FREE ? GATE_FREE : x == GATE_UNSURE ? x : y;
}

/* `domain` is that of the identity, while it is not known what SPF says of it. */
static enum gate_freedom spf_frees(const struct conf *conf,
                                   const struct evidence_spf_identity *identity, struct str domain,
                                   struct arena *a)
{
    if (!is_excepted(conf, a, identity->checked ? identity->outcome.domain : domain))
        return GATE_BOUND;
    if (identity->checked && identity->outcome.result == SPF_PASS)
        return GATE_FREE;
    return identity->checked && identity->outcome.result != SPF_TEMPERROR ? GATE_BOUND
                                                                          : GATE_UNSURE;
}

static enum gate_freedom dkim_frees(const struct conf *conf, const struct evidence_dkim *dkim,
                                    struct arena *a)
{
    enum gate_freedom found = GATE_BOUND;
    for (size_t i = 0; i < dkim->n; i++) {
        const struct dkim_signature *s = &dkim->signatures[i];
        bool matters = s->result == DKIM_PASS || s->result == DKIM_TEMPERROR;
        if (matters && is_excepted(conf, a, s->domain))
            found = freer(found, s->result == DKIM_PASS ? GATE_FREE : GATE_UNSURE);
    }
    return found;
}

/* Before the end of the message its signatures are not known: a sender of an excepted domain may
 * have one. */
static enum gate_freedom domain_frees(const struct conf *conf, const struct session *session,
                                      const struct message *message,
                                      const struct evidence *evidence, struct arena *a)
{
    struct str domain = message->from.null ? session->helo : message->from.domain;
    if (!conf->exceptions_domains.n)
        return GATE_BOUND;
    enum gate_freedom found = GATE_BOUND;
    if (!evidence->spf.skipped.n)
        found = spf_frees(conf, &evidence->spf.mail_from, domain, a);
    if (evidence->spf.helo.checked)
        found = freer(found, spf_frees(conf, &evidence->spf.helo, STR(""), a));
    if (evidence->dkim.checked)
        return freer(found, dkim_frees(conf, &evidence->dkim, a));
    bool may_come = conf->dkim_mode != SWITCH_OFF && is_excepted(conf, a, domain);
    return freer(found, may_come ? GATE_UNSURE : GATE_BOUND);
}

enum gate_freedom gate_freedom(const struct conf *conf, const struct session *session,
                               const struct message *message, const struct evidence *evidence,
                               struct arena *a)
{
    if (netset_has(&conf->exceptions_networks, &session->client) ||
        has_free_recipient(conf, message, a))
        return GATE_FREE;
    return domain_frees(conf, session, message, evidence, a);
}

bool gate_is_responsible(struct str address)
{
    struct str local = str_sub(address, 0, str_find_last(address, '@'));
    return str_eq_nocase(local, STR("postmaster")) || str_eq_nocase(local, STR("abuse"));
}
