/* lex: white space, comments, quoted strings and literals, one by one. */
#include "test.h"

#include "base/ascii.h"
#include "mail/lex.h"

/* What lex_cfws() takes, and what it says. */
struct cfws_case {
    struct str text;
    bool obsolete;
    size_t at;           /* behind what was taken */
    const char *problem; /* NULL: none */
};

#define CONTROL "control character"

static const struct cfws_case cfws_cases[] = {
    {STR_INIT(""), false, 0, NULL},
    {STR_INIT("a"), false, 0, NULL},
    {STR_INIT(" \t"), false, 2, NULL},
    {STR_INIT(" a"), false, 1, NULL},
    {STR_INIT("a\n b"), false, 0, NULL},
    {STR_INIT("\n a"), false, 2, NULL},
    {STR_INIT("\r\n\ta"), false, 3, NULL},
    {STR_INIT("\n \r\n a"), false, 5, NULL},
    {STR_INIT("\n"), false, 1, NULL}, /* the end of the field */
    {STR_INIT(" \r\n"), false, 3, NULL},
    {STR_INIT("\na"), false, 0, CONTROL}, /* folds nothing */
    {STR_INIT(" \r\na"), false, 1, CONTROL},
    {STR_INIT("\n\n a"), false, 0, CONTROL},
    {STR_INIT("\r"), false, 0, CONTROL},
    {STR_INIT(" \r"), false, 1, CONTROL},
    {STR_INIT("\r\r\n a"), false, 0, CONTROL},
    {STR_INIT("\x01"), false, 0, CONTROL},
    {STR_INIT("\x7f"), true, 0, CONTROL},

    {STR_INIT("(a) b"), false, 4, NULL},
    {STR_INIT("(a (b) c)(d)\n (e)"), false, 17, NULL},
    {STR_INIT("(\\)\\()x"), false, 6, NULL},
    {STR_INIT("(a\n b\r\n)"), false, 0, CONTROL},
    {STR_INIT("(\t)"), false, 3, NULL},
    {STR_INIT("(\\\t)"), false, 4, NULL},
    {STR_INIT("(\x01)"), false, 0, CONTROL},
    {STR_INIT("(\x01\x7f\\\x02)"), true, 6, NULL},
    {STR_INIT("(\0)"), true, 0, CONTROL},
    {STR_INIT("(\\\0)"), true, 0, CONTROL},
    {STR_INIT("(\\\r)"), true, 0, CONTROL},
    {STR_INIT("(\\\n)"), true, 0, CONTROL},
    {STR_INIT("(a\nb)"), true, 0, CONTROL},
    {STR_INIT("(a"), false, 0, "a comment has no end"},
    {STR_INIT("((a)"), false, 0, "a comment has no end"},
    {STR_INIT("(a\\"), false, 0, "a backslash ends the field"},
    {STR_INIT("(a) (\\"), false, 0, "a backslash ends the field"},
};

static void white_space_and_comments(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cfws_cases / sizeof *cfws_cases; i++) {
        const struct cfws_case *c = &cfws_cases[i];
        struct lexer l = lex_begin(at_page_end(c->text));
        l.obsolete = c->obsolete;
        bool taken = lex_cfws(&l);
        if (taken != !c->problem || (taken && l.at != c->at))
            fail_msg("case %zu: %d, at %zu", i, taken, l.at);
        assert_str(l.problem ? str_of(l.problem) : STR(""), c->problem ? c->problem : "");
    }
}

static void comments_nest_so_deeply(void **state)
{
    char text[2 * LEX_COMMENT_DEPTH + 2];
    (void)state;
    memset(text, '(', LEX_COMMENT_DEPTH + 1);
    memset(text + LEX_COMMENT_DEPTH + 1, ')', LEX_COMMENT_DEPTH + 1);
    struct lexer l = lex_begin((struct str){text + 1, 2 * LEX_COMMENT_DEPTH});
    assert_true(lex_cfws(&l));
    assert_true(lex_end(&l));
    l = lex_begin((struct str){text, sizeof text});
    assert_false(lex_cfws(&l));
    assert_str(str_of(l.problem), "comments are nested too deeply");
}

static void atoms(void **state)
{
    static const char *const cases[][2] = {
        {"a", "a"}, {"a~b.c", "a~b"}, {"\xc3\xbc-x y", "\xc3\xbc-x"},
        {"", ""},   {".a", ""},       {"\x7f", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lexer l = lex_begin(at_page_end(str_of(cases[i][0])));
        assert_int_equal(lex_at_atom(&l), *cases[i][1] != '\0');
        assert_str(lex_atom(&l), cases[i][1]);
        assert_int_equal(l.at, strlen(cases[i][1]));
    }
}

/* A quoted string or literal, what is taken of it, and what it stands for. */
struct piece_case {
    struct str text;
    const char *taken, *problem;
};

static const struct piece_case piece_cases[] = {
    {STR_INIT("\"a b\"c"), "\"a b\"", NULL},
    {STR_INIT("\"\""), "\"\"", NULL},
    {STR_INIT("\"\\\"\\\\\" "), "\"\\\"\\\\\"", NULL},
    {STR_INIT("\"a\r\n b\""), "\"a\r\n b\"", NULL},
    {STR_INIT("\"(\"("), "\"(\"", NULL},
    {STR_INIT("\"a"), NULL, "a quoted string has no end"},
    {STR_INIT("\"\\"), NULL, "a backslash ends the field"},
    {STR_INIT("\"a\nb\""), NULL, CONTROL},
    {STR_INIT("\"\x01\""), NULL, CONTROL},
    {STR_INIT("\"\0\""), NULL, CONTROL},

    {STR_INIT("[192.0.2.1]."), "[192.0.2.1]", NULL},
    {STR_INIT("[]"), "[]", NULL},
    {STR_INIT("[a\\]\\[ b]"), "[a\\]\\[ b]", NULL},
    {STR_INIT("[a\n b]"), "[a\n b]", NULL},
    {STR_INIT("[a"), NULL, "a domain literal has no end"},
    {STR_INIT("[[a]]"), NULL, "a domain literal within another"},
    {STR_INIT("[a\\"), NULL, "a backslash ends the field"},
    {STR_INIT("[\x01]"), NULL, CONTROL},
};

static void quoted_strings_and_literals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof piece_cases / sizeof *piece_cases; i++) {
        const struct piece_case *c = &piece_cases[i];
        struct lexer l = lex_begin(at_page_end(c->text));
        struct str out = STR("");
        bool taken = lex_at(&l, '"') ? lex_quoted(&l, &out) : lex_literal(&l, &out);
        if (taken != (c->taken != NULL))
            fail_msg("case %zu: %s", i, l.problem ? l.problem : "taken");
        assert_str(out, c->taken ? c->taken : "");
        assert_str(l.problem ? str_of(l.problem) : STR(""), c->problem ? c->problem : "");
        if (taken)
            assert_int_equal(l.at, out.n);
    }
}

static void unquoted(void **state)
{
    static const struct {
        struct str quoted;
        const char *plain;
    } cases[] = {
        {STR_INIT("\"\""), ""},
        {STR_INIT(""), ""},
        {STR_INIT("\"a b\""), "a b"},
        {STR_INIT("\"a\""), "a"},
        {STR_INIT("\"a\\b\""), "ab"},
        {STR_INIT("\"\\a\\\"\\\\b\""), "a\"\\b"},
        {STR_INIT("\"a\r\n b\n c\""), "a b c"},
        {STR_INIT("\"\r\n\""), ""},
        {STR_INIT("\"a\\\""), "a\\"}, /* not a quoted string: nothing is read beyond it */
    };
    struct arena *a = arena_new(0);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str plain = lex_unquote(a, at_page_end(cases[i].quoted));
        assert_str(plain, cases[i].plain);
        assert_int_equal(plain.p[plain.n], '\0');
    }
    arena_free(a);
}

static void characters(void **state)
{
    static const char atext[] = "!#$%&'*+-/=?^_`{|}~", token[] = "!#$%&'*+-.^_`{|}~";
    (void)state;
    for (int c = 0; c < 256; c++) {
        bool alnum = c < 128 && ascii_is_alnum((char)c);
        assert_int_equal(lex_is_atext((char)c), alnum || (c && strchr(atext, c)));
        assert_int_equal(lex_is_token_char((char)c), alnum || (c && strchr(token, c)));
    }
}

static void utf8(void **state)
{
    (void)state;
    assert_true(lex_is_utf8(STR("")));
    assert_true(lex_is_utf8(at_page_end(STR("a"))));
    assert_false(lex_is_utf8(STR("\xff")));
    assert_true(lex_is_utf8(STR("a\xc3\xbc\xe6\x97\xa5"
                                "b\xf0\x9f\x98\x80")));
    assert_false(lex_is_utf8(STR("\xc3\xbc\xc3")));
    assert_false(lex_is_utf8(STR("\xc3\xbc\xbc")));
    assert_false(lex_is_utf8(at_page_end(STR("a\xe6\x97"))));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(white_space_and_comments),
        cmocka_unit_test(comments_nest_so_deeply),
        cmocka_unit_test(atoms),
        cmocka_unit_test(quoted_strings_and_literals),
        cmocka_unit_test(unquoted),
        cmocka_unit_test(characters),
        cmocka_unit_test(utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
