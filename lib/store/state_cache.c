/* state_cache.c - a bounded table of keys, and whether it counts.
 *
 * Errors: none; without memory a key is not kept. */
#include "store/state_cache.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/lru.h"

#define TRUST_US 1000000 /* how long the cache counts */

struct state_cache {
    struct lru *keys;
    atomic_ullong generation; /* of what counts */
    _Atomic int64_t trusted_us;
};

struct cached {
    atomic_uint holders;
    unsigned long long generation;
    int64_t value;
    int64_t expires;
};

static void hold_cached(void *p)
{
    atomic_fetch_add(&((struct cached *)p)->holders, 1);
}

static void release_cached(void *p)
{
    if (atomic_fetch_sub(&((struct cached *)p)->holders, 1) == 1)
        free(p);
}

static const struct lru_ops cache_ops = {hold_cached, release_cached};

static void *make_cached(void *like)
{
    struct cached *c = malloc(sizeof *c);
    if (!c)
        return NULL;
    *c = *(const struct cached *)like;
    atomic_init(&c->holders, 1);
    return c;
}

struct state_cache *state_cache_new(size_t bytes)
{
    struct state_cache *c = calloc(1, sizeof *c);
    if (!c)
        abort();
    c->keys = lru_new(bytes ? bytes : STATE_CACHE_BYTES, 8, &cache_ops);
    atomic_store(&c->trusted_us, clock_us() - TRUST_US);
    return c;
}

void state_cache_free(struct state_cache *c)
{
    lru_free(c->keys);
    free(c);
}

void state_cache_put(struct state_cache *c, int64_t now, struct str key, int64_t value,
                     int64_t expires)
{
    bool made;
    struct cached like = {
        .generation = atomic_load(&c->generation), .value = value, .expires = expires};
    lru_drop(c->keys, key, NULL);
    struct cached *entry = lru_get_or_make(c->keys, key, now, expires, make_cached, &like, &made);
    if (!entry)
        return;
    if (made)
        lru_settle(c->keys, key, entry, sizeof *entry, expires);
    release_cached(entry);
}

bool state_cache_get(struct state_cache *c, int64_t now, struct state_key *key, int64_t *expires)
{
    if (clock_us() - atomic_load(&c->trusted_us) >= TRUST_US)
        return false;
    struct cached *entry = lru_get(c->keys, key->key, now);
    if (!entry)
        return false;
    bool good = entry->generation == atomic_load(&c->generation);
    if (good) {
        key->result = STATE_ANSWER;
        key->value = entry->value;
        if (expires)
            *expires = entry->expires;
    }
    release_cached(entry);
    return good;
}

void state_cache_drop(struct state_cache *c, struct str key)
{
    lru_drop(c->keys, key, NULL);
}

void state_cache_forget(struct state_cache *c)
{
    atomic_fetch_add(&c->generation, 1);
}

void state_cache_trust(struct state_cache *c)
{
    atomic_store(&c->trusted_us, clock_us());
}
