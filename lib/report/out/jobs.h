/* jobs.h - the reports that a run works on: about days that are over, and those in the store.
 * Private to lib/report/out. */
#ifndef ASSAY_REPORT_OUT_JOBS_H
#define ASSAY_REPORT_OUT_JOBS_H

#include "report/out/outgoing.h"
#include "report/out/send.h"

/* A report with its mails. */
struct job {
    struct rows_period period; /* of a first part; policy_id 0: its rows were deleted */
    struct sent_report report;
    size_t n_mails, mails_cap;
    struct sent_mail *mails;
};

struct jobs {
    size_t n, cap;
    struct job *v;
};

/* The time of the run. */
int64_t send_now(const struct send_run *run);

struct outgoing send_outgoing(const struct send_run *run, struct str secret);

/* Jobs about days that are over and that the store does not have yet. */
bool jobs_due(struct send_run *run, const struct outgoing *o, struct jobs *out);

/* The day that is not over, and the number of its jobs so far. */
bool jobs_under_way(struct send_run *run, const struct outgoing *o, int64_t *day, uint64_t *n);

/* Jobs in the store with mails that are not finished. */
bool jobs_open(struct send_run *run, struct jobs *out);

#endif
