/* report/page: words for numbers and days, names of files, links. */
#include "page_rig.h"

static void test_words(void **state)
{
    struct page_query q = query_of("/?days=7");
    struct page p = {.arena = arena, .site = &site, .query = &q};
    char code[3];
    (void)state;
    assert_str(page_share(&p, 0, 0), "–");
    assert_str(page_share(&p, 0, 5), "0 %");
    assert_str(page_share(&p, 5, 5), "100 %");
    assert_str(page_share(&p, 99999, 100000), "99.99 %");
    assert_str(page_share(&p, 1, 100000), "below 0.1 %");
    assert_str(page_share(&p, 946, 1000), "94.6 %");
    assert_str(page_day_text(&p, TODAY), "29 Nov");
    assert_str(page_day_text(&p, TODAY - 400), "25 Oct 2025");
    assert_str(page_day_text(&p, 0), "–");
    assert_str(page_last_text(&p, TODAY), "today");
    assert_str(page_last_text(&p, TODAY - 1), "yesterday");
    assert_str(page_time_text(&p, TODAY * 86400 + 49200), "29 Nov 2026 13:40 UTC");
    assert_str(page_period(&p), "7 days");
    assert_str(str_of(page_country_name(STR("vn"), code)), "Viet Nam");
    assert_str(str_of(page_country_name(STR("QQ"), code)), "QQ");
    assert_str(str_of(page_country_name(STR(""), code)), "unknown");
}

static void test_file_names(void **state)
{
    struct page_query q = query_of("/source?source=mail.example.org&days=7");
    (void)state;
    assert_str(page_file_name(&q, arena), "source-mail.example.org-7.html");
    q.source = STR("../../etc/passwd");
    struct str name = page_file_name(&q, arena);
    assert_int_equal(str_find(name, 0, '/'), name.n);
    static const struct {
        enum page_view view;
        const char *domain, *folder;
    } cases[] = {{VIEW_SOURCES, "", "_all"},
                 {VIEW_SOURCES, "example.org", "example.org"},
                 {VIEW_IMPORTS, "example.org", "_all"},
                 {VIEW_REPORT, "example.org", "_reports"},
                 {VIEW_SINGLE, "example.org", "_failure-reports"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        q.view = cases[i].view;
        q.domain = str_of(cases[i].domain);
        assert_str(page_folder_name(&q, arena), cases[i].folder);
    }
    q.view = VIEW_SOURCES;
    q.domain = STR("..");
    assert_int_equal(page_folder_name(&q, arena).p[0], '_');
    q.domain = STR("a/b");
    assert_int_equal(page_folder_name(&q, arena).p[0], '_');
    q = query_of("/report?id=17&report=x&days=7");
    assert_str(page_file_name(&q, arena), "report-17.html");
}

static void test_links_of_files(void **state)
{
    static const struct str sources[] = {STR_INIT("known.example")};
    struct page_site files = site;
    struct page_query q = query_of("/overview?domain=example.org"), to = q;
    struct page p = {.arena = arena, .site = &files, .query = &q, .depth = 1};
    (void)state;
    files.live = false;
    files.n_sources = 1;
    files.sources = sources;
    assert_str(page_link(&p, &to), "../example.org/overview-30.html");
    to.result = RESULT_FAIL;
    assert_str(page_link(&p, &to), "");
    to = query_of("/source?domain=example.org&source=known.example");
    assert_str(page_link(&p, &to), "../example.org/source-known.example-30.html");
    to.days = 7;
    assert_str(page_link(&p, &to), "");
    to = query_of("/source?domain=example.org&source=other.example");
    assert_str(page_link(&p, &to), "");
    to = query_of("/sources?days=31");
    assert_str(page_link(&p, &to), "");
    p.depth = 0;
    to = query_of("/sources?days=90");
    assert_str(page_link(&p, &to), "_all/sources-90.html");
}

static void test_links_of_single_reports(void **state)
{
    static const int64_t reports[] = {3, 17, 40}, singles[] = {5};
    static const struct {
        const char *url, *link;
    } cases[] = {
        {"/report?id=3&report=x", "../_reports/report-3.html"},
        {"/report?id=40&report=x&days=3", "../_reports/report-40.html"},
        {"/report?id=5&report=x", ""},
        {"/report?report=x", ""},
        {"/failure-report?id=5", "../_failure-reports/failure-report-5.html"},
        {"/failure-report?id=17", ""},
        {"/imports?domain=example.org&days=7", "../_all/imports-7.html"},
        {"/reports?domain=example.org&days=7", "../example.org/reports-7.html"},
        {"/reports?start=200", ""},
        {"/failure-reports?source=x", ""},
        {"/tls-reports", "../_all/tls-reports-30.html"},
    };
    struct page_site files = site;
    struct page_query q = query_of("/report?id=17&report=x");
    struct page p = {.arena = arena, .site = &files, .query = &q, .depth = 1};
    (void)state;
    files.live = false;
    files.n_reports = 3;
    files.report_ids = reports;
    files.n_singles = 1;
    files.single_ids = singles;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct page_query to = query_of(cases[i].url);
        assert_str(page_link(&p, &to), cases[i].link);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAGE_TEST(test_words),
        PAGE_TEST(test_file_names),
        PAGE_TEST(test_links_of_files),
        PAGE_TEST(test_links_of_single_reports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
