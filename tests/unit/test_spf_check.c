/* spf_check(): results, limits, problems, explanations. The suites of tests/conformance cover the
 * rest of RFC 7208. */
#include "spf_rig.h"

#include <stdio.h>

static void expect_problem(const char *zone, const char *result, const char *problem)
{
    struct rig r = rig_open(zone);
    rig_expect(&r, result, "");
    assert_str(r.out.problem, problem);
    rig_close(&r);
}

static void results_and_mechanisms(void **state)
{
    (void)state;
    expect("example.org. TXT \"v=spf1 mx ip4:192.0.2.0/24 -all\"", "pass", "ip4:192.0.2.0/24");
    expect("example.org. TXT \"v=spf1 ip4:198.51.100.1 -ALL\"", "fail", "-ALL");
    expect("example.org. TXT \"v=spf1 ip4:198.51.100.1\"", "neutral", "");
    expect("example.org. TXT \"v=spf1 ?a ~all\"\nexample.org. A 192.0.2.1", "neutral", "?a");
    expect("example.org. TXT \"v=spf1 include:a.example -all\"\n"
           "a.example. TXT \"v=spf1 include:b.example ~all\"\n"
           "b.example. TXT \"v=spf1 ip4:192.0.2.1\"",
           "pass", "include:a.example");
    expect("example.org. TXT \"v=spf1 redirect=a.example\"\n"
           "a.example. TXT \"v=spf1 ip4:198.51.100.1 ~all\"",
           "softfail", "~all");
    expect("example.org. TXT \"v=spf1 a:a.b -all\"\na.b. A 198.51.100.1\na.b. A 192.0.2.1", "pass",
           "a:a.b");
    expect("example.org. TXT other", "none", "");
    expect("other.org. TXT other", "none", "");
}

static void problems_say_why(void **state)
{
    (void)state;
    expect_problem("example.org. TXT other", "none", "example.org has no SPF record");
    expect_problem("x. TXT other", "none", "example.org does not exist");
    expect_problem("example.org. TXT \"v=spf1 -all\"\nexample.org. TXT \"v=spf1 +all\"",
                   "permerror", "example.org has two SPF records (RFC 7208 4.5)");
    expect_problem("example.org. SERVFAIL", "temperror",
                   "look-up of TXT for example.org failed: servfail");
    expect_problem("example.org. TXT \"v=spf1 a:a.example -all\"\na.example. TIMEOUT", "temperror",
                   "look-up of A for a.example failed: timeout");
    expect_problem("example.org. TXT \"v=spf1 include:a.example -all\"", "permerror",
                   "include:a.example: a.example does not exist (RFC 7208 5.2)");
    expect_problem(
        "example.org. TXT \"v=spf1 redirect=%{h}.%{l}.\"", "permerror",
        "SPF record of example.org: \"redirect=%{h}.%{l}.\" has a domain name that is no "
        "fully qualified one");
    expect_problem("example.org. TXT \"v=spf1 redirect=%{h}..%{o}\"", "permerror",
                   "redirect=%{h}..%{o}: mail.example.org..example.org is no domain name (RFC 7208 "
                   "6.1)");
    expect_problem("example.org. TXT \"v=spf1 redirect=example.org\"", "permerror",
                   "more than 10 terms that need DNS look-ups (RFC 7208 4.6.4)");
}

static void domains_that_are_none(void **state)
{
    static const char *const domains[] = {"",        "localhost", "[192.0.2.1]", "a..example.org",
                                          "a b.org", "org."};
    (void)state;
    struct rig r = rig_open("example.org. TXT \"v=spf1 -all\"");
    for (size_t i = 0; i < sizeof domains / sizeof *domains; i++) {
        char given[16]; /* the outcome outlives the question */
        snprintf(given, sizeof given, "%s", domains[i]);
        r.request.domain = str_of(given);
        rig_expect(&r, "none", "");
        memset(given, 'x', sizeof given);
        assert_str(r.out.domain, domains[i]);
    }
    assert_int_equal(r.asker.lookups, 0);
    r.request.domain = STR("Example.ORG.");
    rig_expect(&r, "fail", "-all");
    assert_str(r.out.domain, "example.org");
    rig_close(&r);
}

static void internationalised(void **state)
{
    (void)state;
    struct rig r = rig_open("xn--bcher-kva.example. TXT \"v=spf1 exists:%{o}.%{h}.x.org -all\"\n"
                            "xn--bcher-kva.example.xn--mail-ooa.example.x.org. A 127.0.0.1");
    r.request.domain = STR("B\xc3\xbc"
                           "cher.example");
    r.request.helo = STR("m\xc3\xa4il.example");
    rig_expect(&r, "fail", "-all"); /* another HELO name */
    r.request.helo = STR("mail\xc3\xa4.example");
    rig_expect(&r, "pass", "exists:%{o}.%{h}.x.org");
    assert_str(r.out.domain, "xn--bcher-kva.example");
    rig_close(&r);
}

/* RFC 8616 4: terms with %{s} or %{l} match nothing for such a local part. */
static void local_part_in_utf8(void **state)
{
    (void)state;
    const char *const zone = "example.org. TXT \"v=spf1 exists:%{l}.x.org a:%{S}.y.org "
                             "include:%{l}.z.org ~exists:%{o}.x.org exp=%{l}.w.org -all\"\n"
                             "*.x.org. A 127.0.0.1\n*.y.org. A 192.0.2.1\n";
    struct rig r = rig_open(zone);
    rig_expect(&r, "pass", "exists:%{l}.x.org");
    r.request.local = STR("us\xc3\xa9r");
    rig_expect(&r, "softfail", "~exists:%{o}.x.org");
    assert_int_equal(r.out.lookup_terms, 4);
    rig_close(&r);

    r = rig_open(
        "example.org. TXT \"v=spf1 redirect=%{l}.x.org\"\nuser.x.org. TXT \"v=spf1 -all\"");
    rig_expect(&r, "fail", "-all");
    r.request.local = STR("us\xc3\xa9r");
    rig_expect(&r, "neutral", "");
    rig_close(&r);
}

/* A local part or HELO name that is longer than mail allows is in no domain name either. */
static void overlong_values_match_nothing(void **state)
{
    (void)state;
    char text[257];
    memset(text, '.', sizeof text);
    struct rig r =
        rig_open("example.org. TXT \"v=spf1 exists:%{l1}x.org ~exists:%{h1}x.org -all\"\n"
                 "x.org. A 127.0.0.1");
    r.request.helo = r.request.local = (struct str){text, 256};
    rig_expect(&r, "pass", "exists:%{l1}x.org");
    r.request.local.n = 257;
    rig_expect(&r, "softfail", "~exists:%{h1}x.org");
    r.request.helo.n = 257;
    rig_expect(&r, "fail", "-all");
    rig_close(&r);
}

static void lookup_terms_are_limited(void **state)
{
    (void)state;
    const char *const ten =
        "example.org. TXT \"v=spf1 a a a a a mx mx mx mx include:a.example %s\"\n"
        "example.org. A 198.51.100.1\nexample.org. MX 1 example.org\n"
        "a.example. TXT \"v=spf1 ip4:198.51.100.1\"";
    char zone[500];
    snprintf(zone, sizeof zone, ten, "-all");
    expect(zone, "fail", "-all");
    snprintf(zone, sizeof zone, ten, "ip4:192.0.2.1 a -all");
    expect(zone, "pass", "ip4:192.0.2.1");
    snprintf(zone, sizeof zone, ten, "a -all");
    expect(zone, "permerror", "");
    snprintf(zone, sizeof zone, ten, "redirect=a.example");
    expect(zone, "permerror", "");
    snprintf(zone, sizeof zone, ten, "-all");
    struct rig r = rig_open(zone);
    r.request.limits.lookup_terms = 9;
    rig_expect(&r, "permerror", "");
    assert_str(r.out.problem, "more than 9 terms that need DNS look-ups (RFC 7208 4.6.4)");
    rig_close(&r);
}

static void void_lookups_are_limited(void **state)
{
    (void)state;
    expect("example.org. TXT \"v=spf1 a:a.org mx:b.org -all\"", "fail", "-all");
    expect_problem("example.org. TXT \"v=spf1 a:a.org mx:b.org exists:c.org -all\"", "permerror",
                   "more than 2 terms whose DNS look-ups find nothing (RFC 7208 4.6.4)");
    expect("example.org. TXT \"v=spf1 a:a.org mx:b.org ptr -all\"", "permerror", "");
    /* Over the whole check, not per record. */
    expect("example.org. TXT \"v=spf1 a:a.org include:i.org mx:b.org -all\"\n"
           "i.org. TXT \"v=spf1 exists:c.org -all\"",
           "permerror", "");
    /* An mx is void once, whatever its exchanges. */
    expect("example.org. TXT \"v=spf1 mx a:a.org -all\"\n"
           "example.org. MX 1 m1.org\nexample.org. MX 2 m2.org\nexample.org. MX 3 m3.org",
           "fail", "-all");
    struct rig r = rig_open("example.org. TXT \"v=spf1 a:a.org -all\"");
    rig_expect(&r, "fail", "-all");
    assert_int_equal(r.out.void_lookups, 1);
    r.request.limits.void_lookups = 0;
    rig_expect(&r, "permerror", "");
    rig_close(&r);
}

#define NAMES6                                                                                     \
    "a.org. AAAA 2001:db8::1\nb.org. MX 1 m.b.org\nb.org. MX 2 n.b.org\nn.b.org. AAAA "            \
    "2001:db8::2\nm.b.org. TXT x\nc.org. AAAA 2001:db8::3\nd.org. AAAA 2001:db8::4\n"              \
    "e.org. TXT x\nf.org. TXT x\ng.org. TXT x\n"                                                   \
    "two.org. MX 1 a.org\ntwo.org. MX 2 c.org\ngone.org. MX 1 none.org\n"

/* A name with addresses of the other family is not void; whether it is, is only asked for at the
 * limit, term by term from the first. */
static void names_with_another_family_are_not_void(void **state)
{
    static const struct {
        const char *record, *result;
        unsigned voids, queries;
    } cases[] = {
        {"v=spf1 a:a.org a:c.org -all", "fail", 2, 3},
        {"v=spf1 a:a.org a:c.org a:d.org -all", "fail", 2, 5},
        {"v=spf1 a:a.org a:c.org a:d.org a:a.org -all", "fail", 2, 7},
        {"v=spf1 a:a.org a:none.org a:none.org -all", "fail", 2, 5},
        {"v=spf1 a:none.org a:none.org a:a.org -all", "fail", 2, 5},
        {"v=spf1 a:none.org a:none.org a:a.org a:none.org -all", "permerror", 2, 6},
        {"v=spf1 a:e.org a:f.org exists:c.org -all", "permerror", 2, 6},
        {"v=spf1 exists:c.org exists:d.org a:a.org -all", "fail", 2, 5},
        {"v=spf1 exists:c.org exists:d.org exists:a.org -all", "permerror", 2, 4},
        {"v=spf1 a:e.org a:f.org a:g.org -all", "permerror", 2, 7},
        {"v=spf1 a:e.org a:f.org mx:b.org -all", "fail", 2, 10},
        {"v=spf1 a:none.org a:none.org ptr -all", "permerror", 2, 4},
        {"v=spf1 a:a.org a:none.org ptr -all", "fail", 2, 5},
        {"v=spf1 mx:two.org a:none.org a:none.org -all", "fail", 2, 7},
        {"v=spf1 mx:two.org a:none.org a:none.org a:none.org -all", "permerror", 2, 8},
        {"v=spf1 a:e.org a:f.org mx:gone.org -all", "permerror", 2, 7},
        {"v=spf1 a:down.org -all", "temperror", 0, 2},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char zone[1000];
        snprintf(zone, sizeof zone, "example.org. TXT \"%s\"\n" NAMES6 "down.org. SERVFAIL\n",
                 cases[i].record);
        struct rig r = rig_open(zone);
        rig_check(&r);
        if (strcmp(spf_result_name(r.out.result), cases[i].result) ||
            r.out.queries != cases[i].queries)
            print_error("%s: %s, %u queries\n", cases[i].record, spf_result_name(r.out.result),
                        r.out.queries);
        assert_string_equal(spf_result_name(r.out.result), cases[i].result);
        assert_int_equal(r.out.void_lookups, cases[i].voids);
        assert_int_equal(r.out.queries, cases[i].queries);
        r.request.limits.queries = cases[i].queries - 1;
        rig_expect(&r, "permerror", "");
        assert_true(r.out.out_of_queries);
        assert_non_null(strstr(str_cstr(r.arena, r.out.problem), "(dns.max-queries)"));
        rig_close(&r);
    }
}

/* The other way round, for a client on IPv6; and where that cannot be known. */
static void other_family_the_other_way_round(void **state)
{
    (void)state;
    struct rig r = rig_open("example.org. TXT \"v=spf1 a:a.org a:b.org a:c.org -all\"\n"
                            "a.org. A 198.51.100.1\nb.org. A 198.51.100.1\nc.org. A 198.51.100.1");
    assert_true(netaddr_parse(STR("2001:db8::9"), &r.request.client));
    rig_expect(&r, "fail", "-all");
    rig_close(&r);
    r = rig_open("example.org. TXT \"v=spf1 a:a.org a:b.org a:c.org -all\"\n"
                 "a.org. AAAA 2001:db8::1\nb.org. AAAA 2001:db8::1\nc.org. TXT x\n");
    r.request.limits.void_lookups = 0;
    rig_expect(&r, "permerror", "");
    rig_close(&r);
}

static void mx_asks_for_its_exchanges(void **state)
{
    (void)state;
    /* The null MX has no addresses to ask for, and finds nothing (RFC 7505). */
    struct rig r = rig_open("example.org. TXT \"v=spf1 mx -all\"\nexample.org. MX 0 .");
    rig_expect(&r, "fail", "-all");
    assert_int_equal(r.asker.lookups, 2);
    assert_int_equal(r.out.void_lookups, 1);
    rig_close(&r);
    expect("example.org. TXT \"v=spf1 mx -all\"\nexample.org. MX 1 x.\nx. A 192.0.2.1", "pass",
           "mx");
    /* One exchange with an address is enough not to be void. */
    r = rig_open("example.org. TXT \"v=spf1 mx -all\"\nexample.org. MX 1 m1.org\n"
                 "example.org. MX 2 m2.org\nm1.org. A 198.51.100.1");
    rig_expect(&r, "fail", "-all");
    assert_int_equal(r.out.void_lookups, 0);
    rig_close(&r);
    expect("example.org. TXT \"v=spf1 mx -all\"\nexample.org. MX 1 m1.org\nm1.org. SERVFAIL",
           "temperror", "");
    expect("example.org. TXT \"v=spf1 mx:m.org -all\"\nm.org. SERVFAIL", "temperror", "");
    expect("example.org. TXT \"v=spf1 mx -all\"\nexample.org. MX 1 m1.org\n"
           "example.org. MX 2 m2.org\nm1.org. A 192.0.2.1\nm2.org. SERVFAIL",
           "pass", "mx");
}

static void mx_names_are_limited(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    const char *const head = "example.org. TXT \"v=spf1 mx -all\"\nm10.org. A 192.0.2.1\n";
    struct rig r = rig_open_text(many(a, head, "example.org. MX # m#.org.\n", 10));
    rig_expect(&r, "pass", "mx");
    rig_close(&r);
    r = rig_open_text(many(a, head, "example.org. MX # m#.org.\n", 11));
    rig_expect(&r, "permerror", "");
    assert_str(r.out.problem, "example.org has more than 10 MX records (RFC 7208 4.6.4)");
    rig_close(&r);
    arena_free(a);
}

/* %{d} and terms without a domain mean the record's own domain, behind an include too. */
static void domain_is_that_of_the_record(void **state)
{
    (void)state;
    struct rig r = rig_open(
        "example.org. TXT \"v=spf1 include:i.org ~exists:%{d}.x.org a mx exp=%{d}.e.org -all\"\n"
        "i.org. TXT \"v=spf1 exists:%{d}.x.org\"\n"
        "example.org. A 192.0.2.9\nexample.org. MX 1 example.org\n"
        "example.org.e.org. TXT \"%{d}\"");
    rig_expect(&r, "fail", "-all");
    assert_str(r.out.explanation, "example.org");
    rig_close(&r);
    expect("example.org. TXT \"v=spf1 include:i.org ~exists:%{d}.x.org -all\"\n"
           "i.org. TXT \"v=spf1 exists:%{d}.y.org\"\n"
           "i.org.y.org. A 127.0.0.1\nexample.org.x.org. A 127.0.0.1",
           "pass", "include:i.org");
    expect("example.org. TXT \"v=spf1 redirect=r.org\"\nr.org. TXT \"v=spf1 a -all\"\n"
           "example.org. A 192.0.2.1",
           "fail", "-all");
}

static void ipv6_clients(void **state)
{
    (void)state;
    struct rig r = rig_open("example.org. TXT \"v=spf1 a/24//64 ip6:::ffff:0:0/96 -all\"\n"
                            "example.org. A 192.0.2.200\nexample.org. AAAA 2001:db8::dead");
    rig_expect(&r, "pass", "a/24//64");
    assert_true(netaddr_parse(STR("2001:db8::1"), &r.request.client));
    rig_expect(&r, "pass", "a/24//64");
    assert_true(netaddr_parse(STR("2001:db8:1::1"), &r.request.client));
    rig_expect(&r, "fail", "-all");
    assert_true(netaddr_parse(STR("::ffff:192.0.3.1"), &r.request.client));
    rig_expect(&r, "fail", "-all"); /* IPv4: ip6 does not match */
    rig_close(&r);
}

static void explanations(void **state)
{
    (void)state;
    struct rig r =
        rig_open("example.org. TXT \"v=spf1 exp=why.%{d} -all\"\n"
                 "why.example.org. TXT \"%{i} may not send for %{o}, says %{r} at %{t}\"");
    rig_expect(&r, "fail", "-all");
    assert_str(r.out.explanation,
               "192.0.2.1 may not send for example.org, says mx.example.net at 1700000000");
    assert_int_equal(r.out.queries, 2);
    r.request.want_explanation = false;
    unsigned lookups = r.asker.lookups;
    rig_expect(&r, "fail", "-all");
    assert_null(r.out.explanation.p);
    assert_int_equal(r.asker.lookups, lookups + 1);
    rig_close(&r);

    /* HELO as it was given (RFC 7208 7.2), if it is ASCII. */
    r = rig_open("example.org. TXT \"v=spf1 -all exp=e.org\"\ne.org. TXT \"%{h}\"");
    r.request.helo = STR("Mail.Example.ORG.");
    rig_expect(&r, "fail", "-all");
    assert_str(r.out.explanation, "Mail.Example.ORG.");
    rig_close(&r);

    /* Only of the record that failed, and only for a fail. */
    r = rig_open("example.org. TXT \"v=spf1 -include:i.org exp=e.org ~all\"\n"
                 "i.org. TXT \"v=spf1 +all exp=ie.org\"\ne.org. TXT outer\nie.org. TXT inner");
    rig_expect(&r, "fail", "-include:i.org");
    assert_str(r.out.explanation, "outer");
    rig_close(&r);
    r = rig_open("example.org. TXT \"v=spf1 exp=e.org ~all\"\ne.org. TXT outer");
    rig_expect(&r, "softfail", "~all");
    assert_null(r.out.explanation.p);
    assert_int_equal(r.asker.lookups, 1);
    rig_close(&r);
}

static void bad_explanations_are_none(void **state)
{
    static const char *const texts[] = {
        "e.org. TXT one\ne.org. TXT two",
        "e.org. SERVFAIL",
        "e.org. A 192.0.2.1",
        "e.org. TXT \"bad %{x}\"",
        "e.org. TXT \"tab\\009\"",
        "e.org. TXT \"gr\\195\\188n\"",
        "e.org. TXT \"%{h}\"",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char zone[200];
        snprintf(zone, sizeof zone, "example.org. TXT \"v=spf1 -all exp=e.org\"\n%s", texts[i]);
        struct rig r = rig_open(zone);
        r.request.helo = STR("\xff");
        rig_expect(&r, "fail", "-all");
        assert_null(r.out.explanation.p);
        assert_int_equal(r.out.problem.n, 0);
        rig_close(&r);
    }
}

static void explanations_are_bounded(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct rig r = rig_open_text(
        many(a, "example.org. TXT \"v=spf1 -all exp=e.org\"\ne.org. TXT ", "\"%{s}\" ", 400));
    rig_expect(&r, "fail", "-all");
    assert_int_equal(r.out.explanation.n, 2000);
    rig_close(&r);
    arena_free(a);
}

/* RFC 7208 4.8: no such target can be asked for, so it matches nothing, and that is not void. */
static void targets_that_are_no_names(void **state)
{
    static const struct {
        const char *local;
        unsigned queries; /* the record's, and that of the target */
    } cases[] = {
        {"a123456789b123456789c123456789d123456789e123456789f123456789123", 2},
        {"a123456789b123456789c123456789d123456789e123456789f1234567891234", 1},
        {"a..b", 1},
        {"a b", 2},
        {"a\x1f", 1},
        {"a\x7f", 1},
        {"a~", 2},
        {"x", 2},
        {".x", 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r = rig_open("example.org. TXT \"v=spf1 exists:%{l}.x.org -all\"");
        r.request.local = str_of(cases[i].local);
        rig_expect(&r, "fail", "-all");
        if (r.out.queries != cases[i].queries)
            fail_msg("%s: %u queries", cases[i].local, r.out.queries);
        assert_int_equal(r.out.void_lookups, cases[i].queries - 1);
        rig_close(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_and_mechanisms),
        cmocka_unit_test(problems_say_why),
        cmocka_unit_test(domains_that_are_none),
        cmocka_unit_test(internationalised),
        cmocka_unit_test(local_part_in_utf8),
        cmocka_unit_test(overlong_values_match_nothing),
        cmocka_unit_test(lookup_terms_are_limited),
        cmocka_unit_test(void_lookups_are_limited),
        cmocka_unit_test(names_with_another_family_are_not_void),
        cmocka_unit_test(other_family_the_other_way_round),
        cmocka_unit_test(mx_asks_for_its_exchanges),
        cmocka_unit_test(mx_names_are_limited),
        cmocka_unit_test(domain_is_that_of_the_record),
        cmocka_unit_test(ipv6_clients),
        cmocka_unit_test(explanations),
        cmocka_unit_test(bad_explanations_are_none),
        cmocka_unit_test(explanations_are_bounded),
        cmocka_unit_test(targets_that_are_no_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
