/* spf_check() and the client: its names, for ptr and %{p} (RFC 7208 5.5 and 7.3), and how much the
 * term that decided says of it. */
#include "spf_rig.h"

#include <stdio.h>

/* ---- names ---- */

/* A name of the client that is the domain, else one below it, else any (RFC 7208 7.3). */
static void validated_name_is_the_closest(void **state)
{
    static const char *const names[] = {"any.net", "below.example.org", "example.org"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        char zone[500];
        int n =
            snprintf(zone, sizeof zone,
                     "example.org. TXT \"v=spf1 exists:%%{p}.x.org -all\"\n%s.x.org. A 127.0.0.1\n",
                     names[i]);
        for (size_t k = 0; k <= i; k++)
            n += snprintf(zone + n, sizeof zone - (size_t)n,
                          "1.2.0.192.in-addr.arpa. PTR %s.\n%s. A 192.0.2.1\n", names[k], names[k]);
        expect(zone, "pass", "exists:%{p}.x.org");
    }
    /* One that does not lead back is none. */
    expect("example.org. TXT \"v=spf1 exists:%{p}.x.org -all\"\nunknown.x.org. A 127.0.0.1\n"
           "1.2.0.192.in-addr.arpa. PTR example.org.\nexample.org. A 192.0.2.2",
           "pass", "exists:%{p}.x.org");
}

/* RFC 7208 4.6.4: the PTR query of %{p} counts, once. */
static void validated_name_counts_once(void **state)
{
    (void)state;
    struct rig r =
        rig_open("example.org. TXT \"v=spf1 exists:%{p}.a.example exists:%{p}.b.example "
                 "ptr:c.example -all\"\n"
                 "1.2.0.192.in-addr.arpa. PTR mail.example.org.\nmail.example.org. A 192.0.2.1\n"
                 "mail.example.org.b.example. A 127.0.0.1");
    rig_expect(&r, "pass", "exists:%{p}.b.example");
    assert_int_equal(r.out.lookup_terms, 3);
    assert_int_equal(r.asker.lookups, 5); /* TXT, PTR, its A, two exists */
    rig_close(&r);
}

#define NAMED                                                                                      \
    "1.2.0.192.in-addr.arpa. PTR m.example.org.\n"                                                 \
    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. PTR "               \
    "m.example.org.\n"

/* RFC 7208 5.5: one of the name's addresses is the client's, to the last bit. */
static void names_lead_back_exactly(void **state)
{
    static const struct {
        const char *client, *address, *mechanism;
    } cases[] = {
        {"192.0.2.1", "A 192.0.2.1", "ptr"},        {"192.0.2.1", "A 192.0.2.0", "-all"},
        {"192.0.2.1", "A 192.0.2.3", "-all"},       {"2001:db8::1", "AAAA 2001:db8::1", "ptr"},
        {"2001:db8::1", "AAAA 2001:db8::", "-all"}, {"2001:db8::1", "AAAA 2001:db8::3", "-all"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char zone[400];
        snprintf(zone, sizeof zone,
                 "example.org. TXT \"v=spf1 ptr -all\"\n" NAMED "m.example.org. %s\n",
                 cases[i].address);
        struct rig r = rig_open(zone);
        assert_true(netaddr_parse(str_of(cases[i].client), &r.request.client));
        rig_check(&r);
        assert_str(r.out.mechanism, cases[i].mechanism);
        rig_close(&r);
    }
}

/* RFC 7208 5.5: a look-up that fails is no match, and no error; nor is it void. */
static void names_that_cannot_be_known(void **state)
{
    static const char *const zones[] = {
        "1.2.0.192.in-addr.arpa. SERVFAIL",
        NAMED "m.example.org. SERVFAIL",
        NAMED "m.example.org. TXT x", /* no address */
        "1.2.0.192.in-addr.arpa. PTR .",
    };
    (void)state;
    for (size_t i = 0; i < sizeof zones / sizeof *zones; i++) {
        char zone[400];
        snprintf(zone, sizeof zone, "example.org. TXT \"v=spf1 ptr -all\"\n%s", zones[i]);
        struct rig r = rig_open(zone);
        r.request.limits.void_lookups = 0;
        rig_expect(&r, "fail", "-all");
        assert_int_equal(r.out.void_lookups, 0);
        rig_close(&r);
    }
}

static void names_are_limited(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    const char *const each = "1.2.0.192.in-addr.arpa. PTR n#.example.\nn#.example. A 192.0.2.1\n";
    struct rig r =
        rig_open_text(many(a, "example.org. TXT \"v=spf1 ptr:n10.example -all\"\n", each, 12));
    rig_expect(&r, "pass", "ptr:n10.example");
    rig_close(&r);
    r = rig_open_text(many(a, "example.org. TXT \"v=spf1 ptr:n11.example -all\"\n", each, 12));
    rig_expect(&r, "fail", "-all");
    rig_close(&r);
    arena_free(a);
}

/* RFC 7208 4.6.4: the look-up of %{p} is one beyond the limit here. */
static void validated_name_is_limited(void **state)
{
    (void)state;
    struct rig r = rig_open("example.org. TXT \"v=spf1 exists:%{p}.x.org +all\"\n" NAMED
                            "m.example.org. A 192.0.2.1");
    r.request.limits.lookup_terms = 1;
    rig_expect(&r, "permerror", "");
    assert_str(r.out.problem, "more than 1 terms that need DNS look-ups (RFC 7208 4.6.4)");
    assert_int_equal(r.out.queries, 1);
    r.request.limits.lookup_terms = 2;
    rig_expect(&r, "pass", "+all");
    rig_close(&r);
}

static void validated_name_in_explanations(void **state)
{
    static const struct {
        const char *exp, *text;
        unsigned limit; /* of queries: those for the result, the text, and the name */
        const char *explanation;
    } cases[] = {
        {"e.org", "for %{p}", 4, "for m.example.org"},
        {"%{p}.e.org", "why", 4, "why"},
        {"%{p}.e.org", "for %{P}", 4, "for m.example.org"},
        {"e.org", "for %{p}", 2, NULL},
        {"e.org", "for %{p}", 3, NULL},
        {"%{p}.e.org", "why", 1, NULL},
        {"e.org", "why", 2, "why"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char zone[400];
        snprintf(zone, sizeof zone,
                 "example.org. TXT \"v=spf1 -all exp=%s\"\n" NAMED "m.example.org. A 192.0.2.1\n"
                 "e.org. TXT \"%s\"\nm.example.org.e.org. TXT \"%s\"\n"
                 "unknown.e.org. TXT \"nobody\"\n",
                 cases[i].exp, cases[i].text, cases[i].text);
        struct rig r = rig_open(zone);
        r.request.limits.queries = cases[i].limit;
        rig_expect(&r, "fail", "-all");
        if (cases[i].explanation)
            assert_str(r.out.explanation, cases[i].explanation);
        else
            assert_null(r.out.explanation.p);
        assert_int_equal(r.out.queries, cases[i].limit);
        rig_close(&r);
    }
}

/* What may match is asked for at once, as far as the spare queries go; here the first matches. */
static void names_are_asked_for_together(void **state)
{
    static const struct {
        const char *record;
        unsigned spare, queries;
    } cases[] = {
        {"mx", 0, 5}, {"mx", 1, 4}, {"ptr", 0, 5}, {"ptr", 1, 4}, {"exists:%{p}.x.org", 0, 6},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char zone[700];
        snprintf(zone, sizeof zone,
                 "example.org. TXT \"v=spf1 %s -all\"\n"
                 "example.org. MX 1 a.example.org\nexample.org. MX 2 b.example.org\n"
                 "example.org. MX 3 c.example.org\n"
                 "1.2.0.192.in-addr.arpa. PTR a.example.org.\n"
                 "1.2.0.192.in-addr.arpa. PTR b.example.org.\n"
                 "1.2.0.192.in-addr.arpa. PTR c.example.org.\n"
                 "a.example.org. A 192.0.2.1\na.example.org.x.org. A 127.0.0.1\n",
                 cases[i].record);
        struct rig r = rig_open(zone);
        r.asker.spare = cases[i].spare;
        rig_expect(&r, "pass", cases[i].record);
        if (r.asker.queries != cases[i].queries)
            fail_msg("%s, %u: %u queries", cases[i].record, cases[i].spare, r.asker.queries);
        rig_close(&r);
    }
}

/* ---- how much is said ---- */

static void narrow_terms(void **state)
{
    static const struct {
        const char *record;
        bool v4, v6; /* of a client on IPv4, on IPv6 */
    } cases[] = {
        {"ip4:192.0.0.0/8 ip6:2001::/16", true, true},
        {"ip4:192.0.0.0/7 ip6:2000::/15", false, false},
        {"ip4:192.0.2.1 ip6:2001:db8::1", true, true},
        {"a", true, true},
        {"a/8//16", true, true},
        {"a/7//16", false, true},
        {"a/8//15", true, false},
        {"mx/8//16", true, true},
        {"mx/7//15", false, false},
        {"exists:x.example", false, false},
        {"ptr", false, false},
        {"all", false, false},
        {"a:%{l}.x.example", true, true},
        {"a:%{i}.x.example", false, false},
        {"a:%{p}.x.example", false, false},
        {"include:a.example", true, true},
        {"include:all.example", false, false},
        {"include:%{l}.a.example", true, true},
        {"include:%{i}.a.example", false, false},
        {"include:a-not.example all", false, false},
        {"redirect=a.example", true, true},
        {"redirect=all.example", false, false},
        {"redirect=%{i}.a.example", false, false},
    };
    static const char *const clients[] = {"192.0.2.1", "2001:db8::1"};
    (void)state;
    for (size_t i = 0; i < 2 * (sizeof cases / sizeof *cases); i++) {
        const char *record = cases[i / 2].record;
        char zone[900];
        snprintf(zone, sizeof zone,
                 "example.org. TXT \"v=spf1 %s\"\n" NAMED
                 "*.example.org. A 192.0.2.1\n*.example.org. AAAA 2001:db8::1\n"
                 "example.org. A 192.0.2.1\nexample.org. AAAA 2001:db8::1\n"
                 "example.org. MX 1 example.org\n"
                 "x.example. A 192.0.2.1\n*.x.example. A 192.0.2.1\n"
                 "*.x.example. AAAA 2001:db8::1\n"
                 "a.example. TXT \"v=spf1 ip4:192.0.2.1 ip6:2001:db8::1\"\n"
                 "*.a.example. TXT \"v=spf1 ip4:192.0.2.1 ip6:2001:db8::1\"\n"
                 "a-not.example. TXT \"v=spf1 ?ip4:192.0.2.1 ?ip6:2001:db8::1\"\n"
                 "all.example. TXT \"v=spf1 all\"\n",
                 record);
        struct rig r = rig_open(zone);
        assert_true(netaddr_parse(str_of(clients[i % 2]), &r.request.client));
        rig_check(&r);
        assert_string_equal(spf_result_name(r.out.result), "pass");
        if (r.out.narrow != (i % 2 ? cases[i / 2].v6 : cases[i / 2].v4))
            fail_msg("%s for %s", record, clients[i % 2]);
        rig_close(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(validated_name_is_the_closest),
        cmocka_unit_test(validated_name_counts_once),
        cmocka_unit_test(names_lead_back_exactly),
        cmocka_unit_test(names_that_cannot_be_known),
        cmocka_unit_test(names_are_limited),
        cmocka_unit_test(validated_name_is_limited),
        cmocka_unit_test(validated_name_in_explanations),
        cmocka_unit_test(names_are_asked_for_together),
        cmocka_unit_test(narrow_terms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
