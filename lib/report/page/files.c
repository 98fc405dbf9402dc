/* files.c - all pages as a folder of files.
 *
 * Errors: false, and *problem is a phrase, or empty if write() returned false. */
#include <stdlib.h>

#include "report/page/site.h"

#define SOURCES_MAX 200 /* sources with a page of their own, for each domain and period */

struct files {
    const struct page_stores *stores;
    struct page_site site;
    page_write_fn *write;
    void *context;
    struct arena *arena; /* of the whole run */
    struct str *problem;
};

static bool write_page(struct files *f, const struct page_query *q, bool front)
{
    struct arena *a = arena_new(0);
    struct str text, problem;
    bool found, good = page_make(f->stores, &f->site, q, front ? 0 : 1, a, &text, &found, &problem);
    if (!good)
        *f->problem = str_copy(f->arena, problem);
    else if (front)
        good = f->write(f->context, STR(""), STR("index.html"), text);
    else
        good = f->write(f->context, page_folder_name(q, a), page_file_name(q, a), text);
    arena_free(a);
    return good;
}

static bool write_sources(struct files *f, struct page_query q)
{
    q.view = VIEW_SOURCE;
    for (size_t i = 0; i < f->site.n_sources; i++) {
        q.source = f->site.sources[i];
        if (!write_page(f, &q, false))
            return false;
    }
    return true;
}

/* Finds the sources that get pages, before the first page can link to one. */
static bool find_sources(struct files *f, const struct page_query *q, struct arena *a)
{
    const struct figures_filter filter = page_filter(f->stores, q);
    struct figures figures = {0};
    if (f->stores->received && !figures_read(f->stores->received, &filter, a, &figures)) {
        *f->problem = str_copy(f->arena, received_problem(f->stores->received));
        return false;
    }
    size_t n = figures.n_sources < SOURCES_MAX ? figures.n_sources : SOURCES_MAX;
    struct str *names = arena_array(a, struct str, n);
    for (size_t i = 0; i < n; i++)
        names[i] = figures.sources[i].name;
    f->site.n_sources = n;
    f->site.sources = names;
    return true;
}

static bool write_views(struct files *f, struct page_query q, bool front)
{
    for (int i = 0; i < VIEW_COUNT; i++) {
        q.view = (enum page_view)i;
        bool wanted = page_view_in_menu(q.view) || (q.view == VIEW_IMPORTS && !q.domain.n);
        if (wanted && !write_page(f, &q, false))
            return false;
    }
    q.view = VIEW_OVERVIEW;
    return (!front || write_page(f, &q, true)) && write_sources(f, q);
}

static struct page_query query_of_files(const struct files *f, struct str domain, int64_t days)
{
    int64_t today = f->site.now / 86400;
    return (struct page_query){
        .domain = domain,
        .days = days,
        .to = today,
        .from = today - days + 1,
        .today = today,
        .source = STR(""),
        .reporter = STR(""),
        .report = STR(""),
    };
}

static bool write_domain(struct files *f, struct str domain, bool front)
{
    static const int64_t periods[] = {7, 30, 90};
    bool good = true;
    for (size_t i = 0; good && i < sizeof periods / sizeof *periods; i++) {
        struct arena *a = arena_new(0);
        const struct page_query q = query_of_files(f, domain, periods[i]);
        good = find_sources(f, &q, a) && write_views(f, q, front && periods[i] == 30);
        arena_free(a);
    }
    return good;
}

/* --- Single reports ----------------------------------------------------------------------------*/

/* The reports that get a page. */
struct finding {
    struct files *files;
    size_t n, cap;
    struct page_query *v;
};

/* The domain among those that have pages; their number if it has none. */
static size_t number_of_domain(const struct files *f, struct str domain)
{
    size_t i = 0;
    while (i < f->site.n_domains && !str_eq(f->site.domains[i], domain))
        i++;
    return i;
}

/* `domain`: its number, which the menu of the page leads to. False: no more pages are allowed. */
static bool add_found(struct finding *f, enum page_view view, size_t domain, int64_t id,
                      struct str report)
{
    struct arena *a = f->files->arena;
    const struct page_site *site = &f->files->site;
    f->v = arena_extend(a, f->v, f->n, &f->cap, sizeof *f->v);
    struct page_query *q = &f->v[f->n++];
    *q = query_of_files(f->files, domain < site->n_domains ? site->domains[domain] : STR(""), 30);
    q->view = view;
    q->id = id;
    q->report = str_copy(a, report);
    return f->n < PAGE_FILES_OF_REPORTS;
}

/* The newest reports about a domain. */
struct share {
    size_t n;
    int64_t ids[PAGE_FILES_OF_DOMAIN];
    struct str reports[PAGE_FILES_OF_DOMAIN]; /* their names */
};

struct sharing {
    const struct files *files;
    struct share *v; /* of each domain that has pages, and of all others together */
};

static struct sharing new_sharing(const struct files *f)
{
    return (struct sharing){f, arena_array(f->arena, struct share, f->site.n_domains + 1)};
}

static void take_share(struct sharing *s, struct str domain, int64_t id, struct str report)
{
    struct share *of = &s->v[number_of_domain(s->files, domain)];
    if (of->n == PAGE_FILES_OF_DOMAIN)
        return;
    of->reports[of->n] = str_copy(s->files->arena, report);
    of->ids[of->n++] = id;
}

static bool take_report(void *sharing, const struct received_report *r)
{
    take_share(sharing, r->head.policy.domain, r->id, r->head.report_id);
    return true;
}

static bool take_single(void *sharing, int64_t id, struct str domain)
{
    take_share(sharing, domain, id, STR(""));
    return true;
}

/* The newest of each domain get pages first, then each one's second, until no more are allowed: so
 * many about one domain take no page from the others. */
static void share_pages(const struct sharing *s, enum page_view view, struct finding *out)
{
    for (size_t k = 0; k < PAGE_FILES_OF_DOMAIN; k++)
        for (size_t i = 0; i <= s->files->site.n_domains; i++)
            if (k < s->v[i].n && !add_found(out, view, i, s->v[i].ids[k], s->v[i].reports[k]))
                return;
}

static bool find_aggregates(struct finding *reports, const struct page_query *q)
{
    const struct received_wanted wanted = {.since = q->from * 86400};
    struct sharing s = new_sharing(reports->files);
    if (!received_each(reports->files->stores->received, &wanted, take_report, &s))
        return false;
    share_pages(&s, VIEW_REPORT, reports);
    return true;
}

static bool find_singles(struct finding *singles, const struct page_query *q)
{
    const struct files *f = singles->files;
    const struct figures_filter filter = page_filter(f->stores, q);
    struct sharing s = new_sharing(f);
    if (!figures_each_single(f->stores->received, &filter, take_single, &s))
        return false;
    share_pages(&s, VIEW_SINGLE, singles);
    return true;
}

static int by_id(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static const int64_t *ids_of(const struct finding *f)
{
    int64_t *ids = arena_array(f->files->arena, int64_t, f->n);
    for (size_t i = 0; i < f->n; i++)
        ids[i] = f->v[i].id;
    if (f->n)
        qsort(ids, f->n, sizeof *ids, by_id);
    return ids;
}

/* Finds the reports that get pages, before the first page can link to one. */
static bool choose_reports(struct files *f, struct finding *reports, struct finding *singles)
{
    struct received *r = f->stores->received;
    const struct page_query q = query_of_files(f, STR(""), 90);
    reports->files = singles->files = f;
    if (r && (!find_aggregates(reports, &q) || !find_singles(singles, &q))) {
        *f->problem = str_copy(f->arena, received_problem(r));
        return false;
    }
    f->site.n_reports = reports->n;
    f->site.report_ids = ids_of(reports);
    f->site.n_singles = singles->n;
    f->site.single_ids = ids_of(singles);
    return true;
}

static bool write_found(struct files *f, const struct finding *found)
{
    f->site.n_sources = 0; /* the sources so far are those of another period */
    for (size_t i = 0; i < found->n; i++)
        if (!write_page(f, &found->v[i], false))
            return false;
    return true;
}

/* --- All ---------------------------------------------------------------------------------------*/

bool page_make_files(const struct page_stores *s, int64_t now, page_write_fn *write, void *context,
                     struct arena *a, struct str *problem)
{
    struct files f = {
        .stores = s, .write = write, .context = context, .arena = a, .problem = problem};
    struct finding reports = {0}, singles = {0};
    *problem = STR("");
    if (!page_site_read(s, now, false, a, &f.site, problem) ||
        !choose_reports(&f, &reports, &singles))
        return false;
    for (size_t i = 0; i < f.site.n_domains; i++)
        if (!write_domain(&f, f.site.domains[i], i == 0 && f.site.n_domains == 1))
            return false;
    return write_domain(&f, STR(""), f.site.n_domains != 1) && write_found(&f, &reports) &&
           write_found(&f, &singles);
}
