/* figures.c - reads the daily sums once, and adds up all figures on the way.
 *
 * Errors: false, and the store has the reason. */
#include "report/in/figures.h"

#include <stdlib.h>
#include <string.h>

#include "report/in/figures_scan.h"

#define DAYS_MAX 40000

/* --- One sum -----------------------------------------------------------------------------------*/

bool figures_wants(enum figures_result wanted, const struct outcome *o)
{
    bool pass = outcome_passes(o);
    switch (wanted) {
    case RESULT_PASS:
        return pass;
    case RESULT_FAIL:
        return !pass;
    case RESULT_BOTH:
        return o->dkim && o->spf;
    case RESULT_DKIM:
        return o->dkim && !o->spf;
    case RESULT_SPF:
        return o->spf && !o->dkim;
    case RESULT_QUARANTINED:
        return o->disposition == AGGREGATE_QUARANTINE;
    case RESULT_REJECTED:
        return o->disposition == AGGREGATE_REJECT;
    case RESULT_ANY:
    case RESULT_COUNT:
        break;
    }
    return true;
}

void figures_count(struct figures_counts *c, const struct outcome *o, uint64_t messages)
{
    *(o->dkim && o->spf ? &c->both : o->dkim ? &c->dkim : o->spf ? &c->spf : &c->fail) += messages;
    if (o->disposition == AGGREGATE_QUARANTINE)
        c->quarantined += messages;
    if (o->disposition == AGGREGATE_REJECT)
        c->rejected += messages;
    if (o->overridden && !outcome_passes(o))
        c->overridden += messages;
}

static void count_causes(uint64_t causes[CAUSE_COUNT], const struct outcome *o, uint64_t messages)
{
    static const enum figures_cause of_dkim[] = {
        CAUSE_COUNT, CAUSE_NO_SIGNATURE, CAUSE_BROKEN_SIGNATURE, CAUSE_OTHER_SIGNER, CAUSE_STRICT};
    static const enum figures_cause of_spf[] = {CAUSE_COUNT, CAUSE_SPF_FAILS, CAUSE_SPF_OTHER,
                                                CAUSE_STRICT};
    enum figures_cause dkim = of_dkim[o->dkim_cause], spf = of_spf[o->spf_cause];
    if (outcome_passes(o))
        return;
    if (dkim < CAUSE_COUNT)
        causes[dkim] += messages;
    if (spf < CAUSE_COUNT && spf != dkim)
        causes[spf] += messages;
}

/* --- The scan ----------------------------------------------------------------------------------*/

/* Numbers of sources and reporters are small and without large gaps. */
struct scan {
    struct received *store;
    const struct figures_filter *filter;
    struct arena *arena;
    struct figures *out;
    size_t max_source, max_reporter;
    struct figures_source **sources; /* by number; NULL: not seen */
    struct figures_reporter **reporters;
    int64_t only_source, only_reporter; /* 0: all; -1: the wanted one does not exist */
};

static struct figures_source *source_at(struct scan *s, int64_t id)
{
    if (id <= 0 || (size_t)id > s->max_source)
        return NULL;
    if (!s->sources[id]) {
        s->sources[id] = arena_make(s->arena, struct figures_source);
        s->sources[id]->id = id;
        s->out->n_sources++;
    }
    return s->sources[id];
}

static struct figures_reporter *reporter_at(struct scan *s, int64_t id)
{
    if (id <= 0 || (size_t)id > s->max_reporter)
        return NULL;
    if (!s->reporters[id]) {
        s->reporters[id] = arena_make(s->arena, struct figures_reporter);
        s->reporters[id]->id = id;
        s->out->n_reporters++;
    }
    return s->reporters[id];
}

static void add_sum(struct scan *s, struct figures_domain *domain, int64_t day, int64_t reporter,
                    const struct received_cell *cell)
{
    const struct figures_filter *f = s->filter;
    const struct outcome o = outcome_unpack(cell->outcome);
    uint64_t messages = (uint64_t)cell->messages;
    bool trusted = f->all_trust || cell->outcome >> OUTCOME_TRUST_SHIFT >= TRUST_COUNTED;
    if (!trusted || !figures_wants(f->result, &o) ||
        (s->only_source && s->only_source != cell->source))
        return;
    struct figures_source *from = source_at(s, cell->source);
    struct figures_reporter *by = reporter_at(s, reporter);
    figures_count(&s->out->counts, &o, messages);
    figures_count(&s->out->days[day - f->from_day].counts, &o, messages);
    figures_count(&domain->counts, &o, messages);
    count_causes(s->out->causes, &o, messages);
    if (from) {
        figures_count(&from->counts, &o, messages);
        from->kinds[o.kind] += messages;
        count_causes(from->causes, &o, messages);
    }
    if (by)
        figures_count(&by->counts, &o, messages);
}

static void add_cells(struct scan *s, struct figures_domain *domain, int64_t day, int64_t reporter,
                      struct str cells)
{
    if (s->only_reporter && s->only_reporter != reporter)
        return;
    for (size_t at = 0; at + RECEIVED_CELL <= cells.n; at += RECEIVED_CELL) {
        const struct received_cell cell = received_cell_at(cells.p + at);
        if (cell.messages > 0)
            add_sum(s, domain, day, reporter, &cell);
    }
}

/* The table is in the order of domains, so one domain after the other is read. */
static bool scan_domain(struct scan *s, struct figures_domain *domain)
{
    enum sql_step rc;
    struct sql *q = sql_prepare(&s->store->db, "SELECT day, reporter, cells FROM daily"
                                               " WHERE domain = ?1 AND day BETWEEN ?2"
                                               " AND ?3");
    sql_bind_number(q, 1, domain->id);
    sql_bind_number(q, 2, s->filter->from_day);
    sql_bind_number(q, 3, s->filter->to_day);
    while ((rc = sql_step(q)) == SQL_ROW)
        add_cells(s, domain, sql_number(q, 0), sql_number(q, 1), sql_text(q, 2));
    return sql_end(q, rc);
}

static int64_t number_of(struct received *r, const char *sql, struct str name)
{
    struct sql *q = sql_prepare(&r->db, sql);
    sql_bind(q, 1, name);
    int64_t id = sql_step(q) == SQL_ROW ? sql_number(q, 0) : -1;
    sql_end(q, SQL_DONE);
    return id;
}

static void begin_scan(struct scan *s)
{
    struct received *r = s->store;
    const struct figures_filter *f = s->filter;
    int64_t sources = database_number(&r->db, "SELECT max(id) FROM source", 0);
    int64_t reporters = database_number(&r->db, "SELECT max(id) FROM reporter", 0);
    s->max_source = sources > 0 ? (size_t)sources : 0;
    s->max_reporter = reporters > 0 ? (size_t)reporters : 0;
    s->sources = arena_array(s->arena, struct figures_source *, s->max_source + 1);
    s->reporters = arena_array(s->arena, struct figures_reporter *, s->max_reporter + 1);
    if (f->source.n)
        s->only_source = number_of(r, "SELECT id FROM source WHERE name = ?1", f->source);
    if (f->reporter.p)
        s->only_reporter = number_of(r, "SELECT id FROM reporter WHERE name = ?1", f->reporter);
    s->out->n_days = (size_t)(f->to_day - f->from_day + 1);
    s->out->days = arena_array(s->arena, struct figures_day, s->out->n_days);
    for (size_t i = 0; i < s->out->n_days; i++)
        s->out->days[i].day = f->from_day + (int64_t)i;
}

/* --- Domains -----------------------------------------------------------------------------------*/

static bool is_wanted(const struct figures_filter *f, struct str name, bool *ours)
{
    *ours = conf_has_domain(f->owner.domains, name) || f->owner.domains->all;
    return !f->domain.n || str_eq(f->domain, name);
}

static bool read_domains(struct scan *s)
{
    enum sql_step rc;
    size_t cap = 0;
    struct figures *out = s->out;
    struct sql *q = sql_prepare(
        &s->store->db, "SELECT id, name, (SELECT count(*) FROM report WHERE report.domain ="
                       " domain.id AND day BETWEEN ?1 AND ?2), (SELECT policy FROM report WHERE"
                       " report.domain = domain.id AND trust >= ?3 ORDER BY day DESC LIMIT 1)"
                       " FROM domain ORDER BY name");
    sql_bind_number(q, 1, s->filter->from_day);
    sql_bind_number(q, 2, s->filter->to_day);
    sql_bind_number(q, 3, s->filter->all_trust ? TRUST_NONE : TRUST_COUNTED);
    while ((rc = sql_step(q)) == SQL_ROW) {
        bool ours;
        struct aggregate_policy policy = {0};
        struct str name = sql_text(q, 1);
        if (!is_wanted(s->filter, name, &ours))
            continue;
        out->domains =
            arena_extend(s->arena, out->domains, out->n_domains, &cap, sizeof *out->domains);
        received_unpack_policy(sql_text(q, 3), &policy);
        out->domains[out->n_domains++] = (struct figures_domain){
            .id = sql_number(q, 0),
            .name = str_copy(s->arena, name),
            .ours = ours,
            .reports = (uint64_t)sql_number(q, 2),
            .p = str_copy(s->arena, policy.p),
            .sp = str_copy(s->arena, policy.sp),
        };
    }
    return sql_end(q, rc);
}

/* --- Order -------------------------------------------------------------------------------------*/

static int more_first(uint64_t a, uint64_t b)
{
    return (a < b) - (a > b);
}

static int by_source(const void *a, const void *b)
{
    const struct figures_source *x = a, *y = b;
    int order = more_first(figures_all(&x->counts), figures_all(&y->counts));
    return order ? order : (x->id > y->id) - (x->id < y->id);
}

static int by_reporter(const void *a, const void *b)
{
    const struct figures_reporter *x = a, *y = b;
    int order = more_first(figures_all(&x->counts), figures_all(&y->counts));
    return order ? order : (x->id > y->id) - (x->id < y->id);
}

static int by_domain(const void *a, const void *b)
{
    const struct figures_domain *x = a, *y = b;
    if (x->ours != y->ours)
        return y->ours - x->ours;
    int order = more_first(figures_all(&x->counts), figures_all(&y->counts));
    return order ? order : str_cmp_nocase(x->name, y->name);
}

static void collect(struct scan *s)
{
    struct figures *out = s->out;
    size_t n = 0;
    out->sources = arena_array(s->arena, struct figures_source, out->n_sources);
    for (size_t i = 0; i <= s->max_source; i++)
        if (s->sources[i])
            out->sources[n++] = *s->sources[i];
    n = 0;
    out->reporters = arena_array(s->arena, struct figures_reporter, out->n_reporters);
    for (size_t i = 0; i <= s->max_reporter; i++)
        if (s->reporters[i])
            out->reporters[n++] = *s->reporters[i];
    if (out->n_sources)
        qsort(out->sources, out->n_sources, sizeof *out->sources, by_source);
    if (out->n_domains)
        qsort(out->domains, out->n_domains, sizeof *out->domains, by_domain);
}

/* --- Reporters ---------------------------------------------------------------------------------*/

static void add_reporter(struct scan *s, struct sql *q)
{
    struct figures_reporter *r = reporter_at(s, sql_number(q, 0));
    if (!r || (s->only_reporter && s->only_reporter != r->id))
        return;
    int64_t first = sql_number(q, 2), last = sql_number(q, 3);
    r->reports += (uint64_t)sql_number(q, 1);
    if (!r->first_day || first < r->first_day)
        r->first_day = first;
    if (last > r->last_day)
        r->last_day = last;
    r->others += (uint64_t)sql_number(q, 5);
    if (sql_number(q, 6) > r->other_report)
        r->other_report = sql_number(q, 6);
    int64_t over = s->filter->to_day - (s->filter->to_day == s->filter->today);
    int64_t days = over - first + 1, with = sql_number(q, 4);
    r->missing = days > with ? (uint64_t)(days - with) : 0;
}

/* Counts reports without rows, too. */
static bool read_reporters(struct scan *s, const struct figures_domain *domain)
{
    enum sql_step rc;
    struct sql *q = sql_prepare(
        &s->store->db, "SELECT reporter, count(*), min(day), max(day), count(DISTINCT day),"
                       " sum(other), max(CASE WHEN other = 1 THEN id ELSE 0 END)"
                       " FROM report WHERE domain = ?1 AND day BETWEEN ?2 AND ?3 AND trust >= ?4"
                       " GROUP BY reporter");
    sql_bind_number(q, 1, domain->id);
    sql_bind_number(q, 2, s->filter->from_day);
    sql_bind_number(q, 3, s->filter->to_day);
    sql_bind_number(q, 4, s->filter->all_trust ? TRUST_NONE : TRUST_COUNTED);
    while ((rc = sql_step(q)) == SQL_ROW)
        if (!s->only_reporter || s->only_reporter == sql_number(q, 0))
            add_reporter(s, q);
    return sql_end(q, rc);
}

static bool name_others(struct scan *s)
{
    struct figures *out = s->out;
    struct sql *q = sql_prepare(&s->store->db, "SELECT author FROM report WHERE id = ?1");
    for (size_t i = 0; q && i < out->n_reporters; i++) {
        if (!out->reporters[i].others)
            continue;
        sql_bind_number(q, 1, out->reporters[i].other_report);
        if (sql_step(q) == SQL_ROW)
            out->reporters[i].other = str_copy(s->arena, sql_text(q, 0));
        sql_reset(q);
    }
    return sql_end(q, SQL_DONE);
}

static bool name_reporters(struct scan *s)
{
    struct figures *out = s->out;
    struct sql *q = sql_prepare(&s->store->db, "SELECT name FROM reporter WHERE id = ?1");
    for (size_t i = 0; q && i < out->n_reporters; i++) {
        sql_bind_number(q, 1, out->reporters[i].id);
        if (sql_step(q) == SQL_ROW)
            out->reporters[i].name = str_copy(s->arena, sql_text(q, 0));
        sql_reset(q);
    }
    if (out->n_reporters)
        qsort(out->reporters, out->n_reporters, sizeof *out->reporters, by_reporter);
    return sql_end(q, SQL_DONE);
}

/* --- The whole ---------------------------------------------------------------------------------*/

static bool scan_all(struct scan *s)
{
    struct figures *out = s->out;
    if (!read_domains(s))
        return false;
    for (size_t i = 0; i < out->n_domains; i++)
        if (out->domains[i].ours &&
            (!scan_domain(s, &out->domains[i]) || !read_reporters(s, &out->domains[i])))
            return false;
    collect(s);
    return name_reporters(s) && name_others(s) &&
           figures_name_sources(s->store, s->filter, s->arena, out->sources, out->n_sources);
}

bool figures_read(struct received *r, const struct figures_filter *f, struct arena *a,
                  struct figures *out)
{
    *out = (struct figures){0};
    struct scan s = {.store = r, .filter = f, .arena = a, .out = out};
    if (f->to_day < f->from_day || f->to_day - f->from_day > DAYS_MAX)
        return true;
    begin_scan(&s);
    return scan_all(&s);
}
