/* digest.h - bytes on their way into SHA-256: buffered where they come singly, counted, limited.
 *
 * For the canonicalisations alone. */
#ifndef ASSAY_CRYPTO_DIGEST_H
#define ASSAY_CRYPTO_DIGEST_H

#include <openssl/evp.h>
#include <stdint.h>

#include "base/arena.h"

#define DIGEST_SIZE 32

/* SHA-256 as OpenSSL has it, fetched once per process: a fetch costs more than hashing a header. */
const EVP_MD *digest_sha256(void);

struct digest {
    EVP_MD_CTX *ctx;
    uint64_t limit;   /* octets beyond it are counted only */
    uint64_t flushed; /* octets that left the buffer */
    size_t used;
    unsigned char buffer[512];
};

/* The context dies with the arena. */
void digest_init(struct digest *d, struct arena *a, uint64_t limit);
/* Copies the state of `from` to `d`; both go on independently. */
void digest_init_copy(struct digest *d, struct arena *a, const struct digest *from);

void digest_flush(struct digest *d);
void digest_add(struct digest *d, const void *data, size_t n);
void digest_finish(struct digest *d, unsigned char out[DIGEST_SIZE]);

static inline void digest_put(struct digest *d, unsigned char byte)
{
    if (d->used == sizeof d->buffer)
        digest_flush(d);
    d->buffer[d->used++] = byte;
}

/* Octets taken so far, those beyond the limit included. */
static inline uint64_t digest_length(const struct digest *d)
{
    return d->flushed + d->used;
}

#endif
