/* report/page: what each view says. */
#include "page_rig.h"

static struct figures_source sources_of_two[3] = {
    {.name = STR_INIT("first.example"), .class = CLASS_OWN, .labelled = true},
    {.name = STR_INIT("second.example"), .class = CLASS_SPOOF},
    {.name = STR_INIT("third.example")},
};

static struct figures two_sources(void)
{
    struct figures f = {.n_sources = 2, .sources = sources_of_two};
    sources_of_two[0].counts = (struct figures_counts){.both = 90, .dkim = 6, .spf = 4};
    sources_of_two[1].counts =
        (struct figures_counts){.fail = 40, .rejected = 30, .quarantined = 10};
    sources_of_two[1].causes[CAUSE_NO_SIGNATURE] = 40;
    sources_of_two[1].causes[CAUSE_SPF_FAILS] = 31;
    return f;
}

static void say_sources(struct page *p)
{
    struct figures f = two_sources();
    page_view_sources(p, &f);
}

static void test_sources_say_their_numbers(void **state)
{
    struct str page = made(say_sources, "/sources?domain=example.org", true);
    (void)state;
    assert_int_equal(count_of(page, "role=rowheader"), 2);
    assert_has(page, "/source?domain=example.org&amp;days=30&amp;source=first.example");
    assert_has(page, ">own<span class=vh>, your label</span></span>");
    assert_has(page, "<span>100</span>");
    assert_has(page, ">96.0 %</td>"); /* by DKIM */
    assert_has(page, ">94.0 %</td>"); /* by SPF */
    assert_has(page, "75.0 % rejected, 25.0 % quarantined");
    assert_has(page, "x=\"60.00%\" width=\"40.00%\""); /* the line below 40 of 100 */
    assert_int_equal(count_of(page, "<span class=bad>0 %</span>"), 3);
    assert_false(contains(page, "third.example"));
}

static void say_failures(struct page *p)
{
    struct figures f = two_sources();
    page_view_failures(p, &f);
}

static void test_failures_say_their_causes(void **state)
{
    struct str page = made(say_failures, "/failures", false);
    (void)state;
    assert_has(page, "40 messages in 30 days passed neither");
    assert_int_equal(count_of(page, "role=rowheader"), 1);
    assert_has(page, "width=\"100.00%\"");
    assert_has(page, "width=\"77.50%\""); /* 31 of 40 */
    assert_int_equal(count_of(page, "<span class=mute>–</span>"), 4);
}

static void say_ours(struct page *p)
{
    static const struct page_sent sent[] = {
        {TODAY, STR_INIT("a.example"), STR_INIT("x@a.example"), STR_INIT("done"), STR_INIT(""), 3},
        {TODAY, STR_INIT("b.example"), STR_INIT("x@b.example"), STR_INIT("done"), STR_INIT(""), 3}};
    static const struct page_own_day days[] = {{TODAY, {80, 15, 5}}};
    page_view_ours(p, &(struct page_ours){1, days, 1, sent, true, true});
}

static void test_our_side(void **state)
{
    struct str page = made(say_ours, "/ours?days=1", true);
    (void)state;
    assert_has(page, "x@a.example");
    assert_false(contains(page, "x@b.example"));
    assert_has(page, ">80</p><p class=s>80.0 %</p>");
    assert_has(page, "<title>29 Nov: 80 accepted, 15 quarantined, 5 rejected</title>");
}

static void say_readiness(struct page *p)
{
    static struct str lines[] = {STR_INIT("First."), STR_INIT("Second.")};
    const struct readiness v[] = {{.domain = STR("a.example"),
                                   .p = STR("reject"),
                                   .verdict = READINESS_REJECT_OK,
                                   .n_hit = 1,
                                   .hit = sources_of_two,
                                   .summary = STR("Summary a."),
                                   .n_lines = 1,
                                   .lines = lines},
                                  {.domain = STR("b.example"),
                                   .p = STR("none"),
                                   .verdict = READINESS_NOT_YET,
                                   .summary = STR("Summary b.")}};
    page_view_readiness(p, v, 2);
}

static void test_readiness_of_two(void **state)
{
    struct str page = made(say_readiness, "/readiness", true);
    (void)state;
    assert_has(page, "p=reject is in force.");
    assert_has(page, "May it ask for more than p=none?");
    assert_has(page, "<p class=\"say notyet\">Not yet.</p>");
    assert_has(page, "<bdi>a.example</bdi>");
    assert_has(page, "Summary b.");
    assert_has(page, "<li>First.</li></ul>");
    assert_false(contains(page, "second.example"));
}

static void say_source(struct page *p)
{
    struct figures f = two_sources();
    struct figures_address addresses[] = {{.name = STR("one.example"), .country = STR("de")},
                                          {.name = STR("two.example")}};
    struct figures_identity identities[] = {
        {STR("dkim"), STR("d.example"), STR("s1"), STR("pass"), 7},
        {STR("spf"), STR("e.example"), STR(""), STR("fail"), 8}};
    struct figures_detail d = {1, 1, addresses, identities, false};
    f.n_days = 1;
    f.days = &(struct figures_day){TODAY, {.both = 3}};
    page_view_source(p, &(struct page_sending){&f, &d});
}

static void test_one_source(void **state)
{
    struct str page = made(say_source, "/source?source=first.example&days=1", true);
    (void)state;
    assert_has(page, "one.example");
    assert_has(page, "Germany");
    assert_has(page, "<span class=ok>pass</span>");
    assert_false(contains(page, "two.example"));
    assert_false(contains(page, ">e.example<"));
    assert_has(page, "by your label");
}

static void say_reporters(struct page *p)
{
    static struct figures_reporter reporter = {.name = STR_INIT("org.example")};
    struct figures f = {.n_days = 30, .n_reporters = 1, .reporters = &reporter};
    f.days = arena_array(arena, struct figures_day, f.n_days);
    page_view_overview(p, &(struct page_overview){.figures = &f});
}

static void test_links_to_more(void **state)
{
    struct str live = made(say_reporters, "/?domain=example.org", true);
    (void)state;
    assert_has(live, "<a href=\"/reporters?domain=example.org&amp;days=30\">All reporters</a>");
    assert_has(live, "aria-current=page>example.org</a>");
    assert_has(made(say_reporters, "/?domain=example.org", false),
               "<a href=\"../example.org/reporters-30.html\">All reporters</a>");
    site.alone = true;
    struct str alone = made(say_reporters, "/?domain=example.org", false);
    site.alone = false;
    assert_int_equal(count_of(alone, "href="), 1); /* to the content */
    assert_has(alone, "<b>example.org</b>");
}

/* A single report stands in its list: there menus lead, and filters. */
static void say_nothing_much(struct page *p)
{
    page_title(p, "Report", STR("x"));
}

static void test_menus_of_a_report(void **state)
{
    struct str page =
        made(say_nothing_much, "/report?id=17&report=x&days=7&domain=example.org", true);
    (void)state;
    assert_has(page, "<form class=f method=get action=\"/reports\"");
    assert_has(page,
               "<a href=\"/reports?domain=example.org&amp;days=7\" aria-current=true>Reports</a>");
    assert_has(page, "<a href=\"/reports?domain=example.org&amp;days=90\">90 days</a>");
    assert_has(page, "<a href=\"/reports?days=7\">all domains</a>");
    assert_has(page, "<a href=\"/overview?domain=example.org&amp;days=7\">Overview</a>");
    assert_false(contains(page, "id=17"));
    page = made(say_nothing_much, "/source?source=x&domain=example.org", true);
    assert_has(page, "<form class=f method=get action=\"/source\"");
    assert_has(page,
               "<a href=\"/sources?domain=example.org&amp;days=30\" aria-current=true>Sources</a>");
    assert_has(page, "<a href=\"/source?domain=example.org&amp;days=90&amp;source=x\">90 days</a>");
    assert_has(page, "<a href=\"/sources?days=30\">all domains</a>");
    page = made(say_nothing_much, "/tls-reports?days=30", true);
    assert_has(page, "<a href=\"/tls-reports?days=30\" aria-current=page>TLS reports</a>");
    assert_has(page, "<a href=\"/tls-reports?days=30\" aria-current=page>30 days</a>");
}

static void say_empty(struct page *p)
{
    struct figures f = {.n_days = 7};
    struct alarm alarms[] = {{.domain = STR("a.example"), .text = STR("The same.")},
                             {.domain = STR("b.example"), .text = STR("The same.")},
                             {.domain = STR("c.example"), .text = STR("Another.")},
                             {.domain = STR("d.example"), .text = STR("The same."), .grave = true}};
    f.days = arena_array(arena, struct figures_day, 7);
    page_view_overview(p, &(struct page_overview){.figures = &f, .n_alarms = 4, .alarms = alarms});
}

static void test_an_overview_of_nothing(void **state)
{
    struct str page = made(say_empty, "/?days=7", true);
    (void)state;
    assert_has(page, "none in the 7 days before");
    assert_has(page, "No report tells of mail here.");
    assert_has(page, "Only those count whose mail passed DMARC");
    assert_has(page, "This host counted no mail in this period.");
    assert_false(contains(page, "<div class=chart>"));
    assert_int_equal(count_of(page, "The same."), 2);
    assert_has(page, "New source, a.example, b.example:</strong> The same.");
    assert_has(page, "New source, c.example:</strong> Another.");
    assert_has(page, "New source, d.example:</strong> The same.");
    page = made(say_empty, "/?from=2026-11-01&to=2026-11-01", true);
    assert_has(page, "none in the day before");
}

static void say_row(struct page *p)
{
    static const struct aggregate_row row = {
        .count = 1234,
        .dkim = true,
        .n_reasons = 2,
        .reasons = {{STR_INIT("forwarded"), STR_INIT("first")},
                    {STR_INIT("other"), STR_INIT("second")},
                    {STR_INIT("third"), STR_INIT("third")}},
        .n_dkim = 2,
        .auth_dkim = {{STR_INIT("a.example"), STR_INIT("s1"), STR_INIT("pass")},
                      {STR_INIT("b.example"), STR_INIT(""), STR_INIT("fail")},
                      {STR_INIT("c.example"), STR_INIT("s3"), STR_INIT("pass")}},
        .n_spf = 2,
        .auth_spf = {{STR_INIT("d.example"), STR_INIT("mfrom"), STR_INIT("pass")},
                     {STR_INIT("e.example"), STR_INIT("helo"), STR_INIT("none")},
                     {STR_INIT("f.example"), STR_INIT("helo"), STR_INIT("none")}}};
    struct page_table t;
    page_begin_rows(p, &t);
    page_put_row(&t, &row);
    page_table_end(&t);
}

static void test_a_row_says_all_results(void **state)
{
    static const char *const has[] = {
        ">1,234</td>",
        "<span class=ok>pass</span></td>",
        "<span class=bad>fail</span></td>",
        "<span class=s>forwarded first</span> <span class=s>other second</span></td>",
        "<bdi>a.example</bdi>/s1 pass, <bdi>b.example</bdi> fail</td>",
        "<bdi>d.example</bdi> pass, <bdi>e.example</bdi> none</td>"};
    struct str page = made(say_row, "/report?id=1&report=x", true);
    (void)state;
    for (size_t i = 0; i < sizeof has / sizeof *has; i++)
        assert_has(page, has[i]);
}

/* What the number of messages changed from to. */
static const struct {
    uint64_t now, before;
    const char *words;
} changes[] = {{0, 0, "none in the 30 days before"},     {1000, 0, "none in the 30 days before"},
               {1004, 1000, "as in the 30 days before"}, {996, 1000, "as in the 30 days before"},
               {1005, 1000, "as in the 30 days before"}, {995, 1000, "as in the 30 days before"},
               {1008, 1000, "+1 % on the 30 days"},      {992, 1000, "−1 % on the 30 days"},
               {1500, 1000, "+50 % on the 30 days"},     {0, 1000, "−100 % on the 30 days"},
               {10000, 1000, "+900 % on the 30 days"},   {12000, 1000, "12 times the 30 days"}};
static size_t change;

static void say_change(struct page *p)
{
    static const struct page_own_day own[] = {{TODAY, {0, 0, 1}}};
    struct figures f = {.counts = {.both = changes[change].now}, .n_days = 30};
    f.days = arena_array(arena, struct figures_day, f.n_days);
    page_view_overview(p, &(struct page_overview){.figures = &f,
                                                  .before = {.both = changes[change].before},
                                                  .n_own_days = 1,
                                                  .own = own});
}

static void test_an_overview_says_what_changed(void **state)
{
    (void)state;
    for (change = 0; change < sizeof changes / sizeof *changes; change++)
        assert_has(made(say_change, "/", true), changes[change].words);
    change = 2;
    assert_has(made(say_change, "/", true), "Our own verdicts by day, 1 bars");
}

static void say_many_sources(struct page *p)
{
    struct figures f = {.n_sources = 1002};
    f.sources = arena_array(arena, struct figures_source, f.n_sources);
    for (size_t i = 0; i < f.n_sources; i++)
        f.sources[i] = (struct figures_source){.name = STR("s.example"), .counts = {.both = 1}};
    page_view_sources(p, &f);
    page_put_sources(p, f.sources, 11, 10);
}

static void test_many_sources_are_cut(void **state)
{
    struct str page = made(say_many_sources, "/sources", true);
    (void)state;
    assert_has(page, "and 2 more, each with less mail; assay report sources lists all");
    assert_int_equal(count_of(page, " more, each"), 1);
    assert_int_equal(count_of(page, "role=rowheader"), 1010);
}

static void say_singles(struct page *p)
{
    static struct figures_failure_day days[] = {{TODAY - 1, 30}, {TODAY, 12}};
    static const struct figures_failures sums[] = {{STR_INIT("192.0.2.0/24"), 42, TODAY, 2, days},
                                                   {STR_INIT("b.example"), 1, TODAY - 1, 1, days}};
    static const struct figures_single v[] = {
        {.id = 7, .received = 1, .report = {.arrival = TODAY * 86400, .incidents = 12}},
        {.id = 8, .received = (TODAY - 1) * 86400, .report = {.incidents = 1}}};
    page_view_singles(p, &(struct page_singles){2, sums, 2, v, true});
}

static void test_failure_reports(void **state)
{
    struct str page = made(say_singles, "/failure-reports?days=2&start=200&source=x", true);
    (void)state;
    assert_has(page, "<title>29 Nov: 12 messages that failed</title>");
    assert_has(page, "<title>28 Nov: 60 messages that failed</title>");
    assert_has(page, "/failure-reports?days=2&amp;source=192.0.2.0%2F24\"");
    assert_has(page, "/failure-report?days=2&amp;id=7\"><bdi>29 Nov 2026 00:00 UTC</bdi>");
    assert_has(page, "/failure-report?days=2&amp;id=8\"><bdi>28 Nov 2026 00:00 UTC</bdi>");
    assert_has(page, "<span class=s>12 messages</span>");
    assert_int_equal(count_of(page, " messages</span>"), 1);
    assert_has(page, "start=400\" rel=next>");
    assert_has(page, "&amp;source=x\" rel=prev>newer");
    page = made(say_singles, "/failure-reports?days=7", false);
    assert_false(contains(page, "rel=next"));
    assert_false(contains(page, "Filters by"));
}

static void say_tls(struct page *p)
{
    static const struct page_tls_day days[] = {{TODAY, 1500, 4}};
    static const struct page_tls_policy policies[] = {
        {STR_INIT("a.example"), STR_INIT("sts"), 1, 900, 4},
        {STR_INIT("b.example"), STR_INIT("tlsa"), 1, 500, 0},
        {STR_INIT("c.example"), STR_INIT("no-policy-found"), 1, 100, 0},
        {STR_INIT("d.example"), STR_INIT("new-one"), 1, 0, 0}};
    static const struct page_tls_report v[] = {
        {STR_INIT("org.example"), STR_INIT("id1"), STR_INIT("a.example"), TODAY * 86400, 1500, 4}};
    page_view_tls(p, &(struct page_tls){1, days, 4, policies, 1, 1, 1, v, false});
}

static void test_tls_reports(void **state)
{
    static const char *const has[] = {">1,504</p>",
                                      ">99.7 %</p>",
                                      "MTA-STS",
                                      "DANE",
                                      "no policy<",
                                      "new-one",
                                      "<title>29 Nov: 1,500 encrypted, 4 failed</title>",
                                      "class=bad>4</span>",
                                      "class=mute>0</span>",
                                      "1 report</p>",
                                      "org.example"};
    struct str page = made(say_tls, "/tls-reports?days=1", true);
    (void)state;
    for (size_t i = 0; i < sizeof has / sizeof *has; i++)
        assert_has(page, has[i]);
    assert_false(contains(page, "rel=next"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAGE_TEST(test_sources_say_their_numbers),
        PAGE_TEST(test_failures_say_their_causes),
        PAGE_TEST(test_our_side),
        PAGE_TEST(test_readiness_of_two),
        PAGE_TEST(test_one_source),
        PAGE_TEST(test_links_to_more),
        PAGE_TEST(test_menus_of_a_report),
        PAGE_TEST(test_an_overview_of_nothing),
        PAGE_TEST(test_a_row_says_all_results),
        PAGE_TEST(test_an_overview_says_what_changed),
        PAGE_TEST(test_many_sources_are_cut),
        PAGE_TEST(test_failure_reports),
        PAGE_TEST(test_tls_reports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
