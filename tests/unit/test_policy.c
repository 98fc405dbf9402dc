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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_something_may_be_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
