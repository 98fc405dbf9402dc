/* rows.c - the queue of rows, and the thread that writes them into the tables.
 *
 * Callers append to one buffer while the writer writes the other. The writer begins half a second
 * after the first record came, or when there are many.
 *
 * Errors: rows that cannot be written now wait; those that do not fit are lost and counted. */
#include "store/rows.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "store/rows_spool.h"
#include "store/rows_table.h"
#include "store/trouble.h"

#define MAX_BYTES  (UINT64_C(32) << 30)
#define MUCH_BYTES (1U << 20) /* with so many bytes the writer begins at once */
#define COLLECT_US 500000
#define PAUSE_US   5000000

struct rows {
    pthread_t thread;
    struct trouble trouble;
    uint64_t max_bytes, queue_bytes;
    pthread_mutex_t lock; /* guards what follows, up to the members of the thread */
    pthread_cond_t changed, written_some;
    struct rows_buffer filling;
    uint64_t records;     /* in it */
    int64_t first_us;     /* when the first of them came */
    bool closing, hurry;  /* hurry: somebody waits */
    uint64_t added, done; /* records: those that had room; those that were written or given up */
    uint64_t written, lost;
    size_t under_way; /* bytes of the other buffer */
    /* Used only by the thread: */
    struct database db;
    struct rows_table *table; /* NULL: the file is on the way to a server */
    struct carrier *carrier;
    struct rows_buffer writing;
    uint64_t writing_records;
};

/* --- Adding ------------------------------------------------------------------------------------*/

static bool add_record(struct rows *r, const struct rows_record *record)
{
    pthread_mutex_lock(&r->lock);
    size_t room = r->queue_bytes > r->under_way ? r->queue_bytes - r->under_way : 0;
    bool fits = !r->closing && rows_pack(&r->filling, record, room);
    if (fits) {
        if (!r->records++)
            r->first_us = clock_us();
        r->added++;
        if (r->records == 1 || r->filling.n >= MUCH_BYTES)
            pthread_cond_signal(&r->changed);
    } else {
        r->lost++;
        atomic_fetch_add(&r->trouble.missed, 1);
    }
    pthread_mutex_unlock(&r->lock);
    return fits;
}

bool rows_add(struct rows *r, int64_t time, const struct row *row)
{
    struct rows_record record;
    struct arena *a = arena_new(0);
    rows_record_of(rows_day(time), row, a, &record);
    bool added = add_record(r, &record);
    arena_free(a);
    return added;
}

bool rows_tally(struct rows *r, int64_t time, struct str name)
{
    const struct rows_record record = {
        .op = ROWS_OP_TALLY, .day = rows_day(time), .results = str_sub(name, 0, ROWS_TEXT_MAX)};
    return add_record(r, &record);
}

bool rows_drop_before(struct rows *r, int64_t day)
{
    return add_record(r, &(struct rows_record){.op = ROWS_OP_DROP, .day = day});
}

bool rows_flush(struct rows *r, int64_t patience_us)
{
    int64_t until_us = clock_us() + patience_us;
    pthread_mutex_lock(&r->lock);
    uint64_t all = r->added;
    r->hurry = true;
    pthread_cond_signal(&r->changed);
    while (r->done < all && clock_us() < until_us)
        thread_cond_wait(&r->written_some, &r->lock, until_us);
    bool flushed = r->done >= all;
    pthread_mutex_unlock(&r->lock);
    return flushed;
}

struct rows_figures rows_figures(struct rows *r)
{
    pthread_mutex_lock(&r->lock);
    const struct rows_figures f = {r->written, r->lost, r->filling.n + r->under_way,
                                   r->carrier ? carrier_waiting(r->carrier) : 0};
    pthread_mutex_unlock(&r->lock);
    return f;
}

/* --- Writing -----------------------------------------------------------------------------------*/

static void close_database(struct rows *r)
{
    if (r->table)
        rows_table_reset(r->table);
    database_close(&r->db);
}

static bool database_ready(struct rows *r)
{
    if (database_is_open(&r->db) && !database_is_there(&r->db)) {
        log_warning("%s: was removed or replaced; a new one is made", r->db.path);
        close_database(r);
    }
    return database_is_open(&r->db) ||
           (database_open(&r->db) && database_limit(&r->db, r->max_bytes));
}

/* Takes over the buffer if the thread has none: true if there is something to write. */
static bool take_over(struct rows *r)
{
    if (r->writing.n)
        return true;
    struct rows_buffer empty = r->writing;
    r->writing = r->filling;
    r->writing_records = r->records;
    r->filling = empty;
    r->filling.n = 0;
    r->records = 0;
    r->under_way = r->writing.n;
    return r->writing.n;
}

static void note_written(struct rows *r, size_t written)
{
    pthread_mutex_lock(&r->lock);
    r->written += written;
    r->done += r->writing_records;
    r->writing.n = 0;
    r->under_way = 0;
    pthread_cond_broadcast(&r->written_some);
    pthread_mutex_unlock(&r->lock);
}

static bool write_records(struct rows *r, size_t *written)
{
    if (r->table)
        return rows_table_write(r->table, &r->writing, written);
    *written = r->writing_records;
    if (!spool_put(&r->db, &r->writing))
        return false;
    carrier_wake(r->carrier);
    return true;
}

/* False: try again. */
static bool write_buffer(struct rows *r)
{
    size_t written;
    if (database_ready(r) && write_records(r, &written)) {
        note_written(r, written);
        trouble_over(&r->trouble);
        database_tidy(&r->db);
        return true;
    }
    close_database(r);
    trouble_begins(&r->trouble, r->db.why);
    return false;
}

/* When the thread has to look again; 0: when something comes. */
static int64_t wake_at(struct rows *r)
{
    if (r->writing.n)
        return atomic_load(&r->trouble.until_us);
    if (!r->records)
        return 0;
    return r->hurry || r->filling.n >= MUCH_BYTES ? 1 : r->first_us + COLLECT_US;
}

/* Waits until there is something to write; false if the store is closing and there is nothing. */
static bool wait_for_work(struct rows *r)
{
    int64_t at;
    pthread_mutex_lock(&r->lock);
    while (!r->closing && ((at = wake_at(r)) == 0 || at > clock_us())) {
        if (at)
            thread_cond_wait(&r->changed, &r->lock, at);
        else
            pthread_cond_wait(&r->changed, &r->lock);
    }
    bool something = take_over(r);
    r->hurry = false;
    pthread_mutex_unlock(&r->lock);
    return something;
}

static void give_up_what_waits(struct rows *r)
{
    pthread_mutex_lock(&r->lock);
    uint64_t left = r->records + (r->writing.n ? r->writing_records : 0);
    r->lost += left;
    if (left)
        log_error("%s: %llu rows are lost at the end", r->trouble.name, (unsigned long long)left);
    pthread_mutex_unlock(&r->lock);
}

static bool is_closing(struct rows *r)
{
    pthread_mutex_lock(&r->lock);
    bool closing = r->closing;
    pthread_mutex_unlock(&r->lock);
    return closing;
}

static void *write_rows(void *rows)
{
    struct rows *r = rows;
    bool more = true;
    while (more) {
        bool last = is_closing(r); /* then nothing comes any more */
        bool wrote = wait_for_work(r) && write_buffer(r);
        more = !last || wrote;
    }
    give_up_what_waits(r);
    close_database(r);
    return NULL;
}

/* --- Its life ----------------------------------------------------------------------------------*/

static void free_rows(struct rows *r)
{
    rows_table_free(r->table);
    pthread_cond_destroy(&r->written_some);
    pthread_cond_destroy(&r->changed);
    pthread_mutex_destroy(&r->lock);
    free(r->filling.p);
    free(r->writing.p);
    free(r);
}

void rows_close(struct rows *r)
{
    if (!r)
        return;
    pthread_mutex_lock(&r->lock);
    r->closing = true;
    pthread_cond_signal(&r->changed);
    pthread_mutex_unlock(&r->lock);
    pthread_join(r->thread, NULL);
    carrier_end(r->carrier);
    free_rows(r);
}

static struct rows *new_rows(const struct rows_settings *settings)
{
    struct rows *r = calloc(1, sizeof *r);
    if (!r)
        abort();
    r->max_bytes = settings->max_bytes ? settings->max_bytes : MAX_BYTES;
    r->queue_bytes = settings->queue_bytes ? settings->queue_bytes : ROWS_QUEUE_BYTES;
    pthread_mutex_init(&r->lock, NULL);
    thread_cond_init(&r->changed);
    thread_cond_init(&r->written_some);
    trouble_init(&r->trouble, "report rows", settings->path, settings->pause_us);
    r->trouble.missing = "rows were lost";
    r->trouble.meanwhile = "until it works again rows wait in memory, as far as they fit";
    return r;
}

/* Where the writer writes to. */
static bool choose_tables(struct rows *r, const struct rows_settings *settings, struct arena *a,
                          struct str *problem)
{
    const struct carrier_settings carrier = {settings->path, settings->server, settings->pause_us,
                                             settings->patience_us};
    *problem = STR("no memory, or no thread");
    if (!database_init(&r->db, settings->path, settings->server.n ? &spool_schema : &rows_schema)) {
        *problem = str_printf(a, "the path of %.*s is too long", STR_ARG(settings->path));
        return false;
    }
    if (settings->server.n)
        r->carrier = carrier_start(&carrier, problem);
    else
        r->table = rows_table_new(&r->db);
    return r->carrier || r->table;
}

struct rows *rows_open(const struct rows_settings *given, struct arena *a, struct str *problem)
{
    struct rows_settings settings = *given;
    settings.pause_us = given->pause_us ? given->pause_us : PAUSE_US;
    struct rows *r = new_rows(&settings);
    if (choose_tables(r, &settings, a, problem) && thread_start(&r->thread, write_rows, r))
        return r;
    carrier_end(r->carrier);
    free_rows(r);
    return NULL;
}
