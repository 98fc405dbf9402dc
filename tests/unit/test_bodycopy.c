/* test_bodycopy.c - bodies are kept as they came, within the budget of all and the quota of each.
 */
#include "test.h"

#include "core/bodycopy.h"

#define PIECE 1000
static char piece[PIECE];

static size_t taken(struct budget *b)
{
    return atomic_load(&b->taken);
}

static void a_budget_has_a_limit(void **state)
{
    (void)state;
    struct budget b = {0};
    assert_true(budget_take(&b, 60, 100));
    assert_false(budget_take(&b, 41, 100));
    assert_true(budget_take(&b, 40, 100));
    assert_false(budget_take(&b, 1, 50)); /* a limit that became less */
    assert_false(budget_take(&b, SIZE_MAX, SIZE_MAX));
    budget_return(&b, 100);
    assert_int_equal(taken(&b), 0);
}

static void a_body_is_kept(void **state)
{
    (void)state;
    struct budget b = {0};
    struct arena *a = arena_new(100000);
    struct body_copy *copy = body_copy_new(a, &b, 100000);
    char text[] = "one\r\n";
    body_copy_add(copy, text, 5);
    text[0] = 'x';
    body_copy_add(copy, "\0two", 4);
    struct kept_body kept = body_copy_kept(copy);
    assert_true(kept.whole);
    assert_int_equal(kept.n, 2);
    assert_str(kept.pieces[0], "one\r\n");
    assert_int_equal(kept.pieces[1].n, 4);
    assert_memory_equal(kept.pieces[1].p, "\0two", 4);
    assert_true(taken(&b) >= 9);
    assert_int_equal(taken(&b), body_copy_bytes(copy));
    arena_free(a);
    assert_int_equal(taken(&b), 0);
}

static void an_empty_body_is_whole(void **state)
{
    (void)state;
    struct budget b = {0};
    struct arena *a = arena_new(0);
    struct kept_body kept = body_copy_kept(body_copy_new(a, &b, 100));
    assert_true(kept.whole);
    assert_int_equal(kept.n, 0);
    arena_free(a);
}

/* How many pieces go in before it is given up; what came until then stays taken till the reset. */
static size_t pieces_until_full(struct arena *a, struct budget *b, size_t limit)
{
    size_t n = 0;
    struct body_copy *copy = body_copy_new(a, b, limit);
    while (body_copy_kept(copy).whole && n < 1000) {
        body_copy_add(copy, piece, sizeof piece);
        n++;
    }
    size_t before = taken(b);
    body_copy_add(copy, piece, 1); /* a hole is no whole */
    assert_false(body_copy_kept(copy).whole);
    assert_int_equal(taken(b), before);
    return n - 1;
}

static void what_does_not_fit_is_given_up(void **state)
{
    (void)state;
    struct budget b = {0};
    struct arena *first = arena_new(0), *second = arena_new(0), *small = arena_new(20000);
    assert_in_range(pieces_until_full(first, &b, 100000), 80, 99);
    assert_in_range(pieces_until_full(second, &b, 100000), 0, 1); /* the budget is one for all */
    arena_reset(first);
    assert_in_range(pieces_until_full(small, &b, 100000), 10, 19); /* the arena's quota */
    assert_true(arena_used(small) <= 20000);
    arena_free(first);
    arena_free(second);
    arena_free(small);
    assert_int_equal(taken(&b), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_budget_has_a_limit),
        cmocka_unit_test(a_body_is_kept),
        cmocka_unit_test(an_empty_body_is_whole),
        cmocka_unit_test(what_does_not_fit_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
