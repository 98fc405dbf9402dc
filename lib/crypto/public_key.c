/* public_key.c - public keys as DKIM publishes them, and what they verify.
 *
 * The DER of an RSA key is read here and its sizes are checked before OpenSSL sees it: a key is
 * remote data, and the cost of a verification grows with the square of the modulus and with the
 * length of the exponent.
 *
 * Errors: NULL and a phrase that needs no freeing. */
#include "crypto/keys.h"
#include "crypto/openssl.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <stdatomic.h>
#include <stdlib.h>

#define EXPONENT_BITS_MAX 64
#define ED25519_SIZE      32

struct public_key {
    atomic_uint references;
    enum key_type type;
    unsigned bits;
    EVP_PKEY *pkey;
    EVP_PKEY_CTX *verifier; /* of an RSA key */
};

/* Takes one DER element (X.690 8.1, definite lengths) with this tag off the front of *der. */
static bool der_take(struct str *der, unsigned char tag, struct str *content)
{
    const unsigned char *p = (const unsigned char *)der->p;
    size_t at = 2, length;
    if (der->n < 2 || p[0] != tag)
        return false;
    length = p[1];
    if (length & 0x80) {
        size_t octets = length & 0x7F;
        if (octets == 0 || octets > 3 || der->n - at < octets)
            return false;
        for (length = 0; octets; octets--)
            length = length << 8 | p[at++];
    }
    if (der->n - at < length)
        return false;
    *content = str_sub(*der, at, at + length);
    *der = str_sub(*der, at + length, der->n);
    return true;
}

#define DER_INTEGER    0x02
#define DER_BIT_STRING 0x03
#define DER_NULL       0x05
#define DER_OID        0x06
#define DER_SEQUENCE   0x30

/* SubjectPublicKeyInfo (RFC 5280 4.1) with rsaEncryption (RFC 3279 2.3.1): its inner key. */
static bool der_unwrap_rsa(struct str spki, struct str *inner)
{
    struct str algorithm, oid, null, bits;
    if (!der_take(&spki, DER_SEQUENCE, &algorithm) || !der_take(&spki, DER_BIT_STRING, &bits) ||
        spki.n || bits.n < 1 || bits.p[0] != 0)
        return false;
    if (!der_take(&algorithm, DER_OID, &oid) ||
        !str_eq(oid, STR("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01")))
        return false;
    /* The NULL belongs there; keys without it exist. */
    if (algorithm.n && (!der_take(&algorithm, DER_NULL, &null) || null.n || algorithm.n))
        return false;
    *inner = str_sub(bits, 1, bits.n);
    return true;
}

/* A positive INTEGER's bytes without leading zeros. */
static bool der_take_positive(struct str *der, struct str *number)
{
    if (!der_take(der, DER_INTEGER, number) || number->n == 0 || number->p[0] & 0x80)
        return false;
    while (number->n && number->p[0] == 0)
        *number = str_sub(*number, 1, number->n);
    return number->n > 0;
}

/* The numbers of an RSAPublicKey (RFC 8017 A.1.1), bare or wrapped. */
static bool der_rsa(struct str der, struct str *n, struct str *e)
{
    struct str key, bare, wrapped;
    if (!der_take(&der, DER_SEQUENCE, &key) || der.n)
        return false;
    if (der_unwrap_rsa(key, &wrapped)) {
        if (!der_take(&wrapped, DER_SEQUENCE, &key) || wrapped.n)
            return false;
    }
    bare = key;
    return der_take_positive(&bare, n) && der_take_positive(&bare, e) && bare.n == 0;
}

static size_t bits_of(struct str number)
{
    size_t bits = number.n * 8;
    for (unsigned char mask = 0x80; mask && !(number.p[0] & mask); mask >>= 1)
        bits--;
    return bits;
}

const char key_too_long[] = "the RSA key has more than 8192 bits";

static const char *check_rsa(struct str n, struct str e)
{
    if (bits_of(n) > KEY_RSA_BITS_MAX)
        return key_too_long;
    if (!(n.p[n.n - 1] & 1))
        return "the RSA modulus is even";
    if (bits_of(e) > EXPONENT_BITS_MAX)
        return "the RSA exponent has more than 64 bits";
    if (bits_of(e) < 2 || !(e.p[e.n - 1] & 1))
        return "the RSA exponent is 1 or even";
    return NULL;
}

static BIGNUM *der_number(struct str bytes)
{
    return BN_bin2bn((const unsigned char *)bytes.p, (int)bytes.n, NULL);
}

/* NULL where OpenSSL will not have it. */
static EVP_PKEY *rsa_from_numbers(struct str n, struct str e)
{
    EVP_PKEY *pkey = NULL;
    BIGNUM *bn_n = der_number(n), *bn_e = der_number(e);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    OSSL_PARAM *params = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    if (bn_n && bn_e && builder && ctx &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, bn_n) &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, bn_e) &&
        (params = OSSL_PARAM_BLD_to_param(builder)) && EVP_PKEY_fromdata_init(ctx) > 0 &&
        EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) <= 0)
        pkey = NULL;
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
    BN_free(bn_e);
    BN_free(bn_n);
    return pkey;
}

static struct public_key *public_handle(enum key_type type, unsigned bits, EVP_PKEY *pkey,
                                        const char **problem)
{
    EVP_PKEY_CTX *verifier = pkey && type == KEY_RSA ? rsa_verifier(pkey) : NULL;
    if (!pkey || (type == KEY_RSA && !verifier)) {
        EVP_PKEY_free(pkey);
        ERR_clear_error();
        *problem = "OpenSSL does not accept the key";
        return NULL;
    }
    struct public_key *key = calloc(1, sizeof *key);
    if (!key)
        abort(); /* like an arena: memory is exhausted */
    atomic_init(&key->references, 1);
    key->type = type;
    key->bits = bits;
    key->pkey = pkey;
    key->verifier = verifier;
    return key;
}

static struct public_key *decode_rsa(struct str der, const char **problem)
{
    struct str n, e;
    if (!der_rsa(der, &n, &e)) {
        *problem = "p= holds no RSA key";
        return NULL;
    }
    *problem = check_rsa(n, e);
    if (*problem)
        return NULL;
    return public_handle(KEY_RSA, (unsigned)bits_of(n), rsa_from_numbers(n, e), problem);
}

static struct public_key *decode_ed25519(struct str raw, const char **problem)
{
    if (raw.n != ED25519_SIZE) {
        *problem = "p= holds no Ed25519 key (32 bytes)";
        return NULL;
    }
    return public_handle(
        KEY_ED25519, ED25519_SIZE * 8,
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, (const unsigned char *)raw.p, raw.n),
        problem);
}

struct public_key *public_key_decode(enum key_type type, struct str der, const char **problem)
{
    return type == KEY_RSA ? decode_rsa(der, problem) : decode_ed25519(der, problem);
}

void public_key_hold(struct public_key *key)
{
    atomic_fetch_add_explicit(&key->references, 1, memory_order_relaxed);
}

void public_key_release(struct public_key *key)
{
    if (!key || atomic_fetch_sub_explicit(&key->references, 1, memory_order_acq_rel) != 1)
        return;
    EVP_PKEY_CTX_free(key->verifier);
    EVP_PKEY_free(key->pkey);
    free(key);
}

enum key_type public_key_type(const struct public_key *key)
{
    return key->type;
}

unsigned public_key_bits(const struct public_key *key)
{
    return key->bits;
}

bool public_key_verify(const struct public_key *key, const unsigned char digest[32],
                       struct str signature)
{
    return key->type == KEY_RSA ? rsa_verify(key->verifier, digest, signature)
                                : ed25519_verify(key->pkey, digest, signature);
}
