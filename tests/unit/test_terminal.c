/* terminal: text from the network in columns, and on a terminal as a whole. */
#include "test.h"

#include "milter/commands/terminal.h"

static void columns(void **state)
{
    static const struct {
        const char *text;
        size_t width;
        const char *want;
    } cases[] = {
        {"plain", 8, "plain   "},
        {"plain", 5, "plain"},
        {"plainer", 5, "pl..."},
        {"plainer", 3, "..."},
        {"plainer", 2, "pl"},
        {"", 3, "   "},
        {NULL, 2, "  "},
        {"x", 0, ""},
        {"gr\xC3\xBC\xC3\x9F", 6, "gr\xC3\xBC\xC3\x9F  "},
        {"gr\xC3\xBC\xC3\x9F", 4, "gr\xC3\xBC\xC3\x9F"},
        {"\xC3\xBC\xC3\xBC\xC3\xBC\xC3\xBC\xC3\xBC", 4, "\xC3\xBC..."},
        /* wide characters take two cells, and never half of them */
        {"\xE6\x97\xA5\xE6\x9C\xAC", 5, "\xE6\x97\xA5\xE6\x9C\xAC "},
        {"\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E", 6, "\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E"},
        {"\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E", 5, "\xE6\x97\xA5..."},
        {"\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E", 4, "... "},
        {"\xF0\x9F\x98\x80", 3, "\xF0\x9F\x98\x80 "},
        /* combining ones take none */
        {"e\xCC\x81", 2, "e\xCC\x81 "},
        {"e\xCC\x81", 1, "e\xCC\x81"},
        /* nothing that a terminal obeys */
        {"a\x1B[31m", 12, "a\\x1b[31m   "},
        {"\xC2\x9B", 8, "\\xc2\\x9b"},
        {"\xFF", 6, "\\xff  "},
    };
    (void)state;
    struct arena *a = arena_new(0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_str(terminal_column(a, at_page_end(str_of(cases[i].text)), cases[i].width),
                   cases[i].want);
    struct strbuf b;
    sb_init(&b, a);
    sb_addc(&b, 'e');
    for (int i = 0; i < 1000; i++)
        sb_add(&b, STR("\xCC\x81"));
    assert_true(terminal_column(a, sb_str(&b), 10).n < 100);
    arena_free(a);
}

static void texts(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"a\nb\n", "a\nb\n"},
        {"a\r\n\r\n\tb\t\tc", "a\n\n\tb\t\tc\n"},
        {"\xC3\xBC\x1B]0;x\x07\\\x7F\r.", "\xC3\xBC\\x1b]0;x\\x07\\x5c\\x7f\\x0d.\n"},
        {"\r", "\n"},
        {"\n\n", "\n\n"},
        {"", "\n"},
    };
    (void)state;
    struct arena *a = arena_new(0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_str(terminal_text(a, at_page_end(str_of(cases[i].text))), cases[i].want);
    arena_free(a);
}

static void harmless(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"a\n\tb \\x1b \"\\\"\n", "a\n\tb \\x1b \"\\\"\n"},
        {"\x1B]0;x\x07\x7F\r", "\\x1b]0;x\\x07\\x7f\\x0d"},
        {"gr\xC3\xBC\xC3\x9F", "gr\xC3\xBC\xC3\x9F"},
        {"\xC2\x9B\xFF", "\\xc2\\x9b\\xff"},
        {"a\xE2\x80\xAE"
         "b",
         "a\\xe2\\x80\\xae"
         "b"}, /* right-to-left override */
        {"", ""},
    };
    (void)state;
    struct arena *a = arena_new(0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_str(terminal_harmless(a, at_page_end(str_of(cases[i].text))), cases[i].want);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns),
        cmocka_unit_test(texts),
        cmocka_unit_test(harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
