/* report/page: whatever reports say, a browser sees no markup of theirs. */
#include "page_rig.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAGE_TEST(test_hostile_texts_stay_texts),
        PAGE_TEST(test_the_policy_names_the_style_sheet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
