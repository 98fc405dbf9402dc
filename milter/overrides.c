/* overrides.c - functions of this program that take precedence over libc's, since libmilter calls
 * them and leaves no other way in.
 *
 * Errors: those of the functions they stand for. */
#include "milter/overrides.h"

#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

typedef ssize_t writev_fn(int fd, const struct iovec *parts, int n);

static writev_fn *libc_writev;
static bool acknowledge_at_once;

/* libmilter runs a thread that waits for HUP, TERM and INT, and ends the filter on each of them: a
 * SIGHUP that finds the main thread busy would stop the daemon. Here it waits for ever. */
int sigwait(const sigset_t *set, int *sig)
{
    (void)set, (void)sig;
    for (;;)
        pause();
}

static void find_writev(void)
{
    void *symbol = dlsym(RTLD_NEXT, "writev");
    memcpy(&libc_writev, &symbol, sizeof libc_writev);
}

/* Answers to the MTA go out here. An MTA writes its commands in pieces with Nagle's algorithm on: a
 * piece waits until the one before is acknowledged, and from an answer on Linux takes a connection
 * for a dialogue, in which it delays acknowledgements by 40 ms. TCP_QUICKACK ends that, until the
 * next answer. libmilter keeps the descriptor to itself. */
ssize_t writev(int fd, const struct iovec *parts, int n)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    static const int on = 1;
    pthread_once(&once, find_writev);
    ssize_t written = libc_writev(fd, parts, n);
    int reason = errno;
    if (acknowledge_at_once && written > 0)
        setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
    errno = reason;
    return written;
}

void overrides_acknowledge_at_once(void)
{
    acknowledge_at_once = true;
}
