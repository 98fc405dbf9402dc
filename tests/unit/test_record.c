/* decide/record: what is counted of a message, and the log line around what the stages say of it;
 * that has its cases in tests/scenarios. */
#include "test.h"

#include "decide/record.h"
#include "session/pipeline.h"
#include "telling_util.h"

static void count(enum policy_point point, const struct message *message,
                  const struct evidence *evidence, const struct verdict *verdict)
{
    record_count(point, &(struct telling){.stages = stages_all,
                                          .message = message,
                                          .evidence = evidence,
                                          .verdict = verdict});
}

static void results(void **state)
{
    static const struct dkim_signature signatures[] = {
        {.result = DKIM_PASS},
        {.result = DKIM_FAIL},
        {.result = DKIM_PASS},
        {.result = DKIM_TEMPERROR, .out_of_queries = true},
    };
    struct arena *a = arena_new(0);
    struct message message = {.arena = a, .origin = ORIGIN_INBOUND};
    struct verdict verdict = {.action = ACTION_ACCEPT, .if_enforced = ACTION_ACCEPT};
    struct evidence e = {0};
    (void)state;
    counted(a);
    count(POINT_EOM, &message, &e, &verdict);
    assert_str(counted(a), "messages=1 inbound=1 accepted=1");

    e.spf.mail_from.checked = e.dkim.checked = e.dmarc.checked = true;
    count(POINT_EOM, &message, &e, &verdict);
    assert_str(counted(a), "messages=1 inbound=1 spf-none=1 dkim-none=1 dmarc-none=1 accepted=1");

    e.dkim = (struct evidence_dkim){true, 3, 2, signatures, 0, NULL};
    e.spf.mail_from.outcome.result = SPF_SOFTFAIL;
    e.dmarc.result = DMARC_FAIL;
    e.forged.n = 1;
    e.forged.n_received_spf = 2;
    count(POINT_EOM, &message, &e, &verdict);
    assert_str(counted(a), "messages=1 inbound=1 spf-softfail=1 dkim-pass=2 dkim-fail=1 "
                           "dkim-signatures-skipped=2 dmarc-fail=1 forged-removed=3 accepted=1");

    e = (struct evidence){.dkim = {true, 4, 0, signatures, 0, NULL}, .forged = {.too_many = true}};
    message.over_limit = true;
    count(POINT_RCPT, &message, &e, &verdict);
    assert_str(counted(a), "dkim-pass=2 dkim-fail=1 dkim-temperror=1 forged-refused=1 accepted=1 "
                           "limit-exceeded=1 dns-out-of-queries=1");
    arena_free(a);
}

static void queries_that_ran_out(void **state)
{
    struct arena *a = arena_new(0);
    struct message message = {.arena = a};
    struct verdict verdict = {0};
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct evidence e = {0};
        e.spf.mail_from.outcome.out_of_queries = i != 1;
        e.spf.helo.outcome.out_of_queries = i > 0;
        count(POINT_MAIL, &message, &e, &verdict);
        assert_str(counted(a), "accepted=1 dns-out-of-queries=1"); /* once a message */
    }
    for (size_t i = 0; i < 3; i++) {
        struct dkim_signature signatures[3] = {{0}};
        struct evidence e = {.dkim = {.n = 3, .signatures = signatures}};
        signatures[i].out_of_queries = true;
        count(POINT_MAIL, &message, &e, &verdict);
        assert_str(counted(a), "dkim-none=3 accepted=1 dns-out-of-queries=1");
    }
    arena_free(a);
}

static void signing(void **state)
{
    static const struct {
        enum origin origin;
        struct evidence_signing signing;
        const char *want;
    } cases[] = {
        {ORIGIN_OURS, {.tried = false, .n = 1}, ""},
        {ORIGIN_OURS, {.tried = true, .n = 2}, "signed=1 "},
        {ORIGIN_OURS, {.tried = true}, "not-signed=1 "},
        {ORIGIN_FORWARDED, {.tried = true}, ""},
        {ORIGIN_FORWARDED, {.tried = true, .n = 1}, "signed=1 "},
        {ORIGIN_OURS, {.tried = true, .n = 1, .problem = STR_INIT("x")}, "sign-failed=1 "},
        {ORIGIN_OURS, {.tried = true, .mismatch = true}, "not-signed=1 sender-mismatch=1 "},
    };
    struct arena *a = arena_new(0);
    struct verdict verdict = {0};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct message message = {.arena = a, .origin = cases[i].origin};
        struct evidence e = {.signing = cases[i].signing};
        count(POINT_MAIL, &message, &e, &verdict);
        assert_str(counted(a), str_printf(a, "%saccepted=1", cases[i].want).p);
    }
    arena_free(a);
}

static void actions(void **state)
{
    static const struct {
        enum action action, wanted;
        enum override_reason override;
        const char *want;
    } cases[] = {
        {ACTION_TAG, ACTION_TAG, OVERRIDE_NONE, "accepted=1"},
        {ACTION_QUARANTINE, ACTION_QUARANTINE, OVERRIDE_NONE, "quarantined=1"},
        {ACTION_TEMPFAIL, ACTION_TEMPFAIL, OVERRIDE_NONE, "tempfailed=1"},
        {ACTION_REJECT, ACTION_REJECT, OVERRIDE_NONE, "rejected=1"},
        {ACTION_ACCEPT, ACTION_TAG, OVERRIDE_NONE, "accepted=1"},
        {ACTION_TAG, ACTION_QUARANTINE, OVERRIDE_NONE, "accepted=1 would-quarantine=1"},
        {ACTION_ACCEPT, ACTION_TEMPFAIL, OVERRIDE_NONE, "accepted=1 would-tempfail=1"},
        {ACTION_QUARANTINE, ACTION_REJECT, OVERRIDE_NONE, "quarantined=1 would-reject=1"},
        {ACTION_ACCEPT, ACTION_ACCEPT, OVERRIDE_MAILING_LIST, "override-mailing-list=1 accepted=1"},
        {ACTION_ACCEPT, ACTION_ACCEPT, OVERRIDE_TEST_MODE,
         "override-policy-test-mode=1 accepted=1"},
    };
    struct arena *a = arena_new(0);
    struct message message = {.arena = a};
    struct evidence e = {0};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct verdict verdict = {.action = cases[i].action, .if_enforced = cases[i].wanted};
        verdict.override = cases[i].override;
        count(POINT_MAIL, &message, &e, &verdict);
        assert_str(counted(a), cases[i].want);
    }
    arena_free(a);
}

/* A policy service counts what it does not let through; the rest is counted behind the milter. */
static void actions_of_a_policy_service(void **state)
{
    static const struct {
        enum action action;
        const char *want;
    } cases[] = {
        {ACTION_ACCEPT, ""},
        {ACTION_TAG, ""},
        {ACTION_QUARANTINE, "quarantined=1"},
        {ACTION_TEMPFAIL, "tempfailed=1"},
        {ACTION_REJECT, "rejected=1"},
    };
    struct arena *a = arena_new(0);
    struct message message = {.arena = a, .checks = SERVICE_GREYLIST};
    struct evidence e = {0};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct verdict verdict = {.action = cases[i].action, .if_enforced = cases[i].action};
        count(POINT_MAIL, &message, &e, &verdict);
        assert_str(counted(a), cases[i].want);
    }
    arena_free(a);
}

struct line_case {
    enum policy_point point;
    const char *client_name;
    const char *recipients[2]; /* those that were kept */
    size_t n_recipients;
    struct verdict verdict;
    struct message message;
    const char *line;
};

#define BEHIND_CLIENT " helo=helo.example from=<> "

static const struct line_case lines[] = {
    {POINT_EOM,
     "a.example",
     {"bob@recv.example"},
     1,
     {.action = ACTION_ACCEPT},
     {.header_bytes = 100, .body_bytes = 23},
     "4Q: origin=inbound action=accept client=a.example[192.0.2.1]" BEHIND_CLIENT
     "to=<bob@recv.example> size=123 ms=1234"},
    {POINT_EOM,
     "a",
     {"bob@recv.example", "carol@recv.example"},
     2,
     {.action = ACTION_ACCEPT, .if_enforced = ACTION_REJECT, .cause = "spf"},
     {.over_limit = true},
     "4Q: origin=inbound over-limit=header action=accept would=reject cause=spf "
     "client=a[192.0.2.1]" BEHIND_CLIENT "to=<bob@recv.example> nrcpt=2 size=0 ms=1234"},
    {POINT_DATA,
     "[192.0.2.1]",
     {"bob@recv.example"},
     3,
     {.action = ACTION_REJECT, .if_enforced = ACTION_REJECT, .cause = "dnsbl"},
     {.origin = ORIGIN_INBOUND},
     "4Q: origin=inbound action=reject cause=dnsbl at=data client=unknown[192.0.2.1]" BEHIND_CLIENT
     "to=<bob@recv.example> nrcpt=3 size=0 ms=1234"},
    {POINT_MAIL,
     "",
     {NULL},
     0,
     {.action = ACTION_ACCEPT},
     {.origin = ORIGIN_FORWARDED, .entry_client = {4, {203, 0, 113, 9}}},
     "4Q: origin=forwarded entry=[203.0.113.9] action=accept at=mail "
     "client=unknown[192.0.2.1]" BEHIND_CLIENT "to=<> size=0 ms=1234"},
};

static void log_lines(void **state)
{
    static const struct stage *const none[] = {NULL};
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        const struct line_case *c = &lines[i];
        struct arena *a = arena_new(0);
        struct session session = {.arena = a,
                                  .client = {4, {192, 0, 2, 1}},
                                  .client_name = str_of(c->client_name),
                                  .helo = STR("helo.example")};
        struct message message = c->message;
        struct recipient kept[2] = {{.address = STR("nobody")}, {.address = STR("nobody")}};
        struct evidence e = {0};
        for (size_t k = 0; k < 2 && c->recipients[k]; k++)
            kept[message.recipients_kept++].address = str_of(c->recipients[k]);
        message.arena = a;
        message.queue_id = STR("4Q");
        message.recipients = kept;
        message.n_recipients = c->n_recipients;
        assert_str(record_line(c->point,
                               &(struct telling){.stages = none,
                                                 .session = &session,
                                                 .message = &message,
                                                 .evidence = &e,
                                                 .verdict = &c->verdict,
                                                 .arena = a},
                               1234567),
                   c->line);
        arena_free(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results),
        cmocka_unit_test(queries_that_ran_out),
        cmocka_unit_test(signing),
        cmocka_unit_test(actions),
        cmocka_unit_test(actions_of_a_policy_service),
        cmocka_unit_test(log_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
