/* figures_single.c - failure reports, which are about single messages: sums by source and day, and
 * the reports.
 *
 * Errors: false, and the store has the reason. */
#include <stdlib.h>

#include "report/in/figures_scan.h"

/* --- Sums --------------------------------------------------------------------------------------*/

/* The sums so far; rows come in the order of sources and days. */
struct summing {
    struct arena *arena;
    size_t n, cap, days_cap;
    struct figures_failures *v;
};

static struct figures_failures *failures_of(struct summing *s, struct str source)
{
    if (s->n && str_eq(s->v[s->n - 1].source, source))
        return &s->v[s->n - 1];
    s->v = arena_extend(s->arena, s->v, s->n, &s->cap, sizeof *s->v);
    s->v[s->n] = (struct figures_failures){.source = str_copy(s->arena, source)};
    s->days_cap = 0;
    return &s->v[s->n++];
}

static void add_incidents(struct summing *s, struct str source, int64_t day, uint64_t incidents)
{
    struct figures_failures *f = failures_of(s, source);
    if (!f->n_days || f->last_day != day) {
        f->days = arena_extend(s->arena, f->days, f->n_days, &s->days_cap, sizeof *f->days);
        f->days[f->n_days++] = (struct figures_failure_day){.day = day};
    }
    f->days[f->n_days - 1].incidents += incidents;
    f->incidents += incidents;
    f->last_day = day;
}

static int by_incidents(const void *a, const void *b)
{
    const struct figures_failures *x = a, *y = b;
    return (x->incidents < y->incidents) - (x->incidents > y->incidents);
}

/* Parameters: 3 is the domain or an empty text, 4 the source or NULL. */
static struct sql *query_singles(struct received *r, const struct figures_filter *f,
                                 const char *text)
{
    struct sql *q = sql_prepare(&r->db, text);
    sql_bind(q, 3, f->domain.p ? f->domain : STR(""));
    sql_bind(q, 4, f->source.n ? f->source : STR_NONE);
    return q;
}

bool figures_failure_reports(struct received *r, const struct figures_filter *f, struct arena *a,
                             size_t *n, struct figures_failures **out)
{
    enum sql_step rc;
    struct summing s = {.arena = a};
    struct sql *q = query_singles(
        r, f,
        "SELECT source.name, day, incidents, domain.name FROM failures"
        " JOIN domain ON domain.id = failures.domain JOIN source ON source.id = failures.source"
        " WHERE day BETWEEN ?1 AND ?2 AND (?3 = '' OR domain.name = ?3)"
        " AND (?4 IS NULL OR source.name = ?4) ORDER BY 1, 2");
    sql_bind_number(q, 1, f->from_day);
    sql_bind_number(q, 2, f->to_day);
    while ((rc = sql_step(q)) == SQL_ROW)
        if (figures_is_ours(f, sql_text(q, 3)))
            add_incidents(&s, sql_text(q, 0), sql_number(q, 1), (uint64_t)sql_number(q, 2));
    if (s.n)
        qsort(s.v, s.n, sizeof *s.v, by_incidents);
    *n = s.n;
    *out = s.v;
    return sql_end(q, rc);
}

/* --- As they came ------------------------------------------------------------------------------*/

#define COLUMNS                                                                                    \
    "SELECT failure.id, received, arrival, reporter, domain, ip, failure.kind, alignment, result," \
    " dkim_domain, dkim_selector, header_from, envelope_from, subject, incidents, source.name"

#define ITS_SOURCE                                                                                 \
    " JOIN address ON address.id = failure.address JOIN source ON source.id = address.source"

#define WHEN "(" RECEIVED_COUNTS ")"

#define WANTED                                                                                     \
    " FROM failure WHERE " WHEN " BETWEEN ?1 AND ?2 AND (?3 = '' OR domain = ?3)"                  \
    " AND (?4 IS NULL OR failure.address IN (SELECT address.id FROM source"                        \
    " JOIN address ON address.source = source.id WHERE source.name = ?4))"                         \
    " ORDER BY " WHEN " DESC, failure.id DESC"

static void keep_texts(struct failure_report *f, struct arena *a)
{
    struct str *const texts[] = {
        &f->reporter,    &f->domain,        &f->kind,        &f->alignment,     &f->result,
        &f->dkim_domain, &f->dkim_selector, &f->header_from, &f->envelope_from, &f->subject};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = str_copy(a, *texts[i]);
}

/* Reads all rows of the statement. */
static bool read_singles(struct sql *q, struct arena *a, size_t *n, struct figures_single **out)
{
    enum sql_step rc;
    size_t cap = 0;
    *n = 0;
    *out = NULL;
    while ((rc = sql_step(q)) == SQL_ROW) {
        *out = arena_extend(a, *out, *n, &cap, sizeof **out);
        struct figures_single *one = &(*out)[(*n)++];
        *one = (struct figures_single){.id = sql_number(q, 0),
                                       .received = sql_number(q, 1),
                                       .source = str_copy(a, sql_text(q, 15))};
        received_read_failure(q, &one->report);
        keep_texts(&one->report, a);
    }
    return sql_end(q, rc);
}

static struct sql *query_newest(struct received *r, const struct figures_filter *f,
                                const char *text)
{
    struct sql *q = query_singles(r, f, text);
    sql_bind_number(q, 1, f->from_day * 86400);
    sql_bind_number(q, 2, f->to_day * 86400 + 86399);
    return q;
}

/* Which ones is found out before their texts are read: neither database then sorts, or skips, more
 * than numbers. */
bool figures_singles(struct received *r, const struct figures_filter *f, int64_t skip, size_t most,
                     struct arena *a, size_t *n, struct figures_single **out)
{
    struct sql *q =
        query_newest(r, f,
                     COLUMNS " FROM (SELECT failure.id AS one, " WHEN " AS moment" WANTED
                             " LIMIT ?5 OFFSET ?6) AS chosen CROSS JOIN failure" ITS_SOURCE
                             " WHERE failure.id = one ORDER BY moment DESC, one DESC");
    sql_bind_number(q, 5, (int64_t)most);
    sql_bind_number(q, 6, skip);
    return read_singles(q, a, n, out);
}

bool figures_each_single(struct received *r, const struct figures_filter *f,
                         figures_single_fn *each, void *context)
{
    enum sql_step rc;
    struct sql *q = query_newest(r, f, "SELECT failure.id, domain" WANTED);
    while ((rc = sql_step(q)) == SQL_ROW)
        if (!each(context, sql_number(q, 0), sql_text(q, 1)))
            break;
    return sql_end(q, rc);
}

bool figures_single(struct received *r, int64_t id, struct arena *a, size_t *n,
                    struct figures_single **out)
{
    struct sql *q =
        sql_prepare(&r->db, COLUMNS " FROM failure" ITS_SOURCE " WHERE failure.id = ?1");
    sql_bind_number(q, 1, id);
    return read_singles(q, a, n, out);
}
