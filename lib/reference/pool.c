/* pool.c - which caller has which worker, and the keeper, which starts them.
 *
 * Errors: no worker, in time. The lock is held for looking at and changing states, never while
 * a thread talks, waits for a process or starts one: a thread that does so has taken the worker
 * out of the others' sight by its state first. */
#include "reference/pool.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "reference/channel.h"

#define HELLO_US 5000000 /* for a worker to say that it is ready: start-up under load */
#define PACE_US  250000  /* between two starts, once all workers have been started */
#define TICK_US  1000000 /* between two calls of `waiting` */
#define EARNED   10      /* jobs after which a worker's end is a renewal, not a fault */

#define PROBLEM_MAX 400

struct pool {
    const char *program;
    struct arena *arena;
    unsigned n;
    struct worker *workers;
    pthread_t keeper;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a worker is free, or could not be started */
    int epoll;              /* where the keeper hears of workers that end, */
    int wake;               /* and that a place is empty or the pool is closing */
    bool opened;            /* one has started, and said this: */
    struct hello hello;
    bool closing, given_up;
    bool failed; /* the last start, for this reason: */
    char problem[PROBLEM_MAX];
    int64_t start_at; /* starts may not run ahead of this by more than one for each worker */
};

/* ---- starting ---- */

/* False, and *problem (in `a`): what has started is no worker of ours. */
static bool greet_worker(const struct process *process, struct arena *a, struct hello *hello,
                         struct str *problem)
{
    struct channel channel = {.fd = process->fd, .arena = a, .left_us = HELLO_US};
    struct frame frame;
    enum channel_status status = channel_receive(&channel, &frame);
    if (status == CHANNEL_OK && frame.type == FRAME_HELLO && !channel_has_more(&channel) &&
        hello_read(a, frame.payload, hello))
        return true;
    *problem = status == CHANNEL_SLOW                             ? STR("does not become ready")
               : status == CHANNEL_OK || status == CHANNEL_BROKEN ? STR("is not of this version")
                                                                  : STR_NONE;
    return false;
}

/* False, and *problem (in `a`). */
static bool start_worker(struct pool *pool, struct worker *worker, struct arena *a,
                         struct hello *hello, struct str *problem)
{
    worker->jobs = 0;
    worker->gone = false;
    if (!process_start(pool->program, &worker->process)) {
        *problem =
            errno == ENOENT
                ? str_printf(a, "there is no %s: install assay-reference", pool->program)
                : str_printf(a, "%s cannot be started: %s", pool->program, strerrordesc_np(errno));
        return false;
    }
    if (greet_worker(&worker->process, a, hello, problem)) {
        struct epoll_event event = {.events = EPOLLRDHUP | EPOLLET, .data.ptr = worker};
        epoll_ctl(pool->epoll, EPOLL_CTL_ADD, worker->process.fd, &event);
        return true;
    }
    struct str ending = process_ending(a, process_end(&worker->process));
    if (problem->p)
        *problem = str_printf(a, "%s %.*s", pool->program, STR_ARG(*problem));
    else
        *problem = str_printf(a, "%s %.*s before it was ready", pool->program, STR_ARG(ending));
    return false;
}

/* Every start moves start_at by one pace; so a burst of one for each worker is possible, and then
 * the pace. */
static int64_t start_time(const struct pool *pool)
{
    return pool->start_at - (int64_t)pool->n * PACE_US;
}

static void count_start(struct pool *pool)
{
    int64_t now = clock_us();
    pool->start_at = (pool->start_at > now ? pool->start_at : now) + PACE_US;
}

/* Moves a worker that has this state to another one. NULL if there is none. */
static struct worker *take_worker(struct pool *pool, enum worker_state from, enum worker_state to)
{
    for (unsigned i = 0; i < pool->n; i++)
        if (pool->workers[i].state == from) {
            pool->workers[i].state = to;
            return &pool->workers[i];
        }
    return NULL;
}

/* With the lock held: what became of a start. */
static void note_start(struct pool *pool, bool ok, const struct hello *hello, struct str problem)
{
    pool->failed = !ok;
    if (!ok)
        snprintf(pool->problem, sizeof pool->problem, "%.*s", STR_ARG(problem));
    if (ok && !pool->opened) {
        pool->opened = true;
        for (size_t i = 0; i < REFERENCE_LIBRARY_COUNT; i++)
            pool->hello.versions[i] = str_copy(pool->arena, hello->versions[i]);
    }
    pthread_cond_broadcast(&pool->changed);
}

static void replace(struct pool *pool, struct worker *worker)
{
    struct hello hello;
    struct str problem;
    bool news = pool->opened && !pool->failed;
    count_start(pool);
    pthread_mutex_unlock(&pool->lock);
    struct arena *scratch = arena_new(0);
    bool ok = start_worker(pool, worker, scratch, &hello, &problem);
    if (!ok) {
        problem = str_safe(scratch, problem, PROBLEM_MAX - 1, true);
        if (news)
            log_warning("%.*s", STR_ARG(problem));
    }
    pthread_mutex_lock(&pool->lock);
    worker->state = ok ? WORKER_FREE : WORKER_NONE;
    note_start(pool, ok, &hello, problem);
    arena_free(scratch);
}

static void wake_keeper(struct pool *pool)
{
    eventfd_write(pool->wake, 1);
}

/* A worker has ended. Only the keeper starts one in its place, so the word is not old. */
static void lose(struct pool *pool, struct worker *worker)
{
    pthread_mutex_lock(&pool->lock);
    bool idle = worker->state == WORKER_FREE;
    worker->gone = true; /* for the thread that has it */
    if (idle)
        worker->state = WORKER_LENT;
    pthread_mutex_unlock(&pool->lock);
    if (idle)
        pool_bury(pool, worker);
}

/* Until something happens, at most until `at`. */
static void watch_worker(struct pool *pool, int64_t at)
{
    struct epoll_event events[8];
    eventfd_t ignored;
    int64_t wait_us = at - clock_us();
    int n = epoll_wait(pool->epoll, events, sizeof events / sizeof *events,
                       at == INT64_MAX ? -1
                       : wait_us > 0   ? (int)((wait_us + 999) / 1000)
                                       : 0);
    for (int i = 0; i < n; i++)
        if (events[i].data.ptr)
            lose(pool, events[i].data.ptr);
        else
            eventfd_read(pool->wake, &ignored);
}

static bool some_missing(const struct pool *pool)
{
    for (unsigned i = 0; i < pool->n; i++)
        if (pool->workers[i].state == WORKER_NONE)
            return true;
    return false;
}

static void *keep_worker(void *arg)
{
    struct pool *pool = arg;
    pthread_mutex_lock(&pool->lock);
    while (!pool->closing && (pool->opened || !pool->failed)) {
        int64_t at = some_missing(pool) ? start_time(pool) : INT64_MAX;
        if (at <= clock_us()) {
            replace(pool, take_worker(pool, WORKER_NONE, WORKER_STARTING));
            continue;
        }
        pthread_mutex_unlock(&pool->lock);
        watch_worker(pool, at);
        pthread_mutex_lock(&pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* ---- lending ---- */

static bool all_absent(const struct pool *pool)
{
    for (unsigned i = 0; i < pool->n; i++)
        if (pool->workers[i].state >= WORKER_FREE)
            return false;
    return pool->failed;
}

/* With the lock held; it is let go while waiting. */
static struct worker *wait_for_free(struct pool *pool, int64_t until_us, bool *absent)
{
    for (bool late = false;;) {
        struct worker *worker = pool->given_up ? NULL : take_worker(pool, WORKER_FREE, WORKER_LENT);
        *absent = !worker && (pool->given_up || all_absent(pool));
        if (worker || *absent || late)
            return worker;
        late = thread_cond_wait(&pool->changed, &pool->lock, until_us) == ETIMEDOUT;
    }
}

/* Until the next tick or until_us, whichever is first. */
static struct worker *borrow_until(struct pool *pool, int64_t until_us, bool *absent)
{
    for (;;) {
        pthread_mutex_lock(&pool->lock);
        struct worker *worker = wait_for_free(pool, until_us, absent);
        pthread_mutex_unlock(&pool->lock);
        if (!worker || !process_is_lost(&worker->process))
            return worker;
        pool_bury(pool, worker);
    }
}

struct worker *pool_borrow(struct pool *pool, int64_t until_us, void (*waiting)(void *context),
                           void *waiting_context, bool *absent)
{
    for (;;) {
        int64_t tick = clock_us() + TICK_US;
        struct worker *worker = borrow_until(pool, tick < until_us ? tick : until_us, absent);
        if (worker || *absent || clock_us() >= until_us)
            return worker;
        if (waiting)
            waiting(waiting_context);
    }
}

void pool_return(struct pool *pool, struct worker *worker)
{
    pthread_mutex_lock(&pool->lock);
    bool over = ++worker->jobs == POOL_WORKER_JOBS || worker->gone;
    if (!over)
        worker->state = WORKER_FREE;
    pthread_cond_signal(&pool->changed);
    pthread_mutex_unlock(&pool->lock);
    if (over)
        pool_bury(pool, worker);
}

int pool_bury(struct pool *pool, struct worker *worker)
{
    pthread_mutex_lock(&pool->lock);
    worker->state = WORKER_ENDING;
    pthread_mutex_unlock(&pool->lock);
    int status = process_end(&worker->process);
    pthread_mutex_lock(&pool->lock);
    if (worker->jobs >= EARNED)
        pool->start_at -= PACE_US;
    worker->state = WORKER_NONE;
    pthread_mutex_unlock(&pool->lock);
    wake_keeper(pool);
    return status;
}

/* The end of its file wakes the thread that listens to a worker; its descriptor is theirs to close.
 */
void pool_give_up(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->closing = pool->given_up = true;
    for (unsigned i = 0; i < pool->n; i++)
        if (pool->workers[i].state == WORKER_LENT)
            shutdown(pool->workers[i].process.fd, SHUT_RDWR);
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->lock);
    wake_keeper(pool);
}

bool pool_is_given_up(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    bool given_up = pool->given_up;
    pthread_mutex_unlock(&pool->lock);
    return given_up;
}

/* ---- the whole ---- */

static void end_all(struct pool *pool)
{
    for (unsigned i = 0; i < pool->n; i++)
        if (pool->workers[i].state == WORKER_FREE)
            process_end(&pool->workers[i].process);
    if (pool->epoll >= 0)
        close(pool->epoll);
    if (pool->wake >= 0)
        close(pool->wake);
    pthread_cond_destroy(&pool->changed);
    pthread_mutex_destroy(&pool->lock);
    arena_free(pool->arena);
}

static struct pool *make_worker(const char *program, unsigned workers)
{
    struct arena *own = arena_new(0);
    struct pool *pool = arena_make(own, struct pool);
    pool->arena = own;
    pool->program = str_cstr(own, str_of(program));
    pool->n = workers ? workers : 1;
    pool->workers = arena_array(own, struct worker, pool->n);
    pthread_mutex_init(&pool->lock, NULL);
    thread_cond_init(&pool->changed);
    pool->epoll = epoll_create1(EPOLL_CLOEXEC);
    pool->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return pool;
}

/* The keeper starts the first worker too: a process may be bound to the life of the thread that
 * started it. False: pool->problem. */
static bool wait_for_first(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    while (!pool->opened && !pool->failed)
        pthread_cond_wait(&pool->changed, &pool->lock);
    bool opened = pool->opened;
    pthread_mutex_unlock(&pool->lock);
    return opened;
}

struct pool *pool_open(const char *program, unsigned workers, struct arena *a, struct hello *hello,
                       struct str *problem)
{
    struct pool *pool = make_worker(program, workers);
    struct epoll_event event = {.events = EPOLLIN};
    if (epoll_ctl(pool->epoll, EPOLL_CTL_ADD, pool->wake, &event) < 0 ||
        !thread_start(&pool->keeper, keep_worker, pool)) {
        *problem = STR("there are no descriptors or threads left");
        end_all(pool);
        return NULL;
    }
    if (wait_for_first(pool)) {
        *hello = pool->hello;
        return pool;
    }
    *problem = str_copy(a, str_of(pool->problem));
    pool_close(pool);
    return NULL;
}

void pool_close(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->closing = true;
    pthread_mutex_unlock(&pool->lock);
    wake_keeper(pool);
    pthread_join(pool->keeper, NULL);
    end_all(pool);
}
