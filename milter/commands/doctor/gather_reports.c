/* gather_reports.c - the contents of the stores: rows, reports that were sent, and reports that
 * came.
 *
 * They are opened with their owner's rights, because root would leave files that the daemon cannot
 * use.
 *
 * Errors: what cannot be opened stays unseen, with a phrase. */
#include "milter/commands/doctor/gather.h"
#include "milter/commands/owner.h"
#include "milter/daemon/memory.h"
#include "report/in/received.h"
#include "store/rows.h"
#include "store/sent.h"

#define DAY  86400
#define WEEK (7 * DAY)

/* --- Rows --------------------------------------------------------------------------------------*/

static bool add_period(void *context, const struct rows_period *period)
{
    struct doctor_facts *facts = context;
    struct report_facts *r = &facts->reports;
    int64_t age = rows_day(facts->machine.now) - period->day;
    r->messages += period->messages;
    if (period->day * DAY > r->last_day)
        r->last_day = period->day * DAY;
    r->due = r->due || (age >= 2 && age <= 3 && period->policy.destinations.n);
    return true;
}

static void read_rows(struct command *c, struct doctor_facts *facts)
{
    struct report_facts *r = &facts->reports;
    struct str path = memory_rows_path(c->conf, c->arena);
    int64_t now = facts->machine.now;
    if (!rows_exist(path)) {
        r->rows = SEEN_NO;
        return;
    }
    struct rows_reader *reader = rows_reader_open(path, c->arena, &r->problem);
    if (!reader)
        return;
    r->rows = SEEN_YES;
    if (!rows_read_periods(reader, rows_day(now - WEEK), rows_day(now) + 1, add_period, facts)) {
        r->rows = UNSEEN;
        r->problem = str_copy(c->arena, rows_reader_problem(reader));
    }
    rows_reader_close(reader);
}

/* --- Sent reports ------------------------------------------------------------------------------*/

static bool count_mail(void *context, const struct sent_report *report,
                       const struct sent_mail *mail)
{
    struct report_facts *r = context;
    if (!mail)
        return true;
    if (mail->state < SENT_DONE) {
        r->n_waiting++;
        if (!r->oldest_waiting || report->noted < r->oldest_waiting)
            r->oldest_waiting = report->noted;
    } else if (mail->state == SENT_DONE) {
        r->n_sent++;
        r->last_sent = mail->changed > r->last_sent ? mail->changed : r->last_sent;
    } else if (mail->state == SENT_FAILED) {
        r->n_failed++;
    }
    return true;
}

static void read_sent(struct command *c, struct doctor_facts *facts)
{
    struct report_facts *r = &facts->reports;
    if (r->rows != SEEN_YES || !c->conf->reports_send)
        return;
    struct sent *store =
        sent_open(memory_rows_path(c->conf, c->arena), false, c->arena, &r->problem);
    if (!store)
        return;
    r->sent = SEEN_YES;
    if (!sent_read(store, false, rows_day(facts->machine.now - WEEK), count_mail, r)) {
        r->sent = UNSEEN;
        r->problem = str_copy(c->arena, sent_problem(store));
    }
    sent_close(store);
}

/* --- Received reports --------------------------------------------------------------------------*/

struct counting {
    struct arena *arena;
    struct domain_facts *domain;
};

static bool count_report(void *context, const struct received_report *report)
{
    const struct counting *counting = context;
    struct domain_facts *d = counting->domain;
    d->n_reports++;
    if (report->received < d->last_report)
        return true;
    d->last_report = report->received;
    d->last_reporter = str_safe(counting->arena, report->head.org_name, 100, true);
    return true;
}

static void read_received(struct command *c, struct doctor_facts *facts)
{
    struct report_facts *r = &facts->reports;
    struct received *store =
        received_open_read(memory_received_path(c->conf, c->arena), c->arena, &r->problem);
    bool good = true;
    if (!store) {
        r->received = r->problem.n ? UNSEEN : SEEN_NO;
        return;
    }
    for (size_t i = 0; good && i < facts->n_domains; i++) {
        const struct received_wanted wanted = {
            .domain = facts->domains[i].name,
            .changed = facts->machine.now - REPORT_DAYS * DAY,
        };
        struct counting counting = {c->arena, &facts->domains[i]};
        good = received_each(store, &wanted, count_report, &counting);
    }
    r->received = good ? SEEN_YES : UNSEEN;
    if (!good)
        r->problem = str_copy(c->arena, received_problem(store));
    received_close(store);
}

void gather_reports(struct command *c, struct doctor_facts *facts)
{
    struct owner_look look;
    if (facts->elsewhere) {
        facts->reports.problem = STR("the files are those of another machine");
        return;
    }
    if (!command_enter_owner(c, &look, &facts->reports.problem))
        return;
    read_rows(c, facts);
    if (!facts->reports.problem.n)
        read_sent(c, facts);
    if (!facts->reports.problem.n)
        read_received(c, facts);
    command_leave_owner(&look);
}
