/* state_local.c - the state of one host in a SQLite database.
 *
 * One thread reads and writes; it takes what waits for it as one transaction, and answers when that
 * is committed. In front of it stands a cache of keys that are there. Another process may change
 * the database (assay greylist): the cache counts only for a second after the thread has last seen
 * that nobody did.
 *
 * Errors: what fails is unknown; the database is closed, and opened again after a pause. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/lru.h"
#include "base/thread.h"
#include "store/question.h"
#include "store/sqlite.h"
#include "store/trouble.h"

#define MAX_BYTES   (UINT64_C(100) << 20)
#define CACHE_BYTES ((size_t)8 << 20)
#define BATCH       512
#define PAUSE_US    1000000
#define TRUST_US    1000000 /* how long the cache counts */
#define SWEEP       64      /* keys that are looked at for each transaction that writes, ... */
#define SWEEP_EACH  4       /* and once more for so many questions in it */
#define RENEW_SHARE 32      /* a life that is shorter by less than this part is not renewed */
#define EVICT_SHARE 8       /* of the keys looked at, that go when there is no room */

static const char *const steps[] = {
    "CREATE TABLE state(key BLOB PRIMARY KEY, value INTEGER NOT NULL, expires INTEGER NOT NULL)"
    " WITHOUT ROWID",
};
static const struct database_schema schema = {
    .id = 0x61737331, .steps = steps, .version = 1, .check_up_to = INT64_C(256) << 20};

enum statement { FIND, PUT, TOUCH, FORGET, SWEEP_KEYS, SEEN, PAGES, STATEMENTS };
static const char *const texts[STATEMENTS] = {
    [FIND] = "SELECT value, expires FROM state WHERE key = ?1",
    [PUT] = "INSERT OR REPLACE INTO state VALUES(?1, ?2, ?3)",
    [TOUCH] = "UPDATE state SET value = min(value, ?2), expires = max(expires, ?3) WHERE key = ?1",
    [FORGET] = "DELETE FROM state WHERE key = ?1",
    [SWEEP_KEYS] = "SELECT key, expires FROM state WHERE key > ?1 ORDER BY key LIMIT ?2",
    [SEEN] = "PRAGMA data_version",
    [PAGES] = "SELECT page_count - freelist_count FROM pragma_page_count, pragma_freelist_count",
};

struct local {
    struct state_backend base;
    struct question_queue queue;
    pthread_t thread;
    struct trouble trouble;
    struct lru *cache;
    atomic_ullong generation; /* of what is in the cache */
    _Atomic int64_t seen_us;  /* when nobody else had changed the database */
    /* The thread's own: */
    struct database db;
    sqlite3_stmt *statements[STATEMENTS];
    uint64_t max_bytes, max_pages;
    int64_t data_version;
    struct str swept; /* the sweep has come to this key, which stands in swept_bytes */
    char swept_bytes[STATE_KEY_MAX];
};

/* --- The cache ---------------------------------------------------------------------------------*/

struct cached {
    atomic_uint holders;
    unsigned long long generation;
    int64_t value;
    int64_t expires;
};

static void hold_cached(void *p)
{
    atomic_fetch_add(&((struct cached *)p)->holders, 1);
}

static void release_cached(void *p)
{
    if (atomic_fetch_sub(&((struct cached *)p)->holders, 1) == 1)
        free(p);
}

static const struct lru_ops cache_ops = {hold_cached, release_cached};

static void *make_cached(void *like)
{
    struct cached *c = malloc(sizeof *c);
    if (!c)
        return NULL;
    *c = *(const struct cached *)like;
    atomic_init(&c->holders, 1);
    return c;
}

static void remember_local(struct local *l, int64_t now, struct str key, int64_t value,
                           int64_t expires)
{
    bool made;
    struct cached like = {
        .generation = atomic_load(&l->generation), .value = value, .expires = expires};
    lru_drop(l->cache, key, NULL);
    struct cached *c = lru_get_or_make(l->cache, key, now, expires, make_cached, &like, &made);
    if (!c)
        return;
    if (made)
        lru_settle(l->cache, key, c, sizeof *c, expires);
    release_cached(c);
}

/* False: not there, or not to be trusted. *expires may be NULL. */
static bool look_in_cache(struct local *l, int64_t now, struct state_key *key, int64_t *expires)
{
    if (clock_us() - atomic_load(&l->seen_us) >= TRUST_US)
        return false;
    struct cached *c = lru_get(l->cache, key->key, now);
    if (!c)
        return false;
    bool good = c->generation == atomic_load(&l->generation);
    if (good) {
        key->result = STATE_ANSWER;
        key->value = c->value;
        if (expires)
            *expires = c->expires;
    }
    release_cached(c);
    return good;
}

static bool recall_local(struct state_backend *b, int64_t now, struct state_key *key)
{
    return look_in_cache((struct local *)b, now, key, NULL);
}

/* --- The database ------------------------------------------------------------------------------*/

static void close_database(struct local *l)
{
    for (size_t i = 0; i < STATEMENTS; i++) {
        sqlite3_finalize(l->statements[i]);
        l->statements[i] = NULL;
    }
    database_close(&l->db);
    atomic_fetch_add(&l->generation, 1);
}

static bool prepare_statements(struct local *l)
{
    for (size_t i = 0; i < STATEMENTS; i++) {
        l->statements[i] = sqlite_prepare(&l->db, texts[i]);
        if (!l->statements[i])
            return false;
    }
    return true;
}

static bool open_database(struct local *l)
{
    if (!database_open(&l->db))
        return false;
    if (!prepare_statements(l)) {
        close_database(l);
        return false;
    }
    uint64_t page = (uint64_t)database_number(&l->db, "PRAGMA page_size", 4096);
    l->max_pages = l->max_bytes / page;
    l->data_version = -1;
    return true;
}

/* Open, and the file that stands at the path. */
static bool database_ready(struct local *l)
{
    if (l->db.sqlite && !database_is_there(&l->db)) {
        log_warning("%s: was removed or replaced; a new one is made", l->db.path);
        close_database(l);
    }
    return l->db.sqlite || open_database(l);
}

/* Runs a statement on a key; SQLITE_ROW or SQLITE_DONE if that was well. */
static int step_on(struct local *l, enum statement which, struct str key, int64_t value,
                   int64_t expires)
{
    sqlite3_stmt *s = l->statements[which];
    sqlite3_reset(s);
    sqlite3_bind_blob(s, 1, key.p, (int)key.n, SQLITE_STATIC);
    if (which == PUT || which == TOUCH) {
        sqlite3_bind_int64(s, 2, value);
        sqlite3_bind_int64(s, 3, expires);
    }
    return sqlite3_step(s);
}

static bool change(struct local *l, enum statement which, struct str key, int64_t value,
                   int64_t expires)
{
    bool done = step_on(l, which, key, value, expires) == SQLITE_DONE;
    if (!done)
        sqlite_failed(&l->db);
    sqlite3_reset(l->statements[which]);
    return done;
}

/* *expires is 0 where there is nothing. */
static bool find_local(struct local *l, struct state_key *key, int64_t *expires)
{
    int rc = step_on(l, FIND, key->key, 0, 0);
    *expires = 0;
    if (rc == SQLITE_ROW) {
        key->value = sqlite3_column_int64(l->statements[FIND], 0);
        *expires = sqlite3_column_int64(l->statements[FIND], 1);
    } else if (rc != SQLITE_DONE) {
        sqlite_failed(&l->db);
    }
    sqlite3_reset(l->statements[FIND]);
    return rc == SQLITE_ROW || rc == SQLITE_DONE;
}

/* --- Expiry and size ---------------------------------------------------------------------------*/

struct seen_key {
    int64_t expires;
    size_t n;
    char bytes[STATE_KEY_MAX];
};

static void keep_place(struct local *l, const struct seen_key *last)
{
    if (last)
        memcpy(l->swept_bytes, last->bytes, last->n);
    l->swept = (struct str){l->swept_bytes, last ? last->n : 0};
}

/* The next keys in order; fewer than asked for at the end, and then it begins anew. */
static size_t next_keys(struct local *l, struct seen_key *seen, size_t max)
{
    size_t n = 0;
    sqlite3_stmt *s = l->statements[SWEEP_KEYS];
    sqlite3_bind_blob(s, 1, l->swept.p, (int)l->swept.n, SQLITE_STATIC);
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
    keep_place(l, n == max ? &seen[n - 1] : NULL);
    return n;
}

static int by_expiry(const void *a, const void *b)
{
    const struct seen_key *x = a, *y = b;
    return x->expires < y->expires ? -1 : x->expires > y->expires;
}

static int64_t one_number(struct local *l, enum statement which)
{
    sqlite3_stmt *s = l->statements[which];
    int64_t n = sqlite3_step(s) == SQLITE_ROW ? sqlite3_column_int64(s, 0) : -1;
    sqlite3_reset(s);
    return n;
}

static bool is_full(struct local *l)
{
    return one_number(l, PAGES) > (int64_t)l->max_pages;
}

static bool remove_key(struct local *l, const struct seen_key *seen)
{
    struct str key = {seen->bytes, seen->n};
    lru_drop(l->cache, key, NULL);
    return change(l, FORGET, key, 0, 0);
}

/* Removes what has expired of the next keys, and `evicted` of them at least: those that expire
 * next. A life that was only begun is short, so those who passed once stay. */
static bool sweep_once(struct local *l, int64_t now, bool full)
{
    struct seen_key seen[SWEEP];
    size_t n = next_keys(l, seen, SWEEP), evicted = full ? n / EVICT_SHARE : 0;
    qsort(seen, n, sizeof *seen, by_expiry);
    for (size_t i = 0; i < n && (i < evicted || seen[i].expires <= now); i++)
        if (!remove_key(l, &seen[i]))
            return false;
    return true;
}

static bool sweep(struct local *l, int64_t now, size_t questions)
{
    bool full = is_full(l);
    size_t rounds = full ? 1 + questions / SWEEP_EACH : 1;
    for (size_t i = 0; i < rounds; i++)
        if (!sweep_once(l, now, full))
            return false;
    return true;
}

/* --- Answers -----------------------------------------------------------------------------------*/

/* An answer, and when what it tells expires; 0: there is nothing that the cache should know. */
struct answer {
    struct state_key *key;
    int64_t expires;
};

static bool answer_lookup(struct local *l, const struct question *q, struct answer *a)
{
    if (!find_local(l, a->key, &a->expires))
        return false;
    a->key->result = a->expires > q->now ? STATE_ANSWER : STATE_ABSENT;
    if (a->key->result == STATE_ANSWER)
        return true;
    a->expires = 0;
    if (q->op == STATE_OP_GET)
        return true;
    a->expires = q->now + q->ttl_s;
    a->key->value = q->value;
    return change(l, PUT, a->key->key, q->value, a->expires);
}

/* A life that was renewed lately is long enough: not each message writes. */
static bool needs_no_touch(struct local *l, const struct question *q, struct state_key key)
{
    int64_t expires;
    return look_in_cache(l, q->now, &key, &expires) &&
           expires >= q->now + q->ttl_s - q->ttl_s / RENEW_SHARE;
}

/* One that is not there was forgotten, or had to go: it stays away. */
static bool do_touch(struct local *l, const struct question *q, struct answer *a)
{
    int64_t expires = q->now + q->ttl_s;
    a->key->result = STATE_ANSWER;
    if (needs_no_touch(l, q, *a->key))
        return true;
    if (!change(l, TOUCH, a->key->key, a->key->value, expires))
        return false;
    a->expires = sqlite3_changes(l->db.sqlite) ? expires : 0;
    return true;
}

static bool do_forget(struct local *l, struct answer *a)
{
    int64_t expires;
    if (!find_local(l, a->key, &expires) || !change(l, FORGET, a->key->key, 0, 0))
        return false;
    a->key->result = expires ? STATE_ANSWER : STATE_ABSENT;
    lru_drop(l->cache, a->key->key, NULL);
    return true;
}

static bool answer_key(struct local *l, const struct question *q, struct answer *a)
{
    if (q->op == STATE_OP_TOUCH)
        return do_touch(l, q, a);
    if (q->op == STATE_OP_FORGET)
        return do_forget(l, a);
    return answer_lookup(l, q, a);
}

/* Has another process written? Then what the cache knows may be wrong. */
static bool look_for_others(struct local *l)
{
    int64_t version = one_number(l, SEEN);
    if (version < 0) {
        sqlite_failed(&l->db);
        return false;
    }
    if (version != l->data_version)
        atomic_fetch_add(&l->generation, 1);
    l->data_version = version;
    atomic_store(&l->seen_us, clock_us());
    return true;
}

struct batch {
    size_t n, n_keys;
    struct question *questions[BATCH];
    struct state_key *keys; /* of all questions, one behind the other */
    int64_t *expires;
    size_t room; /* keys */
};

static bool make_room(struct batch *b)
{
    b->n_keys = 0;
    for (size_t i = 0; i < b->n; i++)
        b->n_keys += b->questions[i]->n;
    if (b->n_keys <= b->room)
        return true;
    free(b->keys);
    free(b->expires);
    b->keys = calloc(b->n_keys, sizeof *b->keys);
    b->expires = calloc(b->n_keys, sizeof *b->expires);
    b->room = b->keys && b->expires ? b->n_keys : 0;
    return b->room;
}

static bool answer_questions(struct local *l, struct batch *b)
{
    size_t at = 0;
    for (size_t i = 0; i < b->n; i++) {
        const struct question *q = b->questions[i];
        memcpy(&b->keys[at], q->keys, q->n * sizeof *b->keys);
        for (size_t k = 0; k < q->n; k++, at++) {
            struct answer a = {.key = &b->keys[at]};
            if (!answer_key(l, q, &a))
                return false;
            b->expires[at] = a.expires;
        }
    }
    return true;
}

static int64_t latest_now(const struct batch *b)
{
    int64_t now = 0;
    for (size_t i = 0; i < b->n; i++)
        if (b->questions[i]->now > now)
            now = b->questions[i]->now;
    return now;
}

static bool try_transaction(struct local *l, struct batch *b, const char *begin)
{
    int before = sqlite3_total_changes(l->db.sqlite);
    if (!database_run(&l->db, begin) || !answer_questions(l, b))
        return false;
    bool wrote = sqlite3_total_changes(l->db.sqlite) != before;
    return (!wrote || sweep(l, latest_now(b), b->n)) && database_run(&l->db, "COMMIT");
}

/* One transaction; what it said counts only when it is committed. It begins as one that reads: most
 * keys are there. If another process has written meanwhile, it cannot go on as one that writes. */
static bool transact(struct local *l, struct batch *b)
{
    if (!look_for_others(l))
        return false;
    if (try_transaction(l, b, "BEGIN"))
        return true;
    if ((sqlite3_errcode(l->db.sqlite) & 0xFF) != SQLITE_BUSY)
        return false;
    return database_run(&l->db, "ROLLBACK") && try_transaction(l, b, "BEGIN IMMEDIATE");
}

static void give_answers(struct local *l, struct batch *b, bool good)
{
    size_t at = 0;
    for (size_t i = 0; i < b->n; i++) {
        struct question *q = b->questions[i];
        size_t n = q->n; /* it may be gone when it is answered */
        for (size_t k = at; good && k < at + n; k++)
            if (b->expires[k] > q->now)
                remember_local(l, q->now, b->keys[k].key, b->keys[k].value, b->expires[k]);
        question_answer(q, good ? &b->keys[at] : NULL);
        at += n;
    }
    if (!good)
        atomic_fetch_add(&l->trouble.missed, b->n);
}

/* Nobody waits for this any more. */
static size_t answer_late_ones(struct batch *b)
{
    size_t kept = 0;
    for (size_t i = 0; i < b->n; i++) {
        if (question_is_late(b->questions[i]))
            question_answer(b->questions[i], NULL);
        else
            b->questions[kept++] = b->questions[i];
    }
    return kept;
}

static void answer_batch(struct local *l, struct batch *b)
{
    bool tried = !trouble_pauses(&l->trouble), good = false;
    b->n = answer_late_ones(b);
    if (!b->n)
        return;
    if (tried && make_room(b))
        good = database_ready(l) && transact(l, b);
    if (good) {
        trouble_over(&l->trouble);
    } else if (tried) {
        trouble_begins(&l->trouble, l->db.why);
        close_database(l);
    }
    give_answers(l, b, good);
    database_tidy(&l->db); /* after the answers */
}

/* --- Its life ----------------------------------------------------------------------------------*/

static void *work_local(void *local)
{
    struct local *l = local;
    struct batch *b = calloc(1, sizeof *b);
    bool closed = false;
    if (!b)
        abort();
    do {
        b->n = question_queue_take(&l->queue, b->questions, BATCH, 0, &closed);
        answer_batch(l, b);
    } while (b->n || !closed);
    close_database(l);
    free(b->keys);
    free(b->expires);
    free(b);
    return NULL;
}

/* Most messages are of senders that were here today: the thread is not woken for them. */
static bool has_nothing_to_touch(struct local *l, const struct question *q)
{
    for (size_t i = 0; q->op == STATE_OP_TOUCH && i < q->n; i++)
        if (!needs_no_touch(l, q, q->keys[i]))
            return false;
    return q->op == STATE_OP_TOUCH;
}

static bool take_local(struct state_backend *base, struct question *q)
{
    struct local *l = (struct local *)base;
    if (has_nothing_to_touch(l, q)) {
        question_answer(q, NULL);
        return true;
    }
    bool taken = !trouble_pauses(&l->trouble) && question_queue_put(&l->queue, q);
    if (!taken)
        atomic_fetch_add(&l->trouble.missed, 1);
    return taken;
}

static void free_local(struct local *l)
{
    lru_free(l->cache);
    question_queue_destroy(&l->queue);
    free(l);
}

static void close_local(struct state_backend *base)
{
    struct local *l = (struct local *)base;
    question_queue_close(&l->queue);
    pthread_join(l->thread, NULL);
    free_local(l);
}

struct state_backend *state_local_open(const struct state_settings *settings)
{
    struct local *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    l->base = (struct state_backend){take_local, recall_local, close_local};
    l->max_bytes = settings->max_bytes ? settings->max_bytes : MAX_BYTES;
    l->cache = lru_new(settings->cache_bytes ? settings->cache_bytes : CACHE_BYTES, 8, &cache_ops);
    question_queue_init(&l->queue);
    trouble_init(&l->trouble, "state store", settings->path,
                 settings->pause_us ? settings->pause_us : PAUSE_US);
    atomic_store(&l->seen_us, clock_us() - TRUST_US);
    keep_place(l, NULL);
    if (database_init(&l->db, settings->path, &schema) && thread_start(&l->thread, work_local, l))
        return &l->base;
    free_local(l);
    return NULL;
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

/* The daemon makes the file with the first thing that it remembers. */
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
