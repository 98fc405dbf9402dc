/* override_log.c - libmilter's log lines go the way of ours: to the same place, without waiting.
 *
 * libmilter logs with syslog(3) alone, which opens a way of its own to syslog, waits for one that
 * does not read, and tells nobody where there is none.
 *
 * Errors: none. */
#undef _FORTIFY_SOURCE /* with it the headers define syslog() themselves */

#include "milter/daemon/override.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <syslog.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/str.h"

#define LINE_BYTES 2000

static atomic_bool silent;

void override_let_libmilter_log(bool let)
{
    atomic_store(&silent, !let);
}

/* What it logs may hold words of an MTA. */
__attribute__((format(printf, 2, 0))) static void log_theirs(int priority, const char *format,
                                                             va_list args)
{
    char line[LINE_BYTES];
    if (atomic_load(&silent))
        return;
    int n = vsnprintf(line, sizeof line, format, args);
    struct arena *a = arena_new(0);
    struct str text = str_safe(a, n < 0 ? STR("") : str_of(line), LINE_BYTES, true);
    int level = LOG_PRI(priority);
    if (level <= LOG_ERR)
        log_error("libmilter: %.*s", STR_ARG(text));
    else if (level == LOG_WARNING)
        log_warning("libmilter: %.*s", STR_ARG(text));
    else
        log_info("libmilter: %.*s", STR_ARG(text));
    arena_free(a);
}

void syslog(int priority, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    log_theirs(priority, format, args);
    va_end(args);
}

/* What syslog() is called as by a libmilter that was compiled with fortification. */
void __syslog_chk(int priority, int flag, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void __syslog_chk(int priority, int flag, const char *format, ...)
{
    va_list args;
    (void)flag;
    va_start(args, format);
    log_theirs(priority, format, args);
    va_end(args);
}
