#include "test.h"

#include <pthread.h>
#include <string.h>

#include "milter/daemon/instances.h"

#define LONG 100000 /* bytes of a field: who forgot its room ends */

static struct str filled(struct arena *a, size_t n)
{
    return (struct str){memset(arena_alloc(a, n), 'x', n), n};
}

static void test_recall(void **state)
{
    struct instances *all = instances_new();
    struct arena *a = arena_new(0);
    char first[] = "A: one";
    struct instance got, put = {.judged = 5,
                                .refused = 4,
                                .at_data = true,
                                .told = 3,
                                .action = STR("550 5.7.1 no"),
                                .spared = STR("abuse@recv.test"),
                                .n_fields = 2,
                                .fields = {str_of(first), filled(a, LONG)}};
    (void)state;
    assert_false(instances_recall(all, STR("host 1"), a, &got));
    assert_int_equal(got.judged, 0);
    instances_keep(all, STR("host 1"), &put);
    memset(first, 'x', sizeof first - 1); /* the texts are copied */
    assert_true(instances_recall(all, STR("host 1"), a, &got));
    assert_false(instances_recall(all, STR("host 2"), a, &(struct instance){0}));
    put = (struct instance){.judged = 1};
    instances_keep(all, STR("host 1"), &put);
    assert_int_equal(got.judged, 5);
    assert_int_equal(got.refused, 4);
    assert_true(got.at_data);
    assert_int_equal(got.told, 3);
    assert_str(got.action, "550 5.7.1 no");
    assert_str(got.spared, "abuse@recv.test");
    assert_int_equal(got.n_fields, 2);
    assert_str(got.fields[0], "A: one");
    assert_int_equal(got.fields[1].n, LONG);
    assert_true(str_eq(got.fields[1], filled(a, LONG)));
    assert_true(instances_recall(all, STR("host 1"), a, &got));
    assert_int_equal(got.judged, 1);
    assert_int_equal(got.action.n, 0);
    arena_free(a);
    instances_free(all);
}

/* The oldest go; what can never fit is not kept. */
static void test_bounds(void **state)
{
    enum { MANY = 20000, LARGE = 8 << 20 };
    struct instances *all = instances_new();
    struct arena *a = arena_new(0);
    struct instance got, put = {.judged = 1, .action = filled(a, 1000)};
    size_t found = 0;
    (void)state;
    for (unsigned i = 0; i < MANY; i++)
        instances_keep(all, str_printf(a, "host %u", i), &put);
    for (unsigned i = 0; i < MANY; i++)
        found += instances_recall(all, str_printf(a, "host %u", i), a, &got);
    assert_in_range(found, 1000, 5000);
    assert_true(instances_recall(all, str_printf(a, "host %u", MANY - 1), a, &got));
    put.action = filled(a, LARGE);
    instances_keep(all, STR("large"), &put);
    assert_false(instances_recall(all, STR("large"), a, &got));
    arena_free(a);
    instances_free(all);
}

static void *play(void *all)
{
    struct arena *a = arena_new(0);
    struct instance got, put = {.judged = 7, .action = STR("DUNNO")};
    for (int i = 0; i < 2000; i++) {
        struct str key = str_printf(a, "host %d", i % 7);
        instances_keep(all, key, &put);
        if (instances_recall(all, key, a, &got))
            assert_str(got.action, "DUNNO");
    }
    arena_free(a);
    return NULL;
}

static void test_threads(void **state)
{
    struct instances *all = instances_new();
    pthread_t threads[4];
    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, play, all), 0);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    instances_free(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recall),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
