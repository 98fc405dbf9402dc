/* gather_reports.c - what the stores know: rows of what became of mail, and reports that came.
 *
 * They are opened with the rights of who owns them: root would leave files that the daemon cannot
 * use.
 *
 * Errors: what cannot be opened stays unseen, with a phrase. */
#include <unistd.h>

#include "milter/commands/doctor/gather.h"
#include "milter/commands/owner.h"
#include "report/in/received.h"
#include "store/rows.h"

#define DAY  86400
#define WEEK (7 * DAY)

static struct str store_path(const struct command *c, const char *name)
{
    return str_printf(c->arena, "%.*s/%s", STR_ARG(c->conf->state_dir), name);
}

/* --- Rows --------------------------------------------------------------------------------------*/

static bool add_period(void *context, const struct rows_period *period)
{
    struct report_facts *facts = context;
    facts->messages += period->messages;
    if (period->day * DAY > facts->last_day)
        facts->last_day = period->day * DAY;
    return true;
}

static void read_rows(struct command *c, struct doctor_facts *facts)
{
    struct report_facts *r = &facts->reports;
    struct str path = store_path(c, "rows.db");
    int64_t now = facts->machine.now;
    if (access(str_cstr(c->arena, path), F_OK)) {
        r->rows = SEEN_NO;
        return;
    }
    struct rows_reader *reader = rows_reader_open(path, c->arena, &r->problem);
    if (!reader)
        return;
    r->rows = SEEN_YES;
    if (!rows_read_periods(reader, rows_day(now - WEEK), rows_day(now) + 1, add_period, r)) {
        r->rows = UNSEEN;
        r->problem = str_copy(c->arena, rows_reader_problem(reader));
    }
    rows_reader_close(reader);
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
        received_open_read(store_path(c, "received.db"), c->arena, &r->problem);
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
        read_received(c, facts);
    command_leave_owner(&look);
}
