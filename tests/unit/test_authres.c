/* authres: fields written, heads read, forgeries recognised. */
#include "test.h"

#include "mail/authres.h"

#define L63 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg"

static void the_usual_field(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct authres w;
    authres_begin(&w, a, STR("mx.example.org"));
    authres_result(&w, STR("spf"), STR("pass"), STR(""));
    authres_property(&w, "smtp.mailfrom", STR("example.net"));
    authres_result(&w, STR("dkim"), STR("pass"), STR("2048-bit rsa"));
    authres_property(&w, "header.d", STR("example.net"));
    authres_property(&w, "header.i", STR("@example.net"));
    authres_property(&w, "header.s", STR("r2026"));
    authres_property(&w, "header.a", STR("rsa-sha256"));
    authres_property(&w, "header.b", STR("hR8/llOs"));
    authres_result(&w, STR("dmarc"), STR("pass"), STR("p=reject dis=none"));
    authres_property(&w, "header.from", STR("example.net"));
    authres_property(&w, "policy.dmarc", STR("reject"));
    assert_str(authres_end(&w),
               " mx.example.org;\n"
               "\tspf=pass smtp.mailfrom=example.net;\n"
               "\tdkim=pass (2048-bit rsa) header.d=example.net header.i=@example.net\n"
               "\theader.s=r2026 header.a=rsa-sha256 header.b=\"hR8/llOs\";\n"
               "\tdmarc=pass (p=reject dis=none) header.from=example.net policy.dmarc=reject");
    arena_free(a);
}

static void no_result(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct authres w;
    authres_begin(&w, a, STR("mx.example.org"));
    assert_str(authres_end(&w), " mx.example.org; none");
    authres_begin(&w, a, STR("my server"));
    assert_str(authres_end(&w), " \"my server\"; none");
    authres_begin(&w, a, STR("mx/1"));
    assert_str(authres_end(&w), " \"mx/1\"; none");
    authres_begin(&w, a, STR(""));
    assert_str(authres_end(&w), " \"\"; none");
    authres_begin(&w, a, STR("a@b.test")); /* only a pvalue may be an address */
    assert_str(authres_end(&w), " \"a@b.test\"; none");
    arena_free(a);
}

struct value_case {
    struct str value;
    const char *written;
};

static const struct value_case value_cases[] = {
    {STR_INIT("example.net"), "example.net"},
    {STR_INIT("a_b!c"), "a_b!c"},
    {STR_INIT("a"), "a"},
    {STR_INIT("@example.net"), "@example.net"},
    {STR_INIT("user@example.net"), "user@example.net"},
    {STR_INIT("a.b+c@example.net"), "a.b+c@example.net"},
    {STR_INIT("gr\xc3\xbc\xc3\x9f@b\xc3\xbc"
              "cher.example"),
     "gr\xc3\xbc\xc3\x9f@b\xc3\xbc"
     "cher.example"},
    {STR_INIT("b\xc3\xbc"
              "cher.example"),
     "b\xc3\xbc"
     "cher.example"},
    {STR_INIT("\xc3\xbc"), "\"\xc3\xbc\""},
    {STR_INIT(""), "\"\""},
    {STR_INIT("a b"), "\"a b\""},
    {STR_INIT("a/b"), "\"a/b\""},
    {STR_INIT("/ab"), "\"/ab\""},
    {STR_INIT("/@b.c"), "\"/@b.c\""},
    {STR_INIT("a=b"), "\"a=b\""},
    {STR_INIT("a;b"), "\"a;b\""},
    {STR_INIT("(a)"), "\"(a)\""},
    {STR_INIT("a\"b"), "\"a\\\"b\""},
    {STR_INIT("a\\b"), "\"a\\\\b\""},
    {STR_INIT("a\r\nSubject: b"), "\"a\\\\x0d\\\\x0aSubject: b\""},
    {STR_INIT("a\0b"), "\"a\\\\x00b\""},
    {STR_INIT("a\xff"), "\"a\\\\xff\""},
    {STR_INIT("a@"), "\"a@\""},
    {STR_INIT("a@b"), "\"a@b\""}, /* a domain-name has two labels (RFC 6376 3.5) */
    {STR_INIT("a@b.c."), "\"a@b.c.\""},
    {STR_INIT("a@-b.c"), "\"a@-b.c\""},
    {STR_INIT("a@b-.c"), "\"a@b-.c\""},
    {STR_INIT("a@b.c-"), "\"a@b.c-\""},
    {STR_INIT("a@b_c.d"), "\"a@b_c.d\""},
    {STR_INIT("a@@b.c"), "\"a@@b.c\""},
    {STR_INIT(".a@b.c"), "\".a@b.c\""},
    {STR_INIT("=a@b.c"), "\"=a@b.c\""},
    {STR_INIT("a@b.=c"), "\"a@b.=c\""},
    {STR_INIT("a..b@b.c"), "\"a..b@b.c\""},
    {STR_INIT("u=x.test@b.c"), "\"u=x.test@b.c\""},
    {STR_INIT("u/x@b.c"), "\"u/x@b.c\""},
    {STR_INIT("\"a b\"@b.c"), "\"\\\"a b\\\"@b.c\""},
    {STR_INIT("a@[192.0.2.1]"), "\"a@[192.0.2.1]\""},
    {STR_INIT("2001:db8::1"), "\"2001:db8::1\""},
};

static void values(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof value_cases / sizeof *value_cases; i++) {
        struct arena *a = arena_new(0);
        struct authres w;
        authres_begin(&w, a, STR("id"));
        authres_result(&w, STR("x"), STR("y"), STR(""));
        authres_property(&w, "p.v", at_page_end(value_cases[i].value));
        struct str want = str_printf(a, " id;\n\tx=y p.v=%s", value_cases[i].written);
        assert_str(authres_end(&w), want.p);
        arena_free(a);
    }
}

static void reasons_and_comments(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct authres w;
    authres_begin(&w, a, STR("id"));
    authres_result(&w, STR("dkim"), STR("fail"), STR("a (b\\) \n  c "));
    authres_reason(&w, STR("body hash \"x\" differs"));
    authres_property(&w, "header.d", STR("a.test"));
    authres_known_property(&w, "header.i", STR(""));
    authres_known_property(&w, "header.s", STR("s"));
    authres_result(&w, STR("spf"), STR("none"), STR("  "));
    assert_str(authres_end(&w),
               " id;\n"
               "\tdkim=fail (a \\(b\\\\\\) \\\\x0a c) reason=\"body hash \\\"x\\\" differs\"\n"
               "\theader.d=a.test header.s=s;\n"
               "\tspf=none");
    arena_free(a);
}

/* No line above 78 columns where there is white space to fold at, and no text lost. */
static void long_lines(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct authres w;
    authres_begin(&w, a, STR("mx.example.org"));
    authres_result(&w, STR("dkim"), STR("fail"), STR(""));
    authres_reason(&w, STR("the signature was made with a key that is not the one in DNS now, and "
                           "this  goes on for  long"));
    authres_property(&w, "header.d", STR(L63 ".example.net"));
    authres_property(&w, "header.i", STR("someone@" L63 ".example.net"));
    assert_str(authres_end(&w),
               " mx.example.org;\n"
               "\tdkim=fail reason=\"the signature was made with a key that is not the one in\n"
               " DNS now, and this  goes on for  long\" header.d=\n"
               "\t" L63 ".example.net\n"
               "\theader.i=\n"
               "\tsomeone@" L63 ".example.net");
    char many[1000];
    memset(many, '"', sizeof many);
    authres_begin(&w, a, (struct str){many, sizeof many});
    authres_result(&w, STR("dkim"), STR("fail"), (struct str){many, sizeof many});
    authres_property(&w, "header.d", (struct str){many, sizeof many});
    for (struct str rest = authres_end(&w), line; str_split(&rest, '\n', &line);)
        assert_true(line.n < 600);
    arena_free(a);
}

struct head_case {
    struct str value;
    const char *id; /* NULL: cannot be read */
    bool version_ok;
    bool forged; /* for "mx.example.org", "xn--bcher-kva.example", "my id" and "strasse.example" */
};

static const struct head_case head_cases[] = {
    {STR_INIT(" mx.example.org; none"), "mx.example.org", true, true},
    {STR_INIT("mx.example.org;none"), "mx.example.org", true, true},
    {STR_INIT(" MX.Example.ORG; none"), "MX.Example.ORG", true, true},
    {STR_INIT(" mx.example.org.; none"), "mx.example.org.", true, true},
    {STR_INIT(" \"mx.example.org\"; none"), "mx.example.org", true, true},
    {STR_INIT(" \"mx.\\example.org\"; none"), "mx.example.org", true, true},
    {STR_INIT(" \" mx.example.org \"; none"), " mx.example.org ", true, true},
    {STR_INIT(" \"mx\r\n .example.org\"; none"), "mx .example.org", true, false},
    {STR_INIT(" (c) mx.example.org (c;d) ; none"), "mx.example.org", true, true},
    {STR_INIT(" (mx.evil.example; dkim=pass) mx.example.org; none"), "mx.example.org", true, true},
    {STR_INIT("\r\n\t(a (b;) \\) c)\r\n\tmx.example.org; none"), "mx.example.org", true, true},
    {STR_INIT(" mx.example.org 1; none"), "mx.example.org", true, true},
    {STR_INIT(" mx.example.org(c)1(d); none"), "mx.example.org", true, true},
    {STR_INIT(" mx.example.org 2; none"), "mx.example.org", false, true},
    {STR_INIT(" mx.example.org"), "mx.example.org", true, true},
    {STR_INIT(" b\xc3\xbc"
              "cher.example; none"),
     "b\xc3\xbc"
     "cher.example",
     true, true},
    {STR_INIT(" xn--bcher-kva.example; none"), "xn--bcher-kva.example", true, true},
    {STR_INIT(" \"b\xc3\xbc"
              "cher.example\"; none"),
     "b\xc3\xbc"
     "cher.example",
     true, true},
    {STR_INIT(" \"My ID\"; none"), "My ID", true, true},

    {STR_INIT(" mx.example.net; none"), "mx.example.net", true, false},
    {STR_INIT(" a; none"), "a", true, false},
    {STR_INIT(" mx.example.net 1; none"), "mx.example.net", true, false},
    {STR_INIT(" mx.example.net 01; none"), "mx.example.net", true, false},
    {STR_INIT(" mx.example.net"), "mx.example.net", true, false},
    {STR_INIT(" example.org; none"), "example.org", true, false},
    {STR_INIT(" a.mx.example.org; none"), "a.mx.example.org", true, false},
    {STR_INIT(" mx.example.net (mx.example.org); none"), "mx.example.net", true, false},
    {STR_INIT(" mx.example.net; (mx.example.org) none"), "mx.example.net", true, false},
    {STR_INIT(" mx.example.net; dkim=\x01"), "mx.example.net", true, false},

    {STR_INIT(" mx.example.net 2; none"), "mx.example.net", false, true},
    {STR_INIT(" mx.example.net 0; none"), "mx.example.net", false, true},
    {STR_INIT(" mx.example.net 18446744073709551617; none"), "mx.example.net", false, true},
    {STR_INIT(" mx.example.net 1 2; none"), NULL, false, true},
    {STR_INIT(" mx.example.net v1; none"), NULL, false, true},
    {STR_INIT(" mx.example.net dkim=pass"), NULL, false, true},
    {STR_INIT(""), NULL, false, true},
    {STR_INIT(" "), NULL, false, true},
    {STR_INIT(" ; none"), NULL, false, true},
    {STR_INIT(" (mx.example.net); none"), NULL, false, true},
    {STR_INIT(" (mx.example.net; none"), NULL, false, true},
    {STR_INIT(" spf=pass smtp.mailfrom=x"), NULL, false, true}, /* no id at all */
    {STR_INIT(" mx.example.org/1234; none"), NULL, false, true},
    {STR_INIT(" mx.(c)example.org; none"), NULL, false, true},
    {STR_INIT(" \"mx\".example.org; none"), NULL, false, true},
    {STR_INIT(" \"mx.example.net; none"), NULL, false, true},
    {STR_INIT(" =?utf-8?q?mx?=; none"), NULL, false, true},
    {STR_INIT(" mx.example.net\x01; none"), NULL, false, true},
    {STR_INIT(" mx.example.net\0; none"), NULL, false, true},
    {STR_INIT(" mx.example.net\r; none"), NULL, false, true},
    {STR_INIT(" \x7fmx.example.net; none"), NULL, false, true},
    {STR_INIT(" mx.example.net\x7f; none"), NULL, false, true},
    {STR_INIT(" mx.\xff.example.net\x7f; none"), NULL, false, true},

    /* IDNA maps them to ours; a reader of IDNA2003 makes ss of a sharp s. */
    {STR_INIT(" bu\xcc\x88"
              "cher.example; none"),
     "bu\xcc\x88"
     "cher.example",
     true, true},
    {STR_INIT(" B\xc3\x9c"
              "CHER.example; none"),
     "B\xc3\x9c"
     "CHER.example",
     true, true},
    {STR_INIT(" \xef\xbd\x98n--bcher-kva.example; none"), "\xef\xbd\x98n--bcher-kva.example", true,
     true},
    {STR_INIT(" mx\xe3\x80\x82"
              "example.org; none"),
     "mx\xe3\x80\x82"
     "example.org",
     true, true},
    {STR_INIT(" stra\xc3\x9f"
              "e.example; none"),
     "stra\xc3\x9f"
     "e.example",
     true, true},
    /* Other people's names, U-labels or not (RFC 8616), stay. */
    {STR_INIT(" m\xc3\xbcller.example; none"), "m\xc3\xbcller.example", true, false},
    {STR_INIT(" \"m\xc3\xbcller.example\" 1; none"), "m\xc3\xbcller.example", true, false},
    {STR_INIT(" \xe4\xbe\x8b\xe3\x81\x88.\xe3\x83\x86\xe3\x82\xb9\xe3\x83\x88; none"),
     "\xe4\xbe\x8b\xe3\x81\x88.\xe3\x83\x86\xe3\x82\xb9\xe3\x83\x88", true, false},
    {STR_INIT(" gro\xc3\x9f.example; none"), "gro\xc3\x9f.example", true, false},
    {STR_INIT(" (caf\xc3\xa9 \xc2\xa0) mx.example.net; none"), "mx.example.net", true, false},
    {STR_INIT(" mx.example.net; (\xc2\xa0) none"), "mx.example.net", true, false},
    {STR_INIT(" \"a server\"; none"), "a server", true, false},
    {STR_INIT(" MX.m\xc3\xbcller.Example; none"), "MX.m\xc3\xbcller.Example", true, false},
    {STR_INIT(" m\xe2\x80\x8bx.example.net; none"), "m\xe2\x80\x8bx.example.net", true, true},
    {STR_INIT(" \xef\xbd\x8d\xef\xbd\x98.example.net; none"),
     "\xef\xbd\x8d\xef\xbd\x98.example.net", true, true},
    /* Encoded words: some readers decode before they parse. */
    {STR_INIT(" \"=?utf-8?q?mx=2Eexample=2Eorg?=\"; none"), "=?utf-8?q?mx=2Eexample=2Eorg?=", true,
     true},
    {STR_INIT(" (=?utf-8?Q?=29mx.example.org=3B?=) mx.example.net; none"), "mx.example.net", true,
     true},
    {STR_INIT(" mx.example.net (=?x?b?KQ==?=) 1; none"), "mx.example.net", true, true},
    {STR_INIT(" (=?x?b?;) mx.example.net; none (?=)"), "mx.example.net", true, true},
    {STR_INIT(" mx.example.net; none (=?utf-8?q?a?=)"), "mx.example.net", true, false},
    {STR_INIT(" (=?utf-8?q?) mx.example.net; none"), "mx.example.net", true, false},
    {STR_INIT(" (=?utf-8?x?a?=) mx.example.net; none"), "mx.example.net", true, false},
    {STR_INIT(" (a=?b?=) mx.example.net; none"), "mx.example.net", true, false},
    {STR_INIT(" (=?utf-8?qx?a?=) mx.example.net; none"), "mx.example.net", true, false},
    {STR_INIT(" (=?utf-8?q?\x3f=) mx.example.net; none"), "mx.example.net", true, true},
    {STR_INIT(" (=??q?a?=) mx.example.net; none"), "mx.example.net", true, true},
};

static void heads(void **state)
{
    (void)state;
    static const struct str ids[] = {STR_INIT("mx.example.org"), STR_INIT("xn--bcher-kva.example"),
                                     STR_INIT("my id"), STR_INIT("strasse.example")};
    for (size_t i = 0; i < sizeof head_cases / sizeof *head_cases; i++) {
        const struct head_case *c = &head_cases[i];
        struct arena *a = arena_new(0);
        struct authres_head head;
        authres_parse_head(a, at_page_end(c->value), &head);
        bool forged = authres_is_forged(a, &head, ids, 4);
        if (head.parsed != (c->id != NULL) || head.version_ok != c->version_ok ||
            forged != c->forged)
            fail_msg("case %zu:%s: parsed %d, version %d, forged %d", i, c->value.p, head.parsed,
                     head.version_ok, forged);
        assert_str(head.id, c->id ? c->id : "");
        arena_free(a);
    }
}

/* What a reader may trim, or not see at all: each at every place around our name, and around
 * another's. All of them hide ours, and nobody needs them around his own. */
static void hidden_by_white_space(void **state)
{
    (void)state;
    static const struct str ours = STR_INIT("mx.example.org");
    static const char *const spaces[] = {
        "\xc2\xa0",     "\xc2\x85",     "\xe1\x9a\x80", "\xe2\x80\x80", "\xe2\x80\x81",
        "\xe2\x80\x82", "\xe2\x80\x83", "\xe2\x80\x84", "\xe2\x80\x85", "\xe2\x80\x86",
        "\xe2\x80\x87", "\xe2\x80\x88", "\xe2\x80\x89", "\xe2\x80\x8a", "\xe2\x80\x8b",
        "\xe2\x80\x8c", "\xe2\x80\x8d", "\xe2\x80\x8e", "\xe2\x80\x8f", "\xe2\x80\xa8",
        "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe2\x81\xa0", "\xe3\x80\x80",
        "\xef\xbb\xbf", "\xc2\xad",     "\xe1\xa0\x8e", "\xef\xb8\x8f", "\xe3\x85\xa4",
        "\xa0",         "\x85",         "\xff",         "\xc2",         "\x0b",
        "\x0c",         "\x1c",         "\x1f",
    };
    static const char *const places[] = {
        " %smx.example.org; none",
        "%s mx.example.org; none",
        " mx.example.org%s; none",
        " mx.example.org %s; none",
        " mx.example.org%s1; none",
        " mx.example.org %s1; none",
        " mx.example.org 1%s; none",
        " \"%smx.example.org\"; none",
        " \"mx.example.org%s\"; none",
        " %s\"mx.example.org\"; none",
        " \"mx.example.org\"%s; none",
        " (%s) mx.example.org; none",
        " \"\\%smx.example.org\"; none",
        "\r\n\t%smx.example.org",
        " mx.example.org%s",
        " %s",
        " %s; none",
    };
    for (size_t i = 0; i < sizeof spaces / sizeof *spaces; i++) {
        for (size_t k = 0; k < sizeof places / sizeof *places; k++) {
            struct arena *a = arena_new(0);
            struct authres_head head;
            struct str mark = STR("%s"), place = str_of(places[k]);
            size_t at = (size_t)(strstr(place.p, mark.p) - place.p);
            struct str value =
                str_printf(a, "%.*s%s%s", (int)at, place.p, spaces[i], place.p + at + mark.n);
            authres_parse_head(a, value, &head);
            if (!authres_is_forged(a, &head, &ours, 1))
                fail_msg("space %zu, place %zu:%s", i, k, value.p);
            arena_free(a);
        }
    }
}

static void our_own_field_is_recognised(void **state)
{
    (void)state;
    static const char *const names[] = {"mx.example.org", "my id", "a\"b\\(", "b\xc3\xbc.example"};
    for (size_t i = 0; i < 4; i++) {
        struct arena *a = arena_new(0);
        struct authres w;
        struct authres_head head;
        struct str id = str_of(names[i]);
        authres_begin(&w, a, id);
        authres_result(&w, STR("spf"), STR("pass"), STR(""));
        authres_parse_head(a, authres_end(&w), &head);
        assert_true(head.parsed && head.version_ok);
        assert_true(authres_is_forged(a, &head, &id, 1));
        arena_free(a);
    }
}

/* The id stays on the first line if that ends at column 78, the field's name included. */
static void long_ids(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    for (size_t n = 30; n < 60; n++) {
        struct authres w;
        char id[60];
        memset(id, 'x', n);
        authres_begin(&w, a, (struct str){id, n});
        authres_result(&w, STR("spf"), STR("pass"), STR_NONE);
        size_t column = strlen("Authentication-Results: ") + n + strlen(";");
        const char *fold = column <= 78 ? "" : "\n";
        assert_str(authres_end(&w), str_printf(a, "%s %.*s;\n\tspf=pass", fold, (int)n, id).p);
    }
    arena_free(a);
}

/* The head of an ARC set's field: lines end at column 78, the field's name included. */
static void sealed(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    for (size_t n = 30; n < 60; n++) {
        struct authres w;
        char id[60];
        memset(id, 'x', n);
        authres_begin_sealed(&w, a, (struct str){id, n}, 1);
        authres_result(&w, STR("spf"), STR("pass"), STR("left out"));
        authres_reason(&w, STR("left out"));
        size_t column = strlen("ARC-Authentication-Results: i=1; ") + n + strlen(";");
        const char *fold = column <= 78 ? " " : "\n ";
        assert_str(authres_end(&w), str_printf(a, " i=1;%s%.*s;\n\tspf=pass", fold, (int)n, id).p);
    }
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_usual_field),
        cmocka_unit_test(no_result),
        cmocka_unit_test(values),
        cmocka_unit_test(reasons_and_comments),
        cmocka_unit_test(long_lines),
        cmocka_unit_test(heads),
        cmocka_unit_test(hidden_by_white_space),
        cmocka_unit_test(our_own_field_is_recognised),
        cmocka_unit_test(long_ids),
        cmocka_unit_test(sealed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
