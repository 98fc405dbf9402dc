/* report/page: no text becomes markup, queries are read and written, and charts say their numbers.
 */
#include "test.h"

#include "report/page/chart.h"
#include "report/page/site.h"

#define TODAY INT64_C(20786) /* 29 Nov 2026 */

static struct arena *arena;

static int begin(void **state)
{
    (void)state;
    arena = arena_new(0);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static bool contains(struct str text, const char *words)
{
    return memmem(text.p, text.n, words, strlen(words)) != NULL;
}

static void assert_has(struct str text, const char *words)
{
    if (!contains(text, words)) {
        print_error("no \"%s\" in \"%.*s\"\n", words, STR_ARG(text));
        fail();
    }
}

/* --- Writing -----------------------------------------------------------------------------------*/

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

/* --- Queries -----------------------------------------------------------------------------------*/

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

/* --- Pages -------------------------------------------------------------------------------------*/

static const struct str domains[] = {STR_INIT("example.org"), STR_INIT("\"><script>.example")};
static struct page_site site = {.now = TODAY * 86400 + 3600, .n_domains = 2, .domains = domains};

static struct page_query query_of(const char *url)
{
    struct page_query q;
    bool found;
    assert_null(page_query_read(str_of(url), TODAY, arena, &q, &found));
    return q;
}

#define HOSTILE "\"><script>alert(1)</script><img src=x onerror='alert(2)'>"

static struct figures hostile_figures(void)
{
    struct figures f = {.n_days = 30, .n_sources = 1, .n_reporters = 1, .n_domains = 2};
    f.days = arena_array(arena, struct figures_day, f.n_days);
    for (size_t i = 0; i < f.n_days; i++)
        f.days[i] = (struct figures_day){TODAY - 29 + (int64_t)i, {.both = i, .fail = 1}};
    f.counts = (struct figures_counts){.both = 435, .fail = 30};
    f.sources = arena_array(arena, struct figures_source, 1);
    f.sources[0] = (struct figures_source){.name = STR(HOSTILE),
                                           .class = CLASS_SPOOF,
                                           .title = STR(HOSTILE),
                                           .counts = f.counts,
                                           .first_day = TODAY - 500,
                                           .last_day = TODAY};
    f.sources[0].causes[CAUSE_STRICT] = 30;
    f.reporters = arena_array(arena, struct figures_reporter, 1);
    f.reporters[0] =
        (struct figures_reporter){.name = STR(HOSTILE), .counts = f.counts, .missing = 2};
    f.domains = arena_array(arena, struct figures_domain, 2);
    for (size_t i = 0; i < 2; i++)
        f.domains[i] =
            (struct figures_domain){.name = STR(HOSTILE), .ours = true, .p = STR(HOSTILE)};
    return f;
}

static struct readiness hostile_readiness(const struct figures *f)
{
    static struct str lines[] = {STR_INIT(HOSTILE)};
    return (struct readiness){.domain = STR(HOSTILE),
                              .p = STR(HOSTILE),
                              .n_hit = 1,
                              .hit = f->sources,
                              .summary = STR(HOSTILE),
                              .n_lines = 1,
                              .lines = lines};
}

static void put_overview(struct page *p)
{
    struct figures f = hostile_figures();
    struct readiness r = hostile_readiness(&f);
    struct alarm alarm = {.domain = STR(HOSTILE), .about = STR(HOSTILE), .text = STR(HOSTILE)};
    struct figures_country country = {.country = STR("<>"), .fail = 3, .all = 4};
    bool days[30] = {[29] = true};
    const bool *const presence[] = {days};
    page_view_overview(p, &(struct page_overview){.figures = &f,
                                                  .n_alarms = 1,
                                                  .alarms = &alarm,
                                                  .readiness = &r,
                                                  .n_countries = 1,
                                                  .countries = &country,
                                                  .presence = presence});
}

static void put_sources(struct page *p)
{
    struct figures f = hostile_figures();
    page_view_sources(p, &f);
    page_view_failures(p, &f);
}

static void put_source(struct page *p)
{
    struct figures f = hostile_figures();
    struct figures_address address = {.name = STR(HOSTILE), .country = STR("\"'")};
    struct figures_identity identity = {STR("dkim"), STR(HOSTILE), STR(HOSTILE), STR(HOSTILE), 7};
    struct figures_detail d = {1, 1, &address, &identity, false};
    page_view_source(p, &(struct page_sending){&f, &d});
}

static void put_judged(struct page *p)
{
    struct figures f = hostile_figures();
    struct readiness r = hostile_readiness(&f);
    page_view_readiness(p, &r, 1);
    page_view_reporters(p, &(struct page_reporters){.figures = &f});
}

static void put_report(struct page *p)
{
    struct received_report r = {.id = 1,
                                .head = {.org_name = STR(HOSTILE),
                                         .email = STR(HOSTILE),
                                         .contact = STR(HOSTILE),
                                         .report_id = STR(HOSTILE),
                                         .error = STR(HOSTILE),
                                         .generator = STR(HOSTILE),
                                         .policy = {.domain = STR(HOSTILE), .p = STR(HOSTILE)}},
                                .origin = STR(HOSTILE)};
    struct aggregate_row row = {.n_reasons = 1,
                                .n_dkim = 1,
                                .n_spf = 1,
                                .reasons = {{STR(HOSTILE), STR(HOSTILE)}},
                                .auth_dkim = {{STR(HOSTILE), STR(HOSTILE), STR(HOSTILE)}},
                                .auth_spf = {{STR(HOSTILE), STR(HOSTILE), STR(HOSTILE)}},
                                .header_from = STR(HOSTILE),
                                .envelope_from = STR(HOSTILE)};
    struct page rows = *p;
    struct page_table t;
    html_init(&rows.h, arena);
    page_begin_rows(&rows, &t);
    page_put_row(&t, &row);
    page_table_end(&t);
    page_view_report(p, &(struct page_whole_report){&r, html_str(&rows.h), STR(HOSTILE), true});
    page_view_reports(p, &(struct page_reports){.n = 1, .v = &r, .more = true, .refused = 1});
}

static void put_rest(struct page *p)
{
    struct received_refusal refusal = {.received = 1,
                                       .origin = STR(HOSTILE),
                                       .from = STR(HOSTILE),
                                       .subject = STR(HOSTILE),
                                       .what = STR(HOSTILE),
                                       .why = STR(HOSTILE)};
    struct page_sent sent = {TODAY, STR(HOSTILE), STR(HOSTILE), STR(HOSTILE), STR(HOSTILE), 3};
    page_view_imports(p, &refusal, 1);
    page_view_ours(p, &(struct page_ours){.n_sent = 1, .sent = &sent});
}

static void put_singles(struct page *p)
{
    struct figures_failure_day day = {p->query->from, 3};
    struct figures_failures sum = {STR(HOSTILE), 3, p->query->from, 1, &day};
    struct figures_single one = {.id = 7,
                                 .source = STR(HOSTILE),
                                 .report = {.reporter = STR(HOSTILE),
                                            .domain = STR(HOSTILE),
                                            .kind = STR(HOSTILE),
                                            .alignment = STR(HOSTILE),
                                            .result = STR(HOSTILE),
                                            .dkim_domain = STR(HOSTILE),
                                            .dkim_selector = STR(HOSTILE),
                                            .header_from = STR(HOSTILE),
                                            .envelope_from = STR(HOSTILE),
                                            .subject = STR(HOSTILE),
                                            .incidents = 2}};
    page_view_singles(p, &(struct page_singles){1, &sum, 1, &one, true});
    page_view_single(p, &one);
    page_view_single(p, NULL);
}

static void put_tls(struct page *p)
{
    struct page_tls_day day = {TODAY, 3, 4};
    struct page_tls_policy policy = {STR(HOSTILE), STR(HOSTILE), 1, 3, 4};
    struct page_tls_report report = {STR(HOSTILE), STR(HOSTILE), STR(HOSTILE), 1, 3, 4};
    page_view_tls(p, &(struct page_tls){1, &day, 1, &policy, 1, 1, 1, &report, true});
}

/* Behind an attribute's value. */
static size_t skip_value(struct str page, size_t i)
{
    if (page.p[i] != '"') {
        while (i < page.n && page.p[i] != ' ' && page.p[i] != '>')
            assert_null(strchr("<\"'`=", page.p[i++]));
        return i;
    }
    size_t close = str_find(page, i + 1, '"');
    assert_true(close < page.n);
    struct str value = str_sub(page, i + 1, close);
    assert_int_equal(str_find(value, 0, '<'), value.n);
    return close + 1;
}

/* A tag as a browser reads it, from behind its "<" to behind its ">". */
static size_t check_tag(struct str page, size_t i)
{
    struct str name = str_sub(page, i, page.n);
    assert_false(str_starts_nocase(name, STR("script")) || str_starts_nocase(name, STR("img")));
    while (page.p[i] != '>' && page.p[i] != ' ')
        i++;
    while (page.p[i] == ' ') {
        struct str attribute = str_sub(page, ++i, page.n);
        assert_false(str_starts_nocase(attribute, STR("on")) ||
                     str_starts_nocase(attribute, STR("style")));
        while (!strchr("= >", page.p[i]))
            assert_null(strchr("<\"'", page.p[i++]));
        if (page.p[i] == '=')
            i = skip_value(page, i + 1);
    }
    i += page.p[i] == '/';
    assert_int_equal(page.p[i], '>');
    return i + 1;
}

static void assert_harmless(struct str page)
{
    for (size_t i = 0; i < page.n;)
        i = page.p[i] == '<' ? check_tag(page, i + 1) : i + 1;
}

static void test_hostile_texts_stay_texts(void **state)
{
    static void (*const views[])(struct page *) = {put_overview, put_sources, put_source,
                                                   put_judged,   put_report,  put_rest,
                                                   put_singles,  put_tls};
    static const char *const urls[] = {"/overview?domain=example.org", "/reports",
                                       "/sources?reporter=%22%3E%3Cscript%3E&source=%3Cscript%3E"};
    (void)state;
    for (size_t i = 0; i < sizeof views / sizeof *views; i++)
        for (size_t k = 0; k < 6; k++) {
            struct page p;
            struct page_query q = query_of(urls[k / 2]);
            site.live = k % 2;
            page_begin(&p, &site, &q, arena, 1);
            views[i](&p);
            page_end(&p);
            assert_harmless(html_str(&p.h));
            assert_has(html_str(&p.h), "&lt;script&gt;");
        }
}

static void test_the_policy_names_the_style_sheet(void **state)
{
    struct page p;
    struct page_query q = query_of("/");
    (void)state;
    page_begin(&p, &site, &q, arena, 0);
    struct str policy = page_policy(arena), page = html_str(&p.h);
    assert_true(str_starts(policy, STR("default-src 'none'; style-src 'sha256-")));
    assert_has(page, "http-equiv=Content-Security-Policy");
    assert_false(contains(page, " style="));
}

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

/* --- What views say ----------------------------------------------------------------------------*/

static struct str made(void (*view)(struct page *), const char *url, bool live)
{
    static struct page_query q;
    struct page p;
    q = query_of(url);
    site.live = live;
    page_begin(&p, &site, &q, arena, 1);
    view(&p);
    page_end(&p);
    return html_str(&p.h);
}

static size_t count_of(struct str text, const char *words)
{
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++)
        n += str_starts(str_sub(text, i, text.n), str_of(words));
    return n;
}

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

static void test_links_to_more(void **state)
{
    struct str live = made(put_overview, "/?domain=example.org", true);
    (void)state;
    assert_has(live, "<a href=\"/reporters?domain=example.org&amp;days=30\">All reporters</a>");
    assert_has(live, "aria-current=page>example.org</a>");
    assert_has(made(put_overview, "/?domain=example.org", false),
               "<a href=\"../example.org/reporters-30.html\">All reporters</a>");
    site.alone = true;
    struct str alone = made(put_overview, "/?domain=example.org", false);
    site.alone = false;
    assert_int_equal(count_of(alone, "href="), 1); /* to the content */
    assert_has(alone, "<b>example.org</b>");
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

/* --- Words -------------------------------------------------------------------------------------*/

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

/* --- What is no aggregate report ---------------------------------------------------------------*/

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
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(test_texts_are_escaped),
        TEST(test_long_texts_are_cut),
        TEST(test_long_text_keeps_lines),
        TEST(test_formats_escape),
        TEST(test_numbers),
        TEST(test_queries),
        TEST(test_long_queries),
        TEST(test_hostile_texts_stay_texts),
        TEST(test_the_policy_names_the_style_sheet),
        TEST(test_charts_say_their_numbers),
        TEST(test_long_periods_are_summed_up),
        TEST(test_sources_say_their_numbers),
        TEST(test_failures_say_their_causes),
        TEST(test_our_side),
        TEST(test_readiness_of_two),
        TEST(test_one_source),
        TEST(test_links_to_more),
        TEST(test_days_below_charts),
        TEST(test_large_numbers_at_axes),
        TEST(test_peaks),
        TEST(test_years_below_charts),
        TEST(test_words),
        TEST(test_file_names),
        TEST(test_links_of_files),
        TEST(test_links_of_single_reports),
        TEST(test_menus_of_a_report),
        TEST(test_a_row_says_all_results),
        TEST(test_an_overview_of_nothing),
        TEST(test_an_overview_says_what_changed),
        TEST(test_many_sources_are_cut),
        TEST(test_failure_reports),
        TEST(test_tls_reports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
