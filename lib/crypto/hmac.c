/* hmac.c - HMAC with SHA-1 by OpenSSL.
 *
 * Errors: false; OpenSSL's error queue is left empty. */
#include "crypto/hmac.h"

#include <openssl/err.h>
#include <openssl/evp.h>

bool hmac_sha1(struct str key, struct str data, unsigned char out[HMAC_SHA1_SIZE])
{
    size_t n = 0;
    bool done = EVP_Q_mac(NULL, "HMAC", NULL, "SHA1", NULL, key.p, key.n,
                          (const unsigned char *)data.p, data.n, out, HMAC_SHA1_SIZE, &n) != NULL;
    if (!done)
        ERR_clear_error();
    return done && n == HMAC_SHA1_SIZE;
}
