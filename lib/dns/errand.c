/* errand.c - asks on ahead of a message, where the last answer tells what to ask for next.
 *
 * An errand waits for one answer at a time, without a thread: the thread that brings it runs the
 * errand's function again from its start. What it asked for is held together with what the message
 * asked for, so that nothing is asked for twice, whatever its TTL. It ends when its function lacks
 * nothing more, when its message is over, or when it has used its share of the resolver thread's
 * time.
 *
 * Errors: none. The message itself asks for what an errand did not get to. */
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "dns/message_answers.h"

#define SHARE_US 1000   /* of processor time, for one errand */
#define PART     8      /* all together take one part in so many of the time ... */
#define LEAD_US  200000 /* ... and may be so far ahead of that: some 30 ms without a break */

struct errand {
    struct dns_waker waker; /* first, so that a waker is its errand */
    struct dns_errand face;
    struct dns_asker asker;
    int64_t spent_us;
};

static atomic_uint under_way;

/* When all errands together will have had no more than their part of the time; clock_us()'s. */
static _Atomic int64_t paid_us;

struct dns_errand *dns_errand_new(dns_errand_fn *run)
{
    struct arena *a = arena_new(0);
    struct errand *e = arena_make(a, struct errand);
    e->face.arena = a;
    e->face.run = run;
    return &e->face;
}

static void discard_errand(struct errand *e)
{
    if (e->asker.answers)
        message_answers_release(e->asker.answers);
    arena_free(e->face.arena); /* holds e itself */
}

static void end_errand(struct errand *e)
{
    atomic_fetch_sub_explicit(&under_way, 1, memory_order_relaxed);
    discard_errand(e);
}

/* Thousands of messages can wait for one answer, and nobody gets another while their errands run.
 */
static bool may_run(const struct errand *e)
{
    int64_t ahead = atomic_load_explicit(&paid_us, memory_order_relaxed) - clock_us();
    return e->spent_us <= SHARE_US && ahead <= LEAD_US;
}

static void pay(struct errand *e, int64_t took_us)
{
    int64_t now = clock_us(), paid = atomic_load_explicit(&paid_us, memory_order_relaxed), next;
    e->spent_us += took_us;
    do
        next = (paid > now ? paid : now) + PART * took_us;
    while (!atomic_compare_exchange_weak_explicit(&paid_us, &paid, next, memory_order_relaxed,
                                                  memory_order_relaxed));
}

/* True if the errand lacks an answer now. */
static bool run_errand(struct errand *e)
{
    if (!may_run(e) || !message_answers_use(e->asker.answers))
        return false;
    int64_t began = clock_thread_us();
    e->asker.arena = arena_new(0);
    e->asker.pending_entry = NULL;
    e->face.run(&e->asker, e->face.facts);
    arena_free(e->asker.arena);
    message_answers_leave(e->asker.answers);
    pay(e, clock_thread_us() - began);
    return e->asker.pending_entry != NULL;
}

static void go_on(struct dns_waker *w)
{
    struct errand *e = (struct errand *)w;
    while (run_errand(e))
        if (message_answers_wake(e->asker.answers, e->asker.dns, e->asker.pending_entry, w))
            return; /* and from now on it may be gone */
    end_errand(e);
}

static bool find_room(void)
{
    if (atomic_fetch_add_explicit(&under_way, 1, memory_order_relaxed) < DNS_ERRANDS_MAX)
        return true;
    atomic_fetch_sub_explicit(&under_way, 1, memory_order_relaxed);
    return false;
}

void dns_errand_begin(struct dns_errand *errand, struct dns_asker *asker)
{
    struct errand *e = (struct errand *)((char *)errand - offsetof(struct errand, face));
    if (!asker->pending_entry || !find_room()) {
        discard_errand(e);
        return;
    }
    e->waker.wake = go_on;
    e->asker = (struct dns_asker){.dns = asker->dns,
                                  .may_pend = true,
                                  .ahead = true,
                                  .favoured = asker->favoured,
                                  .answers = message_answers_share(asker->answers)};
    if (!message_answers_wake(asker->answers, asker->dns, asker->pending_entry, &e->waker))
        go_on(&e->waker);
}
