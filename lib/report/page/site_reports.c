/* site_reports.c - the pages of received reports: the list, a single one, and what was refused.
 *
 * Errors: false, and the store has the reason. */
#include "report/page/making.h"

/* --- Reports -----------------------------------------------------------------------------------*/

struct listing {
    struct page_making *making;
    int64_t skip;
    struct page_reports out;
    struct received_report *v;
    struct received_refusal *refusals;
    size_t n_refusals, cap;
    struct received_report *one;
    struct page rows; /* the table of the report */
    struct page_table table;
    size_t n_rows;
    bool cut; /* it has more rows than are shown */
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
    to->author = kept(l, r->author);
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

bool page_wants_report(const struct page_query *q, const struct received_report *r)
{
    int64_t day = received_believed_end(r->head.end, r->received) / 86400;
    return day >= q->from && day <= q->to &&
           (!q->reporter.n || str_eq(q->reporter, r->head.org_name));
}

static bool list_report(void *listing, const struct received_report *r)
{
    struct listing *l = listing;
    const struct page_query *q = l->making->query;
    if (!page_wants_report(q, r))
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

static struct received_wanted reports_wanted(const struct page_making *m)
{
    return (struct received_wanted){.domain = m->query->domain, .since = m->query->from * 86400};
}

bool page_make_reports(struct page_making *m)
{
    struct listing l = {.making = m, .skip = m->query->start};
    struct received *r = m->stores->received;
    const struct received_wanted w = reports_wanted(m);
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
    l->refusals[l->n_refusals++] = (struct received_refusal){
        .received = r->received,
        .origin = kept(l, r->origin),
        .from = kept(l, r->from),
        .subject = kept(l, r->subject),
        .what = kept(l, r->what),
        .why = kept(l, r->why),
    };
    return true;
}

bool page_make_imports(struct page_making *m)
{
    struct listing l = {.making = m};
    if (m->stores->received &&
        !received_each_refusal(m->stores->received, reports_wanted(m).since, list_refusal, &l))
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

bool page_wants_row(enum figures_result result, const struct aggregate_row *r)
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
    if (!page_wants_row(l->making->query->result, row))
        return true;
    l->cut = l->n_rows == PAGE_ROWS_MAX;
    if (l->cut)
        return false;
    page_put_row(&l->table, row);
    l->n_rows++;
    return true;
}

static bool read_rows(struct page_making *m, struct listing *l, struct page_whole_report *out)
{
    l->rows = m->page;
    html_init(&l->rows.h, m->arena);
    page_begin_rows(&l->rows, &l->table);
    if (!received_each_row(m->stores->received, l->one->id, put_row, l))
        return false;
    page_table_end(&l->table);
    if (l->cut)
        page_nothing(&l->rows, "There are more: assay report show prints all of them.");
    out->rows = html_str(&l->rows.h);
    out->cut = l->cut;
    out->raw = received_raw(m->stores->received, l->one->id, m->arena);
    return true;
}

bool page_make_report(struct page_making *m)
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
