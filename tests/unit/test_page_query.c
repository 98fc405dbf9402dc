/* report/page: queries of pages, read and written. */
#include "page_rig.h"

static void test_queries(void **state)
{
    /* url: what it is written as again, or what is said of it */
    static const struct {
        const char *url, *again, *problem;
    } cases[] = {
        {"/", "/overview?days=30", NULL},
        {"/overview", "/overview?days=30", NULL},
        {"/sources?domain=Example.ORG&days=7", "/sources?domain=example.org&days=7", NULL},
        {"/sources?domain=&days=&from=&to=", "/sources?days=30", NULL},
        {"/sources?from=2026-11-01&to=2026-11-29", "/sources?from=2026-11-01&to=2026-11-29", NULL},
        {"/sources?from=2026-11-01", "/sources?from=2026-11-01&to=2026-11-29", NULL},
        {"/sources?to=2026-11-01", "/sources?from=2026-10-03&to=2026-11-01", NULL},
        {"/sources?days=7&from=2026-11-01", "/sources?days=7", NULL},
        {"/source?source=a%26b+c%3D&reporter=%3Cx%3E",
         "/source?days=30&source=a%26b%20c%3D&reporter=%3Cx%3E", NULL},
        {"/source?source=a%00b%0a%a0c", "/source?days=30&source=a%00b%0A%A0c", NULL},
        {"/failures?result=fail", "/failures?days=30&result=fail", NULL},
        {"/failures?result=any", "/failures?days=30", NULL},
        {"/report?id=17&report=%22x", "/report?days=30&report=%22x&id=17", NULL},
        {"/reports?start=200", "/reports?days=30&start=200", NULL},
        {"/api/sources?days=1", "/api/sources?days=1", NULL},
        {"/sources?unknown=1", "/sources?days=30", NULL},
        {"/sources?days=3661", NULL, "days wants a number within its bounds"},
        {"/sources?days=-1", NULL, "days wants a number within its bounds"},
        {"/sources?result=maybe", NULL,
         "result is none of any, pass, fail, both, dkim, spf, quarantine, reject"},
        {"/sources?domain=a..b", NULL, "domain is no domain name"},
        {"/sources?from=2026-02-30", NULL, "from wants a day such as 2026-11-29"},
        {"/sources?from=2026-1-1", NULL, "from wants a day such as 2026-11-29"},
        {"/sources?from=2026-11-29x", NULL, "from wants a day such as 2026-11-29"},
        {"/sources?from=2026-11-02&to=2026-11-01", NULL, "the period ends before it begins"},
        {"/sources?from=2000-01-01&to=2026-11-01", NULL, "the period is longer than ten years"},
        {"/sources?source=%4", NULL,
         "is too long, or has a percent sign without two digits behind it"},
        {"/sources?source=%zz", NULL,
         "is too long, or has a percent sign without two digits behind it"},
        {"/nothing", NULL, "there is no such page"},
        {"/api/", NULL, "there is no such page"},
        {"/overview/", NULL, "there is no such page"},
        {"", NULL, "there is no such page"},
        {"sources", NULL, "there is no such page"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct page_query q;
        bool found;
        const char *problem =
            page_query_read(at_page_end(str_of(cases[i].url)), TODAY, arena, &q, &found);
        if (cases[i].problem) {
            assert_str(str_of(problem ? problem : "nothing"), cases[i].problem);
            assert_int_equal(found, strcmp(problem, "there is no such page") != 0);
            continue;
        }
        assert_null(problem);
        assert_str(page_query_url(&q, arena), cases[i].again);
        assert_true(q.from <= q.to);
    }
}

static void test_long_queries(void **state)
{
    struct page_query q;
    bool found;
    struct strbuf b;
    (void)state;
    sb_init(&b, arena);
    sb_add(&b, STR("/source?source="));
    for (size_t i = 0; i < QUERY_TEXT_MAX; i++)
        sb_addc(&b, 'x');
    assert_null(page_query_read(sb_str(&b), TODAY, arena, &q, &found));
    assert_int_equal(q.source.n, QUERY_TEXT_MAX);
    sb_addc(&b, 'x');
    assert_non_null(page_query_read(sb_str(&b), TODAY, arena, &q, &found));
    while (b.n <= QUERY_URL_MAX)
        sb_addc(&b, '&');
    assert_str(str_of(page_query_read(sb_str(&b), TODAY, arena, &q, &found)),
               "the address is too long");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAGE_TEST(test_queries),
        PAGE_TEST(test_long_queries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
