/* outlet.c - one writer at a time, a short queue behind it, and a thread while there is one.
 *
 * syslog(3) of libc waits for a syslog that does not read, which holds mail up; so the few lines of
 * the protocol (RFC 3164 as syslog daemons on Linux read it) stand here.
 *
 * Errors: none are reported; what can be written nowhere is lost. */
#include "base/outlet.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/counters.h"
#include "base/thread.h"

#define LOOK_MS     1000 /* how long the thread waits before it tries again anyway */
#define AT_FIRST_MS 1000 /* how long a line may take before outlet_never_wait() */
#define WHOLE_BYTES 4096 /* a pipe that says it has room has room for that */

struct line {
    struct line *next;
    int priority;
    time_t at;
    const char *text;
};

enum outcome {
    TAKEN, /* or lost, where waiting would not help */
    FULL,  /* not now */
    AWAY   /* nobody is there */
};

static const char *path; /* NULL: standard error */
static const char *ident = "assay";
static bool may_wait = true;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of all that follows */
static int syslog_fd = -1;
static bool is_stream;
static struct line *first, **end = &first;
static size_t waiting, bytes;
static unsigned long long lost;
static bool thread_runs;

/* What is in a buffer of WHOLE_BYTES after snprintf() returned this. */
static size_t cut_to_fit(int n)
{
    return n < 0 ? 0 : n < WHOLE_BYTES ? (size_t)n : WHOLE_BYTES - 1;
}

/* --- syslog's socket ---------------------------------------------------------------------------*/

static int connect_as(int type, const char *to)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(to) >= sizeof address.sun_path)
        return -1;
    strcpy(address.sun_path, to);
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address)) {
        int reason = errno;
        close(fd);
        errno = reason;
        fd = -1;
    }
    return fd;
}

/* Some syslog daemons have a stream there. */
static int connect_to_syslog(const char *to, bool *stream)
{
    int fd = connect_as(SOCK_DGRAM, to);
    *stream = fd < 0 && errno == EPROTOTYPE;
    return *stream ? connect_as(SOCK_STREAM, to) : fd;
}

bool outlet_syslog_answers(const char *to)
{
    bool stream;
    int fd = connect_to_syslog(to, &stream);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static void close_syslog(void)
{
    if (syslog_fd >= 0)
        close(syslog_fd);
    syslog_fd = -1;
}

/* Bytes without the NUL behind them. */
static size_t make_whole(const struct line *line, char whole[WHOLE_BYTES])
{
    char at[32];
    struct tm tm;
    localtime_r(&line->at, &tm);
    strftime(at, sizeof at, "%b %e %T", &tm); /* in English: setlocale() is never called */
    return cut_to_fit(snprintf(whole, WHOLE_BYTES, "<%d>%s %s[%ld]: %s", LOG_MAIL | line->priority,
                               at, ident, (long)getpid(), line->text));
}

/* A stream has a NUL between lines; one that took a part of a line gets a new connection. */
static enum outcome send_to_syslog(const struct line *line)
{
    char whole[WHOLE_BYTES];
    size_t n = make_whole(line, whole) + is_stream;
    ssize_t sent = send(syslog_fd, whole, n, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent == (ssize_t)n)
        return TAKEN;
    if (sent < 0 && (errno == EAGAIN || errno == ENOBUFS))
        return FULL;
    close_syslog();
    return AWAY;
}

/* A syslog that was restarted has another socket: tried once more. */
static enum outcome to_syslog(const struct line *line)
{
    enum outcome outcome = AWAY;
    for (int i = 0; i < 2 && outcome == AWAY; i++) {
        if (syslog_fd < 0)
            syslog_fd = connect_to_syslog(path, &is_stream);
        if (syslog_fd >= 0)
            outcome = send_to_syslog(line);
    }
    return outcome;
}

/* --- Standard error ----------------------------------------------------------------------------*/

/* One write for a line, so that those of several processes do not mix. */
static enum outcome to_stderr(const struct line *line)
{
    char whole[WHOLE_BYTES];
    struct pollfd room = {.fd = STDERR_FILENO, .events = POLLOUT};
    if (!may_wait && poll(&room, 1, 0) == 0)
        return FULL;
    size_t n = cut_to_fit(snprintf(whole, sizeof whole, "%s: %s\n", ident, line->text));
    if (n)
        whole[n - 1] = '\n';
    ssize_t written = write(STDERR_FILENO, whole, n);
    (void)written; /* nowhere to say it */
    return TAKEN;
}

static enum outcome try_to_write(const struct line *line)
{
    enum outcome outcome = path ? to_syslog(line) : AWAY;
    return outcome == AWAY ? to_stderr(line) : outcome;
}

static int where_room_is_wanted(void)
{
    return syslog_fd >= 0 ? syslog_fd : STDERR_FILENO;
}

static void wait_for_room(int fd, int milliseconds)
{
    struct pollfd room = {.fd = fd, .events = POLLOUT};
    poll(&room, 1, milliseconds);
}

/* --- Lines that wait ---------------------------------------------------------------------------*/

static void put_line(const struct line *line)
{
    size_t n = strlen(line->text) + 1;
    struct line *kept = malloc(sizeof *kept + n);
    if (!kept)
        abort();
    *kept = *line;
    kept->text = memcpy(kept + 1, line->text, n);
    *end = kept;
    end = &kept->next;
    waiting++;
    bytes += n;
}

static void drop_first(void)
{
    struct line *line = first;
    first = line->next;
    if (!first)
        end = &first;
    waiting--;
    bytes -= strlen(line->text) + 1;
    free(line);
}

static void keep_line(const struct line *line)
{
    if (waiting < OUTLET_LINES_MAX && bytes + strlen(line->text) < OUTLET_BYTES_MAX) {
        put_line(line);
    } else {
        lost++;
        counter_inc(CTR_LOG_LOST);
    }
}

static void tell_lost(void)
{
    char text[80];
    snprintf(text, sizeof text, "warning: %llu log lines were lost: nothing took them in time",
             lost);
    lost = 0;
    put_line(&(struct line){.priority = LOG_WARNING, .at = time(NULL), .text = text});
}

/* As far as it goes without waiting. */
static void write_waiting(void)
{
    while (first && try_to_write(first) != FULL) {
        drop_first();
        if (!first && lost)
            tell_lost();
    }
}

/* Lives as long as lines wait. */
static void *write_when_there_is_room(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&lock);
    while (first) {
        int fd = where_room_is_wanted();
        pthread_mutex_unlock(&lock);
        wait_for_room(fd, LOOK_MS);
        pthread_mutex_lock(&lock);
        write_waiting();
    }
    thread_runs = false;
    pthread_mutex_unlock(&lock);
    return NULL;
}

/* Where no thread can be had the next line tries for this one too. */
static void need_thread(void)
{
    pthread_t thread;
    if (thread_runs || !thread_start(&thread, write_when_there_is_room, NULL))
        return;
    thread_runs = true;
    pthread_detach(thread);
}

static void keep_in_order(const struct line *line)
{
    keep_line(line);
    if (!thread_runs)
        write_waiting();
    if (first)
        need_thread();
}

/* --- What the others see -----------------------------------------------------------------------*/

void outlet_open(const char *to, const char *name)
{
    pthread_mutex_lock(&lock);
    close_syslog();
    path = to;
    ident = name;
    pthread_mutex_unlock(&lock);
}

void outlet_never_wait(void)
{
    pthread_mutex_lock(&lock);
    may_wait = false;
    pthread_mutex_unlock(&lock);
}

void outlet_write(int priority, const char *text)
{
    const struct line line = {.priority = priority, .at = time(NULL), .text = text};
    pthread_mutex_lock(&lock);
    bool taken = !first && try_to_write(&line) != FULL;
    if (!taken && may_wait) {
        wait_for_room(where_room_is_wanted(), AT_FIRST_MS);
        try_to_write(&line);
    } else if (!taken) {
        keep_in_order(&line);
    }
    pthread_mutex_unlock(&lock);
}

void outlet_drain(int milliseconds)
{
    int64_t until = clock_us() + (int64_t)milliseconds * 1000;
    pthread_mutex_lock(&lock);
    while (first && clock_us() < until) {
        wait_for_room(where_room_is_wanted(), LOOK_MS < milliseconds ? LOOK_MS : milliseconds);
        write_waiting();
    }
    pthread_mutex_unlock(&lock);
}
