/* files.c - all pages as a folder of files.
 *
 * Errors: false, and *problem is a phrase; empty if the writer wanted no more. */
#include "report/page/site.h"

#define SOURCES_MAX 200 /* that have a page of their own, of one domain and period */

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
        good = f->write(f->context, page_folder_name(q->domain, a), page_file_name(q, a), text);
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

/* The sources that get pages have to be known before the first page names one. */
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
        if (page_view_in_menu(q.view) && q.view != VIEW_REPORTS && !write_page(f, &q, false))
            return false;
    }
    q.view = VIEW_OVERVIEW;
    return (!front || write_page(f, &q, true)) && write_sources(f, q);
}

static bool write_domain(struct files *f, struct str domain, bool front)
{
    static const int64_t periods[] = {7, 30, 90};
    bool good = true;
    for (size_t i = 0; good && i < sizeof periods / sizeof *periods; i++) {
        struct arena *a = arena_new(0);
        int64_t today = f->site.now / 86400;
        const struct page_query q = {
            .domain = domain,
            .days = periods[i],
            .to = today,
            .from = today - periods[i] + 1,
            .source = STR(""),
            .reporter = STR(""),
            .report = STR(""),
        };
        good = find_sources(f, &q, a) && write_views(f, q, front && periods[i] == 30);
        arena_free(a);
    }
    return good;
}

bool page_make_files(const struct page_stores *s, int64_t now, page_write_fn *write, void *context,
                     struct arena *a, struct str *problem)
{
    struct files f = {
        .stores = s, .write = write, .context = context, .arena = a, .problem = problem};
    *problem = STR("");
    if (!page_site_read(s, now, false, a, &f.site, problem))
        return false;
    for (size_t i = 0; i < f.site.n_domains; i++)
        if (!write_domain(&f, f.site.domains[i], i == 0 && f.site.n_domains == 1))
            return false;
    return write_domain(&f, STR(""), f.site.n_domains != 1);
}
