/* dns/cache and dns/dns: lifetimes, single flight, patience, what a message holds, the bounds. A
 * backend that answers when the test says so stands behind them. */
#include "test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/counters.h"
#include "dns/cache.h"

#define SECOND    INT64_C(1000000)
#define ASKED_MAX 4096
#define THREADS   16

static struct arena *arena;
static _Atomic int64_t test_now; /* the clock that ages entries */

static int64_t test_clock(void)
{
    return atomic_load(&test_now);
}

/* --- the backend: notes who asks; the test answers --- */

struct manual {
    struct dns_backend base;
    pthread_mutex_t lock;
    struct dns_entry *asked[ASKED_MAX];
    size_t n, answered;
};

static struct manual manual;

static void manual_ask(struct dns_backend *b, struct dns_entry *e)
{
    struct manual *m = (struct manual *)b;
    pthread_mutex_lock(&m->lock);
    assert_true(m->n < ASKED_MAX);
    m->asked[m->n++] = e;
    pthread_mutex_unlock(&m->lock);
}

static void manual_close(struct dns_backend *b)
{
    struct manual *m = (struct manual *)b;
    while (m->answered < m->n)
        dns_entry_finish(m->asked[m->answered++], dns_reply_empty(DNS_TIMEOUT, 0));
}

static size_t asked(void)
{
    pthread_mutex_lock(&manual.lock);
    size_t n = manual.n;
    pthread_mutex_unlock(&manual.lock);
    return n;
}

/* Answers the oldest open question with one TXT record of `bytes` bytes, or without records. */
static void answer(enum dns_status status, uint32_t ttl, size_t bytes)
{
    struct dns_rr rr = {.text = {arena_alloc(arena, bytes), bytes}};
    struct dns_answer a = {.status = status, .ttl = ttl, .rr = &rr, .n = status == DNS_ANSWER};
    pthread_mutex_lock(&manual.lock);
    assert_true(manual.answered < manual.n);
    struct dns_entry *e = manual.asked[manual.answered++];
    pthread_mutex_unlock(&manual.lock);
    dns_entry_finish(e, dns_reply_new(&a, DNS_TXT));
}

static struct dns *open_manual(size_t bytes, unsigned max_in_flight)
{
    struct dns_limits limits = {.cache_bytes = bytes,
                                .max_ttl_s = 1000,
                                .negative_ttl_s = 60,
                                .failure_ttl_s = 5,
                                .max_in_flight = max_in_flight,
                                .now_us = test_clock};
    manual = (struct manual){.base = {manual_ask, manual_close}, .lock = PTHREAD_MUTEX_INITIALIZER};
    return dns_new(&manual.base, &limits);
}

static int setup(void **state)
{
    (void)state;
    arena = arena_new(0);
    atomic_store(&test_now, 1000 * SECOND);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

/* The status that a message which does not wait gets. */
static enum dns_status status_of(struct dns *dns, struct str name)
{
    struct dns_asker asker = {.dns = dns, .arena = arena, .may_pend = true};
    return dns_lookup(&asker, name, DNS_TXT)->status;
}

/* --- lifetimes --- */

static void lifetimes(void **state)
{
    static const struct {
        enum dns_status status;
        uint32_t ttl;
        int64_t kept_s; /* 0: not at all */
    } cases[] = {
        {DNS_ANSWER, 300, 300}, {DNS_ANSWER, 5000, 1000}, {DNS_ANSWER, 0, 0},
        {DNS_NXDOMAIN, 30, 30}, {DNS_NXDOMAIN, 3600, 60}, {DNS_NODATA, 3600, 60},
        {DNS_NODATA, 0, 0},     {DNS_SERVFAIL, 0, 5},     {DNS_TIMEOUT, 100, 5},
        {DNS_BOGUS, 0, 5},
    };
    struct dns *dns = open_manual(1 << 20, 0);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct str name = str_printf(arena, "n%zu.example", i);
        size_t before = asked();
        assert_int_equal(status_of(dns, name), DNS_PENDING);
        answer(cases[i].status, cases[i].ttl, 10);
        if (cases[i].kept_s) {
            atomic_fetch_add(&test_now, cases[i].kept_s * SECOND - 1);
            assert_int_equal(status_of(dns, name), cases[i].status);
            assert_int_equal(asked(), before + 1);
            atomic_fetch_add(&test_now, 1);
        }
        assert_int_equal(status_of(dns, name), DNS_PENDING);
        assert_int_equal(asked(), before + 2);
        answer(DNS_ANSWER, 1, 10);
    }
    dns_close(dns);
}

static void questions_differ_by_type_and_not_by_case(void **state)
{
    struct dns *dns = open_manual(1 << 20, 0);
    struct dns_asker asker = {.dns = dns, .arena = arena};
    (void)state;
    dns_prefetch(&asker, STR("Example.com"), DNS_A);
    dns_prefetch(&asker, STR("example.COM."), DNS_A);
    assert_int_equal(asked(), 1);
    dns_prefetch(&asker, STR("example.com"), DNS_AAAA);
    dns_prefetch(&asker, STR("xexample.com"), DNS_A);
    assert_int_equal(asked(), 3);
    assert_int_equal(asker.queries, 3);
    assert_int_equal(asker.lookups, 0);
    dns_close(dns);
}

static void eviction_keeps_the_bound(void **state)
{
    struct dns *dns = open_manual(64 << 10, 0);
    uint64_t evicted = counter_get(CTR_DNS_EVICTED);
    (void)state;
    for (size_t i = 0; i < 500; i++) {
        status_of(dns, str_printf(arena, "n%zu.example", i));
        answer(DNS_ANSWER, 300, 1000);
        assert_true(dns_cache_bytes(dns) <= 64 << 10);
        arena_reset(arena);
    }
    assert_true(counter_get(CTR_DNS_EVICTED) > evicted + 300);
    dns_close(dns);
}

/* --- what a message holds --- */

static void a_message_sees_one_answer(void **state)
{
    struct dns *dns = open_manual(1 << 20, 0);
    struct dns_asker asker = {.dns = dns, .arena = arena};
    (void)state;
    dns_prefetch(&asker, STR("a.example"), DNS_TXT);
    answer(DNS_ANSWER, 0, 3);
    const struct dns_answer *first = dns_lookup(&asker, STR("a.example"), DNS_TXT);
    assert_int_equal(first->status, DNS_ANSWER);
    assert_ptr_equal(dns_lookup(&asker, STR("A.example."), DNS_TXT), first);
    assert_int_equal(asked(), 1);
    assert_int_equal(asker.lookups, 2);
    assert_int_equal(asker.queries, 1);
    /* The next message asks anew: the TTL was 0. */
    assert_int_equal(status_of(dns, STR("a.example")), DNS_PENDING);
    assert_int_equal(asked(), 2);
    dns_close(dns);
    /* The answer outlives even the resolver, until the arena goes. */
    assert_int_equal(first->rr[0].text.n, 3);
}

static void a_failure_is_asked_again_when_the_cache_let_go(void **state)
{
    struct dns *dns = open_manual(1 << 20, 0);
    struct dns_asker asker = {.dns = dns, .arena = arena, .may_pend = true};
    (void)state;
    dns_prefetch(&asker, STR("a.example"), DNS_TXT);
    answer(DNS_SERVFAIL, 0, 0);
    assert_int_equal(dns_lookup(&asker, STR("a.example"), DNS_TXT)->status, DNS_SERVFAIL);
    atomic_fetch_add(&test_now, 6 * SECOND);
    assert_int_equal(dns_lookup(&asker, STR("a.example"), DNS_TXT)->status, DNS_PENDING);
    answer(DNS_ANSWER, 300, 1);
    assert_int_equal(dns_lookup(&asker, STR("a.example"), DNS_TXT)->status, DNS_ANSWER);
    dns_close(dns);
}

static void no_name_is_nxdomain_without_a_query(void **state)
{
    static const char *const names[] = {"", ".", "a..b", ".a"};
    struct dns *dns = open_manual(1 << 20, 0);
    struct dns_asker asker = {.dns = dns, .arena = arena};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        dns_prefetch(&asker, str_of(names[i]), DNS_A);
        assert_int_equal(dns_lookup(&asker, str_of(names[i]), DNS_A)->status, DNS_NXDOMAIN);
    }
    assert_int_equal(asked(), 0);
    assert_int_equal(asker.lookups, 4);
    dns_close(dns);
}

/* --- patience --- */

struct observer {
    unsigned ticks, events;
    struct dns_event last;
    bool answer_at_tick;
};

static void on_tick(void *context)
{
    struct observer *o = context;
    o->ticks++;
    if (o->answer_at_tick)
        answer(DNS_ANSWER, 300, 1);
}

static void on_event(void *context, const struct dns_event *event)
{
    struct observer *o = context;
    o->events++;
    o->last = *event;
}

static void patience(void **state)
{
    struct dns *dns = open_manual(1 << 20, 0);
    struct observer o = {.answer_at_tick = true};
    struct dns_asker asker = {.dns = dns,
                              .arena = arena,
                              .patience_us = 50000,
                              .waiting = on_tick,
                              .waiting_context = &o,
                              .trace = on_event,
                              .trace_context = &o};
    (void)state;
    /* It runs out: time-out, or pending where the asker says so, which is not an event. */
    assert_int_equal(dns_lookup(&asker, STR("a.example"), DNS_TXT)->status, DNS_TIMEOUT);
    assert_in_range(asker.waited_us, 50000, 3000000);
    assert_int_equal(asker.patience_us, 0);
    assert_int_equal(o.events, 1);
    assert_in_range(o.last.waited_us, 50000, 3000000);
    assert_false(o.last.from_cache);
    int64_t waited = asker.waited_us;
    assert_int_equal(dns_lookup(&asker, STR("a.example"), DNS_TXT)->status, DNS_TIMEOUT);
    asker.may_pend = true;
    assert_int_equal(dns_lookup(&asker, STR("a.example"), DNS_TXT)->status, DNS_PENDING);
    assert_in_range(asker.waited_us - waited, 0,
                    2000); /* did not wait: two readings of the clock */
    assert_int_equal(o.events, 2);
    /* About once a second the asker hears of it, with no lock held: it may even answer there. */
    asker.patience_us = 20 * SECOND;
    assert_int_equal(dns_lookup(&asker, STR("a.example"), DNS_TXT)->status, DNS_ANSWER);
    assert_int_equal(o.ticks, 1);
    assert_false(o.last.from_cache);
    assert_in_range(asker.patience_us, 10 * SECOND, 19 * SECOND);
    /* What is known costs no patience. */
    int64_t left = asker.patience_us;
    assert_int_equal(dns_lookup(&asker, STR("a.example"), DNS_TXT)->status, DNS_ANSWER);
    assert_int_equal(asker.patience_us, left);
    assert_int_equal(o.events, 4);
    assert_true(o.last.from_cache);
    assert_str(o.last.name, "a.example");
    dns_close(dns);
}

/* --- many at once --- */

struct crowd {
    struct dns *dns;
    atomic_uint sent, answers;
};

static void *ask_with_the_crowd(void *arg)
{
    struct crowd *crowd = arg;
    for (unsigned i = 0; i < 50; i++) {
        char name[32];
        struct arena *a = arena_new(0);
        struct dns_asker asker = {.dns = crowd->dns, .arena = a, .patience_us = 30 * SECOND};
        int n = snprintf(name, sizeof name, "n%u.example", i);
        const struct dns_answer *got = dns_lookup(&asker, (struct str){name, (size_t)n}, DNS_TXT);
        if (got->status == DNS_ANSWER && got->rr[0].text.n == 1)
            atomic_fetch_add(&crowd->answers, 1);
        atomic_fetch_add(&crowd->sent, asker.queries);
        arena_free(a);
    }
    return NULL;
}

static void single_flight(void **state)
{
    struct crowd crowd = {.dns = open_manual(1 << 20, 0)};
    pthread_t threads[THREADS];
    int64_t began = clock_us();
    (void)state;
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_with_the_crowd, &crowd), 0);
    for (unsigned answered = 0; answered < 50;) {
        if (asked() > answered) {
            usleep(300); /* some join */
            answer(DNS_ANSWER, 300, 1);
            answered++;
        }
        usleep(50);
    }
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(crowd.answers, THREADS * 50);
    assert_true(clock_us() - began < 20 * SECOND); /* woken, not found out at the next tick */
    assert_int_equal(crowd.sent, 50);
    assert_int_equal(asked(), 50);
    dns_close(crowd.dns);
}

static void too_many_under_way(void **state)
{
    struct dns *dns = open_manual(1 << 20, 2);
    uint64_t refused = counter_get(CTR_DNS_REFUSED);
    (void)state;
    assert_int_equal(status_of(dns, STR("a.example")), DNS_PENDING);
    assert_int_equal(status_of(dns, STR("b.example")), DNS_PENDING);
    assert_int_equal(status_of(dns, STR("c.example")), DNS_SERVFAIL);
    assert_int_equal(counter_get(CTR_DNS_REFUSED), refused + 1);
    assert_int_equal(asked(), 2);
    assert_int_equal(status_of(dns, STR("a.example")), DNS_PENDING); /* joins */
    answer(DNS_ANSWER, 300, 1);
    assert_int_equal(status_of(dns, STR("c.example")), DNS_PENDING); /* there is room again */
    assert_int_equal(asked(), 3);
    dns_close(dns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lifetimes, setup, teardown),
        cmocka_unit_test_setup_teardown(questions_differ_by_type_and_not_by_case, setup, teardown),
        cmocka_unit_test_setup_teardown(eviction_keeps_the_bound, setup, teardown),
        cmocka_unit_test_setup_teardown(a_message_sees_one_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(a_failure_is_asked_again_when_the_cache_let_go, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(no_name_is_nxdomain_without_a_query, setup, teardown),
        cmocka_unit_test_setup_teardown(patience, setup, teardown),
        cmocka_unit_test_setup_teardown(single_flight, setup, teardown),
        cmocka_unit_test_setup_teardown(too_many_under_way, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
