/* decide/record: what is counted of a message. The log line has its cases in tests/scenarios. */
#include "test.h"

#include "base/counters.h"
#include "decide/record.h"
#include "session/pipeline.h"

static uint64_t before[COUNTER_COUNT];

/* The counters that differ from what they were, "name=more". */
static struct str counted(struct arena *a)
{
    struct strbuf b;
    sb_init(&b, a);
    for (size_t i = 0; i < COUNTER_COUNT; i++) {
        unsigned long long more = counter_get((enum counter)i) - before[i];
        if (more)
            sb_printf(&b, " %s=%llu", counter_name((enum counter)i), more);
        before[i] += more;
    }
    return str_trim(sb_str(&b));
}

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results),
        cmocka_unit_test(queries_that_ran_out),
        cmocka_unit_test(signing),
        cmocka_unit_test(actions),
        cmocka_unit_test(actions_of_a_policy_service),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
