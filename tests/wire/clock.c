/* clock.c - preloaded: the daemon's clocks are set by the test, so that what happens each hour, or
 * next year, can be seen. ASSAY_CLOCK names a file of two numbers, which the test changes while the
 * daemon runs: seconds that all clocks are ahead, and the wall clock's time (0: the real one).
 *
 * poll() ends when its time has passed on this clock. A wait for a condition lasts as long as it
 * would have without. Both wait in a function that the sanitizers know, never in the system call
 * itself: they keep a signal back until such a function is called.
 *
 * Errors: those of the system calls; without the file the clocks are the real ones. */
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SLICE_MS  5          /* after which poll() looks at the clock */
#define YEAR_2001 1000000000 /* in seconds; no machine has been up for so long */

struct settings {
    _Atomic int64_t ahead_s, wall_s;
};

static const struct settings *settings;
static int (*next_poll)(struct pollfd *fds, nfds_t n, int timeout_ms);

__attribute__((constructor)) static void find_settings(void)
{
    *(void **)&next_poll = dlsym(RTLD_NEXT, "poll");
    const char *path = getenv("ASSAY_CLOCK");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *p = mmap(NULL, sizeof *settings, PROT_READ, MAP_SHARED, fd, 0);
    if (p != MAP_FAILED)
        settings = p;
    close(fd);
}

int clock_gettime(clockid_t clock, struct timespec *t)
{
    int failed = (int)syscall(SYS_clock_gettime, clock, t);
    bool wall = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
    if (failed || !settings || !(wall || clock == CLOCK_MONOTONIC))
        return failed;
    if (wall && settings->wall_s)
        *t = (struct timespec){.tv_sec = settings->wall_s};
    t->tv_sec += settings->ahead_s;
    return 0;
}

time_t time(time_t *out)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    if (out)
        *out = t.tv_sec;
    return t.tv_sec;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
    struct timespec t;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &t);
    *out = (struct timeval){.tv_sec = t.tv_sec, .tv_usec = t.tv_nsec / 1000};
    return 0;
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
    int64_t left = timeout_ms, end = now_ms() + timeout_ms;
    int ready;
    if (timeout_ms < 0)
        return next_poll(fds, n, -1);
    while ((ready = next_poll(fds, n, left < SLICE_MS ? (int)left : SLICE_MS)) == 0 && left > 0) {
        left = end - now_ms();
        left = left < 0 ? 0 : left;
    }
    return ready;
}

/* A wait whose end is a time of this wall clock, as libmilter's are, or of this monotonic one,
 * ours.
 */
int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *lock,
                           const struct timespec *end)
{
    clockid_t clock = end->tv_sec > YEAR_2001 ? CLOCK_REALTIME : CLOCK_MONOTONIC;
    struct timespec shown, real, until = *end;
    clock_gettime(clock, &shown);
    syscall(SYS_clock_gettime, clock, &real);
    until.tv_sec += real.tv_sec - shown.tv_sec;
    return pthread_cond_clockwait(condition, lock, clock, &until);
}
