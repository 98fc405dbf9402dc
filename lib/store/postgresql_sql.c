/* postgresql_sql.c - the statements of sql.h, carried out by a PostgreSQL server.
 *
 * Rows come one by one, so that none waits for the last and memory does not hold them all. A server
 * talks about one statement at a time: if another one begins, what is left of the rows is fetched
 * before. Statements that were pushed go out together (a pipeline), and their answers are looked at
 * later.
 *
 * Errors: false or SQL_FAILED, and why stands in the database. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/postgresql.h"

#define PARAMETERS_MAX 24
#define PUSHED_MAX     200 /* without an answer: a few KB of answers, which sockets hold */
#define TYPE_BYTEA     17
#define TYPE_INT8      20

struct postgresql_sql {
    struct sql sql;
    const struct libpq *pq;
    size_t known; /* which of the connection's */
    bool running;
    int n;
    Oid types[PARAMETERS_MAX];
    const char *values[PARAMETERS_MAX]; /* NULL: NULL */
    int lengths[PARAMETERS_MAX], formats[PARAMETERS_MAX];
    char numbers[PARAMETERS_MAX][8];
    PGresult *row;
    PGresult **fetched; /* rows to come that had to be fetched, from `next` on */
    size_t n_fetched, cap_fetched, next;
    bool failed; /* while they were */
};

static struct postgresql_sql *of(struct sql *s)
{
    return (struct postgresql_sql *)s;
}

static struct postgresql *connection_of(struct postgresql_sql *s)
{
    return s->sql.db->postgresql;
}

/* --- What is under way -------------------------------------------------------------------------*/

/* The next row from the server; SQL_DONE: the last answer has come. */
static enum sql_step read_row(struct postgresql_sql *s, PGresult **row)
{
    struct database *db = s->sql.db;
    struct postgresql *p = connection_of(s);
    bool good = true;
    PGresult *result;
    while (postgresql_result(db, &result)) {
        if (result && p->pq->PQresultStatus(result) == PGRES_SINGLE_TUPLE) {
            *row = result;
            return SQL_ROW;
        }
        if (!result) {
            p->reading = NULL;
            return good ? SQL_DONE : SQL_FAILED;
        }
        good = postgresql_took(db, result) && good;
    }
    p->reading = NULL;
    return SQL_FAILED;
}

static void keep_row(struct postgresql_sql *s, PGresult *row)
{
    if (s->n_fetched == s->cap_fetched) {
        s->cap_fetched = s->cap_fetched ? 2 * s->cap_fetched : 16;
        s->fetched = realloc(s->fetched, s->cap_fetched * sizeof(PGresult *));
        if (!s->fetched)
            abort();
    }
    s->fetched[s->n_fetched++] = row;
}

static bool fetch_rest(struct postgresql_sql *s)
{
    enum sql_step said;
    PGresult *row;
    while ((said = read_row(s, &row)) == SQL_ROW)
        keep_row(s, row);
    s->failed = said == SQL_FAILED;
    return !s->failed;
}

/* The answers to what was pushed. */
static bool end_pipeline(struct database *db)
{
    struct postgresql *p = db->postgresql;
    bool good = true, synced = false;
    PGresult *result;
    if (!p->pq->PQpipelineSync(p->connection))
        return postgresql_connection_failed(db);
    while (!synced) {
        if (!postgresql_result(db, &result))
            return false;
        synced = result && p->pq->PQresultStatus(result) == PGRES_PIPELINE_SYNC;
        good = (!result || postgresql_took(db, result)) && good;
        if (p->broken)
            return false;
    }
    p->pushed = 0;
    return (p->pq->PQexitPipelineMode(p->connection) || postgresql_connection_failed(db)) && good;
}

bool postgresql_settle(struct database *db)
{
    struct postgresql *p = db->postgresql;
    if (p->broken)
        return false;
    if (p->reading)
        fetch_rest(p->reading); /* its failure is its own */
    return !p->broken && (!p->pushed || end_pipeline(db));
}

/* --- A statement's life ------------------------------------------------------------------------*/

/* Where the connection has the text. Each is prepared once, however often somebody asks for it: the
 * server keeps what it has prepared. */
static size_t place_of_text(struct postgresql *p, const char *text)
{
    for (size_t i = 0; i < p->n_known; i++)
        if (strcmp(p->known[i].text, text) == 0)
            return i;
    if (p->n_known == p->cap_known) {
        p->cap_known = p->cap_known ? 2 * p->cap_known : 16;
        p->known = realloc(p->known, p->cap_known * sizeof *p->known);
    }
    char *copy = strdup(text);
    if (!p->known || !copy)
        abort();
    p->known[p->n_known] = (struct postgresql_known){.text = copy};
    return p->n_known++;
}

struct sql *postgresql_sql_prepare(struct database *db, const char *text)
{
    struct postgresql_sql *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    s->sql.db = db;
    s->pq = db->postgresql->pq;
    s->known = place_of_text(db->postgresql, text);
    return &s->sql;
}

static const char *name_of(const struct postgresql_sql *s, char name[24])
{
    snprintf(name, 24, "s%zu", s->known);
    return name;
}

static void set_parameter(struct postgresql_sql *s, int i, Oid type, const char *p, size_t n)
{
    if (i > PARAMETERS_MAX)
        abort();
    s->n = i > s->n ? i : s->n;
    s->types[i - 1] = type;
    s->values[i - 1] = p;
    s->lengths[i - 1] = (int)n;
    s->formats[i - 1] = 1;
}

void postgresql_sql_bind_number(struct sql *sql, int i, int64_t number)
{
    struct postgresql_sql *s = of(sql);
    set_parameter(s, i, TYPE_INT8, s->numbers[i - 1], 8);
    for (int k = 0; k < 8; k++)
        s->numbers[i - 1][k] = (char)(number >> (56 - 8 * k));
}

void postgresql_sql_bind(struct sql *s, int i, struct str value, bool bytes)
{
    (void)bytes; /* texts are bytes */
    set_parameter(of(s), i, TYPE_BYTEA, value.p, value.n);
}

static bool send_text(struct postgresql_sql *s)
{
    struct postgresql *p = connection_of(s);
    char name[24], *text = postgresql_text(p->known[s->known].text);
    int sent = p->pq->PQsendPrepare(p->connection, name_of(s, name), text, s->n, s->types);
    free(text);
    return sent || postgresql_connection_failed(s->sql.db);
}

/* With the types of the parameters that it has by now. */
static bool make_known(struct postgresql_sql *s)
{
    struct database *db = s->sql.db;
    struct postgresql_known *k = &connection_of(s)->known[s->known];
    PGresult *result;
    bool good = true;
    if (k->known)
        return true;
    if (!postgresql_settle(db) || !send_text(s))
        return false;
    while (postgresql_result(db, &result)) {
        if (!result)
            return k->known = good;
        good = postgresql_took(db, result) && good;
    }
    return false;
}

static bool send_statement(struct postgresql_sql *s)
{
    struct postgresql *p = connection_of(s);
    char name[24];
    return p->pq->PQsendQueryPrepared(p->connection, name_of(s, name), s->n, s->values, s->lengths,
                                      s->formats, 1) ||
           postgresql_connection_failed(s->sql.db);
}

static bool begin_running(struct postgresql_sql *s)
{
    struct postgresql *p = connection_of(s);
    if (!make_known(s) || !postgresql_settle(s->sql.db) || !send_statement(s))
        return false;
    p->pq->PQsetSingleRowMode(p->connection);
    p->reading = s;
    s->running = true;
    return true;
}

static void let_row_go(struct postgresql_sql *s)
{
    if (s->row)
        s->pq->PQclear(s->row);
    s->row = NULL;
}

enum sql_step postgresql_sql_step(struct sql *sql)
{
    struct postgresql_sql *s = of(sql);
    let_row_go(s);
    if (!s->running && !begin_running(s))
        return SQL_FAILED;
    if (s->next < s->n_fetched) {
        s->row = s->fetched[s->next++];
        return SQL_ROW;
    }
    if (connection_of(s)->reading != s)
        return s->failed ? SQL_FAILED : SQL_DONE;
    enum sql_step said = read_row(s, &s->row);
    s->failed = said == SQL_FAILED;
    return said;
}

void postgresql_sql_reset(struct sql *sql)
{
    struct postgresql_sql *s = of(sql);
    let_row_go(s);
    while (connection_of(s) && connection_of(s)->reading == s && read_row(s, &s->row) == SQL_ROW)
        let_row_go(s);
    for (; s->next < s->n_fetched; s->next++)
        s->pq->PQclear(s->fetched[s->next]);
    free(s->fetched);
    s->fetched = NULL;
    s->n_fetched = s->cap_fetched = s->next = 0;
    s->running = s->failed = false;
}

void postgresql_sql_end(struct sql *sql)
{
    struct postgresql_sql *s = of(sql);
    postgresql_sql_reset(sql);
    free(s);
}

bool postgresql_sql_push(struct sql *sql)
{
    struct postgresql_sql *s = of(sql);
    struct postgresql *p = connection_of(s);
    if (!make_known(s) || (!p->pushed && !postgresql_settle(sql->db)))
        return false;
    if (!p->pushed && !p->pq->PQenterPipelineMode(p->connection))
        return postgresql_connection_failed(sql->db);
    if (!send_statement(s))
        return false;
    return ++p->pushed < PUSHED_MAX || postgresql_settle(sql->db);
}

/* --- Columns -----------------------------------------------------------------------------------*/

int64_t postgresql_sql_number(struct sql *sql, int i)
{
    struct postgresql_sql *s = of(sql);
    return postgresql_number(s->pq->PQftype(s->row, i), s->pq->PQgetvalue(s->row, 0, i),
                             s->pq->PQgetlength(s->row, 0, i));
}

struct str postgresql_sql_text(struct sql *sql, int i)
{
    struct postgresql_sql *s = of(sql);
    if (s->pq->PQgetisnull(s->row, 0, i))
        return STR_NONE;
    return (struct str){s->pq->PQgetvalue(s->row, 0, i), (size_t)s->pq->PQgetlength(s->row, 0, i)};
}
