/* evaluate.h - one check under way: what its parts share. Private to lib/spf.
 *
 *   evaluate.c    the check: records, terms in order, include, redirect, explanation
 *   queries.c     DNS queries, and the limits on them
 *   mechanisms.c  a, mx, ptr, exists, ip4, ip6 and %{p}
 *   ahead.c       asks DNS for what evaluation will need next */
#ifndef ASSAY_SPF_EVALUATE_H
#define ASSAY_SPF_EVALUATE_H

#include "spf/macro.h"
#include "spf/record.h"
#include "spf/spf.h"

/* The names of the client's PTR records, looked up at most once per check (RFC 7208 5.5). */
struct spf_client_names {
    bool asked;
    bool none; /* the look-up was void */
    size_t n;
    struct spf_client_name {
        struct str name;
        bool checked, valid; /* valid: the name leads back to the client */
    } * names;
};

/* A term that counts as void. */
struct spf_void {
    struct spf_void *next; /* the one after it */
    enum dns_type type;    /* that was asked for */
    const struct str *names;
    size_t n, looked_at; /* of the names, for the other type */
};

struct spf_eval {
    const struct spf_request *request;
    struct dns_asker *asker;
    struct arena *arena;
    struct spf_outcome *out;
    struct spf_macro_values values; /* .domain is that of the record under evaluation */
    uint32_t barred;                /* macro letters that no name can be made with */
    unsigned depth;                 /* of includes */
    unsigned ahead;                 /* terms asked for and not evaluated yet */
    struct spf_client_names client_names;
    struct spf_void *voids; /* those that may turn out not to be void, first to last */
    bool narrow;            /* the term that matched last: see struct spf_outcome */
    enum spf_result stop;   /* what SPF_STOP means; nothing when out->pending is set */
};

enum spf_match { SPF_NO_MATCH, SPF_MATCH, SPF_STOP };

/* Words for --explain; the arguments must be clean. */
#define STEP(ev, ...)                                                                              \
    do {                                                                                           \
        if ((ev)->request->step)                                                                   \
            spf_step((ev), __VA_ARGS__);                                                           \
    } while (0)
void spf_step(struct spf_eval *ev, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Text from DNS or the client made fit for a phrase. */
struct str spf_clean(struct spf_eval *ev, struct str text);

/* SPF_STOP with this result, and the phrase as the problem. */
enum spf_match spf_stop(struct spf_eval *ev, enum spf_result result, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The answer, or NULL, and then the caller has to return SPF_STOP: it is still under way
 * (out->pending is set), or the check has no query left (stop is SPF_PERMERROR). */
const struct dns_answer *spf_ask(struct spf_eval *ev, struct str name, enum dns_type type);

/* SPF_STOP with temperror for an answer that cannot be known. */
enum spf_match spf_stop_unknown(struct spf_eval *ev, struct str name, enum dns_type type,
                                const struct dns_answer *answer);

/* Counts a term, or %{p}, that needs look-ups: SPF_STOP beyond the limit (RFC 7208 4.6.4). */
enum spf_match spf_charge(struct spf_eval *ev);

/* Counts a term whose look-ups gave nothing; the same. The `n` names exist without an address of
 * `type`, which was asked for. A name that has one of the other family makes no void look-up here:
 * a record that lists hosts on IPv4 only would be broken for clients on IPv6. RFC 7208 4.6.4 counts
 * it. Whether it has one is asked when the limit is reached, and not before. */
enum spf_match spf_charge_void(struct spf_eval *ev, enum dns_type type, const struct str *names,
                               size_t n);

/* True if the term can match nothing because it uses a barred letter (RFC 8616 4). */
bool spf_unmatchable(const struct spf_eval *ev, const struct spf_term *term);

/* Works out term->target; values.validated is set if the term has %{p}. */
void spf_set_target(struct spf_eval *ev, struct spf_term *term);

/* A name that check_host() can begin with (RFC 7208 4.3): well-formed, more than one label. */
bool spf_is_domain(struct str name);

/* Sets values.validated, for %{p} (RFC 7208 7.3). False: as spf_ask()'s NULL. */
bool spf_find_validated(struct spf_eval *ev);

/* The name under in-addr.arpa or ip6.arpa. */
struct str spf_reverse_name(struct arena *a, const struct netaddr *client);

enum dns_type spf_address_type(const struct spf_eval *ev);

/* a, mx, ptr, exists, ip4, ip6 and all; for those with look-ups the target is known and the term is
 * charged. */
enum spf_match spf_mechanism(struct spf_eval *ev, const struct spf_term *term);

/* Before the charged term at `at` asks DNS: starts the queries that the terms behind it will need.
 */
void spf_ask_ahead(struct spf_eval *ev, struct spf_record *record, size_t at);

#endif
