/* crowd.c - closes connections when too many are open.
 *
 * Errors: none; without memory the program ends. */
#include "milter/web/crowd.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

struct crowd {
    pthread_mutex_t lock;
    struct crowd_guest ends; /* of a ring: the next one has waited longest */
    size_t n, bytes;         /* of the open connections */
};

struct crowd *crowd_new(void)
{
    struct crowd *c = calloc(1, sizeof *c);
    if (!c)
        abort();
    pthread_mutex_init(&c->lock, NULL);
    c->ends.before = c->ends.behind = &c->ends;
    return c;
}

void crowd_free(struct crowd *c)
{
    pthread_mutex_destroy(&c->lock);
    free(c);
}

static void take_out(struct crowd *c, struct crowd_guest *g)
{
    g->before->behind = g->behind;
    g->behind->before = g->before;
    c->n--;
    c->bytes -= g->bytes;
    g->state = GUEST_GONE;
}

static void put_last(struct crowd *c, struct crowd_guest *g)
{
    g->behind = &c->ends;
    g->before = c->ends.before;
    g->before->behind = g;
    c->ends.before = g;
    c->n++;
    c->bytes += g->bytes;
    g->state = GUEST_WAITS;
}

/* `g` came last, so it is not closed, however large its answer is. */
static void make_room(struct crowd *c, const struct crowd_guest *g)
{
    while ((c->n > CROWD_MAX || c->bytes > CROWD_BYTES) && c->ends.behind != g) {
        struct crowd_guest *longest = c->ends.behind;
        take_out(c, longest);
        shutdown(longest->fd, SHUT_RDWR);
    }
}

void crowd_enter(struct crowd *c, struct crowd_guest *g, int fd)
{
    pthread_mutex_lock(&c->lock);
    g->fd = fd;
    g->bytes = 0;
    put_last(c, g);
    make_room(c, g);
    pthread_mutex_unlock(&c->lock);
}

void crowd_serve(struct crowd *c, struct crowd_guest *g)
{
    pthread_mutex_lock(&c->lock);
    if (g->state == GUEST_WAITS) {
        take_out(c, g);
        g->state = GUEST_SERVED;
    }
    pthread_mutex_unlock(&c->lock);
}

void crowd_answered(struct crowd *c, struct crowd_guest *g, size_t bytes)
{
    pthread_mutex_lock(&c->lock);
    g->bytes = bytes;
    if (g->state == GUEST_SERVED) {
        put_last(c, g);
        make_room(c, g);
    }
    pthread_mutex_unlock(&c->lock);
}

void crowd_sent(struct crowd *c, struct crowd_guest *g)
{
    pthread_mutex_lock(&c->lock);
    if (g->state == GUEST_WAITS)
        c->bytes -= g->bytes;
    g->bytes = 0;
    pthread_mutex_unlock(&c->lock);
}

void crowd_leave(struct crowd *c, struct crowd_guest *g)
{
    pthread_mutex_lock(&c->lock);
    if (g->state == GUEST_WAITS)
        take_out(c, g);
    pthread_mutex_unlock(&c->lock);
}
