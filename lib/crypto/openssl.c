/* openssl.c - RSASSA-PKCS1-v1_5 over SHA-256 (RFC 6376 3.3.2) and Ed25519 over the digest's bytes
 * (RFC 8463 3) by OpenSSL's EVP.
 *
 * Errors: false or STR_NONE; OpenSSL's error queue is left empty. */
#include "crypto/openssl.h"
#include "crypto/digest.h"

#include <openssl/err.h>
#include <openssl/rsa.h>

static bool done(bool ok)
{
    if (!ok)
        ERR_clear_error();
    return ok;
}

static EVP_PKEY_CTX *rsa_prepare(EVP_PKEY *pkey, int (*init)(EVP_PKEY_CTX *))
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    if (done(ctx && init(ctx) > 0 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0 &&
             EVP_PKEY_CTX_set_signature_md(ctx, digest_sha256()) > 0))
        return ctx;
    EVP_PKEY_CTX_free(ctx);
    return NULL;
}

EVP_PKEY_CTX *rsa_verifier(EVP_PKEY *pkey)
{
    return rsa_prepare(pkey, EVP_PKEY_verify_init);
}

EVP_PKEY_CTX *rsa_signer(EVP_PKEY *pkey)
{
    return rsa_prepare(pkey, EVP_PKEY_sign_init);
}

/* A context serves one thread; a copy of a prepared one costs a tenth of preparing another. */
bool rsa_verify(const EVP_PKEY_CTX *verifier, const unsigned char digest[32], struct str signature)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_dup(verifier);
    bool good = ctx && EVP_PKEY_verify(ctx, (const unsigned char *)signature.p, signature.n, digest,
                                       DIGEST_SIZE) == 1;
    EVP_PKEY_CTX_free(ctx);
    return done(good);
}

struct str rsa_sign(const EVP_PKEY_CTX *signer, const unsigned char digest[32], struct arena *a)
{
    EVP_PKEY_CTX *ctx = signer ? EVP_PKEY_CTX_dup(signer) : NULL;
    size_t n = ctx ? (size_t)EVP_PKEY_get_size(EVP_PKEY_CTX_get0_pkey(ctx)) : 0;
    unsigned char *out = arena_alloc(a, n);
    bool good = ctx && EVP_PKEY_sign(ctx, out, &n, digest, DIGEST_SIZE) > 0;
    EVP_PKEY_CTX_free(ctx);
    return done(good) ? (struct str){(char *)out, n} : STR_NONE;
}

bool ed25519_verify(EVP_PKEY *pkey, const unsigned char digest[32], struct str signature)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) > 0 &&
                EVP_DigestVerify(ctx, (const unsigned char *)signature.p, signature.n, digest,
                                 DIGEST_SIZE) == 1;
    EVP_MD_CTX_free(ctx);
    return done(good);
}

struct str ed25519_sign(EVP_PKEY *pkey, const unsigned char digest[32], struct arena *a)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t n = (size_t)EVP_PKEY_get_size(pkey);
    unsigned char *out = arena_alloc(a, n);
    bool good = ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, pkey) > 0 &&
                EVP_DigestSign(ctx, out, &n, digest, DIGEST_SIZE) > 0;
    EVP_MD_CTX_free(ctx);
    return done(good) ? (struct str){(char *)out, n} : STR_NONE;
}
