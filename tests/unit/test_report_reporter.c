/* reporter: whether a report was sent by the one that it names. */
#include "test.h"

#include "report/in/reporter.h"

static const char rules[] = "com\nuk\nco.uk\nexample\nhost.io\n";

static const struct {
    const char *org_name, *email, *author;
    bool other, named; /* reporter_is_other(), reporter_names() */
} cases[] = {
    {"google.com", "noreply@google.com", "google.com", false, true},
    {"google.com", "noreply@google.com", "reports.google.com", false, true},
    {"reports.google.com", "", "google.com", false, true},
    {"GOOGLE.com.", "", "google.com", false, true},
    {"google.com", "noreply@google.com", "evil.example", true, false},
    {"google.com", "noreply@evil.example", "evil.example", true, false},
    {"evil.example", "noreply@google.com", "evil.example", false, true},
    {"google.com", "", "xgoogle.com", true, false},
    {"google.com", "", "google.com.evil.example", true, false},
    {"a.co.uk", "", "b.co.uk", true, false},
    {"a.host.io", "", "b.host.io", true, false},
    {"mail.a.co.uk", "", "x.a.co.uk", false, false},
    {"b\xc3\xbc"
     "cher.example",
     "", "xn--bcher-kva.example", false, true},
    {"Google", "noreply@google.com", "google.com", false, false},
    {"Google", "noreply@google.com", "evil.example", true, false},
    {"Yahoo", "help@yahooinc.com", "dmarc.yahoo.com", false, false},
    {"Yahoo", "help@yahooinc.com", "yahoo.evil.example", true, false},
    {"Google Inc.", "<noreply@google.com>", "google.com", false, false},
    {"Google Inc.", "The Reports <noreply@google.com>", "evil.example", true, false},
    {"Google", "a@evil.example@google.com", "evil.example", true, false},
    {"Google", "google.com", "evil.example", false, false},
    {"Google", "a@", "evil.example", false, false},
    {"Google", "a@localhost", "evil.example", false, false},
    {"192.0.2.1", "a@google.com", "google.com", false, false},
    {"", "a@google.com", "evil.example", true, false},
    {"", "", "evil.example", false, false},
    {"google.com", "a@google.com", "", false, false},
};

static void who_sent_it(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct str problem;
    const struct psl *psl = psl_parse(a, str_of(rules), &problem);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct aggregate_head head = {.org_name = str_of(cases[i].org_name),
                                            .email = str_of(cases[i].email)};
        struct str author = str_of(cases[i].author);
        if (reporter_is_other(psl, a, &head, author) != cases[i].other)
            fail_msg("%s, %s: %s is other", cases[i].org_name, cases[i].email, cases[i].author);
        if (reporter_names(a, head.org_name, author) != cases[i].named)
            fail_msg("%s names %s", cases[i].org_name, cases[i].author);
        assert_false(reporter_is_other(psl, a, &head, STR_NONE));
    }
    arena_free(a);
}

static void without_a_list(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    const struct aggregate_head head = {.org_name = STR("google.com")}, absent = {0};
    assert_str(reporter_organization(NULL, STR("a.b.example")), "b.example");
    assert_false(reporter_is_other(NULL, a, &head, STR("x.google.com")));
    assert_true(reporter_is_other(NULL, a, &head, STR("google.example")));
    assert_false(reporter_is_other(NULL, a, &absent, STR("google.example")));
    assert_false(reporter_names(a, STR_NONE, STR("google.example")));
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_sent_it),
        cmocka_unit_test(without_a_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
