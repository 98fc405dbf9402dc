/* state_table.c - keys in SQLite: statements, expiry and size; and the list for tools.
 *
 * Errors: false, and db.why has the reason. */
#include "store/state_table.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "store/question.h"
#include "store/state_cache.h"

#define MAX_BYTES   (UINT64_C(100) << 20)
#define SWEEP       64 /* keys that each writing transaction looks at, ... */
#define SWEEP_EACH  4  /* and once more for each so many questions in it */
#define EVICT_SHARE 8  /* this part of the keys looked at is removed if there is no room */

static const char *const steps[] = {
    "CREATE TABLE state(key BLOB PRIMARY KEY, value INTEGER NOT NULL, expires INTEGER NOT NULL)"
    " WITHOUT ROWID",
};
static const struct database_schema schema = {
    .id = 0x61737331, .steps = steps, .version = 1, .check_up_to = INT64_C(256) << 20};

enum statement { FIND, PUT, TOUCH, FORGET, SWEEP_KEYS, SEEN, PAGES };
static const char *const texts[STATE_TABLE_STATEMENTS] = {
    [FIND] = "SELECT value, expires FROM state WHERE key = ?1",
    [PUT] = "INSERT OR REPLACE INTO state VALUES(?1, ?2, ?3)",
    [TOUCH] = "UPDATE state SET value = min(value, ?2), expires = max(expires, ?3) WHERE key = ?1",
    [FORGET] = "DELETE FROM state WHERE key = ?1",
    [SWEEP_KEYS] = "SELECT key, expires FROM state WHERE key > ?1 ORDER BY key LIMIT ?2",
    [SEEN] = "PRAGMA data_version",
    [PAGES] = "SELECT page_count - freelist_count FROM pragma_page_count, pragma_freelist_count",
};

/* --- Opening -----------------------------------------------------------------------------------*/

bool state_table_init(struct state_table *t, struct str path, uint64_t max_bytes,
                      struct state_cache *cache)
{
    t->max_bytes = max_bytes ? max_bytes : MAX_BYTES;
    t->cache = cache;
    t->swept = (struct str){t->swept_bytes, 0};
    return database_init(&t->db, path, &schema);
}

void state_table_close(struct state_table *t)
{
    for (size_t i = 0; i < STATE_TABLE_STATEMENTS; i++) {
        sqlite3_finalize(t->statements[i]);
        t->statements[i] = NULL;
    }
    database_close(&t->db);
    state_cache_forget(t->cache);
}

static bool prepare_statements(struct state_table *t)
{
    for (size_t i = 0; i < STATE_TABLE_STATEMENTS; i++) {
        t->statements[i] = sqlite_prepare(&t->db, texts[i]);
        if (!t->statements[i])
            return false;
    }
    return true;
}

static bool open_table(struct state_table *t)
{
    if (!database_open(&t->db))
        return false;
    if (!prepare_statements(t)) {
        state_table_close(t);
        return false;
    }
    uint64_t page = (uint64_t)database_number(&t->db, "PRAGMA page_size", 4096);
    t->max_pages = t->max_bytes / page;
    t->data_version = -1;
    return true;
}

bool state_table_ready(struct state_table *t)
{
    if (t->db.sqlite && !database_is_there(&t->db)) {
        log_warning("%s: was removed or replaced; a new one is made", t->db.path);
        state_table_close(t);
    }
    return t->db.sqlite || open_table(t);
}

static int64_t one_number(struct state_table *t, enum statement which)
{
    sqlite3_stmt *s = t->statements[which];
    int64_t n = sqlite3_step(s) == SQLITE_ROW ? sqlite3_column_int64(s, 0) : -1;
    sqlite3_reset(s);
    return n;
}

bool state_table_look(struct state_table *t)
{
    int64_t version = one_number(t, SEEN);
    if (version < 0) {
        sqlite_failed(&t->db);
        return false;
    }
    if (version != t->data_version)
        state_cache_forget(t->cache);
    t->data_version = version;
    state_cache_trust(t->cache);
    return true;
}

/* --- Keys --------------------------------------------------------------------------------------*/

/* Runs a statement on a key; SQLITE_ROW or SQLITE_DONE if it worked. */
static int step_on(struct state_table *t, enum statement which, struct str key, int64_t value,
                   int64_t expires)
{
    sqlite3_stmt *s = t->statements[which];
    sqlite3_reset(s);
    sqlite3_bind_blob(s, 1, key.p, (int)key.n, SQLITE_STATIC);
    if (which == PUT || which == TOUCH) {
        sqlite3_bind_int64(s, 2, value);
        sqlite3_bind_int64(s, 3, expires);
    }
    return sqlite3_step(s);
}

static bool change_key(struct state_table *t, enum statement which, struct str key, int64_t value,
                       int64_t expires)
{
    bool done = step_on(t, which, key, value, expires) == SQLITE_DONE;
    if (!done)
        sqlite_failed(&t->db);
    sqlite3_reset(t->statements[which]);
    return done;
}

bool state_table_find(struct state_table *t, struct state_key *key, int64_t *expires)
{
    int rc = step_on(t, FIND, key->key, 0, 0);
    *expires = 0;
    if (rc == SQLITE_ROW) {
        key->value = sqlite3_column_int64(t->statements[FIND], 0);
        *expires = sqlite3_column_int64(t->statements[FIND], 1);
    } else if (rc != SQLITE_DONE) {
        sqlite_failed(&t->db);
    }
    sqlite3_reset(t->statements[FIND]);
    return rc == SQLITE_ROW || rc == SQLITE_DONE;
}

bool state_table_put(struct state_table *t, struct str key, int64_t value, int64_t expires)
{
    return change_key(t, PUT, key, value, expires);
}

bool state_table_touch(struct state_table *t, const struct state_key *key, int64_t expires,
                       bool *there)
{
    bool done = change_key(t, TOUCH, key->key, key->value, expires);
    *there = done && sqlite3_changes(t->db.sqlite) > 0;
    return done;
}

bool state_table_forget(struct state_table *t, struct str key)
{
    state_cache_drop(t->cache, key);
    return change_key(t, FORGET, key, 0, 0);
}

/* --- Expiry and size ---------------------------------------------------------------------------*/

struct seen_key {
    int64_t expires;
    size_t n;
    char bytes[STATE_KEY_MAX];
};

static void keep_place(struct state_table *t, const struct seen_key *last)
{
    if (last)
        memcpy(t->swept_bytes, last->bytes, last->n);
    t->swept = (struct str){t->swept_bytes, last ? last->n : 0};
}

/* The next keys in order; fewer than `max` at the end, and then the sweep begins again. */
static size_t next_keys(struct state_table *t, struct seen_key *seen, size_t max)
{
    size_t n = 0;
    sqlite3_stmt *s = t->statements[SWEEP_KEYS];
    sqlite3_bind_blob(s, 1, t->swept.p, (int)t->swept.n, SQLITE_STATIC);
    sqlite3_bind_int64(s, 2, (int64_t)max);
    while (n < max && sqlite3_step(s) == SQLITE_ROW) {
        int bytes = sqlite3_column_bytes(s, 0);
        const void *key = sqlite3_column_blob(s, 0);
        if (bytes > STATE_KEY_MAX)
            continue;
        seen[n].expires = sqlite3_column_int64(s, 1);
        seen[n].n = (size_t)bytes;
        if (bytes)
            memcpy(seen[n].bytes, key, (size_t)bytes);
        n++;
    }
    sqlite3_reset(s);
    keep_place(t, n == max ? &seen[n - 1] : NULL);
    return n;
}

static int by_expiry(const void *a, const void *b)
{
    const struct seen_key *x = a, *y = b;
    return x->expires < y->expires ? -1 : x->expires > y->expires;
}

static bool is_full(struct state_table *t)
{
    return one_number(t, PAGES) > (int64_t)t->max_pages;
}

/* Removes those of the next keys that have expired. If the database is full, also removes those
 * that expire next; these are keys that have not passed yet, whose life is short. */
static bool sweep_once(struct state_table *t, int64_t now, bool full)
{
    struct seen_key seen[SWEEP];
    size_t n = next_keys(t, seen, SWEEP), evicted = full ? n / EVICT_SHARE : 0;
    qsort(seen, n, sizeof *seen, by_expiry);
    for (size_t i = 0; i < n && (i < evicted || seen[i].expires <= now); i++)
        if (!state_table_forget(t, (struct str){seen[i].bytes, seen[i].n}))
            return false;
    return true;
}

bool state_table_sweep(struct state_table *t, int64_t now, size_t questions)
{
    bool full = is_full(t);
    size_t rounds = full ? 1 + questions / SWEEP_EACH : 1;
    for (size_t i = 0; i < rounds; i++)
        if (!sweep_once(t, now, full))
            return false;
    return true;
}

/* --- For tools ---------------------------------------------------------------------------------*/

static struct str column_key(sqlite3_stmt *s)
{
    const void *p = sqlite3_column_blob(s, 0);
    return (struct str){p ? p : "", p ? (size_t)sqlite3_column_bytes(s, 0) : 0};
}

static bool read_keys(struct database *db, int64_t now, struct str prefix, state_each_fn *each,
                      void *context)
{
    int rc = SQLITE_ERROR;
    sqlite3_stmt *s =
        sqlite_prepare(db, "SELECT key, value, expires FROM state WHERE key >= ?1 ORDER BY key");
    if (!s)
        return false;
    sqlite3_bind_blob(s, 1, prefix.p, (int)prefix.n, SQLITE_STATIC);
    while ((rc = sqlite3_step(s)) == SQLITE_ROW && str_starts(column_key(s), prefix))
        if (sqlite3_column_int64(s, 2) > now)
            each(context, column_key(s), sqlite3_column_int64(s, 1), sqlite3_column_int64(s, 2));
    bool good = rc == SQLITE_ROW || rc == SQLITE_DONE;
    if (!good)
        sqlite_failed(db);
    sqlite3_finalize(s);
    return good;
}

/* The daemon makes the file when it has something to remember. */
static bool is_to_come(const char *path)
{
    struct str text = str_of(path);
    size_t slash = str_find_last(text, '/');
    char directory[PATH_MAX];
    if (access(path, F_OK) == 0 || errno != ENOENT || slash >= sizeof directory)
        return false;
    memcpy(directory, path, slash);
    directory[slash] = '\0';
    return slash == 0 || access(directory, R_OK | X_OK) == 0;
}

bool state_local_list(const struct state_settings *settings, int64_t now, struct str prefix,
                      state_each_fn *each, void *context, struct arena *a, struct str *problem)
{
    struct database db;
    bool good = database_init(&db, settings->path, &schema) &&
                (is_to_come(db.path) ||
                 (database_open_read(&db) && read_keys(&db, now, prefix, each, context)));
    if (!good)
        *problem = str_printf(a, "%.*s: %s", STR_ARG(settings->path), db.why);
    database_close(&db);
    return good;
}
