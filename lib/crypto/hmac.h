/* hmac.h - HMAC (RFC 2104) with SHA-1, as the Sender Rewriting Scheme has it. */
#ifndef ASSAY_CRYPTO_HMAC_H
#define ASSAY_CRYPTO_HMAC_H

#include <stdbool.h>

#include "base/str.h"

#define HMAC_SHA1_SIZE 20

/* False if OpenSSL has no SHA-1, which a policy of the machine may take away. */
bool hmac_sha1(struct str key, struct str data, unsigned char out[HMAC_SHA1_SIZE]);

#endif
