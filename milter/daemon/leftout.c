/* leftout.c - signing keys, and secrets, that could not be used when the daemon started.
 *
 * Errors: log lines. */
#include "milter/daemon/leftout.h"

#include <limits.h>

#include "base/clock.h"

void leftout_tell(struct leftout *l)
{
    int64_t now = clock_us();
    if (l->keys.n == 0 || now < l->next_us)
        return;
    for (size_t i = 0; i < l->keys.n; i++)
        log_error("left out until a reload: %.*s", STR_ARG(l->keys.v[i]));
    l->next_us = now + LEFTOUT_INTERVAL_US;
}

int leftout_timeout(const struct leftout *l)
{
    int64_t ms = (l->next_us - clock_us()) / 1000 + 1;
    if (l->keys.n == 0)
        return -1;
    return ms < 0 ? 0 : ms > INT_MAX ? INT_MAX : (int)ms;
}
