/* settled: which address lists Sendmail 8.17 leaves as they are, as measured with it. */
#include "test.h"

#include "mail/address.h"

static const struct str settled[] = {
    STR_INIT(""),
    STR_INIT(" a@far.example"),
    STR_INIT(" a@far.example, b@far.example"),
    STR_INIT(" a@far.example,\n b@far.example,\n\tc@far.example"),
    STR_INIT(" \"A B\"<a@far.example>"),
    STR_INIT(" \"A B\" <a@far.example>"),
    STR_INIT(" A B <a@far.example>, C<c@far.example>"),
    STR_INIT(" A \"B\" C <a@far.example>"),
    STR_INIT(" <A@FAR.Example>"),
    STR_INIT(" \"Doe, John\" <a@far.example>"),
    STR_INIT(" \"x\\\"y\" <a@far.example>"),
    STR_INIT(" \"a b\"@far.example"),
    STR_INIT(" a@[192.0.2.1]"),
    STR_INIT(" a%b@far.example, x!y@far.example"),
    STR_INIT(" =?utf-8?q?J=C3=BCrgen?= <a@far.example>"),
    STR_INIT(" J\xC3\xBCrgen <a@far.example>"),
    STR_INIT(" undisclosed-recipients:;"),
    STR_INIT(" Undisclosed-Recipients: ;"),
};

static const struct str unsettled[] = {
    STR_INIT(" a@far.example,b@far.example"),
    STR_INIT(" a@far.example ,b@far.example"),
    STR_INIT(" a@far.example , b@far.example"),
    STR_INIT(" a@far.example\n\t,b@far.example"),
    STR_INIT(" a@far.example,"),
    STR_INIT(" a@far.example, , b@far.example"),
    STR_INIT(" a@far.example;b@far.example"),
    STR_INIT(" friends:a@far.example,b@far.example;"),
    STR_INIT(" bob"),
    STR_INIT(" Bob <bob>"),
    STR_INIT(" a@localhost"),
    STR_INIT(" a@far.example."),
    STR_INIT(" <a@far.example.>"),
    STR_INIT(" <@x.example:a@far.example>"),
    STR_INIT(" a @ far.example"),
    STR_INIT(" a@ far.example"),
    STR_INIT(" a@far.example(A B)"),
    STR_INIT(" (c)a@far.example"),
    STR_INIT(" A.B. <a@far.example>"),
    STR_INIT(" A, B <a@far.example>"),
    STR_INIT(" =?utf-8?q?a,b?= <a@far.example>"),
    STR_INIT(" a!b"),
};

/* Forms that Sendmail leaves alone and that are rare enough not to be known here. */
static const struct str unknown[] = {
    STR_INIT(" (c) <a@far.example>"),
    STR_INIT(" a@far.example (A B)"),
    STR_INIT(" friends: a@far.example, b@far.example;"),
    STR_INIT(" a@b@far.example"),
    STR_INIT(" A (c) <a@far.example>"),
    STR_INIT(" a@far.example, (c) b@far.example"),
};

/* No form at all. */
static const struct str broken[] = {
    STR_INIT(" \"no end <a@far.example>"),
    STR_INIT(" <a@far.example"),
    STR_INIT(" <a@far.example> b"),
    STR_INIT(" <>"),
    STR_INIT(" @far.example"),
    STR_INIT(" ,"),
    STR_INIT(" a@[192.0.2.1"),
    STR_INIT(" (no end"),
    STR_INIT(" a\x01@far.example"),
};

#define CHECK_ALL(list, want)                                                                      \
    for (size_t i = 0; i < sizeof(list) / sizeof *(list); i++) {                                   \
        if (address_list_is_settled((list)[i]) != (want))                                          \
            fail_msg("%.*s: not %s", STR_ARG((list)[i]), (want) ? "settled" : "unsettled");        \
    }

static void forms(void **state)
{
    (void)state;
    CHECK_ALL(settled, true)
    CHECK_ALL(unsettled, false)
    CHECK_ALL(unknown, false)
    CHECK_ALL(broken, false)
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(forms)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
