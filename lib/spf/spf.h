/* spf.h - RFC 7208: may this client send for this domain? */
#ifndef ASSAY_SPF_SPF_H
#define ASSAY_SPF_SPF_H

#include <limits.h>
#include <stdint.h>

#include "base/netset.h"
#include "base/str.h"
#include "dns/dns.h"

enum spf_result {
    SPF_NONE,
    SPF_NEUTRAL,
    SPF_PASS,
    SPF_FAIL,
    SPF_SOFTFAIL,
    SPF_TEMPERROR,
    SPF_PERMERROR,
    SPF_RESULT_COUNT
};

const char *spf_result_name(enum spf_result result); /* "softfail" */

struct spf_limits {
    unsigned lookup_terms; /* RFC 7208 4.6.4: 10 */
    unsigned void_lookups; /* 2 */
    unsigned names;        /* MX and PTR names per term: 10 */
    unsigned queries;      /* DNS look-ups of the whole check, cached or not: SPF_QUERIES_ANY */
};
#define SPF_QUERIES_ANY UINT_MAX
extern const struct spf_limits spf_limits_default;

/* For --explain: one step of the evaluation in words. */
typedef void spf_step_fn(void *context, unsigned depth, struct str text);

struct spf_request {
    struct netaddr client;
    struct str helo;     /* as given */
    struct str local;    /* of MAIL FROM; empty: postmaster (RFC 7208 4.3) */
    struct str domain;   /* of MAIL FROM, or of HELO for a null sender; as given; empty: none */
    struct str receiver; /* our name, for %{r} */
    int64_t now;         /* seconds since 1970, for %{t} */
    struct spf_limits limits;
    bool want_explanation; /* fetch exp= for a fail */
    spf_step_fn *step;     /* or NULL */
    void *step_context;
};

struct spf_outcome {
    enum spf_result result;
    bool pending;         /* the asker does not wait and an answer is under way: ask again later;
                             nothing else is set */
    struct str domain;    /* the checked domain, normalised; as given if it is no domain; may be
                             empty */
    struct str mechanism; /* the term that decided, as published ("-all", "ip4:192.0.2.0/24"); empty
                             if none did ("default") */
    bool narrow; /* the term that decided tells this client from most others: it is no "all", ptr or
                    exists, no network wider than /8 or (IPv6) /16, and not named by the client */
    struct str problem;     /* why none, temperror or permerror: a phrase, clean */
    struct str explanation; /* of exp=, expanded, raw bytes; STR_NONE if there is none */
    unsigned lookup_terms, void_lookups;
    unsigned queries;    /* DNS look-ups, cached or not */
    bool out_of_queries; /* permerror because limits.queries were not enough */
};

/* The problem of a request without domain. */
#define SPF_NO_DOMAIN "the sender has no domain (RFC 7208 2.4)"

/* check_host() of RFC 7208 4. Everything in *out lives in asker->arena. */
void spf_check(const struct spf_request *request, struct dns_asker *asker, struct spf_outcome *out);

/* After a check that ended as pending: goes on with it while no thread waits, so that what it asks
 * for is there, or under way, when the check is made again. It asks for nothing that this check
 * would not ask for. See struct dns_errand. */
void spf_check_ahead(const struct spf_request *request, struct dns_asker *asker);

/* Starts the query for the domain's record. */
void spf_prefetch(struct str domain, struct dns_asker *asker);

#endif
