/* log.h - log lines, for the operator.
 *
 * Five words: debug (asked for), info (what happened), warning (a person should look), error (a
 * thing did not work), fatal (the program ends). Lines about a message begin with its queue id.
 * Everything from the network has passed str_safe() before it comes here. */
#ifndef ASSAY_BASE_LOG_H
#define ASSAY_BASE_LOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR };

enum log_sink { LOG_TO_STDERR, LOG_TO_SYSLOG };

/* Once, before threads start; again only to change the level. `ident` is kept, not copied. */
void log_open(enum log_sink sink, const char *ident, enum log_level lowest);
void log_set_level(enum log_level lowest);
/* Where lines go by default: to standard error if that is a terminal or no syslog answers. */
enum log_sink log_default_sink(bool stderr_is_terminal);
bool log_wants(enum log_level level);

void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The latest warnings and errors, the newest first: at most `max`, and at most LOG_RECENT. */
#define LOG_RECENT 10
struct log_recent {
    int64_t time; /* seconds since 1970 */
    enum log_level level;
    char text[256]; /* cut */
};
size_t log_recent(struct log_recent *out, size_t max);

/* For a warning that bad times would repeat with each message; zeroed at first. True at most once a
 * minute, and *held_back is how often it was not since then. */
struct log_pace {
    _Atomic int64_t last_us;
    atomic_uint held_back;
};
bool log_pace(struct log_pace *pace, unsigned *held_back);

/* Logs an error and ends the program with status 1 (EX_CONFIG and the like are the caller's). */
_Noreturn void log_fatal(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
