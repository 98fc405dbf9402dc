/* dns/errand: what a message asks for goes on while it waits for nothing, and no further than that.
 */
#include "dns_manual.h"

#include <malloc.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

/* The clocks are the test's, so that no result depends on how fast the machine is: a thread has had
 * the time that work() says, and monotonic time stands still where a test wants it. */
static _Atomic int64_t worked_us, frozen_us, added_us;

static int64_t monotonic_us(void)
{
    int64_t us = atomic_load(&frozen_us);
    struct timespec t;
    if (!us) {
        syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
        us = (int64_t)t.tv_sec * SECOND + t.tv_nsec / 1000;
    }
    return us + atomic_load(&added_us);
}

int clock_gettime(clockid_t clock, struct timespec *t)
{
    if (clock != CLOCK_MONOTONIC && clock != CLOCK_THREAD_CPUTIME_ID)
        return (int)syscall(SYS_clock_gettime, clock, t);
    int64_t us = clock == CLOCK_MONOTONIC ? monotonic_us() : atomic_load(&worked_us);
    *t = (struct timespec){.tv_sec = us / SECOND, .tv_nsec = us % SECOND * 1000};
    return 0;
}

/* From now on monotonic time stands still, but for pass_time(). */
static void freeze(void)
{
    atomic_store(&frozen_us, monotonic_us() - atomic_load(&added_us));
}

static void pass_time(int64_t us)
{
    atomic_fetch_add(&added_us, us);
}

/* As setup, and what errands of other tests have had is paid. */
static int setup_paid(void **state)
{
    pass_time(3600 * SECOND);
    return setup(state);
}

/* An errand that walks from n0 to n1 and so on, as far as it is told. */
struct walk {
    unsigned length;
    unsigned work_us; /* processor time that a run takes */
    atomic_uint *runs, *found;
};

static void sleep_us(unsigned us)
{
    struct timespec nap = {.tv_nsec = (long)us * 1000};
    nanosleep(&nap, NULL);
}

static void work(unsigned us)
{
    atomic_fetch_add(&worked_us, (int64_t)us * ASSAY_SLOWNESS);
}

static void walk(struct dns_asker *asker, const void *facts)
{
    const struct walk *w = facts;
    atomic_fetch_add(w->runs, 1);
    work(w->work_us);
    for (unsigned i = 0; i < w->length; i++) {
        struct str name = str_printf(asker->arena, "n%u.example", i);
        if (dns_lookup(asker, name, DNS_TXT)->status == DNS_PENDING)
            return;
        atomic_store(w->found, i + 1);
    }
}

struct message {
    struct arena *arena;
    struct dns_asker asker;
    atomic_uint runs, found; /* its errand's; outlives it */
};

static void message_begin(struct message *m, struct dns *dns)
{
    *m = (struct message){.arena = arena_new(0)};
    m->asker = (struct dns_asker){.dns = dns, .arena = m->arena, .may_pend = true};
}

static void send_errand(struct message *m, unsigned length, unsigned work_us)
{
    struct dns_errand *errand = dns_errand_new(walk);
    struct walk *w = arena_make(errand->arena, struct walk);
    *w = (struct walk){length, work_us, &m->runs, &m->found};
    errand->facts = w;
    dns_errand_begin(errand, &m->asker);
}

/* The message asks for n0, which is not known yet, and sends the errand. */
static void message_sends(struct message *m, unsigned length, unsigned work_us)
{
    assert_int_equal(dns_lookup(&m->asker, STR("n0.example"), DNS_TXT)->status, DNS_PENDING);
    send_errand(m, length, work_us);
}

/* One message at a resolver of its own. */
static struct dns *begin(struct message *m, unsigned length, unsigned work_us)
{
    struct dns *dns = open_manual(1 << 20, 0);
    message_begin(m, dns);
    message_sends(m, length, work_us);
    return dns;
}

static void end(struct message *m, struct dns *dns)
{
    arena_free(m->arena);
    dns_close(dns);
}

static void goes_on_by_itself(void **state)
{
    struct message m;
    struct dns *dns = begin(&m, 3, 0);
    (void)state;
    assert_int_equal(m.runs, 0);
    for (unsigned i = 1; i <= 3; i++) {
        assert_int_equal(asked(), i);
        answer(DNS_ANSWER, 300, 1);
        assert_int_equal(m.found, i);
        assert_int_equal(m.runs, i);
    }
    assert_int_equal(asked(), 3);
    assert_int_equal(dns_lookup(&m.asker, STR("n2.example"), DNS_TXT)->status, DNS_ANSWER);
    end(&m, dns);
}

/* With a TTL of 0 the cache keeps nothing: what the errand got is the message's. */
static void asks_nothing_twice(void **state)
{
    struct message m;
    struct dns *dns = begin(&m, 3, 0);
    (void)state;
    for (unsigned i = 0; i < 3; i++)
        answer(DNS_ANSWER, 0, 1);
    assert_int_equal(asked(), 3);
    for (unsigned i = 0; i < 3; i++) {
        struct str name = str_printf(arena, "n%u.example", i);
        assert_int_equal(dns_lookup(&m.asker, name, DNS_TXT)->status, DNS_ANSWER);
    }
    assert_int_equal(asked(), 3);
    end(&m, dns);
}

static void ends_with_its_message(void **state)
{
    struct message m;
    struct dns *dns = begin(&m, 3, 0);
    (void)state;
    answer(DNS_ANSWER, 300, 1);
    assert_int_equal(asked(), 2);
    arena_reset(m.arena);
    answer(DNS_ANSWER, 300, 1);
    assert_int_equal(asked(), 2);
    assert_int_equal(m.runs, 1);
    end(&m, dns);
}

/* An errand waits for an answer that may take seconds, and its message may be over at once: then it
 * keeps nothing of what that held. */
static void keeps_nothing_of_a_message_that_is_over(void **state)
{
    enum { SIZE = 2000000 };
    struct message m;
    struct dns *dns = open_manual(4096, 0); /* the cache does not keep it */
    (void)state;
    message_begin(&m, dns);
    dns_start(&m.asker, STR("large.example"), DNS_TXT);
    answer(DNS_ANSWER, 300, SIZE);
    message_sends(&m, 3, 0);
    size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    arena_reset(m.arena);
    size_t after = mallinfo2().uordblks + mallinfo2().hblkhd;
    assert_true(before == 0 || after + SIZE / 2 < before); /* 0: a sanitizer's malloc() */
    answer(DNS_ANSWER, 300, 1);
    assert_int_equal(m.runs, 0);
    end(&m, dns);
}

static void a_failure_is_an_answer(void **state)
{
    struct message m;
    struct dns *dns = begin(&m, 2, 0);
    (void)state;
    answer(DNS_SERVFAIL, 0, 0);
    assert_int_equal(asked(), 2);
    answer(DNS_TIMEOUT, 0, 0);
    assert_int_equal(m.found, 2);
    end(&m, dns);
}

/* And the only one that the errand takes, though the cache has let go of it. */
static void a_failure_is_final(void **state)
{
    struct message m;
    struct dns *dns = begin(&m, 3, 0);
    (void)state;
    answer(DNS_SERVFAIL, 0, 0);
    atomic_fetch_add(&test_now, 10 * SECOND);
    answer(DNS_ANSWER, 300, 1);
    assert_int_equal(m.found, 2);
    assert_int_equal(asked(), 3);
    answer(DNS_ANSWER, 300, 1);
    assert_int_equal(m.found, 3);
    /* The message itself asks once more. */
    assert_int_equal(dns_lookup(&m.asker, STR("n0.example"), DNS_TXT)->status, DNS_PENDING);
    assert_int_equal(asked(), 4);
    end(&m, dns);
}

static void no_large_answers(void **state)
{
    struct message m;
    struct dns *dns = begin(&m, 3, 0);
    (void)state;
    answer(DNS_ANSWER, 300, 9000);
    assert_int_equal(m.runs, 1);
    assert_int_equal(m.found, 0);
    assert_int_equal(asked(), 1);
    assert_int_equal(dns_lookup(&m.asker, STR("n0.example"), DNS_TXT)->status, DNS_ANSWER);
    end(&m, dns);
}

/* An errand runs as long as it has had no more than a millisecond. */
static void no_long_work(void **state)
{
    const struct {
        unsigned work_us, runs;
    } cases[] = {{1001, 1}, {1000, 2}, {500, 3}, {0, 8}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct message m;
        struct dns *dns = begin(&m, 9, cases[i].work_us);
        for (unsigned k = 0; k < 8 && manual.answered < asked(); k++)
            answer(DNS_ANSWER, 300, 1);
        assert_int_equal(m.runs, cases[i].runs);
        assert_int_equal(asked(), cases[i].runs + 1);
        end(&m, dns);
    }
}

/* The answer came between the look-up and the errand: it runs at once. */
static void nothing_is_lacking(void **state)
{
    struct dns *dns = open_manual(1 << 20, 0);
    struct message m;
    (void)state;
    struct dns_asker before = {.dns = dns, .arena = arena};
    dns_prefetch(&before, STR("n0.example"), DNS_TXT);
    answer(DNS_ANSWER, 300, 1);
    message_begin(&m, dns);
    assert_int_equal(dns_lookup(&m.asker, STR("n1.example"), DNS_TXT)->status, DNS_PENDING);
    answer(DNS_ANSWER, 300, 1);
    send_errand(&m, 3, 0);
    assert_int_equal(m.runs, 1);
    assert_int_equal(m.found, 2);
    assert_int_equal(asked(), 3);
    /* And one whose asker lacks nothing at all does not begin. */
    struct arena *a = arena_new(0);
    struct dns_asker other = {.dns = dns, .arena = a};
    dns_errand_begin(dns_errand_new(walk), &other);
    arena_free(a);
    end(&m, dns);
}

/* Not more than so many: the others are not sent, and their messages ask for themselves. */
static void a_crowd(void **state)
{
    enum { MESSAGES = 1100 };
    struct dns *dns = open_manual(16 << 20, 0);
    struct message *m = arena_array(arena, struct message, MESSAGES);
    (void)state;
    unsigned runs = 0;
    for (size_t i = 0; i < MESSAGES; i++) {
        message_begin(&m[i], dns);
        message_sends(&m[i], 2, 0);
    }
    assert_int_equal(asked(), 1);
    answer(DNS_ANSWER, 300, 1);
    for (size_t i = 0; i < MESSAGES; i++)
        runs += m[i].runs;
    assert_int_equal(runs, 1024);
    assert_int_equal(asked(), 2);
    answer(DNS_ANSWER, 300, 1);
    /* Their places are free again. */
    struct message last;
    message_begin(&last, dns);
    atomic_fetch_add(&test_now, 400 * SECOND);
    message_sends(&last, 1, 0);
    answer(DNS_ANSWER, 300, 1);
    assert_int_equal(last.runs, 1);
    arena_free(last.arena);
    for (size_t i = 0; i < MESSAGES; i++)
        arena_free(m[i].arena);
    dns_close(dns);
}

/* A message with an errand of half a millisecond, and its answer: how often it ran. */
static unsigned runs_of_one(struct dns *dns)
{
    struct message m;
    message_begin(&m, dns);
    atomic_fetch_add(&test_now, 400 * SECOND); /* the answer of the one before is forgotten */
    message_sends(&m, 1, 500);
    answer(DNS_ANSWER, 300, 1);
    unsigned runs = m.runs;
    arena_free(m.arena);
    return runs;
}

/* Each within its share, and still too many to keep all others waiting: half a millisecond is paid
 * for with four, and 200 may be owed. */
static void no_long_work_together(void **state)
{
    enum { MESSAGES = 1000 };
    struct dns *dns = open_manual(16 << 20, 0);
    struct message *m = arena_array(arena, struct message, MESSAGES);
    (void)state;
    unsigned runs = 0;
    freeze();
    for (size_t i = 0; i < MESSAGES; i++) {
        message_begin(&m[i], dns);
        message_sends(&m[i], 1, 500);
    }
    answer(DNS_ANSWER, 300, 1);
    for (size_t i = 0; i < MESSAGES; i++)
        runs += m[i].runs;
    assert_int_equal(runs, 51);
    pass_time(3999);
    assert_int_equal(runs_of_one(dns), 0);
    pass_time(1);
    assert_int_equal(runs_of_one(dns), 1);
    assert_int_equal(runs_of_one(dns), 0);
    pass_time(3600 * SECOND); /* what was not used is not saved */
    for (runs = 0; runs < MESSAGES && runs_of_one(dns) > 0; runs++)
        continue;
    assert_int_equal(runs, 51);
    atomic_store(&frozen_us, 0);
    for (size_t i = 0; i < MESSAGES; i++)
        arena_free(m[i].arena);
    dns_close(dns);
}

/* The end of the resolver is the end of its errands; what they ask for then is not sent. */
static void closing(void **state)
{
    struct message m;
    struct dns *dns = begin(&m, 5, 0);
    (void)state;
    answer(DNS_ANSWER, 300, 1);
    assert_int_equal(asked(), 2);
    dns_close(dns);
    assert_int_equal(asked(), 2);
    assert_int_equal(m.runs, 2);
    assert_int_equal(m.found, 5);
    arena_free(m.arena);
}

/* --- with threads, for TSan: answers come while messages ask, wait and end --- */

struct play {
    struct dns *dns;
    struct message messages[60];
    unsigned wrong;
};

static void play_one(struct play *p, struct message *m, unsigned i)
{
    struct arena *own = arena_new(0);
    message_begin(m, p->dns);
    if (dns_lookup(&m->asker, STR("n0.example"), DNS_TXT)->status == DNS_PENDING)
        send_errand(m, 4, 0);
    sleep_us(200 * (i % 7));
    m->asker.patience_us = 20 * SECOND;
    for (unsigned k = 0; k < 4 && i % 2; k++) {
        struct str name = str_printf(own, "n%u.example", k);
        p->wrong += dns_lookup(&m->asker, name, DNS_TXT)->status != DNS_ANSWER;
    }
    arena_free(m->arena);
    arena_free(own);
}

static void *play(void *arg)
{
    struct play *p = arg;
    for (unsigned i = 0; i < 60; i++)
        play_one(p, &p->messages[i], i);
    return NULL;
}

static atomic_bool over;

static void *answer_all(void *unused)
{
    (void)unused;
    while (!atomic_load(&over)) {
        if (asked() > manual.answered)
            answer(DNS_ANSWER, 0, 1);
        sleep_us(20);
    }
    return NULL;
}

static void threads(void **state)
{
    enum { PLAYERS = 8 };
    struct play *plays = arena_array(arena, struct play, PLAYERS);
    pthread_t players[PLAYERS], answerer;
    struct dns *dns = open_manual(1 << 20, 0);
    (void)state;
    assert_int_equal(pthread_create(&answerer, NULL, answer_all, NULL), 0);
    for (size_t i = 0; i < PLAYERS; i++) {
        plays[i].dns = dns;
        assert_int_equal(pthread_create(&players[i], NULL, play, &plays[i]), 0);
    }
    for (size_t i = 0; i < PLAYERS; i++) {
        pthread_join(players[i], NULL);
        assert_int_equal(plays[i].wrong, 0);
    }
    atomic_store(&over, true);
    pthread_join(answerer, NULL);
    dns_close(dns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(goes_on_by_itself, setup_paid, teardown),
        cmocka_unit_test_setup_teardown(asks_nothing_twice, setup_paid, teardown),
        cmocka_unit_test_setup_teardown(ends_with_its_message, setup_paid, teardown),
        cmocka_unit_test_setup_teardown(keeps_nothing_of_a_message_that_is_over, setup_paid,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_failure_is_an_answer, setup_paid, teardown),
        cmocka_unit_test_setup_teardown(a_failure_is_final, setup_paid, teardown),
        cmocka_unit_test_setup_teardown(no_large_answers, setup_paid, teardown),
        cmocka_unit_test_setup_teardown(no_long_work, setup_paid, teardown),
        cmocka_unit_test_setup_teardown(nothing_is_lacking, setup_paid, teardown),
        cmocka_unit_test_setup_teardown(a_crowd, setup_paid, teardown),
        cmocka_unit_test_setup_teardown(closing, setup_paid, teardown),
        cmocka_unit_test_setup_teardown(threads, setup_paid, teardown),
        cmocka_unit_test_setup_teardown(no_long_work_together, setup_paid, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
