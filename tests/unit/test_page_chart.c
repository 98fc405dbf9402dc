/* report/page: charts say their numbers. */
#include "page_rig.h"

#include "report/page/chart.h"

static void test_charts_say_their_numbers(void **state)
{
    struct page p;
    struct page_query q = query_of("/");
    struct page_bar bars[] = {{TODAY - 1, {1200, 30}}, {TODAY, {0, 0}}};
    static const struct page_series series[] = {{"good", "s-good", NULL}, {"bad", "s-fail", NULL}};
    (void)state;
    page_begin(&p, &site, &q, arena, 0);
    page_bars(&p, "Title", series, 2, bars, 2, 200);
    struct str page = html_str(&p.h);
    assert_has(page, "<title>28 Nov: 1,200 good, 30 bad</title>");
    assert_has(page, "class=\"n\">1,200</td>");
    assert_has(page, "Title, 2 bars");
    assert_has(page, ">1,500</text>"); /* the axis ends at a round number above */
    assert_false(contains(page, "nan"));
}

static void test_long_periods_are_summed_up(void **state)
{
    struct page p;
    struct page_query q = query_of("/");
    struct page_bar bars[126] = {{0}};
    static const struct page_series series[] = {{"all", "s-good", NULL}};
    (void)state;
    for (size_t i = 0; i < 126; i++)
        bars[i] = (struct page_bar){TODAY - 125 + (int64_t)i, {1}};
    page_begin(&p, &site, &q, arena, 0);
    page_bars(&p, "Weeks", series, 1, bars, 126, 200);
    assert_has(html_str(&p.h), "Weeks, 18 bars");
    assert_has(html_str(&p.h), "<title>27 Jul to 2 Aug: 7 all</title>");
}

static void test_days_below_charts(void **state)
{
    struct page p;
    struct page_query q = query_of("/");
    struct page_bar bars[6] = {{0}};
    static const struct page_series series[] = {{"all", "s-good", NULL}};
    (void)state;
    for (size_t i = 0; i < 6; i++)
        bars[i] = (struct page_bar){TODAY - 5 + (int64_t)i, {1}};
    page_begin(&p, &site, &q, arena, 0);
    page_bars(&p, "Five", series, 1, bars, 5, 200);
    assert_has(html_str(&p.h), "x=\"10.00%\" y=\"194\">24 Nov</text>");
    assert_has(html_str(&p.h), ">28 Nov</text>");
    assert_int_equal(count_of(html_str(&p.h), "m thin"), 0);
    page_bars(&p, "Six", series, 1, bars, 6, 200);
    assert_int_equal(count_of(html_str(&p.h), "m thin"), 3);
}

static struct str drawn(const struct page_series *series, size_t n_series,
                        const struct page_bar *bars, size_t n)
{
    struct page p;
    struct page_query q = query_of("/");
    page_begin(&p, &site, &q, arena, 0);
    html_init(&p.h, arena);
    page_bars(&p, "Drawn", series, n_series, bars, n, 200);
    return html_str(&p.h);
}

static void test_large_numbers_at_axes(void **state)
{
    static const struct {
        uint64_t most;
        const char *has[3];
    } cases[] = {{1, {">0</text>", ">1</text>", NULL}},
                 {90000, {">50,000</text>", ">100 k</text>", NULL}},
                 {400000, {">100 k</text>", ">400 k</text>", NULL}},
                 {1900000, {">500 k</text>", ">1.5 M</text>", ">2 M</text>"}},
                 {3000000000, {">1,000 M</text>", ">3,000 M</text>", NULL}}};
    static const struct page_series series[] = {{"all", "s-good", NULL}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct page_bar bars[] = {{TODAY, {cases[i].most}}};
        struct str text = drawn(series, 1, bars, 1);
        for (size_t k = 0; k < 3 && cases[i].has[k]; k++)
            assert_has(text, cases[i].has[k]);
    }
}

/* A day that stands out is named; where many are alike, or nobody asked, none is. */
static void test_peaks(void **state)
{
    static const struct page_series series[] = {{"good", "s-good", NULL},
                                                {"neither", "s-fail", "failed"}};
    static const struct page_series silent[] = {{"good", "s-good", NULL},
                                                {"neither", "s-fail", NULL}};
    struct page_bar bars[10];
    (void)state;
    for (size_t i = 0; i < 10; i++)
        bars[i] = (struct page_bar){TODAY - 9 + (int64_t)i, {100, 9}};
    assert_false(contains(drawn(series, 2, bars, 10), "peak"));
    bars[2].n[1] = 1400;
    assert_has(drawn(series, 2, bars, 10),
               "<text class=\"peak\" x=\"20.90%\" y=\"9.0\">22 Nov: 1,400 failed</text>");
    assert_false(contains(drawn(silent, 2, bars, 10), "peak"));
    bars[2].n[1] = 9;
    bars[8].n[1] = 1400;
    assert_has(drawn(series, 2, bars, 10),
               "<text class=\"peak e\" x=\"89.10%\" y=\"9.0\">28 Nov: 1,400 failed</text>");
    bars[7].n[0] = 1900; /* the words stand above it */
    bars[8].n[1] = 900;
    assert_has(drawn(series, 2, bars, 10), "y=\"16.4\">28 Nov: 900 failed");
    bars[3].n[1] = 301; /* two of ten may be near, */
    assert_has(drawn(series, 2, bars, 10), "28 Nov: 900 failed");
    bars[4].n[1] = 301; /* but no third */
    assert_false(contains(drawn(series, 2, bars, 10), "peak"));
    bars[4].n[1] = bars[3].n[1] = 0;
    bars[0].n[0] = 100000; /* nobody sees it */
    assert_false(contains(drawn(series, 2, bars, 10), "peak"));
}

static void test_years_below_charts(void **state)
{
    static const struct page_series series[] = {{"all", "s-good", NULL}};
    struct page_bar bars[8] = {{0}};
    (void)state;
    for (size_t i = 0; i < 8; i++)
        bars[i] = (struct page_bar){TODAY - 400 + (int64_t)i, {1}};
    struct str text = drawn(series, 1, bars, 8); /* all of 2025 */
    assert_has(text, ">25 Oct</text>");
    assert_false(contains(text, "2025</text>"));
    for (size_t i = 0; i < 8; i++)
        bars[i].day = TODAY - 335 + (int64_t)i; /* from 29 Dec 2025 on */
    text = drawn(series, 1, bars, 8);
    assert_has(text, ">29 Dec 2025</text>");
    assert_has(text, ">31 Dec 2025</text>");
    assert_has(text, ">2 Jan</text>");
    assert_false(contains(text, ">30 Dec 2025</text>"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAGE_TEST(test_charts_say_their_numbers),
        PAGE_TEST(test_long_periods_are_summed_up),
        PAGE_TEST(test_days_below_charts),
        PAGE_TEST(test_large_numbers_at_axes),
        PAGE_TEST(test_peaks),
        PAGE_TEST(test_years_below_charts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
