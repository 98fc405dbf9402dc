/* longline: header lines of more than 990 bytes, told and folded. */
#include "test.h"

#include "mail/address_rewrite.h"

#define X10 "xxxxxxxxxx"
#define X50 X10 X10 X10 X10 X10

/* n bytes of x, with text before and behind them. */
static struct str long_text(struct arena *a, const char *before, size_t n, const char *behind)
{
    struct strbuf b;
    sb_init(&b, a);
    sb_add(&b, str_of(before));
    for (size_t i = 0; i < n; i++)
        sb_addc(&b, 'x');
    sb_add(&b, str_of(behind));
    return sb_str(&b);
}

struct long_case {
    size_t used;
    const char *before;
    size_t n;
    const char *behind;
};

/* The longest lines that are not long: one byte more, and they are. */
static const struct long_case longest[] = {
    {0, "", 990, ""},        {10, "", 980, ""},         {990, "", 0, ""},
    {10, "a\n", 990, ""},    {10, "a\r\n", 990, ""},    {10, "a\n\n", 990, "\n\n"},
    {10, "", 980, "\n"},     {10, "", 980, "\r\n"},     {10, "", 980, "\r"},
    {10, "a\n", 990, "\nb"}, {10, "a\n", 990, "\r\nb"}, {10, " ", 979, "\r\nb\r\n"},
};

static void told(void **state)
{
    struct arena *a = arena_new(0);
    (void)state;
    for (size_t i = 0; i < sizeof longest / sizeof *longest; i++) {
        const struct long_case *c = &longest[i];
        struct str fits = at_page_end(long_text(a, c->before, c->n, c->behind)),
                   passes = at_page_end(long_text(a, c->before, c->n + 1, c->behind));
        if (field_has_long_line(fits, c->used) || !field_has_long_line(passes, c->used))
            fail_msg("case %zu", i);
    }
    assert_true(field_has_long_line(STR("a"), 1000));
    assert_false(field_has_long_line(STR(""), 0));
    arena_free(a);
}

struct fold_case {
    size_t used;
    struct long_case given, want; /* without `used`; want.n 0: it cannot be folded */
};

static const struct fold_case fold_cases[] = {
    /* what is not long stays as it is, but for its line ends */
    {10, {0, "", 980, ""}, {0, "", 980, ""}},
    {10, {0, "a\r\n\r\n ", 989, ""}, {0, "a\n\n ", 989, ""}},
    {10, {0, " a\n", 990, "\r"}, {0, " a\n", 990, ""}},
    {5, {0, "\r", 0, "\n b"}, {0, "\n b", 0, ""}},
    /* one word that is long enough for a line */
    {0, {0, "a ", 989, ""}, {0, "a\n ", 989, ""}},
    {9, {0, " ab ", 989, "\r\n c\r\n"}, {0, " ab\n ", 989, "\n c\n"}},
    {9, {0, " a\t", 989, " b"}, {0, " a\n\t", 989, "\n b"}},
    {9, {0, " a", 979, "\tb"}, {0, " a", 979, "\n\tb"}},
    {9, {0, " a", 980, "\tb"}, {0, "", 0, ""}},
    {9, {0, " a ", 990, ""}, {0, "", 0, ""}},
    {0, {0, "", 991, ""}, {0, "", 0, ""}},
    {9, {0, " ", 981, ""}, {0, "", 0, ""}},
    /* 78 columns, and one more; behind a fold too */
    {8, {0, " " X50 X10 " 12345678 ", 989, ""}, {0, " " X50 X10 " 12345678\n ", 989, ""}},
    {8, {0, " " X50 X10 " 123456789 ", 989, ""}, {0, " " X50 X10 "\n 123456789\n ", 989, ""}},
    {70, {0, " 1 2 3 4 5 6 ", 989, ""}, {0, " 1 2 3 4\n 5 6\n ", 989, ""}},
    {70,
     {0, " 12 34567 " X50 X10 " 123456789A ", 989, ""},
     {0, " 12\n 34567 " X50 X10 " 123456789A\n ", 989, ""}},
    {70,
     {0, " 12 34567 " X50 X10 " 123456789AB ", 989, ""},
     {0, " 12\n 34567 " X50 X10 "\n 123456789AB\n ", 989, ""}},
    /* white space alone is no line */
    {9, {0, " a ", 987, "  "}, {0, " a\n ", 987, "  "}},
    {9, {0, " a ", 988, "  "}, {0, "", 0, ""}},
    {9, {0, "   ", 978, " b"}, {0, "   ", 978, "\n b"}},
};

static void folded(void **state)
{
    struct arena *a = arena_new(0);
    (void)state;
    for (size_t i = 0; i < sizeof fold_cases / sizeof *fold_cases; i++) {
        const struct fold_case *c = &fold_cases[i];
        struct str given = long_text(a, c->given.before, c->given.n, c->given.behind),
                   want = long_text(a, c->want.before, c->want.n, c->want.behind), out = STR("");
        bool done = field_fold_long_lines(a, at_page_end(given), c->used, &out);
        if (done != (want.n > 0) || !str_eq(out, want))
            fail_msg("case %zu: %d, %.*s", i, done, STR_ARG(out));
    }
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(told),
        cmocka_unit_test(folded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
