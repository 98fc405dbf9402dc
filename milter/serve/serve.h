/* serve.h - the program's servers: listening sockets, one event loop, a pool of workers. A door is
 * a protocol on top of them.
 *
 * The story of a connection: between two commands of its peer it is a descriptor in an epoll set,
 * with no thread and no buffer. When bytes come, one worker reads what there is, gives each whole
 * frame to the protocol in order, and sends all that the protocol answered with one call. It looks
 * once more whether the peer has gone on meanwhile before it leaves the connection. Never do
 * two workers serve one connection at once, so a protocol's state needs no lock; one frame may be
 * served by another worker than the one before, so nothing of it may be thread-local.
 *
 * A protocol may wait while it handles a frame, for DNS say, if it tells of it (serve_waits): then
 * another worker takes its place, and no other connection has to wait. */
#ifndef ASSAY_MILTER_SERVE_SERVE_H
#define ASSAY_MILTER_SERVE_SERVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct serve;
struct serve_connection;

enum serve_next { SERVE_GO_ON, SERVE_CLOSE };

/* What a door speaks. */
struct serve_protocol {
    const char *name; /* "milter": for log lines */
    size_t frame_max; /* bytes of a frame; more is malformed */
    /* The length of the frame at the beginning of data: 0 if not all of it is there yet, -1 and
     * *problem if it cannot become one of at most frame_max bytes. */
    ptrdiff_t (*frame)(const char *data, size_t n, const char **problem);
    /* The state of a new connection, for the two functions below. NULL closes it: the log has said
     * why. */
    void *(*opened)(void *door_context, struct serve_connection *c);
    /* Answers with serve_send(). The frame is gone when this returns. */
    enum serve_next (*handle)(void *state, const char *frame, size_t n);
    /* The peer or we have ended the connection; the last word about it. */
    void (*closed)(void *state);
};

struct serve_door {
    const struct serve_protocol *protocol;
    void *context; /* for opened() */
    /* At all listening sockets with this protocol and context together; beyond these a connection
     * is closed at once, and counted. */
    unsigned connections_max;
    unsigned silence_ms; /* how long a peer may say nothing between two frames */
    unsigned frame_ms;   /* how long a frame may take from its first byte to its last */
    unsigned write_ms;   /* how long a peer may take nothing of what we have to say */
};

/* What bounds the memory of a server; with the doors' connections_max and serve_settings. */
#define SERVE_READ_MAX    ((size_t)64 << 10) /* bytes of a read: what an MTA sends at once */
#define SERVE_ANSWERS_MAX ((size_t)64 << 10) /* of answers that are made before some are sent */
/* A worker's buffers. What goes beyond it counts as the connection's (kept_max), or is the answer
 * to one command. */
#define SERVE_WORKER_BYTES (2 * SERVE_READ_MAX + SERVE_ANSWERS_MAX)

struct serve_settings {
    unsigned busy_workers; /* that run at once, waiting ones aside; 0: one for each processor, two
                              at least */
    unsigned workers_max;  /* with the waiting ones */
    /* Bytes that all connections together may keep: beginnings of frames, and answers that are not
     * taken yet. The connection that would need more is closed. 0: any. */
    size_t kept_max;
};

struct serve_figures {
    unsigned connections, workers, waiting;
};

/* NULL if the kernel gives no descriptors. No thread runs yet. */
struct serve *serve_new(const struct serve_settings *settings);

/* A listening socket, which is the server's from now on; *door is copied. Before serve_start().
 * False: and the descriptor stays the caller's. */
bool serve_listen(struct serve *s, int fd, const struct serve_door *door);

/* False: no thread can be had. */
bool serve_start(struct serve *s);

/* Takes no more connections, ends those that there are, and returns when the last worker is gone: a
 * worker that is within a command ends it, and its answer goes to the peer. */
void serve_stop(struct serve *s);

void serve_free(struct serve *s); /* after serve_stop(), or if it was never started */

struct serve_figures serve_figures(struct serve *s);

/* --- For protocols -----------------------------------------------------------------------------*/

/* Adds to the answer, which leaves when all frames that have come are handled. */
void serve_send(struct serve_connection *c, const void *data, size_t n);
/* Sends what there is without waiting for the end of the frame: before a long wait. */
void serve_send_now(struct serve_connection *c);

/* The calling worker, which handles a frame, is about to wait, or has waited. */
void serve_waits(struct serve_connection *c, bool begins);

/* "192.0.2.1:40000", or "process 123" for a Unix socket; for log lines. For the worker that serves
 * the connection; lives as long as that. */
const char *serve_peer(struct serve_connection *c);
int serve_descriptor(const struct serve_connection *c);

#endif
