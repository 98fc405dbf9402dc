/* crowd.h - all connections that are open, the one that has waited longest first. Who comes is let
 * in: where there are too many, those that have waited longest have to go, be it for a request, for
 * more of one, or for a client that reads its answer. So whoever holds connections and says nothing
 * shuts nobody out.
 *
 * From any thread. A connection that has to go is shut down and not closed: that is its owner's. */
#ifndef ASSAY_MILTER_CROWD_H
#define ASSAY_MILTER_CROWD_H

#include <stdbool.h>
#include <stddef.h>

#define CROWD_MAX   128         /* connections */
#define CROWD_BYTES (64U << 20) /* of answers that are not read yet */

struct crowd;

/* A connection, in its owner's memory. */
struct crowd_guest {
    struct crowd_guest *before, *behind;
    int fd;
    size_t bytes; /* of its answer */
    enum { GUEST_GONE, GUEST_WAITS, GUEST_SERVED } state;
};

struct crowd *crowd_new(void);
void crowd_free(struct crowd *c);

void crowd_enter(struct crowd *c, struct crowd_guest *g, int fd);
/* We are at work for it: it need not go meanwhile. */
void crowd_serve(struct crowd *c, struct crowd_guest *g);
/* It was given an answer of so many bytes, and begins to wait anew. */
void crowd_answered(struct crowd *c, struct crowd_guest *g, size_t bytes);
/* The answer is gone. */
void crowd_sent(struct crowd *c, struct crowd_guest *g);
/* Before its descriptor is closed. */
void crowd_leave(struct crowd *c, struct crowd_guest *g);

#endif
