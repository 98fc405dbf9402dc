/* reply_text: every '%' twice, and never more than there is room for. */
#include "test.h"

#include "milter/serve/reply_text.h"

static void percent_signs_are_doubled(void **state)
{
    static const struct {
        const char *text;
        size_t room;
        const char *want;
    } cases[] = {
        {"", 16, ""},          {"plain words", 16, "plain words"},
        {"100%", 16, "100%%"}, {"%s%n", 16, "%%s%%n"},
        {"%%", 16, "%%%%"},    {"abcdef", 5, "abc"},
        {"abc%", 5, "abc"},    {"ab%", 5, "ab%%"},
        {"abc", 2, ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[32];
        memset(out, '!', sizeof out);
        reply_text(out, cases[i].room, cases[i].text);
        if (strcmp(out, cases[i].want) != 0)
            fail_msg("%s in %zu: \"%s\"", cases[i].text, cases[i].room, out);
        assert_int_equal(out[cases[i].room], '!');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(percent_signs_are_doubled)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
