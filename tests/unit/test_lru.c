/* lru: hits, expiry, the bound in bytes, who goes first, races for one key. */
#include "test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/lru.h"

#define FOREVER INT64_MAX

struct value {
    atomic_int refs;
    atomic_int *alive;
};

static void hold(void *p)
{
    atomic_fetch_add(&((struct value *)p)->refs, 1);
}

static void release(void *p)
{
    struct value *v = p;
    if (atomic_fetch_sub(&v->refs, 1) == 1) {
        atomic_fetch_sub(v->alive, 1);
        free(v);
    }
}

static const struct lru_ops ops = {hold, release};

static void *make(void *alive)
{
    struct value *v = malloc(sizeof *v);
    assert_non_null(v);
    atomic_init(&v->refs, 1);
    v->alive = alive;
    atomic_fetch_add(v->alive, 1);
    return v;
}

static void *make_nothing(void *arg)
{
    (void)arg;
    return NULL;
}

/* Puts a value of this cost; returns what lru_settle() says. */
static size_t put(struct lru *c, const char *key, atomic_int *alive, size_t cost, int64_t expires)
{
    bool made;
    struct value *v = lru_get_or_make(c, str_of(key), 0, expires, make, alive, &made);
    assert_true(made);
    size_t evicted = lru_settle(c, str_of(key), v, cost, expires);
    release(v);
    return evicted;
}

static bool has(struct lru *c, const char *key, int64_t now)
{
    void *v = lru_get(c, str_of(key), now);
    if (v)
        release(v);
    return v != NULL;
}

static void one_makes_others_get(void **state)
{
    (void)state;
    atomic_int alive = 0;
    struct lru *c = lru_new(1 << 20, 4, &ops);
    bool made;
    assert_null(lru_get(c, STR("k"), 0));
    void *a = lru_get_or_make(c, STR("k"), 0, FOREVER, make, &alive, &made);
    assert_true(made);
    void *b = lru_get_or_make(c, STR("k"), 0, FOREVER, make, &alive, &made);
    assert_false(made);
    void *d = lru_get(c, STR("k"), 0);
    assert_ptr_equal(a, b);
    assert_ptr_equal(a, d);
    assert_int_equal(alive, 1);
    assert_null(lru_get_or_make(c, STR("none"), 0, FOREVER, make_nothing, NULL, &made));
    assert_false(made);
    assert_null(lru_get(c, STR("none"), 0));
    lru_free(c);
    assert_int_equal(alive, 1); /* what was got outlives the cache */
    release(a);
    release(b);
    release(d);
    assert_int_equal(alive, 0);
}

static void keys_are_bytes(void **state)
{
    (void)state;
    atomic_int alive = 0;
    struct lru *c = lru_new(1 << 20, 3, &ops);
    char key[20];
    put(c, "", &alive, 1, FOREVER);
    for (size_t n = 1; n <= sizeof key; n++) { /* all tails of the hash's words */
        bool made;
        memset(key, 'x', n);
        key[n - 1] = '\0';
        release(lru_get_or_make(c, (struct str){key, n}, 0, FOREVER, make, &alive, &made));
        assert_true(made);
    }
    assert_int_equal(alive, 1 + (int)sizeof key);
    assert_true(has(c, "", 0));
    lru_free(c);
    assert_int_equal(alive, 0);
}

static void expiry(void **state)
{
    (void)state;
    atomic_int alive = 0;
    struct lru *c = lru_new(1 << 20, 1, &ops);
    put(c, "k", &alive, 10, 100);
    assert_true(has(c, "k", 99));
    assert_false(has(c, "k", 100));
    assert_int_equal(alive, 0); /* gone at once, not at eviction */
    bool made;
    put(c, "k", &alive, 10, 100);
    release(lru_get_or_make(c, STR("k"), 100, 200, make, &alive, &made));
    assert_true(made);
    assert_int_equal(alive, 1);
    lru_free(c);
    assert_int_equal(alive, 0);
}

static void bounded(void **state)
{
    (void)state;
    atomic_int alive = 0;
    struct lru *c = lru_new(8192, 1, &ops);
    size_t empty = lru_bytes(c);
    assert_int_equal(put(c, "a", &alive, 2000, FOREVER), 0);
    assert_int_equal(put(c, "b", &alive, 2000, FOREVER), 0);
    assert_int_equal(put(c, "c", &alive, 2000, FOREVER), 0);
    assert_true(lru_bytes(c) > empty + 6000);
    assert_true(has(c, "a", 0)); /* so b is the least recently used */
    assert_int_equal(put(c, "d", &alive, 2000, FOREVER), 1);
    assert_true(lru_bytes(c) <= 8192);
    assert_false(has(c, "b", 0));
    assert_true(has(c, "a", 0));
    assert_true(has(c, "c", 0));
    assert_int_equal(put(c, "huge", &alive, 9000, FOREVER), 1); /* itself, nobody else */
    assert_int_equal(alive, 3);
    lru_drop(c, STR("a"), NULL);
    lru_drop(c, STR("c"), NULL);
    lru_drop(c, STR("d"), NULL);
    assert_int_equal(lru_bytes(c), empty);
    assert_int_equal(alive, 0);
    lru_free(c);
}

static void expired_ones_are_not_counted(void **state)
{
    (void)state;
    atomic_int alive = 0;
    struct lru *c = lru_new(8192, 1, &ops);
    put(c, "old", &alive, 4000, 50);
    assert_false(has(c, "other", 60));
    assert_int_equal(put(c, "a", &alive, 4000, FOREVER), 0);
    assert_int_equal(alive, 1);
    lru_free(c);
}

static void many_keys_stay_in_bound(void **state)
{
    (void)state;
    atomic_int alive = 0;
    struct lru *c = lru_new(1 << 20, 4, &ops);
    for (int i = 0; i < 50000; i++) {
        char key[32];
        bool made;
        snprintf(key, sizeof key, "key-%d", i);
        release(lru_get_or_make(c, str_of(key), 0, FOREVER, make, &alive, &made));
        assert_true(made);
    }
    assert_true(lru_bytes(c) <= 1 << 20); /* unsettled values are bounded too */
    assert_true(alive > 4000);
    assert_true(has(c, "key-49999", 0));
    assert_false(has(c, "key-0", 0));
    lru_free(c);
    assert_int_equal(alive, 0);
}

static void settle_and_drop_mean_this_value(void **state)
{
    (void)state;
    atomic_int alive = 0;
    bool made;
    struct lru *c = lru_new(1 << 20, 1, &ops);
    void *first = lru_get_or_make(c, STR("k"), 0, FOREVER, make, &alive, &made);
    lru_drop(c, STR("k"), first);
    assert_null(lru_get(c, STR("k"), 0));
    void *second = lru_get_or_make(c, STR("k"), 0, FOREVER, make, &alive, &made);
    size_t before = lru_bytes(c);
    assert_int_equal(lru_settle(c, STR("k"), first, 1000, 0), 0);
    assert_int_equal(lru_bytes(c), before);
    lru_drop(c, STR("k"), first);
    assert_true(has(c, "k", 0));
    lru_settle(c, STR("k"), second, 1000, FOREVER);
    lru_settle(c, STR("k"), second, 10, FOREVER); /* costs replace each other */
    assert_int_equal(lru_bytes(c), before + 10);
    release(first);
    release(second);
    lru_free(c);
    assert_int_equal(alive, 0);
}

struct race {
    struct lru *cache;
    atomic_int alive, made;
};

static void *racer(void *arg)
{
    struct race *r = arg;
    for (int i = 0; i < 2000; i++) {
        char key[16];
        bool made;
        snprintf(key, sizeof key, "%d", i);
        void *v = lru_get_or_make(r->cache, str_of(key), i, i + 1000, make, &r->alive, &made);
        assert_non_null(v);
        if (made) {
            atomic_fetch_add(&r->made, 1);
            lru_settle(r->cache, str_of(key), v, 100, i + 1000);
        }
        release(v);
        void *again = lru_get(r->cache, str_of(key), i);
        if (again)
            release(again);
    }
    return NULL;
}

static void races(void **state)
{
    (void)state;
    struct race r = {.cache = lru_new(1 << 20, 4, &ops)};
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, racer, &r), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(r.made, 2000); /* all fit: nothing was made twice */
    lru_free(r.cache);
    assert_int_equal(r.alive, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_makes_others_get),
        cmocka_unit_test(keys_are_bytes),
        cmocka_unit_test(expiry),
        cmocka_unit_test(bounded),
        cmocka_unit_test(expired_ones_are_not_counted),
        cmocka_unit_test(many_keys_stay_in_bound),
        cmocka_unit_test(settle_and_drop_mean_this_value),
        cmocka_unit_test(races),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
