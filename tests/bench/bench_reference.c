/* bench_reference.c - what a question to a library costs, answers in the cache: CPU of the thread
 * that asks, CPU of the worker, and the time that passes.
 *
 *     ninja bench_reference assay_reference && tests/bench/bench_reference ./assay-reference
 *
 * Figures are the least of several rounds. In each one worker answers all questions; what it uses
 * is known when it is gone, and what one uses that is asked nothing is taken off. */
#include "../reference/client_story.h"

#include <sys/resource.h>
#include <time.h>

#include "base/clock.h"

#define ROUNDS    5
#define QUESTIONS 800U /* of one round: below the number that a worker renews itself after */

typedef bool question_fn(const struct story *s, struct arena *a);

static bool answered(struct reference_report report)
{
    if (report.status != REFERENCE_ANSWERED)
        fprintf(stderr, "%s: %.*s\n", reference_status_name(report.status), STR_ARG(report.reason));
    return report.status == REFERENCE_ANSWERED;
}

static bool spf(const struct story *s, struct arena *a)
{
    struct dns_asker asker = story_asker(s, a);
    struct spf_outcome out;
    return answered(ask_spf(s, "192.0.2.1", "example.org", &asker, &out)) && out.result == SPF_PASS;
}

static bool dkim(const struct story *s, struct arena *a)
{
    struct dns_asker asker = story_asker(s, a);
    const struct dkim_signature *signatures;
    size_t n;
    return answered(ask_dkim(s, s->body, &asker, &signatures, &n)) && n == 1 &&
           signatures[0].result == DKIM_PASS;
}

static bool dmarc(const struct story *s, struct arena *a)
{
    struct dns_asker asker = story_asker(s, a);
    struct dmarc_outcome out;
    return answered(ask_dmarc(s, "example.org", &asker, &out)) && out.result == DMARC_PASS;
}

static const struct {
    const char *name;
    size_t lines;
    question_fn *ask;
} stories[] = {
    {"libspf2, mx", 1, spf},           {"libopendkim, 4 KB", 52, dkim},
    {"libopendkim, 50 KB", 640, dkim}, {"libopendkim, 1 MB", 12800, dkim},
    {"libopendmarc", 1, dmarc},
};

struct cost {
    double asker, worker, passed; /* us */
};

static double thread_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* Of all workers that are gone. */
static double workers_us(void)
{
    struct rusage r;
    getrusage(RUSAGE_CHILDREN, &r);
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1e6 +
           (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

static struct cost round_of(const char *program, size_t lines, question_fn *ask, unsigned questions)
{
    struct cost c;
    double gone = workers_us();
    struct story s = story_open(program, 1, 10000, lines);
    struct arena *a = arena_new(0);
    double asker = thread_us();
    int64_t began = clock_us();
    for (unsigned i = 0; i < questions; i++) {
        arena_reset(a);
        if (!ask(&s, a))
            story_fail(STR("it has another result than it should"));
    }
    c.passed = (double)(clock_us() - began);
    c.asker = thread_us() - asker;
    arena_free(a);
    story_close(&s);
    c.worker = workers_us() - gone;
    return c;
}

static double lesser(double a, double b)
{
    return a < b ? a : b;
}

static struct cost least(const char *program, size_t lines, question_fn *ask, unsigned questions)
{
    struct cost best = round_of(program, lines, ask, questions);
    for (unsigned i = 1; i < ROUNDS; i++) {
        struct cost c = round_of(program, lines, ask, questions);
        best = (struct cost){lesser(best.asker, c.asker), lesser(best.worker, c.worker),
                             lesser(best.passed, c.passed)};
    }
    return best;
}

int main(int argc, char **argv)
{
    if (argc != 2)
        story_fail(STR("usage: bench_reference ASSAY-REFERENCE"));
    struct cost start = least(argv[1], 1, spf, 0);
    printf("%-20s %10s %10s %10s  us\n", "", "asker CPU", "worker CPU", "passed");
    printf("%-20s %10s %10.0f\n", "start of a worker", "", start.worker);
    for (size_t i = 0; i < sizeof stories / sizeof *stories; i++) {
        struct cost c = least(argv[1], stories[i].lines, stories[i].ask, QUESTIONS);
        printf("%-20s %10.1f %10.1f %10.1f\n", stories[i].name, c.asker / QUESTIONS,
               (c.worker - start.worker) / QUESTIONS, c.passed / QUESTIONS);
    }
    return 0;
}
