/* strmap.h - text to object, built once and then only read: from any thread, without a
 * lock. All zero is an empty map to read. */
#ifndef ASSAY_BASE_STRMAP_H
#define ASSAY_BASE_STRMAP_H

#include "base/str.h"

struct strmap {
    struct arena *arena;
    size_t n, mask; /* keys; slots - 1 */
    struct strmap_slot {
        struct str key;
        void *value; /* NULL: free */
    } * slots;
};

void strmap_init(struct strmap *map, struct arena *a);

/* The place of the key's value, for the caller to store one at once; *place is NULL if the key is
 * not there yet. The key's bytes must live as long as the map. */
void **strmap_put(struct strmap *map, struct str key);

/* The key's value, or NULL. */
void *strmap_get(const struct strmap *map, struct str key);

#endif
