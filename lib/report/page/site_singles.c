/* site_singles.c - the pages of what is no aggregate report: failure reports and TLS reports.
 *
 * Errors: false, and the store says why. */
#include <stdlib.h>

#include "report/page/making.h"

/* --- Failure reports ---------------------------------------------------------------------------*/

bool page_make_singles(struct page_making *m)
{
    const struct figures_filter f = page_filter(m->stores, m->query);
    struct received *r = m->stores->received;
    struct page_singles s = {0};
    struct figures_failures *sums = NULL;
    struct figures_single *v = NULL;
    if (r && (!figures_failure_reports(r, &f, m->arena, &s.n_sources, &sums) ||
              !figures_singles(r, &f, m->query->start, PAGE_REPORTS_MAX + 1, m->arena, &s.n, &v)))
        return false;
    s.more = s.n > PAGE_REPORTS_MAX;
    s.n -= s.more;
    s.sources = sums;
    s.v = v;
    page_view_singles(&m->page, &s);
    return true;
}

bool page_make_single(struct page_making *m)
{
    struct figures_single *v = NULL;
    size_t n = 0;
    if (m->stores->received && !figures_single(m->stores->received, m->query->id, m->arena, &n, &v))
        return false;
    m->found = n > 0;
    page_view_single(&m->page, n ? v : NULL);
    return true;
}

/* --- TLS reports -------------------------------------------------------------------------------*/

#define POLICIES_MAX  500 /* that are told apart; those of further domains count for the last */
#define REPORTERS_MAX 1000
#define SESSIONS_MAX  INT64_C(1000000000000) /* of a policy in a report, as the reader has it */

struct tls_making {
    struct page_making *making;
    struct page_tls out;
    struct page_tls_day *days;
    struct page_tls_policy *policies;
    struct page_tls_report *reports;
    struct str *reporters;
    size_t policies_cap, reporters_cap;
    int64_t skip;
};

static uint64_t sessions_of(int64_t n)
{
    return (uint64_t)(n < 0 ? 0 : n > SESSIONS_MAX ? SESSIONS_MAX : n);
}

/* The middle of the period, if it is believed. */
static int64_t day_of_tls(const struct tlsrpt *r, int64_t received)
{
    int64_t end = received_believed_end(r->end, received);
    bool begins = r->begin > 0 && r->begin < end;
    return (begins ? r->begin + (end - r->begin) / 2 : end) / 86400;
}

bool page_wants_tls(const struct page_query *q, const struct tlsrpt *r, int64_t received)
{
    int64_t day = day_of_tls(r, received);
    return day >= q->from && day <= q->to &&
           (!q->reporter.n || str_eq(q->reporter, r->organization));
}

static void count_reporter(struct tls_making *t, struct str name)
{
    size_t n = t->out.n_reporters;
    for (size_t i = 0; i < n; i++)
        if (str_eq(t->reporters[i], name))
            return;
    if (n == REPORTERS_MAX)
        return;
    t->reporters =
        arena_extend(t->making->arena, t->reporters, n, &t->reporters_cap, sizeof *t->reporters);
    t->reporters[t->out.n_reporters++] = str_copy(t->making->arena, name);
}

static struct page_tls_policy *policy_at(struct tls_making *t, const struct tlsrpt_policy *p)
{
    struct arena *a = t->making->arena;
    size_t n = t->out.n_policies;
    for (size_t i = 0; i < n; i++)
        if (str_eq(t->policies[i].domain, p->domain) && str_eq(t->policies[i].type, p->type))
            return &t->policies[i];
    if (n == POLICIES_MAX)
        return &t->policies[n - 1];
    t->policies = arena_extend(a, t->policies, n, &t->policies_cap, sizeof *t->policies);
    t->policies[n] =
        (struct page_tls_policy){.domain = str_copy(a, p->domain), .type = str_copy(a, p->type)};
    t->out.n_policies++;
    return &t->policies[n];
}

static void count_tls(struct tls_making *t, const struct tlsrpt *r, int64_t received)
{
    struct page_tls_day *day = &t->days[day_of_tls(r, received) - t->making->query->from];
    t->out.reports++;
    count_reporter(t, r->organization);
    for (size_t i = 0; i < r->n; i++) {
        struct page_tls_policy *policy = policy_at(t, &r->policies[i]);
        uint64_t good = sessions_of(r->policies[i].successes);
        uint64_t failed = sessions_of(r->policies[i].failures);
        policy->reports++;
        policy->good += good;
        policy->failed += failed;
        day->good += good;
        day->failed += failed;
    }
}

static struct str domains_of(const struct tlsrpt *r, struct arena *a)
{
    struct strbuf b;
    sb_init(&b, a);
    for (size_t i = 0; i < r->n && i < 3; i++) {
        sb_add(&b, i ? STR(", ") : STR(""));
        sb_add(&b, r->policies[i].domain);
    }
    if (r->n > 3)
        sb_printf(&b, " and %zu more", r->n - 3);
    return sb_str(&b);
}

static void show_tls(struct tls_making *t, const struct tlsrpt *r)
{
    struct arena *a = t->making->arena;
    if (t->skip-- > 0)
        return;
    t->out.more = t->out.n == PAGE_REPORTS_MAX;
    if (t->out.more)
        return;
    struct page_tls_report *to = &t->reports[t->out.n++];
    *to = (struct page_tls_report){.organization = str_copy(a, r->organization),
                                   .report_id = str_copy(a, r->report_id),
                                   .domains = domains_of(r, a),
                                   .begin = r->begin};
    for (size_t i = 0; i < r->n; i++) {
        to->good += sessions_of(r->policies[i].successes);
        to->failed += sessions_of(r->policies[i].failures);
    }
}

static bool take_tls(void *making, const struct tlsrpt *r, const unsigned char *digest,
                     int64_t received)
{
    struct tls_making *t = making;
    (void)digest;
    if (page_wants_tls(t->making->query, r, received)) {
        count_tls(t, r, received);
        show_tls(t, r);
    }
    return true;
}

static int by_failed(const void *a, const void *b)
{
    const struct page_tls_policy *x = a, *y = b;
    uint64_t mine = x->failed == y->failed ? x->good : x->failed;
    uint64_t other = x->failed == y->failed ? y->good : y->failed;
    return (mine < other) - (mine > other);
}

bool page_make_tls(struct page_making *m)
{
    const struct received_wanted wanted = {.domain = m->query->domain,
                                           .since = m->query->from * 86400};
    struct tls_making t = {.making = m, .skip = m->query->start};
    t.out.n_days = (size_t)(m->query->to - m->query->from + 1);
    t.days = arena_array(m->arena, struct page_tls_day, t.out.n_days);
    t.reports = arena_array(m->arena, struct page_tls_report, PAGE_REPORTS_MAX);
    for (size_t i = 0; i < t.out.n_days; i++)
        t.days[i].day = m->query->from + (int64_t)i;
    if (m->stores->received && !received_each_tls(m->stores->received, &wanted, take_tls, &t))
        return false;
    if (t.out.n_policies)
        qsort(t.policies, t.out.n_policies, sizeof *t.policies, by_failed);
    t.out.days = t.days;
    t.out.policies = t.policies;
    t.out.v = t.reports;
    page_view_tls(&m->page, &t.out);
    return true;
}
