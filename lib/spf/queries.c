/* queries.c - the DNS queries of a check: asked, told as steps, and counted against the limits of
 * RFC 7208 4.6.4; and how a check stops.
 *
 * Errors: SPF_STOP or NULL; then ev->stop or out->pending says why. */
#include "mail/domain.h"
#include "spf/evaluate.h"

#define CLEAN_MAX    255 /* bytes of a term or name in a phrase */
#define STEP_RECORDS 10  /* records of an answer that a step shows */

/* ---- words ---- */

void spf_step(struct spf_eval *ev, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct str text = str_vprintf(ev->arena, format, args);
    va_end(args);
    ev->request->step(ev->request->step_context, ev->depth, text);
}

struct str spf_clean(struct spf_eval *ev, struct str text)
{
    return str_safe(ev->arena, text, CLEAN_MAX, false);
}

enum spf_match spf_stop(struct spf_eval *ev, enum spf_result result, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    ev->out->problem = str_vprintf(ev->arena, format, args);
    va_end(args);
    STEP(ev, "%.*s", STR_ARG(ev->out->problem));
    ev->stop = result;
    return SPF_STOP;
}

/* ---- queries ---- */

static void step_answer(struct spf_eval *ev, struct str name, enum dns_type type,
                        const struct dns_answer *answer)
{
    struct strbuf b;
    char text[NETADDR_TEXT];
    sb_init(&b, ev->arena);
    for (size_t i = 0; i < answer->n && i < STEP_RECORDS; i++) {
        const struct dns_rr *rr = &answer->rr[i];
        sb_add(&b, i ? STR(", ") : STR(" "));
        if (rr->addr.family)
            sb_add(&b, str_of(netaddr_format(&rr->addr, text)));
        else
            sb_add(&b, spf_clean(ev, rr->text));
    }
    if (answer->n > STEP_RECORDS)
        sb_printf(&b, " and %zu more", answer->n - STEP_RECORDS);
    struct str shown = answer->n ? sb_str(&b) : str_of(dns_status_name(answer->status));
    STEP(ev, "%s of %.*s:%s%.*s", dns_type_name(type), STR_ARG(spf_clean(ev, name)),
         answer->n ? "" : " ", STR_ARG(shown));
}

/* False: the check ends here. What is cached counts too: a result that depended on the cache would
 * be another one each time. */
static bool charge_query(struct spf_eval *ev)
{
    unsigned limit = ev->request->limits.queries;
    if (ev->out->queries < limit) {
        ev->out->queries++;
        return true;
    }
    ev->out->out_of_queries = true;
    spf_stop(ev, SPF_PERMERROR,
             "more than the %u DNS queries that SPF may make for a message (dns.max-queries)",
             limit);
    return false;
}

const struct dns_answer *spf_ask(struct spf_eval *ev, struct str name, enum dns_type type)
{
    if (!charge_query(ev))
        return NULL;
    const struct dns_answer *answer = dns_lookup(ev->asker, name, type);
    if (answer->status == DNS_PENDING) {
        ev->out->pending = true;
        return NULL;
    }
    if (ev->request->step)
        step_answer(ev, name, type, answer);
    return answer;
}

enum spf_match spf_stop_unknown(struct spf_eval *ev, struct str name, enum dns_type type,
                                const struct dns_answer *answer)
{
    return spf_stop(ev, SPF_TEMPERROR, "look-up of %s for %.*s failed: %s", dns_type_name(type),
                    STR_ARG(spf_clean(ev, name)), dns_status_name(answer->status));
}

/* ---- limits ---- */

enum spf_match spf_charge(struct spf_eval *ev)
{
    unsigned limit = ev->request->limits.lookup_terms;
    if (ev->out->lookup_terms >= limit)
        return spf_stop(ev, SPF_PERMERROR,
                        "more than %u terms that need DNS look-ups (RFC 7208 4.6.4)", limit);
    ev->out->lookup_terms++;
    return SPF_NO_MATCH;
}

static void note_void(struct spf_eval *ev, enum dns_type type, const struct str *names, size_t n)
{
    struct spf_void **end = &ev->voids;
    while (*end)
        end = &(*end)->next;
    *end = arena_make(ev->arena, struct spf_void);
    (*end)->type = type;
    (*end)->names = names;
    (*end)->n = n;
}

/* SPF_MATCH if one of the term's names has an address of the other family. */
static enum spf_match has_other_family(struct spf_eval *ev, struct spf_void *v)
{
    enum dns_type other = v->type == DNS_A ? DNS_AAAA : DNS_A;
    while (v->looked_at < v->n) {
        struct str name = v->names[v->looked_at++];
        const struct dns_answer *answer = spf_ask(ev, name, other);
        if (!answer)
            return SPF_STOP;
        if (dns_unknown(answer))
            return spf_stop_unknown(ev, name, other, answer);
        if (answer->n == 0)
            continue;
        STEP(ev, "%.*s has addresses, of the other family: no void look-up",
             STR_ARG(spf_clean(ev, name)));
        v->looked_at = v->n;
        return SPF_MATCH;
    }
    return SPF_NO_MATCH;
}

/* SPF_MATCH if one term fewer is void than was thought. */
static enum spf_match acquit_one(struct spf_eval *ev)
{
    enum spf_match match = SPF_NO_MATCH;
    for (struct spf_void *v = ev->voids; v && match == SPF_NO_MATCH; v = v->next)
        match = has_other_family(ev, v);
    return match;
}

enum spf_match spf_charge_void(struct spf_eval *ev, enum dns_type type, const struct str *names,
                               size_t n)
{
    unsigned limit = ev->request->limits.void_lookups;
    if (n)
        note_void(ev, type, names, n);
    if (ev->out->void_lookups >= limit) {
        enum spf_match match = acquit_one(ev);
        if (match == SPF_NO_MATCH)
            return spf_stop(ev, SPF_PERMERROR,
                            "more than %u terms whose DNS look-ups find nothing (RFC 7208 4.6.4)",
                            limit);
        return match == SPF_STOP ? SPF_STOP : SPF_NO_MATCH;
    }
    ev->out->void_lookups++;
    STEP(ev, "found nothing: void look-up %u of %u allowed", ev->out->void_lookups, limit);
    return SPF_NO_MATCH;
}
