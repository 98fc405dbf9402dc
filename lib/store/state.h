/* state.h - short-lived state that hosts may share: when something was first seen.
 *
 * A key has a number as its value, usually the time at which something was first seen, until it
 * expires. A SQLite database (by default) or Redis servers store it. Questions are asked like those
 * of DNS: several keys in one question, by an asker with little patience, and "cannot be known now"
 * is a normal answer. With several servers a question goes to all of them; the smallest number
 * counts, and a key is unknown only if none of them answered.
 *
 * No failure is permanent. With a full disk, a database that is locked, damaged, missing or
 * read-only, or a server that is down, slow, read-only, full or refuses the password, each answer
 * is STATE_UNKNOWN, and after the first one it comes at once. The log has one line when this begins
 * and one when it ends. A key that was reported as recorded is still there after a kill -9.
 *
 * All calls may come from any thread. */
#ifndef ASSAY_STORE_STATE_H
#define ASSAY_STORE_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

#define STATE_KEY_MAX     300  /* bytes of a key: a domain name and a prefix */
#define STATE_KEYS_MAX    16   /* keys of one question */
#define STATE_QUEUE_MAX   4096 /* questions that may wait for one database or server */
#define STATE_SERVERS_MAX 8
#define STATE_BUDGET_US   200000 /* what a message may spend waiting for state */

#define STATE_CACHE_BYTES ((size_t)8 << 20) /* of keys that are there, in front of a database */

/* What questions take that wait for one database or server, all of the largest size. */
#define STATE_QUESTION_BYTES (512 + STATE_KEYS_MAX * (STATE_KEY_MAX + 64))
/* What goes to a Redis server and comes from it at once. */
#define STATE_REDIS_BYTES ((size_t)6 << 20)
/* SQLite's pages of one database, and its statements. */
#define STORE_DATABASE_BYTES ((size_t)10 << 20)

enum state_result {
    STATE_UNKNOWN, /* cannot be known now; nothing may be concluded */
    STATE_ABSENT,  /* the key was not there; after state_put_if_absent() it is recorded */
    STATE_ANSWER,  /* the key was there with this `value` */
};

/* The asker sets `key`, and `value` where a function says so. */
struct state_key {
    struct str key; /* any bytes, at most STATE_KEY_MAX */
    int64_t value;
    enum state_result result;
};

/* A Redis server. */
struct state_server {
    struct str host; /* a name or an address */
    uint16_t port;
    struct str user, password; /* empty: none */
    unsigned database;
    struct str prefix; /* of all keys, so that several sites can share a server */
};

struct state_settings {
    struct str path;    /* of the SQLite database; unused with servers */
    uint64_t max_bytes; /* of the database: beyond it keys are removed; 0: 100 MB */
    size_t cache_bytes; /* of the memory in front of it; 0: STATE_CACHE_BYTES */
    int64_t pause_us;   /* the longest pause; 0: 1 s for a database, 5 s for a server */
    size_t n_servers;   /* 0: SQLite */
    const struct state_server *servers;
};

struct state;

/* Does not fail for temporary trouble: a store that cannot be reached answers STATE_UNKNOWN until
 * it can. NULL and *problem (in `a`) only without memory or threads, or for more than
 * STATE_SERVERS_MAX servers. Copies the settings. */
struct state *state_open(const struct state_settings *settings, struct arena *a,
                         struct str *problem);

/* Writes what is queued, and closes the store. No asker may use it any more. NULL is allowed. */
void state_close(struct state *state);

/* A message asks through this. Only one thread at a time uses it. */
struct state_asker {
    struct state *state;
    int64_t patience_us; /* what is left of the time to spend waiting; at 0 all is unknown that is
                            not in memory */
    void (*waits)(void *context, bool begins); /* called before and after a wait; or NULL */
    void *waits_context;
    int64_t waited_us; /* so far */
};

/* Fills in result and value of each of the n keys. `now` is in seconds since 1970. */
void state_get(struct state_asker *asker, int64_t now, struct state_key *keys, size_t n);

/* Records `value` for ttl_s seconds for each key that has no value (STATE_ABSENT); for a key that
 * has one, gives it (STATE_ANSWER) and changes nothing. All keys in one step. */
void state_put_if_absent(struct state_asker *asker, int64_t now, int64_t value, int64_t ttl_s,
                         struct state_key *keys, size_t n);

/* Lets keys that were found live for at least ttl_s seconds from now. `value` is what was found:
 * the smaller value counts, and a server that lacks the key gets it. Nobody waits: if a queue has
 * no room, the expiry of the keys does not change. */
void state_touch(struct state *state, int64_t now, int64_t ttl_s, const struct state_key *keys,
                 size_t n);

/* Removes keys: STATE_ANSWER if the key was there. */
void state_forget(struct state_asker *asker, struct state_key *keys, size_t n);

/* For tools: calls `each` with the keys that begin with `prefix` and have not expired at `now`, in
 * no order; with several servers a key may come more than once. It may take long. False and
 * *problem (in `a`) if not all keys could be read. Needs no open state. */
typedef void state_each_fn(void *context, struct str key, int64_t value, int64_t expires);
bool state_list(const struct state_settings *settings, int64_t now, struct str prefix,
                state_each_fn *each, void *context, struct arena *a, struct str *problem);

/* What the store has done since it was opened. */
struct state_figures {
    uint64_t questions; /* that were asked */
    uint64_t cached;    /* of these, those that were answered from memory */
    uint64_t unknown;   /* of these, those with a key that remained unknown */
    uint64_t touches_lost;
};
struct state_figures state_figures(struct state *state);

#endif
