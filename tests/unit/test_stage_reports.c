/* stages/reports: what is asked about our own domains, and when. Which mail makes no row has its
 * cases in tests/scenarios. */
#include "test.h"

#include "stage_rig.h"

#define TWO "reports = { domains = [ \"a.example\", \"b.example\" ]; };"

/* All records are asked for at MAIL, and not again. */
static void asked_ahead(void **state)
{
    static const struct {
        const char *conf;
        unsigned checks;
        const char *asked;
    } cases[] = {
        {TWO, 0, "TXT _dmarc.a.example, TXT _dmarc.b.example"},
        {TWO, SERVICE_SPF, ""},
        {"reports = { record = false; domains = [ \"a.example\" ]; };", 0, ""},
        {"", 0, ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r;
        struct recipient to = {.address = STR("bob@recv.example")};
        rig_begin(&r, cases[i].conf, "");
        r.message.checks = cases[i].checks;
        r.message.recipients = &to;
        r.message.n_recipients = r.message.recipients_kept = 1;
        stage_reports.mail(&r.run);
        assert_str(rig_asked(&r), cases[i].asked);
        stage_reports.eom(&r.run);
        assert_str(rig_asked(&r), "");
        assert_null(r.evidence.reports.exempt);
        rig_end(&r);
    }
}

/* What is still under way at the end counts as no address of ours, until it has come. */
static void looked_up(void **state)
{
    struct rig r;
    struct recipient to = {.address = STR("in@b.example")};
    (void)state;
    rig_begin(&r, TWO,
              "_dmarc.a.example SERVFAIL\n"
              "_dmarc.b.example TXT \"v=DMARC1; p=none; rua=mailto:in@b.example\"\n");
    r.message.recipients = &to;
    r.message.n_recipients = r.message.recipients_kept = 1;
    rig_resolver.holds = true;
    stage_reports.mail(&r.run);
    stage_reports.eom(&r.run);
    assert_null(r.evidence.reports.exempt);
    rig_answer();
    stage_reports.eom(&r.run);
    assert_string_equal(r.evidence.reports.exempt, "it is for our report address");
    rig_end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asked_ahead),
        cmocka_unit_test(looked_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
