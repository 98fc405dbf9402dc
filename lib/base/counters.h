/* counters.h - what the program has counted since it started. The list is counters.def. */
#ifndef ASSAY_BASE_COUNTERS_H
#define ASSAY_BASE_COUNTERS_H

#include <stdint.h>

enum counter {
#define COUNTER(id, name, help) CTR_##id,
#include "base/counters.def"
#undef COUNTER
    COUNTER_COUNT
};

/* Lock-free, from any thread. */
void counter_add(enum counter c, uint64_t n);
static inline void counter_inc(enum counter c)
{
    counter_add(c, 1);
}

uint64_t counter_get(enum counter c);
const char *counter_name(enum counter c); /* "spf-pass" */
const char *counter_help(enum counter c); /* one sentence */

#endif
