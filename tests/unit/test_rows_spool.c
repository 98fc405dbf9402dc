/* rows_spool: what waits in the file comes to the server once. The server is a SQLite file here,
 * with the tables that only a server has; the real one: wire/test_shared_rows.py. */
#include "test.h"

#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/rows_spool.h"
#include "store/rows_table.h"

#define LONG_US  INT64_C(20000000) /* a busy machine */
#define PAUSE_US 100000

struct rig {
    char dir[64], spool[96], there[96], server[128], log[96];
    struct arena *a;
    struct database db; /* the spool, as its writer has it */
    struct carrier *carrier;
    int errors; /* where they went before */
    int64_t day;
};

/* --- How often something was said to be on the disk --- */

static atomic_uint synced;

int fdatasync(int fd)
{
    (void)fd;
    atomic_fetch_add(&synced, 1);
    return 0;
}

int fsync(int fd)
{
    return fdatasync(fd);
}

/* --- The rig --- */

__attribute__((format(printf, 1, 2))) static void run(const char *format, ...)
{
    char command[512];
    va_list words;
    va_start(words, format);
    vsnprintf(command, sizeof command, format, words);
    va_end(words);
    assert_int_equal(system(command), 0);
}

static void execute(const char *path, const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 20000);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    sqlite3_close(db);
}

static int64_t number(const char *path, const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *s;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 20000);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
    int64_t n = sqlite3_step(s) == SQLITE_ROW ? sqlite3_column_int64(s, 0) : -1;
    sqlite3_finalize(s);
    sqlite3_close(db);
    return n;
}

static void make_server(const char *path)
{
    struct database db;
    assert_true(database_init(&db, str_of(path), &rows_schema) && database_open(&db));
    database_close(&db);
    execute(path, "CREATE TABLE played(host TEXT PRIMARY KEY, number INTEGER NOT NULL);"
                  "CREATE TABLE dropped(times INTEGER NOT NULL); INSERT INTO dropped VALUES(0);");
}

static int set_up(void **state)
{
    struct rig *r = calloc(1, sizeof *r);
    strcpy(r->dir, "/tmp/assay-spool-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    snprintf(r->spool, sizeof r->spool, "%s/spool.db", r->dir);
    snprintf(r->there, sizeof r->there, "%s/there", r->dir);
    snprintf(r->server, sizeof r->server, "%s/server.db", r->there);
    snprintf(r->log, sizeof r->log, "%s/log", r->dir);
    r->a = arena_new(0);
    r->errors = dup(2);
    int log = open(r->log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    assert_true(r->errors >= 0 && log >= 0 && dup2(log, 2) == 2);
    close(log);
    assert_int_equal(mkdir(r->there, 0700), 0);
    make_server(r->server);
    *state = r;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *r = *state;
    carrier_end(r->carrier);
    if (r->db.driver)
        database_close(&r->db);
    dup2(r->errors, 2);
    close(r->errors);
    arena_free(r->a);
    run("rm -rf '%s'", r->dir);
    free(r);
    return 0;
}

static void start(struct rig *r)
{
    struct str problem = STR_NONE;
    const struct carrier_settings settings = {
        .spool = str_of(r->spool), .server = str_of(r->server), .pause_us = PAUSE_US};
    r->carrier = carrier_start(&settings, &problem);
    assert_non_null(r->carrier);
}

static void end(struct rig *r)
{
    carrier_end(r->carrier);
    r->carrier = NULL;
}

static void open_spool(struct rig *r)
{
    assert_true(database_init(&r->db, str_of(r->spool), &spool_schema) && database_open(&r->db));
}

/* A message of a day of its own. */
static void put(struct rig *r)
{
    struct rows_buffer b = {0};
    const struct rows_record record = {
        .op = ROWS_OP_TALLY, .day = ++r->day, .results = STR("none/accept")};
    assert_true(rows_pack(&b, &record, 4096));
    assert_true(spool_put(&r->db, &b));
    free(b.p);
    if (r->carrier)
        carrier_wake(r->carrier);
}

static bool is_logged(struct rig *r, const char *text)
{
    char command[256];
    snprintf(command, sizeof command, "grep -q '%s' '%s'", text, r->log);
    return system(command) == 0;
}

static void short_pause(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
}

static void wait_for_log(struct rig *r, const char *text)
{
    for (int64_t until_us = clock_us() + LONG_US; !is_logged(r, text); short_pause())
        if (clock_us() > until_us) {
            run("cat '%s'", r->log);
            fail_msg("the log does not say \"%s\"", text);
        }
}

static void wait_for_messages(struct rig *r, int64_t wanted)
{
    int64_t n, until_us = clock_us() + LONG_US;
    while ((n = number(r->server, "SELECT count(*) FROM tally")) != wanted && clock_us() < until_us)
        short_pause();
    assert_int_equal(n, wanted);
}

/* --- Trouble --- */

static void a_file_that_cannot_be_read_is_trouble(void **state)
{
    static const struct {
        const char *away, *back;
    } cases[] = {
        {"ALTER TABLE batch RENAME TO other", "ALTER TABLE other RENAME TO batch"},
        {"ALTER TABLE batch RENAME COLUMN records TO others",
         "ALTER TABLE batch RENAME COLUMN others TO records"},
    };
    struct rig *r = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        run("mv '%s' '%s.away'", r->there, r->there);
        start(r);
        open_spool(r);
        put(r);
        wait_for_log(r, "rows wait in spool.db");
        execute(r->spool, cases[i].away);
        run("mv '%s.away' '%s'; >'%s'", r->there, r->there, r->log);
        wait_for_log(r, "batch\\|records");
        execute(r->spool, cases[i].back);
        wait_for_messages(r, r->day);
        wait_for_log(r, "works again;");
        end(r);
        database_close(&r->db);
        run(">'%s'", r->log);
    }
}

static void trouble_ends_with_an_empty_file(void **state)
{
    struct rig *r = *state;
    run("mv '%s' '%s.away'", r->there, r->there);
    start(r);
    open_spool(r);
    put(r);
    wait_for_log(r, "rows wait in spool.db");
    execute(r->spool, "DELETE FROM batch");
    wait_for_log(r, "works again;");
}

/* --- What the file says --- */

/* Else its numbers could fall below what the server knows of them. */
static void what_was_put_is_on_the_disk(void **state)
{
    struct rig *r = *state;
    open_spool(r);
    put(r);
    unsigned before = atomic_load(&synced);
    put(r);
    assert_true(atomic_load(&synced) > before);
}

static void carry_some_messages(struct rig *r, int n)
{
    start(r);
    open_spool(r);
    for (int i = 0; i < n; i++) {
        put(r);
        wait_for_messages(r, r->day);
    }
    end(r);
    database_close(&r->db);
}

static void an_old_file_that_is_put_back_is_a_new_host(void **state)
{
    struct rig *r = *state;
    carry_some_messages(r, 1);
    run("cp '%s' '%s/old.db'", r->spool, r->dir);
    carry_some_messages(r, 3);
    run("rm '%s' '%s-wal' '%s-shm'; mv '%s/old.db' '%s'", r->spool, r->spool, r->spool, r->dir,
        r->spool);
    carry_some_messages(r, 2);
    assert_int_equal(number(r->server, "SELECT count(*) FROM played"), 2);
    wait_for_log(r, "is older than what the server knows of it");
}

/* --- A file that has been large --- */

static void make_large(struct rig *r)
{
    open_spool(r);
    database_close(&r->db);
    execute(r->spool, "INSERT INTO batch(records) VALUES(zeroblob(70000000)); DELETE FROM batch");
}

static bool is_large(struct rig *r)
{
    return number(r->spool, "PRAGMA page_count") > 16384;
}

static void it_is_made_small_when_nothing_waits(void **state)
{
    struct rig *r = *state;
    make_large(r);
    assert_true(is_large(r));
    start(r);
    for (int64_t until_us = clock_us() + LONG_US; is_large(r) && clock_us() < until_us;)
        short_pause();
    assert_false(is_large(r));
}

static void *unlock_later(void *server)
{
    sleep(1);
    sqlite3_close(server);
    return NULL;
}

/* The last batch is carried when the daemon ends already: until then somebody else writes. */
static void it_stays_large_when_the_daemon_ends(void **state)
{
    struct rig *r = *state;
    sqlite3 *server;
    pthread_t later;
    make_large(r);
    open_spool(r);
    put(r);
    assert_int_equal(sqlite3_open(r->server, &server), SQLITE_OK);
    assert_int_equal(sqlite3_exec(server, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    start(r);
    assert_int_equal(pthread_create(&later, NULL, unlock_later, server), 0);
    end(r);
    pthread_join(later, NULL);
    assert_true(is_large(r));
    wait_for_messages(r, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_file_that_cannot_be_read_is_trouble),
        TEST(trouble_ends_with_an_empty_file),
        TEST(what_was_put_is_on_the_disk),
        TEST(an_old_file_that_is_put_back_is_a_new_host),
        TEST(it_is_made_small_when_nothing_waits),
        TEST(it_stays_large_when_the_daemon_ends),
    };
    log_open(LOG_TO_STDERR, "test", LOG_LEVEL_DEBUG);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
