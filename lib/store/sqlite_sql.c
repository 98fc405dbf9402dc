/* sqlite_sql.c - the statements of sql.h, carried out by SQLite.
 *
 * Errors: false or SQL_FAILED, and why stands in the database. */
#include <stdlib.h>

#include "store/sqlite.h"

struct sqlite_sql {
    struct sql sql;
    sqlite3_stmt *stmt;
};

static sqlite3_stmt *stmt_of(struct sql *s)
{
    return ((struct sqlite_sql *)s)->stmt;
}

struct sql *sqlite_sql_prepare(struct database *db, const char *text)
{
    struct sqlite_sql *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    s->sql.db = db;
    s->stmt = sqlite_prepare(db, text);
    if (s->stmt)
        return &s->sql;
    free(s);
    return NULL;
}

void sqlite_sql_bind_number(struct sql *s, int i, int64_t number)
{
    sqlite3_bind_int64(stmt_of(s), i, number);
}

void sqlite_sql_bind(struct sql *s, int i, struct str v, bool bytes)
{
    if (!v.p)
        sqlite3_bind_null(stmt_of(s), i);
    else if (bytes)
        sqlite3_bind_blob(stmt_of(s), i, v.p, (int)v.n, SQLITE_STATIC);
    else
        sqlite3_bind_text(stmt_of(s), i, v.p, (int)v.n, SQLITE_STATIC);
}

enum sql_step sqlite_sql_step(struct sql *s)
{
    int rc = sqlite3_step(stmt_of(s));
    if (rc == SQLITE_ROW || rc == SQLITE_DONE)
        return rc == SQLITE_ROW ? SQL_ROW : SQL_DONE;
    sqlite_failed(s->db);
    return SQL_FAILED;
}

bool sqlite_sql_push(struct sql *s)
{
    return sql_run(s);
}

int64_t sqlite_sql_number(struct sql *s, int i)
{
    return sqlite3_column_int64(stmt_of(s), i);
}

struct str sqlite_sql_text(struct sql *s, int i)
{
    const void *p = sqlite3_column_blob(stmt_of(s), i);
    if (sqlite3_column_type(stmt_of(s), i) == SQLITE_NULL)
        return STR_NONE;
    return (struct str){p ? p : "", p ? (size_t)sqlite3_column_bytes(stmt_of(s), i) : 0};
}

void sqlite_sql_reset(struct sql *s)
{
    sqlite3_reset(stmt_of(s));
}

void sqlite_sql_end(struct sql *s)
{
    sqlite3_finalize(stmt_of(s));
    free(s);
}
