/* loop.c - the epoll set: what is watched, the clock, start and stop.
 *
 * Connections, listening sockets and the clock are watched for one event at a time (EPOLLONESHOT):
 * the worker that gets it watches again when it is done.
 *
 * Errors: NULL or false where the kernel has no descriptors, memory or threads. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "milter/serve/internal.h"

#define TICK_MS 500
#define LAST_US 1000000 /* at the end, for a peer to take the answers that there are */

void bytes_add(struct bytes *b, const void *data, size_t n)
{
    if (b->n + n > b->cap) {
        size_t cap = 2 * b->cap > b->n + n ? 2 * b->cap : b->n + n;
        char *grown = realloc(b->p, cap);
        if (!grown)
            abort();
        b->p = grown;
        b->cap = cap;
    }
    if (n)
        memcpy(b->p + b->n, data, n);
    b->n += n;
}

void bytes_free(struct bytes *b)
{
    free(b->p);
    *b = (struct bytes){0};
}

/* TSan takes the way back from epoll_ctl() for a use of the descriptor, which another worker may
 * have closed by then; it does not look into a bare system call. */
#ifdef __SANITIZE_THREAD__
#define CONTROL(...) syscall(SYS_epoll_ctl, __VA_ARGS__)
#else
#define CONTROL(...) epoll_ctl(__VA_ARGS__)
#endif

bool loop_watch(struct serve *s, int fd, uint32_t events, enum source *source, bool fresh)
{
    struct epoll_event event = {.events = events, .data.ptr = source};
    atomic_fetch_add_explicit(&s->watched, 1, memory_order_release);
    return CONTROL(s->epoll_fd, fresh ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event) == 0;
}

/* --- The clock ---------------------------------------------------------------------------------*/

void loop_tick(struct serve *s)
{
    uint64_t ticks;
    ssize_t n = read(s->clock_fd, &ticks, sizeof ticks);
    (void)n;
    int64_t now = clock_us();
    pthread_mutex_lock(&s->lock);
    for (struct serve_connection *c = s->connections; c; c = c->behind)
        connection_expire(c, now);
    pthread_mutex_unlock(&s->lock);
    for (struct listener *l = s->listeners; l; l = l->next)
        listener_resume(s, l);
    loop_watch(s, s->clock_fd, EPOLLIN | EPOLLONESHOT, &s->clock_source, false);
}

static bool start_clock(struct serve *s)
{
    const struct itimerspec every = {
        .it_interval = {.tv_nsec = TICK_MS * 1000000L},
        .it_value = {.tv_nsec = TICK_MS * 1000000L},
    };
    return timerfd_settime(s->clock_fd, 0, &every, NULL) == 0 &&
           loop_watch(s, s->clock_fd, EPOLLIN | EPOLLONESHOT, &s->clock_source, true);
}

/* --- A server's life ---------------------------------------------------------------------------*/

struct serve *serve_new(const struct serve_settings *settings)
{
    struct serve *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    s->kept_max = settings->kept_max;
    s->stop_source = SOURCE_STOP;
    s->clock_source = SOURCE_CLOCK;
    s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    s->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    s->clock_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    s->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    pthread_mutex_init(&s->lock, NULL);
    pthread_mutex_init(&s->reserve_lock, NULL);
    thread_cond_init(&s->empty);
    workers_init(&s->workers, settings);
    if (s->epoll_fd >= 0 && s->stop_fd >= 0 && s->clock_fd >= 0 && s->reserve_fd >= 0 &&
        loop_watch(s, s->stop_fd, EPOLLIN, &s->stop_source, true))
        return s;
    serve_free(s);
    return NULL;
}

bool serve_start(struct serve *s)
{
    for (struct listener *l = s->listeners; l; l = l->next)
        if (!loop_watch(s, l->fd, EPOLLIN | EPOLLONESHOT, &l->source, true))
            return false;
    return start_clock(s) && workers_start(s);
}

static void close_listeners(struct serve *s)
{
    atomic_store(&s->stopping, true);
    for (struct listener *l = s->listeners; l; l = l->next)
        epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, l->fd, NULL);
}

/* First no command is read any more, and answers still leave. */
static void end_connections(struct serve *s)
{
    int64_t until = clock_us() + LAST_US;
    pthread_mutex_lock(&s->lock);
    for (struct serve_connection *c = s->connections; c; c = c->behind)
        connection_hang_up(c);
    while (s->connections && thread_cond_wait(&s->empty, &s->lock, until) != ETIMEDOUT)
        continue;
    for (struct serve_connection *c = s->connections; c; c = c->behind)
        connection_expire(c, INT64_MAX);
    while (s->connections)
        pthread_cond_wait(&s->empty, &s->lock);
    pthread_mutex_unlock(&s->lock);
}

void serve_stop(struct serve *s)
{
    close_listeners(s);
    end_connections(s);
    workers_stop(s);
    while (s->connections) /* let in while the list was looked at */
        connection_end(s->connections);
}

void serve_free(struct serve *s)
{
    const int descriptors[] = {s->epoll_fd, s->stop_fd, s->clock_fd, s->reserve_fd};
    for (size_t i = 0; i < sizeof descriptors / sizeof *descriptors; i++)
        if (descriptors[i] >= 0)
            close(descriptors[i]);
    while (s->listeners) {
        struct listener *l = s->listeners;
        s->listeners = l->next;
        close(l->fd);
        free(l);
    }
    workers_destroy(&s->workers);
    pthread_cond_destroy(&s->empty);
    pthread_mutex_destroy(&s->reserve_lock);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

struct serve_figures serve_figures(struct serve *s)
{
    struct workers *w = &s->workers;
    struct serve_figures f = {0};
    pthread_mutex_lock(&s->lock);
    f.connections = s->n_connections;
    pthread_mutex_unlock(&s->lock);
    pthread_mutex_lock(&w->lock);
    unsigned running = atomic_load(&w->running);
    f.workers = w->all;
    f.waiting = w->all > running + w->spare ? w->all - running - w->spare : 0;
    pthread_mutex_unlock(&w->lock);
    return f;
}
