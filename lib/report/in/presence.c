/* presence.c - days with a report, by reporter.
 *
 * Errors: false, and the store has the reason. */
#include "report/in/presence.h"

#include <stdlib.h>

#include "report/in/figures_scan.h"

/* The place of a reporter in the figures. */
struct place {
    int64_t id;
    size_t at;
};

static int by_id(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static const struct place *find_place(const struct place *v, size_t n, int64_t id)
{
    const struct place key = {.id = id};
    return n ? bsearch(&key, v, n, sizeof *v, by_id) : NULL;
}

static bool mark_days(struct received *r, const struct figures_filter *f, int64_t domain,
                      const struct place *places, size_t n, bool **days)
{
    enum sql_step rc;
    struct sql *q = sql_prepare(&r->db, "SELECT DISTINCT reporter, day FROM report WHERE"
                                        " domain = ?1 AND day BETWEEN ?2 AND ?3"
                                        " AND trust >= ?4");
    sql_bind_number(q, 1, domain);
    sql_bind_number(q, 2, f->from_day);
    sql_bind_number(q, 3, f->to_day);
    sql_bind_number(q, 4, f->all_trust ? TRUST_NONE : TRUST_COUNTED);
    while ((rc = sql_step(q)) == SQL_ROW) {
        const struct place *place = find_place(places, n, sql_number(q, 0));
        if (place)
            days[place->at][sql_number(q, 1) - f->from_day] = true;
    }
    return sql_end(q, rc);
}

bool presence_read(struct received *r, const struct figures_filter *f,
                   const struct figures *figures, struct arena *a, const bool *const **out)
{
    size_t n = figures->n_reporters;
    struct place *places = arena_array(a, struct place, n);
    bool **days = arena_array(a, bool *, n);
    for (size_t i = 0; i < n; i++) {
        places[i] = (struct place){figures->reporters[i].id, i};
        days[i] = arena_array(a, bool, figures->n_days);
    }
    if (n)
        qsort(places, n, sizeof *places, by_id);
    for (size_t i = 0; i < figures->n_domains; i++)
        if (figures->domains[i].ours && !mark_days(r, f, figures->domains[i].id, places, n, days))
            return false;
    *out = (const bool *const *)days;
    return true;
}
