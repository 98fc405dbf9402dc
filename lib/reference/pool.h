/* pool.h - worker processes, started before they are needed. Internal to lib/reference.
 *
 * A worker belongs to one thread from pool_borrow() to pool_return() or pool_bury(). A thread of
 * the pool's own, the keeper, buries workers that end while nobody has them, starts others in the
 * place of those that ended, and sees to it that a program that cannot start is not started more
 * than a few times in a second.
 *
 * A worker is ended after so many jobs: what a library leaks, or what a message made of it, does
 * not last. That is not left to the worker. */
#ifndef ASSAY_REFERENCE_POOL_H
#define ASSAY_REFERENCE_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "reference/messages.h"
#include "reference/process.h"

#define POOL_WORKER_JOBS 1000

struct pool;

struct worker {
    struct process process;
    uint64_t jobs; /* that it has done */
    bool gone;     /* it has ended: the caller that has it buries it */
    enum worker_state {
        WORKER_NONE,
        WORKER_STARTING,
        WORKER_FREE,
        WORKER_LENT,
        WORKER_ENDING, /* by the caller that had it */
    } state;
};

/* Waits for the first worker; the others follow. *hello is what it says of itself, and lives as
 * long as the pool. NULL, and *problem (in `a`): it cannot be started, or is not of this version.
 */
struct pool *pool_open(const char *program, unsigned workers, struct arena *a, struct hello *hello,
                       struct str *problem);
/* None is lent any more, and those that are hear that their worker has ended. */
void pool_give_up(struct pool *pool);
bool pool_is_given_up(struct pool *pool);

/* Ends and reaps the workers; none is lent any more. */
void pool_close(struct pool *pool);

/* A worker, or NULL at until_us (clock_us()); *absent: none is there and none could be started,
 * which is said at once. Calls `waiting` about once a second, if it is not NULL. */
struct worker *pool_borrow(struct pool *pool, int64_t until_us, void (*waiting)(void *context),
                           void *waiting_context, bool *absent);

/* Gives a worker back that waits for its next job. */
void pool_return(struct pool *pool, struct worker *worker);

/* Gives a worker back that is of no more use: it is ended and reaped here. How it had ended, if it
 * had, as waitpid() says. */
int pool_bury(struct pool *pool, struct worker *worker);

#endif
