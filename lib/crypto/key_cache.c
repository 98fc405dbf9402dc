/* key_cache.c - decoded public keys by type and bytes.
 *
 * Decoding costs several times a verification, so it happens outside the cache's locks; of callers
 * that race for a fresh key one stores it and the others' work is dropped.
 *
 * Errors: those of public_key_decode(); what cannot be decoded is not cached. */
#include "crypto/keys.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/counters.h"
#include "base/lru.h"

/* What OpenSSL keeps for a key that has verified something: measured as 1.1 KB and four times the
 * modulus. */
#define COST_FIXED    1536
#define SHARDS        8
#define KEY_BYTES_MAX 2048 /* an 8192-bit key with both wrappings has about 1100 */

struct key_cache {
    struct lru *lru;
};

static void hold_key(void *key)
{
    public_key_hold(key);
}

static void release_key(void *key)
{
    public_key_release(key);
}

struct key_cache *key_cache_new(size_t max_bytes)
{
    static const struct lru_ops ops = {hold_key, release_key};
    struct key_cache *cache = calloc(1, sizeof *cache);
    if (!cache)
        abort(); /* like an arena: memory is exhausted */
    cache->lru = lru_new(max_bytes, SHARDS, &ops);
    return cache;
}

void key_cache_free(struct key_cache *cache)
{
    if (!cache)
        return;
    lru_free(cache->lru);
    free(cache);
}

static void *hand_over(void *key)
{
    return key;
}

static struct public_key *store_key(struct lru *lru, struct str name, struct public_key *key,
                                    size_t cost)
{
    bool made = false;
    public_key_hold(key); /* the cache's, if it takes the key */
    struct public_key *cached = lru_get_or_make(lru, name, 0, INT64_MAX, hand_over, key, &made);
    public_key_release(key);
    if (!made) {
        public_key_release(key);
        return cached;
    }
    lru_settle(lru, name, key, cost, INT64_MAX);
    return cached;
}

struct public_key *key_cache_get(struct key_cache *cache, enum key_type type, struct str der,
                                 const char **problem)
{
    char name[1 + KEY_BYTES_MAX];
    if (!cache || der.n > KEY_BYTES_MAX)
        return public_key_decode(type, der, problem);
    name[0] = type == KEY_RSA ? 'r' : 'e';
    if (der.n)
        memcpy(name + 1, der.p, der.n);
    struct str id = {name, 1 + der.n};
    struct public_key *key = lru_get(cache->lru, id, 0);
    if (key) {
        counter_inc(CTR_KEY_CACHE_HITS);
        return key;
    }
    key = public_key_decode(type, der, problem);
    counter_inc(CTR_KEY_CACHE_MISSES);
    return key ? store_key(cache->lru, id, key, COST_FIXED + 4 * der.n) : NULL;
}
