/* fast_clock.c - preloaded: a second of the daemon's monotonic clock passes in a millisecond, and
 * its waits with it, so that what happens each hour can be seen.
 *
 * Errors: those of the system calls. */
#include <poll.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SPEED 1000

static int64_t real_ns(void)
{
    struct timespec t;
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int clock_gettime(clockid_t clock, struct timespec *t)
{
    static int64_t begin_ns;
    if (clock != CLOCK_MONOTONIC)
        return (int)syscall(SYS_clock_gettime, clock, t);
    int64_t now = real_ns();
    if (!begin_ns)
        begin_ns = now; /* by the main thread, before there are others */
    int64_t fast = begin_ns + (now - begin_ns) * SPEED;
    t->tv_sec = fast / 1000000000;
    t->tv_nsec = fast % 1000000000;
    return 0;
}

int poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
    int64_t ns = (int64_t)timeout_ms * (1000000 / SPEED);
    struct timespec t = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    return (int)syscall(SYS_ppoll, fds, n, timeout_ms < 0 ? NULL : &t, NULL, 0);
}
