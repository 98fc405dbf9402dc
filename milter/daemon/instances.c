/* instances.c - a cache of values that never change: each answer puts another one in its place.
 *
 * Errors: none; exhausted memory ends the program with abort(). */
#include "milter/daemon/instances.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/lru.h"

#define SHARDS  4
#define LIFE_US ((int64_t)1800 * 1000 * 1000) /* a client with many recipients is slow */

/* In one piece of memory, with its texts. */
struct kept {
    atomic_uint references;
    struct instance value;
    char text[];
};

static void hold_instance(void *object)
{
    struct kept *k = object;
    atomic_fetch_add(&k->references, 1);
}

static void release_instance(void *object)
{
    struct kept *k = object;
    if (atomic_fetch_sub(&k->references, 1) == 1)
        free(k);
}

static const struct lru_ops kept_ops = {hold_instance, release_instance};

struct instances *instances_new(void)
{
    return (struct instances *)lru_new(INSTANCES_BYTES_MAX, SHARDS, &kept_ops);
}

void instances_free(struct instances *all)
{
    lru_free((struct lru *)all);
}

static size_t text_bytes(const struct instance *value)
{
    size_t n = value->action.n + value->spared.n;
    for (size_t i = 0; i < value->n_fields; i++)
        n += value->fields[i].n;
    return n;
}

static struct str put_instance(char **end, struct str text)
{
    struct str copy = {*end, text.n};
    if (text.n)
        memcpy(*end, text.p, text.n);
    *end += text.n;
    return copy;
}

static struct instance copy_into(const struct instance *value, char *room)
{
    struct instance copy = *value;
    copy.action = put_instance(&room, value->action);
    copy.spared = put_instance(&room, value->spared);
    for (size_t i = 0; i < value->n_fields; i++)
        copy.fields[i] = put_instance(&room, value->fields[i]);
    return copy;
}

bool instances_recall(struct instances *all, struct str key, struct arena *a, struct instance *out)
{
    struct kept *k = lru_get((struct lru *)all, key, clock_us());
    *out = (struct instance){0};
    if (!k)
        return false;
    *out = copy_into(&k->value, arena_alloc(a, text_bytes(&k->value) + 1));
    release_instance(k);
    return true;
}

static void *as_it_is(void *object)
{
    return object;
}

void instances_keep(struct instances *all, struct str key, const struct instance *value)
{
    struct lru *cache = (struct lru *)all;
    size_t bytes = sizeof(struct kept) + text_bytes(value);
    int64_t expires = clock_us() + LIFE_US;
    bool made = false;
    struct kept *k = malloc(bytes);
    if (!k)
        abort();
    atomic_init(&k->references, 1); /* which becomes the cache's */
    k->value = copy_into(value, k->text);
    lru_drop(cache, key, NULL);
    void *found = lru_get_or_make(cache, key, clock_us(), expires, as_it_is, k, &made);
    lru_settle(cache, key, k, bytes, expires);
    if (!made) /* the same request came twice at once: one of the answers is enough */
        release_instance(k);
    release_instance(found);
}
