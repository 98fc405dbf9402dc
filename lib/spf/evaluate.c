/* evaluate.c - check_host() of RFC 7208 4: from a domain and a client to a result.
 *
 * Errors: every trouble is a result with a phrase: none, temperror or permerror. A check whose
 * asker does not wait ends as pending, keeps nothing, and is asked again from the start; the cache
 * then has what was missing. Recursion is bounded by the limit of terms with look-ups, since every
 * include and redirect is one. */
#include "spf/evaluate.h"

#include "mail/domain.h"

/* A network of fewer bits says little of a client. */
#define NARROW_BITS4 8
#define NARROW_BITS6 16

#define EXPLANATION_MAX                                                                            \
    2000               /* RFC 7208 6.2 allows a limit; replies are cut again by their writer */
#define PATH_LIMIT 256 /* RFC 5321 4.5.3.1.3: what is longer is in no mail */

const struct spf_limits spf_limits_default = {
    .lookup_terms = 10, .void_lookups = 2, .names = 10, .queries = SPF_QUERIES_ANY};

const char *spf_result_name(enum spf_result result)
{
    static const char *const names[SPF_RESULT_COUNT] = {
        [SPF_NONE] = "none",           [SPF_NEUTRAL] = "neutral",   [SPF_PASS] = "pass",
        [SPF_FAIL] = "fail",           [SPF_SOFTFAIL] = "softfail", [SPF_TEMPERROR] = "temperror",
        [SPF_PERMERROR] = "permerror",
    };
    return names[result];
}

/* What a record decided. */
struct decision {
    struct str term;        /* as published; STR_NONE: no term matched */
    struct str explanation; /* exp= of the same record */
    uint32_t explanation_letters;
};

static enum spf_result check_host(struct spf_eval *ev, struct str domain, struct decision *d);

/* ---- names ---- */

/* True if DNS can be asked for it: labels of 1 to 63 bytes, printable ASCII; of more than
 * DOMAIN_MAX bytes only a single label comes here. RFC 7208 4.8 leaves open what a target-name is
 * worth that is none: here it matches nothing. */
static bool is_name(struct str name)
{
    return domain_has_labels(name, 0x20);
}

bool spf_is_domain(struct str name)
{
    return is_name(name) && domain_labels(name) > 1;
}

bool spf_unmatchable(const struct spf_eval *ev, const struct spf_term *term)
{
    return (term->letters & ev->barred) != 0;
}

void spf_set_target(struct spf_eval *ev, struct spf_term *term)
{
    if (term->target_known)
        return;
    term->target = ev->values.domain;
    if (term->spec.p)
        term->target = spf_expand_name(ev->arena, term->spec, &ev->values);
    term->target_is_name = is_name(term->target);
    term->target_known = true;
}

/* %{p} is one look-up of the budget, made once for the whole check (RFC 7208 4.6.4). False: stop.
 */
static bool find_target(struct spf_eval *ev, struct spf_term *term)
{
    if (term->letters & SPF_LETTER('p')) {
        if (!ev->client_names.asked && spf_charge(ev) == SPF_STOP)
            return false;
        if (!spf_find_validated(ev))
            return false;
    }
    spf_set_target(ev, term);
    return true;
}

/* ---- records ---- */

static enum spf_result no_record(struct spf_eval *ev, struct str domain, const char *why)
{
    struct str shown = domain.n ? spf_clean(ev, domain) : STR("the empty name");
    ev->out->problem = str_printf(ev->arena, "%.*s %s", STR_ARG(shown), why);
    STEP(ev, "%.*s", STR_ARG(ev->out->problem));
    return SPF_NONE;
}

/* The one SPF record of an answer (RFC 7208 4.5). False: *result says why there is none. */
static bool select_record(struct spf_eval *ev, struct str domain, const struct dns_answer *answer,
                          struct str *text, enum spf_result *result)
{
    *text = STR_NONE;
    for (size_t i = 0; i < answer->n; i++) {
        if (!spf_is_record(answer->rr[i].text))
            continue;
        if (text->p) {
            spf_stop(ev, SPF_PERMERROR, "%.*s has two SPF records (RFC 7208 4.5)",
                     STR_ARG(spf_clean(ev, domain)));
            *result = SPF_PERMERROR;
            return false;
        }
        *text = answer->rr[i].text;
    }
    if (!text->p)
        *result = no_record(
            ev, domain, answer->status == DNS_NXDOMAIN ? "does not exist" : "has no SPF record");
    return text->p != NULL;
}

/* Looks the record up and parses it. False: *result says why there is none; or pending. */
static bool load_record(struct spf_eval *ev, struct str domain, struct spf_record *record,
                        enum spf_result *result)
{
    struct str text, problem;
    const struct dns_answer *answer = spf_ask(ev, domain, DNS_TXT);
    if (!answer) {
        *result = ev->stop;
        return false;
    }
    if (dns_unknown(answer)) {
        spf_stop_unknown(ev, domain, DNS_TXT, answer);
        *result = SPF_TEMPERROR;
        return false;
    }
    if (!select_record(ev, domain, answer, &text, result))
        return false;
    STEP(ev, "SPF record of %.*s: %.*s", STR_ARG(spf_clean(ev, domain)),
         STR_ARG(str_safe(ev->arena, text, 2048, false)));
    unsigned left = ev->request->limits.lookup_terms - ev->out->lookup_terms;
    /* A listener to steps wants to hear of every term. */
    const struct netaddr *client = ev->request->step ? NULL : &ev->values.client;
    if (spf_record_parse(ev->arena, text, left, client, record, &problem))
        return true;
    spf_stop(ev, SPF_PERMERROR, "SPF record of %.*s: %.*s", STR_ARG(spf_clean(ev, domain)),
             STR_ARG(problem));
    *result = SPF_PERMERROR;
    return false;
}

/* ---- terms ---- */

/* A record that must exist does not, or its name cannot. */
static enum spf_match stop_leading_nowhere(struct spf_eval *ev, const struct spf_term *term)
{
    struct str why = ev->out->problem;
    return spf_stop(ev, SPF_PERMERROR, "%.*s: %.*s (RFC 7208 %s)",
                    STR_ARG(spf_clean(ev, term->text)), STR_ARG(why),
                    term->kind == SPF_INCLUDE ? "5.2" : "6.1");
}

/* RFC 7208 5.2. */
static enum spf_match match_include(struct spf_eval *ev, const struct spf_term *term)
{
    struct decision theirs = {0};
    struct str domain = ev->values.domain;
    ev->depth++;
    enum spf_result result = check_host(ev, term->target, &theirs);
    ev->depth--;
    ev->values.domain = domain;
    if (ev->out->pending)
        return SPF_STOP;
    switch (result) {
    case SPF_PASS:
        return SPF_MATCH;
    case SPF_FAIL:
    case SPF_SOFTFAIL:
    case SPF_NEUTRAL:
        return SPF_NO_MATCH;
    case SPF_NONE:
        return stop_leading_nowhere(ev, term);
    default:
        ev->stop = result;
        return SPF_STOP;
    }
}

/* Charges a term with look-ups, asks ahead, and works its target out. False: stop. */
static bool prepare_record(struct spf_eval *ev, struct spf_record *record, size_t at)
{
    struct spf_term *term = &record->terms[at];
    if (term->asked)
        ev->ahead--;
    if (spf_charge(ev) == SPF_STOP)
        return false;
    STEP(ev, "%.*s (look-up %u of %u allowed)", STR_ARG(spf_clean(ev, term->text)),
         ev->out->lookup_terms, ev->request->limits.lookup_terms);
    spf_ask_ahead(ev, record, at);
    if (!spf_unmatchable(ev, term))
        return find_target(ev, term);
    STEP(ev, "the local part or the HELO name cannot be in a domain name: no match");
    return true;
}

static enum spf_match match_term(struct spf_eval *ev, struct spf_record *record, size_t at)
{
    struct spf_term *term = &record->terms[at];
    if (!spf_needs_lookup(term->kind))
        return spf_mechanism(ev, term);
    if (!prepare_record(ev, record, at))
        return SPF_STOP;
    if (spf_unmatchable(ev, term))
        return SPF_NO_MATCH;
    if (term->kind == SPF_INCLUDE)
        return match_include(ev, term);
    if (term->target_is_name)
        return spf_mechanism(ev, term);
    STEP(ev, "%.*s is no domain name", STR_ARG(spf_clean(ev, term->target)));
    return SPF_NO_MATCH;
}

/* A name that is made of the client's address acts as exists does. */
static bool is_named_by_client(const struct spf_term *term)
{
    return term->letters & (SPF_LETTER('i') | SPF_LETTER('c') | SPF_LETTER('p'));
}

/* The terms of an include have been told already. */
static bool is_narrow(const struct spf_eval *ev, const struct spf_term *term)
{
    if (term->kind == SPF_INCLUDE || term->kind == SPF_REDIRECT)
        return ev->narrow && !is_named_by_client(term);
    if (term->kind == SPF_ALL || term->kind == SPF_PTR || term->kind == SPF_EXISTS)
        return false;
    bool wide =
        ev->values.client.family == 6 ? term->bits6 < NARROW_BITS6 : term->bits4 < NARROW_BITS4;
    return !wide && !is_named_by_client(term);
}

/* RFC 7208 6.1. A redirect that RFC 8616 4 forbids to follow counts as not there. */
static enum spf_result redirect(struct spf_eval *ev, struct spf_record *record, size_t at,
                                struct decision *d)
{
    struct spf_term *term = &record->terms[at];
    if (!prepare_record(ev, record, at))
        return ev->stop;
    if (spf_unmatchable(ev, term))
        return SPF_NEUTRAL;
    enum spf_result result = check_host(ev, term->target, d);
    ev->narrow = is_narrow(ev, term);
    if (result != SPF_NONE || ev->out->pending)
        return result;
    stop_leading_nowhere(ev, term);
    return SPF_PERMERROR;
}

static enum spf_result check_host(struct spf_eval *ev, struct str domain, struct decision *d)
{
    struct spf_record record;
    enum spf_result result;
    if (!spf_is_domain(domain))
        return no_record(ev, domain, "is no domain name");
    ev->values.domain = domain;
    if (!load_record(ev, domain, &record, &result))
        return result;
    for (size_t i = 0; i < record.n; i++) {
        const struct spf_term *term = &record.terms[i];
        if (term->kind == SPF_REDIRECT)
            return redirect(ev, &record, i, d);
        enum spf_match match = match_term(ev, &record, i);
        if (match == SPF_STOP)
            return ev->stop;
        STEP(ev, "%.*s %s%s", STR_ARG(spf_clean(ev, term->text)),
             match == SPF_MATCH ? "matches: " : "does not match",
             match == SPF_MATCH ? spf_result_name(term->result) : "");
        if (match == SPF_MATCH) {
            ev->narrow = is_narrow(ev, term);
            *d = (struct decision){term->text, record.explanation, record.explanation_letters};
            return term->result;
        }
    }
    STEP(ev, "no term matches: neutral (RFC 7208 4.7)");
    return SPF_NEUTRAL;
}

/* ---- the explanation ---- */

/* Expands the text that exp= leads to. STR_NONE if it is no explain-string, or pending. */
static struct str expand_explanation(struct spf_eval *ev, struct str text)
{
    uint32_t letters;
    const char *problem = spf_macro_check(text, SPF_MACRO_IN_EXPLANATION, &letters);
    if (problem) {
        STEP(ev, "the explanation %s", problem);
        return STR_NONE;
    }
    if ((letters & SPF_LETTER('p')) && !spf_find_validated(ev))
        return STR_NONE;
    struct str expanded = spf_expand_text(ev->arena, text, &ev->values, EXPLANATION_MAX);
    return str_is_ascii(expanded) ? expanded : STR_NONE;
}

/* RFC 7208 6.2: whatever goes wrong, there is no explanation and the result stays. */
static void fetch_explanation(struct spf_eval *ev, const struct decision *d)
{
    struct spf_term exp = {.spec = d->explanation, .letters = d->explanation_letters};
    if (!exp.spec.p || spf_unmatchable(ev, &exp))
        return;
    if ((exp.letters & SPF_LETTER('p')) && !spf_find_validated(ev))
        return;
    spf_set_target(ev, &exp);
    if (!exp.target_is_name)
        return;
    const struct dns_answer *answer = spf_ask(ev, exp.target, DNS_TXT);
    if (!answer)
        return;
    if (answer->n == 1)
        ev->out->explanation = expand_explanation(ev, answer->rr[0].text);
    else
        STEP(ev, "no explanation: %zu TXT records", answer->n);
}

/* A check that has its result does not lose it for want of queries. */
static void explain_fail(struct spf_eval *ev, const struct decision *d)
{
    struct str problem = ev->out->problem;
    fetch_explanation(ev, d);
    ev->out->problem = problem;
    ev->out->out_of_queries = false;
}

/* ---- the check ---- */

static void begin_check(struct spf_eval *ev, const struct spf_request *request, struct str domain)
{
    struct spf_macro_values *v = &ev->values;
    struct strbuf sender;
    struct str helo;
    v->local = request->local.n ? request->local : STR("postmaster"); /* RFC 7208 4.3 */
    v->sender_domain = domain;
    sb_init(&sender, ev->arena);
    sb_add(&sender, v->local);
    sb_addc(&sender, '@');
    sb_add(&sender, domain);
    v->sender = sb_str(&sender);
    v->client = request->client;
    v->helo = request->helo;
    if (!str_is_ascii(request->helo) && domain_normalize(ev->arena, request->helo, &helo))
        v->helo = helo; /* RFC 8616 4 */
    v->receiver = request->receiver;
    v->now = request->now;
    if (!str_is_ascii(v->local) || v->local.n > PATH_LIMIT) /* RFC 8616 4 */
        ev->barred |= SPF_LETTER('s') | SPF_LETTER('l');
    if (v->helo.n > PATH_LIMIT)
        ev->barred |= SPF_LETTER('h');
}

void spf_check(const struct spf_request *request, struct dns_asker *asker, struct spf_outcome *out)
{
    struct spf_eval ev = {
        .request = request, .asker = asker, .arena = asker->arena, .out = out, .stop = SPF_NONE};
    struct decision decision = {0};
    struct str domain;
    char client[NETADDR_TEXT];
    *out = (struct spf_outcome){.result = SPF_NONE};
    if (!request->domain.n) {
        out->domain = STR("");
        out->problem = STR(SPF_NO_DOMAIN);
        STEP(&ev, SPF_NO_DOMAIN);
        return;
    }
    if (!domain_normalize(ev.arena, request->domain, &domain) || !spf_is_domain(domain)) {
        out->domain = str_copy(ev.arena, request->domain);
        no_record(&ev, out->domain, "is no domain name with more than one label (RFC 7208 4.3)");
        return;
    }
    out->domain = domain;
    begin_check(&ev, request, domain);
    STEP(&ev, "may %s send for %.*s?", netaddr_format(&request->client, client),
         STR_ARG(spf_clean(&ev, ev.values.sender)));
    out->result = check_host(&ev, domain, &decision);
    if (!out->pending && out->result == SPF_FAIL && request->want_explanation)
        explain_fail(&ev, &decision);
    if (out->pending) {
        *out = (struct spf_outcome){.pending = true};
        return;
    }
    out->narrow = ev.narrow;
    out->mechanism = decision.term.p ? spf_clean(&ev, decision.term) : STR("");
    STEP(&ev, "result: %s", spf_result_name(out->result));
}

void spf_prefetch(struct str domain, struct dns_asker *asker)
{
    struct str name;
    if (domain_normalize(asker->arena, domain, &name) && spf_is_domain(name))
        dns_prefetch(asker, name, DNS_TXT);
}
