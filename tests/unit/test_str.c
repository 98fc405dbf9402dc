/* str: views, numbers, safety of text from the network, and the builder. */
#include "test.h"

static void splits(void **state)
{
    (void)state;
    struct str rest = STR("a,,b"), part;
    assert_true(str_split(&rest, ',', &part));
    assert_str(part, "a");
    assert_true(str_split(&rest, ',', &part));
    assert_str(part, "");
    assert_true(str_split(&rest, ',', &part));
    assert_str(part, "b");
    assert_false(str_split(&rest, ',', &part));
}

static void finds_words(void **state)
{
    (void)state;
    struct str text = STR("one Two twofold");
    assert_int_equal(str_find_nocase(text, 0, STR("one")), 0);
    assert_int_equal(str_find_nocase(text, 1, STR("one")), text.n);
    assert_int_equal(str_find_nocase(text, 0, STR("tWo")), 4);
    assert_int_equal(str_find_nocase(text, 4, STR("two")), 4);
    assert_int_equal(str_find_nocase(text, 5, STR("two")), 8);
    assert_int_equal(str_find_nocase(text, 0, STR("fold")), 11); /* the end of the text */
    assert_int_equal(str_find_nocase(text, 0, STR("folds")), text.n);
    assert_int_equal(str_find_nocase(text, text.n + 1, STR("d")), text.n);
    assert_int_equal(str_find_nocase(STR("a\0B"), 0, STR("\0b")), 1);
    assert_int_equal(str_find_nocase(STR_NONE, 0, STR("a")), 0);
}

static void numbers(void **state)
{
    (void)state;
    unsigned long long v = 7;
    assert_true(str_to_u64(STR("0"), 10, &v));
    assert_int_equal(v, 0);
    assert_true(str_to_u64(STR("10"), 10, &v));
    assert_int_equal(v, 10);
    assert_false(str_to_u64(STR("11"), 10, &v));
    assert_false(str_to_u64(STR("9"), 8, &v));
    assert_false(str_to_u64(STR(""), 10, &v));
    assert_false(str_to_u64(STR("-1"), 10, &v));
    assert_false(str_to_u64(STR("1 "), 10, &v));
    assert_true(str_to_u64(STR("18446744073709551615"), UINT64_MAX, &v));
    assert_true(v == UINT64_MAX);
    assert_false(str_to_u64(STR("18446744073709551616"), UINT64_MAX, &v));
}

static void safe_text(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    assert_str(str_safe(a, STR("plain"), 80, false), "plain");
    assert_str(str_safe(a, STR("a\r\nb\\\0c"), 80, false), "a\\x0d\\x0ab\\x5c\\x00c");
    assert_str(str_safe(a, STR("gr\xc3\xbc\xc3\x9f"), 80, true), "gr\xc3\xbc\xc3\x9f");
    assert_str(str_safe(a, STR("gr\xc3\xbc"), 80, false), "gr\\xc3\\xbc");
    /* Overlong forms, surrogates, C1 controls and cut sequences are not UTF-8 to us. */
    assert_str(str_safe(a, STR("\xc0\xaf"), 80, true), "\\xc0\\xaf");
    assert_str(str_safe(a, STR("\xed\xa0\x80"), 80, true), "\\xed\\xa0\\x80");
    assert_str(str_safe(a, STR("\xc2\x85"), 80, true), "\\xc2\\x85");
    assert_str(str_safe(a, STR("\xe2\x82"), 80, true), "\\xe2\\x82");
    assert_str(str_safe(a,
                        STR("a\xe2\x80\xae"
                            "b"),
                        80, true),
               "a\\xe2\\x80\\xae"
               "b"); /* turns */
    assert_str(str_safe(a, STR("\xe2\x81\xa6\xe2\x81\xaa"), 80, true),
               "\\xe2\\x81\\xa6\xe2\x81\xaa");
    assert_str(str_safe(a, STR("\xe2\x80\x8e\xef\xbb\xbf\xef\xbf\xbd"), 80, true),
               "\\xe2\\x80\\x8e\\xef\\xbb\\xbf\xef\xbf\xbd");
    assert_str(str_safe(a, STR("abcdefgh"), 8, false), "abcdefgh");
    assert_str(str_safe(a, STR("abcdefghi"), 8, false), "abcde...");
    assert_str(str_safe(a, STR("\n\n\n"), 8, false), "\\x0a...");
    arena_free(a);
}

static void builder(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct strbuf b;
    sb_init(&b, a);
    for (int i = 0; i < 1000; i++)
        sb_printf(&b, "%04d", i);
    struct str s = sb_str(&b);
    assert_int_equal(s.n, 4000);
    assert_str(str_sub(s, 3996, 4000), "0999");
    assert_int_equal(s.p[s.n], 0);
    arena_free(a);
}

static void distances(void **state)
{
    (void)state;
    assert_int_equal(str_distance(STR(""), STR("")), 0);
    assert_int_equal(str_distance(STR("listen"), STR("listen")), 0);
    assert_int_equal(str_distance(STR("lisen"), STR("listen")), 1);
    assert_int_equal(str_distance(STR("listten"), STR("listen")), 1);
    assert_int_equal(str_distance(STR("kitten"), STR("sitting")), 3);
    assert_int_equal(str_distance(STR(""), STR("abc")), 3);
    char longer[STR_DISTANCE_MAX + 1] = {0};
    assert_int_equal(str_distance((struct str){longer, sizeof longer}, STR("a")), sizeof longer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits),    cmocka_unit_test(finds_words), cmocka_unit_test(numbers),
        cmocka_unit_test(safe_text), cmocka_unit_test(builder),     cmocka_unit_test(distances),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
