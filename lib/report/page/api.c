/* api.c - the contents of pages as JSON, in the form of `assay report ... --json`, with the same
 * filter.
 *
 * Errors: false, and the store has the reason. */
#include "report/in/answer.h"
#include "report/page/site.h"

struct answering {
    const struct page_stores *stores;
    const struct page_query *query;
    struct figures_filter filter;
    struct arena *arena;
    struct json json;
    bool found;
    int64_t skip, room; /* of a list */
};

static bool read_figures(struct answering *m, struct figures *out)
{
    *out = (struct figures){0};
    return !m->stores->received || figures_read(m->stores->received, &m->filter, m->arena, out);
}

/* --- Figures -----------------------------------------------------------------------------------*/

static void put_days(struct json *j, const struct figures *f)
{
    json_array(j, "days");
    for (size_t i = 0; i < f->n_days; i++) {
        json_object(j, NULL);
        json_number(j, "day", f->days[i].day * 86400);
        answer_counts(j, &f->days[i].counts);
        json_end(j, '}');
    }
    json_end(j, ']');
}

static void put_domains(struct json *j, const struct figures *f)
{
    json_array(j, "domains");
    for (size_t i = 0; i < f->n_domains; i++) {
        if (!f->domains[i].ours)
            continue;
        json_object(j, NULL);
        json_text(j, "domain", f->domains[i].name);
        json_text_or_null(j, "policy", f->domains[i].p);
        json_number(j, "reports", (int64_t)f->domains[i].reports);
        answer_counts(j, &f->domains[i].counts);
        json_end(j, '}');
    }
    json_end(j, ']');
}

static bool put_alarms(struct answering *m)
{
    struct alarm *v = NULL;
    size_t n = 0;
    if (m->stores->received && !alarms_read(m->stores->received, &m->filter, m->arena, &n, &v))
        return false;
    json_array(&m->json, "alarms");
    for (size_t i = 0; i < n; i++)
        answer_alarm(&m->json, &v[i]);
    json_end(&m->json, ']');
    return true;
}

static bool answer_overview(struct answering *m)
{
    struct figures f;
    if (!read_figures(m, &f))
        return false;
    json_object(&m->json, NULL);
    answer_counts(&m->json, &f.counts);
    put_domains(&m->json, &f);
    put_days(&m->json, &f);
    bool good = put_alarms(m);
    json_end(&m->json, '}');
    return good;
}

static bool answer_sources(struct answering *m)
{
    struct figures f;
    if (!read_figures(m, &f))
        return false;
    if (m->query->view == VIEW_FAILURES)
        answer_failing_all(&m->json, &f);
    for (size_t i = 0; i < f.n_sources; i++) {
        if (m->query->view == VIEW_FAILURES) {
            if (f.sources[i].counts.fail)
                answer_failing(&m->json, &f.sources[i]);
            continue;
        }
        json_object(&m->json, NULL);
        answer_source(&m->json, &f.sources[i]);
        json_end(&m->json, '}');
    }
    return true;
}

static bool answer_one_source(struct answering *m)
{
    struct figures f = {0};
    struct figures_detail detail;
    if (m->query->source.n && !read_figures(m, &f))
        return false;
    m->found = f.n_sources > 0;
    if (!m->found)
        return true;
    if (!figures_source_detail(m->stores->received, &m->filter, f.sources[0].id, m->arena, &detail))
        return false;
    json_object(&m->json, NULL);
    answer_source(&m->json, &f.sources[0]);
    answer_detail(&m->json, &detail);
    put_days(&m->json, &f);
    json_end(&m->json, '}');
    return true;
}

static bool answer_readinesses(struct answering *m)
{
    struct figures f;
    if (!read_figures(m, &f))
        return false;
    for (size_t i = 0; i < f.n_domains; i++) {
        struct readiness r;
        if (!f.domains[i].ours)
            continue;
        if (!page_read_readiness(m->stores, m->query, f.domains[i].name, m->arena, &r))
            return false;
        answer_readiness(&m->json, &r);
    }
    return true;
}

static bool answer_countries(struct answering *m)
{
    struct figures_country *v = NULL;
    size_t n = 0;
    if (m->filter.from_day < m->filter.to_day - 6)
        m->filter.from_day = m->filter.to_day - 6;
    if (m->stores->received &&
        !figures_countries(m->stores->received, &m->filter, m->arena, &n, &v))
        return false;
    for (size_t i = 0; i < n; i++) {
        json_object(&m->json, NULL);
        json_text_or_null(&m->json, "country", v[i].country);
        json_number(&m->json, "messages", (int64_t)v[i].all);
        json_number(&m->json, "fail", (int64_t)v[i].fail);
        json_end(&m->json, '}');
    }
    return true;
}

static bool answer_reporters(struct answering *m)
{
    struct figures f;
    if (!read_figures(m, &f))
        return false;
    for (size_t i = 0; i < f.n_reporters; i++)
        answer_reporter(&m->json, &f.reporters[i]);
    return true;
}

static bool answer_ours(struct answering *m)
{
    const struct page_own_day *days;
    if (!page_read_own(m->stores, m->query, m->arena, &days))
        return false;
    for (int64_t i = 0; days && i <= m->query->to - m->query->from; i++) {
        json_object(&m->json, NULL);
        json_number(&m->json, "day", days[i].day * 86400);
        json_number(&m->json, "accepted", (int64_t)days[i].n[OURS_ACCEPTED]);
        json_number(&m->json, "quarantined", (int64_t)days[i].n[OURS_QUARANTINED]);
        json_number(&m->json, "rejected", (int64_t)days[i].n[OURS_REJECTED]);
        json_end(&m->json, '}');
    }
    return true;
}

/* --- Reports -----------------------------------------------------------------------------------*/

static bool list_report(void *answering, const struct received_report *r)
{
    struct answering *m = answering;
    if (!page_wants_report(m->query, r) || m->skip-- > 0)
        return true;
    answer_report(&m->json, r);
    json_number(&m->json, "id", r->id);
    json_end(&m->json, '}');
    return --m->room > 0;
}

static bool answer_reports(struct answering *m)
{
    const struct received_wanted wanted = {.domain = m->query->domain,
                                           .since = m->query->from * 86400};
    m->skip = m->query->start;
    m->room = PAGE_API_REPORTS_MAX;
    return !m->stores->received || received_each(m->stores->received, &wanted, list_report, m);
}

static bool put_row(void *answering, const struct aggregate_row *row)
{
    struct answering *m = answering;
    if (page_wants_row(m->query->result, row))
        answer_row(&m->json, row);
    return true;
}

static bool show_report(void *answering, const struct received_report *r)
{
    struct answering *m = answering;
    if (r->id != m->query->id)
        return true;
    m->found = true;
    answer_report(&m->json, r);
    answer_head(&m->json, &r->head);
    json_array(&m->json, "rows");
    if (!received_each_row(m->stores->received, r->id, put_row, m))
        m->room = -1;
    json_end(&m->json, ']');
    json_end(&m->json, '}');
    return false;
}

static bool answer_one_report(struct answering *m)
{
    const struct received_wanted wanted = {.report = m->query->report};
    m->found = false;
    return !m->stores->received ||
           (received_each(m->stores->received, &wanted, show_report, m) && m->room == 0);
}

static bool list_refusal(void *answering, const struct received_refusal *r)
{
    struct answering *m = answering;
    answer_refusal(&m->json, r);
    return true;
}

static bool answer_imports(struct answering *m)
{
    return !m->stores->received ||
           received_each_refusal(m->stores->received, m->query->from * 86400, list_refusal, m);
}

/* --- What is no aggregate report ---------------------------------------------------------------*/

static void answer_one_single(struct json *j, const struct figures_single *s)
{
    answer_single(j, &s->report, s->received);
    json_text(j, "source", s->source);
    json_number(j, "id", s->id);
    json_end(j, '}');
}

static bool answer_singles(struct answering *m)
{
    struct received *r = m->stores->received;
    struct figures_failures *sums = NULL;
    struct figures_single *v = NULL;
    size_t n_sums = 0, n = 0;
    if (r &&
        (!figures_failure_reports(r, &m->filter, m->arena, &n_sums, &sums) ||
         !figures_singles(r, &m->filter, m->query->start, PAGE_API_REPORTS_MAX, m->arena, &n, &v)))
        return false;
    json_object(&m->json, NULL);
    json_array(&m->json, "sources");
    for (size_t i = 0; i < n_sums; i++)
        answer_failures(&m->json, &sums[i]);
    json_end(&m->json, ']');
    json_array(&m->json, "reports");
    for (size_t i = 0; i < n; i++)
        answer_one_single(&m->json, &v[i]);
    json_end(&m->json, ']');
    json_end(&m->json, '}');
    return true;
}

static bool answer_single_by_id(struct answering *m)
{
    struct figures_single *v = NULL;
    size_t n = 0;
    if (m->stores->received && !figures_single(m->stores->received, m->query->id, m->arena, &n, &v))
        return false;
    m->found = n > 0;
    if (m->found)
        answer_one_single(&m->json, v);
    return true;
}

static bool list_tls(void *answering, const struct tlsrpt *r, const unsigned char *digest,
                     int64_t received)
{
    struct answering *m = answering;
    (void)digest;
    if (!page_wants_tls(m->query, r, received) || m->skip-- > 0)
        return true;
    answer_tls(&m->json, r, received);
    return --m->room > 0;
}

static bool answer_tls_reports(struct answering *m)
{
    const struct received_wanted wanted = {.domain = m->query->domain,
                                           .since = m->query->from * 86400};
    m->skip = m->query->start;
    m->room = PAGE_API_REPORTS_MAX;
    return !m->stores->received || received_each_tls(m->stores->received, &wanted, list_tls, m);
}

/* --- All ---------------------------------------------------------------------------------------*/

bool page_make_json(const struct page_stores *s, const struct page_query *q, struct arena *a,
                    struct str *out, bool *found, struct str *problem)
{
    static bool (*const views[VIEW_COUNT])(struct answering * m) = {
        [VIEW_OVERVIEW] = answer_overview,     [VIEW_SOURCES] = answer_sources,
        [VIEW_SOURCE] = answer_one_source,     [VIEW_FAILURES] = answer_sources,
        [VIEW_READINESS] = answer_readinesses, [VIEW_COUNTRIES] = answer_countries,
        [VIEW_REPORTERS] = answer_reporters,   [VIEW_REPORTS] = answer_reports,
        [VIEW_REPORT] = answer_one_report,     [VIEW_IMPORTS] = answer_imports,
        [VIEW_SINGLES] = answer_singles,       [VIEW_SINGLE] = answer_single_by_id,
        [VIEW_TLS] = answer_tls_reports,       [VIEW_OURS] = answer_ours,
    };
    struct answering m = {
        .stores = s, .query = q, .filter = page_filter(s, q), .arena = a, .found = true};
    json_begin_array(&m.json, a);
    if (!views[q->view](&m)) {
        *problem = page_stores_problem(s, a);
        return false;
    }
    json_end(&m.json, ']');
    *out = json_str(&m.json);
    *found = m.found;
    return true;
}
