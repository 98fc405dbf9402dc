/* question.h - a question to the state store, and the queues to the backends that answer. Private
 * to lib/store.
 *
 * A question is reference-counted: the asker holds it, who may leave before it is answered, and so
 * does each backend that it was given to, until it answers. */
#ifndef ASSAY_STORE_QUESTION_H
#define ASSAY_STORE_QUESTION_H

#include <pthread.h>
#include <stdatomic.h>

#include "store/state.h"

enum state_op { STATE_OP_GET, STATE_OP_PUT, STATE_OP_TOUCH, STATE_OP_FORGET };

struct question {
    enum state_op op; /* everything up to `keys` never changes */
    int64_t now, value, ttl_s;
    int64_t deadline_us; /* monotonic; afterwards nobody waits; 0: nobody waits at all */
    size_t n;
    const struct state_key *keys; /* results in them are unused */
    atomic_uint holders;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    unsigned awaited;          /* number of answers still to come */
    struct state_key *answers; /* of all answers so far */
};

/* The caller holds it, and so do `awaited` backends that will answer. NULL without memory. */
struct question *question_new(const struct question *like, unsigned awaited);

/* Adds an answer and gives up the caller's hold. NULL: all keys are unknown. */
void question_answer(struct question *q, const struct state_key *answers);

/* Waits for all answers until the deadline, copies what has come by then, and gives up the caller's
 * hold. */
void question_wait(struct question *q, struct state_key *keys);
void question_let_go(struct question *q);

/* True if the asker waited, and waits no more. */
bool question_is_late(const struct question *q);

/* --- Queues --- */

/* Many writers, one reader. */
struct question_queue {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t first, n;
    bool closed;
    struct question *ring[STATE_QUEUE_MAX];
};

void question_queue_init(struct question_queue *queue);
void question_queue_destroy(struct question_queue *queue);

/* False: there is no room, or the queue is closed. Never waits. */
bool question_queue_put(struct question_queue *queue, struct question *q);

/* Takes up to `max`; with none there waits until one comes, the queue is closed, or clock_us()
 * reaches until_us (0: for ever). *closed: it is, and empty when nothing was taken. */
size_t question_queue_take(struct question_queue *queue, struct question **out, size_t max,
                           int64_t until_us, bool *closed);
void question_queue_close(struct question_queue *queue);

/* --- Who answers --- */

struct state_backend {
    /* Takes the question over, which is held for it; never waits. False: there is no room. */
    bool (*take)(struct state_backend *b, struct question *q);
    /* Answers from memory, or false. NULL: it has none. */
    bool (*recall)(struct state_backend *b, int64_t now, struct state_key *key);
    void (*close)(struct state_backend *b); /* answers what it has, and frees it */
};

struct state_backend *state_local_open(const struct state_settings *settings);
struct state_backend *state_redis_open(const struct state_server *server, int64_t pause_us);

bool state_local_list(const struct state_settings *settings, int64_t now, struct str prefix,
                      state_each_fn *each, void *context, struct arena *a, struct str *problem);
bool state_redis_list(const struct state_server *server, int64_t now, struct str prefix,
                      state_each_fn *each, void *context, struct arena *a, struct str *problem);

#endif
