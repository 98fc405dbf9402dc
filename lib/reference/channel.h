/* channel.h - frames to and from one worker, in no more time than it is given. Internal to
 * lib/reference. */
#ifndef ASSAY_REFERENCE_CHANNEL_H
#define ASSAY_REFERENCE_CHANNEL_H

#include <sys/uio.h>

#include "reference/frame.h"

enum channel_status {
    CHANNEL_OK,
    CHANNEL_ENDED,  /* the worker has closed its end */
    CHANNEL_BROKEN, /* what it says is no frame */
    CHANNEL_SLOW    /* its time is up */
};

/* Begins as { .fd, .arena, .left_us } and what else is wanted. */
struct channel {
    int fd;
    struct arena *arena;            /* for what is received */
    int64_t left_us;                /* of the worker's time */
    int64_t used_us;                /* of it so far: the time spent in the calls below */
    void (*waiting)(void *context); /* called about once a second while waiting, or NULL */
    void *waiting_context;
    int64_t waiting_at; /* private from here on */
    char *in;
    size_t n, cap, taken;
};

/* Sends all of it, from where it lies; `parts` is written to. */
enum channel_status channel_send(struct channel *c, struct iovec *parts, size_t n);

/* The next frame, valid until the next call. */
enum channel_status channel_receive(struct channel *c, struct frame *frame);

/* True if something has come behind the last frame. */
bool channel_has_more(const struct channel *c);

#endif
