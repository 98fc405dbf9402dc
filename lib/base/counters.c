/* counters.c - process-wide counters; each is one relaxed atomic.
 *
 * Errors: none. */
#include "base/counters.h"

#include <stdatomic.h>

static _Atomic uint64_t values[COUNTER_COUNT];

static const struct {
    const char *name, *help;
} described[] = {
#define COUNTER(id, name, help) {name, help},
#include "base/counters.def"
#undef COUNTER
};

void counter_add(enum counter c, uint64_t n)
{
    atomic_fetch_add_explicit(&values[c], n, memory_order_relaxed);
}

uint64_t counter_get(enum counter c)
{
    return atomic_load_explicit(&values[c], memory_order_relaxed);
}

const char *counter_name(enum counter c)
{
    return described[c].name;
}

const char *counter_help(enum counter c)
{
    return described[c].help;
}
