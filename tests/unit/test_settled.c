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

static void settles(void **state)
{
    static const struct {
        const char *given, *written; /* NULL: is left as it stands */
    } cases[] = {
        {" a@x.example,b@x.example", " a@x.example, b@x.example"},
        {"a@x.example ,b@x.example", " a@x.example, b@x.example"},
        {" a@x.example\n\t,b@x.example", " a@x.example, b@x.example"},
        {" a@x.example, ", " a@x.example"},
        {" ,,a@x.example,,b@x.example,", " a@x.example, b@x.example"},
        {" \"Doe, J\" <a@x.example>,B <b@x.example>", " \"Doe, J\" <a@x.example>, B <b@x.example>"},
        {" \"a\\\",b\" <a@x.example>,b@x.example", " \"a\\\",b\" <a@x.example>, b@x.example"},
        {" a@x.example, b@x.example", NULL}, /* settled */
        {" bob,a@x.example", NULL},          /* a bare name will be qualified */
        {" <@y.example,@z.example:a@x.example>,b@x.example", NULL},
        {" a@x.example (c, d),b@x.example", NULL},
        {" a@x.example,b@x.example.", NULL},
        {" friends:a@x.example,b@x.example;", NULL},
        {" \"a@x.example,b@x.example", NULL},
        {" a@x.example;b@x.example", NULL},
        {"", NULL},
        {",", NULL},
    };
    (void)state;
    struct arena *a = arena_new(0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str out, again;
        bool done = address_list_settle(a, str_of(cases[i].given), &out);
        if (done != (cases[i].written != NULL))
            fail_msg("\"%s\"", cases[i].given);
        if (!done)
            continue;
        assert_str(out, cases[i].written);
        assert_false(address_list_settle(a, out, &again));
    }
    arena_free(a);
}

static void settles_long_lists_in_folds(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct strbuf b;
    struct str out, line;
    sb_init(&b, a);
    for (int i = 0; i < 2000; i++)
        sb_printf(&b, "%sperson%d@far.example", i ? "," : " ", i);
    assert_true(address_list_settle(a, sb_str(&b), &out));
    assert_true(address_list_is_settled(out));
    while (str_split(&out, '\n', &line))
        assert_true(line.n <= 78);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms),
        cmocka_unit_test(settles),
        cmocka_unit_test(settles_long_lists_in_folds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
