/* dkim.h - RFC 6376 with RFC 8301, 8463 and 8616: signatures verified and made.
 *
 * Both sides are streams: header fields first, then the body in pieces of any size, then finish.
 * Memory does not grow with the body. Everything lives in the arena that is given. */
#ifndef ASSAY_DKIM_DKIM_H
#define ASSAY_DKIM_DKIM_H

#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "crypto/bodydigests.h"
#include "crypto/keys.h"
#include "dns/dns.h"
#include "mail/header.h"

/* How the reason ends where max_queries were not enough. */
#define DKIM_NO_QUERY_LEFT "(dns.max-queries)"

/* True for the reason, or one that ends with it, of a signature that passes but for what
 * min_key_bits, max_key_bits and partial_body ask: a result of ours, and not one of its own. */
bool dkim_fails_by_option(struct str reason);

enum dkim_result {
    DKIM_NONE,
    DKIM_PASS,
    DKIM_FAIL,
    DKIM_POLICY,
    DKIM_NEUTRAL,
    DKIM_TEMPERROR,
    DKIM_PERMERROR,
    DKIM_RESULT_COUNT
};

const char *dkim_result_name(enum dkim_result result); /* "permerror" */

struct dkim_verify_settings {
    unsigned max_signatures; /* the newest (topmost) are evaluated */
    unsigned max_queries;    /* for keys, cached or not: what needs more is policy; 0: any */
    unsigned min_key_bits;   /* shorter RSA keys: policy; below 1024: permerror */
    unsigned max_key_bits; /* longer RSA keys: policy, and nothing is verified with them; 0: any */
    bool partial_body;     /* accept l= shorter than the body */
    int64_t clock_skew_s;  /* tolerated for t= in the future (temperror if all else is well, since
                              our clock may be slow) and x= in the past (policy) */
    int64_t now;           /* seconds since 1970 */
    /* Where others need digests of the same body: these, which the caller feeds; NULL: own ones,
     * fed by dkim_verifier_body(). They outlive the verifier. */
    struct body_digests *bodies;
};

/* What became of one signature. Words as in RFC 8601 2.7.1. */
struct dkim_signature {
    enum dkim_result result;
    struct str reason;    /* a phrase for people why it is no pass; clean; empty for a pass */
    struct str domain;    /* d=, normalised; empty if it could not be read */
    struct str selector;  /* s=, normalised */
    struct str identity;  /* i=, or @d; as written */
    struct str algorithm; /* a=, as written */
    struct str b_start;   /* the first 8 or more characters of b=, distinct among the signatures of
                             the message (RFC 6008); without white space */
    enum key_type key_type;
    unsigned key_bits;   /* 0: no key was seen */
    bool testing;        /* t=y in the key record */
    int64_t ahead_s;     /* of a signature that verifies and is only dated in the future: by how
                            many seconds; else 0 */
    bool out_of_queries; /* policy because max_queries were not enough */
    enum dns_security security; /* of the key record */
};

struct dkim_verifier;

/* Parses the signatures, newest first up to the cap, and hashes the header fields; starts the
 * queries for their keys. `headers` must outlive the verifier. */
struct dkim_verifier *dkim_verifier_new(const struct dkim_verify_settings *settings,
                                        const struct header_list *headers, struct key_cache *keys,
                                        struct dns_asker *asker);

/* The signatures that a verifier would evaluate, as their fields name them, and nothing verified:
 * DKIM_NONE, or what the field itself makes certain. Else as dkim_verifier_finish(). */
const struct dkim_signature *dkim_signatures_read(struct arena *a,
                                                  const struct dkim_verify_settings *settings,
                                                  const struct header_list *headers, size_t *n,
                                                  size_t *skipped);

/* d= of the signatures that may pass yet, newest first: known at the end of the header. */
const struct str *dkim_verifier_domains(const struct dkim_verifier *v, size_t *n);

/* False if no signature needs the body (any more): the caller may skip it. */
bool dkim_verifier_wants_body(const struct dkim_verifier *v);
void dkim_verifier_body(struct dkim_verifier *v, const void *data, size_t n);

/* Fetches keys (waiting as the asker allows), decides. *n signatures in the order of the message,
 * top first; those beyond the cap are not listed and counted in *skipped. */
const struct dkim_signature *dkim_verifier_finish(struct dkim_verifier *v, struct dns_asker *asker,
                                                  size_t *n, size_t *skipped);

/* One key to sign with. */
struct dkim_signing_key {
    struct str domain;   /* d=, normalised */
    struct str selector; /* s= */
    struct private_key *key;
};

struct dkim_sign_settings {
    enum canon header_canon, body_canon;
    int64_t now;         /* t= */
    int64_t lifetime_s;  /* x= is t= plus this; 0: no x= */
    struct str identity; /* i=, or empty: none */
    /* Names (lower case) to sign wherever present, and to oversign (named once more than present,
     * so that none can be added). NULL: the defaults below. Whatever they name: From is signed;
     * fields that MTAs add and remove never are (Received, Bcc and the like); an absent Date or
     * Message-ID is not oversigned; what an MTA would write anew is left out. */
    const struct str *sign_headers;
    size_t n_sign_headers;
    const struct str *oversign_headers;
    size_t n_oversign_headers;
    /* Fields that an MTA would write anew may be signed in the form that no MTA changes
     * (mail/address_rewrite.h). The caller sees to it that they are delivered so. */
    bool may_rewrite;
};

/* A field that was signed in another form than it has. */
struct dkim_rewritten {
    struct str name;
    unsigned ordinal; /* among the fields of this name: 1 is the topmost */
    struct str value; /* with its leading space, folded with LF */
};

#define DKIM_REWRITTEN_MAX 64 /* fields of a message; ordinary mail has two */

/* Why a signature may not hold on the way, in spite of all that was done. */
enum dkim_risk {
    DKIM_RISK_FROM = 1,      /* an MTA may write From anew, and it has to be signed */
    DKIM_RISK_LONG_LINE = 2, /* the body has a line that is longer than MTAs send */
    DKIM_RISK_8BIT = 4, /* the body has 8-bit bytes: a host that takes none gets another body */
};

const char *dkim_risk_name(enum dkim_risk risk); /* "long-line" */

/* RFC 6376 5.4.1's list as we sign it, and From alone oversigned. */
extern const struct str dkim_default_sign_headers[];
extern const size_t dkim_default_sign_headers_count;
extern const struct str dkim_default_oversign_headers[];
extern const size_t dkim_default_oversign_headers_count;

/* A verifier of signatures of our own: those that name one of `keys` (d=, s= and type) are judged
 * by this key's public part, whatever the DNS has; the result of all others is DKIM_NONE. NULL if
 * no signature by these keys can hold. Goes on like any verifier, with NULL for the asker. `keys`
 * must outlive it. */
struct dkim_verifier *dkim_verifier_new_own(struct arena *a,
                                            const struct dkim_verify_settings *settings,
                                            const struct header_list *headers,
                                            struct key_cache *cache,
                                            const struct dkim_signing_key *keys, size_t n_keys);

struct dkim_signer;

/* Settings must outlive the signer. */
struct dkim_signer *dkim_signer_new(struct arena *a, const struct dkim_sign_settings *settings,
                                    const struct header_list *headers);
void dkim_signer_body(struct dkim_signer *s, const void *data, size_t n);

/* The fields that were signed in another form (with may_rewrite), each name from below. */
const struct dkim_rewritten *dkim_signer_rewritten(const struct dkim_signer *s, size_t *n);
/* A set of enum dkim_risk, known when the body is. */
unsigned dkim_signer_risks(const struct dkim_signer *s);

/* One signature for each key, over the same header fields and one body digest. values[i] is the
 * value of the DKIM-Signature field of keys[i] (with its leading space, folded
 * with LF TAB), to be inserted above all other fields. False and *problem if a signature could not
 * be made. `values` has room for n_keys. */
bool dkim_signer_finish(struct dkim_signer *s, const struct dkim_signing_key *keys, size_t n_keys,
                        struct str *values, struct str *problem);

#endif
