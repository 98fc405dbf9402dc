/* arc.h - RFC 8617: Authenticated Received Chains verified and made.
 *
 * A chain is a stream like a message's signatures (dkim.h), on the same engine: the header first,
 * then the body, which goes into digests that DKIM shares, then finish. Everything lives in the
 * arena that is given. */
#ifndef ASSAY_ARC_ARC_H
#define ASSAY_ARC_ARC_H

#include "dkim/dkim.h"

#define ARC_SETS_MAX 50 /* RFC 8617 4.2.1 */

enum arc_result {
    ARC_NONE, /* there is no chain */
    ARC_PASS,
    ARC_FAIL,
    ARC_UNKNOWN, /* DNS trouble: cannot be known now */
    ARC_RESULT_COUNT
};

const char *arc_result_name(enum arc_result result); /* "pass"; "temperror" for the last */

/* cv= of a seal. */
enum arc_cv { ARC_CV_INVALID, ARC_CV_NONE, ARC_CV_PASS, ARC_CV_FAIL };

const char *arc_cv_name(enum arc_cv cv); /* "none", "pass", "fail"; "invalid" */

/* One set, as far as it is there and can be read. */
struct arc_set {
    unsigned instance;
    bool has_results, has_message, has_seal;
    struct str results; /* ARC-Authentication-Results behind its "i=1;": it may be in any grammar */
    enum arc_cv cv;
    /* ARC-Message-Signature and ARC-Seal; the result is DKIM_NONE where it was not looked at. */
    const struct dkim_signature *message, *seal;
};

struct arc_outcome {
    enum arc_result result;
    struct str reason;          /* a phrase for people: why it is no pass; clean */
    unsigned n;                 /* of sets, each instance up to the highest that was found */
    const struct arc_set *sets; /* sets[i - 1] is instance i */
    unsigned highest;           /* instance that was found, 0 to 99 */
    bool closed;                /* a seal says cv=fail: the chain goes no further */
    bool has_oldest_pass;       /* with a pass, unless the DNS does not tell: */
    unsigned oldest_pass;       /* RFC 8617 5.2 step 5: instance of the oldest
                                   ARC-Message-Signature that holds, with all newer ones; 0: all */
    bool out_of_queries;        /* fail, because max_queries were not enough */
    bool by_option; /* fail, as dkim_fails_by_option() tells; the sets behind were not looked at */
};

struct arc_chain;

/* Reads the sets, checks their structure, hashes what seals cover, wants the digests of the body
 * that are needed from settings->bodies, and starts the queries for keys. NULL: there are no ARC
 * fields. settings->max_signatures is not used. `headers` must outlive it. */
struct arc_chain *arc_chain_new(const struct dkim_verify_settings *settings,
                                const struct header_list *headers, struct key_cache *keys,
                                struct dns_asker *asker);

/* The body is in its digests: fetches keys (waiting as the asker allows) and decides. The result is
 * ARC_UNKNOWN exactly if what cannot be known now could make it a pass. A chain of n sets takes at
 * most 2n verifications: its seals, and each message signature down to one that does not hold. */
const struct arc_outcome *arc_chain_finish(struct arc_chain *chain, struct dns_asker *asker);

/* The same without the DNS and the body: ARC_NONE, ARC_FAIL for a chain whose structure is wrong
 * (RFC 8617 5.2 steps 1 to 3), or ARC_UNKNOWN. */
const struct arc_outcome *arc_chain_read(struct arena *a, const struct header_list *headers);

/* A set to be made. */
struct arc_seal_request {
    unsigned instance;  /* 1 to ARC_SETS_MAX */
    enum arc_cv cv;     /* ARC_CV_FAIL: the seal covers this set alone (RFC 8617 5.1.2) */
    struct str results; /* the value of ARC-Authentication-Results, with "i=" and leading space */
    const struct header_list *headers; /* as the message leaves, without the set */
    struct body_hash *body;            /* relaxed, of all of the body */
    const struct dkim_signing_key *key;
    const struct dkim_sign_settings *settings; /* which fields are signed, and the time */
};

/* The values of the three fields, with leading space; they stand above all others, from the top:
 * seal, message signature, results. */
struct arc_sealed {
    struct str results, message, seal;
};

/* False and *problem (in `a`) if OpenSSL cannot sign. */
bool arc_seal(struct arena *a, const struct arc_seal_request *request, struct arc_sealed *out,
              struct str *problem);

#define ARC_RESULTS_FIELD STR("ARC-Authentication-Results")
#define ARC_MESSAGE_FIELD STR("ARC-Message-Signature")
#define ARC_SEAL_FIELD    STR("ARC-Seal")

bool arc_has_name(struct str name);

/* True for the names of the three fields, in any case. Of other fields it costs next to nothing. */
static inline bool arc_is_field(struct str name)
{
    return name.n >= 8 && name.p[3] == '-' && arc_has_name(name);
}

#endif
