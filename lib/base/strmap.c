/* strmap.c - an open-addressing hash table of texts that come from our own files.
 *
 * Errors: none. */
#include "base/strmap.h"

#include <stdint.h>

#define SLOTS_FIRST 8

void strmap_init(struct strmap *map, struct arena *a)
{
    *map = (struct strmap){.arena = a, .mask = SLOTS_FIRST - 1};
    map->slots = arena_array(a, struct strmap_slot, SLOTS_FIRST);
}

/* FNV-1a, 64 bits. */
static uint64_t strmap_hash(struct str key)
{
    uint64_t h = 0xcbf29ce484222325;
    for (size_t i = 0; i < key.n; i++)
        h = (h ^ (unsigned char)key.p[i]) * 0x100000001b3;
    return h ^ (h >> 32);
}

/* The slot that holds the key, or the free one where it belongs. There is one: the table is never
 * more than half full. */
static struct strmap_slot *slot_of(const struct strmap *map, struct str key)
{
    size_t i = strmap_hash(key) & map->mask;
    while (map->slots[i].value && !str_eq(map->slots[i].key, key))
        i = (i + 1) & map->mask;
    return &map->slots[i];
}

static void grow(struct strmap *map)
{
    struct strmap_slot *old = map->slots;
    size_t n = map->mask + 1;
    map->mask = 2 * n - 1;
    map->slots = arena_array(map->arena, struct strmap_slot, 2 * n);
    for (size_t i = 0; i < n; i++)
        if (old[i].value)
            *slot_of(map, old[i].key) = old[i];
}

void **strmap_put(struct strmap *map, struct str key)
{
    if (map->n > map->mask / 2)
        grow(map);
    struct strmap_slot *slot = slot_of(map, key);
    if (!slot->value) {
        slot->key = key;
        map->n++;
    }
    return &slot->value;
}

void *strmap_get(const struct strmap *map, struct str key)
{
    return map->slots ? slot_of(map, key)->value : NULL;
}
