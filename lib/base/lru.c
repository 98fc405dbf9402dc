/* lru.c - shards of a chained hash table, each with a list from the most to the least recently
 * used.
 *
 * Keys come from the network, so the hash has a secret of this cache. What leaves the cache is
 * unlinked under the lock and released after it.
 *
 * Errors: none are returned. Exhausted memory ends the program with abort(). */
#include "base/lru.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/siphash.h"

#define BUCKETS_FIRST 16U

struct entry {
    struct entry *chain;         /* in its bucket */
    struct entry *newer, *older; /* in the shard's list; `older` also links what is to go */
    void *value;
    uint64_t hash;
    int64_t expires;
    size_t cost;
    size_t key_n;
    char key[];
};

struct shard {
    _Alignas(64) pthread_mutex_t lock;
    struct entry **buckets;
    size_t n_buckets; /* a power of two */
    size_t n;
    struct entry *newest, *oldest;
    size_t bytes;
    int64_t now; /* the latest that a caller told */
};

struct lru {
    const struct lru_ops *ops;
    size_t shard_bytes;
    unsigned n_shards;
    uint64_t secret[2];
    struct shard *shards;
};

static void *lru_need(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

/* --- one shard; its lock is held --- */

static size_t entry_bytes(const struct entry *e)
{
    return sizeof *e + e->key_n + e->cost;
}

static struct entry **bucket_of(const struct shard *s, uint64_t hash)
{
    return &s->buckets[hash & (s->n_buckets - 1)];
}

static struct entry *lru_find(const struct shard *s, uint64_t hash, struct str key)
{
    struct entry *e = *bucket_of(s, hash);
    while (e && !(e->hash == hash && str_eq((struct str){e->key, e->key_n}, key)))
        e = e->chain;
    return e;
}

static void list_remove(struct shard *s, struct entry *e)
{
    *(e->newer ? &e->newer->older : &s->newest) = e->older;
    *(e->older ? &e->older->newer : &s->oldest) = e->newer;
}

static void list_push(struct shard *s, struct entry *e)
{
    e->newer = NULL;
    e->older = s->newest;
    *(s->newest ? &s->newest->newer : &s->oldest) = e;
    s->newest = e;
}

/* Takes e out of the shard and puts it on the list *gone. */
static void unlink_entry(struct shard *s, struct entry *e, struct entry **gone)
{
    struct entry **at = bucket_of(s, e->hash);
    while (*at != e)
        at = &(*at)->chain;
    *at = e->chain;
    list_remove(s, e);
    s->n--;
    s->bytes -= entry_bytes(e);
    e->older = *gone;
    *gone = e;
}

/* Makes the shard fit its bound; returns how many that had not expired went. */
static size_t evict(const struct lru *c, struct shard *s, struct entry **gone)
{
    size_t live = 0;
    while (s->bytes > c->shard_bytes && s->oldest) {
        live += s->oldest->expires > s->now;
        unlink_entry(s, s->oldest, gone);
    }
    return live;
}

/* The live entry under key, now the most recently used; an expired one goes to *gone. */
static struct entry *find_live(struct shard *s, uint64_t hash, struct str key, int64_t now,
                               struct entry **gone)
{
    struct entry *e = lru_find(s, hash, key);
    if (now > s->now)
        s->now = now;
    if (!e)
        return NULL;
    if (e->expires <= now) {
        unlink_entry(s, e, gone);
        return NULL;
    }
    list_remove(s, e);
    list_push(s, e);
    return e;
}

static void grow_buckets(struct shard *s)
{
    size_t old_n = s->n_buckets;
    struct entry **old = s->buckets;
    s->n_buckets = old_n * 2;
    s->buckets = lru_need(calloc(s->n_buckets, sizeof *old));
    s->bytes += old_n * sizeof *old;
    for (size_t i = 0; i < old_n; i++) {
        for (struct entry *e = old[i], *next; e; e = next) {
            struct entry **b = bucket_of(s, e->hash);
            next = e->chain;
            e->chain = *b;
            *b = e;
        }
    }
    free(old);
}

static void lru_insert(struct shard *s, uint64_t hash, struct str key, void *value, int64_t expires)
{
    struct entry *e = lru_need(malloc(sizeof *e + key.n));
    *e = (struct entry){.value = value, .hash = hash, .expires = expires, .key_n = key.n};
    if (key.n)
        memcpy(e->key, key.p, key.n);
    if (s->n == s->n_buckets)
        grow_buckets(s);
    struct entry **b = bucket_of(s, hash);
    e->chain = *b;
    *b = e;
    list_push(s, e);
    s->n++;
    s->bytes += entry_bytes(e);
}

/* --- the cache --- */

struct lru *lru_new(size_t max_bytes, unsigned shards, const struct lru_ops *ops)
{
    assert(shards > 0);
    struct lru *c = lru_need(calloc(1, sizeof *c));
    c->ops = ops;
    c->n_shards = shards;
    c->shard_bytes = max_bytes / shards;
    if (getrandom(c->secret, sizeof c->secret, 0) != sizeof c->secret)
        abort();
    c->shards = lru_need(aligned_alloc(_Alignof(struct shard), shards * sizeof *c->shards));
    for (unsigned i = 0; i < shards; i++) {
        struct shard *s = &c->shards[i];
        *s = (struct shard){.n_buckets = BUCKETS_FIRST, .now = INT64_MIN};
        pthread_mutex_init(&s->lock, NULL);
        s->buckets = lru_need(calloc(s->n_buckets, sizeof(struct entry *)));
        s->bytes = s->n_buckets * sizeof(struct entry *);
    }
    return c;
}

/* Drops the cache's references on what has left it. */
static void release_all(const struct lru *c, struct entry *gone)
{
    while (gone) {
        struct entry *next = gone->older;
        c->ops->release(gone->value);
        free(gone);
        gone = next;
    }
}

void lru_free(struct lru *c)
{
    if (!c)
        return;
    for (unsigned i = 0; i < c->n_shards; i++) {
        release_all(c, c->shards[i].newest);
        free(c->shards[i].buckets);
        pthread_mutex_destroy(&c->shards[i].lock);
    }
    free(c->shards);
    free(c);
}

static struct shard *lock_shard(struct lru *c, struct str key, uint64_t *hash)
{
    *hash = siphash13(c->secret, key);
    struct shard *s = &c->shards[(*hash >> 32) % c->n_shards];
    pthread_mutex_lock(&s->lock);
    return s;
}

static void unlock_shard(struct lru *c, struct shard *s, struct entry *gone)
{
    pthread_mutex_unlock(&s->lock);
    release_all(c, gone);
}

void *lru_get(struct lru *c, struct str key, int64_t now)
{
    uint64_t hash;
    void *value = NULL;
    struct entry *gone = NULL;
    struct shard *s = lock_shard(c, key, &hash);
    const struct entry *e = find_live(s, hash, key, now, &gone);
    if (e) {
        value = e->value;
        c->ops->hold(value);
    }
    unlock_shard(c, s, gone);
    return value;
}

void *lru_get_or_make(struct lru *c, struct str key, int64_t now, int64_t expires,
                      void *(*make)(void *arg), void *arg, bool *made)
{
    uint64_t hash;
    struct entry *gone = NULL;
    struct shard *s = lock_shard(c, key, &hash);
    const struct entry *e = find_live(s, hash, key, now, &gone);
    void *value = e ? e->value : make(arg);
    *made = !e && value;
    if (value)
        c->ops->hold(value);
    if (*made) {
        lru_insert(s, hash, key, value, expires);
        evict(c, s, &gone);
    }
    unlock_shard(c, s, gone);
    return value;
}

size_t lru_settle(struct lru *c, struct str key, const void *value, size_t cost, int64_t expires)
{
    uint64_t hash;
    size_t live = 0;
    struct entry *gone = NULL;
    struct shard *s = lock_shard(c, key, &hash);
    struct entry *e = lru_find(s, hash, key);
    if (e && e->value == value) {
        size_t fixed = s->n_buckets * sizeof *s->buckets + entry_bytes(e) - e->cost;
        e->expires = expires;
        if (cost > c->shard_bytes - fixed) { /* what can never fit must not empty the shard */
            unlink_entry(s, e, &gone);
            live = 1;
        } else {
            s->bytes += cost - e->cost;
            e->cost = cost;
            list_remove(s, e);
            list_push(s, e);
            live = evict(c, s, &gone);
        }
    }
    unlock_shard(c, s, gone);
    return live;
}

void lru_drop(struct lru *c, struct str key, const void *value)
{
    uint64_t hash;
    struct entry *gone = NULL;
    struct shard *s = lock_shard(c, key, &hash);
    struct entry *e = lru_find(s, hash, key);
    if (e && (!value || e->value == value))
        unlink_entry(s, e, &gone);
    unlock_shard(c, s, gone);
}

size_t lru_bytes(struct lru *c)
{
    size_t bytes = 0;
    for (unsigned i = 0; i < c->n_shards; i++) {
        pthread_mutex_lock(&c->shards[i].lock);
        bytes += c->shards[i].bytes;
        pthread_mutex_unlock(&c->shards[i].lock);
    }
    return bytes;
}
