/* rows_spool.c - rows wait in a file of this host, and a thread carries them to the server.
 *
 * Every batch goes through the file, whether the server is there or not: there is one way. A batch
 * is deleted from the file when the server has it. The server notes the number of the last batch of
 * each host in the transaction that adds its rows, so a batch of which nobody knows whether it
 * arrived is neither lost nor counted twice. For this the numbers of a file must not fall below
 * what the server has noted: a batch is on the disk before it is carried, and a file that an older
 * one has replaced counts as another host.
 *
 * Errors: what cannot be carried now waits; one line in the log when that begins, one when it ends.
 */
#include "store/rows_spool.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "store/rows_table.h"
#include "store/trouble.h"

#define PATIENCE_US 10000000
#define OLD_US      INT64_C(600000000) /* for the server to delete old rows */
#define ENDING_US   3000000            /* for what there is when the daemon ends */
#define TOGETHER    (1U << 20)         /* bytes of batches that are carried at once, */
#define BATCHES_MAX 500                /* and their number */
#define FREE_PAGES  16384              /* in the file: 64 MB; then it is made small again */

static const char *const steps[] = {
    "CREATE TABLE host(name BLOB NOT NULL); INSERT INTO host VALUES(randomblob(16));"
    "CREATE TABLE batch(number INTEGER PRIMARY KEY AUTOINCREMENT, records BLOB NOT NULL);",
};
const struct database_schema spool_schema = {.id = 0x61737233,
                                             .steps = steps,
                                             .version = 1,
                                             .check_up_to = INT64_C(64) << 20,
                                             .busy_ms = 5000,
                                             .durable = true};

bool spool_put(struct database *spool, const struct rows_buffer *records)
{
    struct sql *s = sql_prepare(spool, "INSERT INTO batch(records) VALUES(?1)");
    sql_bind_bytes(s, 1, records->p, records->n);
    bool good = sql_run(s);
    sql_end(s, SQL_DONE);
    return good;
}

struct carrier {
    pthread_t thread;
    struct trouble trouble;
    pthread_mutex_t lock; /* of the next two lines */
    pthread_cond_t changed;
    bool something, ending, ended;
    atomic_ullong waiting; /* batches in the file */
    atomic_bool stop;      /* do not wait for the server any longer */
    /* The thread's own: */
    struct database spool, server;
    struct rows_table *table;
    int64_t dropped; /* how often texts had gone when the numbers of the table were learnt */
    char host[16 + 64];
    size_t host_n;
    struct rows_buffer together; /* batches, one behind the other */
    int64_t last;                /* the last one's number */
};

/* --- What there is to carry --------------------------------------------------------------------*/

/* A copy of the file on another machine is another host: its name is part of who it is. */
static bool learn_host(struct carrier *c)
{
    struct sql *s = sql_prepare(&c->spool, "SELECT name FROM host");
    enum sql_step said = sql_step(s);
    struct str name = said == SQL_ROW ? sql_text(s, 0) : STR_NONE;
    c->host_n = name.n < 16 ? name.n : 16;
    memcpy(c->host, name.n ? name.p : "", c->host_n);
    sql_end(s, said);
    if (gethostname(c->host + c->host_n, 63) == 0)
        c->host_n += strnlen(c->host + c->host_n, 63);
    return said == SQL_ROW;
}

static bool spool_ready(struct carrier *c)
{
    if (database_is_open(&c->spool) && !database_is_there(&c->spool))
        database_close(&c->spool);
    if (database_is_open(&c->spool))
        return true;
    return database_open(&c->spool) && learn_host(c);
}

/* Of the file as it is: the writer adds to it meanwhile. */
static bool count_batches(struct carrier *c)
{
    int64_t n = database_number(&c->spool, "SELECT count(*) FROM batch", -1);
    if (n >= 0)
        atomic_store(&c->waiting, (unsigned long long)n);
    return n >= 0;
}

uint64_t carrier_waiting(struct carrier *c)
{
    return atomic_load(&c->waiting);
}

static void append(struct rows_buffer *b, struct str bytes)
{
    if (b->n + bytes.n > b->cap) {
        b->cap = 2 * (b->n + bytes.n);
        b->p = realloc(b->p, b->cap);
        if (!b->p)
            abort();
    }
    memcpy(b->p + b->n, bytes.p, bytes.n);
    b->n += bytes.n;
}

/* Batches from the one after `after` on, into c->together. False: the file failed. */
static bool take_batches(struct carrier *c, int64_t after)
{
    enum sql_step said = SQL_DONE;
    int n = 0;
    struct sql *s = sql_prepare(
        &c->spool, "SELECT number, records FROM batch WHERE number > ?1 ORDER BY number");
    sql_bind_number(s, 1, after);
    c->together.n = 0;
    c->last = after;
    while (n++ < BATCHES_MAX && c->together.n < TOGETHER && (said = sql_step(s)) == SQL_ROW) {
        c->last = sql_number(s, 0);
        append(&c->together, sql_text(s, 1));
    }
    return sql_end(s, said);
}

static bool delete_batches(struct carrier *c)
{
    struct sql *s = sql_prepare(&c->spool, "DELETE FROM batch WHERE number <= ?1");
    sql_bind_number(s, 1, c->last);
    bool good = sql_run(s);
    sql_end(s, SQL_DONE);
    database_tidy(&c->spool);
    return good;
}

/* Next to nothing has to be copied when none waits; and nobody waits for the end of it. */
static void shrink_file(struct carrier *c)
{
    pthread_mutex_lock(&c->lock);
    bool ending = c->ending;
    pthread_mutex_unlock(&c->lock);
    if (ending || carrier_waiting(c) || !database_is_open(&c->spool))
        return;
    if (database_number(&c->spool, "PRAGMA freelist_count", 0) > FREE_PAGES)
        database_run(&c->spool, "VACUUM");
}

/* --- To the server -----------------------------------------------------------------------------*/

/* Records are bytes, and those of the same kind are the same bytes. */
struct packed_record {
    const char *p;
    size_t n;
};

static int compare_records(const void *a, const void *b)
{
    const struct packed_record *x = a, *y = b;
    int order = memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);
    return order ? order : (x->n > y->n) - (x->n < y->n);
}

static struct packed_record *sort_records(const struct rows_buffer *b, size_t *n)
{
    size_t at = 0, cap = 0;
    struct packed_record *v = NULL;
    struct rows_record r;
    *n = 0;
    for (size_t from = 0; rows_unpack(b, &at, &r); from = at) {
        if (*n == cap) {
            cap = cap ? 2 * cap : 1024;
            v = realloc(v, cap * sizeof *v);
            if (!v)
                abort();
        }
        v[(*n)++] = (struct packed_record){b->p + from, at - from};
    }
    if (*n)
        qsort(v, *n, sizeof *v, compare_records);
    return v;
}

/* A day of a large site takes the server longer than anything else. */
static bool add_record(struct carrier *c, const struct rows_record *r, size_t same)
{
    int64_t patience_us = c->server.patience_us;
    if (r->op == ROWS_OP_DROP)
        c->server.patience_us = OLD_US;
    bool good = rows_table_add(c->table, r, same);
    c->server.patience_us = patience_us;
    return good;
}

/* Those of a kind are one change. */
static bool write_sorted(struct carrier *c, const struct packed_record *v, size_t n, bool *dropped)
{
    bool good = true;
    for (size_t i = 0, same; good && i < n; i += same) {
        struct rows_record r;
        size_t at = (size_t)(v[i].p - c->together.p);
        for (same = 1; i + same < n && compare_records(&v[i], &v[i + same]) == 0;)
            same++;
        good = rows_unpack(&c->together, &at, &r) && add_record(c, &r, same);
        *dropped = *dropped || r.op == ROWS_OP_DROP;
    }
    return good;
}

/* Somebody has removed texts since we learnt the numbers of some. */
static bool check_numbers(struct carrier *c)
{
    int64_t dropped = database_number(&c->server, "SELECT times FROM dropped", -1);
    if (dropped != c->dropped)
        rows_table_forget(c->table);
    c->dropped = dropped;
    return dropped >= 0;
}

static bool note_played(struct carrier *c, bool dropped)
{
    struct sql *s = sql_prepare(&c->server, "INSERT INTO played VALUES(?1, ?2) ON CONFLICT(host)"
                                            " DO UPDATE SET number = excluded.number");
    sql_bind_bytes(s, 1, c->host, c->host_n);
    sql_bind_number(s, 2, c->last);
    bool good = sql_run(s);
    sql_end(s, SQL_DONE);
    return good && (!dropped || database_run(&c->server, "UPDATE dropped SET times = times + 1"));
}

static bool read_played(struct carrier *c, int64_t *number)
{
    struct sql *s = sql_prepare(&c->server, "SELECT number FROM played WHERE host = ?1");
    sql_bind_bytes(s, 1, c->host, c->host_n);
    enum sql_step said = sql_step(s);
    *number = said == SQL_ROW ? sql_number(s, 0) : 0;
    return sql_end(s, said);
}

/* An older file has been put back: as that of the same host, what it gets from now on would be
 * taken for played. What it still has may be carried a second time. */
static bool become_another_host(struct carrier *c)
{
    log_warning("%s: is older than what the server knows of it: what it has is carried as that of"
                " another host",
                c->spool.path);
    return database_run(&c->spool, "UPDATE host SET name = randomblob(16)") && learn_host(c);
}

static bool check_age(struct carrier *c, int64_t *played)
{
    int64_t highest =
        database_number(&c->spool, "SELECT seq FROM sqlite_sequence WHERE name = 'batch'", -1);
    if (*played <= highest || highest < 0)
        return highest >= 0;
    *played = 0;
    return become_another_host(c);
}

static bool write_together(struct carrier *c)
{
    size_t n;
    bool dropped = false;
    struct packed_record *v = sort_records(&c->together, &n);
    bool good = write_sorted(c, v, n, &dropped) && note_played(c, dropped);
    free(v);
    return good && database_commit(&c->server);
}

/* What the server has of this host already is passed over. NULL, or which of the two failed. */
static struct database *carry_over(struct carrier *c, bool *any)
{
    int64_t played;
    if (!database_begin(&c->server) || !check_numbers(c) || !read_played(c, &played))
        return &c->server;
    if (!check_age(c, &played) || !take_batches(c, played))
        return &c->spool;
    *any = c->last > played;
    bool good = *any ? write_together(c) : database_commit(&c->server);
    return good ? NULL : &c->server;
}

static bool server_ready(struct carrier *c)
{
    if (database_is_open(&c->server) && !database_is_there(&c->server)) {
        rows_table_reset(c->table);
        database_close(&c->server);
    }
    c->dropped = database_is_open(&c->server) ? c->dropped : -1;
    return database_is_open(&c->server) || database_open(&c->server);
}

/* The server may be in the midst of a transaction, whichever failed. */
static void fail(struct carrier *c, struct database *db)
{
    trouble_begins(&c->trouble, db->why);
    rows_table_reset(c->table);
    database_close(&c->server);
    database_close(db);
}

/* --- The thread --------------------------------------------------------------------------------*/

/* NULL, or which of the two failed. *more: there may be. */
static struct database *try_to_carry(struct carrier *c, bool *more)
{
    if (!spool_ready(c) || !count_batches(c))
        return &c->spool;
    if (!carrier_waiting(c))
        return NULL;
    struct database *failed = server_ready(c) ? carry_over(c, more) : &c->server;
    if (failed)
        return failed;
    return delete_batches(c) && count_batches(c) ? NULL : &c->spool;
}

/* True: there may be more. */
static bool carry_some(struct carrier *c)
{
    bool more = false;
    struct database *failed = try_to_carry(c, &more);
    if (failed)
        fail(c, failed);
    else
        trouble_over(&c->trouble);
    return more && !failed;
}

/* Until there is something new, and no pause lasts. False: the end has come. */
static bool wait_for_batches(struct carrier *c)
{
    pthread_mutex_lock(&c->lock);
    for (;;) {
        int64_t until_us = atomic_load(&c->trouble.until_us);
        bool pauses = trouble_pauses(&c->trouble);
        if (c->ending || (!pauses && (c->something || atomic_load(&c->trouble.on))))
            break;
        if (pauses)
            thread_cond_wait(&c->changed, &c->lock, until_us);
        else
            pthread_cond_wait(&c->changed, &c->lock);
    }
    c->something = false;
    bool ending = c->ending;
    pthread_mutex_unlock(&c->lock);
    return !ending;
}

static void *carry(void *carrier)
{
    struct carrier *c = carrier;
    bool last = false;
    while (!last) {
        last = !wait_for_batches(c);
        while (carry_some(c) && !atomic_load(&c->stop))
            ;
        if (!atomic_load(&c->trouble.on))
            shrink_file(c);
    }
    rows_table_reset(c->table);
    database_close(&c->server);
    database_close(&c->spool);
    pthread_mutex_lock(&c->lock);
    c->ended = true;
    pthread_cond_signal(&c->changed);
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

/* --- Its life ----------------------------------------------------------------------------------*/

static void free_carrier(struct carrier *c)
{
    rows_table_free(c->table);
    pthread_cond_destroy(&c->changed);
    pthread_mutex_destroy(&c->lock);
    free(c->together.p);
    free(c);
}

struct carrier *carrier_start(const struct carrier_settings *settings, struct str *problem)
{
    struct carrier *c = calloc(1, sizeof *c);
    struct arena *a = arena_new(0);
    if (!c)
        abort();
    pthread_mutex_init(&c->lock, NULL);
    thread_cond_init(&c->changed);
    trouble_init(&c->trouble, "report rows", database_title(settings->server, a),
                 settings->pause_us);
    arena_free(a);
    c->trouble.missing = "rows were lost";
    c->trouble.meanwhile = "until it works again rows wait in spool.db";
    c->something = true; /* of the last time */
    bool fits = database_init(&c->spool, settings->spool, &spool_schema) &&
                database_init(&c->server, settings->server, &rows_schema);
    c->server.patience_us = settings->patience_us ? settings->patience_us : PATIENCE_US;
    c->server.stop = &c->stop;
    c->table = rows_table_new(&c->server);
    if (fits && c->table && thread_start(&c->thread, carry, c))
        return c;
    *problem = fits ? STR("no memory, or no thread") : STR("the URL or the path is too long");
    free_carrier(c);
    return NULL;
}

void carrier_wake(struct carrier *c)
{
    pthread_mutex_lock(&c->lock);
    c->something = true;
    atomic_fetch_add(&c->waiting, 1);
    pthread_cond_signal(&c->changed);
    pthread_mutex_unlock(&c->lock);
}

void carrier_end(struct carrier *c)
{
    if (!c)
        return;
    int64_t until_us = clock_us() + ENDING_US;
    pthread_mutex_lock(&c->lock);
    c->ending = true;
    pthread_cond_signal(&c->changed);
    while (!c->ended && clock_us() < until_us)
        thread_cond_wait(&c->changed, &c->lock, until_us);
    pthread_mutex_unlock(&c->lock);
    atomic_store(&c->stop, true);
    pthread_join(c->thread, NULL);
    free_carrier(c);
}
