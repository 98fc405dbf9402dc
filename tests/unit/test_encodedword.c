/* mail/encodedword: what programs for reading mail make of it. What From makes of that:
 * test_from.c. */
#include "test.h"

#include "mail/encodedword.h"

#define UNCERTAIN NULL

/* What is made of a text; UNCERTAIN is { NULL, 0 }. */
static struct str decoded(struct arena *a, struct str text, bool joined)
{
    struct str out;
    return encoded_words_decode(a, at_page_end(text), joined, &out) ? out : STR_NONE;
}

static void check(struct str text, bool joined, struct str want)
{
    struct arena *a = arena_new(0);
    struct str got = decoded(a, text, joined);
    if (!got.p != !want.p || !str_eq(got, want))
        fail_msg("%.*s: %.*s", STR_ARG(text), STR_ARG(got));
    arena_free(a);
}

static void decoding(void **state)
{
    static const struct {
        const char *text, *joined, *apart;
    } cases[] = {
        {"", "", ""},
        {"a=b ?= c", "a=b ?= c", "a=b ?= c"},
        {"a=b =?utf-8?q?x=40y?= =c", "a=b x@y =c", "a=b x@y =c"},
        {"=?utf-8?q?a_b?= \t=?US-ASCII?B?Yw==?=", "a bc", "a b \tc"},
        {" =?utf-8?q?a?= ", " a ", " a "},
        {"=?utf-8?q?a?= b =?utf-8?q?c?=", "a b c", "a b c"},
        {"=?utf-8?q?a?==?utf-8?q?b?=", "ab", "ab"},
        {"=?iso-8859-1?q?=E4?=", "\u00e4", "\u00e4"},
        {"=?utf-8*de?q?a?=", "a", "a"},
        {"=?gbk?q?=A3=C1b?=", "\ufffd\ufffdb", "\ufffd\ufffdb"}, /* no wide @ */
        {"=?gbk?q?=A3=C0b?=", "@b", "@b"},
        {"=?iso-8859-1?q?=A3=C0b?=", "\u00a3\u00c0b", "\u00a3\u00c0b"},
        {"=?x-odd?q?a?=", UNCERTAIN, UNCERTAIN},
        {"=??q?a?=", UNCERTAIN, UNCERTAIN},
        {"=?utf-8?x?a?=", UNCERTAIN, UNCERTAIN},
        {"=?utf-8?", UNCERTAIN, UNCERTAIN},
        {"=?utf-8?q", UNCERTAIN, UNCERTAIN},
        {"=?utf-8?qa?=", UNCERTAIN, UNCERTAIN},
        {"=?utf-8?qa?b?=", UNCERTAIN, UNCERTAIN},
        {"=?utf-8?q?a", UNCERTAIN, UNCERTAIN},
        {"=?utf-8?q?a?", UNCERTAIN, UNCERTAIN},
        {"=?utf-8?q?a?b=", UNCERTAIN, UNCERTAIN},
        {"=?utf-8?q?a?=?", UNCERTAIN, UNCERTAIN},
        {"=?utf-8?q?=3D=3F?=", UNCERTAIN, UNCERTAIN},
        {"=?utf-8?q?a?= =?utf-8?q?b", UNCERTAIN, UNCERTAIN},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check(str_of(cases[i].text), true, str_of(cases[i].joined));
        check(str_of(cases[i].text), false, str_of(cases[i].apart));
    }
}

/* What stands in one word, in UTF-8. */
static void check_word(const char *encoding, struct str text, struct str want)
{
    struct arena *a = arena_new(0);
    check(str_printf(a, "=?utf-8?%s?%.*s?=", encoding, STR_ARG(text)), true, want);
    arena_free(a);
}

/* RFC 2047 4.2 */
static void q_escapes(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"", ""},
        {"=09=30=39=4a=4F=6A=6f", "\t09JOjo"},
        {"=7E=e2=82=aC", "~\u20ac"},
        {"x=40", "x@"},
        {"a=", UNCERTAIN},
        {"a=4", UNCERTAIN},
        {"=4g", UNCERTAIN},
        {"=4G", UNCERTAIN},
        {"=4`", UNCERTAIN},
        {"=4@", UNCERTAIN},
        {"=4/", UNCERTAIN},
        {"=4:", UNCERTAIN},
        {"=g4", UNCERTAIN},
        {"==40", UNCERTAIN},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_word("q", str_of(cases[i].text), str_of(cases[i].want));
        check_word("Q", str_of(cases[i].text), str_of(cases[i].want));
    }
}

/* RFC 4648 4 */
static void base64(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"", ""},
        {"YQ==", "a"},
        {"YQ", "a"},
        {"YWI=", "ab"},
        {"YWI", "ab"},
        {"YWJj", "abc"},
        {"YWJjZGVm", "abcdef"},
        {"YWJjZGVmZw==", "abcdefg"},
        {"fn5+", "~~~"},
        {"Pz8/", "???"},
        {"09Pe", "\xd3\xd3\xde"},
        {"Y", UNCERTAIN},
        {"YQ=", UNCERTAIN},
        {"YQ===", UNCERTAIN},
        {"YWI==", UNCERTAIN},
        {"YWJj=", UNCERTAIN},
        {"YWJj==", UNCERTAIN},
        {"YWJjY", UNCERTAIN},
        {"YWJjY===", UNCERTAIN},
        {"=", UNCERTAIN},
        {"==", UNCERTAIN},
        {"====", UNCERTAIN},
        {"Y=Jj", UNCERTAIN},
        {"YW@j", UNCERTAIN},
        {"YW[j", UNCERTAIN},
        {"YW`j", UNCERTAIN},
        {"YW{j", UNCERTAIN},
        {"YW.j", UNCERTAIN},
        {"YW:j", UNCERTAIN},
        {"YW-j", UNCERTAIN},
        {"YW_j", UNCERTAIN},
    };
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_word("b", str_of(cases[i].text), str_of(cases[i].want));
        check_word("B", str_of(cases[i].text), str_of(cases[i].want));
    }
    /* 0 to 63, six bits each */
    check_word(
        "b", str_of(digits),
        STR("\x00\x10\x83\x10\x51\x87\x20\x92\x8b\x30\xd3\x8f\x41\x14\x93\x51\x55\x97\x61\x96"
            "\x9b\x71\xd7\x9f\x82\x18\xa3\x92\x59\xa7\xa2\x9a\xab\xb2\xdb\xaf\xc3\x1c\xb3\xd3"
            "\x5d\xb7\xe3\x9e\xbb\xf3\xdf\xbf"));
}

/* Letters beyond ASCII are known of two charsets, and replaced in those whose ASCII is known. */
static void charsets(void **state)
{
    static const char *const latin1[] = {"iso-8859-1", "ISO-8859-1", "windows-1252",
                                         "iso-8859-1*de"};
    static const char *const replaced[] = {
        "us-ascii", "ascii",  "gb2312", "gbk",    "Shift_JIS",      "big5",        "euc-jp",
        "euc-kr",   "koi8-r", "KOI8-U", "gbk*zh", "ks_c_5601-1987", "iso-8859-15", "windows-1250",
    };
    static const char *const unknown[] = {
        "iso-2022-jp", "hz-gb-2312", "utf-7", "utf-16", "iso-8859", "windows", "*de",
    };
    (void)state;
    struct arena *a = arena_new(0);
    for (size_t i = 0; i < sizeof latin1 / sizeof *latin1; i++)
        check(str_printf(a, "=?%s?q?=9F=A0=BF=C0=FFa?=", latin1[i]), true,
              STR("\ufffd\u00a0\u00bf\u00c0\u00ffa"));
    for (size_t i = 0; i < sizeof replaced / sizeof *replaced; i++)
        check(str_printf(a, "=?%s?q?=7E=80=E4=FFa?=", replaced[i]), true,
              STR("~\ufffd\ufffd\ufffda"));
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        check(str_printf(a, "=?%s?q?a?=", unknown[i]), true, STR_NONE);
    check(STR("=?utf8?q?=80a?="), true, STR("\x80\x61"));
    check(STR("=?UTF-8*en?q?=80a?="), true, STR("\x80\x61"));
    arena_free(a);
}

static void wide_at_signs(void **state)
{
    static const struct str signs[] = {
        STR_INIT("\x81\x97"), STR_INIT("\xa1\xf7"), STR_INIT("\xa3\xc0"),
        STR_INIT("\xa9\x88"), STR_INIT("\xa2\x49"), STR_INIT("\xa2\x4e"),
    };
    (void)state;
    struct arena *a = arena_new(0);
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        struct str text =
            at_page_end(str_printf(a, "%.*sx%.*s", STR_ARG(signs[i]), STR_ARG(signs[i])));
        assert_int_equal(wide_at_sign(text, 0), 2);
        assert_int_equal(wide_at_sign(text, 1), 0);
        assert_int_equal(wide_at_sign(text, 2), 0);
        assert_int_equal(wide_at_sign(text, 3), 2);
        assert_int_equal(wide_at_sign(text, 4), 0);
        assert_int_equal(wide_at_sign(text, 5), 0);
    }
    assert_int_equal(wide_at_sign(STR("\x97\xa1"), 0),
                     0); /* the second half of one, and the first */
    arena_free(a);
}

static void beginnings(void **state)
{
    (void)state;
    assert_true(encoded_words_in(at_page_end(STR("=?"))));
    assert_true(encoded_words_in(at_page_end(STR("a =? b"))));
    assert_false(encoded_words_in(at_page_end(STR("a=b ?= c="))));
    assert_false(encoded_words_in(at_page_end(STR(""))));
    assert_false(encoded_words_in(STR_NONE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decoding), cmocka_unit_test(q_escapes),     cmocka_unit_test(base64),
        cmocka_unit_test(charsets), cmocka_unit_test(wide_at_signs), cmocka_unit_test(beginnings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
