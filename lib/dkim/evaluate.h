/* evaluate.h - one signature that was read: hashed, its key looked up, judged (RFC 6376 6.1.2,
 * 6.1.3). DKIM's signatures, and those of ARC. Within lib/dkim and lib/arc. */
#ifndef ASSAY_DKIM_EVALUATE_H
#define ASSAY_DKIM_EVALUATE_H

#include "crypto/bodydigests.h"
#include "dkim/fields.h"
#include "dkim/signature.h"

/* What all signatures of a message are judged with. */
struct signature_terms {
    const struct dkim_verify_settings *settings;
    struct arena *arena;
    struct key_cache *keys;
    struct body_digests *bodies;
};

/* x= in the past decides (RFC 6376 3.5). */
void signature_check_expiry(const struct dkim_verify_settings *settings, struct signature *s);

/* Its header fields as h= names them, and itself: s->header_digest. */
void signature_hash_header(struct arena *a, struct signature *s, struct fields *fields);

/* Before the body comes: that of this signature is wanted. */
void signature_want_body(const struct signature_terms *terms, struct signature *s);

/* The keys that a message's signatures need, each asked for once. Zeroed at first. */
struct key_queries {
    struct str *names;
    size_t n, cap;
};

/* Starts the query for its key, s->key_name. With settings->max_queries of them the signature is
 * policy: it would need as many whenever the message comes again, so that is no temperror. */
void signature_start_query(const struct signature_terms *terms, struct key_queries *queries,
                           struct signature *s, struct dns_asker *asker);

/* Asks for the key, waiting as the asker allows, and makes the result final. s->header_digest has
 * to be there, and the body. */
void signature_judge(const struct signature_terms *terms, struct signature *s,
                     struct dns_asker *asker);

/* The same by the public part of a key of ours, whatever the DNS has. */
void signature_judge_by(const struct signature_terms *terms, struct signature *s,
                        const struct private_key *own);

#endif
