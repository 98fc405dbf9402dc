/* signature.h - one DKIM-Signature field, read and checked (RFC 6376 3.5, 6.1.1). Within lib/dkim.
 */
#ifndef ASSAY_DKIM_SIGNATURE_H
#define ASSAY_DKIM_SIGNATURE_H

#include "dkim/dkim.h"
#include "mail/taglist.h"

#define SIGNATURE_FIELD STR("DKIM-Signature")

/* The fields that are made so: DKIM's, and ARC's two (RFC 8617 4.1.2, 4.1.3), whose i= is not read
 * here. An ARC-Seal covers no body and has no h=; of its other tags those that it does not know are
 * ignored. */
enum signature_kind { SIGNATURE_DKIM, SIGNATURE_ARC_MESSAGE, SIGNATURE_ARC_SEAL };

struct signature {
    const struct header_field *field;
    struct dkim_signature *result; /* filled as far as the field can be read */
    bool decided;                  /* the result is final: the field itself rules out a pass */

    struct str algorithm;
    enum canon header_canon, body_canon;
    uint64_t body_limit; /* l=; UINT64_MAX: all of the body, or a number too large for us */
    bool body_limited;   /* l= is there */
    uint64_t signed_at;  /* t=; meaningful if has_signed_at */
    uint64_t expires_at; /* x=; UINT64_MAX: never */
    bool has_signed_at;
    int64_t ahead_s;        /* t= is so far in the future, and further than is tolerated; else 0 */
    struct str auid_domain; /* of i=, normalised; absent without i= */
    struct str *names;      /* of h= */
    size_t n_names;
    struct str b, b_text;   /* the signature's bytes; its text without white space */
    struct str body_digest; /* bh= */

    struct taglist tags; /* all of them; as far as they could be read */

    struct body_hash *body;          /* of the kind that it signs; NULL: it covers none */
    struct str key_name;             /* where the key is, and */
    unsigned char header_digest[32]; /* the hash of the header: unless decided before */
};

/* Reads `field` as one of this kind into *s and *result, both zeroed before. On return s->decided
 * tells whether the result is final. */
void signature_parse(struct arena *a, enum signature_kind kind, const struct header_field *field,
                     struct signature *s, struct dkim_signature *result);

/* Makes the result final, unless it is already. `reason` is clean text. */
void signature_decide(struct signature *s, enum dkim_result result, struct str reason);

#endif
