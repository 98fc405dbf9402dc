/* rows_pack.h - rows as bytes, for the queue to the writer, and the text of results in the
 * database. Private to lib/store. */
#ifndef ASSAY_STORE_ROWS_PACK_H
#define ASSAY_STORE_ROWS_PACK_H

#include "store/rows.h"

enum rows_op { ROWS_OP_ROW, ROWS_OP_TALLY, ROWS_OP_DROP };

/* A record of the queue, whose parts are columns of the database. */
#define ROWS_POLICY_FIELDS 10
#define ROWS_SENDER_FIELDS 3
struct rows_record {
    enum rows_op op;
    int64_t day;
    struct str policy[ROWS_POLICY_FIELDS]; /* in the order of struct row_policy */
    struct str sender[ROWS_SENDER_FIELDS]; /* header_from, envelope_from, envelope_to */
    struct str results; /* reasons, signatures and SPF as text; for a tally its name */
    struct str source;  /* 4 or 16 bytes, or none */
    int64_t verdict;    /* disposition and both alignments */
};

/* A buffer that grows up to a bound. */
struct rows_buffer {
    char *p;
    size_t n, cap;
};

/* Appends a record; false, and nothing is appended, if the buffer would have more than `max` bytes.
 */
bool rows_pack(struct rows_buffer *b, const struct rows_record *record, size_t max);

/* Reads the record at *at and moves *at behind it; false at the end. Texts point into the buffer.
 */
bool rows_unpack(const struct rows_buffer *b, size_t *at, struct rows_record *record);

/* Makes the record of a row; new texts are in `a`. */
void rows_record_of(int64_t day, const struct row *row, struct arena *a, struct rows_record *out);

/* Reads the results of a row from their text. Damaged lines are left out. */
void rows_read_results(struct str text, struct arena *a, struct row *out);
void rows_read_verdict(int64_t verdict, struct row *out);

#endif
