/* model.h - what pages show beside the figures of report/in. Texts may contain anything: the code
 * that writes pages escapes them. Days are days since 1970 (UTC). */
#ifndef ASSAY_REPORT_PAGE_MODEL_H
#define ASSAY_REPORT_PAGE_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* Our own verdicts on mail from outside on one day. */
enum page_verdict { OURS_ACCEPTED, OURS_QUARANTINED, OURS_REJECTED, OURS_COUNT };
struct page_own_day {
    int64_t day;
    uint64_t n[OURS_COUNT];
};

/* A report that we sent, or tried to. */
struct page_sent {
    int64_t day;
    struct str domain, destination, state, note;
    uint64_t messages;
};

#define PAGE_SENT_MAX 500 /* reports that are shown */

/* The reports that we sent about a day. */
struct page_sent_day {
    uint64_t reports, mails, failed; /* mails: handed over; failed: given up */
};

#endif
