/* own.c - this host's own verdicts by day, and the reports that it sent, as pages show them.
 *
 * Errors: false, and the store has the reason. */
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

/* "none/accept", "at-rcpt/reject"; a message that was asked to come again is counted when it comes
 * again. */
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

/* --- What we sent ------------------------------------------------------------------------------*/

struct listing {
    struct arena *arena;
    int64_t to;
    size_t n, cap;
    struct page_sent *v;
};

static bool list_sent(void *listing, const struct sent_report *r, const struct sent_mail *mail)
{
    struct listing *l = listing;
    if (r->day > l->to)
        return true;
    l->v = arena_extend(l->arena, l->v, l->n, &l->cap, sizeof *l->v);
    l->v[l->n++] = (struct page_sent){
        .day = r->day,
        .domain = str_copy(l->arena, r->domain),
        .destination = str_copy(l->arena, !mail             ? STR("")
                                          : mail->address.n ? mail->address
                                                            : mail->uri),
        .state = str_of(sent_state_name(mail ? mail->state : r->state)),
        .note = str_copy(l->arena, mail ? mail->note : STR("")),
        .messages = r->messages,
    };
    return true;
}

/* They come in the order of days: the last ones are the newest. */
bool page_read_sent(const struct page_stores *s, const struct page_query *q, struct arena *a,
                    size_t *n, const struct page_sent **out)
{
    struct listing l = {.arena = a, .to = q->to};
    if (s->sent && !sent_read(s->sent, false, q->from, list_sent, &l))
        return false;
    *n = l.n < PAGE_SENT_MAX ? l.n : PAGE_SENT_MAX;
    struct page_sent *newest = arena_array(a, struct page_sent, *n);
    for (size_t i = 0; i < *n; i++)
        newest[i] = l.v[l.n - 1 - i];
    *out = newest;
    return true;
}

struct counting {
    int64_t day, report;
    struct page_sent_day *out;
};

static bool count_sent(void *counting, const struct sent_report *r, const struct sent_mail *mail)
{
    struct counting *c = counting;
    if (r->day != c->day)
        return true;
    c->out->reports += r->id != c->report;
    c->report = r->id;
    c->out->mails += mail && mail->state == SENT_DONE;
    c->out->failed += mail && mail->state == SENT_FAILED;
    return true;
}

bool page_read_sent_day(const struct page_stores *s, int64_t day, struct page_sent_day *out)
{
    struct counting c = {.day = day, .out = out};
    *out = (struct page_sent_day){0};
    return !s->sent || sent_read(s->sent, false, day, count_sent, &c);
}
