/* macros.c - when each macro was last sent.
 *
 * Errors: none. */
#include "milter/daemon/macros.h"

#include <stdatomic.h>
#include <time.h>

static _Atomic int64_t last[DEED_COUNT];

const char *macro_name(enum mta_macro macro)
{
    static const char *const names[] = {
#define MTA_MACRO(id, name) name,
#include "milter/daemon/macros.def"
#undef MTA_MACRO
    };
    return names[macro];
}

/* Written once a second at most: threads do not take the line from each other's caches. */
void macros_seen(int what)
{
    int64_t now = time(NULL);
    if (atomic_load_explicit(&last[what], memory_order_relaxed) != now)
        atomic_store_explicit(&last[what], now, memory_order_relaxed);
}

int64_t macros_last_seen(int what)
{
    return atomic_load_explicit(&last[what], memory_order_relaxed);
}
