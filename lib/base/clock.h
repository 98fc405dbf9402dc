/* clock.h - the clocks. Wall time is a fact of a message; waiting is measured on a monotonic one,
 * work by the processor's time. */
#ifndef ASSAY_BASE_CLOCK_H
#define ASSAY_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Monotonic time in microseconds. */
static inline int64_t clock_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* How much slower the code is than in a release: a sanitized build sets it, so that bounds on
 * processor time mean the same there. */
#ifndef ASSAY_SLOWNESS
#define ASSAY_SLOWNESS 1
#endif

/* Processor time that this thread has had, in microseconds; what it would have had in a release. */
static inline int64_t clock_thread_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return ((int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000) / ASSAY_SLOWNESS;
}

#endif
