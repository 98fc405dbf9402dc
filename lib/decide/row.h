/* row.h - what reports and our own figures keep of a message: beside the log line (record.h), from
 * the same evidence and verdict. Pure. */
#ifndef ASSAY_DECIDE_ROW_H
#define ASSAY_DECIDE_ROW_H

#include "core/telling.h"
#include "store/rows.h"

struct row_account {
    size_t n;
    const struct row *rows; /* one for each author domain that a DMARC record was found for */
    struct str tally; /* without one: what is counted instead, "none/accept"; empty: nothing is */
};

/* Of a message that ended at `point`. Nothing is kept of mail that is not from outside, that was
 * asked to come again, or that is about reports. Signatures stand best first (RFC 9990 3.1.3).
 * Lives in t->arena. */
void row_account(enum policy_point point, const struct telling *t, struct row_account *out);

#endif
