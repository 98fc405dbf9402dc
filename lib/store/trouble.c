/* trouble.c - log lines about failures, and pauses after them.
 *
 * Errors: none. */
#include "store/trouble.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"

#define SECOND_US INT64_C(1000000)

void trouble_init(struct trouble *t, const char *what, struct str where, int64_t longest_us)
{
    struct arena *a = arena_new(0);
    struct str clean = str_safe(a, where, 120, true);
    snprintf(t->name, sizeof t->name, "%s %.*s", what, STR_ARG(clean));
    t->meanwhile = "until it works again, mail goes on without";
    t->missing = "questions had no answer";
    t->longest_us = longest_us;
    arena_free(a);
}

static void lengthen_pause(struct trouble *t)
{
    int64_t first = t->longest_us / 5 < SECOND_US ? t->longest_us / 5 : SECOND_US;
    t->pause_us = t->pause_us ? 2 * t->pause_us : first;
    if (t->pause_us > t->longest_us)
        t->pause_us = t->longest_us;
    atomic_store(&t->until_us, clock_us() + t->pause_us);
}

void trouble_begins(struct trouble *t, const char *why)
{
    struct arena *a = arena_new(0);
    struct str clean = str_safe(a, str_of(why), 200, true);
    lengthen_pause(t);
    if (!atomic_exchange(&t->on, true)) {
        atomic_store(&t->missed, 0);
        log_error("%s: %.*s; %s", t->name, STR_ARG(clean), t->meanwhile);
    } else {
        log_debug("%s: still %.*s", t->name, STR_ARG(clean));
    }
    arena_free(a);
}

void trouble_over(struct trouble *t)
{
    t->pause_us = 0;
    if (atomic_exchange(&t->on, false))
        log_info("%s: works again; %llu %s", t->name, (unsigned long long)atomic_load(&t->missed),
                 t->missing);
}

bool trouble_pauses(const struct trouble *t)
{
    return atomic_load(&t->on) && clock_us() < atomic_load(&t->until_us);
}
