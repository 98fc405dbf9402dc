/* ahead.c - asks DNS ahead: the look-ups of a record run at the same time, and those of an
 * unfinished check run on while the client is still talking.
 *
 * Every query started here is charged to the check's budget until evaluation gets to its term, so
 * asked and evaluated terms together never pass what RFC 7208 4.6.4 allows. Includes need more
 * care: what they lead to is not known, and a hostile tree would have its own terms looked up on
 * top of those asked ahead and never reached. So a record is asked for at once only while all that
 * is known of the tree fits into half of the budget; a greedier one is walked include by include.
 *
 * Errors: none. */
#include "spf/evaluate.h"

/* Bytes of the sender and HELO that an errand takes along: of mail they have half of it at most
 * (RFC 5321 4.5.3.1). */
#define WORDS_MAX 1024

static bool mechanism_decides(const struct spf_eval *ev, const struct spf_term *term)
{
    if (term->kind == SPF_ALL)
        return true;
    return !spf_needs_lookup(term->kind) && spf_network_has(term, &ev->values.client);
}

/* Starts the first query of a term; false if it needs none or cannot be known yet. */
static bool ask_ahead(struct spf_eval *ev, struct spf_term *term)
{
    struct dns_asker *asker = ev->asker;
    if (term->kind == SPF_PTR) {
        if (ev->client_names.asked)
            return false;
        dns_prefetch(asker, spf_reverse_name(ev->arena, &ev->values.client), DNS_PTR);
        return true;
    }
    if (spf_unmatchable(ev, term) || (term->letters & SPF_LETTER('p')))
        return false;
    spf_set_target(ev, term);
    bool leads_on = term->kind == SPF_INCLUDE || term->kind == SPF_REDIRECT;
    if (!term->target_is_name || (leads_on && !spf_is_domain(term->target)))
        return false;
    enum dns_type type = leads_on                   ? DNS_TXT
                         : term->kind == SPF_MX     ? DNS_MX
                         : term->kind == SPF_EXISTS ? DNS_A
                                                    : spf_address_type(ev);
    dns_prefetch(asker, term->target, type);
    return true;
}

/* How many terms behind `at` can still be reached and need look-ups that were not asked for. */
static unsigned count_ahead(const struct spf_eval *ev, const struct spf_record *record, size_t at)
{
    unsigned n = 0;
    for (size_t i = at + 1; i < record->n && !mechanism_decides(ev, &record->terms[i]); i++)
        n += spf_needs_lookup(record->terms[i].kind) && !record->terms[i].asked;
    return n;
}

void spf_ask_ahead(struct spf_eval *ev, struct spf_record *record, size_t at)
{
    unsigned budget = ev->request->limits.lookup_terms;
    unsigned known = ev->out->lookup_terms + ev->ahead;
    bool modest = known + count_ahead(ev, record, at) <= budget / 2;
    for (size_t i = at; i < record->n; i++) {
        struct spf_term *term = &record->terms[i];
        if (i > at) {
            if (mechanism_decides(ev, term) || ev->out->lookup_terms + ev->ahead >= budget)
                return;
            if (spf_needs_lookup(term->kind) && !term->asked && ask_ahead(ev, term)) {
                term->asked = true;
                ev->ahead++;
            }
        }
        if (term->kind == SPF_INCLUDE && !modest)
            return;
    }
}

/* One more check of an errand, with what has come by now. */
static void check_again(struct dns_asker *asker, const void *facts)
{
    struct spf_outcome out;
    spf_check(facts, asker, &out);
}

void spf_check_ahead(const struct spf_request *request, struct dns_asker *asker)
{
    if (request->local.n + request->domain.n + request->helo.n > WORDS_MAX)
        return;
    struct dns_errand *errand = dns_errand_new(check_again);
    struct spf_request *copy = arena_make(errand->arena, struct spf_request);
    *copy = *request;
    copy->helo = str_copy(errand->arena, request->helo);
    copy->local = str_copy(errand->arena, request->local);
    copy->domain = str_copy(errand->arena, request->domain);
    copy->receiver = str_copy(errand->arena, request->receiver);
    copy->step = NULL;
    errand->facts = copy;
    dns_errand_begin(errand, asker);
}
