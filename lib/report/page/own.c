/* own.c - our own verdicts by day, as pages show them.
 *
 * Errors: false, and the reader of rows says why. */
#include "report/page/site.h"

struct adding {
    int64_t from;
    struct page_own_day *days;
};

static bool add_rows(void *adding, int64_t day, enum row_disposition disposition, uint64_t messages)
{
    struct adding *to = adding;
    enum page_verdict verdict = disposition == ROW_REJECT       ? OURS_REJECTED
                                : disposition == ROW_QUARANTINE ? OURS_QUARANTINED
                                                                : OURS_ACCEPTED;
    to->days[day - to->from].n[verdict] += messages;
    return true;
}

/* "none/accept", "at-rcpt/reject"; what was asked to come again is counted when it does. */
static bool add_tally(void *adding, int64_t day, struct str name, uint64_t messages)
{
    struct adding *to = adding;
    struct str action = str_sub(name, str_find_last(name, '/') + 1, name.n);
    if (str_eq(action, STR("tempfail")))
        return true;
    enum page_verdict verdict = str_eq(action, STR("reject"))       ? OURS_REJECTED
                                : str_eq(action, STR("quarantine")) ? OURS_QUARANTINED
                                                                    : OURS_ACCEPTED;
    to->days[day - to->from].n[verdict] += messages;
    return true;
}

bool page_read_own(const struct page_stores *s, const struct page_query *q, struct arena *a,
                   const struct page_own_day **out)
{
    struct adding to = {.from = q->from};
    *out = NULL;
    if (!s->rows)
        return true;
    size_t n = (size_t)(q->to - q->from + 1);
    to.days = arena_array(a, struct page_own_day, n);
    for (size_t i = 0; i < n; i++)
        to.days[i].day = q->from + (int64_t)i;
    *out = to.days;
    return rows_read_dispositions(s->rows, q->from, q->to, add_rows, &to) &&
           rows_read_tallies(s->rows, q->from, q->to, add_tally, &to);
}
