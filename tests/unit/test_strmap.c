/* test_strmap.c - a map of texts. */
#include "test.h"

#include "base/strmap.h"

static void test_strmap(void **state)
{
    (void)state;
    struct arena *arena = arena_new(0);
    struct strmap map = {0};
    assert_null(strmap_get(&map, STR("x")));
    strmap_init(&map, arena);
    for (uintptr_t i = 1; i <= 10000; i++)
        *strmap_put(&map, str_printf(arena, "k%u", (unsigned)i)) = (void *)i;
    for (uintptr_t i = 1; i <= 10000; i++)
        assert_int_equal((uintptr_t)strmap_get(&map, str_printf(arena, "k%u", (unsigned)i)), i);
    assert_null(strmap_get(&map, STR("k0")));
    assert_ptr_equal(*strmap_put(&map, STR("k7")), (void *)7);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strmap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
