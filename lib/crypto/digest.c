/* digest.c - SHA-256 over a stream of pieces of any size.
 *
 * Errors: none are returned. Where OpenSSL has no SHA-256 or no memory the program cannot do its
 * work and ends. */
#include "crypto/digest.h"

#include <pthread.h>
#include <string.h>

#include "base/log.h"

/* Pieces below this are worth a copy rather than a call into OpenSSL. */
#define COPY_BELOW 128

static EVP_MD *sha256;

static void fetch(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (!sha256)
        log_fatal("OpenSSL offers no SHA-256: check its configuration (openssl list -providers)");
}

const EVP_MD *digest_sha256(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, fetch);
    return sha256;
}

static void must(int ok)
{
    if (!ok)
        log_fatal("SHA-256 failed in OpenSSL: out of memory?");
}

static void free_ctx(void *ctx)
{
    EVP_MD_CTX_free(ctx);
}

static EVP_MD_CTX *new_ctx(struct arena *a)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    must(ctx != NULL);
    arena_defer(a, free_ctx, ctx);
    return ctx;
}

void digest_init(struct digest *d, struct arena *a, uint64_t limit)
{
    d->ctx = new_ctx(a);
    d->limit = limit;
    d->flushed = 0;
    d->used = 0;
    must(EVP_DigestInit_ex2(d->ctx, digest_sha256(), NULL));
}

void digest_init_copy(struct digest *d, struct arena *a, const struct digest *from)
{
    *d = *from;
    d->ctx = new_ctx(a);
    must(EVP_MD_CTX_copy_ex(d->ctx, from->ctx));
}

static void forward_bytes(struct digest *d, const void *data, size_t n)
{
    uint64_t room = d->flushed < d->limit ? d->limit - d->flushed : 0;
    size_t hashed = n < room ? n : (size_t)room;
    if (hashed)
        must(EVP_DigestUpdate(d->ctx, data, hashed));
    d->flushed += n;
}

void digest_flush(struct digest *d)
{
    forward_bytes(d, d->buffer, d->used);
    d->used = 0;
}

void digest_add(struct digest *d, const void *data, size_t n)
{
    if (n > sizeof d->buffer - d->used)
        digest_flush(d);
    if (n >= COPY_BELOW) {
        digest_flush(d);
        forward_bytes(d, data, n);
    } else if (n) {
        memcpy(d->buffer + d->used, data, n);
        d->used += n;
    }
}

void digest_finish(struct digest *d, unsigned char out[DIGEST_SIZE])
{
    unsigned length = 0;
    digest_flush(d);
    must(EVP_DigestFinal_ex(d->ctx, out, &length) && length == DIGEST_SIZE);
}
