/* recorder.h - what is remembered of each message. */
#ifndef ASSAY_MILTER_RECORDER_H
#define ASSAY_MILTER_RECORDER_H

#include "milter/connection.h"

/* Logs and counts the message under way, which ends at `point` or had a recipient refused there. */
void recorder_message(struct connection *c, enum policy_point point, const struct verdict *verdict);

/* Counts the message under way as given up by the MTA. */
void recorder_given_up(struct connection *c);

/* Logs counters, a few a line; none that is zero if those that counted are wanted. */
enum which_counters { COUNTERS_ALL, COUNTERS_THAT_COUNTED };
void recorder_log_counters(enum which_counters which);

#endif
