/* dns_held.h - a resolver with a zone, which answers at once or when the test says so. */
#ifndef ASSAY_TESTS_UNIT_DNS_HELD_H
#define ASSAY_TESTS_UNIT_DNS_HELD_H

#include "test.h"

#include "dns/cache.h"
#include "dns/zone.h"

#define HELD_MAX 256

static struct held {
    struct dns_backend base;
    struct zone zone;
    bool (*asked)(const struct dns_question *q); /* is told of each; true: its answer waits */
    size_t n;
    struct dns_entry *open[HELD_MAX]; /* the oldest first */
} held;

static inline void held_answer_one(struct dns_entry *e)
{
    const struct dns_question *q = dns_entry_question(e);
    struct arena *a = arena_new(0);
    int64_t delay;
    struct dns_answer found = zone_answer(&held.zone, &q->name, q->type, a, &delay);
    dns_entry_finish(e, dns_reply_new(&found, q->type));
    arena_free(a);
}

static inline void held_ask(struct dns_backend *b, struct dns_entry *e)
{
    (void)b;
    if (!held.asked(dns_entry_question(e))) {
        held_answer_one(e);
        return;
    }
    assert_true(held.n < HELD_MAX);
    held.open[held.n++] = e;
}

/* All that waits now; what that leads to waits on. */
static inline void held_answer(void)
{
    size_t n = held.n;
    for (size_t i = 0; i < n; i++)
        held_answer_one(held.open[i]);
    held.n -= n;
    memmove(held.open, held.open + n, held.n * sizeof *held.open);
}

static inline void held_close(struct dns_backend *b)
{
    (void)b;
    while (held.n)
        held_answer();
    arena_free(held.zone.arena);
}

/* now_us: the clock of the cache; NULL: the real one. */
static inline struct dns *held_open(const char *zone, bool (*asked)(const struct dns_question *q),
                                    int64_t (*now_us)(void))
{
    const struct dns_limits limits = {.cache_bytes = 1 << 20,
                                      .max_ttl_s = 86400,
                                      .negative_ttl_s = 60,
                                      .failure_ttl_s = 5,
                                      .now_us = now_us};
    struct arena *a = arena_new(0);
    struct str problem = STR("");
    held = (struct held){.base = {.ask = held_ask, .close = held_close}, .asked = asked};
    held.zone.arena = a;
    zone_make(&held.zone, &(struct dns_name){.n = 1});
    if (!zone_load(&held.zone, str_of(zone), a, &problem))
        fail_msg("%.*s", STR_ARG(problem));
    return dns_new(&held.base, &limits);
}

#endif
