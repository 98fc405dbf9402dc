/* crowd.h - the open connections, ordered by how long they have waited. A new connection is always
 * accepted: if there are too many, those are closed that have waited longest for a request, for the
 * rest of one, or for a client that reads its answer. So a client that holds connections open shuts
 * nobody out.
 *
 * From any thread. A connection is only shut down here; its owner closes it. */
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
/* We work on its answer: it is not closed meanwhile. */
void crowd_serve(struct crowd *c, struct crowd_guest *g);
/* It has an answer of so many bytes now, and begins to wait again. */
void crowd_answered(struct crowd *c, struct crowd_guest *g, size_t bytes);
/* The answer was freed. */
void crowd_sent(struct crowd *c, struct crowd_guest *g);
/* Call this before the descriptor is closed. */
void crowd_leave(struct crowd *c, struct crowd_guest *g);

#endif
