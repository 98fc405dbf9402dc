/* judge_reports.c - judges what is recorded for reports, what was sent, and what others report
 * about our domains.
 *
 * Errors: none. */
#include <time.h>

#include "milter/commands/doctor/judge.h"
#include "milter/daemon/memory.h"

#define DAY        86400
#define LATE_DAYS  7 /* reporters send a report about every day on which they got mail */
#define REGULAR    5 /* so many reports in REPORT_DAYS days mean that reports come regularly */
#define DATE_BYTES 32
#define SEND_REGULARLY                                                                             \
    "let \"assay report send\" run every hour, by assay-report.timer or cron: assay-report(1)"

static const char *date_of(int64_t seconds, char out[DATE_BYTES])
{
    time_t t = (time_t)seconds;
    struct tm tm;
    if (!gmtime_r(&t, &tm) || !strftime(out, DATE_BYTES, "%Y-%m-%d", &tm))
        return "?";
    return out;
}

/* "1 report", "2 reports". */
static struct str counted(struct findings *out, uint64_t n, const char *what)
{
    return str_printf(out->arena, "%llu %s%s", (unsigned long long)n, what, n == 1 ? "" : "s");
}

/* What belongs to that number: "waits", "wait". */
static const char *agreeing(uint64_t n, const char *one, const char *many)
{
    return n == 1 ? one : many;
}

/* Says once that the stores could not be looked at. */
static bool is_unseen(const struct doctor_facts *facts, struct findings *out)
{
    const struct report_facts *r = &facts->reports;
    if (!r->problem.n)
        return false;
    find(out, CHECK_RECORDED, LEVEL_UNSEEN, STR_NONE, "what is recorded was not looked at: %.*s",
         STR_ARG(clean(out, r->problem)));
    return true;
}

/* A server that hosts share is nothing that only some may look at: it has to be there. */
static bool is_store_away(const struct doctor_facts *facts, struct findings *out)
{
    const struct report_facts *r = &facts->reports;
    if (!r->problem.n || facts->elsewhere || !memory_store_is_shared(facts->conf))
        return false;
    struct finding *f =
        find(out, CHECK_RECORDED, LEVEL_WARNING, STR_NONE,
             "the store that hosts share cannot be read: %.*s", STR_ARG(clean(out, r->problem)));
    f->why = STR("rows wait in spool.db in state-dir, and no report is made or read meanwhile");
    f->mend = STR("see that the server runs and lets this host in (store)");
    return true;
}

void judge_recorded(const struct doctor_facts *facts, struct findings *out)
{
    const struct report_facts *r = &facts->reports;
    char date[DATE_BYTES];
    if (!facts->conf->reports_record || is_store_away(facts, out) || is_unseen(facts, out))
        return;
    if (r->rows == SEEN_NO)
        find(out, CHECK_RECORDED, LEVEL_NOTE, STR_NONE,
             "nothing is recorded yet of what became of mail");
    else if (!r->last_day)
        find(out, CHECK_RECORDED, LEVEL_NOTE, STR_NONE,
             "nothing was recorded in the last week: no mail came from outside for which DMARC "
             "makes a row");
    else
        find(out, CHECK_RECORDED, LEVEL_GOOD, STR_NONE,
             "%.*s %s recorded since a week ago, the last on %s",
             STR_ARG(counted(out, r->messages, "message")), agreeing(r->messages, "is", "are"),
             date_of(r->last_day, date));
}

/* --- Sent --------------------------------------------------------------------------------------*/

static void say_none_sent(const struct report_facts *r, struct findings *out)
{
    char date[DATE_BYTES];
    struct finding *f =
        find(out, CHECK_SENT, LEVEL_WARNING, STR_NONE, "reports.send is on, and %s%s",
             r->last_sent ? "the last report went out on " : "no report went out in the last week",
             r->last_sent ? date_of(r->last_sent, date) : "");
    f->why = STR("assay sends no reports about days that ended more than two days ago");
    f->mend = STR(SEND_REGULARLY);
    f->command = STR("assay report send --dry-run");
}

static void say_waiting(const struct report_facts *r, struct findings *out)
{
    char date[DATE_BYTES];
    struct finding *f =
        find(out, CHECK_SENT, LEVEL_WARNING, STR_NONE, "%.*s with reports %s, the oldest since %s",
             STR_ARG(counted(out, r->n_waiting, "mail")), agreeing(r->n_waiting, "waits", "wait"),
             date_of(r->oldest_waiting, date));
    f->why = STR("assay gives up a report that the mail server has not accepted after two days");
    f->mend = STR("find out why it does not accept them (reports.mailer)");
    f->command = STR("assay report pending");
}

static void say_sent(const struct report_facts *r, struct findings *out)
{
    char date[DATE_BYTES];
    find(out, CHECK_SENT, r->n_failed ? LEVEL_NOTE : LEVEL_GOOD, STR_NONE,
         "%.*s went out since a week ago, the last on %s; %zu %s, %zu %s given up",
         STR_ARG(counted(out, r->n_sent, "report")), date_of(r->last_sent, date), r->n_waiting,
         agreeing(r->n_waiting, "waits", "wait"), r->n_failed,
         agreeing(r->n_failed, "was", "were"));
}

void judge_sent(const struct doctor_facts *facts, struct findings *out)
{
    const struct report_facts *r = &facts->reports;
    if (!facts->conf->reports_send || r->sent == UNSEEN)
        return; /* judge_recorded() has said why the store was not looked at */
    if (r->n_waiting && r->oldest_waiting < facts->machine.now - DAY)
        say_waiting(r, out);
    else if (r->due && r->last_sent < facts->machine.now - 3 * DAY)
        say_none_sent(r, out);
    else if (!r->n_sent)
        find(out, CHECK_SENT, LEVEL_NOTE, STR_NONE, "no report went out in the last week, %zu %s",
             r->n_waiting, agreeing(r->n_waiting, "waits", "wait"))
            ->mend = STR(SEND_REGULARLY);
    else
        say_sent(r, out);
}

/* --- Received ----------------------------------------------------------------------------------*/

static void say_none(const struct domain_facts *d, struct findings *out)
{
    if (!d->dmarc.record.n_rua)
        return;
    find(out, CHECK_RECEIVED, LEVEL_NOTE, d->name,
         "its DMARC record asks for reports, and none was received here in %d days", REPORT_DAYS)
        ->mend = STR("if they come to this server, hand them to assay report receive: "
                     "assay-report(1)");
}

static void say_late(const struct domain_facts *d, int64_t days, struct findings *out)
{
    char date[DATE_BYTES];
    struct finding *f =
        find(out, CHECK_RECEIVED, LEVEL_WARNING, d->name,
             "the last report about it came %lld days ago (%s, from %.*s)", (long long)days,
             date_of(d->last_report, date), STR_ARG(clean(out, d->last_reporter)));
    f->why = STR("reports came regularly, and then stopped: you do not learn any more what fails");
    f->mend = STR("see whether rua= of the record still names the right mailbox, and whether it is "
                  "read");
    f->command = command_about("assay dmarc check", d->name, out);
}

static void judge_received_about(const struct doctor_facts *facts, const struct domain_facts *d,
                                 struct findings *out)
{
    char date[DATE_BYTES];
    int64_t days = (facts->machine.now - d->last_report) / DAY;
    if (!d->n_reports)
        say_none(d, out);
    else if (d->n_reports >= REGULAR && days > LATE_DAYS)
        say_late(d, days, out);
    else
        find(out, CHECK_RECEIVED, LEVEL_GOOD, d->name, "%.*s in %d days, the last on %s from %.*s",
             STR_ARG(counted(out, d->n_reports, "report")), REPORT_DAYS,
             date_of(d->last_report, date), STR_ARG(clean(out, d->last_reporter)));
}

void judge_received(const struct doctor_facts *facts, struct findings *out)
{
    if (facts->reports.received == UNSEEN)
        return; /* judge_recorded() has said why */
    for (size_t i = 0; i < facts->n_domains; i++)
        judge_received_about(facts, &facts->domains[i], out);
}
