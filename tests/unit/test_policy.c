/* decide/policy: at which points of the dialogue a configuration lets anything be refused. What is
 * refused has its cases in tests/scenarios. */
#include "test.h"

#include "decide/policy.h"

static void where_something_may_be_refused(void **state)
{
    static const struct {
        const char *spf;
        bool mail, rcpt;
    } cases[] = {
        {"", false, false},
        {"on-fail = \"reject\";", false, false},
        {"on-fail = \"reject\"; reject-at = \"rcpt\";", false, true},
        {"on-fail = \"reject\"; reject-at = \"mail\";", true, false},
        {"on-temperror = \"tempfail\"; reject-at = \"mail\";", true, false},
        {"on-none = \"tempfail\"; reject-at = \"rcpt\";", false, true},
        {"on-fail = \"tag\"; reject-at = \"mail\";", false, false},
        {"mode = \"off\"; on-fail = \"reject\"; reject-at = \"mail\";", false, false},
        {"mode = \"shadow\"; on-fail = \"reject\"; reject-at = \"rcpt\";", false, true},
    };
    struct arena *a = arena_new(0);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct conf_problems problems = {0};
        struct conf *conf = conf_parse(
            str_printf(a, "authserv-id = \"mx.example\"; spf = { %s };", cases[i].spf), &problems);
        assert_non_null(conf);
        if (policy_may_refuse(conf, POINT_MAIL) != cases[i].mail ||
            policy_may_refuse(conf, POINT_RCPT) != cases[i].rcpt)
            fail_msg("%s", cases[i].spf);
        assert_true(policy_may_refuse(conf, POINT_EOM));
        conf_free(conf);
    }
    arena_free(a);
}

/* The gate acts at DATA: that is negotiated only where it may refuse something. */
static void the_gate_may_refuse_at_data(void **state)
{
    static const struct {
        const char *conf;
        bool data;
    } cases[] = {
        {"", false},
        {"spf = { on-fail = \"reject\"; reject-at = \"rcpt\"; };", false},
        {"client = { iprev = \"check\"; };", false},
        {"client = { iprev = \"check\"; on-iprev-fail = \"reject\"; };", true},
        {"client = { on-iprev-fail = \"reject\"; };", false},
        {"client = { on-own-helo = \"reject\"; };", true},
        {"dnsbl = { lists = ( { zone = \"bl.example\"; weight = 1; } ); };", true},
        {"dnsbl = { mode = \"off\"; lists = ( { zone = \"bl.example\"; weight = 1; } ); };", false},
        {"sender = { mode = \"enforce\"; };", false},
        {"sender = { mode = \"enforce\"; on-null-mx = \"reject\"; };", true},
        {"sender = { mode = \"enforce\"; on-null-mx = \"tempfail\"; };", true},
        {"sender = { mode = \"enforce\"; on-unknown-domain = \"tempfail\"; };", true},
        {"sender = { on-null-mx = \"reject\"; };", false},
        {"client = { iprev = \"check\"; on-iprev-fail = \"tempfail\"; };", true},
        {"client = { iprev = \"check\"; on-iprev-fail = \"quarantine\"; };", false},
        {"client = { mode = \"off\"; iprev = \"check\"; on-iprev-fail = \"reject\"; };", false},
        {"client = { on-own-helo = \"tempfail\"; };", true},
        {"client = { on-own-helo = \"quarantine\"; };", false},
        {"client = { mode = \"off\"; on-own-helo = \"reject\"; };", false},
        {"sender = { mode = \"enforce\"; on-unknown-domain = \"reject\"; };", true},
        {"greylist = { mode = \"enforce\"; };", true},
        {"greylist = { mode = \"shadow\"; };", true},
        {"greylist = { mode = \"enforce\"; at = \"end\"; };", false},
    };
    struct arena *a = arena_new(0);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct conf_problems problems = {0};
        struct conf *conf =
            conf_parse(str_printf(a, "authserv-id = \"mx.example\"; %s", cases[i].conf), &problems);
        assert_non_null(conf);
        if (policy_may_refuse(conf, POINT_DATA) != cases[i].data)
            fail_msg("%s", cases[i].conf);
        conf_free(conf);
    }
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_something_may_be_refused),
        cmocka_unit_test(the_gate_may_refuse_at_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
