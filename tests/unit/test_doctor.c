#include "test.h"

#include "milter/commands/doctor/cf.h"
#include "milter/commands/doctor/judge.h"

/* What needs a machine that runs, judged by facts that are made up here. Machines in files are
 * those of tests/cli/machines. */

struct court {
    struct arena *arena;
    struct conf *conf;
    struct doctor_facts facts;
    struct findings findings;
};

static struct conf *parse(struct arena *a, const char *text)
{
    struct conf_problems problems;
    conf_problems_init(&problems, a);
    struct conf *conf = conf_parse(str_of(text), &problems);
    assert_non_null(conf);
    return conf;
}

static void begin(struct court *c, const char *conf)
{
    *c = (struct court){.arena = arena_new(0)};
    c->conf = parse(c->arena, conf);
    c->facts.conf = c->conf;
    c->facts.machine.conf_path = "/etc/assay/assay.conf";
    c->facts.machine.now = 1000000;
    c->findings.arena = c->arena;
    conf_problems_init(&c->facts.machine.problems, c->arena);
    conf_problems_init(&c->facts.machine.warnings, c->arena);
}

static void end(struct court *c)
{
    conf_free(c->conf);
    arena_free(c->arena);
}

/* The levels of all findings so far, one letter each; then there are none. */
static const char *levels(struct court *c)
{
    static char text[64];
    size_t n = 0;
    for (size_t i = 0; i < c->findings.n && n < sizeof text - 1; i++)
        text[n++] = "guNWG"[c->findings.v[i].level];
    text[n] = 0;
    c->findings.n = 0;
    return text;
}

static void test_rights(void **state)
{
    struct court c;
    (void)state;
    begin(&c, "");
    judge_rights(&c.facts, &c.findings);
    assert_string_equal(levels(&c), "u");
    c.facts.machine.rights = SEEN_NO;
    judge_rights(&c.facts, &c.findings);
    assert_string_equal(levels(&c), "u");
    c.facts.machine.rights = SEEN_YES;
    judge_rights(&c.facts, &c.findings);
    assert_string_equal(levels(&c), "g");
    conf_problem(&c.facts.machine.problems, (struct conf_place){0}, "a key cannot be read");
    judge_rights(&c.facts, &c.findings);
    assert_string_equal(levels(&c), "G");
    c.facts.machine.conf_path = NULL;
    judge_rights(&c.facts, &c.findings);
    assert_string_equal(levels(&c), "");
    judge_configuration(&c.facts, &c.findings);
    assert_string_equal(levels(&c), "N");
    end(&c);
}

static void test_daemon_and_clock(void **state)
{
    static const struct {
        enum seen seen;
        const char *daemon, *clock;
    } cases[] = {{UNSEEN, "u", "u"}, {SEEN_NO, "W", "W"}, {SEEN_YES, "g", "g"}};
    struct court c;
    (void)state;
    begin(&c, "");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        c.facts.machine.daemon = c.facts.machine.clock = cases[i].seen;
        judge_daemon(&c.facts, &c.findings);
        assert_string_equal(levels(&c), cases[i].daemon);
        judge_clock(&c.facts, &c.findings);
        assert_string_equal(levels(&c), cases[i].clock);
    }
    end(&c);
}

static void test_resolver(void **state)
{
    static const char lists[] = "dnsbl = { lists = ( { zone = \"bl.example\"; weight = 1; } ); };";
    static const struct {
        const char *conf;
        struct resolver_facts facts;
        const char *levels;
    } cases[] = {
        {"", {.udp = UNSEEN}, "u"},
        {"", {.udp = SEEN_YES, .tcp = SEEN_YES, .edns = SEEN_YES}, "g"},
        {"", {.udp = SEEN_YES, .tcp = SEEN_NO, .edns = SEEN_YES}, "W"},
        {"", {.udp = SEEN_YES, .tcp = SEEN_YES, .edns = SEEN_NO}, "W"},
        {"", {.udp = SEEN_YES, .tcp = SEEN_NO, .edns = SEEN_NO}, "WW"},
        {"", {.udp = SEEN_NO}, "WG"}, /* there is no other one */
        {"", {.udp = UNSEEN, .service = "Nobody's"}, "N"},
        {lists, {.udp = UNSEEN, .service = "Nobody's"}, "W"},
        {lists, {.udp = SEEN_YES, .tcp = SEEN_NO, .edns = SEEN_YES, .service = "Nobody's"}, "WW"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct court c;
        struct resolver_facts resolver = cases[i].facts;
        begin(&c, cases[i].conf);
        c.facts.machine.resolvers = &resolver;
        c.facts.machine.n_resolvers = 1;
        judge_resolver(&c.facts, &c.findings);
        assert_string_equal(levels(&c), cases[i].levels);
        end(&c);
    }
}

/* One that is silent is bad, and grave only if all are. */
static void test_resolvers(void **state)
{
    struct court c;
    struct resolver_facts two[] = {
        {.udp = SEEN_NO}, {.udp = SEEN_YES, .tcp = SEEN_YES, .edns = SEEN_YES, .valid = SEEN_YES}};
    (void)state;
    begin(&c, "");
    c.facts.machine.resolvers = two;
    c.facts.machine.n_resolvers = 2;
    judge_resolver(&c.facts, &c.findings);
    assert_string_equal(levels(&c), "Wg");
    two[1] = (struct resolver_facts){.udp = SEEN_NO};
    judge_resolver(&c.facts, &c.findings);
    assert_string_equal(levels(&c), "WWG");
    c.facts.machine.recurses = true;
    judge_resolver(&c.facts, &c.findings);
    assert_string_equal(levels(&c), "g");
    end(&c);
}

static void test_reached(void **state)
{
    static const struct {
        enum seen reached;
        const char *levels;
    } cases[] = {{UNSEEN, "u"}, {SEEN_NO, "G"}, {SEEN_YES, "g"}};
    struct mta_filter filter = {.text = STR("inet:127.0.0.1:8892"), .ours = true};
    struct mta_service service = {.name = STR("smtp"), .n_filters = 1, .filters = &filter};
    struct court c;
    (void)state;
    begin(&c, "");
    c.facts.n_mtas = 1;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        c.facts.mtas[0] = (struct mta_facts){.user = "postfix",
                                             .n_services = 1,
                                             .services = &service,
                                             .reached = cases[i].reached,
                                             .reached_problem = STR("Connection refused")};
        judge_socket(&c.facts, &c.findings);
        assert_string_equal(levels(&c), cases[i].levels);
    }
    end(&c);
}

static void test_macros(void **state)
{
    enum { NOW = 1000000 };
    struct macro_facts macros[] = {{"j", NOW - 700}, {"daemon_name", NOW - 700}, {"i", NOW - 650}};
    struct court c;
    (void)state;
    begin(&c, "");
    struct machine_facts *m = &c.facts.machine;
    judge_macros(&c.facts, &c.findings);
    assert_string_equal(levels(&c), "u"); /* no daemon told */
    m->macros = macros;
    m->n_macros = 3;
    judge_macros(&c.facts, &c.findings);
    assert_string_equal(levels(&c), "u"); /* no message */
    m->last_connection = NOW - 700;
    m->last_message = NOW - 600;
    judge_macros(&c.facts, &c.findings);
    assert_string_equal(levels(&c), "g");
    macros[2].last_seen = NOW - 3000; /* of an MTA that is gone */
    judge_macros(&c.facts, &c.findings);
    assert_string_equal(levels(&c), "W");
    macros[1].last_seen = 0;
    judge_macros(&c.facts, &c.findings);
    assert_string_equal(levels(&c), "WW");
    m->last_message = NOW - 3601;
    judge_macros(&c.facts, &c.findings);
    assert_string_equal(levels(&c), "u");
    end(&c);
}

/* Reports that go out, wait, or do not go out. */
static void test_sent(void **state)
{
    enum { NOW = 100 * 86400, DAY = 86400 };
    static const struct {
        struct report_facts facts;
        const char *levels, *what;
    } cases[] = {
        {{.sent = UNSEEN}, "", NULL},
        {{.sent = SEEN_YES}, "N", "no report went out in the last week, 0 wait"},
        {{.sent = SEEN_YES, .n_sent = 3, .last_sent = NOW - DAY, .due = true},
         "g",
         "3 reports went out since a week ago, the last on 1970-04-10; 0 wait, 0 were given up"},
        {{.sent = SEEN_YES,
          .n_sent = 1,
          .n_waiting = 1,
          .oldest_waiting = NOW,
          .n_failed = 1,
          .last_sent = NOW - DAY},
         "N",
         "1 report went out since a week ago, the last on 1970-04-10; 1 waits, 1 was given up"},
        {{.sent = SEEN_YES, .n_sent = 3, .last_sent = NOW - 4 * DAY}, "g", NULL},
        {{.sent = SEEN_YES, .n_sent = 3, .last_sent = NOW - 4 * DAY, .due = true}, "W", NULL},
        {{.sent = SEEN_YES, .due = true}, "W", NULL},
        {{.sent = SEEN_YES, .n_waiting = 2, .oldest_waiting = NOW - 3600},
         "N",
         "no report went out in the last week, 2 wait"},
        {{.sent = SEEN_YES, .n_waiting = 1, .oldest_waiting = NOW - 3600},
         "N",
         "no report went out in the last week, 1 waits"},
        {{.sent = SEEN_YES, .n_waiting = 2, .oldest_waiting = NOW - 2 * DAY},
         "W",
         "2 mails with reports wait, the oldest since 1970-04-09"},
        {{.sent = SEEN_YES, .n_waiting = 1, .oldest_waiting = NOW - 2 * DAY},
         "W",
         "1 mail with reports waits, the oldest since 1970-04-09"},
    };
    struct court c;
    (void)state;
    begin(&c, "reports = { send = true; organization = \"us\"; from = \"dmarc@example.org\"; };");
    c.facts.machine.now = NOW;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        c.facts.reports = cases[i].facts;
        judge_sent(&c.facts, &c.findings);
        if (c.findings.n && !cases[i].facts.n_sent) /* what to do */
            assert_true(c.findings.v[0].mend.n);
        if (cases[i].what)
            assert_str(c.findings.v[0].what, cases[i].what);
        assert_string_equal(levels(&c), cases[i].levels);
    }
    end(&c);
    begin(&c, "");
    c.facts.reports = cases[6].facts;
    judge_sent(&c.facts, &c.findings);
    assert_string_equal(levels(&c), "");
    end(&c);
}

static void test_recorded(void **state)
{
    static const struct {
        struct report_facts facts;
        const char *levels;
    } cases[] = {
        {{.problem = STR_INIT("no way")}, "u"},
        {{.rows = SEEN_NO}, "N"},
        {{.rows = SEEN_YES}, "N"},
        {{.rows = SEEN_YES, .last_day = 86400, .messages = 7}, "g"},
        {{.rows = SEEN_YES, .last_day = 86400, .messages = 1}, "g"},
    };
    static const char last[] = "1 message is recorded since a week ago, the last on 1970-01-02";
    struct court c;
    (void)state;
    begin(&c, "");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        c.facts.reports = cases[i].facts;
        judge_recorded(&c.facts, &c.findings);
        assert_string_equal(levels(&c), cases[i].levels);
    }
    assert_str(c.findings.v[0].what, last);
    end(&c);
    begin(&c, "store = \"postgresql://h/d\";"); /* a server has to be there */
    c.facts.reports = cases[0].facts;
    judge_recorded(&c.facts, &c.findings);
    assert_int_equal(c.findings.v[0].level, LEVEL_WARNING);
    assert_true(c.findings.v[0].mend.n);
    end(&c);
}

static void test_status(void **state)
{
    struct court c;
    (void)state;
    begin(&c, "");
    static const struct {
        enum doctor_level level;
        int status;
    } steps[] = {
        {LEVEL_GOOD, 0}, {LEVEL_UNSEEN, 0}, {LEVEL_NOTE, 0}, {LEVEL_WARNING, 1}, {LEVEL_GRAVE, 2}};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        find(&c.findings, CHECK_CLOCK, steps[i].level, STR_NONE, "x");
        assert_int_equal(findings_status(&c.findings), steps[i].status);
    }
    end(&c);
}

/* DNS did not answer: nothing of the domain is wrong, and nothing is good. */
static void test_no_dns(void **state)
{
    static const struct dns_answer silent = {.status = DNS_TIMEOUT};
    struct domain_facts domain = {.name = STR("example.org"),
                                  .mx = &silent,
                                  .txt = &silent,
                                  .dmarc = {.result = DMARC_TEMPERROR},
                                  .tls_report = &silent,
                                  .mta_sts = &silent};
    struct address_facts address = {.text = STR("192.0.2.1"), .ptr = &silent};
    struct court c;
    (void)state;
    begin(&c, "");
    c.facts.domains = &domain;
    c.facts.n_domains = 1;
    c.facts.addresses = &address;
    c.facts.n_addresses = 1;
    judge_ptr(&c.facts, &c.findings);
    judge_mx(&c.facts, &c.findings);
    judge_spf(&c.facts, &c.findings);
    judge_keys(&c.facts, &c.findings);
    judge_dmarc(&c.facts, &c.findings);
    assert_string_equal(levels(&c), "uuuuu");
    end(&c);
}

/* --- main.cf -----------------------------------------------------------------------------------*/

static void test_cf(void **state)
{
    static const char text[] = "# a comment\n"
                               "one = first\n"
                               "one = second,\n"
                               "  # a comment within\n"
                               "\n"
                               "\tthird\n"
                               "two=$one ${one}-$(one) $$ ${one?x} $nothing.\n"
                               "loop = $loop\n"
                               "no setting\n"
                               "empty =\n";
    struct arena *a = arena_new(0);
    struct cf below = {.arena = a}, cf = {.arena = a, .below = &below};
    (void)state;
    cf_read(&below, str_of(text));
    assert_str(cf_value(&cf, "one", ""), "second, third");
    assert_str(cf_value(&cf, "two", ""), "second, third second, third-second, third $$ ${one?x} .");
    assert_str(cf_value(&cf, "empty", "x"), "");
    assert_str(cf_value(&cf, "absent", "$one"), "second, third");
    assert_true(cf_value(&cf, "loop", "").n < 100);
    cf_add(&cf, STR("three = ${one}x"));
    assert_str(cf_value(&cf, "three", ""), "second, thirdx");
    cf_add(&cf, STR("one=own"));
    assert_str(cf_value(&cf, "two", ""), "own own-own $$ ${one?x} .");
    arena_free(a);
}

static void test_cf_lists(void **state)
{
    struct str list = STR(" inet:a:1,{ unix:b, c = {d} } e\tf,,"), entry;
    (void)state;
    static const char *const want[] = {"inet:a:1", "unix:b, c = {d}", "e", "f"};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        assert_true(cf_entry(&list, &entry));
        assert_str(entry, want[i]);
    }
    assert_false(cf_entry(&list, &entry));
    list = STR("{ open");
    assert_true(cf_entry(&list, &entry));
    assert_str(entry, "open");
    assert_false(cf_entry(&list, &entry));
    list = STR("a,b c");
    assert_true(cf_word(&list, &entry));
    assert_str(entry, "a,b");
}

static void test_cf_times(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {{"30", 30000},    {"30s", 30000},     {"5m", 300000}, {"1h", 3600000},
                 {"1d", 86400000}, {"2w", 1209600000}, {"", -1},       {"s", -1},
                 {"1x", -1},       {"-1s", -1}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(cf_time_ms(str_of(cases[i].text)), cases[i].ms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rights),   cmocka_unit_test(test_daemon_and_clock),
        cmocka_unit_test(test_resolver), cmocka_unit_test(test_resolvers),
        cmocka_unit_test(test_reached),  cmocka_unit_test(test_macros),
        cmocka_unit_test(test_status),   cmocka_unit_test(test_sent),
        cmocka_unit_test(test_recorded), cmocka_unit_test(test_no_dns),
        cmocka_unit_test(test_cf),       cmocka_unit_test(test_cf_lists),
        cmocka_unit_test(test_cf_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
