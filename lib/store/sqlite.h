/* sqlite.h - databases that are SQLite files: what their files share, and what code needs that
 * works with SQLite alone. Private to lib/store. */
#ifndef ASSAY_STORE_SQLITE_H
#define ASSAY_STORE_SQLITE_H

#include <sqlite3.h>

#include "store/driver.h"

/* Notes why the last call on it failed; false. Close it then: damage is mended when it is opened.
 */
bool sqlite_failed(struct database *db);

/* A statement that lives until it is finalized. NULL, and why. */
sqlite3_stmt *sqlite_prepare(struct database *db, const char *text);

/* Statements of sql.h (sqlite_sql.c). */
struct sql *sqlite_sql_prepare(struct database *db, const char *text);
void sqlite_sql_bind_number(struct sql *s, int i, int64_t number);
void sqlite_sql_bind(struct sql *s, int i, struct str value, bool bytes);
enum sql_step sqlite_sql_step(struct sql *s);
bool sqlite_sql_push(struct sql *s);
int64_t sqlite_sql_number(struct sql *s, int i);
struct str sqlite_sql_text(struct sql *s, int i);
void sqlite_sql_reset(struct sql *s);
void sqlite_sql_end(struct sql *s);

#endif
