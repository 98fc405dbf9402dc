/* spf/macro: expansion, against the examples of RFC 7208 7.4 and beyond. */
#include "test.h"

#include "spf/macro.h"

static struct spf_macro_values values_of(const char *client)
{
    struct spf_macro_values v = {
        .sender = STR("strong-bad@email.example.com"),
        .local = STR("strong-bad"),
        .sender_domain = STR("email.example.com"),
        .domain = STR("email.example.com"),
        .helo = STR("MAIL.example.org"),
        .receiver = STR("mx.example.net"),
        .now = 1700000000,
    };
    assert_true(netaddr_parse(str_of(client), &v.client));
    return v;
}

struct expansion {
    const char *text, *want;
};

static void expand_all(const char *client, const struct expansion *table, size_t n)
{
    struct arena *a = arena_new(0);
    struct spf_macro_values v = values_of(client);
    for (size_t i = 0; i < n; i++) {
        uint32_t letters;
        const char *problem =
            spf_macro_check(at_page_end(str_of(table[i].text)), SPF_MACRO_IN_EXPLANATION, &letters);
        if (problem)
            print_error("%s %s\n", table[i].text, problem);
        assert_null(problem);
        assert_str(spf_expand_text(a, at_page_end(str_of(table[i].text)), &v, 1000), table[i].want);
    }
    arena_free(a);
}
#define EXPAND_ALL(client, table) expand_all(client, table, sizeof(table) / sizeof *(table))

static void examples_of_the_rfc(void **state)
{
    static const struct expansion table[] = {
        {"%{s}", "strong-bad@email.example.com"},
        {"%{o}", "email.example.com"},
        {"%{d}", "email.example.com"},
        {"%{d4}", "email.example.com"},
        {"%{d3}", "email.example.com"},
        {"%{d2}", "example.com"},
        {"%{d1}", "com"},
        {"%{dr}", "com.example.email"},
        {"%{d2r}", "example.email"},
        {"%{l}", "strong-bad"},
        {"%{l-}", "strong.bad"},
        {"%{lr}", "strong-bad"},
        {"%{lr-}", "bad.strong"},
        {"%{l1r-}", "strong"},
        {"%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"},
        {"%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"},
        {"%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"},
        {"%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com"},
        {"%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"},
    };
    (void)state;
    EXPAND_ALL("192.0.2.3", table);
}

static void ipv6(void **state)
{
    static const struct expansion table[] = {
        {"%{ir}.%{v}", "1.0.B.C.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.B.D.0.1.0.0.2.ip6"},
        {"%{i}", "2.0.0.1.0.D.B.8.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.C.B.0.1"},
        {"%{i2}", "0.1"},
        {"%{i12}", "0.0.0.0.0.0.0.0.C.B.0.1"},
        {"%{c}", "2001:db8::cb01"},
        {"%{C}", "2001%3Adb8%3A%3Acb01"},
    };
    (void)state;
    EXPAND_ALL("2001:db8::cb01", table);
}

static void all_letters(void **state)
{
    static const struct expansion table[] = {
        {"%{h} %{r} %{t} %{c} %{i} %{p} %{v}",
         "MAIL.example.org mx.example.net 1700000000 192.0.2.3 192.0.2.3 unknown in-addr"},
        {"%%%_%-.", "% %20."},
        {"%{S}", "strong-bad%40email.example.com"},
        {"%{D2R}", "example.email"},
        {"%{H1}", "org"},
    };
    (void)state;
    EXPAND_ALL("192.0.2.3", table);
}

static void odd_values(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct spf_macro_values v = values_of("192.0.2.3");
    v.local = STR("philip-gladstone+a=b..test");
    assert_str(spf_expand_text(a, STR("%{l2r-}"), &v, 99), "gladstone+a=b..test.philip");
    assert_str(spf_expand_text(a, STR("%{lr-+=}"), &v, 99), "b..test.a.gladstone.philip");
    assert_str(spf_expand_text(a, STR("%{l.}"), &v, 99), "philip-gladstone+a=b..test");
    assert_str(spf_expand_text(a, STR("%{l2}"), &v, 99), ".test");
    assert_str(spf_expand_text(a, STR("%{l99999999999999999999}"), &v, 99),
               "philip-gladstone+a=b..test");
    v.local = STR("-a-b");
    assert_str(spf_expand_text(a, STR("%{lr-}"), &v, 99), "b.a.");
    assert_str(spf_expand_text(a, STR("%{l-}"), &v, 99), ".a.b");
    assert_str(spf_expand_text(a, STR("%{l1-}"), &v, 99), "b");
    v.local = STR("..");
    assert_str(spf_expand_text(a, STR("%{lr}"), &v, 99), "..");
    assert_str(spf_expand_text(a, STR("%{l1}"), &v, 99), "");
    v.local = STR_NONE;
    assert_str(spf_expand_text(a, STR("<%{l}%{lr}%{l2-}%{L}>"), &v, 99), "<>");
    v.local = at_page_end(STR("a-b"));
    assert_str(spf_expand_text(a, STR("%{lr-}%{l-}%{l1-}%{L}"), &v, 99), "b.aa.bba-b");
    v.local = STR("a\0b\xff~");
    assert_str(spf_expand_text(a, STR("%{L}"), &v, 99), "a%00b%FF~");
    arena_free(a);
}

/* RFC 7208 7.3: a value with fewer parts is taken whole. */
static void more_parts_than_there_are(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct spf_macro_values v = values_of("192.0.2.3");
    struct strbuf b;
    sb_init(&b, a);
    sb_add(&b, STR("first"));
    for (int i = 0; i < 10009; i++)
        sb_add(&b, STR(".a"));
    v.local = sb_str(&b);
    assert_str(spf_expand_text(a, STR("%{l10011}"), &v, 9), "first.a.a");
    assert_str(spf_expand_text(a, STR("%{l99991}"), &v, 9), "first.a.a");
    assert_str(spf_expand_text(a, STR("%{l100001}"), &v, 9), "first.a.a");
    assert_str(spf_expand_text(a, STR("%{l10009}"), &v, 9), "a.a.a.a.a");
    arena_free(a);
}

static void checks_report_letters(void **state)
{
    (void)state;
    uint32_t letters;
    assert_null(spf_domain_spec_check(STR("%{S}.%{ir}.%{v}.%{p2}.example.com"), &letters));
    assert_int_equal(letters,
                     SPF_LETTER('s') | SPF_LETTER('i') | SPF_LETTER('v') | SPF_LETTER('p'));
    assert_null(spf_domain_spec_check(STR("example.com"), &letters));
    assert_int_equal(letters, 0);
    assert_non_null(spf_macro_check(STR("a b"), SPF_MACRO_IN_TERM, &letters));
    assert_null(spf_macro_check(STR("a b"), SPF_MACRO_IN_EXPLANATION, &letters));
    assert_non_null(spf_macro_check(STR("a\nb"), SPF_MACRO_IN_EXPLANATION, &letters));
    assert_non_null(spf_macro_check(STR("\xc3\xbc"), SPF_MACRO_IN_EXPLANATION, &letters));
    assert_non_null(spf_macro_check(STR("%{t}"), SPF_MACRO_IN_TERM, &letters));
    assert_null(spf_macro_check(STR("%{t}"), SPF_MACRO_IN_MODIFIER, &letters));
    assert_non_null(spf_macro_check(STR("%{s1@}"), SPF_MACRO_IN_EXPLANATION, &letters));
    assert_null(spf_macro_check(STR("!~"), SPF_MACRO_IN_TERM, &letters));
    assert_non_null(spf_macro_check(STR("a\x7f"), SPF_MACRO_IN_TERM, &letters));
    assert_non_null(spf_macro_check(STR("a \x7f"), SPF_MACRO_IN_EXPLANATION, &letters));
}

static void names_are_lower_case_without_last_dot(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct spf_macro_values v = values_of("192.0.2.3");
    assert_str(spf_expand_name(a, STR("_SPF.Example.COM."), &v), "_spf.example.com");
    assert_str(spf_expand_name(a, at_page_end(STR("%{h}")), &v), "mail.example.org");
    assert_str(spf_expand_name(a, at_page_end(STR("%{l}.x%%")), &v), "strong-bad.x%");
    assert_str(spf_expand_name(a, STR("x%{l}.y"), &v), "xstrong-bad.y");
    assert_str(spf_expand_name(a, STR("%%%%%%%%"), &v), "%%%%");
    v.helo = STR("");
    assert_str(spf_expand_name(a, STR("%{h}"), &v), "");
    arena_free(a);
}

/* RFC 7208 7.3: whole labels go from the left until 253 bytes are left. */
static void long_names_lose_labels(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct spf_macro_values v = values_of("192.0.2.3");
    struct strbuf b;
    sb_init(&b, a);
    for (int i = 0; i < 50; i++)
        sb_printf(&b, "lbl%d.", 100 + i); /* 7 bytes each */
    sb_add(&b, STR("com"));
    struct str name = spf_expand_name(a, sb_str(&b), &v);
    assert_int_equal(name.n, 35 * 7 + 3); /* one more label would make 255 */
    assert_true(str_starts(name, STR("lbl115.")));
    struct str exact = str_sub(sb_str(&b), b.n - 248, b.n), full;
    assert_int_equal(spf_expand_name(a, str_printf(a, "abcd.%.*s", STR_ARG(exact)), &v).n, 253);
    assert_int_equal(spf_expand_name(a, str_printf(a, "abcde.%.*s", STR_ARG(exact)), &v).n, 248);

    /* An empty label is one, too. A single label has nothing to cut. */
    full = str_printf(a, "abcd.%.*s", STR_ARG(exact));
    assert_str(spf_expand_name(a, str_printf(a, ".%.*s", STR_ARG(full)), &v), str_cstr(a, full));
    char label[300];
    memset(label, 'x', sizeof label);
    assert_int_equal(spf_expand_name(a, (struct str){label, sizeof label}, &v).n, sizeof label);

    /* The last dot does not count, and hides no label that is cut. */
    v.local = STR("zz");
    full = str_printf(a, "aaaa.%.*s", STR_ARG(exact));
    name = spf_expand_name(a, str_printf(a, "%%{l}%.*s.", STR_ARG(full)), &v);
    assert_int_equal(name.n, 248);

    /* The same when macros make far more than is ever kept. */
    char local[600];
    memset(local, 'x', sizeof local);
    for (size_t i = 9; i < sizeof local; i += 10)
        local[i] = '.';
    v.local = (struct str){local, 250};
    struct str end = str_sub(exact, exact.n - 100, exact.n);
    full = str_printf(a, "%.*s.%.*s", STR_ARG(v.local), STR_ARG(end));
    name = spf_expand_name(a, str_printf(a, "%%{l}.%.*s", STR_ARG(end)), &v);
    assert_str(name, str_cstr(a, spf_expand_name(a, full, &v)));
    v.local = (struct str){local, sizeof local - 1};
    sb_init(&b, a);
    for (int i = 0; i < 2000; i++)
        sb_add(&b, STR("%{l}."));
    sb_add(&b, STR("example.com"));
    size_t before = arena_used(a);
    name = spf_expand_name(a, sb_str(&b), &v);
    assert_int_equal(name.n, 24 * 10 + 11);
    assert_true(str_starts(name, STR("xxxxxxxxx.xxxxxxxxx.")));
    assert_true(str_ends_nocase(name, STR(".xxxxxxxxx.example.com")));
    assert_true(arena_used(a) - before < 90000);
    arena_free(a);
}

static void texts_stop_at_their_limit(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct spf_macro_values v = values_of("192.0.2.3");
    assert_str(spf_expand_text(a, STR("%{d}%{d}"), &v, 20), "email.example.comema");
    struct strbuf b;
    sb_init(&b, a);
    for (int i = 0; i < 10000; i++)
        sb_add(&b, STR("%{s}"));
    struct str text = sb_str(&b);
    size_t before = arena_used(a);
    assert_int_equal(spf_expand_text(a, text, &v, 500).n, 500);
    assert_true(arena_used(a) - before < 4096);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples_of_the_rfc),
        cmocka_unit_test(ipv6),
        cmocka_unit_test(all_letters),
        cmocka_unit_test(odd_values),
        cmocka_unit_test(more_parts_than_there_are),
        cmocka_unit_test(checks_report_letters),
        cmocka_unit_test(names_are_lower_case_without_last_dot),
        cmocka_unit_test(long_names_lose_labels),
        cmocka_unit_test(texts_stop_at_their_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
