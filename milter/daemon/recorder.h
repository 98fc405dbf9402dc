/* recorder.h - what is remembered of each message. */
#ifndef ASSAY_MILTER_RECORDER_H
#define ASSAY_MILTER_RECORDER_H

#include "session/session.h"

/* The line about a transaction, and its counters: as it was answered. */
void recorder_log(const struct transaction *t);
void recorder_count(const struct transaction *t);
/* Hands rows for reports to their writer, and once a day has those removed that are too old. */
void recorder_rows(const struct transaction *t);
/* Warns if many signatures say that our clock is slow. */
void recorder_doubt_clock(const struct transaction *t);

/* Counts a message that the MTA gave up. */
void recorder_given_up(const struct transaction *t);

/* Logs counters, a few a line; none that is zero if those that counted are wanted. */
enum which_counters { COUNTERS_ALL, COUNTERS_THAT_COUNTED };
void recorder_log_counters(enum which_counters which);

#endif
