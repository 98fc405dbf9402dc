/* decide/policy: what SPF, From, limits and mail of ours lead to, at each point, in which words.
 * Whole messages have their cases in tests/scenarios. */
#include "test.h"

#include <stdio.h>

#include "policy_util.h"

/* --- SPF --- */

struct spf_case {
    const char *what, *conf;
    enum spf_result result;
    const char *at_rcpt, *at_end;
};

#define SPF(options) "spf = { " options " };"
#define DENIED(r)    "SPF " r ": a.example does not authorize 192.0.2.1 to send its mail (RFC 7208)"

static const struct spf_case spf_cases[] = {
    {"tagged", "", SPF_FAIL, "accept", "tag spf: "},
    {"refused", SPF("on-fail = \"reject\";"), SPF_FAIL, "accept",
     "reject spf: 550 5.7.23 " DENIED("fail")},
    {"refused at RCPT", SPF("on-fail = \"reject\"; reject-at = \"rcpt\";"), SPF_FAIL,
     "reject spf: 550 5.7.23 " DENIED("fail"), "reject spf: 550 5.7.23 " DENIED("fail")},
    {"held", SPF("on-softfail = \"quarantine\"; reject-at = \"rcpt\";"), SPF_SOFTFAIL, "accept",
     "quarantine spf: " DENIED("softfail")},
    {"for now", SPF("on-softfail = \"tempfail\"; reject-at = \"rcpt\";"), SPF_SOFTFAIL,
     "tempfail spf: 451 4.7.23 " DENIED("softfail"),
     "tempfail spf: 451 4.7.23 " DENIED("softfail")},
    {"pass", SPF("on-fail = \"reject\";"), SPF_PASS, "accept", "accept"},
    {"a record in error", SPF("on-permerror = \"reject\";"), SPF_PERMERROR, "accept",
     "reject spf: 550 5.7.24 SPF record of a.example is in error: why"},
    {"DNS trouble", SPF("on-temperror = \"tempfail\";"), SPF_TEMPERROR, "accept",
     "tempfail spf: 451 4.7.24 SPF of a.example cannot be checked now (DNS trouble), try again "
     "later"},
    {"who says nothing gives nothing to tag", "", SPF_NEUTRAL, "accept", "accept"},
    {"nor who has no record", "", SPF_NONE, "accept", "accept"},
    {"but may be held", SPF("on-neutral = \"quarantine\";"), SPF_NEUTRAL, "accept",
     "quarantine spf: " DENIED("neutral")},
    {"or refused", SPF("on-none = \"reject\";"), SPF_NONE, "accept",
     "reject spf: 550 5.7.23 " DENIED("none")},
    {"in shadow", SPF("mode = \"shadow\"; on-fail = \"reject\";"), SPF_FAIL, "accept",
     "reject(shadow) spf: 550 5.7.23 " DENIED("fail")},
    {"all in shadow", "mode = \"shadow\"; " SPF("on-fail = \"reject\";"), SPF_FAIL, "accept",
     "reject(shadow) spf: 550 5.7.23 " DENIED("fail")},
    {"a trusted forwarder", SPF("on-fail = \"reject\"; trusted-forwarders = [ \"192.0.2.0/24\" ];"),
     SPF_FAIL, "accept", "accept"},
    {"with words behind", "reply-contact = \"ask us\"; " SPF("on-fail = \"reject\";"), SPF_FAIL,
     "accept", "reject spf: 550 5.7.23 " DENIED("fail") "; ask us"},
    {"for now, with words behind", "reply-contact = \"ask us\"; " SPF("on-fail = \"tempfail\";"),
     SPF_FAIL, "accept", "tempfail spf: 451 4.7.23 " DENIED("fail") "; ask us"},
    {"no words behind what is held",
     "reply-contact = \"ask us\"; " SPF("on-fail = \"quarantine\";"), SPF_FAIL, "accept",
     "quarantine spf: " DENIED("fail")},
};

static void begin_spf(struct rig *r, const char *conf, enum spf_result result)
{
    rig_begin(r, conf, "");
    r->evidence.spf.mail_from = (struct evidence_spf_identity){
        true, {.result = result, .domain = STR("a.example"), .problem = STR("why")}};
}

static void spf(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof spf_cases / sizeof *spf_cases; i++) {
        const struct spf_case *c = &spf_cases[i];
        struct rig r;
        begin_spf(&r, c->conf, c->result);
        struct str rcpt = said(&r, POINT_RCPT), end = said(&r, POINT_EOM);
        if (!str_eq(rcpt, str_of(c->at_rcpt)) || !str_eq(end, str_of(c->at_end)))
            fail_msg("%s: %.*s, %.*s", c->what, STR_ARG(rcpt), STR_ARG(end));
        assert_str(said(&r, POINT_DATA), "accept");
        r.evidence.spf.mail_from.checked = false;
        assert_str(said(&r, POINT_EOM), "accept");
        rig_end(&r);
    }
}

static void spf_at_mail(void **state)
{
    struct rig r;
    (void)state;
    begin_spf(&r, SPF("on-fail = \"reject\"; reject-at = \"mail\";"), SPF_FAIL);
    assert_str(said(&r, POINT_MAIL), "reject spf: 550 5.7.23 " DENIED("fail"));
    assert_str(said(&r, POINT_RCPT), "accept");
    r.message.may_be_forwarded = true;
    assert_str(said(&r, POINT_MAIL), "accept");
    r.message.may_be_forwarded = false;
    r.message.origin = ORIGIN_OURS;
    assert_str(said(&r, POINT_MAIL), "accept");
    rig_end(&r);
}

/* A policy service has DATA alone, whatever spf.reject-at says. */
static void spf_of_a_service(void **state)
{
    struct rig r;
    (void)state;
    begin_spf(&r, SPF("on-fail = \"reject\"; reject-at = \"rcpt\";"), SPF_FAIL);
    r.message.checks = SERVICE_SPF;
    assert_str(said(&r, POINT_RCPT), "accept");
    assert_str(said(&r, POINT_DATA), "reject spf: 550 5.7.23 " DENIED("fail"));
    assert_str(said(&r, POINT_EOM), "accept");
    r.message.checks = SERVICE_DNSBL;
    assert_str(said(&r, POINT_DATA), "accept");
    rig_end(&r);
    begin_spf(&r, "", SPF_FAIL);
    r.message.checks = SERVICE_SPF;
    assert_str(said(&r, POINT_DATA), "tag spf: ");
    rig_end(&r);
}

/* A pass of DMARC for every author cancels a fail of SPF; while that is not known, nothing is
 * refused for good. */
static void spf_and_dmarc(void **state)
{
    static const struct {
        const char *options;
        size_t n;
        enum dmarc_result each[2], all;
        const char *end;
    } cases[] = {
        {"", 1, {DMARC_PASS}, DMARC_PASS, "accept"},
        {"", 2, {DMARC_PASS, DMARC_PASS}, DMARC_PASS, "accept"},
        {"dmarc-pass-cancels = false;",
         1,
         {DMARC_PASS},
         DMARC_PASS,
         "reject spf: 550 5.7.23 " DENIED("fail")},
        {"", 0, {DMARC_PASS}, DMARC_PASS, "reject spf: 550 5.7.23 " DENIED("fail")},
        {"", 1, {DMARC_NONE}, DMARC_NONE, "reject spf: 550 5.7.23 " DENIED("fail")},
        {"", 2, {DMARC_PASS, DMARC_NONE}, DMARC_NONE, "reject spf: 550 5.7.23 " DENIED("fail")},
        {"", 2, {DMARC_NONE, DMARC_PASS}, DMARC_NONE, "reject spf: 550 5.7.23 " DENIED("fail")},
        {"", 1, {DMARC_TEMPERROR}, DMARC_TEMPERROR, "tempfail spf: 451 4.7.23 " DENIED("fail")},
        {"",
         2,
         {DMARC_PASS, DMARC_TEMPERROR},
         DMARC_TEMPERROR,
         "tempfail spf: 451 4.7.23 " DENIED("fail")},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r;
        struct dmarc_outcome outcomes[2] = {{.result = cases[i].each[0]},
                                            {.result = cases[i].each[1]}};
        char conf[200];
        snprintf(conf, sizeof conf,
                 "dmarc = { mode = \"shadow\"; }; spf = { on-fail = \"reject\"; %s };",
                 cases[i].options);
        begin_spf(&r, conf, SPF_FAIL);
        r.evidence.dmarc = (struct evidence_dmarc){
            .checked = true, .result = cases[i].all, .n = cases[i].n, .outcomes = outcomes};
        assert_str(said(&r, POINT_EOM), cases[i].end);
        rig_end(&r);
    }
}

static void spf_words(void **state)
{
    static const struct {
        const char *conf;
        struct spf_outcome o;
        const char *text;
    } cases[] = {
        {SPF("on-none = \"reject\";"),
         {.result = SPF_NONE},
         "SPF none: the sender has no domain (RFC 7208)"},
        {SPF("on-fail = \"reject\";"),
         {.result = SPF_FAIL, .domain = STR_INIT("a.example"), .explanation = STR_INIT("go\taway")},
         "SPF: a.example does not permit 192.0.2.1; its explanation: go\\x09away"},
        {SPF("on-fail = \"reject\";"),
         {.result = SPF_FAIL, .domain = STR_INIT("a.example"), .explanation = STR_INIT("\xc3\xbc")},
         "SPF: a.example does not permit 192.0.2.1; its explanation: \\xc3\\xbc"},
        {SPF("on-softfail = \"reject\";"),
         {.result = SPF_SOFTFAIL, .domain = STR_INIT("a.example"), .explanation = STR_INIT("x")},
         DENIED("softfail")},
        {SPF("on-permerror = \"reject\";"),
         {.result = SPF_PERMERROR, .domain = STR_INIT("\xc3\xbc"), .problem = STR_INIT("\xc3\xa4")},
         "SPF record of \\xc3\\xbc is in error: \\xc3\\xa4"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r;
        struct verdict v;
        begin_spf(&r, cases[i].conf, SPF_FAIL);
        r.evidence.spf.mail_from.outcome = cases[i].o;
        policy_decide(r.conf, POINT_EOM, &r.session, &r.message, &r.evidence, r.arena, &v);
        assert_str(v.text, cases[i].text);
        rig_end(&r);
    }
}

/* A reply has 400 bytes at most. */
static void long_replies(void **state)
{
    static const struct {
        size_t domain, shown;
    } cases[] = {{172, 400}, {173, 400}, {171, 399}, {250, 400}};
    char letters[256];
    (void)state;
    memset(letters, 'x', sizeof letters);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r;
        struct verdict v;
        begin_spf(&r, SPF("on-permerror = \"reject\";"), SPF_PERMERROR);
        r.evidence.spf.mail_from.outcome.domain = (struct str){letters, cases[i].domain};
        r.evidence.spf.mail_from.outcome.problem = (struct str){letters, 200};
        policy_decide(r.conf, POINT_EOM, &r.session, &r.message, &r.evidence, r.arena, &v);
        assert_int_equal(v.text.n, cases[i].shown);
        assert_int_equal(str_ends_nocase(v.text, STR("...")), cases[i].domain > 172);
        rig_end(&r);
    }
}

/* --- the rest --- */

struct other_case {
    const char *what, *conf;
    enum origin origin;
    bool over_limit;
    struct evidence evidence;
    const char *at_end;
    enum action on_mismatch; /* on-sender-mismatch, where it is not "tag" */
};

#define LARGE  "The header of this message is too large"
#define FORGED "More than 100 header fields claim to be results of this host"
#define BAD(s, ...)                                                                                \
    {                                                                                              \
        .dmarc = {.checked = true, .from_status = (s), .result = DMARC_PERMERROR, __VA_ARGS__ }    \
    }
#define NEEDS "This message needs exactly one valid From field: "
#define MISMATCH                                                                                   \
    {                                                                                              \
        .signing = {.mismatch = true, .why = STR_INIT("\xc3\xa4nn may not") }                      \
    }
#define SENDER "The sender in From is not allowed: \\xc3\\xa4nn may not"

static const struct other_case other_cases[] = {
    {"too large",
     "",
     ORIGIN_INBOUND,
     true,
     {.greylist.result = GREYLIST_NOT_ASKED},
     "reject limit: 552 5.3.4 " LARGE,
     ACTION_TAG},
    {"too large for now",
     "limits = { on-header-limit = \"tempfail\"; };",
     ORIGIN_INBOUND,
     true,
     {.greylist.result = GREYLIST_NOT_ASKED},
     "tempfail limit: 452 4.3.4 " LARGE,
     ACTION_TAG},
    {"large, and ours",
     "",
     ORIGIN_OURS,
     true,
     {.greylist.result = GREYLIST_NOT_ASKED},
     "accept",
     ACTION_TAG},
    {"forged",
     "",
     ORIGIN_INBOUND,
     false,
     {.forged.too_many = true},
     "reject forged: 550 5.7.1 " FORGED,
     ACTION_TAG},
    {"forged, in shadow mode",
     "mode = \"shadow\";",
     ORIGIN_INBOUND,
     false,
     {.forged.too_many = true},
     "reject forged: 550 5.7.1 " FORGED,
     ACTION_TAG},
    {"forged, and ours",
     "",
     ORIGIN_OURS,
     false,
     {.forged.too_many = true},
     "reject forged: 550 5.7.1 " FORGED,
     ACTION_TAG},
    {"forged, and forwarded",
     "",
     ORIGIN_FORWARDED,
     false,
     {.forged.too_many = true},
     "reject forged: 550 5.7.1 " FORGED,
     ACTION_TAG},
    {"forged, and relayed",
     "",
     ORIGIN_RELAYED,
     false,
     {.forged.too_many = true},
     "accept",
     ACTION_TAG},
    {"forged and too large",
     "",
     ORIGIN_INBOUND,
     true,
     {.forged.too_many = true},
     "reject forged: 550 5.7.1 " FORGED,
     ACTION_TAG},
    {"a bad From", "", ORIGIN_INBOUND, false, BAD(FROM_SYNTAX, .reason = STR_INIT("\xc3\xa4")),
     "reject from: 550 5.7.1 " NEEDS "\\xc3\\xa4", ACTION_TAG},
    {"a bad From, tagged", "dmarc = { on-bad-from = \"tag\"; };", ORIGIN_INBOUND, false,
     BAD(FROM_MISSING, .reason = STR_INIT("none")), "tag from: " NEEDS "none", ACTION_TAG},
    {"a bad From in shadow", "dmarc = { mode = \"shadow\"; };", ORIGIN_INBOUND, false,
     BAD(FROM_SEVERAL, .reason = STR_INIT("two")), "reject(shadow) from: 550 5.7.1 " NEEDS "two",
     ACTION_TAG},
    {"a From that is fit", "", ORIGIN_INBOUND, false, BAD(FROM_NO_DOMAIN, .reason = STR_INIT("")),
     "accept", ACTION_TAG},
    {"a From that was not looked at",
     "",
     ORIGIN_INBOUND,
     false,
     {.dmarc.from_status = FROM_SYNTAX},
     "accept",
     ACTION_TAG},
    {"another's From", "", ORIGIN_OURS, false, MISMATCH, "tag sender: " SENDER, ACTION_TAG},
    {"another's From, refused", "", ORIGIN_OURS, false, MISMATCH,
     "reject sender: 550 5.7.1 " SENDER, ACTION_REJECT},
    {"another's From, in shadow mode", "mode = \"shadow\";", ORIGIN_OURS, false, MISMATCH,
     "reject(shadow) sender: 550 5.7.1 " SENDER, ACTION_REJECT},
    {"which is nothing to ask of others", "", ORIGIN_INBOUND, false, MISMATCH, "accept",
     ACTION_REJECT},
};

static void others(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof other_cases / sizeof *other_cases; i++) {
        const struct other_case *c = &other_cases[i];
        struct rig r;
        rig_begin(&r, c->conf, "");
        r.message.origin = c->origin;
        r.message.over_limit = c->over_limit;
        r.conf->on_sender_mismatch = c->on_mismatch;
        r.evidence = c->evidence;
        struct str end = said(&r, POINT_EOM);
        if (!str_eq(end, str_of(c->at_end)))
            fail_msg("%s: %.*s", c->what, STR_ARG(end));
        assert_str(said(&r, POINT_DATA), "accept");
        rig_end(&r);
    }
}

/* What is done is told, though something graver is in shadow. */
static void shadows(void **state)
{
    struct rig r;
    struct verdict v;
    (void)state;
    begin_spf(&r,
              "client = { mode = \"shadow\"; on-own-helo = \"reject\"; }; spf = { on-fail = "
              "\"tempfail\"; };",
              SPF_FAIL);
    r.evidence.client.helo = HELO_OURS;
    policy_decide(r.conf, POINT_EOM, &r.session, &r.message, &r.evidence, r.arena, &v);
    assert_int_equal(v.action, ACTION_TEMPFAIL);
    assert_int_equal(v.if_enforced, ACTION_REJECT);
    assert_string_equal(v.cause, "spf");
    assert_str(v.code, "451");
    assert_int_equal(v.scope, SCOPE_MESSAGE);
    policy_decide(r.conf, POINT_RCPT, &r.session, &r.message, &r.evidence, r.arena, &v);
    assert_int_equal(v.scope, SCOPE_RECIPIENT);
    rig_end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spf),
        cmocka_unit_test(spf_at_mail),
        cmocka_unit_test(spf_of_a_service),
        cmocka_unit_test(spf_and_dmarc),
        cmocka_unit_test(spf_words),
        cmocka_unit_test(long_replies),
        cmocka_unit_test(others),
        cmocka_unit_test(shadows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
