/* outlet.h - where finished log lines leave the process: syslog's socket, or standard error.
 *
 * Once the daemon serves, no line makes its writer wait: a line that is not taken at once waits
 * in memory, and a thread writes it later; lines beyond a bound are lost, and the log tells how
 * many. A line for a syslog that cannot be reached goes to standard error. The order of lines is
 * kept. */
#ifndef ASSAY_BASE_OUTLET_H
#define ASSAY_BASE_OUTLET_H

#include <stdbool.h>
#include <stddef.h>

#define OUTLET_LINES_MAX 4096              /* lines that wait, ... */
#define OUTLET_BYTES_MAX ((size_t)1 << 20) /* ... and their bytes */

/* Once, and before threads start; `ident` is kept, not copied. `socket` is the path of syslog's
 * socket, NULL for standard error. */
void outlet_open(const char *socket, const char *ident);

/* True if a syslog answers on this socket. */
bool outlet_syslog_answers(const char *socket);

/* From here on no line makes its writer wait. Before that one may wait a second. */
void outlet_never_wait(void);

/* Writes a line; `priority` is one of syslog(3). */
void outlet_write(int priority, const char *text);

/* Waits so long, at most, until every line has been taken. */
void outlet_drain(int milliseconds);

#endif
