/* lru.h - a bounded cache of shared values: sharded, least recently used goes first.
 *
 * Values are reference-counted by their owner through `hold` and `release`; the cache keeps one
 * reference of its own. A value that was got stays usable when the cache has dropped it. All calls
 * may come from any thread; no callback but `hold`, `release` and `make` runs under a shard's lock,
 * and these must neither block nor call back into the cache. */
#ifndef ASSAY_BASE_LRU_H
#define ASSAY_BASE_LRU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct lru;

struct lru_ops {
    void (*hold)(void *value);
    void (*release)(void *value);
};

/* A cache that holds at most max_bytes (keys, costs and its own overhead counted). Free with
 * lru_free(), which drops the cache's references. */
struct lru *lru_new(size_t max_bytes, unsigned shards, const struct lru_ops *ops);
void lru_free(struct lru *c);

/* The value under key if it has not expired at `now` (any clock, the caller's unit), held for the
 * caller; else NULL. */
void *lru_get(struct lru *c, struct str key, int64_t now);

/* The same, but where there is none, make(arg) gives one (with one reference, which becomes the
 * cache's), which is stored with cost 0 and the given expiry, held for the caller, and *made is
 * true: of all callers that race for one key, one makes. NULL from make is returned, not stored. */
void *lru_get_or_make(struct lru *c, struct str key, int64_t now, int64_t expires,
                      void *(*make)(void *arg), void *arg, bool *made);

/* Tells the true cost in bytes and the expiry of a value that was made; without effect if the key
 * no longer leads to this value. Evicts others as needed; returns how many live ones went. */
size_t lru_settle(struct lru *c, struct str key, const void *value, size_t cost, int64_t expires);

/* Removes the key if it leads to this value (NULL: to any). */
void lru_drop(struct lru *c, struct str key, const void *value);

size_t lru_bytes(struct lru *c); /* a snapshot, for counters and tests */

#endif
