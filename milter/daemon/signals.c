/* signals.c - signals as something that the main thread waits for.
 *
 * Errors: -1 and errno. A signal beyond those that a pipe holds is lost; in practice there is
 * none. */
#include "milter/daemon/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static int to_main[2];

static void note_signal(int number)
{
    int reason = errno;
    unsigned char byte = (unsigned char)number;
    ssize_t n = write(to_main[1], &byte, 1);
    (void)n;
    errno = reason;
}

int signals_open(void)
{
    static const int taken[] = {SIGHUP, SIGTERM, SIGINT, SIGUSR1};
    struct sigaction action = {.sa_handler = note_signal, .sa_flags = SA_RESTART};
    sigset_t set;
    if (pipe2(to_main, O_CLOEXEC | O_NONBLOCK))
        return -1;
    sigemptyset(&set);
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        sigaction(taken[i], &action, NULL);
        sigaddset(&set, taken[i]);
    }
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return to_main[0];
}

int signals_next(void)
{
    unsigned char byte;
    return read(to_main[0], &byte, 1) == 1 ? byte : 0;
}
