/* question.h - a question to the state store on its way, and the queues that lead to those who
 * answer. Private to lib/store.
 *
 * A question belongs to all who hold it: the asker, who may leave before it is answered, and each
 * of those that it was given to, who answers it sooner or later. */
#ifndef ASSAY_STORE_QUESTION_H
#define ASSAY_STORE_QUESTION_H

#include <pthread.h>
#include <stdatomic.h>

#include "store/state.h"

enum state_op { STATE_OP_GET, STATE_OP_PUT, STATE_OP_TOUCH, STATE_OP_FORGET };

struct question {
    enum state_op op; /* all up to `keys` is const from its beginning on */
    int64_t now, value, ttl_s;
    int64_t deadline_us; /* monotonic: then nobody waits any more; 0: nobody waits at all */
    size_t n;
    const struct state_key *keys; /* results here mean nothing */
    atomic_uint holders;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed;
    unsigned awaited;          /* answers that are still to come */
    struct state_key *answers; /* of all that have come */
};

/* Held by the caller, and `awaited` times more for those who will answer. NULL without memory. */
struct question *question_new(const struct question *like, unsigned awaited);

/* Adds an answer; the caller holds the question no more. NULL: all of it is unknown. */
void question_answer(struct question *q, const struct state_key *answers);

/* Waits for all answers until the deadline, and copies what has come by then. The caller holds it
 * no more. */
void question_wait(struct question *q, struct state_key *keys);
void question_let_go(struct question *q);

/* True if nobody waits for the answer any more, though somebody did. */
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
