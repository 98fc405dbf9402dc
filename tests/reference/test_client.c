/* reference.h in front of the real libraries: what passes, what fails, what is refused, and many
 * threads at once. The program is the test's first argument. */
#include "../unit/test.h"

#include <pthread.h>
#include <signal.h>

#include "../unit/reference_rig.h"
#include "client_story.h"

#define LIMIT_MS  10000
#define WORKERS   2
#define THREADS   6
#define QUESTIONS 40

static const char *program;
static struct story story;

/* One question's own. */
struct one {
    struct arena *arena;
    struct dns_asker asker;
    struct spf_outcome spf;
    struct dmarc_outcome dmarc;
    const struct dkim_signature *signatures;
    size_t n;
};

static struct one one_begin(void)
{
    struct one o = {.arena = arena_new(0)};
    o.asker = story_asker(&story, o.arena);
    return o;
}

static void assert_answered(struct reference_report report)
{
    if (report.status != REFERENCE_ANSWERED)
        print_error("%s: %.*s\n", reference_status_name(report.status), STR_ARG(report.reason));
    assert_int_equal(report.status, REFERENCE_ANSWERED);
    assert_true(report.took_us >= 0 && report.took_us < (int64_t)LIMIT_MS * 1000);
}

static void libspf2(void **state)
{
    (void)state;
    struct one o = one_begin();
    struct reference_report report = ask_spf(&story, "192.0.2.1", "Example.ORG", &o.asker, &o.spf);
    assert_answered(report);
    assert_int_equal(o.spf.result, SPF_PASS);
    assert_str(o.spf.domain, "example.org");
    assert_true(report.questions > 1);
    assert_answered(ask_spf(&story, "203.0.113.9", "example.org", &o.asker, &o.spf));
    assert_int_equal(o.spf.result, SPF_FAIL);
    assert_answered(ask_spf(&story, "192.0.2.1", "nothing.example", &o.asker, &o.spf));
    assert_int_equal(o.spf.result, SPF_NONE);
    report = ask_spf(&story, "192.0.2.1", "broken.example", &o.asker, &o.spf);
    assert_int_equal(report.status, REFERENCE_REFUSED);
    assert_str(report.reason, "libspf2 is not given the record of broken.example: \"nonsense\" is "
                              "no mechanism that exists");
    arena_free(o.arena);
}

static void libopendkim(void **state)
{
    (void)state;
    struct one o = one_begin();
    assert_answered(ask_dkim(&story, story.body, &o.asker, &o.signatures, &o.n));
    assert_int_equal(o.n, 1);
    if (o.signatures[0].result != DKIM_PASS)
        print_error("%.*s\n", STR_ARG(o.signatures[0].reason));
    assert_int_equal(o.signatures[0].result, DKIM_PASS);
    assert_str(o.signatures[0].domain, "example.org");
    assert_str(o.signatures[0].selector, "s1");
    assert_int_equal(o.signatures[0].key_bits, 2048);
    assert_answered(ask_dkim(&story, STR("another body\r\n"), &o.asker, &o.signatures, &o.n));
    assert_int_equal(o.signatures[0].result, DKIM_FAIL);
    assert_true(o.signatures[0].reason.n > 0);
    arena_free(o.arena);
}

static void libopendmarc(void **state)
{
    (void)state;
    struct one o = one_begin();
    assert_answered(ask_dmarc(&story, "example.org", &o.asker, &o.dmarc));
    assert_int_equal(o.dmarc.result, DMARC_PASS);
    assert_true(o.dmarc.dkim_aligned);
    assert_str(o.dmarc.record_domain, "example.org");
    assert_answered(ask_dmarc(&story, "example.net", &o.asker, &o.dmarc));
    assert_int_equal(o.dmarc.result, DMARC_FAIL);
    assert_int_equal(o.dmarc.policy, DMARC_P_REJECT);
    arena_free(o.arena);
}

static void *ask_everything(void *arg)
{
    size_t *right = arg;
    for (unsigned i = 0; i < QUESTIONS; i++) {
        struct one o = one_begin();
        ask_spf(&story, "192.0.2.1", "example.org", &o.asker, &o.spf);
        ask_dkim(&story, story.body, &o.asker, &o.signatures, &o.n);
        ask_dmarc(&story, "example.org", &o.asker, &o.dmarc);
        *right += o.spf.result == SPF_PASS && o.n == 1 && o.signatures &&
                  o.signatures[0].result == DKIM_PASS && o.dmarc.result == DMARC_PASS;
        arena_free(o.arena);
    }
    return NULL;
}

static void many_threads(void **state)
{
    (void)state;
    pthread_t ids[THREADS];
    size_t right[THREADS] = {0};
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&ids[i], NULL, ask_everything, &right[i]), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(ids[i], NULL);
        assert_int_equal(right[i], QUESTIONS);
    }
}

/* Both: which of them has the job is not seen from here. */
static void kill_workers(void *context, const struct dns_event *event)
{
    pid_t *pids = context;
    (void)event;
    for (unsigned i = 0; i < WORKERS; i++)
        pids[i] = child(i);
    for (unsigned i = 0; i < WORKERS; i++)
        kill_child(pids[i]);
}

static void wait_until_gone(const pid_t *pids)
{
    for (unsigned i = 0; i < WORKERS; i++)
        while (pids[i] && kill(pids[i], 0) == 0)
            usleep(1000);
}

static void a_worker_is_killed(void **state)
{
    (void)state;
    struct one o = one_begin();
    pid_t pids[WORKERS];
    o.asker.trace = kill_workers;
    o.asker.trace_context = pids;
    struct reference_report report = ask_dkim(&story, story.body, &o.asker, &o.signatures, &o.n);
    assert_int_equal(report.status, REFERENCE_CRASHED);
    assert_str(report.reason, "the worker was ended by SIGKILL");
    o.asker.trace = NULL;
    wait_until_gone(pids);
    assert_answered(ask_dkim(&story, story.body, &o.asker, &o.signatures, &o.n));
    assert_int_equal(o.signatures[0].result, DKIM_PASS);
    assert_false(has_zombie());
    arena_free(o.arena);
}

static int begin(void **state)
{
    (void)state;
    story = story_open(program, WORKERS, LIMIT_MS, 4000);
    return 0;
}

static int end(void **state)
{
    (void)state;
    story_close(&story);
    return child(0) ? -1 : 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(libspf2),
        cmocka_unit_test(libopendkim),
        cmocka_unit_test(libopendmarc),
        cmocka_unit_test(many_threads),
        cmocka_unit_test(a_worker_is_killed),
    };
    if (argc != 2)
        return 64;
    program = argv[1];
    return cmocka_run_group_tests(tests, begin, end);
}
