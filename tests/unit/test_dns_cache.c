/* dns/cache and dns/dns: lifetimes, single flight, patience, what a message holds, the bounds. A
 * backend that answers when the test says so stands behind them. */
#include "dns_manual.h"

#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/counters.h"

#define THREADS 16

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
        assert_in_range(dns_cache_bytes(dns), 1000, 64 << 10);
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

static enum dns_status look_up(struct dns_asker *asker, const char *name)
{
    return dns_lookup(asker, str_of(name), DNS_TXT)->status;
}

static void what_is_ahead_of_need_has_a_bound(void **state)
{
    struct dns *dns = open_manual(1 << 20, 0);
    struct dns_asker asker = {.dns = dns, .arena = arena, .may_pend = true, .spare = 2};
    (void)state;
    assert_int_equal(status_of(dns, STR("known.example")), DNS_PENDING);
    dns_prefetch(&asker, STR("known.example"), DNS_TXT); /* costs nothing */
    dns_prefetch(&asker, STR("a.example"), DNS_TXT);
    dns_prefetch(&asker, STR("b.example"), DNS_TXT);
    dns_prefetch(&asker, STR("b.example"), DNS_TXT);
    assert_int_equal(asked(), 3);
    dns_prefetch(&asker, STR("c.example"), DNS_TXT);
    assert_int_equal(asked(), 3);
    /* What is needed is asked for, and what was ahead is not any more when it is needed. */
    assert_int_equal(look_up(&asker, "c.example"), DNS_PENDING);
    dns_start(&asker, STR("d.example"), DNS_TXT);
    assert_int_equal(asked(), 5);
    dns_prefetch(&asker, STR("e.example"), DNS_TXT);
    assert_int_equal(asked(), 5);
    assert_int_equal(look_up(&asker, "a.example"), DNS_PENDING);
    assert_int_equal(look_up(&asker, "a.example"), DNS_PENDING);
    dns_prefetch(&asker, STR("e.example"), DNS_TXT);
    dns_prefetch(&asker, STR("f.example"), DNS_TXT);
    assert_int_equal(asked(), 6);
    assert_int_equal(asker.queries, 5);
    dns_close(dns);
}

static void failures_are_asked_again_within_the_same_bound(void **state)
{
    struct dns *dns = open_manual(1 << 20, 0);
    struct dns_asker asker = {.dns = dns, .arena = arena, .may_pend = true, .spare = 2};
    (void)state;
    assert_int_equal(look_up(&asker, "a.example"), DNS_PENDING);
    for (unsigned again = 1; again <= 2; again++) {
        answer(DNS_SERVFAIL, 0, 0);
        assert_int_equal(look_up(&asker, "a.example"), DNS_SERVFAIL);
        atomic_fetch_add(&test_now, 6 * SECOND);
        dns_prefetch(&asker, STR("a.example"), DNS_TXT);
        assert_int_equal(asked(), again);
        assert_int_equal(look_up(&asker, "a.example"), DNS_PENDING);
        assert_int_equal(asked(), again + 1);
    }
    answer(DNS_SERVFAIL, 0, 0);
    atomic_fetch_add(&test_now, 6 * SECOND);
    assert_int_equal(look_up(&asker, "a.example"), DNS_SERVFAIL);
    dns_prefetch(&asker, STR("b.example"), DNS_TXT);
    assert_int_equal(asked(), 3);
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

/* What a message holds has a bound. What would go beyond it cannot be known, and is not held. */
static void held_answers_are_bounded(void **state)
{
    enum { SIZE = 10000, MOST = 64 << 10 };
    struct dns *dns = open_manual(16 << 10, 0); /* the cache keeps little of it */
    struct dns_asker asker = {.dns = dns, .arena = arena, .memory = MOST, .may_pend = true};
    struct str large = str_printf(arena, "large.example");
    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        struct str name = str_printf(arena, "n%u.example", i);
        dns_lookup(&asker, name, DNS_TXT);
        answer(DNS_ANSWER, 300, SIZE);
        enum dns_status status = dns_lookup(&asker, name, DNS_TXT)->status;
        assert_int_equal(status, i < MOST / (SIZE + 500) ? DNS_ANSWER : DNS_SERVFAIL);
    }
    assert_int_equal(asked(), 20); /* what is refused is not asked for again */
    /* Those that it holds stay, and so there is room for small ones. */
    assert_int_equal(dns_lookup(&asker, STR("n0.example"), DNS_TXT)->rr[0].text.n, SIZE);
    dns_prefetch(&asker, STR("small.example"), DNS_TXT);
    answer(DNS_ANSWER, 300, 10);
    assert_int_equal(dns_lookup(&asker, STR("small.example"), DNS_TXT)->status, DNS_ANSWER);
    /* One that alone is too large; and what was only prefetched counts, too. */
    dns_prefetch(&asker, large, DNS_TXT);
    answer(DNS_ANSWER, 300, MOST + 1);
    assert_int_equal(dns_lookup(&asker, large, DNS_TXT)->status, DNS_SERVFAIL);
    /* The next message has its own bound. */
    struct arena *a = arena_new(0);
    struct dns_asker next = {.dns = dns, .arena = a, .memory = 2 * MOST, .may_pend = true};
    dns_lookup(&next, large, DNS_TXT);
    answer(DNS_ANSWER, 300, MOST + 1);
    assert_int_equal(dns_lookup(&next, large, DNS_TXT)->status, DNS_ANSWER);
    arena_free(a);
    dns_close(dns);
}

/* Room that is set aside holds favoured answers, whatever fills the rest; larger ones have none of
 * it. */
static void favoured_answers_have_room(void **state)
{
    enum { MOST = 10000, ASIDE = 2000 };
    static const struct {
        const char *name;
        size_t size;
        bool favoured;
        enum dns_status want;
    } cases[] = {
        {"fills.example", MOST - 1000, false, DNS_ANSWER},
        {"other.example", 1000, false, DNS_SERVFAIL},
        {"policy.example", 1000, true, DNS_ANSWER},
        {"key.example", 1000, true, DNS_ANSWER},
        {"large.example", ASIDE, true, DNS_SERVFAIL}, /* with what an entry takes beside it */
        {"last.example", 1000, false, DNS_SERVFAIL},
    };
    struct dns *dns = open_manual(1 << 20, 0);
    struct dns_asker asker = {
        .dns = dns, .arena = arena, .memory = MOST, .set_aside = ASIDE, .may_pend = true};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        asker.favoured = cases[i].favoured;
        dns_lookup(&asker, str_of(cases[i].name), DNS_TXT);
        answer(DNS_ANSWER, 300, cases[i].size);
        assert_int_equal(dns_lookup(&asker, str_of(cases[i].name), DNS_TXT)->status, cases[i].want);
    }
    /* What was refused to another question has room when it is asked for by a favoured one. */
    asker.favoured = true;
    assert_int_equal(dns_lookup(&asker, STR("other.example"), DNS_TXT)->status, DNS_ANSWER);
    assert_int_equal(dns_lookup(&asker, STR("large.example"), DNS_TXT)->status, DNS_SERVFAIL);
    assert_int_equal(asked(), sizeof cases / sizeof *cases);
    dns_close(dns);
}

/* Bytes that malloc() has given out; 0 where a sanitizer has taken its place. */
static size_t allocated(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

/* A message may ask for much at once and then say nothing for a while: what comes is counted when
 * it comes, and what is too much is not held. */
static void what_comes_is_counted_at_once(void **state)
{
    enum { SIZE = 100000, MOST = 250000, N = 30 };
    struct dns *dns = open_manual(4096, 0);
    struct dns_asker asker = {.dns = dns, .arena = arena, .memory = MOST, .may_pend = true};
    struct dns_rr rr = {.text = {arena_alloc(arena, SIZE), SIZE}};
    struct dns_answer large = {.status = DNS_ANSWER, .ttl = 300, .rr = &rr, .n = 1};
    unsigned held = 0;
    (void)state;
    for (unsigned i = 0; i < N; i++)
        dns_start(&asker, str_printf(arena, "n%u.example", i), DNS_TXT);
    size_t before = allocated();
    while (manual.answered < manual.n)
        dns_entry_finish(manual.asked[manual.answered++], dns_reply_new(&large, DNS_TXT));
    assert_true(allocated() <= before + MOST + 20 * 1024);
    for (unsigned i = 0; i < N; i++)
        held +=
            dns_lookup(&asker, str_printf(arena, "n%u.example", i), DNS_TXT)->status == DNS_ANSWER;
    assert_int_equal(held, 2);
    assert_int_equal(asked(), N);
    dns_close(dns);
}

/* --- patience --- */

struct observer {
    unsigned ticks, events, begun, ended;
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

static void on_wait(void *context, bool begins)
{
    struct observer *o = context;
    assert_int_equal(o->begun, o->ended + !begins);
    o->begun += begins;
    o->ended += !begins;
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
                              .waits = on_wait,
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
    assert_int_equal(o.begun, 1); /* who had no patience left did not say that he waits */
    assert_int_equal(o.ended, 1);
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
    assert_int_equal(o.begun, 2);
    assert_int_equal(o.ended, 2);
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

static void *give_up_soon(void *dns)
{
    usleep(20000);
    dns_give_up(dns);
    return NULL;
}

static void who_waits_is_let_go_at_the_end(void **state)
{
    struct dns *dns = open_manual(1 << 20, 0);
    struct dns_asker asker = {.dns = dns, .arena = arena, .patience_us = 60 * SECOND};
    pthread_t thread;
    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, give_up_soon, dns), 0);
    assert_int_equal(dns_lookup(&asker, STR("a.example"), DNS_TXT)->status, DNS_TIMEOUT);
    assert_in_range(asker.waited_us, 10000, 30 * SECOND);
    pthread_join(thread, NULL);
    assert_int_equal(dns_lookup(&asker, STR("b.example"), DNS_TXT)->status, DNS_TIMEOUT);
    assert_in_range(asker.waited_us, 10000, 30 * SECOND);
    answer(DNS_ANSWER, 300, 1); /* what comes all the same is known */
    assert_int_equal(dns_lookup(&asker, STR("a.example"), DNS_TXT)->status, DNS_ANSWER);
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
        cmocka_unit_test_setup_teardown(what_is_ahead_of_need_has_a_bound, setup, teardown),
        cmocka_unit_test_setup_teardown(failures_are_asked_again_within_the_same_bound, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(no_name_is_nxdomain_without_a_query, setup, teardown),
        cmocka_unit_test_setup_teardown(what_comes_is_counted_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(held_answers_are_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(favoured_answers_have_room, setup, teardown),
        cmocka_unit_test_setup_teardown(patience, setup, teardown),
        cmocka_unit_test_setup_teardown(single_flight, setup, teardown),
        cmocka_unit_test_setup_teardown(too_many_under_way, setup, teardown),
        cmocka_unit_test_setup_teardown(who_waits_is_let_go_at_the_end, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
