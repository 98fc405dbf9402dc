/* lifecycle.h - the life of the signing keys of one domain, from birth to retirement: a state
 * machine without files, clock or DNS.
 *
 *     pending     made, and not signing: waits until its record is seen in the DNS
 *     active      signs
 *     retiring    replaced, and not signing: its record stays for mail that is under way
 *     removable   its record and its files may be removed
 *
 * Of each type (RSA, Ed25519) one key is active. A key never signs before its record was seen. */
#ifndef ASSAY_KEYS_LIFECYCLE_H
#define ASSAY_KEYS_LIFECYCLE_H

#include <stdint.h>

#include "keys/published.h"

#define KEY_STATES(X)                                                                              \
    X(KEY_PENDING, "pending")                                                                      \
    X(KEY_ACTIVE, "active")                                                                        \
    X(KEY_RETIRING, "retiring")                                                                    \
    X(KEY_REMOVABLE, "removable")

enum key_state {
#define X(id, name) id,
    KEY_STATES(X)
#undef X
};

const char *key_state_name(enum key_state state);
bool key_state_parse(struct str name, enum key_state *state);

/* What a key's state file holds. Times are seconds since 1970. */
struct key_life {
    enum key_state state;
    int64_t created; /* when it was made, or first met; the newest key is the one to sign with */
    int64_t since;   /* when it came into this state */
    int64_t seen;    /* pending: since when its record is there without a break; 0: it is not */
    int64_t ttl;     /* of that record, in seconds: the longest that was seen */
};

/* One key of the domain, and what a look at the DNS found. */
struct living_key {
    struct str selector;
    enum key_type type;
    int64_t mtime; /* of its file: decides which is newer where `created` does not */
    struct key_life life;
    enum record_finding told;  /* what was last told of its record; RECORD_GOOD at first */
    enum record_finding found; /* of this look; RECORD_UNKNOWN: nothing, and nothing follows */
    uint32_t ttl;              /* of the answer */
};

enum life_event {
    LIFE_RECORD_SEEN,     /* pending: its record is there, and has to stay for its TTL */
    LIFE_RECORD_VANISHED, /* pending: it went before that */
    LIFE_RECORD_UNFIT,    /* pending: a record is there that does not fit the key */
    LIFE_ACTIVATED,       /* signs from here on */
    LIFE_RETIRED,         /* another key signs from here on */
    LIFE_REMOVABLE,
    LIFE_RECORD_MISSING, /* active: its record is gone */
    LIFE_RECORD_CHANGED, /* active: it does not fit the key any more */
    LIFE_RECORD_BACK,    /* active: all is well again */
    LIFE_EVENT_COUNT
};

typedef void life_event_fn(void *context, enum life_event event, const struct living_key *key);

/* One look at all keys of a domain, at the time `now`: new states, and what happened, in this
 * order. True if something changed that a state file holds.
 *
 * A pending key becomes active when its record was there at two looks that are more than its TTL
 * apart, and at none between was missing (a cache that keeps the absence of the record has
 * forgotten it by then); if no key of the domain signs, at once, because waiting would gain
 * nothing. The active key of the same type, and pending ones that are older, become retiring, and
 * after `retirement` seconds removable. Of several that are ready the newest is taken. */
bool lifecycle_step(struct living_key *keys, size_t n, int64_t now, int64_t retirement,
                    life_event_fn *event, void *context);

#endif
