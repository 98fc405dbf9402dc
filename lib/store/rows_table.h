/* rows_table.h - the tables of rows: their schema, and writing. Private to lib/store. */
#ifndef ASSAY_STORE_ROWS_TABLE_H
#define ASSAY_STORE_ROWS_TABLE_H

#include "store/database.h"
#include "store/rows_pack.h"

extern const struct database_schema rows_schema;

struct rows_table;

/* For this database, which has to be open at each call. NULL without memory. */
struct rows_table *rows_table_new(struct database *db);
void rows_table_free(struct rows_table *t); /* NULL is allowed */

/* Adds `messages` to the count of a record, within a transaction. A failure may show only at the
 * commit. */
bool rows_table_add(struct rows_table *t, const struct rows_record *r, uint64_t messages);

/* Forgets the numbers of texts, because another process may have removed some. */
void rows_table_forget(struct rows_table *t);

/* Call before the database is closed, and after a transaction that failed. */
void rows_table_reset(struct rows_table *t);

/* Writes all records in one transaction. False: none of them is written, and db->why says why. */
bool rows_table_write(struct rows_table *t, const struct rows_buffer *records, size_t *written);

#endif
