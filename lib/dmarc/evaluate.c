/* evaluate.c - from an author domain and what passed to a result and a policy (RFC 9989 4.10, 5.3).
 *
 * Errors: none are returned. DNS trouble is DMARC_TEMPERROR where it could change the answer, and
 * nothing where it could not.
 *
 * A walk is made only where it can matter: equal names align without one, strict alignment has no
 * use for one, and a domain that is not below the author's organizational domain cannot share it.
 */
#include "dmarc/reason.h"
#include "dmarc/treewalk.h"
#include "mail/domain.h"

struct evaluation {
    const struct dmarc_request *request;
    struct dmarc_outcome *out;
    struct dmarc_walker walker;
    struct dmarc_walk author; /* the author domain's walk, once it is made */
    bool walked;
    enum dns_status existence; /* of the author domain: DNS_ANSWER until it is asked for */
};

static void conclude_dmarc(struct evaluation *e, enum dmarc_result result, struct str reason)
{
    e->out->result = result;
    e->out->reason = reason;
    dmarc_step(&e->walker, 0, "%s: %.*s", dmarc_result_name(result), STR_ARG(reason));
}

static void say_organizational(struct evaluation *e)
{
    dmarc_step(&e->walker, 0, "organizational domain of the author domain%s: %.*s",
               e->walker.psl ? ", by the public suffix list" : "",
               STR_ARG(dmarc_shown(&e->walker, e->out->organizational_domain)));
}

static void walk_author(struct evaluation *e)
{
    if (e->walked)
        return;
    e->walked = true;
    dmarc_walk(&e->walker, e->request->author_domain, &e->author);
    if (dmarc_walk_organizational(&e->author, &e->out->organizational_domain))
        say_organizational(e);
}

/* RFC 9989 4.7, t: one level below what is published. */
static enum dmarc_policy lowered(const struct dmarc_record *record, enum dmarc_policy policy)
{
    return record->testing && policy != DMARC_P_NONE ? policy - 1 : policy;
}

/* True if np= leads elsewhere than the policy for existing subdomains. */
static bool depends_on_existence(const struct dmarc_record *record)
{
    return record->has_np && lowered(record, record->np) != lowered(record, record->sp);
}

/* RFC 9989 3.2.13 and A.4: a domain exists if there is any record at its name, a CNAME to nowhere
 * included, or a name below it. Only a query for that CNAME says so: the answer to every other
 * type is that of the CNAME's target. */
static bool author_exists(struct evaluation *e)
{
    struct str author = e->request->author_domain;
    const struct dns_answer *answer = dns_lookup(e->walker.asker, author, DNS_CNAME);
    e->walker.queries++;
    e->existence = answer->status;
    dmarc_step(&e->walker, 0, "does %.*s exist: %s", STR_ARG(dmarc_shown(&e->walker, author)),
               dns_unknown(answer)              ? "cannot be known now"
               : answer->status == DNS_NXDOMAIN ? "no"
                                                : "yes");
    return answer->status != DNS_NXDOMAIN;
}

/* RFC 9989 4.10.1: p of the author domain's own record; of one above it np, sp or p. */
static void choose_policy(struct evaluation *e, bool inherited)
{
    struct dmarc_outcome *out = e->out;
    const struct dmarc_record *record = &out->record;
    out->policy = record->p;
    out->policy_tag = 'p';
    if (inherited && record->has_sp) {
        out->policy = record->sp;
        out->policy_tag = 's';
    }
    if (inherited && depends_on_existence(record) && !author_exists(e)) {
        out->policy = record->np;
        out->policy_tag = 'n';
    }
    dmarc_step(&e->walker, 0, "policy: %s, from %s of %.*s%s", dmarc_policy_name(out->policy),
               dmarc_tag_name(out->policy_tag),
               STR_ARG(dmarc_shown(&e->walker, out->record_domain)),
               record->testing ? ", lowered by t=y" : "");
    out->policy = lowered(record, out->policy);
}

static bool apply_record(struct evaluation *e, const struct dmarc_node *node, bool inherited)
{
    if (!node->usable) {
        conclude_dmarc(e, DMARC_NONE, dmarc_why_unusable(&e->walker, node));
        return false;
    }
    e->out->record_domain = node->domain;
    e->out->record = node->record;
    e->out->security = node->security;
    choose_policy(e, inherited);
    return true;
}

/* The node above the author domain that has the policy, or could have it: of a record, or unknown;
 * NULL if there is none. */
static const struct dmarc_node *walked_policy(struct evaluation *e)
{
    walk_author(e);
    const struct dmarc_node *unknown = dmarc_walk_unknown(&e->author);
    return unknown ? unknown : dmarc_walk_policy(&e->author);
}

/* The same by the list: RFC 7489 6.6.3. */
static const struct dmarc_node *listed_policy(struct evaluation *e)
{
    const struct dmarc_node *above = dmarc_look(&e->walker, e->out->organizational_domain);
    return above->state == NODE_EMPTY ? NULL : above;
}

/* RFC 9989 4.10.1. False if DMARC does not apply, or if that cannot be known. */
static bool discover_policy(struct evaluation *e)
{
    const struct dmarc_node *own = dmarc_look(&e->walker, e->request->author_domain), *found = own;
    if (own->state == NODE_EMPTY)
        found = e->walker.psl ? listed_policy(e) : walked_policy(e);
    if (found && found->state == NODE_RECORD)
        return apply_record(e, found, found != own);
    if (found)
        conclude_dmarc(e, DMARC_TEMPERROR, dmarc_why_no_policy(&e->walker, found));
    else
        conclude_dmarc(e, DMARC_NONE, dmarc_why_none(&e->walker, own->domain));
    return false;
}

/* RFC 7489 3.1: nothing of this is unknown. */
static enum dmarc_aligned listed_alignment(const struct evaluation *e,
                                           const struct dmarc_identifier *id)
{
    struct str organizational = psl_organizational(e->walker.psl, id->domain);
    return str_eq(organizational, e->out->organizational_domain) ? DMARC_ALIGNED : DMARC_UNALIGNED;
}

/* True if the walk of this identifier may be made. */
static bool afford_walk(struct evaluation *e, const struct dmarc_identifier *id)
{
    unsigned *left = e->request->identifier_queries;
    unsigned cost = dmarc_walk_cost(&e->walker, id->domain);
    if (!left)
        return true;
    if (cost > *left) {
        dmarc_step(&e->walker, 0, "%.*s: no DNS query is left for its walk (dns.max-queries)",
                   STR_ARG(dmarc_identifier_shown(&e->walker, id)));
        return false;
    }
    *left -= cost;
    return true;
}

/* RFC 9989 4.10.2 */
static enum dmarc_aligned alignment(struct evaluation *e, const struct dmarc_identifier *id)
{
    struct str author = e->request->author_domain;
    struct str top = domain_last_labels(author, 1);
    struct dmarc_walk walk;
    if (str_eq(id->domain, author))
        return DMARC_ALIGNED;
    if (dmarc_mode(&e->out->record, id) == DMARC_STRICT)
        return DMARC_UNALIGNED;
    if (e->walker.psl)
        return listed_alignment(e, id);
    if (!domain_is_at_or_below(id->domain, top))
        return DMARC_UNALIGNED;
    walk_author(e);
    struct str organizational = e->out->organizational_domain;
    if (organizational.n && !domain_is_at_or_below(id->domain, organizational))
        return DMARC_UNALIGNED;
    if (!afford_walk(e, id))
        return DMARC_UNALIGNED;
    dmarc_walk(&e->walker, id->domain, &walk);
    return dmarc_walks_align(&e->author, &walk);
}

/* One passing identifier; true if it could be aligned, as far as is known. */
static bool try_passing(struct evaluation *e, size_t i, bool equal)
{
    const struct dmarc_identifier *id = &e->request->ids[i];
    bool *found = id->spf ? &e->out->spf_aligned : &e->out->dkim_aligned;
    if (id->auth != DMARC_AUTH_PASS || *found ||
        equal != str_eq(id->domain, e->request->author_domain))
        return false;
    enum dmarc_aligned aligned = alignment(e, id);
    dmarc_step(&e->walker, 0, "%.*s passed: %s", STR_ARG(dmarc_identifier_shown(&e->walker, id)),
               dmarc_aligned_word(aligned));
    if (aligned == DMARC_ALIGNED) {
        if (!e->out->spf_aligned && !e->out->dkim_aligned)
            e->out->aligned_index = i;
        *found = true;
    }
    return aligned != DMARC_UNALIGNED;
}

/* All passing identifiers, those that need no walk first. Gives the first that may be aligned, but
 * is not known to be; n_ids if there is none. */
static size_t judge_passing(struct evaluation *e)
{
    size_t maybe = e->request->n_ids;
    for (size_t i = 0; i < e->request->n_ids; i++)
        try_passing(e, i, true);
    for (size_t i = 0; i < e->request->n_ids; i++)
        if (try_passing(e, i, false) && maybe == e->request->n_ids)
            maybe = i;
    return maybe;
}

/* The first identifier that may pass yet and may be aligned; n_ids if there is none. */
static size_t judge_unknown(struct evaluation *e)
{
    for (size_t i = 0; i < e->request->n_ids; i++) {
        const struct dmarc_identifier *id = &e->request->ids[i];
        if (id->auth != DMARC_AUTH_UNKNOWN)
            continue;
        enum dmarc_aligned aligned = alignment(e, id);
        dmarc_step(&e->walker, 0, "%.*s may pass yet: %s",
                   STR_ARG(dmarc_identifier_shown(&e->walker, id)), dmarc_aligned_word(aligned));
        if (aligned != DMARC_UNALIGNED)
            return i;
    }
    return e->request->n_ids;
}

/* RFC 9989 5.3.5 */
static void judge_identifier(struct evaluation *e)
{
    const struct dmarc_request *request = e->request;
    const struct dmarc_outcome *out = e->out;
    size_t maybe = judge_passing(e);
    if (out->spf_aligned || out->dkim_aligned) {
        conclude_dmarc(e, DMARC_PASS, dmarc_why_pass(&e->walker, request, out->aligned_index));
        return;
    }
    if (maybe == request->n_ids)
        maybe = judge_unknown(e);
    if (maybe < request->n_ids)
        conclude_dmarc(e, DMARC_TEMPERROR, dmarc_why_undecided(&e->walker, request, maybe));
    else if (e->existence >= DNS_SERVFAIL)
        conclude_dmarc(e, DMARC_TEMPERROR, dmarc_why_no_existence(&e->walker, out, e->existence));
    else
        conclude_dmarc(e, DMARC_FAIL, dmarc_why_fail(&e->walker, request, out));
}

void dmarc_evaluate(const struct dmarc_request *request, struct dns_asker *asker,
                    struct dmarc_outcome *out)
{
    struct evaluation e = {
        .request = request,
        .out = out,
        .walker = {.asker = asker,
                   .psl = request->psl,
                   .step = request->step,
                   .step_context = request->step_context},
        .existence = DNS_ANSWER,
    };
    *out = (struct dmarc_outcome){.author_domain = request->author_domain, .policy_tag = '-'};
    if (request->psl) {
        out->discovery = DMARC_PSL;
        out->organizational_domain = psl_organizational(request->psl, request->author_domain);
        say_organizational(&e);
    }
    if (discover_policy(&e))
        judge_identifier(&e);
    out->queries = e.walker.queries;
}

unsigned dmarc_author_cost(struct str domain, const struct psl *psl)
{
    const struct dmarc_walker nothing_seen = {0};
    return (psl ? 2 : dmarc_walk_cost(&nothing_seen, domain)) + 1;
}

/* Starts the queries; the node above the domain whose record is its policy, if the cache tells. */
static const struct dmarc_node *start_walk(struct dmarc_walker *walker, struct str domain)
{
    struct dmarc_walk walk;
    dmarc_walk(walker, domain, &walk);
    bool known = walk.nodes[0]->state == NODE_EMPTY && !dmarc_walk_unknown(&walk);
    return known ? dmarc_walk_policy(&walk) : NULL;
}

/* An author domain, and its organizational domain by the list; that is empty without one. */
struct ahead {
    struct str domain, organizational;
};

/* The same by the list. */
static const struct dmarc_node *start_listed(struct dmarc_walker *walker, const struct ahead *a)
{
    const struct dmarc_node *own = dmarc_look(walker, a->domain);
    if (own->state == NODE_RECORD)
        return NULL;
    const struct dmarc_node *above = dmarc_look(walker, a->organizational);
    return own->state == NODE_EMPTY && above->state == NODE_RECORD ? above : NULL;
}

/* The walk, and what its records lead to: the question whether the author domain exists. */
static void prefetch_walk(const struct ahead *a, struct dns_asker *asker)
{
    struct dmarc_walker walker = {.asker = asker};
    const struct dmarc_node *above =
        a->organizational.n ? start_listed(&walker, a) : start_walk(&walker, a->domain);
    if (above && depends_on_existence(&above->record))
        dns_start(asker, a->domain, DNS_CNAME);
}

/* The same when more has come; a record of the domain's own, as most have one, ends it. */
static void prefetch_on(struct dns_asker *asker, const void *facts)
{
    const struct ahead *a = facts;
    struct dmarc_walker walker = {.asker = asker};
    if (dmarc_look(&walker, a->domain)->state == NODE_EMPTY)
        prefetch_walk(a, asker);
}

static void send_errand(const struct ahead *a, struct dns_asker *asker)
{
    struct dns_errand *errand = dns_errand_new(prefetch_on);
    struct ahead *copy = arena_make(errand->arena, struct ahead);
    *copy = (struct ahead){str_copy(errand->arena, a->domain),
                           str_copy(errand->arena, a->organizational)};
    errand->facts = copy;
    dns_errand_begin(errand, asker);
}

void dmarc_prefetch(struct str domain, const struct psl *psl, struct dns_asker *asker)
{
    /* What is cached already ends the walk where it would end later, too. */
    const struct ahead ahead = {domain, psl ? psl_organizational(psl, domain) : STR("")};
    struct dns_asker patient = *asker;
    asker->patience_us = 0;
    asker->may_pend = true;
    asker->trace = NULL;
    asker->pending_entry = NULL;
    prefetch_walk(&ahead, asker);
    asker->patience_us = patient.patience_us;
    asker->may_pend = patient.may_pend;
    asker->trace = patient.trace;
    if (asker->pending_entry && !str_eq(domain, ahead.organizational))
        send_errand(&ahead, asker);
}
