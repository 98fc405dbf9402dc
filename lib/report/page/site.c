/* site.c - a page, from the query to HTML.
 *
 * Errors: false, and *problem is a phrase. */
#include "report/page/making.h"

#include "report/in/presence.h"

struct figures_filter page_filter(const struct page_stores *s, const struct page_query *q)
{
    return (struct figures_filter){
        .owner = s->owner,
        .domain = q->domain,
        .from_day = q->from,
        .to_day = q->to,
        .today = q->today,
        .source = q->source.n ? q->source : STR_NONE,
        .reporter = q->reporter.n ? q->reporter : STR_NONE,
        .result = q->result,
    };
}

static bool is_filtered(const struct page_query *q)
{
    return q->source.n || q->reporter.n || q->result;
}

static bool read_figures(struct page_making *m, struct figures *out)
{
    struct figures_filter f = page_filter(m->stores, m->query);
    m->site.reports = 0;
    *out = (struct figures){0};
    if (m->stores->received && !figures_read(m->stores->received, &f, m->arena, out))
        return false;
    if (!out->n_days) {
        out->n_days = (size_t)(f.to_day - f.from_day + 1);
        out->days = arena_array(m->arena, struct figures_day, out->n_days);
        for (size_t i = 0; i < out->n_days; i++)
            out->days[i].day = f.from_day + (int64_t)i;
    }
    for (size_t i = 0; i < out->n_reporters; i++)
        m->site.reports += out->reporters[i].reports;
    return true;
}

/* --- Overview ----------------------------------------------------------------------------------*/

#define BEFORE_MAX 100 /* days: a longer period is not compared with the one before */

static bool read_before(struct page_making *m, struct page_overview *o)
{
    struct figures_filter f = page_filter(m->stores, m->query);
    struct figures before;
    int64_t days = f.to_day - f.from_day + 1;
    if (days > BEFORE_MAX)
        return true;
    f.to_day -= days;
    f.from_day -= days;
    if (!figures_read(m->stores->received, &f, m->arena, &before))
        return false;
    o->before = before.counts;
    return true;
}

static struct figures_filter recent(const struct page_making *m, int64_t days)
{
    struct figures_filter f = page_filter(m->stores, m->query);
    if (f.from_day < f.to_day - days + 1)
        f.from_day = f.to_day - days + 1;
    return f;
}

static bool read_countries(struct page_making *m, size_t *n, const struct figures_country **out)
{
    struct figures_filter f = recent(m, 7);
    struct figures_country *v = NULL;
    bool good = !m->stores->received || figures_countries(m->stores->received, &f, m->arena, n, &v);
    *out = v;
    return good;
}

bool page_read_readiness(const struct page_stores *s, const struct page_query *q, struct str domain,
                         struct arena *a, struct readiness *out)
{
    struct figures_filter f = {.owner = s->owner,
                               .domain = domain,
                               .from_day = q->to - READINESS_DAYS + 1,
                               .to_day = q->to};
    return readiness_read(s->received, &f, a, out);
}

/* Alarms and readiness look at all mail, so a page with a filter has none. */
static bool read_judgements(struct page_making *m, struct page_overview *o)
{
    struct figures_filter f = page_filter(m->stores, m->query);
    struct alarm *alarms = NULL;
    struct readiness *r = arena_make(m->arena, struct readiness);
    if (is_filtered(m->query))
        return true;
    if (!alarms_read(m->stores->received, &f, m->arena, &o->n_alarms, &alarms))
        return false;
    o->alarms = alarms;
    if (!m->query->domain.n)
        return true;
    o->readiness = r;
    return page_read_readiness(m->stores, m->query, m->query->domain, m->arena, r);
}

static bool make_overview(struct page_making *m)
{
    struct page_overview o = {0};
    struct figures figures;
    struct figures_filter f = page_filter(m->stores, m->query);
    bool good = read_figures(m, &figures);
    o.figures = &figures;
    if (good && m->stores->received)
        good = read_before(m, &o) && read_judgements(m, &o) &&
               read_countries(m, &o.n_countries, &o.countries) &&
               presence_read(m->stores->received, &f, &figures, m->arena, &o.presence);
    if (!good || !page_read_own(m->stores, m->query, m->arena, &o.own) ||
        !page_read_sent_day(m->stores, m->site.now / 86400 - 1, &o.sent))
        return false;
    o.n_own_days = o.own ? figures.n_days : 0;
    page_view_overview(&m->page, &o);
    return true;
}

/* --- The others --------------------------------------------------------------------------------*/

static bool make_sources(struct page_making *m)
{
    struct figures figures;
    if (!read_figures(m, &figures))
        return false;
    if (m->query->view == VIEW_SOURCES)
        page_view_sources(&m->page, &figures);
    else
        page_view_failures(&m->page, &figures);
    return true;
}

static bool make_source(struct page_making *m)
{
    struct figures_filter f = page_filter(m->stores, m->query);
    struct figures figures = {0};
    struct figures_detail detail = {0};
    if (m->query->source.n && !read_figures(m, &figures))
        return false;
    m->found = figures.n_sources > 0;
    if (m->found &&
        !figures_source_detail(m->stores->received, &f, figures.sources[0].id, m->arena, &detail))
        return false;
    page_view_source(&m->page, &(struct page_sending){&figures, &detail});
    return true;
}

static bool make_readiness(struct page_making *m)
{
    struct figures figures;
    size_t n = 0;
    if (!read_figures(m, &figures))
        return false;
    struct readiness *v = arena_array(m->arena, struct readiness, figures.n_domains);
    for (size_t i = 0; i < figures.n_domains; i++)
        if (figures.domains[i].ours &&
            !page_read_readiness(m->stores, m->query, figures.domains[i].name, m->arena, &v[n++]))
            return false;
    page_view_readiness(&m->page, v, n);
    return true;
}

static bool make_countries(struct page_making *m)
{
    const struct figures_country *v;
    size_t n = 0;
    if (!read_countries(m, &n, &v))
        return false;
    page_view_countries(&m->page, v, n);
    return true;
}

static bool make_reporters(struct page_making *m)
{
    struct figures_filter f = page_filter(m->stores, m->query);
    struct figures figures;
    struct page_reporters r = {.figures = &figures};
    if (!read_figures(m, &figures) ||
        (m->stores->received &&
         !presence_read(m->stores->received, &f, &figures, m->arena, &r.presence)))
        return false;
    page_view_reporters(&m->page, &r);
    return true;
}

static bool make_ours(struct page_making *m)
{
    struct page_ours o = {.has_rows = m->stores->rows != NULL, .has_sent = m->stores->sent != NULL};
    if (!page_read_own(m->stores, m->query, m->arena, &o.days) ||
        !page_read_sent(m->stores, m->query, m->arena, &o.n_sent, &o.sent))
        return false;
    o.n_days = (size_t)(m->query->to - m->query->from + 1);
    page_view_ours(&m->page, &o);
    return true;
}

/* --- All ---------------------------------------------------------------------------------------*/

static bool make_view(struct page_making *m)
{
    static bool (*const views[VIEW_COUNT])(struct page_making * m) = {
        [VIEW_OVERVIEW] = make_overview,    [VIEW_SOURCES] = make_sources,
        [VIEW_SOURCE] = make_source,        [VIEW_FAILURES] = make_sources,
        [VIEW_READINESS] = make_readiness,  [VIEW_COUNTRIES] = make_countries,
        [VIEW_REPORTERS] = make_reporters,  [VIEW_REPORTS] = page_make_reports,
        [VIEW_REPORT] = page_make_report,   [VIEW_IMPORTS] = page_make_imports,
        [VIEW_SINGLES] = page_make_singles, [VIEW_SINGLE] = page_make_single,
        [VIEW_TLS] = page_make_tls,         [VIEW_OURS] = make_ours,
    };
    return views[m->query->view](m);
}

struct str page_stores_problem(const struct page_stores *s, struct arena *a)
{
    struct str why = s->received ? received_problem(s->received) : STR("");
    if (!why.n && s->rows)
        why = rows_reader_problem(s->rows);
    if (!why.n && s->sent)
        why = sent_problem(s->sent);
    return str_copy(a, why.n ? why : STR("the store cannot be read"));
}

bool page_make(const struct page_stores *s, const struct page_site *site,
               const struct page_query *q, unsigned depth, struct arena *a, struct str *out,
               bool *found, struct str *problem)
{
    struct page_making m = {.stores = s, .query = q, .site = *site, .arena = a, .found = true};
    page_begin(&m.page, &m.site, q, a, depth);
    if (!make_view(&m)) {
        *problem = page_stores_problem(s, a);
        return false;
    }
    page_end(&m.page);
    *out = html_str(&m.page.h);
    *found = m.found;
    return true;
}

bool page_site_read(const struct page_stores *s, int64_t now, bool live, struct arena *a,
                    struct page_site *out, struct str *problem)
{
    struct figures figures = {0};
    const struct figures_filter f = {
        .owner = s->owner, .from_day = now / 86400, .to_day = now / 86400};
    if (s->received && !figures_read(s->received, &f, a, &figures)) {
        *problem = str_copy(a, received_problem(s->received));
        return false;
    }
    struct str *names = arena_array(a, struct str, figures.n_domains);
    *out = (struct page_site){
        .now = now, .domains = names, .live = live, .has_countries = s->has_countries};
    for (size_t i = 0; i < figures.n_domains; i++)
        if (figures.domains[i].ours)
            names[out->n_domains++] = figures.domains[i].name;
    return true;
}
