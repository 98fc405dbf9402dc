/* log.c - log lines to syslog or standard error.
 *
 * Errors: none are reported; outlet.h tells what happens to a line that cannot be written now. */
#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>
#include <time.h>

#include "base/clock.h"
#include "base/outlet.h"

#define LINE_MAX_BYTES 4000
#define PACE_US        60000000

static const char *const word[] = {"debug: ", "", "warning: ", "error: "};
static _Atomic enum log_level lowest_level = LOG_LEVEL_INFO;

void log_open(enum log_sink where, const char *name, enum log_level lowest)
{
    log_set_level(lowest);
    outlet_open(where == LOG_TO_SYSLOG ? _PATH_LOG : NULL, name);
}

enum log_sink log_default_sink(bool terminal)
{
    return terminal || !outlet_syslog_answers(_PATH_LOG) ? LOG_TO_STDERR : LOG_TO_SYSLOG;
}

void log_set_level(enum log_level lowest)
{
    atomic_store(&lowest_level, lowest);
}

bool log_wants(enum log_level level)
{
    return level >= atomic_load_explicit(&lowest_level, memory_order_relaxed);
}

/* --- What was said lately ----------------------------------------------------------------------*/

static pthread_mutex_t recent_lock = PTHREAD_MUTEX_INITIALIZER;
static struct log_recent recent[LOG_RECENT];
static size_t said; /* warnings and errors so far */

__attribute__((format(printf, 2, 0))) static void remember(enum log_level level, const char *format,
                                                           va_list args)
{
    pthread_mutex_lock(&recent_lock);
    struct log_recent *r = &recent[said++ % LOG_RECENT];
    r->time = time(NULL);
    r->level = level;
    vsnprintf(r->text, sizeof r->text, format, args);
    pthread_mutex_unlock(&recent_lock);
}

size_t log_recent(struct log_recent *out, size_t max)
{
    pthread_mutex_lock(&recent_lock);
    size_t there = said < LOG_RECENT ? said : LOG_RECENT, n = there < max ? there : max;
    for (size_t i = 0; i < n; i++)
        out[i] = recent[(said - 1 - i) % LOG_RECENT];
    pthread_mutex_unlock(&recent_lock);
    return n;
}

__attribute__((format(printf, 2, 0))) static void log_line(enum log_level level, const char *format,
                                                           va_list args)
{
    static const int priority[] = {LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERR};
    char line[LINE_MAX_BYTES];
    if (!log_wants(level))
        return;
    if (level >= LOG_LEVEL_WARNING) {
        va_list again;
        va_copy(again, args);
        remember(level, format, again);
        va_end(again);
    }
    int n = snprintf(line, sizeof line, "%s", word[level]);
    vsnprintf(line + n, sizeof line - (size_t)n, format, args);
    outlet_write(priority[level], line);
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
