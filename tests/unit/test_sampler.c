/* sampler: a bounded queue and one thread; the library's sample_judge() is replaced by one that
 * waits until the test lets it go on. */
#include "test.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/counters.h"
#include "milter/daemon/sampler.h"

#define QUEUE 256 /* as many may wait */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned judged, allowed;
static bool judging;

void sample_judge(const struct sample *sample)
{
    assert_non_null(sample->t->arena);
    pthread_mutex_lock(&lock);
    judging = true;
    pthread_cond_broadcast(&changed);
    while (judged == allowed)
        pthread_cond_wait(&changed, &lock);
    judged++;
    judging = false;
    pthread_mutex_unlock(&lock);
}

static void allow(unsigned more)
{
    pthread_mutex_lock(&lock);
    allowed += more;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void wait_until_judging(void)
{
    pthread_mutex_lock(&lock);
    while (!judging)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

static struct conf conf;
static struct snapshot snapshot = {.conf = &conf};

/* A message whose arena uses about so many bytes. */
static struct sample *make_sample(size_t bytes)
{
    struct arena *a = arena_new(0);
    struct sample *s = arena_make(a, struct sample);
    s->t = arena_make(a, struct transaction);
    s->t->arena = a;
    s->t->snapshot = &snapshot;
    arena_alloc(a, bytes);
    return s;
}

static int set_up(void **state)
{
    (void)state;
    judged = allowed = 0;
    judging = false;
    conf = (struct conf){.reference_memory = 100 << 20};
    return 0;
}

static void shares(void **state)
{
    unsigned chosen = 0;
    (void)state;
    for (int i = 0; i < 1000; i++) {
        assert_false(sampler_chooses(0));
        assert_false(sampler_chooses(-1));
        assert_true(sampler_chooses(1));
        chosen += sampler_chooses(0.5);
    }
    assert_in_range(chosen, 300, 700); /* 12 standard deviations */
}

static void all_are_judged_at_the_end(void **state)
{
    struct budget memory = {0};
    struct sampler *sampler = sampler_new(&memory);
    (void)state;
    assert_non_null(sampler);
    for (int i = 0; i < 5; i++)
        assert_true(sampler_take(sampler, make_sample(100)));
    allow(5);
    sampler_free(sampler);
    assert_int_equal(judged, 5);
    assert_int_equal(atomic_load(&memory.taken), 0);
    sampler_free(NULL);
}

/* Beyond the queue samples stay the caller's, and are counted. */
static void a_full_queue(void **state)
{
    struct budget memory = {0};
    struct sampler *sampler = sampler_new(&memory);
    uint64_t skipped = counter_get(CTR_REFERENCE_SKIPPED);
    (void)state;
    assert_true(sampler_take(sampler, make_sample(100)));
    wait_until_judging();
    for (int i = 0; i < QUEUE; i++)
        assert_true(sampler_take(sampler, make_sample(100)));
    struct sample *left = make_sample(100);
    size_t used = atomic_load(&memory.taken);
    assert_false(sampler_take(sampler, left));
    assert_int_equal(atomic_load(&memory.taken), used);
    arena_free(left->t->arena);
    assert_int_equal(counter_get(CTR_REFERENCE_SKIPPED), skipped + 1);
    allow(1 + QUEUE);
    sampler_free(sampler);
    assert_int_equal(judged, 1 + QUEUE);
    assert_int_equal(atomic_load(&memory.taken), 0);
}

/* What a sample takes besides its copied body is charged, within reference.memory. */
static void memory_is_bounded(void **state)
{
    struct budget memory = {0};
    struct sampler *sampler = sampler_new(&memory);
    (void)state;
    conf.reference_memory = 1 << 20;
    struct sample *large = make_sample(2 << 20), *copied = make_sample(2 << 20);
    assert_false(sampler_take(sampler, large));
    arena_free(large->t->arena);
    copied->copied = 2 << 20;
    assert_true(sampler_take(sampler, copied));
    assert_in_range(atomic_load(&memory.taken), 1, 1 << 20);
    allow(1);
    sampler_free(sampler);
    assert_int_equal(atomic_load(&memory.taken), 0);
}

/* What waits when time is up is dropped and counted; the one that is being judged goes on. */
static void stopping(void **state)
{
    struct budget memory = {0};
    struct sampler *sampler = sampler_new(&memory);
    uint64_t skipped = counter_get(CTR_REFERENCE_SKIPPED);
    (void)state;
    assert_true(sampler_take(sampler, make_sample(100)));
    wait_until_judging();
    for (int i = 0; i < 3; i++)
        assert_true(sampler_take(sampler, make_sample(100)));
    sampler_stop(sampler, clock_us());
    assert_int_equal(counter_get(CTR_REFERENCE_SKIPPED), skipped + 3);
    struct sample *late = make_sample(100);
    assert_false(sampler_take(sampler, late));
    arena_free(late->t->arena);
    allow(1);
    sampler_free(sampler);
    assert_int_equal(judged, 1);
    assert_int_equal(atomic_load(&memory.taken), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(shares, set_up),
        cmocka_unit_test_setup(all_are_judged_at_the_end, set_up),
        cmocka_unit_test_setup(a_full_queue, set_up),
        cmocka_unit_test_setup(memory_is_bounded, set_up),
        cmocka_unit_test_setup(stopping, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
