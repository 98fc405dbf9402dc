/* stages/spf: when the engine is asked, what it is asked, and when it is not. */
#include "test.h"

#include <stdio.h>

#include "stage_rig.h"

/* An engine that notes what it is asked, and answers this. */
static struct strbuf calls;
static struct spf_outcome answer;

static void note(const struct spf_engine *engine, const struct spf_request *request,
                 struct dns_asker *asker, struct spf_outcome *out)
{
    (void)engine, (void)asker;
    sb_printf(&calls, " %.*s/%u", STR_ARG(request->domain), request->limits.queries);
    *out = answer;
    out->domain = request->domain;
}

static const struct spf_engine noting = {.name = "noting", .check = note};

static void begin(struct rig *r, const char *conf)
{
    static struct engines engines;
    rig_begin(r, conf, "a.example TXT \"v=spf1 include:b.example -all\"\n");
    engines = (struct engines){.spf = &noting, .dkim = engines_own.dkim};
    r->run.engines = &engines;
    sb_init(&calls, r->arena);
    answer = (struct spf_outcome){.result = SPF_FAIL};
}

static struct str called(struct rig *r)
{
    struct str text = str_copy(r->arena, str_trim(sb_str(&calls)));
    sb_init(&calls, r->arena);
    return text;
}

/* While it is pending it is tried at MAIL and seven times at RCPT; at DATA and the end always. From
 * the first try on it goes on by itself. */
static void tries(void **state)
{
    struct rig r;
    (void)state;
    begin(&r, "");
    answer.pending = true;
    rig_resolver.holds = true;
    stage_spf.mail(&r.run);
    assert_str(called(&r), "a.example/60");
    assert_false(r.evidence.spf.mail_from.checked);
    for (int i = 0; i < 10; i++) {
        stage_spf.rcpt(&r.run);
        assert_str(called(&r), i < 7 ? "a.example/60" : "");
    }
    stage_spf.data(&r.run);
    assert_str(called(&r), "a.example/60");
    answer.pending = false;
    stage_spf.eom(&r.run);
    assert_str(called(&r), "a.example/60");
    assert_true(r.evidence.spf.mail_from.checked);
    stage_spf.eom(&r.run);
    assert_str(called(&r), "");
    rig_end(&r);
}

static void once(void **state)
{
    struct rig r;
    (void)state;
    begin(&r, "");
    stage_spf.mail(&r.run);
    assert_str(called(&r), "a.example/60");
    stage_spf.rcpt(&r.run);
    stage_spf.data(&r.run);
    stage_spf.eom(&r.run);
    assert_str(called(&r), "");
    rig_end(&r);
}

/* HELO gets the queries that MAIL FROM has left, and waits for it; its record is fetched ahead. */
static void helo(void **state)
{
    static const struct {
        unsigned spent;
        const char *call;
    } cases[] = {
        {0, "helo.example/60"},
        {9, "helo.example/51"},
        {60, "helo.example/0"},
        {80, "helo.example/0"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r;
        begin(&r, "spf = { check-helo = true; };");
        answer.pending = true;
        stage_spf.mail(&r.run);
        assert_str(called(&r), "a.example/60");
        assert_str(rig_asked(&r), "TXT helo.example");
        answer = (struct spf_outcome){.result = SPF_PASS, .queries = cases[i].spent};
        stage_spf.rcpt(&r.run);
        assert_str(called(&r), str_printf(r.arena, "a.example/60 %s", cases[i].call).p);
        assert_true(r.evidence.spf.helo.checked);
        stage_spf.rcpt(&r.run);
        stage_spf.eom(&r.run);
        assert_str(called(&r), "");
        rig_end(&r);
    }
}

/* HELO that is pending is tried again, after MAIL FROM is known. */
static void helo_late(void **state)
{
    struct rig r;
    (void)state;
    begin(&r, "spf = { check-helo = true; };");
    stage_spf.mail(&r.run);
    assert_str(called(&r), "a.example/60 helo.example/60");
    assert_true(r.evidence.spf.helo.checked);
    r.evidence.spf.helo.checked = false; /* as if it were pending */
    stage_spf.rcpt(&r.run);
    assert_str(called(&r), "helo.example/60");
    rig_end(&r);
}

static void not_asked(void **state)
{
    static const struct {
        const char *conf;
        unsigned checks;
        bool no_client;
        const char *why;
    } cases[] = {
        {"", 0, false, ""},
        {"spf = { mode = \"shadow\"; };", 0, false, ""},
        {"spf = { mode = \"off\"; };", 0, false, "spf.mode is off"},
        {"", SERVICE_SPF, false, ""},
        {"", SERVICE_GREYLIST, false, ""},
        {"", SERVICE_SENDER, false, ""},
        {"", SERVICE_DNSBL | SERVICE_CLIENT, false, "policy-service.checks"},
        {"exceptions = { domains = [ \"a.example\" ]; };", SERVICE_DNSBL, false, ""},
        {"", 0, true, "the MTA told no client address"},
        {"spf = { skip-networks = [ \"192.0.2.0/24\" ]; };", 0, false, "spf.skip-networks"},
        {"spf = { skip-helo = [ \"helo.example\" ]; };", 0, false, "spf.skip-helo"},
        {"spf = { skip-domains = [ \"a.example\" ]; };", 0, false, "spf.skip-domains"},
        {"spf = { skip-domains = [ \"b.example\" ]; };", 0, false, ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r;
        begin(&r, cases[i].conf);
        r.message.checks = cases[i].checks;
        if (cases[i].no_client)
            r.session.client = (struct netaddr){0};
        stage_spf.mail(&r.run);
        stage_spf.rcpt(&r.run);
        stage_spf.data(&r.run);
        stage_spf.eom(&r.run);
        assert_str(r.evidence.spf.skipped, cases[i].why);
        assert_str(called(&r), *cases[i].why ? "" : "a.example/60");
        rig_end(&r);
    }
}

/* With our own engine: what the first try leaves under way goes on without the message, once. */
static void goes_on(void **state)
{
    struct rig r;
    (void)state;
    rig_begin(&r, "",
              "a.example TXT \"v=spf1 include:b.example -all\"\n"
              "b.example TXT \"v=spf1 include:c.example -all\"\n"
              "c.example TXT \"v=spf1 ip4:192.0.2.1 -all\"\n");
    rig_resolver.holds = true;
    stage_spf.mail(&r.run);
    assert_str(rig_asked(&r), "TXT a.example");
    rig_answer();
    assert_str(rig_asked(&r), "TXT b.example, TXT c.example");
    stage_spf.rcpt(&r.run);
    assert_str(rig_asked(&r), "");
    assert_int_equal(r.evidence.spf.mail_from.outcome.result, SPF_PASS);
    rig_end(&r);
}

/* However often a message is tried, one errand goes on with it: there is room for a thousand, and
 * nine tries of two hundred messages would take it all. */
static void one_errand(void **state)
{
    struct rig r;
    (void)state;
    rig_begin(&r, "",
              "a.example SERVFAIL\nz.example TXT \"v=spf1 include:y.example -all\"\n"
              "y.example TXT \"v=spf1 -all\"\n");
    rig_resolver.holds = true;
    for (int i = 0; i < 200; i++) {
        r.asker = (struct dns_asker){.dns = r.dns, .arena = r.arena, .may_pend = true};
        r.evidence = (struct evidence){0};
        if (i == 199)
            mail_path_parse(STR("<x@z.example>"), &r.message.from);
        stage_spf.mail(&r.run);
        for (int k = 0; k < 7; k++)
            stage_spf.rcpt(&r.run);
        stage_spf.data(&r.run);
    }
    assert_str(rig_asked(&r), "TXT a.example, TXT z.example");
    rig_answer();
    assert_str(rig_asked(&r), "TXT y.example");
    rig_end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tries),      cmocka_unit_test(once),      cmocka_unit_test(helo),
        cmocka_unit_test(helo_late),  cmocka_unit_test(not_asked), cmocka_unit_test(goes_on),
        cmocka_unit_test(one_errand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
