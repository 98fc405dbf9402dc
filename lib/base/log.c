/* log.c - log lines to syslog or standard error.
 *
 * Errors: none are reported; a line that cannot be written is lost. One write(2) per line, so that
 * lines of several threads do not mix. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>
#include <unistd.h>

#include "base/clock.h"

#define LINE_MAX_BYTES 4096
#define PACE_US        60000000

static enum log_sink sink = LOG_TO_STDERR;
static const char *ident = "assay";
static const char *const word[] = {"debug: ", "", "warning: ", "error: "};
static _Atomic enum log_level lowest_level = LOG_LEVEL_INFO;

void log_open(enum log_sink where, const char *name, enum log_level lowest)
{
    sink = where;
    ident = name;
    log_set_level(lowest);
    if (sink == LOG_TO_SYSLOG)
        openlog(ident, LOG_PID | LOG_NDELAY, LOG_MAIL);
}

void log_set_level(enum log_level lowest)
{
    atomic_store(&lowest_level, lowest);
}

bool log_wants(enum log_level level)
{
    return level >= atomic_load_explicit(&lowest_level, memory_order_relaxed);
}

__attribute__((format(printf, 2, 0))) static void to_stderr(enum log_level level,
                                                            const char *format, va_list args)
{
    char line[LINE_MAX_BYTES];
    int n = snprintf(line, sizeof line, "%s: %s", ident, word[level]);
    if (n < 0)
        return;
    size_t used = (size_t)n < sizeof line - 2 ? (size_t)n : sizeof line - 2;
    n = vsnprintf(line + used, sizeof line - 1 - used, format, args);
    if (n > 0)
        used += (size_t)n < sizeof line - 2 - used ? (size_t)n : sizeof line - 2 - used;
    line[used++] = '\n';
    ssize_t written = write(STDERR_FILENO, line, used);
    (void)written; /* nowhere to say it */
}

__attribute__((format(printf, 2, 0))) static void to_syslog(enum log_level level,
                                                            const char *format, va_list args)
{
    static const int priority[] = {LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERR};
    char line[LINE_MAX_BYTES];
    vsnprintf(line, sizeof line, format, args);
    syslog(priority[level], "%s%s", word[level], line);
}

__attribute__((format(printf, 2, 0))) static void log_line(enum log_level level, const char *format,
                                                           va_list args)
{
    if (!log_wants(level))
        return;
    if (sink == LOG_TO_SYSLOG)
        to_syslog(level, format, args);
    else
        to_stderr(level, format, args);
}

#define DEFINE_LOG(name, level)                                                                    \
    void name(const char *format, ...)                                                             \
    {                                                                                              \
        va_list args;                                                                              \
        va_start(args, format);                                                                    \
        log_line(level, format, args);                                                             \
        va_end(args);                                                                              \
    }

DEFINE_LOG(log_debug, LOG_LEVEL_DEBUG)
DEFINE_LOG(log_info, LOG_LEVEL_INFO)
DEFINE_LOG(log_warning, LOG_LEVEL_WARNING)
DEFINE_LOG(log_error, LOG_LEVEL_ERROR)

bool log_pace(struct log_pace *pace, unsigned *held_back)
{
    int64_t now = clock_us(), last = atomic_load(&pace->last_us);
    if ((last == 0 || now - last > PACE_US) &&
        atomic_compare_exchange_strong(&pace->last_us, &last, now)) {
        *held_back = atomic_exchange(&pace->held_back, 0);
        return true;
    }
    atomic_fetch_add(&pace->held_back, 1);
    return false;
}

void log_fatal(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    log_line(LOG_LEVEL_ERROR, format, args);
    va_end(args);
    exit(EXIT_FAILURE);
}
