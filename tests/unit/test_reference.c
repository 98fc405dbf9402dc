/* reference: workers that misbehave. Each has its status in its time, and leaves no process and no
 * descriptor behind. */
#include "reference_rig.h"

#include <pthread.h>

#include "reference/pool.h"

#define LIMIT_MS 600
#define THREADS  8

static const char zone[] = "example.org. A 192.0.2.1\n"
                           "slow.example. A 192.0.2.1\nslow.example. DELAY 1800ms\n"
                           "record.example. TXT \"other\"\n"
                           "record.example. TXT \"V=SPF1  +a x=y -ALL mx\"\n"
                           "down.example. SERVFAIL\n"
                           "bad.example. TXT \"v=spf1 nonsense\"\n";

static struct rig started(unsigned workers)
{
    struct rig r = rig_open(zone);
    struct str problem;
    if (!rig_start(&r, program_as(&r, "worker"), workers, LIMIT_MS, &problem))
        fail_msg("%.*s", STR_ARG(problem));
    return r;
}

/* After each the next question has its answer all the same. */
static void misbehaviour_is_a_status(void **state)
{
    static const struct {
        const char *mode, *status, *reason;
    } cases[] = {
        {"good", "answered", ""},
        {"silent", "timed out", "libspf2 took more than 600 ms"},
        {"drip", "timed out", "libspf2 took more than 600 ms"},
        {"huge", "crashed", "the worker said what it may not"},
        {"die", "crashed", "the worker ended with status 7"},
        {"abort", "crashed", "the worker was ended by SIGABRT"},
        {"die-midway", "crashed", "the worker ended with status 7"},
        {"garbage", "crashed", "the worker said what it may not"},
        {"curious", "refused", "libspf2 is not given more than 128 look-ups"},
        {"endless", "crashed", "the worker had more than 1024 questions"},
        {"hostile-names", "answered", ""},
        {"type", "crashed", "the worker said what it may not"},
        {"double", "crashed", "the worker said what it may not"},
        {"beyond", "crashed", "the worker said what it may not"},
        {"other-library", "crashed", "the worker said what it may not"},
        {"refuse", "refused", "not today\\x0a"},
        {"record", "answered", ""},
        {"bad-record", "refused",
         "libspf2 is not given the record of bad.example: \"nonsense\" is no mechanism that "
         "exists"},
    };
    (void)state;
    struct rig r = started(8);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t us;
        const char *status = rig_ask(&r, cases[i].mode, &us);
        if (strcmp(status, cases[i].status) != 0)
            print_error("%s: %s\n", cases[i].mode, status);
        assert_string_equal(status, cases[i].status);
        assert_str(r.report.reason, cases[i].reason);
        assert_true(us < LIMIT_MS * 1000 + LATE_US);
        if (r.report.status == REFERENCE_ANSWERED)
            assert_int_equal(r.out.result, SPF_PASS);
        assert_string_equal(rig_ask(&r, "good", NULL), "answered");
        assert_int_equal(r.out.result, SPF_PASS);
        assert_str(r.out.mechanism, "-all\\x0a");
        assert_false(has_zombie());
    }
    rig_close(&r);
}

static void a_program_that_is_none(void **state)
{
    static const char *const cases[][2] = {
        {"stranger", "is not of this version"},
        {"quitter", "quitter ended with status 0 before it was ready"},
        {"mute", "does not become ready"},
    };
    (void)state;
    struct rig r = rig_open(zone);
    struct str problem;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *program = program_as(&r, cases[i][0]);
        assert_false(rig_start(&r, program, 2, LIMIT_MS, &problem));
        assert_true(str_ends_nocase(problem, str_of(cases[i][1])));
    }
    assert_false(rig_start(&r, "/nonexistent/worker", 2, LIMIT_MS, &problem));
    assert_str(problem, "there is no /nonexistent/worker: install assay-reference");
    rig_close(&r);
}

static void the_libraries_have_versions(void **state)
{
    (void)state;
    struct rig r = started(1);
    assert_string_equal(reference_library_version(r.reference, REFERENCE_LIBSPF2), "libspf2 1");
    assert_string_equal(reference_library_version(r.reference, REFERENCE_LIBOPENDMARC),
                        "libopendmarc 3");
    rig_close(&r);
}

static void time_in_dns_does_not_count(void **state)
{
    (void)state;
    struct rig r = started(1);
    assert_string_equal(rig_ask(&r, "slow-name", NULL), "answered");
    assert_int_equal(r.report.questions, 1);
    assert_true(r.report.took_us < LIMIT_MS * 1000);
    rig_close(&r);
}

static void count(void *context)
{
    ++*(unsigned *)context;
}

static void the_mta_is_told_to_be_patient(void **state)
{
    (void)state;
    struct rig r = rig_open(zone);
    struct str problem;
    unsigned ticks = 0;
    r.asker.waiting = count;
    r.asker.waiting_context = &ticks;
    assert_true(rig_start(&r, program_as(&r, "worker"), 1, 2500, &problem));
    assert_string_equal(rig_ask(&r, "silent", NULL), "timed out");
    assert_int_equal(ticks, 2);
    rig_close(&r);
}

static void what_is_no_name_is_not_asked(void **state)
{
    (void)state;
    struct rig r = started(1);
    assert_string_equal(rig_ask(&r, "hostile-names", NULL), "answered");
    assert_int_equal(r.out.result, SPF_PASS);
    assert_int_equal(r.report.questions, 7);
    assert_int_equal(r.asker.lookups, 0);
    rig_close(&r);
}

static void a_lookup_that_failed_is_told(void **state)
{
    (void)state;
    struct rig r = started(1);
    assert_string_equal(rig_ask(&r, "doubt", NULL), "answered");
    assert_int_equal(r.out.result, SPF_PASS);
    assert_true(r.report.unknown);
    assert_string_equal(rig_ask(&r, "record", NULL), "answered");
    assert_false(r.report.unknown);
    rig_close(&r);
}

/* ---- workers that end ---- */

static void workers_renew_themselves(void **state)
{
    (void)state;
    struct rig r = started(1);
    for (unsigned i = 0; i < 20; i++) {
        const char *status = rig_ask(&r, "batch", NULL);
        /* One worker, and more renewals than the pace allows: it may not be there yet. */
        if (r.report.status != REFERENCE_BUSY)
            assert_string_equal(status, "answered");
    }
    assert_true(rig_starts(&r) > 1);
    assert_false(has_zombie());
    rig_close(&r);
}

/* It does as it is told, and does not think of ending. */
static void a_worker_is_ended_after_its_jobs(void **state)
{
    (void)state;
    struct rig r = started(1);
    for (unsigned i = 0; i < POOL_WORKER_JOBS; i++) {
        assert_int_equal(rig_starts(&r), 1);
        assert_string_equal(rig_ask(&r, "good", NULL), "answered");
    }
    assert_string_equal(rig_ask(&r, "good", NULL), "answered");
    assert_int_equal(rig_starts(&r), 2);
    assert_false(has_zombie());
    rig_close(&r);
}

static void an_idle_worker_is_killed(void **state)
{
    (void)state;
    struct rig r = started(1);
    assert_string_equal(rig_ask(&r, "good", NULL), "answered");
    kill_child(child(0));
    while (rig_starts(&r) < 2) /* without being asked for */
        usleep(1000);
    assert_string_equal(rig_ask(&r, "good", NULL), "answered");
    assert_false(has_zombie());
    rig_close(&r);
}

static void kill_children(void *context, const struct dns_event *event)
{
    (void)context;
    (void)event;
    kill_child(child(0));
}

static void a_worker_is_killed_in_its_job(void **state)
{
    (void)state;
    struct rig r = started(1);
    r.asker.trace = kill_children;
    assert_string_equal(rig_ask(&r, "die-midway", NULL), "crashed");
    assert_str(r.report.reason, "the worker was ended by SIGKILL");
    r.asker.trace = NULL;
    assert_string_equal(rig_ask(&r, "good", NULL), "answered");
    rig_close(&r);
}

/* Two seconds of crashes: a start for each place, one more, and four in a second. */
static void crashes_make_no_storm(void **state)
{
    (void)state;
    struct rig r = started(2);
    int64_t began = clock_us();
    unsigned crashes = 0;
    while (clock_us() - began < 2000000)
        crashes += strcmp(rig_ask(&r, "die", NULL), "crashed") == 0;
    int64_t passed = clock_us() - began;
    assert_true(crashes > 2);
    assert_true((int64_t)rig_starts(&r) <= 3 + 1 + passed / 250000);
    rig_close(&r);
}

static void a_program_that_is_gone(void **state)
{
    (void)state;
    struct rig r = started(2);
    int64_t us;
    assert_string_equal(rig_ask(&r, "good", NULL), "answered");
    assert_int_equal(unlink(str_printf(r.arena, "%.*s/worker", STR_ARG(r.folder)).p), 0);
    for (unsigned i = 0; i < 4 && r.report.status != REFERENCE_ABSENT; i++)
        rig_ask(&r, "die", NULL);
    assert_string_equal(rig_ask(&r, "good", &us), "absent");
    assert_str(r.report.reason, "no worker can be started");
    assert_true(us < LIMIT_MS * 1000);
    program_as(&r, "worker"); /* installed again */
    while (strcmp(rig_ask(&r, "good", NULL), "absent") == 0)
        usleep(10000);
    assert_string_equal(rig_ask(&r, "good", NULL), "answered");
    rig_close(&r);
}

/* ---- many threads ---- */

struct thread {
    pthread_t id;
    struct rig *rig;
    unsigned index, questions, answered, busy;
};

static void *ask_often(void *arg)
{
    static const char *const modes[] = {"good",   "good", "batch", "good",
                                        "record", "die",  "good",  "hostile-names"};
    struct thread *t = arg;
    struct rig r = *t->rig;
    r.arena = arena_new(0);
    r.asker.arena = r.arena;
    r.asker.answers = NULL;
    for (unsigned i = 0; i < t->questions; i++) {
        rig_ask(&r, modes[(t->index + i) % (sizeof modes / sizeof *modes)], NULL);
        t->answered += r.report.status == REFERENCE_ANSWERED && r.out.result == SPF_PASS;
        t->busy += r.report.status == REFERENCE_BUSY;
    }
    arena_free(r.arena);
    return NULL;
}

static void many_threads_ask(void **state)
{
    (void)state;
    struct rig r = started(3);
    struct thread threads[THREADS];
    unsigned answered = 0;
    for (unsigned i = 0; i < THREADS; i++) {
        threads[i] = (struct thread){.rig = &r, .index = i, .questions = 24};
        assert_int_equal(pthread_create(&threads[i].id, NULL, ask_often, &threads[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i].id, NULL);
        answered += threads[i].answered;
    }
    assert_true(answered > 0);
    assert_false(has_zombie());
    rig_close(&r);
}

static void *hold_a_worker(void *arg)
{
    struct rig *r = arg;
    assert_string_equal(rig_ask(r, "slow-name", NULL), "answered");
    return NULL;
}

/* One worker, held by a thread that waits for DNS. */
static void none_is_free(void **state)
{
    (void)state;
    struct rig r = started(1);
    struct rig other = r;
    pthread_t id;
    int64_t us;
    other.arena = arena_new(0);
    other.asker.arena = other.arena;
    assert_int_equal(pthread_create(&id, NULL, hold_a_worker, &other), 0);
    while (strcmp(rig_ask(&r, "good", &us), "answered") == 0)
        ;
    assert_string_equal(reference_status_name(r.report.status), "busy");
    assert_str(r.report.reason, "no worker was free within 600 ms");
    assert_true(us >= LIMIT_MS * 1000 && us < LIMIT_MS * 1000 + LATE_US);
    pthread_join(id, NULL);
    arena_free(other.arena);
    rig_close(&r);
}

/* ---- DKIM ---- */

static const char signature[] =
    " v=1; a=rsa-sha256; d=Example.org; s=s1; h=from; bh=AAAA; b=abcdefghijkl";

struct dkim_case {
    struct rig rig;
    struct header_list headers;
    struct dkim_verify_settings settings;
    struct str piece;
    const struct dkim_signature *signatures;
    size_t n, skipped;
};

/* A message with so many signatures; the first field tells the worker what to do. */
static struct dkim_case dkim_started(const char *mode, unsigned signatures)
{
    struct dkim_case c = {.rig = started(1), .settings = {.max_signatures = 3}};
    header_list_init(&c.headers, c.rig.arena);
    header_list_add(&c.headers, STR("X-Mode"), str_of(mode));
    for (unsigned i = 0; i < signatures; i++)
        header_list_add(&c.headers, STR("DKIM-Signature"), str_of(signature));
    c.piece = STR("body\r\n");
    return c;
}

static const char *dkim_ask(struct dkim_case *c)
{
    const struct reference_body body = {1, &c->piece};
    c->rig.report = reference_dkim(c->rig.reference, &c->settings, &c->headers, &body,
                                   &c->rig.asker, &c->signatures, &c->n, &c->skipped);
    return reference_status_name(c->rig.report.status);
}

/* The worker says that they are a bank's. */
static void signatures_are_whose_they_are(void **state)
{
    (void)state;
    struct dkim_case c = dkim_started("good", 5);
    assert_string_equal(dkim_ask(&c), "answered");
    assert_int_equal(c.n, 3);
    assert_int_equal(c.skipped, 2);
    assert_int_equal(c.signatures[2].result, DKIM_PASS);
    assert_str(c.signatures[2].domain, "example.org");
    assert_str(c.signatures[2].selector, "s1");
    assert_str(c.signatures[2].identity, "@Example.org");
    rig_close(&c.rig);
}

static void signatures_are_as_many_as_there_are(void **state)
{
    static const char *const modes[] = {"more", "fewer"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct dkim_case c = dkim_started(modes[i], 2);
        assert_string_equal(dkim_ask(&c), "crashed");
        assert_str(c.rig.report.reason, "the worker said what it may not");
        rig_close(&c.rig);
    }
}

static void without_signatures_nothing_is_asked(void **state)
{
    (void)state;
    struct dkim_case c = dkim_started("deaf", 0);
    assert_string_equal(dkim_ask(&c), "answered");
    assert_int_equal(c.n, 0);
    rig_close(&c.rig);
}

static void a_large_body_is_not_read(void **state)
{
    (void)state;
    struct dkim_case c = dkim_started("deaf", 1);
    c.piece.n = 8U << 20;
    c.piece.p = arena_alloc(c.rig.arena, c.piece.n);
    assert_string_equal(dkim_ask(&c), "timed out");
    c.headers.fields[0].value = STR("good");
    assert_string_equal(dkim_ask(&c), "answered");
    rig_close(&c.rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(misbehaviour_is_a_status),
        cmocka_unit_test(a_program_that_is_none),
        cmocka_unit_test(the_libraries_have_versions),
        cmocka_unit_test(time_in_dns_does_not_count),
        cmocka_unit_test(the_mta_is_told_to_be_patient),
        cmocka_unit_test(what_is_no_name_is_not_asked),
        cmocka_unit_test(a_lookup_that_failed_is_told),
        cmocka_unit_test(workers_renew_themselves),
        cmocka_unit_test(a_worker_is_ended_after_its_jobs),
        cmocka_unit_test(an_idle_worker_is_killed),
        cmocka_unit_test(a_worker_is_killed_in_its_job),
        cmocka_unit_test(crashes_make_no_storm),
        cmocka_unit_test(a_program_that_is_gone),
        cmocka_unit_test(many_threads_ask),
        cmocka_unit_test(none_is_free),
        cmocka_unit_test(signatures_are_whose_they_are),
        cmocka_unit_test(signatures_are_as_many_as_there_are),
        cmocka_unit_test(without_signatures_nothing_is_asked),
        cmocka_unit_test(a_large_body_is_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
