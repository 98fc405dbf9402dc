/* classes_spf.c - what has to hold for a difference from libspf2 to be of a class.
 *
 * Errors: what cannot be read is of no class. */
#include "base/ascii.h"
#include "reference/classes.h"
#include "spf/record.h"

static bool we_say(const struct reference_pair *pair, enum spf_result result)
{
    return pair->ours.spf->result == result;
}

bool class_spf_single_label(const struct reference_pair *pair)
{
    return we_say(pair, SPF_NONE) && pair->facts->spf &&
           str_find(pair->ours.spf->domain, 0, '.') == pair->ours.spf->domain.n;
}

bool class_spf_loopback(const struct reference_pair *pair)
{
    static const struct netaddr v6 = {.family = 6, .bytes = {[15] = 1}};
    const struct spf_request *request = pair->facts->spf;
    return request && pair->theirs.spf->result == SPF_PASS &&
           (netaddr_eq(&request->client, &v6) ||
            (request->client.family == 4 && request->client.bytes[0] == 127));
}

static bool has_prefix_zero(struct str record)
{
    for (size_t at = 0; (at = str_find(record, at, '/')) < record.n; at++) {
        struct str rest = str_sub(record, at + 1, record.n);
        if (str_eq(rest, STR("0")) || str_starts(rest, STR("0 ")) || str_starts(rest, STR("0/")))
            return true;
    }
    return false;
}

typedef bool record_fn(struct str record);

/* True if one of the records that were seen is such. */
static bool any_record(const struct reference_pair *pair, record_fn *is_such)
{
    for (size_t i = 0; i < pair->facts->n_events; i++) {
        const struct dns_event *e = &pair->facts->events[i];
        for (size_t k = 0; e->type == DNS_TXT && k < e->answer->n; k++)
            if (spf_is_record(e->answer->rr[k].text) && is_such(e->answer->rr[k].text))
                return true;
    }
    return false;
}

bool class_spf_prefix_zero(const struct reference_pair *pair)
{
    return (pair->theirs.spf->result == SPF_PERMERROR ||
            pair->theirs.spf->result == SPF_TEMPERROR) &&
           any_record(pair, has_prefix_zero);
}

/* True if the client's names were asked for. */
static bool asked_names(const struct reference_pair *pair)
{
    for (size_t i = 0; i < pair->facts->n_events; i++)
        if (pair->facts->events[i].type == DNS_PTR)
            return true;
    return false;
}

bool class_spf_reverse_failure(const struct reference_pair *pair)
{
    for (size_t i = 0; i < pair->facts->n_events; i++) {
        const struct dns_event *e = &pair->facts->events[i];
        if (e->type != DNS_TXT && e->type != DNS_MX && dns_unknown(e->answer))
            return pair->theirs.spf->result == SPF_TEMPERROR && asked_names(pair);
    }
    return false;
}

static bool has_validated_name(struct str record)
{
    return str_find_nocase(record, 0, STR("{p")) < record.n;
}

bool class_spf_validated_name(const struct reference_pair *pair)
{
    return asked_names(pair) && any_record(pair, has_validated_name);
}

/* "%{l1}", "%{d2r}" */
static bool has_numbered_macro(struct str record)
{
    for (size_t at = 0; (at = str_find(record, at, '{')) < record.n; at++)
        if (at + 2 < record.n && ascii_is_digit(record.p[at + 2]))
            return true;
    return false;
}

bool class_spf_macro_parts(const struct reference_pair *pair)
{
    return any_record(pair, has_numbered_macro);
}

static const struct spf_limits *limits(const struct reference_pair *pair)
{
    return pair->facts->spf ? &pair->facts->spf->limits : &spf_limits_default;
}

bool class_spf_queries(const struct reference_pair *pair)
{
    return we_say(pair, SPF_PERMERROR) && pair->ours.spf->out_of_queries;
}

/* We stop at the look-up behind the last one that the limit allows. */
bool class_spf_void_lookups(const struct reference_pair *pair)
{
    return we_say(pair, SPF_PERMERROR) &&
           pair->ours.spf->void_lookups >= limits(pair)->void_lookups;
}

bool class_spf_lookup_terms(const struct reference_pair *pair)
{
    return we_say(pair, SPF_PERMERROR) &&
           pair->ours.spf->lookup_terms >= limits(pair)->lookup_terms;
}

/* More of these records in one answer than are looked at. */
static bool many(const struct reference_pair *pair, enum dns_type type)
{
    for (size_t i = 0; i < pair->facts->n_events; i++) {
        const struct dns_event *e = &pair->facts->events[i];
        if (e->type == type && e->answer->n > limits(pair)->names)
            return true;
    }
    return false;
}

bool class_spf_many_exchanges(const struct reference_pair *pair)
{
    return we_say(pair, SPF_PERMERROR) && many(pair, DNS_MX);
}

bool class_spf_many_names(const struct reference_pair *pair)
{
    return pair->theirs.spf->result == SPF_PERMERROR && many(pair, DNS_PTR);
}
