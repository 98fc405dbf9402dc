/* exchange.h - received reports as lines of JSON: from one server's store into that of its twin, in
 * both directions, in any order, any number of times. What comes out is the union, by identity.
 *
 *     {"assay_reports":1}            the first line
 *     {"report":{...}} {"row":{...}} ... {"raw":"..."} {"end":{}}
 *     {"failure":{...}} {"tls":{...}} {"refused":{...}} {"label":{...}}
 *     {"done":{"lines":N}}           the last; without it the stream was cut
 *
 * A report that is cut is not stored. */
#ifndef ASSAY_REPORT_IN_EXCHANGE_H
#define ASSAY_REPORT_IN_EXCHANGE_H

#include "report/in/import.h"

#define EXCHANGE_LINE_MAX (4U << 20)

/* Gives each line, with its line end, to `put`, and stops if that returns false. False if `put` or
 * the store failed. `since`: only what was stored then or later; 0: all. */
typedef bool exchange_put_fn(void *context, struct str line);
bool exchange_write(struct received *r, int64_t since, exchange_put_fn *put, void *context);

struct exchange;

/* Takes lines, within a transaction that the caller begins and commits. Lives in `a`. */
struct exchange *exchange_begin(struct received *store, struct import_counts *counts,
                                struct arena *a);
enum exchange_result {
    EXCHANGE_GOES_ON,
    EXCHANGE_BETWEEN, /* between two reports: a good place for a commit */
    EXCHANGE_DONE,
    EXCHANGE_WRONG,  /* not a line of this format, or incomplete: exchange_problem() */
    EXCHANGE_FAILED, /* the store */
};
enum exchange_result exchange_line(struct exchange *x, struct str line);
const char *exchange_problem(const struct exchange *x);

/* The stream has ended: undoes a report that is not complete. False if the store failed. */
bool exchange_end(struct exchange *x);

#endif
