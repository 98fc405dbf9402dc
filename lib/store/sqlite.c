/* sqlite.c - opening, checking and mending SQLite databases.
 *
 * Errors: false or NULL, and db->why is a phrase. */
#include "store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#define DATABASE_MODE 0640
#define LOOK_US       1000000
#define BUSY_MS       100      /* somebody else writes: a tool, for a moment */
#define LOOK_AGAIN_NS 20000000 /* while two make a file at once */
#define WAL_PAGES     1000
#define WAL_KEPT      "4194304"
#define UNREAD        INT64_MIN

/* What the administrator reads who has put it there. */
#define FOREIGN "is a database of another program: move it away, or name another state-dir"

static bool fail_database(struct database *db, const char *what)
{
    snprintf(db->why, sizeof db->why, "%s", what);
    return false;
}

static bool fail_by_errno(struct database *db)
{
    return fail_database(db, strerror(errno));
}

bool sqlite_failed(struct database *db)
{
    int system = db->sqlite ? sqlite3_system_errno(db->sqlite) : 0;
    snprintf(db->why, sizeof db->why, "%s%s%s",
             db->sqlite ? sqlite3_errmsg(db->sqlite) : "no memory", system ? ": " : "",
             system ? strerror(system) : "");
    return false;
}

static void close_file(struct database *db)
{
    sqlite3_close_v2(db->sqlite); /* statements that are left end it later */
    db->sqlite = NULL;
}

static bool run_text(struct database *db, const char *text)
{
    return sqlite3_exec(db->sqlite, text, NULL, NULL, NULL) == SQLITE_OK || sqlite_failed(db);
}

sqlite3_stmt *sqlite_prepare(struct database *db, const char *text)
{
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v3(db->sqlite, text, -1, SQLITE_PREPARE_PERSISTENT, &s, NULL) != SQLITE_OK)
        sqlite_failed(db);
    return s;
}

/* --- Opening -----------------------------------------------------------------------------------*/

/* With rights of our own choice, whatever the umask (that of assay.service is 0077), which SQLite
 * gives to the files beside it, too. Those of a file that is there are its administrator's. */
static int open_or_make(const char *path)
{
    const int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    int fd = open(path, flags | O_EXCL, DATABASE_MODE);
    if (fd < 0)
        return errno == EEXIST ? open(path, flags, DATABASE_MODE) : fd;
    fchmod(fd, DATABASE_MODE);
    return fd;
}

static bool make_file(struct database *db)
{
    int fd = open_or_make(db->path);
    struct stat st;
    if (fd < 0)
        return fail_by_errno(db);
    bool plain = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    close(fd);
    db->device = st.st_dev;
    db->inode = st.st_ino;
    return plain || fail_database(db, "is no file");
}

/* Nothing in the file is believed to be well-made: it may have been put there. */
static void distrust(struct database *db)
{
    sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
}

static int busy_ms(const struct database *db)
{
    return db->schema->busy_ms ? db->schema->busy_ms : BUSY_MS;
}

static bool connect_to(struct database *db, int flags)
{
    flags |= SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    if (sqlite3_open_v2(db->path, &db->sqlite, flags, NULL) != SQLITE_OK)
        return sqlite_failed(db);
    sqlite3_extended_result_codes(db->sqlite, 0);
    sqlite3_busy_timeout(db->sqlite, busy_ms(db));
    distrust(db);
    return true;
}

static int note_wal(void *db, sqlite3 *sql, const char *name, int pages)
{
    (void)sql;
    (void)name;
    ((struct database *)db)->wal_pages = pages;
    return SQLITE_OK;
}

static void move_wal(struct database *db)
{
    int frames = 0, moved = 0;
    if (!db->sqlite || db->wal_pages < WAL_PAGES)
        return;
    db->wal_pages = 0;
    sqlite3_wal_checkpoint_v2(db->sqlite, NULL, SQLITE_CHECKPOINT_PASSIVE, &frames, &moved);
}

/* So that who may only read can. */
static void keep_files_beside(struct database *db)
{
    int on = 1;
    if (db->schema->durable)
        sqlite3_file_control(db->sqlite, NULL, SQLITE_FCNTL_PERSIST_WAL, &on);
}

/* SQLite has one place for all temporary files of a process; the sandbox leaves it that of the
 * databases. */
static void keep_temporary_files_beside(const struct database *db)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    struct str path = str_of(db->path);
    size_t slash = str_find_last(path, '/');
    pthread_mutex_lock(&lock);
    if (!sqlite3_temp_directory && slash < path.n)
        sqlite3_temp_directory = sqlite3_mprintf("%.*s", (int)(slash ? slash : 1), db->path);
    pthread_mutex_unlock(&lock);
}

static bool set_aside_in(struct database *db)
{
    if (db->schema->large)
        keep_temporary_files_beside(db);
    return run_text(db,
                    db->schema->large ? "PRAGMA temp_store=FILE;" : "PRAGMA temp_store=MEMORY;");
}

/* In place of SQLite's own, which moves the WAL within a commit: there is one hook, so no later
 * PRAGMA wal_autocheckpoint. */
static void watch_wal(struct database *db)
{
    db->wal_pages = 0;
    sqlite3_wal_hook(db->sqlite, note_wal, db);
}

static bool set_up(struct database *db)
{
    keep_files_beside(db);
    if (!run_text(db, "PRAGMA journal_mode=WAL; PRAGMA journal_size_limit=" WAL_KEPT
                      "; PRAGMA cache_size=-8192;"))
        return false;
    watch_wal(db);
    return set_aside_in(db) && run_text(db, db->schema->durable ? "PRAGMA synchronous=FULL"
                                                                : "PRAGMA synchronous=NORMAL");
}

/* Most programs leave both numbers 0: then there must be nothing in the file yet. */
static bool check_owner(struct database *db, int64_t id, int64_t version)
{
    int64_t things =
        id || version ? 1 : database_number(db, "SELECT count(*) FROM sqlite_master", UNREAD);
    if (id == UNREAD || version == UNREAD || things == UNREAD)
        return sqlite_failed(db);
    if (id != (int64_t)db->schema->id && things)
        return fail_database(db, FOREIGN);
    if (version < 0 || version > (int64_t)db->schema->version)
        return fail_database(db, "was written by a later version of assay");
    return true;
}

/* Within a transaction: what is read belongs together. */
static bool read_marks(struct database *db, int64_t *version)
{
    int64_t id = database_number(db, "PRAGMA application_id", UNREAD);
    *version = database_number(db, "PRAGMA user_version", UNREAD);
    return check_owner(db, id, *version);
}

static bool read_version(struct database *db, int64_t *version)
{
    return run_text(db, "BEGIN") && read_marks(db, version) && run_text(db, "COMMIT");
}

/* One step; another process may have taken it while this one waited for its turn. */
static bool take_step(struct database *db, int64_t *version)
{
    char after[96];
    if (!run_text(db, "BEGIN IMMEDIATE") || !read_marks(db, version))
        return false;
    if (*version >= (int64_t)db->schema->version)
        return run_text(db, "COMMIT");
    snprintf(after, sizeof after, "PRAGMA application_id=%lu; PRAGMA user_version=%u; COMMIT;",
             (unsigned long)db->schema->id, (unsigned)*version + 1);
    return run_text(db, db->schema->steps[(*version)++]) && run_text(db, after);
}

static bool migrate_file(struct database *db, int64_t version)
{
    while (version < (int64_t)db->schema->version)
        if (!take_step(db, &version))
            return false;
    return true;
}

/* A file that is empty, or was begun and never finished, is a new one. */
static bool check_whole(struct database *db)
{
    struct stat st;
    if (stat(db->path, &st) || st.st_size > db->schema->check_up_to)
        return true;
    sqlite3_stmt *s = sqlite_prepare(db, "PRAGMA quick_check(1)");
    bool done = s && sqlite3_step(s) == SQLITE_ROW;
    const char *said = done ? (const char *)sqlite3_column_text(s, 0) : NULL;
    bool good = said && strcmp(said, "ok") == 0;
    if (!done)
        sqlite_failed(db);
    else if (!good)
        fail_database(db, "is damaged");
    sqlite3_finalize(s);
    return good;
}

/* *problem: what SQLite says, if it is SQLite's. */
static bool try_to_open(struct database *db, int *problem)
{
    int64_t version = 0;
    bool whole = true;
    *problem = SQLITE_OK;
    if (!make_file(db))
        return false;
    if (connect_to(db, SQLITE_OPEN_READWRITE) && read_version(db, &version) && set_up(db)) {
        whole = check_whole(db);
        if (whole && migrate_file(db, version)) {
            db->looked_us = clock_us();
            return true;
        }
    }
    if (db->sqlite)
        *problem = sqlite3_errcode(db->sqlite);
    if (!whole && *problem == SQLITE_OK)
        *problem = SQLITE_CORRUPT;
    close_file(db);
    return false;
}

static bool remove_beside(const struct database *db, const char *suffix)
{
    char path[sizeof db->path + 8];
    snprintf(path, sizeof path, "%s%s", db->path, suffix);
    return unlink(path) == 0 || errno == ENOENT;
}

static bool put_aside(struct database *db)
{
    char aside[sizeof db->path + 16];
    snprintf(aside, sizeof aside, "%s.damaged", db->path);
    if (rename(db->path, aside) || !remove_beside(db, "-wal") || !remove_beside(db, "-shm"))
        return fail_by_errno(db);
    log_error("%s: %s; it is now %s, and a new one is made", db->path, db->why, aside);
    return true;
}

/* Of two that make a file at once, SQLite tells one at once that it is locked, without waiting. */
static bool open_file(struct database *db)
{
    const struct timespec pause = {.tv_nsec = LOOK_AGAIN_NS};
    int problem;
    for (int64_t end = clock_us() + INT64_C(1000) * busy_ms(db);; nanosleep(&pause, NULL)) {
        if (try_to_open(db, &problem))
            return true;
        if (problem != SQLITE_BUSY || clock_us() >= end)
            break;
    }
    bool damaged = problem == SQLITE_CORRUPT || problem == SQLITE_NOTADB;
    return damaged && put_aside(db) && try_to_open(db, &problem);
}

static bool finish_reading(struct database *db)
{
    int64_t version;
    distrust(db);
    if (!read_version(db, &version))
        return false;
    sqlite3_busy_timeout(db->sqlite, 2000);
    keep_files_beside(db);
    db->absent = version == 0;
    db->earlier = version < (int64_t)db->schema->version;
    if (version != (int64_t)db->schema->version)
        return fail_database(db, "is not of this version of assay: start the daemon once");
    return true;
}

/* As it lies there, without the files beside it. */
static bool connect_unchanging(struct database *db)
{
    char uri[3 * sizeof db->path + 32] = "file:";
    size_t n = strlen(uri);
    for (const char *p = db->path; *p; p++)
        n += (size_t)snprintf(uri + n, sizeof uri - n, strchr("%?#", *p) ? "%%%02X" : "%c",
                              (unsigned)(unsigned char)*p);
    snprintf(uri + n, sizeof uri - n, "?immutable=1");
    int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(uri, &db->sqlite, flags | SQLITE_OPEN_PRIVATECACHE, NULL) != SQLITE_OK)
        return sqlite_failed(db);
    return true;
}

static bool try_to_read(struct database *db)
{
    struct stat st;
    if (stat(db->path, &st) || access(db->path, R_OK)) {
        db->absent = errno == ENOENT;
        return fail_by_errno(db);
    }
    if (!S_ISREG(st.st_mode)) /* a FIFO would have SQLite wait for ever */
        return fail_database(db, "is no file");
    if (connect_to(db, SQLITE_OPEN_READONLY) && finish_reading(db))
        return true;
    int problem = db->sqlite ? sqlite3_errcode(db->sqlite) & 0xff : SQLITE_OK;
    close_file(db);
    if (problem != SQLITE_CANTOPEN && problem != SQLITE_READONLY)
        return false;
    /* Who may not write beside it cannot have it as a database that others write. */
    if (connect_unchanging(db) && finish_reading(db))
        return true;
    close_file(db);
    return false;
}

static bool is_file_there(struct database *db)
{
    struct stat st;
    int64_t now = clock_us();
    if (now - db->looked_us < LOOK_US)
        return true;
    db->looked_us = now;
    return stat(db->path, &st) == 0 && st.st_dev == db->device && st.st_ino == db->inode;
}

static bool begin_writing(struct database *db)
{
    return run_text(db, "BEGIN IMMEDIATE");
}

static bool commit_writing(struct database *db)
{
    return run_text(db, "COMMIT");
}

static bool lock_nothing(struct database *db, bool *free)
{
    (void)db;
    *free = true;
    return true;
}

static bool limit_pages(struct database *db, uint64_t bytes)
{
    char text[64];
    int64_t page = database_number(db, "PRAGMA page_size", 4096);
    snprintf(text, sizeof text, "PRAGMA max_page_count=%llu",
             (unsigned long long)(bytes / (uint64_t)page));
    return run_text(db, text);
}

static int64_t rows_changed(struct database *db)
{
    return sqlite3_changes64(db->sqlite);
}

const struct database_driver sqlite_driver = {
    .open = open_file,
    .open_read = try_to_read,
    .close = close_file,
    .is_there = is_file_there,
    .run = run_text,
    .begin = begin_writing,
    .commit = commit_writing,
    .lock = lock_nothing,
    .limit = limit_pages,
    .tidy = move_wal,
    .changes = rows_changed,
    .prepare = sqlite_sql_prepare,
    .bind_number = sqlite_sql_bind_number,
    .bind = sqlite_sql_bind,
    .step = sqlite_sql_step,
    .push = sqlite_sql_push,
    .number = sqlite_sql_number,
    .text = sqlite_sql_text,
    .reset = sqlite_sql_reset,
    .end = sqlite_sql_end,
};
