/* record.h - what is remembered of a message: the log line, the counters (and later the report
 * row). Pure but for the counters. */
#ifndef ASSAY_DECIDE_RECORD_H
#define ASSAY_DECIDE_RECORD_H

#include "core/telling.h"

/* `QUEUEID: spf=pass dkim=pass(example.org/s1) dmarc=pass(p=reject) action=accept client=...
 * from=<..> ms=12`: clean text of bounded length, in t->arena. `point` tells where the message
 * ended. */
struct str record_line(enum policy_point point, const struct telling *t, int64_t took_us);

/* Counts results and the action, once per message. */
void record_count(enum policy_point point, const struct telling *t);

#endif
