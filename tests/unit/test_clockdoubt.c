/* Signatures dated in the future: when they are about our clock, and how often that is said. */
#include "test.h"

#include "decide/clockdoubt.h"

#define NOW 1700000000

static int64_t note(struct clock_doubt *d, const char *domain, int64_t ahead_s, int64_t now)
{
    return clock_doubt_note(d, str_of(domain), ahead_s, now);
}

static void many_domains_are_told_of_once_an_hour(void **state)
{
    static const char *const domains[] = {"a.example", "b.example", "c.example", "d.example"};
    struct clock_doubt d = {0};
    (void)state;
    for (int again = 0; again < 3; again++)
        for (size_t i = 0; i < 4; i++)
            assert_int_equal(note(&d, domains[i], 700 + (int64_t)i, NOW), 0);
    assert_int_equal(note(&d, "e.example", 900, NOW + 3600), 700);
    assert_int_equal(note(&d, "f.example", 900, NOW + 3601), 0);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(note(&d, domains[i], 800, NOW + 7000), 0);
    assert_int_equal(note(&d, "e.example", 900, NOW + 7199), 0);
    assert_int_equal(note(&d, "e.example", 900, NOW + 7200), 800);
    assert_int_equal(note(&d, "e.example", 900, NOW + 7201), 0);
}

/* Long ones that differ in their first letter are different domains. */
static void long_domains_that_end_alike(void **state)
{
    struct clock_doubt d = {0};
    char domain[] = "a.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb.example";
    (void)state;
    for (int i = 0; i < 4; i++, domain[0]++)
        assert_int_equal(note(&d, domain, 700, NOW), 0);
    assert_int_equal(note(&d, domain, 700, NOW), 700);
}

static void domains_that_begin_alike(void **state)
{
    static const char *const domains[] = {"mail.a.example", "mail.b.example", "mail.c.example",
                                          "mail.d.example"};
    struct clock_doubt d = {0};
    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(note(&d, domains[i], 700, NOW), 0);
    assert_int_equal(note(&d, "mail.e.example", 700, NOW), 700);
}

static void one_signer_says_nothing_of_our_clock(void **state)
{
    struct clock_doubt d = {0};
    (void)state;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(note(&d, i % 2 ? "a.example" : "b.example", 5000, NOW + i), 0);
}

static void what_is_an_hour_old_does_not_count(void **state)
{
    struct clock_doubt d = {0};
    char domain[] = "a.example";
    (void)state;
    for (int i = 0; i < 20; i++, domain[0]++)
        assert_int_equal(note(&d, domain, 5000, NOW + i * 901), 0);
    assert_int_equal(note(&d, "z.example", 5000, NOW + 19 * 901 + 896), 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_domains_are_told_of_once_an_hour),
        cmocka_unit_test(long_domains_that_end_alike),
        cmocka_unit_test(domains_that_begin_alike),
        cmocka_unit_test(one_signer_says_nothing_of_our_clock),
        cmocka_unit_test(what_is_an_hour_old_does_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
