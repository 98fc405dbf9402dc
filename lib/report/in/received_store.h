/* received_store.h - what the files of the store share. Private to lib/report/in. */
#ifndef ASSAY_REPORT_IN_RECEIVED_STORE_H
#define ASSAY_REPORT_IN_RECEIVED_STORE_H

#include "report/in/received.h"
#include "store/database.h"

extern const struct database_schema received_schema;

#define RECEIVED_STATEMENTS 40

/* A macro's number as a part of a statement. */
#define RECEIVED_TEXT(value)     #value
#define RECEIVED_TEXT_OF(number) RECEIVED_TEXT(number)

/* Seconds. If the report period ends more than this after the arrival, or if the report does not
 * say when, the report counts for the day of its arrival. */
#define RECEIVED_LATE 172800

/* received_believed_end() in SQL. */
#define RECEIVED_BELIEVED_END                                                                      \
    "CASE WHEN \"end\" BETWEEN 1 AND received + " RECEIVED_TEXT_OF(                                \
        RECEIVED_LATE) " THEN \"end\" ELSE received END"

/* By which the newest report is found: the end of its period, but no time after
 * its arrival, because whoever wrote the report chose the period. */
#define RECEIVED_NEWNESS "CASE WHEN \"end\" BETWEEN 1 AND received THEN \"end\" ELSE received END"

struct received {
    struct database db;
    struct sql *statements[RECEIVED_STATEMENTS]; /* prepared once, by enum received_sql */
    int64_t row;                                 /* of the last row within the open report */
};

enum received_sql {
    SQL_FIND_REPORT,
    SQL_FIND_GONE,
    SQL_INSERT_REPORT,
    SQL_END_REPORT,
    SQL_BETTER_REPORT,
    SQL_BETTER_FAILURE,
    SQL_BETTER_TLS,
    SQL_INSERT_ROW,
    SQL_ADD_SOURCE,
    SQL_ADD_ADDRESS,
    SQL_ADD_SENDER,
    SQL_ADD_RESULTS,
    SQL_INSERT_RAW,
    SQL_INSERT_SELECTOR,
    SQL_GET_DAILY,
    SQL_PUT_DAILY,
    SQL_SUM_REPORT,
    SQL_SUM_ADDRESS,
    SQL_ADD_SEEN,
    SQL_FIND_REPORTER,
    SQL_FIND_DOMAIN,
    SQL_FIND_ADDRESS,
    SQL_FIND_SOURCE,
    SQL_INSERT_REPORTER,
    SQL_INSERT_DOMAIN,
    SQL_INSERT_ADDRESS,
    SQL_INSERT_SOURCE,
    SQL_FIND_FAILURE,
    SQL_INSERT_FAILURE,
    SQL_ADD_FAILURES,
    SQL_FIND_TLS,
    SQL_INSERT_TLS,
    SQL_INSERT_REFUSAL,
    SQL_BETTER_REFUSAL,
    SQL_MOVE_SEEN,
    SQL_MOVE_FAILURES,
    SQL_SET_OWNER,
    SQL_PUT_LABEL,
    SQL_GET_SHARE,
    SQL_ADD_SHARE,
    SQL_COUNT,
};

/* The time of which the day is that a failure report counts for. */
#define RECEIVED_COUNTS "CASE WHEN arrival > 0 THEN arrival ELSE received END"

/* The statement, ready to be bound; NULL: failed. */
struct sql *received_sql(struct received *r, enum received_sql which);

/* The number of a text in its table, which gets a new row if it does not have the text yet; 0:
 * failed. */
int64_t received_number(struct received *r, enum received_sql find, enum received_sql insert,
                        const struct str *v, size_t n);
int64_t received_source(struct received *r, enum source_kind kind, struct str name);
int64_t received_address_number(struct received *r, const struct netaddr *address);

/* Adds the address if it is new. Pushed: a failure may show only in a later call. */
bool received_add_address(struct received *r, const struct netaddr *address);
void received_bind_address(struct sql *s, int i, const struct netaddr *address);

/* The network (/24, /48) that is the source of an address of which nothing is known. */
struct str received_network(const struct netaddr *address, struct arena *a);

/* Columns 2 to 14: arrival, reporter, domain, ip, kind, alignment, result, dkim_domain,
 * dkim_selector, header_from, envelope_from, subject, incidents. Texts live until the next step. */
void received_read_failure(struct sql *s, struct failure_report *out);

/* A daily sum. A domain, a day and a reporter have one for each source and outcome, packed into one
 * value. outcome: that of outcome.h, with the trust in the bits above. */
struct received_cell {
    uint32_t source, outcome;
    int64_t messages;
};
#define RECEIVED_CELL 16 /* bytes, little-endian */

static inline uint64_t received_cell_number(const char *p, size_t n)
{
    uint64_t value = 0;
    for (size_t i = 0; i < n; i++)
        value |= (uint64_t)(unsigned char)p[i] << 8 * i;
    return value;
}

static inline struct received_cell received_cell_at(const char *p)
{
    return (struct received_cell){(uint32_t)received_cell_number(p, 4),
                                  (uint32_t)received_cell_number(p + 4, 4),
                                  (int64_t)received_cell_number(p + 8, 8)};
}

/* Adds the rows of a report to the daily sums, or (sign -1) takes them back. */
bool received_count_report(struct received *r, int64_t report, int sign);
/* Moves what the rows of this address counted from one source to another. */
bool received_move_address(struct received *r, int64_t address, int64_t before, int64_t after);

/* Packs reasons and results of a row into a text, and unpacks them: the row's texts are then parts
 * of that text. */
struct str received_pack_results(const struct aggregate_row *row, struct arena *a);
void received_unpack_results(struct str text, struct aggregate_row *row);

struct str received_pack_policy(const struct aggregate_policy *policy, struct arena *a);
void received_unpack_policy(struct str text, struct aggregate_policy *policy);

#endif
