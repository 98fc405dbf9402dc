/* now.c - the libraries' clock: a signature on a saved message is judged on the day that the asker
 * names, and time() is where the libraries look.
 *
 * Errors: none. The C library's time() is not used by anything else here. */
#include <time.h>

#include "reference/worker/worker.h"

static int64_t pretended;

void now_set(int64_t now)
{
    pretended = now;
}

/* Takes the place of the C library's, for shared libraries too. */
time_t time(time_t *out)
{
    struct timespec real;
    clock_gettime(CLOCK_REALTIME, &real);
    time_t now = pretended ? (time_t)pretended : real.tv_sec;
    if (out)
        *out = now;
    return now;
}
