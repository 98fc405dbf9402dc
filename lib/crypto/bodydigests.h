/* bodydigests.h - the digests of one body, each kind once: DKIM's signatures and ARC's share them.
 */
#ifndef ASSAY_CRYPTO_BODYDIGESTS_H
#define ASSAY_CRYPTO_BODYDIGESTS_H

#include "crypto/canon.h"

struct body_digests;

/* Dies with the arena. */
struct body_digests *body_digests_new(struct arena *a);

/* The digest of this kind; a new one has to be wanted before the body comes. How many kinds there
 * are is the caller's business: each costs a pass over the body. */
struct body_hash *body_digests_want(struct body_digests *d, enum canon canon, uint64_t limit);

void body_digests_update(struct body_digests *d, const void *data, size_t n);

/* True if none needs any more of the body. */
bool body_digests_settled(const struct body_digests *d);

#endif
