/* domain: the normal form, labels, what lies below what. */
#include "test.h"

#include "mail/domain.h"

#define L63 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg"
#define N253                                                                                       \
    L63 "." L63 "." L63 "."                                                                        \
        "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffg"

struct normal_case {
    struct str text;
    const char *normal; /* NULL: no domain name */
};

static const struct normal_case normal_cases[] = {
    {STR_INIT("example.org"), "example.org"},
    {STR_INIT("EXAMPLE.Org."), "example.org"},
    {STR_INIT("localhost"), "localhost"},
    {STR_INIT("a"), "a"},
    {STR_INIT("a!b~.org"), "a!b~.org"},
    {STR_INIT("b\xc3\xbc"
              "cher-azAZ09.example"),
     "xn--bcher-azaz09-dlb.example"},
    {STR_INIT("_dmarc.a/b.example"), "_dmarc.a/b.example"},
    {STR_INIT("192.0.2.1"), "192.0.2.1"},
    {STR_INIT("b\xc3\xbc"
              "cher.example"),
     "xn--bcher-kva.example"},
    {STR_INIT("B\xc3\x9c"
              "CHER.Example."),
     "xn--bcher-kva.example"},
    {STR_INIT("bu\xcc\x88"
              "cher.example"),
     "xn--bcher-kva.example"}, /* not in NFC */
    {STR_INIT("stra\xc3\x9f"
              "e.example"),
     "xn--strae-oqa.example"}, /* non-transitional */
    {STR_INIT("XN--BCHER-KVA.example"), "xn--bcher-kva.example"},
    {STR_INIT("b\xc3\xbc"
              "cher\xe3\x80\x82"
              "example"),
     "xn--bcher-kva.example"},                           /* ideographic stop */
    {STR_INIT("\xef\xbd\x85xample.org"), "example.org"}, /* full-width e */
    {STR_INIT("_dmarc.b\xc3\xbc"
              "cher.example"),
     "_dmarc.xn--bcher-kva.example"},
    {STR_INIT(""), NULL},
    {STR_INIT("."), NULL},
    {STR_INIT(".."), NULL},
    {STR_INIT(".org"), NULL},
    {STR_INIT("a..b"), NULL},
    {STR_INIT("a.."), NULL},
    {STR_INIT("a b.org"), NULL},
    {STR_INIT("a\tb.org"), NULL},
    {STR_INIT("a\0b.org"), NULL},
    {STR_INIT("a\x7f.org"), NULL},
    {STR_INIT("[192.0.2.1]"), NULL},
    {STR_INIT("[IPv6:::1]"), NULL},
    {STR_INIT(L63 ".org"), L63 ".org"},
    {STR_INIT(L63 "x.org"), NULL},
    {STR_INIT(N253), N253},
    {STR_INIT(N253 "."), N253},
    {STR_INIT(N253 "h"), NULL},
    {STR_INIT("\xc3\xbc\0.org"), NULL},
    {STR_INIT("b\xc3.org"), NULL},        /* cut UTF-8 */
    {STR_INIT("\xc0\xaf.org"), NULL},     /* overlong */
    {STR_INIT("\xed\xa0\x80.org"), NULL}, /* surrogate */
    {STR_INIT("a\xc2\x85.org"), NULL},    /* a C1 control */
    {STR_INIT("\xe2\x84\x80.org"), NULL}, /* U+2100 maps to "a/c" */
    {STR_INIT("a\xef\xbc\xa0"
              "b.org"),
     NULL}, /* full-width @ */
    {STR_INIT("\xef\xbc\xbb"
              "b.org"),
     NULL}, /* full-width [ */
    {STR_INIT("a\xe2\x80\xae"
              "b.org"),
     NULL}, /* right-to-left override */
    {STR_INIT("\xc3\xbc..org"), NULL},
};

static void normal_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof normal_cases / sizeof *normal_cases; i++) {
        struct arena *a = arena_new(0);
        struct str out = STR("unset");
        bool ok = domain_normalize(a, at_page_end(normal_cases[i].text), &out);
        if (ok != (normal_cases[i].normal != NULL))
            fail_msg("case %zu: %s", i, normal_cases[i].text.p);
        if (ok)
            assert_str(out, normal_cases[i].normal);
        else
            assert_int_equal(out.n, 0);
        arena_free(a);
    }
}

static void ascii_only(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct str out;
    assert_true(domain_normalize_ascii(a, STR("Spf.Example.ORG."), &out));
    assert_str(out, "spf.example.org");
    assert_false(domain_normalize_ascii(a,
                                        STR("b\xc3\xbc"
                                            "cher.example"),
                                        &out));
    assert_false(domain_normalize_ascii(a, STR_NONE, &out));
    arena_free(a);
}

static void long_u_labels(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct str out;
    struct strbuf b;
    sb_init(&b, a);
    for (int i = 0; i < 500000; i++)
        sb_add(&b, STR("\xc3\xbc"));
    assert_false(domain_normalize(a, sb_str(&b), &out));
    arena_free(a);
}

/* Of what mapping drops as much may be there as four bytes for each of the longest name. */
static void dropped_letters(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct str out, end = STR("u.example");
    struct strbuf b;
    sb_init(&b, a);
    for (int i = 0; i < (4 * 254 - 12) / 4; i++)
        sb_add(&b, STR("\xf3\xa0\x84\x80")); /* a variation selector */
    sb_add(&b, STR("\xc3\xbc"));
    sb_add(&b, end);
    sb_addc(&b, '.');
    assert_int_equal(b.n, 4 * 254);
    assert_true(domain_normalize(a, sb_str(&b), &out));
    assert_str(out, "xn--u-dha.example");
    b.n -= end.n + 1;
    sb_addc(&b, 'u');
    sb_add(&b, end);
    sb_addc(&b, '.');
    assert_false(domain_normalize(a, sb_str(&b), &out));
    arena_free(a);
}

static void labels(void **state)
{
    (void)state;
    assert_int_equal(domain_labels(STR("")), 0);
    assert_int_equal(domain_labels(STR("org")), 1);
    assert_int_equal(domain_labels(at_page_end(STR("a.example.org"))), 3);
    assert_str(domain_last_labels(STR("a.example.org"), 0), "");
    assert_str(domain_last_labels(STR("a.example.org"), 1), "org");
    assert_str(domain_last_labels(STR("a.example.org"), 2), "example.org");
    assert_str(domain_last_labels(STR("a.example.org"), 3), "a.example.org");
    assert_str(domain_last_labels(STR("a.example.org"), 9), "a.example.org");
    assert_str(domain_last_labels(STR(""), 1), "");
}

static void below(void **state)
{
    (void)state;
    assert_true(domain_ends_in_number(STR("127.0.0.300")));
    assert_true(domain_ends_in_number(STR("25")));
    assert_false(domain_ends_in_number(STR("25.example")));
    assert_false(domain_ends_in_number(STR("example.25x")));
    assert_true(domain_is_at_or_below(STR("example.org"), STR("example.org")));
    assert_true(domain_is_at_or_below(STR("a.b.example.org"), STR("example.org")));
    assert_false(domain_is_at_or_below(STR("badexample.org"), STR("example.org")));
    assert_false(domain_is_at_or_below(STR("example.org"), STR("a.example.org")));
    assert_false(domain_is_at_or_below(STR("example.org.net"), STR("example.org")));
    assert_false(domain_is_at_or_below(STR("example.org"), STR("")));
    assert_false(domain_is_at_or_below(STR(""), STR("")));
    assert_true(domain_is_at_or_below(STR("a.b"), STR("b")));
    assert_false(domain_is_at_or_below(STR("a.example.net"), STR("example.org")));
}

static void host_text(void **state)
{
    (void)state;
    assert_true(domain_is_host_text(STR("a")));
    assert_true(domain_is_host_text(STR("_x-1.AZaz09")));
    assert_false(domain_is_host_text(STR("")));
    assert_false(domain_is_host_text(STR_NONE));
    assert_false(domain_is_host_text(STR("/a")));
    assert_false(domain_is_host_text(STR("a/")));
    assert_false(domain_is_host_text(STR("a\0")));
    assert_false(domain_is_host_text(STR("b\xc3\xbc")));
}

static void common(void **state)
{
    (void)state;
    assert_str(domain_common(STR("a.example.org"), STR("b.example.org")), "example.org");
    assert_str(domain_common(STR("example.org"), STR("b.example.org")), "example.org");
    assert_str(domain_common(STR("b.example.org"), STR("example.org")), "example.org");
    assert_str(domain_common(STR("example.org"), STR("example.org")), "example.org");
    assert_str(domain_common(STR("badexample.org"), STR("example.org")), "org");
    assert_str(domain_common(STR("x.y.z.b.org"), STR("a.b.org")), "b.org");
    assert_str(domain_common(STR("example.org"), STR("example.net")), "");
    assert_str(domain_common(STR(""), STR("example.net")), "");
    assert_str(domain_common(STR("example.net"), STR("")), "");
}

struct written_case {
    struct str name;
    const char *of_2003; /* NULL: none */
    bool unmapped;
};

static const struct written_case written_cases[] = {
    {STR_INIT("MX.Example.org"), "mx.example.org", true},
    {STR_INIT("m\xc3\xbcller.example"), "xn--mller-kva.example", true},
    {STR_INIT("MX.m\xc3\xbcller.example"), "mx.xn--mller-kva.example", true},
    {STR_INIT("stra\xc3\x9f\x65.example"), "strasse.example", true},
    {STR_INIT("M\xc3\x9cLLER.example"), "xn--mller-kva.example", false},
    {STR_INIT("\xef\xbd\x8dx.example"), "mx.example", false},  /* full width */
    {STR_INIT("m\xe2\x80\x8bx.example"), "mx.example", false}, /* zero width */
    {STR_INIT("m\xe2\x80\x8dx.example"), "mx.example", false}, /* a joiner that joins nothing */
    {STR_INIT("mx\xe3\x80\x82"
              "example"),
     "mx.example", false}, /* an ideographic full stop */
    {STR_INIT("\xc2\xa0mx.example"), NULL, false},
    {STR_INIT("\xa0mx.example"), NULL, false},
    {STR_INIT("a b.example"), NULL, false},
};

static void as_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof written_cases / sizeof *written_cases; i++) {
        const struct written_case *c = &written_cases[i];
        struct arena *a = arena_new(0);
        struct str name = STR_NONE;
        if (domain_is_unmapped(a, c->name) != c->unmapped ||
            domain_normalize_2003(a, c->name, &name) != (c->of_2003 != NULL))
            fail_msg("case %zu: %s", i, c->name.p);
        assert_str(name, c->of_2003 ? c->of_2003 : "");
        arena_free(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(normal_form),   cmocka_unit_test(ascii_only),
        cmocka_unit_test(long_u_labels), cmocka_unit_test(dropped_letters),
        cmocka_unit_test(labels),        cmocka_unit_test(below),
        cmocka_unit_test(as_written),    cmocka_unit_test(common),
        cmocka_unit_test(host_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
