/* workers.c - how many threads serve.
 *
 * Every worker takes events from the epoll set itself: the thread that hears of a command also
 * carries it out, and no command is handed from thread to thread. As many run as there are
 * processors. One that is about to wait in its protocol says so, and another one takes its place: a
 * spare one, or a new one. When it comes back there may be one too many; the next one that has
 * nothing to do becomes spare, and ends if it stays so.
 *
 * The rule that no connection is stranded: a worker waits for events, or as many run as are wanted.
 * It is looked at where it could cease to hold: when an idle worker takes an event, and when a
 * running one goes to wait. Both write first and read then, so that one of two at the same moment
 * sees it.
 *
 * Errors: where no thread can be had, commands wait for the workers that there are; that is
 * counted and logged. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/counters.h"
#include "base/log.h"
#include "base/thread.h"
#include "milter/serve/internal.h"

#define WANTED_MIN 2
#define SPARE_US   10000000 /* how long a spare thread waits for work before it ends */

void workers_init(struct workers *w, const struct serve_settings *settings)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned wanted = processors > WANTED_MIN ? (unsigned)processors : WANTED_MIN;
    w->wanted = settings->busy_workers ? settings->busy_workers : wanted;
    w->max = settings->workers_max > w->wanted ? settings->workers_max : w->wanted;
    pthread_mutex_init(&w->lock, NULL);
    thread_cond_init(&w->work);
    thread_cond_init(&w->gone);
}

void workers_destroy(struct workers *w)
{
    pthread_cond_destroy(&w->gone);
    pthread_cond_destroy(&w->work);
    pthread_mutex_destroy(&w->lock);
}

/* --- A worker's life ---------------------------------------------------------------------------*/

static void handle_event(struct worker *worker, struct serve *s, void *object)
{
    switch (*(enum source *)object) {
    case SOURCE_CLOCK:
        loop_tick(s);
        break;
    case SOURCE_LISTENER:
        listener_ready(worker, s, object);
        break;
    case SOURCE_CONNECTION:
        connection_ready(worker, object);
        break;
    case SOURCE_STOP:
        break;
    }
}

/* True if the caller shall go on, for it was needed again; false if it shall end. */
static bool be_spare(struct workers *w)
{
    pthread_mutex_lock(&w->lock);
    if (w->stopping || atomic_load(&w->running) <= w->wanted) {
        bool goes_on = !w->stopping;
        pthread_mutex_unlock(&w->lock);
        return goes_on;
    }
    atomic_fetch_sub(&w->running, 1);
    w->spare++;
    int64_t until = clock_us() + SPARE_US;
    while (!w->woken && !w->stopping && thread_cond_wait(&w->work, &w->lock, until) != ETIMEDOUT)
        continue;
    w->spare--;
    bool woken = w->woken > 0;
    if (woken)
        w->woken--;
    else
        atomic_fetch_add(&w->running, 1); /* ends as one that runs */
    bool goes_on = woken && !w->stopping;
    pthread_mutex_unlock(&w->lock);
    return goes_on;
}

/* Each worker that ends waits for the one that ended before, and the last one is waited for by
 * workers_stop(): so no thread is left in the libraries' own cleaning up when the program ends. */
static void end_as_worker(struct workers *w)
{
    pthread_mutex_lock(&w->lock);
    pthread_t before = w->ended;
    bool somebody = w->somebody_ended;
    w->ended = pthread_self();
    w->somebody_ended = true;
    atomic_fetch_sub(&w->running, 1);
    w->all--;
    pthread_cond_signal(&w->gone);
    pthread_mutex_unlock(&w->lock);
    if (somebody)
        pthread_join(before, NULL);
}

/* The pages behind what small frames need; freed and allocated again, the same ones would come. */
static void empty_input(struct worker *worker)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t from = (uintptr_t)(worker->in + 2 * SERVE_READ_MAX) % page;
    char *first = worker->in + 2 * SERVE_READ_MAX + (from ? page - from : 0);
    char *end = worker->in + worker->in_cap - (uintptr_t)(worker->in + worker->in_cap) % page;
    if (first < end)
        (void)madvise(first, (size_t)(end - first), MADV_DONTNEED);
    worker->in_used = 0;
}

void worker_give_back(struct worker *worker)
{
    if (worker->in_used > 2 * SERVE_READ_MAX)
        empty_input(worker);
    if (worker->out.cap > SERVE_ANSWERS_MAX)
        bytes_free(&worker->out);
}

static void *worker_run(void *server)
{
    struct serve *s = server;
    struct workers *w = &s->workers;
    struct worker self = {.in_cap = s->frame_max + SERVE_READ_MAX};
    self.in = malloc(self.in_cap);
    if (!self.in)
        abort();
    for (;;) {
        struct epoll_event event;
        atomic_fetch_add(&w->idle, 1);
        int n = epoll_wait(s->epoll_fd, &event, 1, -1);
        atomic_load_explicit(&s->watched, memory_order_acquire);
        workers_take_event(s);
        if (n == 1 && event.data.ptr == &s->stop_source)
            break;
        if (n == 1)
            handle_event(&self, s, event.data.ptr);
        worker_give_back(&self);
        if (atomic_load_explicit(&w->running, memory_order_relaxed) > w->wanted && !be_spare(w))
            break;
    }
    free(self.in);
    bytes_free(&self.out);
    end_as_worker(w);
    return NULL;
}

/* --- Taking each other's place -----------------------------------------------------------------*/

static void complain_of_workers(void)
{
    static struct log_pace pace;
    unsigned held_back;
    counter_inc(CTR_THREADS_LACKING);
    if (log_pace(&pace, &held_back))
        log_warning("no thread can be had: commands wait for the workers that there are");
}

/* The lock is held. */
static bool start_worker(struct serve *s)
{
    struct workers *w = &s->workers;
    pthread_t thread;
    if (w->all == w->max || !thread_start(&thread, worker_run, s))
        return false;
    atomic_fetch_add(&w->running, 1);
    w->all++;
    return true;
}

static void start_substitute(struct serve *s)
{
    struct workers *w = &s->workers;
    bool found = true;
    pthread_mutex_lock(&w->lock);
    if (!w->stopping && atomic_load(&w->running) < w->wanted) {
        if (w->spare > w->woken) {
            w->woken++;
            atomic_fetch_add(&w->running, 1);
            pthread_cond_signal(&w->work);
        } else {
            found = start_worker(s);
        }
    }
    pthread_mutex_unlock(&w->lock);
    if (!found)
        complain_of_workers();
}

static bool somebody_is_missing(struct workers *w)
{
    return !atomic_load(&w->idle) && atomic_load(&w->running) < w->wanted;
}

void workers_take_event(struct serve *s)
{
    atomic_fetch_sub(&s->workers.idle, 1);
    if (somebody_is_missing(&s->workers))
        start_substitute(s);
}

void workers_begin_wait(struct serve *s)
{
    atomic_fetch_sub(&s->workers.running, 1);
    if (somebody_is_missing(&s->workers))
        start_substitute(s);
}

void workers_end_wait(struct serve *s)
{
    atomic_fetch_add(&s->workers.running, 1);
}

/* --- Start and stop ----------------------------------------------------------------------------*/

bool workers_start(struct serve *s)
{
    struct workers *w = &s->workers;
    bool good = true;
    pthread_mutex_lock(&w->lock);
    while (good && w->all < w->wanted)
        good = start_worker(s);
    good = w->all > 0;
    pthread_mutex_unlock(&w->lock);
    return good;
}

void workers_stop(struct serve *s)
{
    struct workers *w = &s->workers;
    uint64_t one = 1;
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    ssize_t n = write(s->stop_fd, &one, sizeof one); /* stays readable, for all */
    (void)n;
    pthread_cond_broadcast(&w->work);
    while (w->all)
        pthread_cond_wait(&w->gone, &w->lock);
    pthread_mutex_unlock(&w->lock);
    if (w->somebody_ended)
        pthread_join(w->ended, NULL);
    w->somebody_ended = false;
}
