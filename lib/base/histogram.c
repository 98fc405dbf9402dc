/* histogram.c - counts of observations by size; each count is one relaxed atomic.
 *
 * Errors: none. */
#include "base/histogram.h"

#include <stdatomic.h>

const int64_t histogram_ends_us[HISTOGRAM_BUCKETS] = {
    100,   250,    500,    1000,    2500,    5000,    10000,
    25000, 100000, 250000, 1000000, 2500000, 5000000, 20000000,
};

static struct {
    _Atomic uint64_t in[HISTOGRAM_BUCKETS + 1];
    _Atomic int64_t sum_us;
} values[HISTOGRAM_COUNT];

static const struct {
    const char *name, *help;
} described[] = {
#define HISTOGRAM(id, name, help) {name, help},
#include "base/histogram.def"
#undef HISTOGRAM
};

void histogram_observe(enum histogram h, int64_t us)
{
    int bucket = 0;
    us = us > 0 ? us : 0;
    while (bucket < HISTOGRAM_BUCKETS && us > histogram_ends_us[bucket])
        bucket++;
    atomic_fetch_add_explicit(&values[h].in[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&values[h].sum_us, us, memory_order_relaxed);
}

void histogram_get(enum histogram h, struct histogram_values *out)
{
    *out = (struct histogram_values){0};
    for (int i = 0; i <= HISTOGRAM_BUCKETS; i++) {
        out->n += atomic_load_explicit(&values[h].in[i], memory_order_relaxed);
        if (i < HISTOGRAM_BUCKETS)
            out->below[i] = out->n;
    }
    out->sum_us = atomic_load_explicit(&values[h].sum_us, memory_order_relaxed);
}

const char *histogram_name(enum histogram h)
{
    return described[h].name;
}

const char *histogram_help(enum histogram h)
{
    return described[h].help;
}
