/* libmilter_door.h - the milter protocol by Sendmail's library.
 *
 * There is one in a process, with one socket: the library has no more. It runs threads of its own,
 * which cannot be ended: after libmilter_door_stop() they call none of our events. */
#ifndef ASSAY_MILTER_SERVE_LIBMILTER_DOOR_H
#define ASSAY_MILTER_SERVE_LIBMILTER_DOOR_H

#include "milter/serve/mta.h"

struct libmilter_door {
    const struct mta_events *events;
    void *context;                /* for events->opened() */
    void (*ended)(void *context); /* the library has given up serving; called by its thread */
    const char *ident;            /* of its own log lines, which go to syslog; NULL: none of ours */
    int backlog;
    long silence_seconds; /* how long an MTA may say nothing */
};

/* Opens the socket, in the library's words ("inet:8892@127.0.0.1"). Once; *door is copied. False:
 * the library does not tell why. */
bool libmilter_door_open(const struct libmilter_door *door, const char *socket);

bool libmilter_door_start(void); /* false: no thread can be had */

/* Returns when no event runs any more, and none will. */
void libmilter_door_stop(void);

#endif
