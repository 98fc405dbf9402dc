/* dns_manual.h - a resolver whose backend notes what is asked and answers when the test says so,
 * under a clock of the test's. */
#ifndef ASSAY_TESTS_UNIT_DNS_MANUAL_H
#define ASSAY_TESTS_UNIT_DNS_MANUAL_H

#include "test.h"

#include <pthread.h>
#include <stdatomic.h>

#include "dns/cache.h"

#define SECOND    INT64_C(1000000)
#define ASKED_MAX 4096

static struct arena *arena;
static _Atomic int64_t test_now; /* the clock that ages entries */

static inline int64_t test_clock(void)
{
    return atomic_load(&test_now);
}

struct manual {
    struct dns_backend base;
    pthread_mutex_t lock;
    struct dns_entry *asked[ASKED_MAX];
    size_t n, answered;
};

static struct manual manual;

static inline void manual_ask(struct dns_backend *b, struct dns_entry *e)
{
    struct manual *m = (struct manual *)b;
    pthread_mutex_lock(&m->lock);
    assert_true(m->n < ASKED_MAX);
    m->asked[m->n++] = e;
    pthread_mutex_unlock(&m->lock);
}

static inline void manual_close(struct dns_backend *b)
{
    struct manual *m = (struct manual *)b;
    while (m->answered < m->n)
        dns_entry_finish(m->asked[m->answered++], dns_reply_empty(DNS_TIMEOUT, 0));
}

static inline size_t asked(void)
{
    pthread_mutex_lock(&manual.lock);
    size_t n = manual.n;
    pthread_mutex_unlock(&manual.lock);
    return n;
}

/* Answers the oldest open question. */
static inline void answer_with(const struct dns_answer *a)
{
    pthread_mutex_lock(&manual.lock);
    assert_true(manual.answered < manual.n);
    struct dns_entry *e = manual.asked[manual.answered++];
    pthread_mutex_unlock(&manual.lock);
    dns_entry_finish(e, dns_reply_new(a, DNS_TXT));
}

/* The same with one TXT record of `bytes` bytes, or without records. */
static inline void answer(enum dns_status status, uint32_t ttl, size_t bytes)
{
    struct dns_rr rr = {.text = {arena_alloc(arena, bytes), bytes}};
    answer_with(
        &(struct dns_answer){.status = status, .ttl = ttl, .rr = &rr, .n = status == DNS_ANSWER});
}

static inline void answer_text(struct str text)
{
    struct dns_rr rr = {.text = text};
    answer_with(&(struct dns_answer){.status = DNS_ANSWER, .ttl = 60, .rr = &rr, .n = 1});
}

static inline struct dns *open_manual(size_t bytes, unsigned max_in_flight)
{
    struct dns_limits limits = {.cache_bytes = bytes,
                                .max_ttl_s = 1000,
                                .negative_ttl_s = 60,
                                .failure_ttl_s = 5,
                                .max_in_flight = max_in_flight,
                                .now_us = test_clock};
    manual = (struct manual){.base = {.ask = manual_ask, .close = manual_close},
                             .lock = PTHREAD_MUTEX_INITIALIZER};
    return dns_new(&manual.base, &limits);
}

static inline int setup(void **state)
{
    (void)state;
    arena = arena_new(0);
    atomic_store(&test_now, 1000 * SECOND);
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

#endif
