/* mail/claim: encoded words where none has a place. Whose name a field has: test_authres.c. */
#include "test.h"

#include "mail/claim.h"

static void encoded_words(void **state)
{
    static const struct {
        struct str text;
        size_t n;
        bool found;
    } cases[] = {
        {STR_INIT("=?x?q?a?="), 9, true},
        {STR_INIT("=?x?Q?"
                  "?="),
         8, true},
        {STR_INIT("=?x?q?="), 7, false},
        {STR_INIT("a =?utf-8?b?YQ==?= b"), 20, true},
        {STR_INIT("=?"
                  "?B?a?="),
         8, true},
        {STR_INIT("=?x?z?a?="), 9, false},
        {STR_INIT("=?x?q?a"), 7, false},
        {STR_INIT("=?x?qa?="), 8, false},
        {STR_INIT("=?x?q?ab?c"), 10, false},
        {STR_INIT("=?x?q"), 5, false},
        {STR_INIT("=?x?="), 5, false},
        {STR_INIT("a?x?q?a?="), 9, false},
        {STR_INIT("=?"), 2, false},
        {STR_INIT("?="), 2, false},
        {STR_INIT(""), 0, false},
        {STR_INIT("ab =?x?q?a?="), 3, false},
        {STR_INIT("ab =?x?q?a?="), 4, true},
        {STR_INIT("=?x =?y?q?a?="), 13, true},
        {STR_INIT("?==?x?q?a"), 9, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (claim_has_encoded_word(at_page_end(cases[i].text), cases[i].n) != cases[i].found)
            fail_msg("case %zu: %s", i, cases[i].text.p);
}

/* What stands behind the last name is none of ours. */
static void only_our_names(void **state)
{
    static const struct str ids[] = {STR_INIT("mx.test"), STR_INIT("other.test")};
    (void)state;
    struct arena *a = arena_new(0);
    assert_int_equal(claim_of(a, STR("Mx.Test"), ids, 1), CLAIM_OURS);
    assert_int_equal(claim_of(a, STR("other.test"), ids, 1), CLAIM_FOREIGN);
    assert_int_equal(claim_of(a, STR("other.test"), ids, 2), CLAIM_OURS);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encoded_words),
        cmocka_unit_test(only_our_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
