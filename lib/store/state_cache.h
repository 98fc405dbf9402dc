/* state_cache.h - keys of the local state that exist, in memory in front of the database. Private
 * to lib/store.
 *
 * Another process may change the database, so the cache counts only for a second after
 * state_cache_trust(). From any thread. */
#ifndef ASSAY_STORE_STATE_CACHE_H
#define ASSAY_STORE_STATE_CACHE_H

#include "store/state.h"

struct state_cache;

/* At most `bytes`; 0: STATE_CACHE_BYTES. */
struct state_cache *state_cache_new(size_t bytes);
void state_cache_free(struct state_cache *c);

/* `now` and `expires` are in seconds since 1970. */
void state_cache_put(struct state_cache *c, int64_t now, struct str key, int64_t value,
                     int64_t expires);
/* Fills in result and value of the key. False: the key is not there, or the cache does not count.
 * *expires may be NULL. */
bool state_cache_get(struct state_cache *c, int64_t now, struct state_key *key, int64_t *expires);
void state_cache_drop(struct state_cache *c, struct str key);

/* Nothing that is in the cache counts any more. */
void state_cache_forget(struct state_cache *c);
/* Nobody else has changed the database until now. */
void state_cache_trust(struct state_cache *c);

#endif
