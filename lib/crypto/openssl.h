/* openssl.h - the operations on EVP keys that this folder's key files share. */
#ifndef ASSAY_CRYPTO_OPENSSL_H
#define ASSAY_CRYPTO_OPENSSL_H

#include <openssl/evp.h>

#include "base/arena.h"
#include "base/str.h"

/* Made once for an RSA key and used by all threads; NULL for any trouble. EVP_PKEY_CTX_free() ends
 * it. */
EVP_PKEY_CTX *rsa_verifier(EVP_PKEY *pkey);
EVP_PKEY_CTX *rsa_signer(EVP_PKEY *pkey);

/* Over the 32 bytes of a SHA-256 digest. False for a wrong signature and for any trouble. */
bool rsa_verify(const EVP_PKEY_CTX *verifier, const unsigned char digest[32], struct str signature);
bool ed25519_verify(EVP_PKEY *pkey, const unsigned char digest[32], struct str signature);

/* The signature in `a`; STR_NONE for any trouble, and for no signer. */
struct str rsa_sign(const EVP_PKEY_CTX *signer, const unsigned char digest[32], struct arena *a);
struct str ed25519_sign(EVP_PKEY *pkey, const unsigned char digest[32], struct arena *a);

#endif
