/* spf/record: the grammar of SPF records, and how much of a record is kept. */
#include "test.h"

#include "spf/macro.h"
#include "spf/record.h"

static struct spf_record parsed(struct arena *a, const char *text, bool want, struct str *problem)
{
    struct spf_record record;
    *problem = STR("");
    assert_true(spf_is_record(str_of(text)));
    bool ok = spf_record_parse(a, at_page_end(str_of(text)), 10, NULL, &record, problem);
    if (ok != want) {
        print_error("\"%s\" is %s: %.*s\n", text, ok ? "accepted" : "refused", STR_ARG(*problem));
        fail();
    }
    return record;
}

static void selects_by_version(void **state)
{
    (void)state;
    assert_true(spf_is_record(STR("v=spf1")));
    assert_true(spf_is_record(STR("v=spf1 ")));
    assert_true(spf_is_record(STR("V=SpF1 -all")));
    assert_false(spf_is_record(STR("v=spf10")));
    assert_false(spf_is_record(STR("v=spf1mx")));
    assert_false(spf_is_record(STR("v=spf1\r-all")));
    assert_false(spf_is_record(STR("v=spf1\t-all")));
    assert_false(spf_is_record(STR(" v=spf1 -all")));
    assert_false(spf_is_record(STR("v=spf")));
    assert_false(spf_is_record(STR("")));
    assert_false(spf_is_record(STR("spf2.0/pra -all")));
}

static void accepts(void **state)
{
    static const char *const good[] = {
        "v=spf1",
        "v=spf1 ",
        "v=spf1   -all   ",
        "v=spf1 a mx ptr all",
        "v=spf1 +a -a ~a ?a",
        "v=spf1 A MX PTR ALL IP4:192.0.2.1 IP6:2001:DB8::1 EXISTS:a.b INCLUDE:a.b",
        "v=spf1 a/0 a/32 a//0 a//128 a/24//64 a:foo.com/24//64 mx//7",
        "v=spf1 ip4:192.0.2.0/24 ip4:0.0.0.0/0 ip6:::/0 ip6:2001:db8::/32 ip6:::1.2.3.4/128",
        "v=spf1 a:foo:bar/baz.example.com",
        "v=spf1 a:foo.example.xn--zckzah a:a.1-2 a:a.b. a:a.b1 a/10//20",
        "v=spf1 a:%{d} a:%{d}/24 a:x%{d4r-+,/_=} exists:%{ir}.%{v}._spf.%{d2} include:%{D127R}",
        "v=spf1 a:macro%%percent%_%_space%-url-space.example.com a:foo%%",
        "v=spf1 redirect=_spf.example.com exp=explain.%{d}",
        "v=spf1 REDIRECT=a.b eXp=a.b",
        "v=spf1 unknown=%{c}%{r}%{t} moo.cow-far_out=man:dog/cat x= a=b ip4=1",
        "v=spf1 unknown=1 unknown=1 -all",
        "v=spf1 a:.com",
    };
    (void)state;
    struct arena *a = arena_new(0);
    struct str problem;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        parsed(a, good[i], true, &problem);
    arena_free(a);
}

static void refuses(void **state)
{
    static const char *const bad[] = {
        "v=spf1 -all moo",
        "v=spf1 all:foo",
        "v=spf1 -all.",
        "v=spf1 all/8",
        "v=spf1 a/33",
        "v=spf1 a/032",
        "v=spf1 a/08",
        "v=spf1 a/00",
        "v=spf1 a//064",
        "v=spf1 a//08",
        "v=spf1 a/",
        "v=spf1 a//",
        "v=spf1 a//129",
        "v=spf1 a///8",
        "v=spf1 a/24/64",
        "v=spf1 a/24//",
        "v=spf1 a/-1",
        "v=spf1 a/1234567890123456789012345",
        "v=spf1 a:",
        "v=spf1 a:/24",
        "v=spf1 a:foo.com/",
        "v=spf1 a:foo.com/24/64",
        "v=spf1 a:museum",
        "v=spf1 a:museum.",
        "v=spf1 a:abc.123",
        "v=spf1 a:111.222.33.44",
        "v=spf1 a:192.0.2.1",
        "v=spf1 a:example.-com",
        "v=spf1 a:example.com-",
        "v=spf1 a:example.c_m",
        "v=spf1 a:example._om",
        "v=spf1 a:example.co_",
        "v=spf1 a:example.com:8080",
        "v=spf1 a:foo..",
        "v=spf1 a:%{d}com",
        "v=spf1 a:%{d}.",
        "v=spf1 a:%{a}.example.com",
        "v=spf1 a:%{c}.example.com",
        "v=spf1 a:%{d0}.example.com",
        "v=spf1 a:%{dr2}.example.com",
        "v=spf1 a:%{d:}.example.com",
        "v=spf1 a:%{d",
        "v=spf1 a:%{",
        "v=spf1 a:foo%",
        "v=spf1 a:%(d).example.com",
        "v=spf1 a:\x80.example.com",
        "v=spf1 a:foo\tbar.example.com",
        "v=spf1 a:example.com\r-all",
        "v=spf1 \xEF\xBB\xBFmx",
        "v=spf1 ptr/0",
        "v=spf1 ptr:",
        "v=spf1 ptr:foo.com/24",
        "v=spf1 mx:",
        "v=spf1 include",
        "v=spf1 include:",
        "v=spf1 include/24",
        "v=spf1 include:foo.com/24",
        "v=spf1 exists",
        "v=spf1 exists:",
        "v=spf1 exists:foo.com/24",
        "v=spf1 ip4",
        "v=spf1 ip4:",
        "v=spf1 ip4:1.2.3",
        "v=spf1 ip4:1.2.3.4.5",
        "v=spf1 ip4:01.2.3.4",
        "v=spf1 ip4:1.2.3.4/33",
        "v=spf1 ip4:1.2.3.4/032",
        "v=spf1 ip4:1.2.3.4/08",
        "v=spf1 ip6:::1/08",
        "v=spf1 ip4:1.2.3.4/",
        "v=spf1 ip4:1.2.3.4//32",
        "v=spf1 ip4:1.2.3.4:8080",
        "v=spf1 ip4:2001:db8::1",
        "v=spf1 ip4/24",
        "v=spf1 ip6:0000:0000:0000:0000:0000:0000:0000:0000:00000:", /* 46 bytes of address */
        "v=spf1 ip6:1:2:3:4:5:6:7:8:9:a:b:c:d:e:f:0:1:2:3:4:5:6:7:8:9:a:b:c:d:e:f",
        "v=spf1 ip6",
        "v=spf1 ip6::CAFE::BABE",
        "v=spf1 ip6:::1/129",
        "v=spf1 ip6:::1//33",
        "v=spf1 ip6:192.0.2.1",
        "v=spf1 ip6:ipv6:::1",
        "v=spf1 ip6:fe80::1%eth0",
        "v=spf1 redirect:foo.com",
        "v=spf1 redirect=",
        "v=spf1 redirect=-all",
        "v=spf1 redirect=foo.com/24",
        "v=spf1 redirect=a.b redirect=a.b",
        "v=spf1 exp=",
        "v=spf1 exp=%{r}.example.com",
        "v=spf1 exp=a.b -all exp=a.b",
        "v=spf1 =all",
        "v=spf1 1up=foo",
        "v=spf1 -x=foo",
        "v=spf1 foo=%abc",
        "v=spf1 foo=b\x80r",
        "v=spf1 + all",
        "v=spf1 --all",
        "v=spf1 -",
        "v=spf1 \xFF",
    };
    (void)state;
    struct arena *a = arena_new(0);
    struct str problem;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        parsed(a, bad[i], false, &problem);
        assert_true(problem.n > 3);
    }
    arena_free(a);
}

static void nul_is_no_end(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct spf_record record;
    struct str problem;
    assert_false(
        spf_record_parse(a, STR("v=spf1 a:foo.example.com\0"), 10, NULL, &record, &problem));
    assert_false(spf_record_parse(a, STR("v=spf1 ip4:1.2.3.4\0"), 10, NULL, &record, &problem));
    assert_false(
        spf_record_parse(a, STR("v=spf1 ip4:1.2.3.4\0005/24"), 10, NULL, &record, &problem));
    assert_str(problem, "\"ip4:1.2.3.4\\x005/24\" has no valid IP address");
    assert_false(spf_record_parse(a, STR("v=spf1 \0all"), 10, NULL, &record, &problem));
    arena_free(a);
}

static void fills_terms(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct str problem;
    struct spf_record r =
        parsed(a,
               "v=spf1 redirect=r.example ~a:%{l}.example.com/24//64 ?ip6:2001:db8::/32 mx "
               "exp=e.example.com",
               true, &problem);
    assert_int_equal(r.n, 4);
    assert_int_equal(r.terms[0].kind, SPF_A);
    assert_int_equal(r.terms[0].result, SPF_SOFTFAIL);
    assert_int_equal(r.terms[0].bits4, 24);
    assert_int_equal(r.terms[0].bits6, 64);
    assert_str(r.terms[0].spec, "%{l}.example.com");
    assert_str(r.terms[0].text, "~a:%{l}.example.com/24//64");
    assert_int_equal(r.terms[0].letters, SPF_LETTER('l'));
    assert_int_equal(r.terms[1].kind, SPF_IP6);
    assert_int_equal(r.terms[1].result, SPF_NEUTRAL);
    assert_int_equal(r.terms[1].bits6, 32);
    assert_int_equal(r.terms[2].kind, SPF_MX);
    assert_int_equal(r.terms[2].result, SPF_PASS);
    assert_null(r.terms[2].spec.p);
    assert_int_equal(r.terms[2].bits4, 32);
    assert_int_equal(r.terms[2].bits6, 128);
    assert_int_equal(r.terms[3].kind, SPF_REDIRECT);
    assert_str(r.terms[3].spec, "r.example");
    assert_str(r.explanation, "e.example.com");
    arena_free(a);
}

static void mapped_network_stays_ipv6(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct str problem;
    struct spf_record r = parsed(a, "v=spf1 ip6:::ffff:192.0.2.0/120", true, &problem);
    assert_int_equal(r.terms[0].net.family, 6);
    arena_free(a);
}

static void keeps_what_can_be_reached(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct str problem;
    struct spf_record r = parsed(a, "v=spf1 redirect=a.b a -all mx ip4:1.2.3.4", true, &problem);
    assert_int_equal(r.n, 2);
    assert_int_equal(r.terms[1].kind, SPF_ALL);
    /* Eleven look-ups: the one that breaks the limit is the last that counts. */
    r = parsed(a, "v=spf1 a a a a a a a a a a a a ip4:1.2.3.4 -all redirect=a.b", true, &problem);
    assert_int_equal(r.n, 11);
    r = parsed(a, "v=spf1 a a a a a a a a a ip4:1.2.3.4 redirect=a.b", true, &problem);
    assert_int_equal(r.n, 11);
    assert_int_equal(r.terms[10].kind, SPF_REDIRECT);
    /* And still all of it is checked. */
    parsed(a, "v=spf1 -all moo", false, &problem);
    parsed(a, "v=spf1 a a a a a a a a a a a a moo", false, &problem);
    arena_free(a);
}

static void huge_records_take_little_memory(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct strbuf b;
    struct spf_record record;
    struct str problem;
    sb_init(&b, a);
    sb_add(&b, STR("v=spf1"));
    while (b.n < 65000)
        sb_add(&b, STR(" a"));
    struct str text = sb_str(&b);
    size_t before = arena_used(a);
    assert_true(spf_record_parse(a, text, 10, NULL, &record, &problem));
    assert_int_equal(record.n, 11);
    assert_true(arena_used(a) - before < 8192);
    arena_free(a);
}

static void networks_of_others_are_not_kept(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct strbuf b;
    struct spf_record record;
    struct str problem;
    struct netaddr client;
    sb_init(&b, a);
    sb_add(&b, STR("v=spf1"));
    while (b.n < 65000)
        sb_add(&b, STR(" ip4:192.0.2.0/24 ip6:2001:db8::/32"));
    sb_add(&b, STR(" ?ip4:198.51.100.0/24 a -all"));
    struct str text = sb_str(&b);
    size_t before = arena_used(a);
    assert_true(netaddr_parse(STR("198.51.100.7"), &client));
    assert_true(spf_record_parse(a, text, 10, &client, &record, &problem));
    assert_int_equal(record.n, 3);
    assert_str(record.terms[0].text, "?ip4:198.51.100.0/24");
    assert_true(arena_used(a) - before < 8192);
    assert_true(spf_record_parse(a, text, 10, NULL, &record, &problem));
    assert_true(record.n > 3000);
    assert_false(
        spf_record_parse(a, STR("v=spf1 ip4:1.1.1.1 ip4:x"), 10, &client, &record, &problem));
    arena_free(a);
}

static void problems_say_what_is_wrong(void **state)
{
    static const struct {
        const char *term, *problem;
    } cases[] = {
        {"a:111.222.33.44", "has an IP address where a domain name must be"},
        {"a:abc.123", "has a domain name without a valid top-level name"},
        {"a:::1", "has a domain name that is no fully qualified one"},
        {"a:x", "has a domain name that is no fully qualified one"},
        {"a:", "has no domain name where one must be"},
        {"a:%{c}.x.org", "has %{c}, %{r} or %{t}, which only explanations may have"},
        {"a:%{d0}", "asks for 0 parts in a macro"},
        {"a:%{", "has a '%{' without a macro letter"},
        {"a:%{x}", "has a macro letter that does not exist"},
        {"a:%{d", "has a macro that is not closed by '}'"},
        {"a:%x", "has a '%' that is not followed by '{', '%', '-' or '_'"},
        {"a/", "has a prefix length that cannot be read"},
        {"a/33", "has an IPv4 prefix length that is not between 0 and 32"},
        {"a//129", "has an IPv6 prefix length that is not between 0 and 128"},
        {"ptr/8", "has a prefix length, which this mechanism does not take"},
        {"include", "has no ':' with a domain name"},
        {"all:x", "takes no argument"},
        {"ip4", "has no ':' with an IP address"},
        {"ip4:", "has no ':' with an IP address"},
        {"ip6/64", "has no ':' with an IP address"},
        {"ip4:1.2.3", "has no valid IPv4 address"},
        {"ip6:1.2.3.4", "has no valid IPv6 address"},
        {"ip4:1.2.3.4/33", "has a prefix length that is not between 0 and 32"},
        {"ip6:::1/129", "has a prefix length that is not between 0 and 128"},
        {"redirect:a.b", "is no mechanism; modifiers are written as name=value"},
        {"exp:a.b", "is no mechanism; modifiers are written as name=value"},
        {":a", "is no mechanism that exists"},
        {"/8", "is no mechanism that exists"},
    };
    (void)state;
    struct arena *a = arena_new(0);
    struct str problem;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str text = str_printf(a, "v=spf1 %s", cases[i].term);
        struct str want = str_printf(a, "\"%s\" %s", cases[i].term, cases[i].problem);
        parsed(a, text.p, false, &problem);
        assert_str(problem, want.p);
    }
    parsed(a, "v=spf1 redirect=a.b redirect=c.d", false, &problem);
    assert_str(problem, "\"redirect=c.d\" is the second redirect");
    parsed(a, "v=spf1 exp=a.b exp=c.d", false, &problem);
    assert_str(problem, "\"exp=c.d\" is the second exp");
    arena_free(a);
}

static void problems_are_clean_and_short(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct str problem;
    parsed(a, "v=spf1 \x1b[31mmx", false, &problem);
    assert_str(problem, "\"\\x1b[31mmx\" is no mechanism that exists");
    char text[4000] = "v=spf1 ";
    memset(text + 7, '\x80', sizeof text - 8);
    parsed(a, text, false, &problem);
    assert_true(problem.n < 200);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(selects_by_version),
        cmocka_unit_test(accepts),
        cmocka_unit_test(refuses),
        cmocka_unit_test(nul_is_no_end),
        cmocka_unit_test(fills_terms),
        cmocka_unit_test(mapped_network_stays_ipv6),
        cmocka_unit_test(keeps_what_can_be_reached),
        cmocka_unit_test(huge_records_take_little_memory),
        cmocka_unit_test(networks_of_others_are_not_kept),
        cmocka_unit_test(problems_say_what_is_wrong),
        cmocka_unit_test(problems_are_clean_and_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
