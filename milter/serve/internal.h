/* internal.h - what the files of milter/serve share.
 *
 * loop.c        the epoll set, the clock, start and stop
 * workers.c     threads: how many run, which wait, which are spare
 * listener.c    listening sockets
 * connection.c  one connection: bytes in, frames to the protocol, answers out */
#ifndef ASSAY_MILTER_SERVE_INTERNAL_H
#define ASSAY_MILTER_SERVE_INTERNAL_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/budget.h"
#include "milter/serve/serve.h"

/* What an event of the epoll set is about: the first member of its object. */
enum source { SOURCE_STOP, SOURCE_CLOCK, SOURCE_LISTENER, SOURCE_CONNECTION };

/* A growing block of bytes. */
struct bytes {
    char *p;
    size_t n, cap;
};
void bytes_add(struct bytes *b, const void *data, size_t n);
void bytes_free(struct bytes *b);

/* A thread's own: what it reads into, and what it answers with. */
struct worker {
    char *in;
    size_t in_cap, in_used; /* in_used: the most that stood in it since it was emptied */
    struct bytes out;
    unsigned commands; /* that the connection that it serves may still have carried out now */
};

struct listener {
    enum source source;
    int fd;
    struct serve_door door;
    atomic_uint own_connections,
        *connections;   /* counted for all listeners of a door in one place */
    atomic_bool paused; /* no descriptor was to be had: until the next tick */
    struct listener *next;
};

/* As accept() tells it; of a Unix socket nothing but its family. */
union peer_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

struct serve_connection {
    enum source source;
    int fd;
    bool tcp;
    bool watched; /* the epoll set has it */
    struct serve *serve;
    struct listener *listener;
    void *state;            /* the protocol's */
    struct worker *worker;  /* that serves it now */
    struct bytes kept;      /* the beginning of a frame; whole ones too, if it is held back */
    bool closing;           /* once the peer has taken the answers that there are */
    bool held_back;         /* until the peer has taken the answers that there are */
    struct bytes unsent;    /* what the peer has not taken yet */
    size_t charged;         /* of serve->kept, for both of them */
    _Atomic int64_t end_us; /* when clock_us() is beyond it the connection ends */
    int64_t frame_end_us;   /* until when the frame in `kept` has to be whole; 0: there is none */
    atomic_bool expired;
    struct serve_connection *before, *behind; /* in serve->connections */
    union peer_address address;
    char peer[64]; /* its name, once somebody has asked; "" before */
};

/* Threads. `running` neither wait in a protocol nor are spare; of them `idle` wait for an event. */
struct workers {
    pthread_mutex_t lock; /* of what follows, but for running and idle */
    pthread_cond_t work, gone;
    atomic_uint running, idle;
    unsigned wanted, max;
    unsigned spare; /* threads that nobody needs now, waiting on `work` */
    unsigned woken; /* of those, told to run */
    unsigned all;
    bool stopping;
    bool somebody_ended; /* `ended` is the last one, which has waited for the one before */
    pthread_t ended;
};

struct serve {
    enum source stop_source, clock_source;
    int epoll_fd, stop_fd, clock_fd;
    int reserve_fd; /* closed to take, and refuse, a connection when there are no descriptors left
                     */
    pthread_mutex_t reserve_lock;
    struct listener *listeners;
    size_t frame_max;
    size_t kept_max; /* of `kept`: bytes that connections keep; 0: any */
    struct budget kept;
    pthread_mutex_t lock; /* of the list of connections */
    pthread_cond_t empty;
    struct serve_connection *connections;
    unsigned n_connections;
    atomic_bool stopping;
    atomic_uint
        watched; /* times; what a worker did before is ordered before the event that follows */
    struct workers workers;
};

/* loop.c */
bool loop_watch(struct serve *s, int fd, uint32_t events, enum source *source, bool fresh);
void loop_tick(struct serve *s);

/* workers.c */
void workers_init(struct workers *w, const struct serve_settings *settings);
void workers_destroy(struct workers *w);
bool workers_start(struct serve *s);
void workers_stop(struct serve *s); /* returns when all are gone */
void workers_begin_wait(struct serve *s);
void workers_end_wait(struct serve *s);
void workers_take_event(struct serve *s); /* the caller was idle */
/* After an event: what a large frame or answer took beyond SERVE_WORKER_BYTES goes to the kernel.
 */
void worker_give_back(struct worker *worker);

/* listener.c */
void listener_ready(struct worker *w, struct serve *s, struct listener *l);
void listener_resume(struct serve *s, struct listener *l);

/* connection.c */
/* NULL: the protocol does not take it; the descriptor stays the caller's. Else connection_ready()
 * comes next. */
struct serve_connection *connection_open(struct serve *s, struct listener *l, int fd,
                                         const union peer_address *address);
void connection_ready(struct worker *w, struct serve_connection *c);
void connection_end(struct serve_connection *c);                    /* which no worker has */
void connection_hang_up(struct serve_connection *c);                /* reads no more */
void connection_expire(struct serve_connection *c, int64_t now_us); /* serve->lock is held */

#endif
