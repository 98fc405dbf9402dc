/* postgresql.c - databases that a PostgreSQL server keeps: connections, versions, transactions.
 *
 * Each kind of database is a schema of its own in the database that the URL names: assay_rows,
 * assay_received. What stands in them is what stands in SQLite's files, with the same numbers of
 * versions. Who writes holds a lock of its schema for the transaction, so there is one writer at a
 * time, as with SQLite, however many hosts there are; readers do not wait.
 *
 * No call waits for a server longer than the patience of its database: a server that was stopped
 * answers nothing, and closes nothing. Connecting has five seconds, for all hosts of the URL
 * together; but libpq looks names up with getaddrinfo(), which blocks as long as the system's
 * resolver does.
 *
 * Errors: false or NULL, and db->why is a phrase. A connection that broke stays broken until it is
 * closed. */
#include "store/postgresql.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define CONNECT_US  5000000
#define PATIENCE_US 60000000 /* unless the database has one of its own */
#define LOCKED_MS   20000    /* how long it waits for another writer, within its patience */
#define LOOK_MS     100      /* how often somebody who wants an end is noticed */

bool postgresql_failed(struct database *db, const char *why)
{
    size_t n = 0;
    if (strncmp(why, "ERROR:  ", 8) == 0 || strncmp(why, "FATAL:  ", 8) == 0)
        why += 8;
    for (const char *p = why; *p && n + 1 < sizeof db->why; p++)
        if ((unsigned char)*p >= ' ' && (*p != ' ' || (n && db->why[n - 1] != ' ')))
            db->why[n++] = *p;
        else if (*p == '\n' && p[1])
            db->why[n++] = ' ';
    db->why[n] = '\0';
    return false;
}

bool postgresql_connection_failed(struct database *db)
{
    struct postgresql *p = db->postgresql;
    p->broken = true;
    return postgresql_failed(db, p->pq->PQerrorMessage(p->connection));
}

/* --- Waiting -----------------------------------------------------------------------------------*/

static int64_t patience_of(const struct database *db)
{
    return db->patience_us ? db->patience_us : PATIENCE_US;
}

static bool takes_too_long(struct database *db, int64_t until_us)
{
    bool stopped = db->stop && atomic_load(db->stop);
    if (!stopped && clock_us() < until_us)
        return false;
    db->postgresql->broken = true;
    snprintf(db->why, sizeof db->why, stopped ? "assay ends" : "the server does not answer");
    return true;
}

/* Until the socket is ready. */
static bool wait_for_socket(struct database *db, short events, int64_t until_us)
{
    struct postgresql *p = db->postgresql;
    struct pollfd fd = {.fd = p->pq->PQsocket(p->connection), .events = events};
    while (fd.fd < 0 || poll(&fd, 1, LOOK_MS) <= 0)
        if (fd.fd < 0 || takes_too_long(db, until_us))
            return false;
    return true;
}

bool postgresql_result(struct database *db, PGresult **result)
{
    struct postgresql *p = db->postgresql;
    int64_t until_us = clock_us() + patience_of(db);
    *result = NULL;
    for (;;) {
        int unsent = p->pq->PQflush(p->connection);
        if (unsent < 0)
            return postgresql_connection_failed(db);
        if (!p->pq->PQisBusy(p->connection))
            break;
        if (!wait_for_socket(db, unsent ? POLLIN | POLLOUT : POLLIN, until_us))
            return false;
        if (!p->pq->PQconsumeInput(p->connection))
            return postgresql_connection_failed(db);
    }
    *result = p->pq->PQgetResult(p->connection);
    return true;
}

static bool is_good(ExecStatusType status)
{
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ||
           status == PGRES_SINGLE_TUPLE || status == PGRES_EMPTY_QUERY ||
           status == PGRES_PIPELINE_SYNC;
}

/* It was not tried, since something before it has failed, which was the reason. */
static bool is_consequence(const struct libpq *pq, const PGresult *result)
{
    const char *state = pq->PQresultErrorField(result, PG_DIAG_SQLSTATE);
    return pq->PQresultStatus(result) == PGRES_PIPELINE_ABORTED ||
           (state && strcmp(state, "25P02") == 0);
}

bool postgresql_took(struct database *db, PGresult *result)
{
    struct postgresql *p = db->postgresql;
    bool good = is_good(p->pq->PQresultStatus(result));
    if (good)
        p->changes = strtoll(p->pq->PQcmdTuples(result), NULL, 10);
    else if (!is_consequence(p->pq, result))
        postgresql_failed(db, p->pq->PQresultErrorMessage(result));
    if (!good)
        p->broken = p->broken || p->pq->PQstatus(p->connection) != CONNECTION_OK;
    p->pq->PQclear(result);
    return good;
}

/* --- Connections -------------------------------------------------------------------------------*/

static void ignore_notice(void *context, const char *text)
{
    (void)context;
    (void)text;
}

static bool finish_connecting(struct database *db)
{
    struct postgresql *p = db->postgresql;
    int64_t until_us = clock_us() + CONNECT_US;
    short events = POLLOUT;
    for (;;) {
        if (!wait_for_socket(db, events, until_us))
            return false;
        PostgresPollingStatusType said = p->pq->PQconnectPoll(p->connection);
        if (said == PGRES_POLLING_OK)
            return true;
        if (said == PGRES_POLLING_FAILED)
            return postgresql_connection_failed(db);
        events = said == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    }
}

static void close_connection(struct database *db)
{
    struct postgresql *p = db->postgresql;
    if (!p)
        return;
    p->pq->PQfinish(p->connection);
    for (size_t i = 0; i < p->n_known; i++)
        free(p->known[i].text);
    free(p->known);
    free(p);
    db->postgresql = NULL;
}

static bool start_connecting(struct database *db)
{
    struct postgresql *p = db->postgresql;
    /* What stands before the URL is for a URL that says nothing of it. Root's home, which commands
     * may not look into any more when they have become the daemon's user, is no place for a
     * certificate; and Kerberos' library would look for tickets. */
    const char *const names[] = {"sslcert", "gssencmode", "dbname", "fallback_application_name",
                                 NULL};
    const char *const values[] = {"/nonexistent", "disable", db->path, "assay", NULL};
    p->connection = p->pq->PQconnectStartParams(names, values, 1);
    if (!p->connection)
        return postgresql_failed(db, "no memory");
    p->pq->PQsetNoticeProcessor(p->connection, ignore_notice, NULL);
    return p->pq->PQstatus(p->connection) != CONNECTION_BAD || postgresql_connection_failed(db);
}

static bool run_text(struct database *db, const char *text);

/* What a server may wait for us, and we for others. The server says that somebody else writes
 * before it counts as one that does not answer. */
static bool set_up_session(struct database *db, bool write)
{
    char text[512];
    int64_t half_ms = patience_of(db) / 2000;
    snprintf(text, sizeof text,
             "SET search_path = %s; SET client_min_messages = warning;"
             "SET statement_timeout = '600s'; SET lock_timeout = %lld; SET work_mem = '64MB';"
             "SET idle_in_transaction_session_timeout = '60s';"
             "SET default_transaction_read_only = %s",
             db->schema->name, (long long)(half_ms < LOCKED_MS ? half_ms : LOCKED_MS),
             write ? "off" : "on");
    return run_text(db, text);
}

static bool connect_to_server(struct database *db, bool write)
{
    const char *why;
    const struct libpq *pq = libpq_load(&why);
    if (!pq)
        return postgresql_failed(db, why);
    struct postgresql *p = calloc(1, sizeof *p);
    if (!p)
        abort();
    p->pq = pq;
    db->postgresql = p;
    if (start_connecting(db) && finish_connecting(db) &&
        p->pq->PQsetnonblocking(p->connection, 1) == 0 && set_up_session(db, write))
        return true;
    close_connection(db);
    return false;
}

static bool is_connected(struct database *db)
{
    struct postgresql *p = db->postgresql;
    return !p->broken && p->pq->PQstatus(p->connection) == CONNECTION_OK;
}

/* --- Texts without parameters ------------------------------------------------------------------*/

static bool send_text(struct database *db, const char *text)
{
    struct postgresql *p = db->postgresql;
    char *translated = postgresql_text(text);
    bool good = p->pq->PQsendQuery(p->connection, translated) || postgresql_connection_failed(db);
    free(translated);
    return good;
}

/* `tag`: how the last command was carried out, if that matters. */
static bool run_to_tag(struct database *db, const char *text, const char *tag)
{
    struct postgresql *p = db->postgresql;
    PGresult *result;
    bool tagged = !tag;
    if (!postgresql_settle(db) || !send_text(db, text))
        return false;
    bool good = true;
    while (postgresql_result(db, &result)) {
        if (!result)
            return good && (tagged || postgresql_failed(db, "what was written was undone"));
        tagged = tagged || strcmp(p->pq->PQcmdStatus(result), tag) == 0;
        good = postgresql_took(db, result) && good;
    }
    return false;
}

static bool run_text(struct database *db, const char *text)
{
    return run_to_tag(db, text, NULL);
}

/* A transaction in which something has failed ends as well, and says that it was undone. */
static bool commit_writing(struct database *db)
{
    return run_to_tag(db, "COMMIT", "COMMIT");
}

static bool begin_writing(struct database *db)
{
    char text[96];
    snprintf(text, sizeof text, "BEGIN; SELECT pg_advisory_xact_lock(%lu)",
             (unsigned long)db->schema->id);
    return run_text(db, text);
}

/* --- Versions ----------------------------------------------------------------------------------*/

static bool read_version(struct database *db, int64_t *version)
{
    char text[160];
    snprintf(text, sizeof text,
             "SELECT count(*) FROM pg_tables WHERE schemaname = '%s'"
             " AND tablename = 'version'",
             db->schema->name);
    *version = database_number(db, text, -1);
    if (*version == 1)
        *version = database_number(db, "SELECT number FROM version", -1);
    if (*version < 0)
        return false;
    return *version <= (int64_t)db->schema->version ||
           postgresql_failed(db, "was written by a later version of assay");
}

static bool make_schema(struct database *db)
{
    char text[192];
    snprintf(text, sizeof text, "SELECT count(*) FROM pg_namespace WHERE nspname = '%s'",
             db->schema->name);
    bool there = database_number(db, text, 0) > 0;
    snprintf(text, sizeof text,
             "%s%s; CREATE TABLE version(number BIGINT NOT NULL); INSERT INTO version VALUES(0)",
             there ? "SELECT 1" : "CREATE SCHEMA ", there ? "" : db->schema->name);
    return run_text(db, text);
}

static bool take_step(struct database *db, int64_t from)
{
    char text[64];
    const char *also = db->schema->also ? db->schema->also[from] : NULL;
    snprintf(text, sizeof text, "UPDATE version SET number = %lld", (long long)from + 1);
    return run_text(db, db->schema->steps[from]) && (!also || run_text(db, also)) &&
           run_text(db, text);
}

/* Somebody else may have done it before the lock was ours: then there is nothing to do. */
static bool migrate(struct database *db)
{
    int64_t version;
    if (!begin_writing(db) || !read_version(db, &version))
        return false;
    bool good = version > 0 || make_schema(db);
    for (; good && version < (int64_t)db->schema->version; version++)
        good = take_step(db, version);
    return good && commit_writing(db);
}

static bool open_server(struct database *db)
{
    int64_t version;
    if (!connect_to_server(db, true))
        return false;
    if (read_version(db, &version) && (version == (int64_t)db->schema->version || migrate(db)))
        return true;
    close_connection(db);
    return false;
}

static bool try_to_read(struct database *db)
{
    int64_t version;
    if (!connect_to_server(db, false))
        return false;
    if (read_version(db, &version)) {
        if (version == (int64_t)db->schema->version)
            return true;
        db->absent = version == 0;
        db->earlier = version > 0;
        postgresql_failed(db, db->absent
                                  ? "has no tables of assay yet: start the daemon once"
                                  : "is not of this version of assay: start the daemon once");
    }
    close_connection(db);
    return false;
}

/* --- The rest of a driver ----------------------------------------------------------------------*/

/* For as long as the connection lasts. */
static bool lock_server(struct database *db, bool *free)
{
    char text[96];
    snprintf(text, sizeof text, "SELECT CASE WHEN pg_try_advisory_lock(%lu, 1) THEN 1 ELSE 0 END",
             (unsigned long)db->schema->id);
    int64_t said = database_number(db, text, -1);
    *free = said == 1;
    return said >= 0;
}

static bool limit_nothing(struct database *db, uint64_t bytes)
{
    (void)db;
    (void)bytes;
    return true;
}

static void tidy_nothing(struct database *db)
{
    (void)db;
}

static int64_t rows_changed(struct database *db)
{
    return db->postgresql->changes;
}

static const char *library_missing(void)
{
    const char *why;
    return libpq_load(&why) ? NULL : why;
}

const struct database_driver postgresql_driver = {
    .unusable = library_missing,
    .open = open_server,
    .open_read = try_to_read,
    .close = close_connection,
    .is_there = is_connected,
    .run = run_text,
    .begin = begin_writing,
    .commit = commit_writing,
    .lock = lock_server,
    .limit = limit_nothing,
    .tidy = tidy_nothing,
    .changes = rows_changed,
    .prepare = postgresql_sql_prepare,
    .bind_number = postgresql_sql_bind_number,
    .bind = postgresql_sql_bind,
    .step = postgresql_sql_step,
    .push = postgresql_sql_push,
    .number = postgresql_sql_number,
    .text = postgresql_sql_text,
    .reset = postgresql_sql_reset,
    .end = postgresql_sql_end,
};
