/* signals.h - signals as something that the main thread waits for.
 *
 * A handler writes the number of the signal into a pipe. The main thread has them unblocked all the
 * time and all other threads have them blocked, so the kernel gives a signal to the main thread -
 * also where libmilter has a thread of its own that waits for SIGHUP, SIGTERM and SIGINT, and would
 * end the filter on each of them. (Where two signals come at the same moment, it may get one.) */
#ifndef ASSAY_MILTER_SIGNALS_H
#define ASSAY_MILTER_SIGNALS_H

/* Takes SIGHUP, SIGTERM, SIGINT and SIGUSR1, and ignores SIGPIPE: once, in the main thread, before
 * others start. The descriptor that is readable when a signal has come, or -1, with errno. */
int signals_open(void);

int signals_next(void); /* the next one that has come, or 0 */

#endif
