/* histogram.h - distributions of times since the program started. The list is histogram.def. */
#ifndef ASSAY_BASE_HISTOGRAM_H
#define ASSAY_BASE_HISTOGRAM_H

#include <stdint.h>

enum histogram {
#define HISTOGRAM(id, name, help) HIST_##id,
#include "base/histogram.def"
#undef HISTOGRAM
    HISTOGRAM_COUNT
};

/* The upper ends of the buckets, in microseconds; above the last one there is one more. */
#define HISTOGRAM_BUCKETS 14
extern const int64_t histogram_ends_us[HISTOGRAM_BUCKETS];

struct histogram_values {
    uint64_t below[HISTOGRAM_BUCKETS]; /* observations up to that end, those of the buckets before
                                          with them */
    uint64_t n;
    int64_t sum_us;
};

/* Lock-free, from any thread. A negative time counts as none. */
void histogram_observe(enum histogram h, int64_t us);
void histogram_get(enum histogram h, struct histogram_values *out);
const char *histogram_name(enum histogram h); /* "message-seconds" */
const char *histogram_help(enum histogram h); /* a phrase */

#endif
