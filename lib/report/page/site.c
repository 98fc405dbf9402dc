/* site.c - a page, from the query to HTML.
 *
 * Errors: false, and *problem is a phrase. */
#include "report/page/site.h"

#include "report/in/presence.h"

/* A page in the making. */
struct making {
    const struct page_stores *stores;
    const struct page_query *query;
    struct page page;
    struct page_site site; /* with what the page is made from */
    struct arena *arena;
    bool found;
};

struct figures_filter page_filter(const struct page_stores *s, const struct page_query *q)
{
    return (struct figures_filter){
        .owner = s->owner,
        .domain = q->domain,
        .from_day = q->from,
        .to_day = q->to,
        .source = q->source.n ? q->source : STR_NONE,
        .reporter = q->reporter.n ? q->reporter : STR_NONE,
        .result = q->result,
    };
}

static bool is_filtered(const struct page_query *q)
{
    return q->source.n || q->reporter.n || q->result;
}

static bool read_figures(struct making *m, struct figures *out)
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

#define BEFORE_MAX 100 /* days: a longer period is compared with nothing */

static bool read_before(struct making *m, struct page_overview *o)
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

static struct figures_filter recent(const struct making *m, int64_t days)
{
    struct figures_filter f = page_filter(m->stores, m->query);
    if (f.from_day < f.to_day - days + 1)
        f.from_day = f.to_day - days + 1;
    return f;
}

static bool read_countries(struct making *m, size_t *n, const struct figures_country **out)
{
    struct figures_filter f = recent(m, 7);
    struct figures_country *v = NULL;
    bool good = !m->stores->received || figures_countries(m->stores->received, &f, m->arena, n, &v);
    *out = v;
    return good;
}

/* The last two weeks, whatever the period. */
static bool read_readiness(struct making *m, struct str domain, struct readiness *out)
{
    struct figures_filter f = {.owner = m->stores->owner,
                               .domain = domain,
                               .from_day = m->query->to - READINESS_DAYS + 1,
                               .to_day = m->query->to};
    return readiness_read(m->stores->received, &f, m->arena, out);
}

/* What is judged looks at all mail, so with a filter nothing is said. */
static bool read_judgements(struct making *m, struct page_overview *o)
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
    return read_readiness(m, m->query->domain, r);
}

static bool make_overview(struct making *m)
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
    if (!good || !page_read_own(m->stores, m->query, m->arena, &o.own))
        return false;
    o.n_own_days = o.own ? figures.n_days : 0;
    page_view_overview(&m->page, &o);
    return true;
}

/* --- The others --------------------------------------------------------------------------------*/

static bool make_sources(struct making *m)
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

static bool make_source(struct making *m)
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

static bool make_readiness(struct making *m)
{
    struct figures figures;
    size_t n = 0;
    if (!read_figures(m, &figures))
        return false;
    struct readiness *v = arena_array(m->arena, struct readiness, figures.n_domains);
    for (size_t i = 0; i < figures.n_domains; i++)
        if (figures.domains[i].ours && !read_readiness(m, figures.domains[i].name, &v[n++]))
            return false;
    page_view_readiness(&m->page, v, n);
    return true;
}

static bool make_countries(struct making *m)
{
    const struct figures_country *v;
    size_t n = 0;
    if (!read_countries(m, &n, &v))
        return false;
    page_view_countries(&m->page, v, n);
    return true;
}

static bool make_reporters(struct making *m)
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

static bool make_ours(struct making *m)
{
    struct page_ours o = {.has_rows = m->stores->rows != NULL};
    if (!page_read_own(m->stores, m->query, m->arena, &o.days))
        return false;
    o.n_days = (size_t)(m->query->to - m->query->from + 1);
    page_view_ours(&m->page, &o);
    return true;
}

/* --- Reports -----------------------------------------------------------------------------------*/

struct listing {
    struct making *making;
    int64_t skip;
    struct page_reports out;
    struct received_report *v;
    struct received_refusal *refusals;
    size_t n_refusals, cap;
    struct received_report *one;
    struct page rows; /* the table of one report */
    struct page_table table;
    size_t n_rows;
};

static struct str kept(struct listing *l, struct str text)
{
    return str_copy(l->making->arena, text);
}

static void keep_report(struct listing *l, struct received_report *to,
                        const struct received_report *r)
{
    const struct aggregate_head *h = &r->head;
    *to = *r;
    to->origin = kept(l, r->origin);
    to->head.org_name = kept(l, h->org_name);
    to->head.email = kept(l, h->email);
    to->head.contact = kept(l, h->contact);
    to->head.report_id = kept(l, h->report_id);
    to->head.error = kept(l, h->error);
    to->head.generator = kept(l, h->generator);
    to->head.policy = (struct aggregate_policy){
        kept(l, h->policy.domain),   kept(l, h->policy.p),   kept(l, h->policy.sp),
        kept(l, h->policy.np),       kept(l, h->policy.pct), kept(l, h->policy.adkim),
        kept(l, h->policy.aspf),     kept(l, h->policy.fo),  kept(l, h->policy.testing),
        kept(l, h->policy.discovery)};
}

static bool list_report(void *listing, const struct received_report *r)
{
    struct listing *l = listing;
    const struct page_query *q = l->making->query;
    if (r->head.end / 86400 > q->to || (q->reporter.n && !str_eq(q->reporter, r->head.org_name)))
        return true;
    if (l->skip-- > 0)
        return true;
    if (l->out.n == PAGE_REPORTS_MAX) {
        l->out.more = true;
        return false;
    }
    keep_report(l, &l->v[l->out.n++], r);
    return true;
}

static bool count_refusal(void *listing, const struct received_refusal *r)
{
    struct listing *l = listing;
    (void)r;
    l->out.refused++;
    return true;
}

static struct received_wanted wanted(const struct making *m)
{
    return (struct received_wanted){.domain = m->query->domain, .since = m->query->from * 86400};
}

static bool make_reports(struct making *m)
{
    struct listing l = {.making = m, .skip = m->query->start};
    struct received *r = m->stores->received;
    const struct received_wanted w = wanted(m);
    l.v = arena_array(m->arena, struct received_report, PAGE_REPORTS_MAX);
    l.out.v = l.v;
    if (r && (!received_each(r, &w, list_report, &l) ||
              !received_each_refusal(r, w.since, count_refusal, &l)))
        return false;
    page_view_reports(&m->page, &l.out);
    return true;
}

#define REFUSALS_MAX 500

static bool list_refusal(void *listing, const struct received_refusal *r)
{
    struct listing *l = listing;
    if (l->n_refusals == REFUSALS_MAX)
        return false;
    l->refusals =
        arena_extend(l->making->arena, l->refusals, l->n_refusals, &l->cap, sizeof *l->refusals);
    l->refusals[l->n_refusals++] =
        (struct received_refusal){r->received,         kept(l, r->origin), kept(l, r->from),
                                  kept(l, r->subject), kept(l, r->what),   kept(l, r->why)};
    return true;
}

static bool make_imports(struct making *m)
{
    struct listing l = {.making = m};
    if (m->stores->received &&
        !received_each_refusal(m->stores->received, wanted(m).since, list_refusal, &l))
        return false;
    page_view_imports(&m->page, l.refusals, l.n_refusals);
    return true;
}

/* --- One report --------------------------------------------------------------------------------*/

static bool find_report(void *listing, const struct received_report *r)
{
    struct listing *l = listing;
    if (r->id != l->making->query->id)
        return true;
    l->one = arena_make(l->making->arena, struct received_report);
    keep_report(l, l->one, r);
    return false;
}

#define ROWS_SHOWN 2000

static bool row_is_wanted(enum figures_result result, const struct aggregate_row *r)
{
    switch (result) {
    case RESULT_PASS:
        return r->dkim || r->spf;
    case RESULT_FAIL:
        return !r->dkim && !r->spf;
    case RESULT_BOTH:
        return r->dkim && r->spf;
    case RESULT_DKIM:
        return r->dkim && !r->spf;
    case RESULT_SPF:
        return r->spf && !r->dkim;
    case RESULT_QUARANTINED:
        return r->disposition == AGGREGATE_QUARANTINE;
    case RESULT_REJECTED:
        return r->disposition == AGGREGATE_REJECT;
    case RESULT_ANY:
    case RESULT_COUNT:
        break;
    }
    return true;
}

static bool put_row(void *listing, const struct aggregate_row *row)
{
    struct listing *l = listing;
    if (!row_is_wanted(l->making->query->result, row))
        return true;
    page_put_row(&l->table, row);
    return ++l->n_rows < ROWS_SHOWN;
}

static bool read_rows(struct making *m, struct listing *l, struct page_whole_report *out)
{
    l->rows = m->page;
    html_init(&l->rows.h, m->arena);
    page_begin_rows(&l->rows, &l->table);
    if (!received_each_row(m->stores->received, l->one->id, put_row, l))
        return false;
    page_table_end(&l->table);
    if (l->n_rows == ROWS_SHOWN)
        page_nothing(&l->rows, "There are more: assay report show prints all of them.");
    out->rows = html_str(&l->rows.h);
    out->raw = received_raw(m->stores->received, l->one->id, m->arena);
    return true;
}

static bool make_report(struct making *m)
{
    struct listing l = {.making = m};
    struct page_whole_report out = {.raw = STR_NONE, .rows = STR("")};
    const struct received_wanted w = {.report = m->query->report};
    if (m->stores->received && !received_each(m->stores->received, &w, find_report, &l))
        return false;
    m->found = l.one != NULL;
    out.report = l.one;
    if (l.one && !read_rows(m, &l, &out))
        return false;
    page_view_report(&m->page, &out);
    return true;
}

/* --- All ---------------------------------------------------------------------------------------*/

static bool make_view(struct making *m)
{
    static bool (*const views[VIEW_COUNT])(struct making * m) = {
        [VIEW_OVERVIEW] = make_overview,   [VIEW_SOURCES] = make_sources,
        [VIEW_SOURCE] = make_source,       [VIEW_FAILURES] = make_sources,
        [VIEW_READINESS] = make_readiness, [VIEW_COUNTRIES] = make_countries,
        [VIEW_REPORTERS] = make_reporters, [VIEW_REPORTS] = make_reports,
        [VIEW_REPORT] = make_report,       [VIEW_IMPORTS] = make_imports,
        [VIEW_OURS] = make_ours,
    };
    return views[m->query->view](m);
}

bool page_make(const struct page_stores *s, const struct page_site *site,
               const struct page_query *q, unsigned depth, struct arena *a, struct str *out,
               bool *found, struct str *problem)
{
    struct making m = {.stores = s, .query = q, .site = *site, .arena = a, .found = true};
    page_begin(&m.page, &m.site, q, a, depth);
    if (!make_view(&m)) {
        struct str why = s->received ? received_problem(s->received) : STR("");
        if (!why.n && s->rows)
            why = rows_reader_problem(s->rows);
        *problem = str_copy(a, why.n ? why : STR("the store cannot be read"));
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
