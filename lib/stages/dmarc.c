/* dmarc.c - reads the author domain(s) from From, starts their DNS at the end of the header, and
 * lets lib/dmarc compare them with what SPF and DKIM found.
 *
 * Several author domains are no valid message for DMARC: each is evaluated, and the strictest
 * outcome holds (RFC 9989 11.5), never "the first".
 *
 * Errors: DNS trouble is the result temperror; a From that gives no author domain and should is
 * permerror, one that has none by its nature is none (RFC 9989 5.3.1). */
#include "core/request.h"
#include "core/stage.h"
#include "mail/domain.h"

#define SIGNERS_PREFETCHED 3

struct state {
    size_t n; /* distinct author domains */
    struct str *domains;
};

/* False if it is one too many, or needs more DNS queries than DMARC has: a message some of whose
 * domains are not evaluated would get by with the mildest. */
static bool add_domain(struct state *state, struct str domain, const struct conf *conf,
                       unsigned *queries)
{
    for (size_t i = 0; i < state->n; i++)
        if (str_eq(state->domains[i], domain))
            return true;
    unsigned cost = dmarc_author_cost(domain, conf->psl);
    if (state->n == (size_t)conf->dmarc_max_authors || cost > *queries)
        return false;
    *queries -= cost;
    state->domains[state->n++] = domain;
    return true;
}

/* The author domains, or what is wrong with From. *queries: DMARC's, and what the domains leave of
 * them. */
static struct str read_authors(struct stage_run *run, struct state *state, unsigned *queries)
{
    const struct message *m = run->message;
    struct evidence_dmarc *dmarc = &run->evidence->dmarc;
    enum from_status *status = &dmarc->from_status;
    struct from_parsed from;
    from_parse(m->arena, &m->headers, &from);
    *status = from.status;
    if (from.status == FROM_EMPTY && m->from.null)
        *status = FROM_NO_DOMAIN;
    if (from.status == FROM_UNPARSED)
        dmarc->from_problem = from.problem;
    else if (from.status != FROM_OK)
        return from.problem;
    state->domains = arena_array(m->arena, struct str, (size_t)run->conf->dmarc_max_authors);
    for (size_t i = 0; i < from.n; i++) {
        if (!from.mailboxes[i].domain_ok) {
            *status = FROM_SYNTAX;
            return STR("From has an address without a domain name");
        }
        if (!add_domain(state, from.mailboxes[i].domain, run->conf, queries)) {
            *status = FROM_TOO_MANY;
            return STR("From names too many author domains");
        }
    }
    return STR_NONE;
}

/* Starts what the evaluation is likely to ask for. A list needs nothing for identifiers, and of
 * many signatures few have domains of their own: others wait until one of them has passed. */
static void prefetch_policies(struct stage_run *run, struct str author)
{
    const struct evidence_dkim *dkim = &run->evidence->dkim;
    struct str sender;
    dmarc_prefetch(author, run->conf->psl, run->asker);
    if (run->conf->psl)
        return;
    if (domain_normalize(run->message->arena, run->message->from.domain, &sender))
        dmarc_prefetch_identifier(sender, author, run->asker);
    for (size_t i = 0; i < dkim->n_claimed && i < SIGNERS_PREFETCHED; i++)
        dmarc_prefetch_identifier(dkim->claimed[i], author, run->asker);
}

static void dmarc_eoh(struct stage_run *run)
{
    struct evidence_dmarc *dmarc = &run->evidence->dmarc;
    if (run->conf->dmarc_mode == CHECK_OFF)
        return;
    struct state *state = arena_make(run->message->arena, struct state);
    run->state = state;
    dmarc->identifier_queries = request_shares(run->conf).dmarc;
    dmarc->reason = read_authors(run, state, &dmarc->identifier_queries);
    if (dmarc->reason.n)
        state->n = 0;
    for (size_t i = 0; i < state->n; i++)
        prefetch_policies(run, state->domains[i]);
}

/* How much an outcome asks for; what cannot be known now weighs more than a sure quarantine,
 * because it could be a rejection. */
static int strictness(const struct dmarc_outcome *o)
{
    switch (o->result) {
    case DMARC_FAIL:
        return o->policy == DMARC_P_REJECT ? 6 : o->policy == DMARC_P_QUARANTINE ? 4 : 3;
    case DMARC_TEMPERROR:
    case DMARC_PERMERROR:
        return 5;
    case DMARC_NONE:
        return 2;
    default:
        return 1;
    }
}

/* The domain of a list: in the angle brackets of List-Id (RFC 2919 2). */
static bool list_domain(struct arena *a, const struct header_list *headers, struct str *domain)
{
    const struct header_field *field = header_get(headers, STR("List-Id"), 0);
    if (!field)
        return false;
    struct str value = header_unfold(a, field->value);
    size_t open = str_find_last(value, '<');
    if (open == value.n)
        return false;
    struct str inside = str_sub(value, open + 1, str_find(value, open, '>'));
    return domain_normalize(a, str_trim(inside), domain);
}

/* A list's own signature. Anybody can write and sign a List-Id, so both have to be of one entry of
 * dmarc.mailing-lists: then what both lie below does, too. */
static enum dmarc_auth list_signature(struct stage_run *run)
{
    const struct conf_strings *lists = &run->conf->dmarc_mailing_lists;
    const struct evidence_dkim *dkim = &run->evidence->dkim;
    enum dmarc_auth found = DMARC_AUTH_FAIL;
    struct str list;
    if (!lists->n || !dkim->n || !list_domain(run->message->arena, &run->message->headers, &list))
        return DMARC_AUTH_FAIL;
    for (size_t i = 0; i < dkim->n; i++) {
        const struct dkim_signature *s = &dkim->signatures[i];
        if (!conf_has_domain(lists, domain_common(list, s->domain)))
            continue;
        if (request_auth_of(s) == DMARC_AUTH_PASS)
            return DMARC_AUTH_PASS;
        if (request_auth_of(s) == DMARC_AUTH_UNKNOWN)
            found = DMARC_AUTH_UNKNOWN;
    }
    return found;
}

static void evaluate_authors(struct stage_run *run, const struct state *state)
{
    struct evidence_dmarc *dmarc = &run->evidence->dmarc;
    struct dmarc_request request = request_dmarc(run->conf, run->message, run->evidence);
    struct dmarc_outcome *outcomes =
        arena_array(run->message->arena, struct dmarc_outcome, state->n);
    for (size_t i = 0; i < state->n; i++) {
        request.author_domain = state->domains[i];
        dmarc_evaluate(&request, run->asker, &outcomes[i]);
        if (strictness(&outcomes[i]) > strictness(&outcomes[dmarc->decisive]))
            dmarc->decisive = i;
    }
    if (dmarc->from_problem.n) /* then there is one author domain */
        outcomes[0].reason = str_printf(
            run->message->arena, "%.*s; From does not parse (%.*s), and names only %.*s",
            STR_ARG(outcomes[0].reason), STR_ARG(dmarc->from_problem), STR_ARG(state->domains[0]));
    dmarc->identifier_queries = *request.identifier_queries; /* ARC may need some, too */
    dmarc->n = state->n;
    dmarc->outcomes = outcomes;
    dmarc->result = outcomes[dmarc->decisive].result;
    dmarc->reason = outcomes[dmarc->decisive].reason;
}

static void dmarc_eom(struct stage_run *run)
{
    struct evidence_dmarc *dmarc = &run->evidence->dmarc;
    const struct state *state = run->state;
    if (!state)
        return;
    dmarc->checked = true;
    if (state->n)
        evaluate_authors(run, state);
    else
        dmarc->result = dmarc->from_status == FROM_NO_DOMAIN ? DMARC_NONE : DMARC_PERMERROR;
    dmarc->list_signature = list_signature(run);
}

const struct stage stage_dmarc = {.name = "dmarc",
                                  .favoured = true,
                                  .eoh = dmarc_eoh,
                                  .eom = dmarc_eom,
                                  .telling = &telling_dmarc};
