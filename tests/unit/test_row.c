/* decide/row: what reports keep of a message: bounds, orders and choices. Whole messages have their
 * cases in tests/scenarios. */
#include "test.h"

#include "decide/row.h"
#include "stage_rig.h"

/* One author domain with a record, and what was done for it. */
static struct dmarc_outcome outcome;
static struct author_verdict author;
static struct verdict verdict;

static void begin(struct rig *r, const char *conf)
{
    rig_begin(r, conf, "");
    outcome = (struct dmarc_outcome){.result = DMARC_FAIL,
                                     .author_domain = STR("author.example"),
                                     .record_domain = STR("author.example"),
                                     .record.fo = STR("0")};
    author = (struct author_verdict){0};
    verdict = (struct verdict){.authors = &author};
    r->evidence.dmarc = (struct evidence_dmarc){
        .checked = true, .result = DMARC_FAIL, .n = 1, .outcomes = &outcome};
}

static struct row_account account_at(struct rig *r, enum policy_point point)
{
    struct row_account out;
    row_account(point,
                &(struct telling){.conf = r->conf,
                                  .session = &r->session,
                                  .message = &r->message,
                                  .evidence = &r->evidence,
                                  .verdict = &verdict,
                                  .arena = r->arena},
                &out);
    return out;
}

static const struct row *row_of(struct rig *r)
{
    struct row_account out = account_at(r, POINT_EOM);
    assert_int_equal(out.n, 1);
    assert_str(out.tally, "");
    return out.rows;
}

/* Destinations take less than 4000 bytes; the first one that does not fit ends them. */
static void destinations(void **state)
{
    static const struct {
        size_t second; /* bytes */
        bool fits;
    } cases[] = {{3900, true}, {3999 - 10, true}, {4000 - 10, false}, {4001 - 10, false}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r;
        begin(&r, "");
        char *long_one = arena_alloc(r.arena, cases[i].second);
        memset(long_one, 'x', cases[i].second);
        struct str rua[] = {STR("mailto:a@b"), {long_one, cases[i].second}, STR("x")};
        outcome.record.rua = rua;
        outcome.record.n_rua = 2;
        struct str got = row_of(&r)->policy.destinations;
        assert_int_equal(got.n, cases[i].fits ? 10 + 1 + cases[i].second : 10);
        assert_true(str_starts(got, STR("mailto:a@b")));
        rig_end(&r);
    }
    struct rig r;
    static const struct str three[] = {STR_INIT("a"), STR_INIT("b"), STR_INIT("c")};
    begin(&r, "");
    outcome.record.rua = three;
    outcome.record.n_rua = 3;
    assert_str(row_of(&r)->policy.destinations, "a,b,c");
    outcome.record.n_rua = 0;
    assert_str(row_of(&r)->policy.destinations, "");
    rig_end(&r);
}

/* Author domain, its organization, others, and what does not hold; each in the header's order. */
static void signatures(void **state)
{
#define SIGNED(r, d, s)                                                                            \
    {                                                                                              \
        .result = (r), .domain = STR_INIT(d), .selector = STR_INIT(s)                              \
    }
    static const struct dkim_signature all[] = {
        SIGNED(DKIM_FAIL, "author.example", "1"),
        SIGNED(DKIM_PASS, "other.example", "2"),
        SIGNED(DKIM_PASS, "m.org.example", "3"),
        SIGNED(DKIM_PASS, "author.example", "4"),
        SIGNED(DKIM_PASS, "", "5"),
        SIGNED(DKIM_PASS, "author.example", ""),
        SIGNED(DKIM_PASS, "org.example", "7"),
        SIGNED(DKIM_PASS, "author.example", "8"),
        SIGNED(DKIM_TEMPERROR, "x.example", "9"),
    };
    static const struct {
        const char *org, *order;
    } cases[] = {{"org.example", "48372"
                                 "19"},
                 {"", "48237"
                      "19"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r;
        struct strbuf b;
        begin(&r, "");
        r.evidence.dkim = (struct evidence_dkim){.checked = true, .n = 9, .signatures = all};
        outcome.organizational_domain = str_of(cases[i].org);
        const struct row *row = row_of(&r);
        sb_init(&b, r.arena);
        for (size_t k = 0; k < row->n_signatures; k++)
            sb_add(&b, row->signatures[k].selector);
        assert_str(sb_str(&b), cases[i].order);
        assert_str(row->signatures[5].result, "fail");
        assert_str(row->signatures[0].result, "pass");
        rig_end(&r);
    }
}

static void recipients(void **state)
{
    static const struct {
        const char *to[3];
        size_t n;
        const char *domain;
    } cases[] = {
        {{NULL}, 0, ""},
        {{"a@one.example"}, 1, "one.example"},
        {{"a@one.example", "b@ONE.example."}, 2, "one.example"},
        {{"a@one.example", "b@two.example"}, 2, ""},
        {{"a@one.example", "b@one.example", "c@two.example"}, 3, ""},
        {{"postmaster", "b@two.example"}, 2, "two.example"},
        {{"b@two.example", "postmaster"}, 2, "two.example"},
        {{"b@two.example", "postmaster", "c@three.example"}, 3, ""},
        {{"@", "b@two.example"}, 2, "two.example"},
        {{"a@[192.0.2.1]"}, 1, "[192.0.2.1]"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r;
        struct recipient v[4] = {{.address = STR("z@beyond.example")},
                                 {.address = STR("z@beyond.example")},
                                 {.address = STR("z@beyond.example")},
                                 {.address = STR("z@beyond.example")}};
        begin(&r, "");
        for (size_t k = 0; k < cases[i].n; k++)
            v[k].address = str_of(cases[i].to[k]);
        r.message.recipients = v;
        r.message.n_recipients = r.message.recipients_kept = cases[i].n;
        assert_str(row_of(&r)->envelope_to, cases[i].domain);
        rig_end(&r);
    }
}

static void spf(void **state)
{
    static const struct {
        struct evidence_spf_identity spf;
        const char *from;
        const char *domain, *result;
    } cases[] = {
        {{true, {.result = SPF_PASS, .domain = STR_INIT("spf.example")}},
         "<a@a.example>",
         "spf.example",
         "pass"},
        {{false, {.result = SPF_PASS, .domain = STR_INIT("spf.example")}},
         "<a@A.example>",
         "a.example",
         "none"},
        {{true, {.result = SPF_NONE}}, "<a@a.example>", "a.example", "none"},
        {{true, {.result = SPF_NONE}}, "<>", "helo.example", "none"},
        {{false, {.result = SPF_FAIL}}, "<a@[1]>", "[1]", "none"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r;
        begin(&r, "");
        r.evidence.spf.mail_from = cases[i].spf;
        mail_path_parse(str_of(cases[i].from), &r.message.from);
        const struct row *row = row_of(&r);
        assert_str(row->spf_domain, cases[i].domain);
        assert_str(row->spf_result, cases[i].result);
        assert_str(row->spf_scope, "mfrom");
        rig_end(&r);
    }
}

static void policies(void **state)
{
    struct rig r;
    (void)state;
    begin(&r, "");
    outcome.record = (struct dmarc_record){.p = DMARC_P_REJECT,
                                           .sp = DMARC_P_QUARANTINE,
                                           .np = DMARC_P_NONE,
                                           .has_sp = true,
                                           .aspf = DMARC_STRICT,
                                           .testing = true,
                                           .fo = STR("1")};
    const struct row_policy *p = &row_of(&r)->policy;
    assert_str(p->p, "reject");
    assert_str(p->sp, "quarantine");
    assert_str(p->np, "");
    assert_str(p->adkim, "r");
    assert_str(p->aspf, "s");
    assert_str(p->testing, "y");
    assert_str(p->fo, "1");
    outcome.record.has_sp = outcome.record.testing = false;
    outcome.record.has_np = true;
    outcome.record.adkim = DMARC_STRICT;
    outcome.record.aspf = DMARC_RELAXED;
    p = &row_of(&r)->policy;
    assert_str(p->sp, "");
    assert_str(p->np, "none");
    assert_str(p->adkim, "s");
    assert_str(p->aspf, "r");
    assert_str(p->testing, "n");
    rig_end(&r);
}

static void dispositions(void **state)
{
    static const struct {
        enum dmarc_result result;
        enum dmarc_policy policy, done;
        enum override_reason override;
        enum row_disposition want;
        size_t n_reasons;
    } cases[] = {
        {DMARC_PASS, DMARC_P_NONE, DMARC_P_NONE, OVERRIDE_NONE, ROW_NONE, 0},
        {DMARC_PASS, DMARC_P_REJECT, DMARC_P_NONE, OVERRIDE_NONE, ROW_PASS, 0},
        {DMARC_PASS, DMARC_P_QUARANTINE, DMARC_P_NONE, OVERRIDE_NONE, ROW_PASS, 0},
        {DMARC_FAIL, DMARC_P_REJECT, DMARC_P_REJECT, OVERRIDE_NONE, ROW_REJECT, 0},
        {DMARC_FAIL, DMARC_P_REJECT, DMARC_P_QUARANTINE, OVERRIDE_LOCAL_POLICY, ROW_QUARANTINE, 1},
        {DMARC_FAIL, DMARC_P_REJECT, DMARC_P_NONE, OVERRIDE_MAILING_LIST, ROW_NONE, 1},
        {DMARC_TEMPERROR, DMARC_P_NONE, DMARC_P_NONE, OVERRIDE_NONE, ROW_NONE, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r;
        begin(&r, "");
        outcome.result = cases[i].result;
        outcome.policy = cases[i].policy;
        author = (struct author_verdict){cases[i].done, cases[i].override, STR("why")};
        const struct row *row = row_of(&r);
        assert_int_equal(row->disposition, cases[i].want);
        assert_int_equal(row->n_reasons, cases[i].n_reasons);
        if (row->n_reasons) {
            assert_str(row->reasons[0].type, override_name(cases[i].override));
            assert_str(row->reasons[0].comment, "why");
        }
        rig_end(&r);
    }
}

/* Which messages are counted, and how those without a row. */
static void accounts(void **state)
{
    static const struct {
        const char *conf;
        enum policy_point point;
        enum origin origin;
        unsigned checks;
        const char *exempt;
        enum action action;
        size_t rows;
        const char *tally; /* without a record */
    } cases[] = {
        {"", POINT_EOM, ORIGIN_INBOUND, 0, NULL, ACTION_ACCEPT, 1, "fail/accept"},
        {"", POINT_EOM, ORIGIN_INBOUND, 0, NULL, ACTION_REJECT, 1, "fail/reject"},
        {"", POINT_EOM, ORIGIN_INBOUND, 0, NULL, ACTION_TEMPFAIL, 0, ""},
        {"", POINT_EOM, ORIGIN_INBOUND, 0, "a report", ACTION_ACCEPT, 0, ""},
        {"", POINT_EOM, ORIGIN_INBOUND, 0, "a report", ACTION_REJECT, 0, ""},
        {"", POINT_EOM, ORIGIN_OURS, 0, NULL, ACTION_ACCEPT, 0, ""},
        {"", POINT_EOM, ORIGIN_INBOUND, SERVICE_SPF, NULL, ACTION_ACCEPT, 0, ""},
        {"", POINT_EOM, ORIGIN_INBOUND, SERVICE_SPF, NULL, ACTION_REJECT, 1, "fail/reject"},
        {"", POINT_DATA, ORIGIN_INBOUND, SERVICE_SPF, NULL, ACTION_REJECT, 0, "at-data/reject"},
        {"", POINT_DATA, ORIGIN_INBOUND, SERVICE_SPF, NULL, ACTION_TEMPFAIL, 0, ""},
        {"", POINT_DATA, ORIGIN_INBOUND, SERVICE_SPF, NULL, ACTION_ACCEPT, 0, ""},
        {"", POINT_RCPT, ORIGIN_INBOUND, 0, NULL, ACTION_REJECT, 0, "at-rcpt/reject"},
        {"", POINT_RCPT, ORIGIN_INBOUND, 0, NULL, ACTION_ACCEPT, 0, ""},
        {"reports = { record = false; };", POINT_EOM, ORIGIN_INBOUND, 0, NULL, ACTION_ACCEPT, 0,
         ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r;
        begin(&r, cases[i].conf);
        r.message.origin = cases[i].origin;
        r.message.checks = cases[i].checks;
        r.evidence.reports.exempt = cases[i].exempt;
        verdict.action = cases[i].action;
        struct row_account with = account_at(&r, cases[i].point);
        assert_int_equal(with.n, cases[i].rows);
        assert_str(with.tally, cases[i].rows ? "" : cases[i].tally);
        outcome.record_domain = STR("");
        struct row_account without = account_at(&r, cases[i].point);
        assert_int_equal(without.n, 0);
        assert_str(without.tally, cases[i].tally);
        r.evidence.dmarc.checked = false;
        without = account_at(&r, cases[i].point);
        assert_true(!str_starts(str_of(cases[i].tally), STR("fail/")) ||
                    str_starts(without.tally, STR("unchecked/")));
        outcome.record_domain = STR("author.example");
        verdict.authors = NULL; /* not judged */
        assert_int_equal(account_at(&r, cases[i].point).n, 0);
        rig_end(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(destinations), cmocka_unit_test(signatures),
        cmocka_unit_test(recipients),   cmocka_unit_test(spf),
        cmocka_unit_test(policies),     cmocka_unit_test(dispositions),
        cmocka_unit_test(accounts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
