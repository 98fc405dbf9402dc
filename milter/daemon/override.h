/* override.h - what libmilter gets instead of some functions of libc.
 *
 * override_io.c, override_threads.c and override_log.c define functions that take precedence over
 * libc's, since libmilter calls them and leaves no other way in. */
#ifndef ASSAY_MILTER_OVERRIDE_H
#define ASSAY_MILTER_OVERRIDE_H

#include <stdbool.h>

/* Writes to *function, a pointer to a function, what would be called without ours. */
void override_find(const char *name, void *function);

/* Is there perhaps a command of an MTA for which libmilter has no worker? A worker that goes to
 * wait then gives way: another one is started. Waiting for a condition does so by itself, while the
 * mutex of the condition is held. */
bool override_command_left(void);
void override_give_way(void);

/* libmilter's log lines go where ours go; while this is false they go nowhere. */
void override_let_libmilter_log(bool let);

/* MTAs connect over TCP: what they write is acknowledged at once. Before the first connection. */
void override_acknowledge_at_once(void);

#endif
