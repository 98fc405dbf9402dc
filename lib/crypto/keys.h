/* keys.h - public and private keys, decoded once.
 *
 * Key handles are immutable, reference-counted and usable from any thread. */
#ifndef ASSAY_CRYPTO_KEYS_H
#define ASSAY_CRYPTO_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/str.h"

enum key_type { KEY_RSA, KEY_ED25519 };

/* RFC 8301 3.2 sets the lower bound; longer keys than the upper one cost too much to verify. */
#define KEY_RSA_BITS_MIN    1024
#define KEY_RSA_BITS_MAX    8192
#define KEY_RSA_BITS_COMMON 4096 /* up to here every verifier has to go (RFC 8301 3.2) */

struct public_key;

/* Of a key to sign with that is longer; its bits are the argument. */
#define KEY_LONG_ADVICE                                                                            \
    "the RSA key has %u bits: many receivers verify none above 4096 (RFC 8301), and then the "     \
    "signature is worth nothing; 2048 bits are usual"

/* The problem of a key above KEY_RSA_BITS_MAX. */
extern const char key_too_long[];

/* Decodes the bytes of a p= tag (RFC 6376 3.6.1: SubjectPublicKeyInfo, or the bare RSAPublicKey
 * that exists in the wild; RFC 8463 4: 32 bytes). Refused are keys above KEY_RSA_BITS_MAX (not
 * those below KEY_RSA_BITS_MIN: the caller has a word for them) and exponents above 64 bits. NULL,
 * and *problem. */
struct public_key *public_key_decode(enum key_type type, struct str der, const char **problem);
void public_key_hold(struct public_key *key);
void public_key_release(struct public_key *key); /* NULL is allowed */
enum key_type public_key_type(const struct public_key *key);
unsigned public_key_bits(const struct public_key *key);

/* Verifies a signature over a SHA-256 digest: RSASSA-PKCS1-v1_5 (RFC 6376 3.3.2) or Ed25519 over
 * the digest's 32 bytes (RFC 8463 3). */
bool public_key_verify(const struct public_key *key, const unsigned char digest[32],
                       struct str signature);

/* The cache of decoded keys, by type and bytes: NULL is "no cache" everywhere. */
struct key_cache;
struct key_cache *key_cache_new(size_t max_bytes);
void key_cache_free(struct key_cache *cache);
/* A held key, decoded at most once while it stays cached. NULL and *problem as above. */
struct public_key *key_cache_get(struct key_cache *cache, enum key_type type, struct str der,
                                 const char **problem);

struct private_key;

/* Decodes PEM (PKCS#1, PKCS#8, Ed25519). NULL, and *problem is a phrase in `a`. Checks that RSA has
 * KEY_RSA_BITS_MIN to KEY_RSA_BITS_MAX bits and that what the key signs verifies. */
struct private_key *private_key_decode(struct str pem, struct arena *a, struct str *problem);
void private_key_hold(struct private_key *key);
void private_key_release(struct private_key *key);
/* Releases it when the arena ends. */
void private_key_defer(struct arena *a, struct private_key *key);
enum key_type private_key_type(const struct private_key *key);
unsigned private_key_bits(const struct private_key *key);

/* Makes a key: RSA of `bits` with exponent 65537, or Ed25519. NULL and *problem. */
struct private_key *private_key_generate(enum key_type type, unsigned bits, struct arena *a,
                                         struct str *problem);
/* PKCS#8 PEM text, in `a`: wipe is the arena's end, so use a short-lived one. */
struct str private_key_pem(const struct private_key *key, struct arena *a);
/* The bytes of the p= tag: SubjectPublicKeyInfo for RSA, 32 bytes for Ed25519. */
struct str private_key_public(const struct private_key *key, struct arena *a);

/* Signs a SHA-256 digest; the signature's bytes in `a`. STR_NONE on failure. */
struct str private_key_sign(const struct private_key *key, const unsigned char digest[32],
                            struct arena *a);

#endif
