/* inventory.h - every signing key of a configuration, one by one: for commands that tell of them.
 *
 * A daemon that cannot use a key refuses the whole configuration; here the others are told of. */
#ifndef ASSAY_KEYS_INVENTORY_H
#define ASSAY_KEYS_INVENTORY_H

#include "conf/conf.h"
#include "crypto/keys.h"

struct configured_key {
    struct str domain, selector; /* normalised; domain "%": the author's (KeyTable) */
    struct str path;
    const char *state;       /* of its life cycle; "active" for keys that have none */
    int64_t since;           /* seconds since 1970: of the state, or of the file; 0: unknown */
    struct private_key *key; /* held by the arena; NULL: see problem */
    struct str problem;      /* why it cannot be used; with the path */
};

/* All keys as of `now` (seconds since 1970): those of `signing` in its order, then those of key
 * directories, then those of the KeyTable. False if a table or a key directory is wrong, which
 * `problems` says. */
bool inventory_load(const struct conf *conf, int64_t now, struct arena *a,
                    struct conf_problems *problems, struct configured_key **keys, size_t *n);

#endif
