/* errand.c - asks on ahead of a message, where the last answer tells what to ask for next.
 *
 * An errand waits for one answer at a time, without a thread: the thread that brings it runs the
 * errand's function again from its start. What it asked for is held together with what the message
 * asked for, so that nothing is asked for twice, whatever its TTL. It ends when its function lacks
 * nothing more, when its message is over, or when it has taken its share of the time of a thread
 * that has better things to do.
 *
 * Errors: none. What an errand does not come to, the message asks for itself. */
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "dns/held.h"

#define ERRANDS_MAX 1024 /* at once, in the whole process */
#define SHARE_US    1000

struct errand {
    struct dns_waker waker; /* first, so that a waker is its errand */
    struct dns_errand face;
    struct dns_asker asker;
    int64_t spent_us;
};

static atomic_uint under_way;

struct dns_errand *dns_errand_new(dns_errand_fn *run)
{
    struct arena *a = arena_new(0);
    struct errand *e = arena_make(a, struct errand);
    e->face.arena = a;
    e->face.run = run;
    return &e->face;
}

static void discard(struct errand *e)
{
    struct arena *work = e->asker.arena;
    if (e->asker.held)
        dns_held_release(e->asker.held);
    arena_free(e->face.arena); /* holds e itself */
    arena_free(work);
}

static void end(struct errand *e)
{
    atomic_fetch_sub_explicit(&under_way, 1, memory_order_relaxed);
    discard(e);
}

/* True if the errand lacks an answer now. */
static bool run(struct errand *e)
{
    if (dns_held_ended(e->asker.held) || e->spent_us > SHARE_US)
        return false;
    int64_t began = clock_us();
    arena_reset(e->asker.arena);
    e->asker.lacking = NULL;
    e->face.run(&e->asker, e->face.facts);
    e->spent_us += clock_us() - began;
    return e->asker.lacking != NULL;
}

static void go_on(struct dns_waker *w)
{
    struct errand *e = (struct errand *)w;
    while (run(e))
        if (dns_held_wake(e->asker.held, e->asker.dns, e->asker.lacking, w))
            return; /* and from now on it may be gone */
    end(e);
}

static bool find_room(void)
{
    if (atomic_fetch_add_explicit(&under_way, 1, memory_order_relaxed) < ERRANDS_MAX)
        return true;
    atomic_fetch_sub_explicit(&under_way, 1, memory_order_relaxed);
    return false;
}

void dns_errand_begin(struct dns_errand *errand, struct dns_asker *asker)
{
    struct errand *e = (struct errand *)((char *)errand - offsetof(struct errand, face));
    if (!asker->lacking || !find_room()) {
        discard(e);
        return;
    }
    e->waker.wake = go_on;
    e->asker = (struct dns_asker){.dns = asker->dns,
                                  .arena = arena_new(0),
                                  .may_pend = true,
                                  .ahead = true,
                                  .held = dns_held_share(asker->held)};
    if (!dns_held_wake(asker->held, asker->dns, asker->lacking, &e->waker))
        go_on(&e->waker);
}
