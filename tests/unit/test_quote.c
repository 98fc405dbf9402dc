/* quote: quoted strings and comments from bytes of any kind. */
#include "test.h"

#include "mail/quote.h"

#define X10 "xxxxxxxxxx"
#define X50 X10 X10 X10 X10 X10

static struct str repeated(struct arena *a, const char *piece, size_t n, const char *behind)
{
    struct strbuf b;
    sb_init(&b, a);
    for (size_t i = 0; i < n; i++)
        sb_add(&b, str_of(piece));
    sb_add(&b, str_of(behind));
    return sb_str(&b);
}

/* As it goes into quotes: backslashes stay, other odd bytes are written in hexadecimal. */
static void safe_text(void **state)
{
    static const struct {
        struct str text;
        const char *safe;
    } cases[] = {
        {STR_INIT(""), ""},
        {STR_INIT("a \"b\" (c)"), "a \"b\" (c)"},
        {STR_INIT("\xc3\xbc"), "\xc3\xbc"},
        {STR_INIT("a\n\xff"), "a\\x0a\\xff"},
        {STR_INIT("\\"), "\\"},
        {STR_INIT("\\a"), "\\a"},
        {STR_INIT("a\\"), "a\\"},
        {STR_INIT("a\\\\b"), "a\\\\b"},
        {STR_INIT("\\x5c"), "\\x5c"},
        {STR_INIT("\\\xc3\xbc\n"), "\\\xc3\xbc\\x0a"},
    };
    struct arena *a = arena_new(0);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str safe = quote_safe(a, at_page_end(cases[i].text));
        assert_str(safe, cases[i].safe);
        assert_int_equal(safe.p[safe.n], '\0');
    }
    arena_free(a);
}

/* 256 bytes fit, with backslashes or without; of a longer text 253 are left, and dots. */
static void cut_text(void **state)
{
    static const char *const behind[] = {"", "\\", "\xc3\xbc", "\xc3\xbc\\"};
    struct arena *a = arena_new(0);
    (void)state;
    for (size_t i = 0; i < sizeof behind / sizeof *behind; i++) {
        struct str whole = repeated(a, "x", QUOTE_MAX - strlen(behind[i]), behind[i]);
        assert_str(quote_safe(a, whole), whole.p);
        struct str longer = repeated(a, "x", QUOTE_MAX - strlen(behind[i]) + 1, behind[i]),
                   cut = repeated(a, "x", QUOTE_MAX - 3, "...");
        assert_str(quote_safe(a, longer), cut.p);
    }
    struct str text = repeated(a, "\\", 1, repeated(a, "\xc3\xbc", 130, "").p),
               cut = repeated(a, "\\", 1, repeated(a, "\xc3\xbc", 124, "...").p);
    assert_str(quote_safe(a, text), cut.p); /* a backslash counts as four here */
    arena_free(a);
}

static void quoted(void **state)
{
    static const char *const cases[][2] = {
        {"", "\"\""},
        {"a b", "\"a b\""},
        {"\"a", "\"\\\"a\""},
        {"a\"\"", "\"a\\\"\\\"\""},
        {"\\", "\"\\\\\""},
        {"(a)", "\"(a)\""},
        {"a\\\"b", "\"a\\\\\\\"b\""},
    };
    struct arena *a = arena_new(0);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_str(quote_string(a, at_page_end(str_of(cases[i][0]))), cases[i][1]);
    arena_free(a);
}

/* In a field "N:". */
static struct header_folder in_field(struct arena *a)
{
    struct header_folder f;
    folder_init(&f, a, 2);
    return f;
}

/* Folded before their spaces, so that every line has something else. */
static void pieces(void **state)
{
    static const char *const cases[][2] = {
        {"", ""},
        {"a", "a"},
        {" a  b ", " a  b "},
        {X50 " " X10 X10 "123 y", X50 " " X10 X10 "123 y"}, /* 78 columns */
        {X50 " " X10 X10 "123 yy", X50 " " X10 X10 "123\n yy"},
        {X50 " " X10 X10 X10 "  yy ", X50 "\n " X10 X10 X10 "  yy "},
        {X50 X10 X10 "   y zz", X50 X10 X10 "   y\n zz"},
        {"  " X50 X50 "  y", "\n  " X50 X50 "\n  y"},
    };
    struct arena *a = arena_new(0);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct header_folder f = in_field(a);
        quote_add_pieces(&f, at_page_end(str_of(cases[i][0])));
        assert_str(folder_str(&f), cases[i][1]);
    }
    arena_free(a);
}

/* What fits a line is not broken; else the value begins on a line of its own. */
static void pairs(void **state)
{
    static const struct {
        const char *key, *value, *written;
    } cases[] = {
        {"k", "v", " k=v"},
        {"key", "\"v w\"", " key=\"v w\""},
        {"key", X50 X10 X10 "123", "\n\tkey=" X50 X10 X10 "123"}, /* 78 columns */
        {"key", X50 X10 X10 "1234", " key=\n\t" X50 X10 X10 "1234"},
        {"key", "\"" X50 " " X10 X10 " 1\"", " key=\"" X50 "\n " X10 X10 " 1\""},
    };
    struct arena *a = arena_new(0);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct header_folder f = in_field(a);
        quote_add_pair(&f, str_of(cases[i].key), str_of(cases[i].value));
        assert_str(folder_str(&f), cases[i].written);
    }
    arena_free(a);
}

static void comments(void **state)
{
    static const char *const cases[][2] = {
        {"", ""},
        {" ", ""},
        {"a", " (a)"},
        {" a b  c ", " (a b c)"},
        {")(", " (\\)\\()"},
        {"\\ \"", " (\\\\ \")"},
        {"\n", " (\\\\x0a)"},
        {X50 " " X10 X10 " b c", " (" X50 " " X10 X10 " b\n\tc)"},
    };
    struct arena *a = arena_new(0);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct header_folder f = in_field(a);
        quote_add_comment(&f, at_page_end(str_of(cases[i][0])));
        assert_str(folder_str(&f), cases[i][1]);
    }
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(safe_text), cmocka_unit_test(cut_text), cmocka_unit_test(quoted),
        cmocka_unit_test(pieces),    cmocka_unit_test(pairs),    cmocka_unit_test(comments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
