/* dns/zone: the text's syntax, its errors, and what a resolver answers from it. */
#include "test.h"

#include <stdio.h>

#include "base/clock.h"
#include "dns/dns.h"
#include "dns/zone.h"

static struct arena *arena;

static int setup(void **state)
{
    (void)state;
    arena = arena_new(0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static struct dns *open_zone(const char *text)
{
    struct str problem = STR_NONE;
    struct dns *dns = dns_open_zone(str_of(text), arena, &problem);
    if (!dns)
        fail_msg("zone: %.*s", STR_ARG(problem));
    return dns;
}

/* An answer in a line: "answer 300: 10 mx1.example, 20 mx2.example", "nxdomain 300 secure". */
static struct str describe(const struct dns_answer *answer, enum dns_type type)
{
    struct strbuf b;
    char text[NETADDR_TEXT];
    sb_init(&b, arena);
    sb_printf(&b, "%s %u%s", dns_status_name(answer->status), (unsigned)answer->ttl,
              answer->security == DNS_SECURE ? " secure" : "");
    for (size_t i = 0; i < answer->n; i++) {
        const struct dns_rr *rr = &answer->rr[i];
        sb_add(&b, i ? STR(", ") : STR(": "));
        if (type == DNS_MX)
            sb_printf(&b, "%u ", rr->preference);
        sb_add(&b, rr->addr.family ? str_of(netaddr_format(&rr->addr, text)) : rr->text);
    }
    return sb_str(&b);
}

static const char zone_text[] = "$ORIGIN Example.COM.\n"
                                "$TTL 300\n"
                                "@ SOA ns hostmaster 1 2 3 4 5\n"
                                "  NS  ns\n"
                                "  TXT \"v=spf1 \" \"mx -all\" ; a comment\n"
                                "  100 MX 20 mx2\n"
                                "  IN 200 MX 10 mx1.example.net.\n"
                                "\n"
                                "; nothing\n"
                                "www 60 IN A 192.0.2.1\n"
                                "\tA 192.0.2.2\n"
                                "    AAAA 2001:db8::1\n"
                                "key._domainkey TXT ( \"v=DKIM1; \" ; (here)\n"
                                "      \"p=ab\\\"c\\\\\\009\" )\n"
                                "bare TXT one two\n"
                                "null MX 0 .\n"
                                "alias 30 CNAME alias2\n"
                                "alias2 CNAME WWW\n"
                                "dangling CNAME nowhere\n"
                                "loop CNAME loop2\n"
                                "loop2 CNAME loop\n"
                                "*.wild A 192.0.2.9\n"
                                "x.real.wild A 192.0.2.10\n"
                                "one\\.label PTR host\\.x.example.org.\n"
                                "to CNAME one\\.label\n"
                                "down SERVFAIL\n"
                                "silent TIMEOUT\n"
                                "forged BOGUS\n"
                                "partly TIMEOUT\n"
                                "partly TXT here\n"
                                "$ORIGIN .\n"
                                "$SECURE yes\n"
                                "signed.example A 192.0.2.20\n"
                                "signed.example CNAME x\n"
                                "out.signed.example CNAME www.example.com\n"
                                "$SECURE no\n"
                                "plain.signed.example A 192.0.2.21\n"
                                "into.example CNAME signed.example\n"
                                "last.example TXT end";

static void answers(void **state)
{
    static const struct {
        const char *name;
        enum dns_type type;
        const char *want;
    } cases[] = {
        {"example.com", DNS_TXT, "answer 300: v=spf1 mx -all"},
        {"EXAMPLE.com.", DNS_MX, "answer 100: 10 mx1.example.net, 20 mx2.example.com"},
        {"example.com", DNS_A, "nodata 300"},
        {"www.example.com", DNS_A, "answer 60: 192.0.2.1, 192.0.2.2"},
        {"www.example.com", DNS_AAAA, "answer 300: 2001:db8::1"},
        {"key._domainkey.example.com", DNS_TXT, "answer 300: v=DKIM1; p=ab\"c\\\t"},
        {"_domainkey.example.com", DNS_TXT, "nodata 300"},
        {"com", DNS_TXT, "nodata 300"},
        {"bare.example.com", DNS_TXT, "answer 300: onetwo"},
        {"null.example.com", DNS_MX, "answer 300: 0 ."},
        {"alias.example.com", DNS_A, "answer 30: 192.0.2.1, 192.0.2.2"},
        {"alias.example.com", DNS_TXT, "nodata 30"},
        {"alias.example.com", DNS_CNAME, "answer 30: alias2.example.com"},
        {"dangling.example.com", DNS_A, "nxdomain 300"},
        {"loop.example.com", DNS_A, "servfail 300"},
        {"a.wild.example.com", DNS_A, "answer 300: 192.0.2.9"},
        {"a.b.wild.example.com", DNS_A, "answer 300: 192.0.2.9"},
        {"a.b.wild.example.com", DNS_TXT, "nodata 300"},
        {"wild.example.com", DNS_A, "nodata 300"},
        {"real.wild.example.com", DNS_A, "nodata 300"},
        {"y.real.wild.example.com", DNS_A, "nxdomain 300"},
        {"one.label.example.com", DNS_PTR, "nxdomain 300"},
        {"to.example.com", DNS_PTR, "answer 300: host\\046x.example.org"},
        {"nowhere.example.com", DNS_A, "nxdomain 300"},
        {"down.example.com", DNS_A, "servfail 300"},
        {"silent.example.com", DNS_A, "timeout 300"},
        {"forged.example.com", DNS_A, "bogus 300"},
        {"partly.example.com", DNS_TXT, "answer 300: here"},
        {"partly.example.com", DNS_A, "timeout 300"},
        {"signed.example", DNS_A, "answer 300 secure: 192.0.2.20"},
        {"no.signed.example", DNS_A, "nxdomain 300 secure"},
        {"out.signed.example", DNS_A, "answer 60: 192.0.2.1, 192.0.2.2"},
        {"out.signed.example", DNS_CNAME, "answer 300 secure: www.example.com"},
        {"plain.signed.example", DNS_A, "answer 300: 192.0.2.21"},
        {"into.example", DNS_A, "answer 300: 192.0.2.20"},
        {"last.example", DNS_TXT, "answer 300: end"},
        {"other.test", DNS_A, "nxdomain 300"},
    };
    struct dns *dns = open_zone(zone_text);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct dns_asker asker = {.dns = dns, .arena = arena};
        const struct dns_answer *a = dns_lookup(&asker, str_of(cases[i].name), cases[i].type);
        struct str got = describe(a, cases[i].type);
        if (!str_eq(got, str_of(cases[i].want)))
            print_error("%s %s\n", cases[i].name, dns_type_name(cases[i].type));
        assert_str(got, cases[i].want);
    }
    dns_close(dns);
}

static void errors(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"a A 192.0.2.1\nb A 300.1.1.1\n", "line 2: not an address of this type: \"300.1.1.1\""},
        {"a AAAA 192.0.2.1", "line 1: not an address of this type: \"192.0.2.1\""},
        {"a FOO bar", "line 1: unknown type \"FOO\""},
        {"a 60 IN", "line 1: a name without a type \"\""},
        {"a A", "line 1: too few or too many words behind \"A\""},
        {"a A 192.0.2.1 192.0.2.2", "line 1: too few or too many words behind \"A\""},
        {"a MX ten mail", "line 1: not a number, or too large: \"ten\""},
        {"a MX 65536 mail", "line 1: not a number, or too large: \"65536\""},
        {"a..b A 192.0.2.1", "line 1: not a name: \"a..b\""},
        {"a CNAME ..", "line 1: not a name: \"..\""},
        {" A 192.0.2.1", "line 1: no name to go on with before \"A\""},
        {"a TXT (\n\"x\"\n", "line 3: a parenthesis is never closed: \"(\""},
        {"a TXT )", "line 1: a parenthesis too many: \")\""},
        {"\n\na TXT \"x\ny\"", "line 3: a string without its closing quote: \"x\""},
        {"$TTL x", "line 1: not a number, or too large: \"x\""},
        {"$FOO x", "line 1: unknown directive \"$FOO\""},
        {"$SECURE maybe", "line 1: $SECURE is yes or no, not \"maybe\""},
        {"$ORIGIN", "line 1: one word is needed behind \"$ORIGIN\""},
        {"a DELAY 5", "line 1: not a time such as 200ms or 2s: \"5\""},
        {"a DELAY s", "line 1: not a time such as 200ms or 2s: \"s\""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct str problem = STR_NONE;
        struct dns *dns = dns_open_zone(str_of(cases[i].text), arena, &problem);
        if (dns)
            fail_msg("no error in: %s", cases[i].text);
        assert_str(problem, cases[i].want);
    }
}

static void delays(void **state)
{
    struct dns *dns = open_zone("slow DELAY 60ms\nslow A 192.0.2.1\nslower TIMEOUT\n"
                                "slower DELAY 90ms\nnever DELAY 3600s\nfast A 192.0.2.2\n");
    struct dns_asker asker = {.dns = dns, .arena = arena, .may_pend = true};
    int64_t began = clock_us();
    (void)state;
    dns_prefetch(&asker, STR("never"), DNS_A);
    dns_prefetch(&asker, STR("slower"), DNS_A);
    dns_prefetch(&asker, STR("slow"), DNS_A);
    assert_int_equal(asker.queries, 3);
    assert_int_equal(dns_lookup(&asker, STR("fast"), DNS_A)->status, DNS_ANSWER);
    assert_int_equal(dns_lookup(&asker, STR("slow"), DNS_A)->status, DNS_PENDING);
    asker.patience_us = 5000000;
    assert_int_equal(dns_lookup(&asker, STR("slow"), DNS_A)->status, DNS_ANSWER);
    assert_in_range(clock_us() - began, 60000, 3000000);
    assert_int_equal(dns_lookup(&asker, STR("slower"), DNS_A)->status, DNS_TIMEOUT);
    assert_in_range(clock_us() - began, 90000, 3000000);
    assert_in_range(asker.patience_us, 1000000, 4920000);
    dns_close(dns); /* "never" is still under way */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers),
        cmocka_unit_test(errors),
        cmocka_unit_test(delays),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
