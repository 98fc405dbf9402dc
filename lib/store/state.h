/* state.h - short-lived state that hosts may share: who was seen when.
 *
 * A key leads to a number, as a rule the time at which something was seen first, until it expires.
 * Behind it stand a SQLite database (default), or Redis servers. It is asked as DNS is: several
 * keys in one question, by an asker whose patience is short, and "cannot be known now" is an answer
 * like the others. With several servers a question goes to all of them; the smallest number counts,
 * and a key is unknown only if none of them answered.
 *
 * Nothing here refuses work for good. A full disk, a locked, damaged, missing or read-only
 * database, a server that is down, slow, read-only, full or of another mind about the password:
 * each answer is STATE_UNKNOWN, at once after the first one; the log has one line when that begins
 * and one when it ends, and it ends by itself. What was answered as recorded is still there after a
 * kill -9.
 *
 * All calls may come from any thread. */
#ifndef ASSAY_STORE_STATE_H
#define ASSAY_STORE_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

#define STATE_KEY_MAX     300  /* bytes of a key: a domain name, and what it is the key of */
#define STATE_KEYS_MAX    16   /* keys of one question */
#define STATE_QUEUE_MAX   4096 /* questions that may wait for one database or server */
#define STATE_SERVERS_MAX 8
#define STATE_BUDGET_US   200000 /* what a message may spend waiting for state */

enum state_result {
    STATE_UNKNOWN, /* cannot be known now; nothing may be concluded */
    STATE_ABSENT,  /* there was nothing; after state_put_if_absent() it is recorded */
    STATE_ANSWER,  /* it was there, and `value` is what it leads to */
};

/* In a question `key` is given; `value` too where a call says so. */
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
    struct str prefix; /* of all keys: tells sites apart that share a server */
};

struct state_settings {
    struct str path;    /* of the SQLite database; unused with servers */
    uint64_t max_bytes; /* of it: beyond this the keys that expire next go; 0: 100 MB */
    size_t cache_bytes; /* of the memory in front of it; 0: 8 MB */
    int64_t pause_us;   /* the longest after a failure; 0: 1 s for a database, 5 s for a server */
    size_t n_servers;   /* 0: SQLite */
    const struct state_server *servers;
};

struct state;

/* Never fails for what may pass: a store that cannot be had now answers STATE_UNKNOWN until it can.
 * NULL and *problem (in `a`) only without memory, threads or for more than STATE_SERVERS_MAX
 * servers. The settings are copied. */
struct state *state_open(const struct state_settings *settings, struct arena *a,
                         struct str *problem);

/* What is queued is still written. No asker may use it any more. NULL is allowed. */
void state_close(struct state *state);

/* One message's way of asking. One thread uses it at a time. */
struct state_asker {
    struct state *state;
    int64_t patience_us; /* what is left of the time to spend waiting; at 0 all is unknown that is
                            not in memory */
    void (*waits)(void *context, bool begins); /* before the thread waits, and after; or NULL */
    void *waits_context;
    int64_t waited_us; /* so far */
};

/* Fills in result and value of each of the n keys. `now` is in seconds since 1970. */
void state_get(struct state_asker *asker, int64_t now, struct state_key *keys, size_t n);

/* Where a key leads to nothing, records that it leads to `value` for ttl_s seconds (STATE_ABSENT);
 * where it leads somewhere, tells (STATE_ANSWER) and changes nothing. All keys in one step. */
void state_put_if_absent(struct state_asker *asker, int64_t now, int64_t value, int64_t ttl_s,
                         struct state_key *keys, size_t n);

/* Keys that were found live for ttl_s seconds from now, or longer if they do already. `value` is
 * what was found: where it is the smaller one, it counts, and of several servers one that lacks the
 * key learns it. Nobody waits: without room in a queue the keys keep the life they have. */
void state_touch(struct state *state, int64_t now, int64_t ttl_s, const struct state_key *keys,
                 size_t n);

/* Removes keys: STATE_ANSWER if there was one. */
void state_forget(struct state_asker *asker, struct state_key *keys, size_t n);

/* For tools: calls `each` with the keys that begin with `prefix` and have not expired at `now`, in
 * no order; with several servers a key may come more than once. It waits, and may take its time.
 * False and *problem (in `a`) if not all could be read. Needs no open state. */
typedef void state_each_fn(void *context, struct str key, int64_t value, int64_t expires);
bool state_list(const struct state_settings *settings, int64_t now, struct str prefix,
                state_each_fn *each, void *context, struct arena *a, struct str *problem);

/* What it has done since it was opened. */
struct state_figures {
    uint64_t questions; /* that were asked */
    uint64_t cached;    /* of these, answered from memory */
    uint64_t unknown;   /* of these, with a key that remained unknown */
    uint64_t touches_lost;
};
struct state_figures state_figures(struct state *state);

#endif
