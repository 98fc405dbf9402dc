/* private_key.c - signing keys: read from PEM, made, written, used.
 *
 * Errors: NULL and a phrase for the administrator in the caller's arena; STR_NONE where only
 * OpenSSL can be at fault. Nothing here logs: keys never come near a log line. */
#include "crypto/keys.h"
#include "crypto/openssl.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdatomic.h>
#include <stdlib.h>

struct private_key {
    atomic_uint references;
    enum key_type type;
    EVP_PKEY *pkey;
    EVP_PKEY_CTX *signer; /* of an RSA key */
};

static struct private_key *private_handle(enum key_type type, EVP_PKEY *pkey)
{
    struct private_key *key = calloc(1, sizeof *key);
    if (!key)
        abort(); /* like an arena: memory is exhausted */
    atomic_init(&key->references, 1);
    key->type = type;
    key->pkey = pkey;
    key->signer = type == KEY_RSA ? rsa_signer(pkey) : NULL;
    return key;
}

/* A daemon has nobody to ask for a passphrase. */
static int no_passphrase(char *buffer, int size, int writing, void *context)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)context;
    return -1;
}

static EVP_PKEY *read_pem(struct str pem)
{
    BIO *bio = pem.n <= INT32_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
    EVP_PKEY *pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
    BIO_free(bio);
    ERR_clear_error();
    return pkey;
}

static struct str check_rsa(EVP_PKEY *pkey, struct arena *a)
{
    int bits = EVP_PKEY_get_bits(pkey);
    if (bits < KEY_RSA_BITS_MIN)
        return str_printf(a, "the RSA key has %d bits; at least %d are needed (RFC 8301 3.2)", bits,
                          KEY_RSA_BITS_MIN);
    if (bits > KEY_RSA_BITS_MAX)
        return str_printf(a, "the RSA key has %d bits; at most %d are allowed", bits,
                          KEY_RSA_BITS_MAX);
    return STR_NONE;
}

/* Signs and verifies once: a damaged file shows here and not in rejected mail. */
static bool works(const struct private_key *key, struct arena *a)
{
    static const unsigned char digest[32] = {1};
    struct str signature = private_key_sign(key, digest, a);
    if (!signature.p)
        return false;
    if (key->type == KEY_ED25519)
        return ed25519_verify(key->pkey, digest, signature);
    EVP_PKEY_CTX *verifier = rsa_verifier(key->pkey);
    bool right = verifier && rsa_verify(verifier, digest, signature);
    EVP_PKEY_CTX_free(verifier);
    return right;
}

static struct private_key *refuse_pem(EVP_PKEY *pkey, struct str why, struct str *problem)
{
    EVP_PKEY_free(pkey);
    *problem = why;
    return NULL;
}

struct private_key *private_key_decode(struct str pem, struct arena *a, struct str *problem)
{
    EVP_PKEY *pkey = read_pem(pem);
    if (!pkey)
        return refuse_pem(NULL, STR("no private key in PEM form without a passphrase"), problem);
    enum key_type type = KEY_ED25519;
    if (EVP_PKEY_is_a(pkey, "RSA")) {
        type = KEY_RSA;
        struct str wrong = check_rsa(pkey, a);
        if (wrong.p)
            return refuse_pem(pkey, wrong, problem);
    } else if (!EVP_PKEY_is_a(pkey, "ED25519")) {
        return refuse_pem(pkey, STR("the key is neither RSA nor Ed25519"), problem);
    }
    struct private_key *key = private_handle(type, pkey);
    if (works(key, a))
        return key;
    private_key_release(key);
    *problem = STR("the key is damaged: what it signs does not verify");
    return NULL;
}

void private_key_hold(struct private_key *key)
{
    atomic_fetch_add_explicit(&key->references, 1, memory_order_relaxed);
}

void private_key_release(struct private_key *key)
{
    if (!key || atomic_fetch_sub_explicit(&key->references, 1, memory_order_acq_rel) != 1)
        return;
    EVP_PKEY_CTX_free(key->signer);
    EVP_PKEY_free(key->pkey);
    free(key);
}

static void release_deferred(void *key)
{
    private_key_release(key);
}

void private_key_defer(struct arena *a, struct private_key *key)
{
    arena_defer(a, release_deferred, key);
}

enum key_type private_key_type(const struct private_key *key)
{
    return key->type;
}

unsigned private_key_bits(const struct private_key *key)
{
    /* OpenSSL counts the 253 bits of the group's order; RFC 8463 4 speaks of 256. */
    return key->type == KEY_ED25519 ? 256 : (unsigned)EVP_PKEY_get_bits(key->pkey);
}

struct private_key *private_key_generate(enum key_type type, unsigned bits, struct arena *a,
                                         struct str *problem)
{
    if (type == KEY_RSA && (bits < KEY_RSA_BITS_MIN || bits > KEY_RSA_BITS_MAX)) {
        *problem = str_printf(a, "an RSA key has %d to %d bits, not %u", KEY_RSA_BITS_MIN,
                              KEY_RSA_BITS_MAX, bits);
        return NULL;
    }
    EVP_PKEY *pkey = type == KEY_RSA ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits)
                                     : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    if (pkey)
        return private_handle(type, pkey);
    ERR_clear_error();
    *problem = STR("OpenSSL could not make a key");
    return NULL;
}

/* What a BIO holds, in `a`. */
static struct str bio_text(BIO *bio, struct arena *a)
{
    char *p = NULL;
    long n = BIO_get_mem_data(bio, &p);
    return n > 0 ? str_copy(a, (struct str){p, (size_t)n}) : STR_NONE;
}

struct secret {
    char *p;
    size_t n;
};

static void wipe_key(void *object)
{
    struct secret *s = object;
    OPENSSL_cleanse(s->p, s->n);
}

struct str private_key_pem(const struct private_key *key, struct arena *a)
{
    struct str pem = STR_NONE;
    BIO *bio = BIO_new(BIO_s_mem());
    if (bio && PEM_write_bio_PKCS8PrivateKey(bio, key->pkey, NULL, NULL, 0, NULL, NULL)) {
        char *p = NULL;
        long n = BIO_get_mem_data(bio, &p);
        struct secret *secret = arena_make(a, struct secret);
        secret->n = n > 0 ? (size_t)n : 0;
        secret->p = arena_copy(a, p, secret->n);
        arena_defer(a, wipe_key, secret);
        OPENSSL_cleanse(p, secret->n);
        pem = (struct str){secret->p, secret->n};
    }
    BIO_free(bio);
    ERR_clear_error();
    return pem;
}

struct str private_key_public(const struct private_key *key, struct arena *a)
{
    unsigned char raw[32];
    size_t n = sizeof raw;
    struct str public = STR_NONE;
    if (key->type == KEY_ED25519) {
        if (EVP_PKEY_get_raw_public_key(key->pkey, raw, &n) > 0)
        public = str_copy(a, (struct str){(char *)raw, n});
    } else {
        BIO *bio = BIO_new(BIO_s_mem());
        if (bio && i2d_PUBKEY_bio(bio, key->pkey) > 0)
        public = bio_text(bio, a);
        BIO_free(bio);
    }
    ERR_clear_error();
    return public;
}

struct str private_key_sign(const struct private_key *key, const unsigned char digest[32],
                            struct arena *a)
{
    return key->type == KEY_RSA ? rsa_sign(key->signer, digest, a)
                                : ed25519_sign(key->pkey, digest, a);
}
