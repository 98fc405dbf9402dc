/* dnsbl: codes, names and answers of DNS lists; listhealth: whom nobody asks for a while. */
#include "test.h"

#include <string.h>

#include "base/log.h"
#include "core/listhealth.h"
#include "dnsbl/dnsbl.h"

static struct netaddr address(const char *text)
{
    struct netaddr a;
    assert_true(netaddr_parse(str_of(text), &a));
    return a;
}

static void codes_are_read(void **state)
{
    static const struct {
        const char *codes, *answer;
        bool has;
    } cases[] = {
        {"127.0.0.2", "127.0.0.2", true},
        {"127.0.0.2", "127.0.0.3", false},
        {"127.0.0.2-127.0.0.11", "127.0.0.11", true},
        {"127.0.0.2-127.0.0.11", "127.0.0.12", false},
        {"127.0.0.2-127.0.0.11", "127.0.1.5", false},
        {"127.0.0.[4..7]", "127.0.0.7", true},
        {"127.0.0.[4..7]", "127.0.0.8", false},
        {"127.0.*.[1..3]", "127.0.200.1", true},
        {"127.0.0.&6", "127.0.0.4", true},
        {"127.0.0.&6", "127.0.0.9", false},
        {"127.0.0.2, 127.0.0.9", "127.0.0.9", true},
    };
    struct arena *a = arena_new(0);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dnsbl_codes codes = {0}, again = {0};
        struct netaddr answer = address(cases[i].answer);
        assert_null(dnsbl_codes_add(&codes, str_of(cases[i].codes), a));
        if (dnsbl_codes_have(&codes, &answer) != cases[i].has)
            fail_msg("%s and %s", cases[i].codes, cases[i].answer);
        for (size_t k = 0; k < codes.n; k++)
            assert_null(dnsbl_codes_add(&again, dnsbl_code_text(&codes.v[k], a), a));
        assert_int_equal(again.n, codes.n);
        assert_memory_equal(again.v, codes.v, codes.n * sizeof *codes.v);
    }
    arena_free(a);
}

static void wrong_codes(void **state)
{
    static const char *const wrong[] = {
        "",           "128.0.0.2",     "127.0.0",        "127.0.0.256",          "127.0.0.2.3",
        "127.&2.0.1", "127.0.0.&0",    "127.0.0.[7..4]", "127.0.0.11-127.0.0.2", "127.0.0.[2",
        "*.0.0.2",    "127.0.0.2-",    "127.0.0.2,",     "127.0.0.2-127.0.1.2",  "zen",
        "127.0.0.[",  "127.0.0.[2..]", "127.0.0.&",      "127.0.0.&2-127.0.0.9",
    };
    struct arena *a = arena_new(0);
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct dnsbl_codes codes = {0};
        if (!dnsbl_codes_add(&codes, str_of(wrong[i]), a))
            fail_msg("\"%s\" was taken", wrong[i]);
    }
    arena_free(a);
}

static void names(void **state)
{
    struct arena *a = arena_new(0);
    struct netaddr v4 = address("192.0.2.99"), v6 = address("2001:db8::b");
    char longest[240];
    (void)state;
    assert_str(dnsbl_address_name(a, &v4, STR("bl.example")), "99.2.0.192.bl.example");
    assert_str(dnsbl_address_name(a, &v6, STR("bl.example")),
               "b.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.example");
    assert_str(dnsbl_probe_never(a, 4, STR("bl.example")), "1.0.0.127.bl.example");
    assert_str(dnsbl_probe_always(a, 4, STR("bl.example")), "2.0.0.127.bl.example");
    assert_str(dnsbl_probe_never(a, 6, STR("bl")),
               "1.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.bl");
    assert_str(dnsbl_probe_never(a, 0, STR("dbl.example")), "invalid.dbl.example");
    assert_str(dnsbl_probe_always(a, 0, STR("dbl.example")), "test.dbl.example");
    assert_str(dnsbl_domain_name(a, STR("a.b.example"), STR("dbl.example")),
               "a.b.example.dbl.example");
    memset(longest, 'a', sizeof longest);
    for (size_t i = 0; i + 1 < sizeof longest; i += 40)
        longest[i] = i ? '.' : 'a';
    struct str fits = dnsbl_domain_name(a, str_printf(a, "%.*s.listed.example", 225, longest),
                                        STR("dbl.spamhaus.org"));
    assert_true(fits.n <= 253 && str_starts(fits, str_sub((struct str){longest, 225}, 41, 225)));
    assert_true(str_ends_nocase(fits, STR(".listed.example.dbl.spamhaus.org")));
    for (int n = 221; n <= 222; n++) { /* 253 bytes in all, and one more */
        struct str domain = str_printf(a, "%.*s.listed.example", n, longest);
        struct str name = dnsbl_domain_name(a, domain, STR("dbl.spamhaus.org"));
        assert_int_equal(name.n, n == 221 ? 253 : 254 - 41);
    }
    memset(longest, 'a', sizeof longest);
    assert_null(
        dnsbl_domain_name(a, (struct str){longest, sizeof longest}, STR("dbl.spamhaus.org")).p);
    arena_free(a);
}

static void known_lists(void **state)
{
    (void)state;
    assert_string_equal(dnsbl_find(STR("zen.spamhaus.org"))->label, "Spamhaus ZEN");
    assert_true(dnsbl_find(STR("k1.zen.dq.spamhaus.net"))->keyed);
    assert_null(dnsbl_find(STR("zen.dq.spamhaus.net")));
    assert_null(dnsbl_find(STR("a.b.zen.dq.spamhaus.net")));
    assert_non_null(dnsbl_find(STR("spam.dnsbl.sorbs.net"))->gone);
    assert_null(dnsbl_find(STR("bl.example")));
    assert_str(dnsbl_public_zone(STR("k1.zen.dq.spamhaus.net")), "zen.dq.spamhaus.net");
    assert_str(dnsbl_public_zone(STR("zen.spamhaus.org")), "zen.spamhaus.org");
    assert_str(dnsbl_public_zone(STR("abcdefgh12345678.bl.example")), "bl.example");
    assert_str(dnsbl_public_zone(STR("abcdefgh.bl.example")), "abcdefgh.bl.example");
}

/* Of every list in the table the codes and errors can be read. */
static void the_table_is_good(void **state)
{
    static const char *const texts[] = {
#define DNSBL_LIST(z, k, d, f, c, e, l, g) c, e,
#include "dnsbl/known.def"
#undef DNSBL_LIST
    };
    struct arena *a = arena_new(0);
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct dnsbl_codes codes = {0};
        if (*texts[i] && dnsbl_codes_add(&codes, str_of(texts[i]), a))
            fail_msg("%s", texts[i]);
    }
    arena_free(a);
}

static void trouble_is_no_listing(void **state)
{
    static const struct {
        enum dns_status status;
        const char *first, *second;
        enum dnsbl_result result;
    } cases[] = {
        {DNS_ANSWER, "127.0.0.2", NULL, DNSBL_LISTED},
        {DNS_ANSWER, "127.0.0.9", "127.0.0.2", DNSBL_LISTED},
        {DNS_ANSWER, "127.0.0.9", NULL, DNSBL_CLEAR},
        {DNS_ANSWER, "127.0.0.2", "127.255.255.254", DNSBL_REFUSED},
        {DNS_ANSWER, "127.255.255.250", NULL, DNSBL_REFUSED},
        {DNS_ANSWER, "127.0.0.1", NULL, DNSBL_REFUSED},
        {DNS_ANSWER, "127.0.0.255", NULL, DNSBL_REFUSED},
        {DNS_ANSWER, "203.0.113.1", NULL, DNSBL_BROKEN},
        {DNS_NXDOMAIN, NULL, NULL, DNSBL_CLEAR},
        {DNS_NODATA, NULL, NULL, DNSBL_CLEAR},
        {DNS_SERVFAIL, NULL, NULL, DNSBL_UNKNOWN},
        {DNS_TIMEOUT, NULL, NULL, DNSBL_UNKNOWN},
        {DNS_BOGUS, NULL, NULL, DNSBL_UNKNOWN},
        {DNS_PENDING, NULL, NULL, DNSBL_PENDING},
    };
    struct arena *a = arena_new(0);
    struct dnsbl_list list = {.zone = STR("bl.example")};
    (void)state;
    dnsbl_codes_add(&list.codes, STR("127.0.0.2-127.0.0.4"), a);
    dnsbl_codes_add(&list.errors, STR("127.0.0.255"), a);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dns_rr rr[2];
        struct dns_answer answer = {.status = cases[i].status, .rr = rr};
        struct dnsbl_answer out;
        if (cases[i].first)
            rr[answer.n++].addr = address(cases[i].first);
        if (cases[i].second)
            rr[answer.n++].addr = address(cases[i].second);
        dnsbl_read(&list, &answer, &out);
        if (out.result != cases[i].result)
            fail_msg("case %zu: %s", i, dnsbl_result_name(out.result));
        assert_int_equal(out.counts, out.result == DNSBL_LISTED);
        bool trouble = out.result >= DNSBL_UNKNOWN && out.result != DNSBL_PENDING;
        assert_int_equal(out.cause != NULL, trouble);
    }
    arena_free(a);
}

/* Each cause in words of its own, with the cure where there is one. */
static void complaints_tell_their_cause(void **state)
{
    static const struct {
        const char *answer, *word;
        bool cure;
    } cases[] = {
        {"127.255.255.252", "misspelt", false},
        {"127.255.255.254", "public resolvers", true},
        {"127.255.255.255", "too many queries", true},
        {"127.255.255.253", "an error code", true},
        {"127.0.0.1", "127.0.0.1", true},
        {"127.0.0.255", "of its own", true},
        {"203.0.113.1", "outside of 127", false},
    };
    struct arena *a = arena_new(0);
    struct dnsbl_list list = {.zone = STR("bl.example")};
    (void)state;
    dnsbl_codes_add(&list.errors, STR("127.0.0.255"), a);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dns_rr rr = {.addr = address(cases[i].answer)};
        struct dnsbl_answer out;
        dnsbl_read(&list, &(struct dns_answer){.status = DNS_ANSWER, .n = 1, .rr = &rr}, &out);
        if (!strstr(out.cause, cases[i].word) || !strstr(out.cause, "dns.servers") == cases[i].cure)
            fail_msg("%s: %s", cases[i].answer, out.cause);
    }
    arena_free(a);
}

static void private_addresses(void **state)
{
    static const struct {
        const char *address;
        bool private;
    } cases[] = {
        {"10.1.2.3", true},    {"127.0.0.1", true},    {"172.31.255.1", true},
        {"172.32.0.1", false}, {"192.168.0.1", true},  {"169.254.1.1", true},
        {"100.64.0.1", true},  {"100.128.0.1", false}, {"0.0.0.0", true},
        {"224.0.0.1", true},   {"::1", true},          {"::", true},
        {"fe80::1", true},     {"fd00::1", true},      {"2001:db8::1", false},
        {"192.0.2.1", false},  {"ff02::1", true},      {"::ffff:10.0.0.1", true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct netaddr a = address(cases[i].address);
        if (dnsbl_is_private(&a) != cases[i].private)
            fail_msg("%s", cases[i].address);
    }
}

#define SECOND 1000000LL

/* Five failures in a row give a list a minute's rest; what is wrong is said once an hour. */
static void silent_lists_rest(void **state)
{
    const struct dnsbl_answer silent = {.result = DNSBL_UNKNOWN}, clear = {.result = DNSBL_CLEAR};
    struct list_health *h = list_health_new();
    int64_t now = 1000 * SECOND;
    bool warn;
    (void)state;
    for (int i = 0; i < 4; i++)
        list_health_note_at(h, STR("bl.example"), &silent, now, &warn);
    list_health_note_at(h, STR("bl.example"), &clear, now, &warn);
    for (int i = 0; i < 4; i++) {
        list_health_note_at(h, STR("bl.example"), &silent, now, &warn);
        assert_false(warn);
        assert_null(list_health_resting_at(h, STR("bl.example"), now));
    }
    list_health_note_at(h, STR("bl.example"), &silent, now, &warn);
    assert_true(warn);
    assert_non_null(list_health_resting_at(h, STR("bl.example"), now + 59 * SECOND));
    assert_null(list_health_resting_at(h, STR("bl.example"), now + 60 * SECOND));
    assert_null(list_health_resting_at(h, STR("other.example"), now));
    now += 60 * SECOND; /* it begins anew */
    for (int i = 0; i < 4; i++)
        list_health_note_at(h, STR("bl.example"), &silent, now, &warn);
    assert_null(list_health_resting_at(h, STR("bl.example"), now));
    list_health_note_at(h, STR("bl.example"), &silent, now, &warn);
    assert_non_null(list_health_resting_at(h, STR("bl.example"), now));
    list_health_free(h);
}

static void warnings_come_once_an_hour(void **state)
{
    const struct dnsbl_answer refused = {.result = DNSBL_REFUSED};
    struct list_health *h = list_health_new();
    bool warn;
    (void)state;
    list_health_note_at(h, STR("a.example"), &refused, 10 * SECOND, &warn);
    assert_true(warn);
    list_health_note_at(h, STR("a.example"), &refused, 3000 * SECOND, &warn);
    assert_false(warn);
    list_health_note_at(h, STR("b.example"), &refused, 3000 * SECOND, &warn);
    assert_true(warn);
    list_health_note_at(h, STR("a.example"), &refused, 3610 * SECOND, &warn);
    assert_true(warn);
    list_health_free(h);
}

static bool rests_after(struct list_health *h, const char *zone, int silent_answers)
{
    const struct dnsbl_answer silent = {.result = DNSBL_UNKNOWN};
    bool warn;
    for (int i = 0; i < silent_answers; i++)
        list_health_note_at(h, str_of(zone), &silent, SECOND, &warn);
    return list_health_resting_at(h, str_of(zone), SECOND) != NULL;
}

/* Zones that begin or end alike are different ones. */
static void zones_alike(void **state)
{
    struct list_health *h = list_health_new();
    char zone[] = "a.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb.example";
    (void)state;
    assert_true(rests_after(h, zone, 5));
    for (zone[0] = 'b'; zone[0] < 'g'; zone[0]++)
        assert_false(rests_after(h, zone, 1));
    zone[0] = 'a';
    zone[2] = 'a';
    assert_false(rests_after(h, zone, 0));
    list_health_free(h);
}

/* What answers begins anew, if only to refuse; what was not asked, or is under way, says nothing.
 */
static void answers_of_all_kinds(void **state)
{
    static const enum dnsbl_result none[] = {DNSBL_PENDING, DNSBL_NOT_ASKED};
    static const enum dnsbl_result some[] = {DNSBL_REFUSED, DNSBL_BROKEN, DNSBL_CLEAR,
                                             DNSBL_LISTED};
    bool warn;
    (void)state;
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        struct list_health *h = list_health_new();
        assert_false(rests_after(h, "a.example", 4));
        warn = true;
        list_health_note_at(h, STR("a.example"), &(struct dnsbl_answer){.result = none[i]}, SECOND,
                            &warn);
        assert_false(warn);
        assert_true(rests_after(h, "a.example", 1));
        list_health_free(h);
    }
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        struct list_health *h = list_health_new();
        assert_false(rests_after(h, "a.example", 4));
        list_health_note_at(h, STR("a.example"), &(struct dnsbl_answer){.result = some[i]}, SECOND,
                            &warn);
        assert_int_equal(warn, i < 2);
        assert_false(rests_after(h, "a.example", 4));
        assert_true(rests_after(h, "a.example", 1));
        list_health_free(h);
    }
}

/* So many zones are remembered, and what comes behind them is not. */
static void zones_beyond_the_table(void **state)
{
    struct list_health *h = list_health_new();
    char zone[] = "aa.example";
    (void)state;
    for (int i = 0; i <= 128; i++) {
        zone[0] = (char)('a' + i / 16);
        zone[1] = (char)('a' + i % 16);
        assert_int_equal(rests_after(h, zone, 5), i < 128);
    }
    assert_true(rests_after(h, "aa.example", 0));
    list_health_free(h);
}

/* By our clock, with the line that the operator reads. */
static void silent_lists_are_told_of(void **state)
{
    const struct dnsbl_answer silent = {.result = DNSBL_UNKNOWN},
                              refused = {.result = DNSBL_REFUSED, .cause = "it says no"};
    struct list_health *h = list_health_new();
    struct log_recent told[LOG_RECENT];
    (void)state;
    log_open(LOG_TO_STDERR, "test", LOG_LEVEL_WARNING);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(log_recent(told, LOG_RECENT), 0);
        assert_null(list_health_resting(h, STR("key.bl.example")));
        list_health_note(h, STR("key.bl.example"), STR("BL"), &silent);
    }
    assert_non_null(list_health_resting(h, STR("key.bl.example")));
    list_health_note(h, STR("a.example"), STR("A"), &refused);
    list_health_note(h, STR("a.example"), STR("A"), &refused);
    assert_null(list_health_resting(h, STR("a.example")));
    assert_int_equal(log_recent(told, LOG_RECENT), 2);
    assert_string_equal(told[1].text, "DNS list BL (key.bl.example) counts for nothing now: it "
                                      "gives no answer");
    assert_string_equal(told[0].text, "DNS list A (a.example) counts for nothing now: it says no");
    list_health_free(h);
    /* Without a table nothing is remembered. */
    list_health_free(NULL);
    list_health_note(NULL, STR("a.example"), STR("A"), &refused);
    assert_null(list_health_resting(NULL, STR("a.example")));
    assert_int_equal(log_recent(told, LOG_RECENT), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_are_read),
        cmocka_unit_test(wrong_codes),
        cmocka_unit_test(names),
        cmocka_unit_test(known_lists),
        cmocka_unit_test(the_table_is_good),
        cmocka_unit_test(trouble_is_no_listing),
        cmocka_unit_test(complaints_tell_their_cause),
        cmocka_unit_test(private_addresses),
        cmocka_unit_test(silent_lists_rest),
        cmocka_unit_test(warnings_come_once_an_hour),
        cmocka_unit_test(silent_lists_are_told_of),
        cmocka_unit_test(zones_alike),
        cmocka_unit_test(answers_of_all_kinds),
        cmocka_unit_test(zones_beyond_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
