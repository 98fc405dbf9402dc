/* message: which certificates of clients the MTA has verified. The macros are those that Sendmail
 * 8.17 and Postfix 3.7 send. */
#include "test.h"

#include "core/message.h"

static void certificates(void **state)
{
    static const struct {
        const char *version, *verify, *subject, *issuer;
        bool trusted;
    } cases[] = {
        {"8.17.1.9", "OK", "/CN=laptop", "/CN=Our+20CA", true},
        {"8.17.1.9", "FAIL", "/CN=laptop", "/CN=laptop", false},
        {"8.17.1.9", "NO", NULL, NULL, false},
        {"8.17.1.9", "NONE", NULL, NULL, false},
        {"8.17.1.9", "ok", "/CN=laptop", "/CN=Our+20CA", false},
        {"8.17.1.9", NULL, "/CN=laptop", "/CN=Our+20CA", false},
        {NULL, NULL, "/CN=laptop", "/CN=Our+20CA", false},
        {NULL, "OK", NULL, NULL, true},
        {"Postfix 3.7.11", NULL, "laptop", "Our CA", true},
        {"Postfix 3.7.11", NULL, "", "Our CA", true}, /* a subject without CN */
        {"Postfix 3.7.11", NULL, "laptop", "", true},
        {"Postfix 3.7.11", NULL, "", "", false},
        {"Postfix 3.7.11", NULL, NULL, NULL, false}, /* not trusted, or none */
        {"Postfix 3.7.11", "FAIL", "laptop", "Our CA", false},
        {"Other 1.0", NULL, "laptop", "Our CA", false},
        {"Postfixed 1.0", NULL, "laptop", "Our CA", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct certificate_macros macros = {
            .version = str_of(cases[i].version),
            .verify = str_of(cases[i].verify),
            .subject = str_of(cases[i].subject),
            .issuer = str_of(cases[i].issuer),
        };
        if (certificate_is_trusted(&macros) != cases[i].trusted)
            fail_msg("case %zu", i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(certificates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
