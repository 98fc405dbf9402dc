/* sql.h - SQL statements on a database of ours (database.h), whichever program keeps it.
 *
 * A statement is written once for SQLite and PostgreSQL: parameters are ?1, ?2; a new row's number
 * comes from RETURNING; ON CONFLICT names its columns, and columns that two tables have name their
 * table; SQL_LEAST and SQL_GREATEST are for two values. Texts are bytes, and are compared as bytes.
 *
 * Every function takes NULL for a statement that could not be prepared, and fails then. Whatever
 * fails: the reason stands in the database. A statement belongs to the thread of its database. */
#ifndef ASSAY_STORE_SQL_H
#define ASSAY_STORE_SQL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define SQL_LEAST(a, b)    "CASE WHEN " a " < " b " THEN " a " ELSE " b " END"
#define SQL_GREATEST(a, b) "CASE WHEN " a " > " b " THEN " a " ELSE " b " END"

struct sql;
struct database;
enum sql_step { SQL_FAILED, SQL_ROW, SQL_DONE };

/* A statement that lives until sql_end(). NULL, and why. */
struct sql *sql_prepare(struct database *db, const char *text);

/* Parameters, from 1. Of a text and of bytes a pointer is kept: they have to live until the
 * statement is reset. A text without a pointer (STR_NONE) is NULL. */
void sql_bind_number(struct sql *s, int i, int64_t number);
void sql_bind(struct sql *s, int i, struct str text);
void sql_bind_bytes(struct sql *s, int i, const void *p, size_t n);

/* The next row. */
enum sql_step sql_step(struct sql *s);

/* Columns of the row, from 0; of NULL 0 and STR_NONE. A text lives until the next step. */
int64_t sql_number(struct sql *s, int i);
struct str sql_text(struct sql *s, int i);

/* Ready to begin again; parameters keep their values. */
void sql_reset(struct sql *s);

/* Runs it to its end, without looking at rows, and resets it. */
bool sql_run(struct sql *s);

/* As sql_run(), for when many follow each other: what fails may show only in a later call on this
 * database, which is database_commit() at the latest. */
bool sql_push(struct sql *s);

/* The number in the first column of the first row; 0: there is none, or that failed. Resets it. */
int64_t sql_value(struct sql *s);

/* The end of a statement. False if there was none, or if `last`, what its last step said, is that
 * it failed. */
bool sql_end(struct sql *s, enum sql_step last);

#endif
