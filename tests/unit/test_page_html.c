/* report/page: texts and numbers as HTML; no text becomes markup. */
#include "page_rig.h"

static struct str text_of(struct str text)
{
    struct html h;
    html_init(&h, arena);
    html_text(&h, text);
    return html_str(&h);
}

static void test_texts_are_escaped(void **state)
{
    static const struct {
        struct str text;
        const char *html;
    } cases[] = {
        {STR_INIT("a <b> & \"c\" 'd'"), "a &lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;"},
        {STR_INIT("Zürich"), "Zürich"},
        {STR_INIT("a\0b\nc\x7f"), "a\xef\xbf\xbd"
                                  "b\xef\xbf\xbd"
                                  "c\xef\xbf\xbd"},
        {STR_INIT("\xff\xc3"), "\xef\xbf\xbd\xef\xbf\xbd"},
        {STR_INIT("\xc2\x85"), "\xef\xbf\xbd\xef\xbf\xbd"},                 /* a C1 control */
        {STR_INIT("x\xe2\x80\xaey"), "x\xef\xbf\xbdy"},                     /* U+202E */
        {STR_INIT("x\xe2\x81\xa6y"), "x\xef\xbf\xbdy"},                     /* U+2066 */
        {STR_INIT("x\xe2\x80\x8ey"), "x\xef\xbf\xbdy"},                     /* U+200E */
        {STR_INIT("x\xef\xbb\xbfy"), "x\xef\xbf\xbdy"},                     /* U+FEFF */
        {STR_INIT("x\xef\xbf\xbfy"), "x\xef\xbf\xbdy"},                     /* U+FFFF */
        {STR_INIT("\xe2\x80\xa7\xe2\x80\xaf"), "\xe2\x80\xa7\xe2\x80\xaf"}, /* their neighbours */
        {STR_INIT("\xe2\x81\xa5\xe2\x81\xaa"), "\xe2\x81\xa5\xe2\x81\xaa"},
        {STR_INIT(""), ""},
        {{NULL, 0}, ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_str(text_of(at_page_end(cases[i].text)), cases[i].html);
}

static void test_long_texts_are_cut(void **state)
{
    char text[HTML_TEXT_MAX + 2];
    (void)state;
    memset(text, 'x', sizeof text);
    struct str whole = text_of((struct str){text, HTML_TEXT_MAX});
    assert_int_equal(whole.n, HTML_TEXT_MAX);
    struct str cut = text_of((struct str){text, HTML_TEXT_MAX + 1});
    assert_int_equal(cut.n, HTML_TEXT_MAX + strlen("…"));
}

static void test_long_text_keeps_lines(void **state)
{
    struct html h;
    (void)state;
    html_init(&h, arena);
    html_long_text(&h, STR("<a>\r\n\t<b>\x07\n"));
    assert_str(html_str(&h), "&lt;a&gt;\n\t&lt;b&gt;\xef\xbf\xbd\n");
}

static void test_formats_escape(void **state)
{
    struct html h;
    (void)state;
    html_init(&h, arena);
    html_put(&h, "<i>%s|%.*s|%d|%u|%ld|%lu|%zu|%c|%.2f|%%</i>", "<", STR_ARG(STR("&x")), -1, 2U,
             -3L, 4UL, (size_t)5, '<', 1.239);
    assert_str(html_str(&h), "<i>&lt;|&amp;x|-1|2|-3|4|5|&lt;|1.24|%</i>");
}

static void test_numbers(void **state)
{
    static const struct {
        uint64_t n;
        const char *text;
    } cases[] = {
        {0, "0"},          {999, "999"},           {1000, "1,000"},
        {26412, "26,412"}, {1234567, "1,234,567"}, {UINT64_MAX, "18,446,744,073,709,551,615"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct html h;
        html_init(&h, arena);
        html_number(&h, cases[i].n);
        assert_str(html_str(&h), cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAGE_TEST(test_texts_are_escaped),
        PAGE_TEST(test_long_texts_are_cut),
        PAGE_TEST(test_long_text_keeps_lines),
        PAGE_TEST(test_formats_escape),
        PAGE_TEST(test_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
