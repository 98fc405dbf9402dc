/* state_table.h - the table of keys in the SQLite database of the local state. Private to
 * lib/store.
 *
 * One thread uses a table. Functions that return a bool return false if the database failed; then
 * db.why has the reason. */
#ifndef ASSAY_STORE_STATE_TABLE_H
#define ASSAY_STORE_STATE_TABLE_H

#include "store/sqlite.h"
#include "store/state.h"

#define STATE_TABLE_STATEMENTS 7

struct state_cache;

struct state_table {
    struct database db;
    sqlite3_stmt *statements[STATE_TABLE_STATEMENTS];
    struct state_cache *cache; /* loses keys that go */
    uint64_t max_bytes, max_pages;
    int64_t data_version;
    struct str swept; /* the last key of the sweep, in swept_bytes */
    char swept_bytes[STATE_KEY_MAX];
};

/* Does not open the database. False: the path is too long. */
bool state_table_init(struct state_table *t, struct str path, uint64_t max_bytes,
                      struct state_cache *cache);

/* Opens the database if it is closed or another file is at its path. */
bool state_table_ready(struct state_table *t);
/* The cache does not count any more. */
void state_table_close(struct state_table *t);

/* Call before a transaction: has another process written? Then the cache does not count any more.
 */
bool state_table_look(struct state_table *t);

/* Fills in value and *expires (seconds since 1970), which is 0 if the key is not there. */
bool state_table_find(struct state_table *t, struct state_key *key, int64_t *expires);
bool state_table_put(struct state_table *t, struct str key, int64_t value, int64_t expires);
/* The smaller value and the later expiry are kept. *there: the key exists. */
bool state_table_touch(struct state_table *t, const struct state_key *key, int64_t expires,
                       bool *there);
bool state_table_forget(struct state_table *t, struct str key);

/* Removes some keys that have expired at `now`, and if the database is full, others too, the more
 * the more `questions` are answered. */
bool state_table_sweep(struct state_table *t, int64_t now, size_t questions);

#endif
