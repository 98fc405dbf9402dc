/* alarms.c - compares a week with the four weeks before it.
 *
 * Errors: false, and the store has the reason. */
#include "report/in/alarms.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "report/in/figures_scan.h"

#define WEEK          7
#define BEFORE        28
#define DAY           86400
#define MESSAGES_MIN  10 /* less mail makes no alarm */
#define SILENCE_DAYS  3  /* yesterday's report may be under way */
#define FALL_PERCENT  5  /* of the pass rate, in points */
#define SELECTOR_FAIL 10 /* percent */
#define ALARMS_MAX    200

const char *alarm_word(enum alarm_kind kind)
{
    static const char *const words[ALARM_COUNT] = {"new-source", "pass-rate", "reporter-silent",
                                                   "selector-failing", "record-changed"};
    return words[kind];
}

struct watch {
    struct received *store;
    const struct figures_filter *filter;
    struct arena *arena;
    size_t n, cap;
    struct alarm *v;
    const struct figures_domain *domain; /* that is looked at */
    struct figures now, before;
};

static struct str alarm_safe(const struct watch *w, struct str text)
{
    return str_safe(w->arena, text, 100, true);
}

static void raise_alarm(struct watch *w, struct alarm alarm)
{
    if (w->n == ALARMS_MAX)
        return;
    alarm.domain = w->domain->name;
    w->v = arena_extend(w->arena, w->v, w->n, &w->cap, sizeof *w->v);
    w->v[w->n++] = alarm;
}

static struct str day_text(const struct watch *w, int64_t day)
{
    char text[16];
    time_t t = (time_t)(day * DAY);
    struct tm tm;
    if (!gmtime_r(&t, &tm) || !strftime(text, sizeof text, "%Y-%m-%d", &tm))
        return STR("?");
    return str_copy(w->arena, str_of(text));
}

/* --- Sources -----------------------------------------------------------------------------------*/

/* A source with a label is not new, and no source is new if the first reports have just come. */
static void look_at_sources(struct watch *w)
{
    int64_t from = w->filter->to_day - WEEK + 1;
    for (size_t i = 0; i < w->now.n_sources && figures_all(&w->before.counts); i++) {
        const struct figures_source *s = &w->now.sources[i];
        uint64_t pass = figures_all(&s->counts) - s->counts.fail;
        if (s->labelled || s->class == CLASS_OWN || s->first_day < from || pass < MESSAGES_MIN)
            continue;
        struct str name = alarm_safe(w, s->name);
        raise_alarm(
            w, (struct alarm){
                   .kind = ALARM_NEW_SOURCE,
                   .grave = s->counts.both + s->counts.spf > 0,
                   .about = s->name,
                   .day = s->first_day,
                   .text = str_printf(w->arena,
                                      "%.*s, not seen before %.*s, sends mail that passes: %" PRIu64
                                      " messages. If it may, say so: assay report label %.*s "
                                      "approved",
                                      STR_ARG(name), STR_ARG(day_text(w, s->first_day)), pass,
                                      STR_ARG(name))});
    }
}

/* --- Pass rate ---------------------------------------------------------------------------------*/

/* Counts only mail of own and approved sources, because the amount of forged mail varies. */
static void legitimate(const struct figures *f, uint64_t *all, uint64_t *pass)
{
    *all = *pass = 0;
    for (size_t i = 0; i < f->n_sources; i++) {
        const struct figures_source *s = &f->sources[i];
        if (s->class != CLASS_OWN && s->class != CLASS_APPROVED)
            continue;
        *all += figures_all(&s->counts);
        *pass += figures_all(&s->counts) - s->counts.fail;
    }
}

static void look_at_rate(struct watch *w)
{
    uint64_t all, pass, all_before, pass_before;
    legitimate(&w->now, &all, &pass);
    legitimate(&w->before, &all_before, &pass_before);
    if (all < MESSAGES_MIN || all_before < MESSAGES_MIN)
        return;
    uint64_t rate = pass * 1000 / all, rate_before = pass_before * 1000 / all_before;
    if (rate + FALL_PERCENT * 10 > rate_before)
        return;
    raise_alarm(w, (struct alarm){
                       .kind = ALARM_PASS_RATE,
                       .grave = true,
                       .day = w->filter->to_day - WEEK + 1,
                       .text = str_printf(w->arena,
                                          "Of own and approved mail %" PRIu64 ".%" PRIu64
                                          " %% passed in the last week, %" PRIu64 ".%" PRIu64
                                          " %% before. See: assay report failures --domain %.*s",
                                          rate / 10, rate % 10, rate_before / 10, rate_before % 10,
                                          STR_ARG(alarm_safe(w, w->domain->name)))});
}

/* --- Silence -----------------------------------------------------------------------------------*/

/* Reporters that reported on most days of the weeks before, and then stopped. */
static bool look_at_silence(struct watch *w)
{
    enum sql_step rc;
    int64_t to = w->filter->to_day;
    struct sql *q = sql_prepare(
        &w->store->db,
        "SELECT reporter.name, count(DISTINCT day), max(day) FROM report JOIN reporter"
        " ON reporter.id = report.reporter WHERE domain = ?1 AND day BETWEEN ?2 AND ?3"
        " AND trust >= ?4 GROUP BY reporter.id HAVING max(day) < ?5 AND count(DISTINCT day) >= 15");
    sql_bind_number(q, 1, w->domain->id);
    sql_bind_number(q, 2, to - BEFORE - WEEK + 1);
    sql_bind_number(q, 3, to);
    sql_bind_number(q, 4, w->filter->all_trust ? TRUST_NONE : TRUST_COUNTED);
    sql_bind_number(q, 5, to - SILENCE_DAYS);
    while ((rc = sql_step(q)) == SQL_ROW) {
        struct str name = str_copy(w->arena, sql_text(q, 0));
        int64_t last = sql_number(q, 2);
        raise_alarm(w,
                    (struct alarm){.kind = ALARM_SILENCE,
                                   .about = name,
                                   .day = last + 1,
                                   .text = str_printf(w->arena, "%.*s has not reported since %.*s.",
                                                      STR_ARG(alarm_safe(w, name)),
                                                      STR_ARG(day_text(w, last)))});
    }
    return sql_end(q, rc);
}

/* --- Selectors ---------------------------------------------------------------------------------*/

/* A row of look_at_selectors(). Forwarders break some signatures every day, so only a selector with
 * much more broken signatures than before makes an alarm. */
static void judge_selector(struct watch *w, struct sql *q)
{
    int64_t good = sql_number(q, 2), bad = sql_number(q, 3);
    int64_t good_before = sql_number(q, 4), bad_before = sql_number(q, 5);
    int64_t all = good + bad, before = good_before + bad_before;
    if (bad < MESSAGES_MIN || bad * 100 < all * SELECTOR_FAIL ||
        (before && bad * before < 2 * bad_before * all))
        return;
    struct str domain = str_copy(w->arena, sql_text(q, 0));
    struct str selector = str_copy(w->arena, sql_text(q, 1));
    raise_alarm(w, (struct alarm){.kind = ALARM_SELECTOR,
                                  .grave = bad * 2 > all,
                                  .about = selector,
                                  .day = sql_number(q, 6),
                                  .text = str_printf(
                                      w->arena,
                                      "Of the signatures with selector %.*s of %.*s %" PRId64
                                      " of %" PRId64 " fail. Is its key published? assay dkim test",
                                      STR_ARG(alarm_safe(w, selector)),
                                      STR_ARG(alarm_safe(w, domain)), bad, all)});
}

static bool look_at_selectors(struct watch *w)
{
    enum sql_step rc;
    int64_t to = w->filter->to_day;
    struct sql *q = sql_prepare(
        &w->store->db,
        "SELECT selector.domain, selector, sum(CASE WHEN day > ?3 THEN good END),"
        " sum(CASE WHEN day > ?3 THEN bad END), sum(CASE WHEN day <= ?3 THEN good END),"
        " sum(CASE WHEN day <= ?3 THEN bad END), min(CASE WHEN bad > 0 AND day > ?3 THEN day END)"
        " FROM report JOIN selector ON selector.report = report.id WHERE report.domain = ?1"
        " AND day BETWEEN ?2 AND ?4 AND trust >= ?5 GROUP BY 1, 2");
    sql_bind_number(q, 1, w->domain->id);
    sql_bind_number(q, 2, to - BEFORE - WEEK + 1);
    sql_bind_number(q, 3, to - WEEK);
    sql_bind_number(q, 4, to);
    sql_bind_number(q, 5, w->filter->all_trust ? TRUST_NONE : TRUST_COUNTED);
    while ((rc = sql_step(q)) == SQL_ROW)
        judge_selector(w, q);
    return sql_end(q, rc);
}

/* --- The record --------------------------------------------------------------------------------*/

static struct str or_else(struct str text, struct str otherwise)
{
    return text.n ? text : otherwise;
}

/* Only the tags that change what is done with mail: reporters differ in how they write the others.
 */
static struct str policy_text(const struct watch *w, struct str packed)
{
    struct aggregate_policy p = {0};
    received_unpack_policy(packed, &p);
    struct str own = or_else(p.p, STR("?"));
    return str_printf(w->arena, "p=%.*s; sp=%.*s; adkim=%.*s; aspf=%.*s",
                      STR_ARG(alarm_safe(w, own)), STR_ARG(alarm_safe(w, or_else(p.sp, own))),
                      STR_ARG(alarm_safe(w, or_else(p.adkim, STR("r")))),
                      STR_ARG(alarm_safe(w, or_else(p.aspf, STR("r")))));
}

/* The policy that most reports of this time name: a single reporter may have a wrong one. */
static bool policy_of_time(struct watch *w, int64_t from, int64_t to, struct str *policy,
                           int64_t *first)
{
    enum sql_step rc;
    struct sql *q =
        sql_prepare(&w->store->db, "SELECT policy, min(day) FROM report WHERE domain = ?1"
                                   " AND day BETWEEN ?2 AND ?3 AND trust >= ?4 GROUP BY policy"
                                   " ORDER BY count(*) DESC LIMIT 1");
    sql_bind_number(q, 1, w->domain->id);
    sql_bind_number(q, 2, from);
    sql_bind_number(q, 3, to);
    sql_bind_number(q, 4, w->filter->all_trust ? TRUST_NONE : TRUST_COUNTED);
    while ((rc = sql_step(q)) == SQL_ROW) {
        *policy = policy_text(w, sql_text(q, 0));
        *first = sql_number(q, 1);
    }
    return sql_end(q, rc);
}

static bool look_at_record(struct watch *w)
{
    struct str now = STR(""), before = STR("");
    int64_t to = w->filter->to_day, first = 0, unused;
    if (!policy_of_time(w, to - SILENCE_DAYS, to, &now, &first) ||
        !policy_of_time(w, to - BEFORE - WEEK, to - SILENCE_DAYS - 1, &before, &unused))
        return false;
    if (!now.n || !before.n || str_eq(now, before))
        return true;
    raise_alarm(
        w, (struct alarm){.kind = ALARM_RECORD,
                          .day = first,
                          .text = str_printf(w->arena,
                                             "Reporters see another record now: %.*s, was %.*s. If "
                                             "nobody changed it, look at the DNS.",
                                             STR_ARG(now), STR_ARG(before))});
    return true;
}

/* --- The whole ---------------------------------------------------------------------------------*/

static bool look_at_domain(struct watch *w)
{
    struct figures_filter f = *w->filter;
    f.domain = w->domain->name;
    f.from_day = f.to_day - WEEK + 1;
    if (!figures_read(w->store, &f, w->arena, &w->now))
        return false;
    f.to_day = f.from_day - 1;
    f.from_day = f.to_day - BEFORE + 1;
    if (!figures_read(w->store, &f, w->arena, &w->before))
        return false;
    look_at_sources(w);
    look_at_rate(w);
    return look_at_silence(w) && look_at_selectors(w) && look_at_record(w);
}

static int by_weight(const void *a, const void *b)
{
    const struct alarm *x = a, *y = b;
    int order = (int)y->grave - (int)x->grave;
    return order ? order : (x->day < y->day) - (x->day > y->day);
}

bool alarms_read(struct received *r, const struct figures_filter *f, struct arena *a, size_t *n,
                 struct alarm **out)
{
    struct watch w = {.store = r, .filter = f, .arena = a};
    struct figures_filter days = *f;
    struct figures domains;
    days.from_day = days.to_day - BEFORE - WEEK + 1;
    bool good = figures_read(r, &days, a, &domains);
    for (size_t i = 0; good && i < domains.n_domains; i++) {
        w.domain = &domains.domains[i];
        if (w.domain->ours && w.domain->reports)
            good = look_at_domain(&w);
    }
    if (w.n)
        qsort(w.v, w.n, sizeof *w.v, by_weight);
    *n = w.n;
    *out = w.v;
    return good;
}
