/* rows_table.h - the tables of rows: what the writer does to them, and their schema.
 * Private to lib/store. */
#ifndef ASSAY_STORE_ROWS_TABLE_H
#define ASSAY_STORE_ROWS_TABLE_H

#include "store/database.h"
#include "store/rows_pack.h"

extern const struct database_schema rows_schema;

struct rows_table;

/* Works on the database, which has to be open whenever it is used. NULL without memory. */
struct rows_table *rows_table_new(struct database *db);
void rows_table_free(struct rows_table *t); /* NULL is allowed */

/* One record, as often as `messages` says, within a transaction. What fails may show only when that
 * is committed. */
bool rows_table_add(struct rows_table *t, const struct rows_record *r, uint64_t messages);

/* Texts may have other numbers by now: somebody else has removed some. */
void rows_table_forget(struct rows_table *t);

/* Call before the database is closed, and after a transaction that failed. */
void rows_table_reset(struct rows_table *t);

/* All records in one transaction. False: none of them is in, and db->why says why. */
bool rows_table_write(struct rows_table *t, const struct rows_buffer *records, size_t *written);

#endif
