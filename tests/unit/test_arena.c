/* arena: zeroed, aligned, grown, deferred work, quota, reset. */
#include "test.h"

#include "base/arena.h"

static void zeroed_and_aligned(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    for (int round = 0; round < 3; round++) {
        for (size_t n = 0; n < 300; n++) {
            unsigned char *p = arena_alloc(a, n);
            assert_non_null(p);
            assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
            for (size_t i = 0; i < n; i++)
                assert_int_equal(p[i], 0);
            memset(p, 0xFF, n); /* must not be seen by who comes next */
        }
        arena_reset(a);
    }
    arena_free(a);
}

static void blocks_do_not_overlap(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    unsigned char *p[200];
    for (size_t i = 0; i < 200; i++) {
        p[i] = arena_alloc(a, 1 + i * 37 % 5000);
        memset(p[i], (int)i, 1 + i * 37 % 5000);
    }
    for (size_t i = 0; i < 200; i++)
        for (size_t k = 0; k < 1 + i * 37 % 5000; k++)
            assert_int_equal(p[i][k], i);
    arena_free(a);
}

static void large(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    char *small = arena_copy(a, "small", 5);
    unsigned char *big = arena_alloc(a, 10 << 20);
    big[0] = big[(10 << 20) - 1] = 1;
    uint64_t *numbers = arena_array(a, uint64_t, 100000);
    assert_true(numbers[99999] == 0);
    assert_string_equal(small, "small");
    assert_true(arena_used(a) >= (10 << 20) + 800000);
    arena_reset(a);
    assert_int_equal(arena_used(a), 0);
    arena_free(a);
}

static void copies(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    char *with_nul = arena_copy(a, "a\0b", 3);
    assert_memory_equal(with_nul, "a\0b", 4);
    assert_string_equal(arena_copy(a, NULL, 0), "");
    arena_free(a);
}

static void grows(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    char *p = arena_grow(a, NULL, 0, 10);
    memcpy(p, "0123456789", 10);
    size_t used = arena_used(a);
    assert_ptr_equal(arena_grow(a, p, 10, 100), p); /* the newest block grows in place */
    assert_true(arena_used(a) >= used + 80);
    char *after = arena_copy(a, "after", 5);
    char *moved = arena_grow(a, p, 100, 1000);
    assert_ptr_not_equal(moved, p);
    assert_memory_equal(moved, "0123456789", 10);
    memset(moved, 'x', 1000);
    assert_string_equal(after, "after");
    char *shrunk = arena_grow(a, moved, 1000, 5);
    assert_memory_equal(shrunk, "xxxxx", 5);
    for (size_t n = 1000; n < 1 << 20; n *= 2) { /* across blocks */
        moved = arena_grow(a, moved, n, n * 2);
        memset(moved + n, 'x', n);
    }
    for (size_t i = 0; i < 1 << 20; i++)
        assert_int_equal(moved[i], 'x');
    arena_free(a);
}

static char order[8];

static void note(void *object)
{
    strncat(order, object, 1);
}

static void extends(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    uint32_t *items = NULL;
    size_t cap = 0;
    for (uint32_t n = 0; n < 1000; n++) {
        const uint32_t *before = items;
        size_t room = cap;
        items = arena_extend(a, items, n, &cap, sizeof *items);
        if (n < room)
            assert_true(items == before && cap == room);
        assert_true(cap > n);
        items[n] = n;
        if (n % 100 == 0)
            arena_copy(a, "between", 7);
    }
    for (uint32_t n = 0; n < 1000; n++)
        assert_int_equal(items[n], n);
    arena_free(a);
}

static void deferred_work(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    char one[] = "1", two[] = "2", three[] = "3";
    order[0] = '\0';
    arena_defer(a, note, one);
    arena_defer(a, note, two);
    arena_reset(a);
    assert_string_equal(order, "21"); /* newest first, once */
    arena_defer(a, note, three);
    arena_reset(a);
    assert_string_equal(order, "213");
    arena_defer(a, note, one);
    arena_free(a);
    assert_string_equal(order, "2131");
    arena_free(NULL);
}

/* True if four allocations of an ordinary message follow each other in one block. */
static bool in_one_block(struct arena *a)
{
    char *first = arena_alloc(a, 4096);
    for (ptrdiff_t i = 1; i < 4; i++)
        if ((char *)arena_alloc(a, 4096) != first + 4096 * i)
            return false;
    return true;
}

/* Once blocks have grown to an ordinary message they stay; those of a large one do not. */
static void kept(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    assert_false(in_one_block(a));
    arena_alloc(a, 10000);
    arena_reset(a);
    assert_true(in_one_block(a));
    arena_alloc(a, 1000000);
    arena_reset(a);
    assert_true(in_one_block(a));
    arena_free(a);
}

static void quota(void **state)
{
    (void)state;
    struct arena *a = arena_new(1000);
    assert_true(arena_room(a, 1000));
    assert_false(arena_room(a, 1001));
    assert_false(arena_room(a, SIZE_MAX));
    arena_alloc(a, 600);
    assert_false(arena_room(a, 401));
    assert_true(arena_room(a, 300));
    arena_alloc(a, 600); /* asking is the caller's business */
    assert_false(arena_room(a, 1));
    assert_false(arena_room(a, 0));
    arena_reset(a);
    assert_true(arena_room(a, 1000));
    arena_free(a);
    a = arena_new(0);
    assert_true(arena_room(a, SIZE_MAX));
    arena_free(a);
}

static void shared_budget(void **state)
{
    (void)state;
    struct budget b = {0};
    struct arena *a = arena_new(100000), *other = arena_new(0);
    assert_true(arena_share(a, &b, 60000, 10000));
    assert_int_equal(b.taken, 10000);
    assert_false(arena_room(a, 50001)); /* no room for the head of a block */
    assert_int_equal(b.taken, 10000);
    assert_true(arena_room(a, 20000));
    size_t taken = b.taken;
    assert_true(taken >= 30000 && taken < 30100);
    assert_true(arena_room(a, 19000)); /* kept already */
    arena_alloc(a, 20000);
    assert_int_equal(b.taken, taken);
    assert_false(arena_room(a, SIZE_MAX));
    assert_false(arena_share(other, &b, 60000, 30000)); /* the others go without */
    assert_false(arena_share(other, &b, 60000, 60001));
    assert_int_equal(b.taken, taken);
    assert_true(arena_share(other, &b, 60000, 20000));
    assert_false(arena_room(other, 20000));
    arena_alloc(other, 50000); /* asking is the caller's business, and it counts */
    assert_true(b.taken >= taken + 70000);
    arena_free(other);
    assert_int_equal(b.taken, taken);
    assert_false(arena_room(a, 80000)); /* the quota's word stands */
    arena_reset(a);
    assert_int_equal(b.taken, 0);
    arena_alloc(a, 1000);
    assert_int_equal(b.taken, 0); /* until it is shared again */
    assert_true(arena_share(a, &b, 60000, 0));
    assert_true(b.taken >= 20000); /* with the block that it kept */
    taken = b.taken;
    assert_true(arena_room(a, 18000)); /* there is room in it */
    assert_int_equal(b.taken, taken);
    arena_reset(a);
    arena_free(a);
    assert_int_equal(b.taken, 0);
    a = arena_new(0);
    assert_true(arena_share(a, &b, 60000, 10000));
    assert_false(arena_room(a, SIZE_MAX));
    assert_false(arena_room(a, SIZE_MAX - 100));
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zeroed_and_aligned),
        cmocka_unit_test(blocks_do_not_overlap),
        cmocka_unit_test(large),
        cmocka_unit_test(copies),
        cmocka_unit_test(grows),
        cmocka_unit_test(extends),
        cmocka_unit_test(deferred_work),
        cmocka_unit_test(kept),
        cmocka_unit_test(quota),
        cmocka_unit_test(shared_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
