/* report_send_command.c - `assay report send`: DMARC reports to the owners of domains.
 *
 * Errors: exit status 1 if something has to be tried again or was given up, 2 if nothing at all
 * could be handed over, 73 for the directory, 75 if the store cannot be opened, 78 for the
 * configuration. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "milter/commands/commands.h"
#include "milter/commands/owner.h"
#include "milter/commands/report_files.h"
#include "milter/commands/report_out.h"
#include "milter/daemon/memory.h"
#include "report/out/handover.h"
#include "report/out/outgoing.h"
#include "report/out/send.h"

#define SOME 1 /* exit status: a warning */
#define ALL  2 /* grave */

struct own {
    bool dry_run;
    const char *directory;
    struct str domain;
    int64_t at; /* 0: the clock's */
};

struct sender {
    struct command *c;
    const struct own *own;
    struct report_files *files;
    struct json json;
    struct send_run run;
    int lock;
    bool terminal;
    bool alone; /* no other host sends from the store that they share */
};

/* --- Telling -----------------------------------------------------------------------------------*/

static void tell_json(struct sender *s, const struct send_event *e)
{
    struct json *j = &s->json;
    const struct sent_report *r = e->report;
    json_object(j, NULL);
    json_text(j, "report_id", r->report_id);
    json_text(j, "domain", r->domain);
    json_number(j, "begin", e->begin);
    json_number(j, "end", e->end);
    json_number(j, "part", r->part);
    json_number(j, "messages", (int64_t)r->messages);
    json_number(j, "rows", (int64_t)r->rows);
    json_text(j, "destination", e->destination);
    json_text(j, "state", str_of(sent_state_name(e->state)));
    json_text_or_null(j, "note", e->note);
    json_text_or_null(j, "message_id", e->message_id);
    json_text_or_null(j, "file", e->file);
    json_end(j, '}');
}

static const char *plural_s(uint64_t n)
{
    return n == 1 ? "" : "s";
}

/* What went well is told on request only: with --dry-run and --directory, and on a terminal.
 * Destinations that do not agree are no warning. */
static void tell_text(struct sender *s, const struct send_event *e)
{
    char day[REPORT_DAY_TEXT];
    bool trouble = e->state == SENT_FAILED || e->state == SENT_PENDING ||
                   (e->state == SENT_BUILT && !s->run.show);
    FILE *to = trouble ? stderr : stdout;
    if (!trouble && !s->run.show && !s->terminal)
        return;
    fprintf(to, "%s %.*s to %.*s: %s", report_day_text(e->begin, day), STR_ARG(e->report->domain),
            STR_ARG(e->destination),
            e->state == SENT_BUILT     ? s->run.show ? "would be sent" : "to be tried again"
            : e->state == SENT_PENDING ? "to be tried again"
                                       : sent_state_name(e->state));
    if (e->message_id.n)
        fprintf(to, ", %llu message%s in %llu row%s", (unsigned long long)e->report->messages,
                plural_s(e->report->messages), (unsigned long long)e->report->rows,
                plural_s(e->report->rows));
    fprintf(to, "%s%.*s\n", e->note.n ? ": " : "", STR_ARG(e->note));
}

static void tell_event(void *context, const struct send_event *e)
{
    struct sender *s = context;
    if (s->c->json)
        tell_json(s, e);
    else
        tell_text(s, e);
}

static void tell_progress(void *context, uint64_t done, uint64_t all)
{
    (void)context;
    fprintf(stderr, "\r%llu of %llu mails%s", (unsigned long long)done, (unsigned long long)all,
            done == all ? "\n" : "");
}

static void json_counts(struct json *j, const struct send_counts *n)
{
    const struct {
        const char *name;
        uint64_t n;
    } all[] = {
        {"reports", n->reports},       {"handed_over", n->handed_over}, {"shown", n->shown},
        {"later", n->later},           {"failed", n->failed},           {"refused", n->refused},
        {"suppressed", n->suppressed}, {"messages", n->messages},       {"rows", n->rows},
        {"left_out", n->left_out},     {"under_way", n->under_way},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        json_number(j, all[i].name, (int64_t)all[i].n);
}

/* Who asks on the first day sees that something was counted. */
static void print_under_way(const struct sender *s)
{
    uint64_t n = s->run.counts.under_way;
    int64_t begin = outgoing_begin(s->run.counts.under_way_day);
    char day[REPORT_DAY_TEXT];
    if (n)
        printf("%llu report%s on %s so far: to be sent once that day is over (UTC)\n",
               (unsigned long long)n, plural_s(n), report_day_text(begin, day));
}

static void print_counts(const struct sender *s)
{
    const struct send_counts *n = &s->run.counts;
    uint64_t mails = s->run.show ? n->shown : n->handed_over;
    printf("%llu report%s: %llu mail%s %s, %llu to be tried again, %llu given up, %llu not wanted "
           "there, %llu suppressed\n",
           (unsigned long long)n->reports, plural_s(n->reports), (unsigned long long)mails,
           plural_s(mails),
           s->own->directory ? "written"
           : s->run.show     ? "would be sent"
                             : "handed over",
           (unsigned long long)n->later, (unsigned long long)n->failed,
           (unsigned long long)n->refused, (unsigned long long)n->suppressed);
    if (n->left_out)
        printf("rows without a client's address, which are left out: %llu\n",
               (unsigned long long)n->left_out);
    print_under_way(s);
}

/* --- Opening -----------------------------------------------------------------------------------*/

static int check_settings(const struct sender *s)
{
    const struct conf *conf = s->c->conf;
    const char *wrong = mailer_problem(conf->reports_mailer);
    if (!conf->reports_from.n)
        return command_fail(s->c, EX_CONFIG,
                            "set reports.from, the address that reports come from");
    if (wrong)
        return command_fail(s->c, EX_CONFIG, "reports.mailer: \"%.*s\" %s",
                            STR_ARG(conf->reports_mailer), wrong);
    if (!conf->reports_send && !s->run.show)
        return command_fail(s->c, EX_CONFIG,
                            "set reports.send = true to send reports; --dry-run shows what "
                            "would be");
    return EX_OK;
}

/* One run at a time: two would hand the same mails over. The kernel ends the lock with the process.
 */
static int lock_out_others(struct sender *s)
{
    struct command *c = s->c;
    const char *path = str_cstr(
        c->arena, str_printf(c->arena, "%.*s/report-send.lock", STR_ARG(c->conf->state_dir)));
    if (s->run.show)
        return EX_OK;
    s->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (s->lock < 0)
        return command_no_store(c, str_printf(c->arena, "%s: %s", path, strerror(errno)));
    if (flock(s->lock, LOCK_EX | LOCK_NB))
        return command_fail(c, EX_TEMPFAIL, "another assay report send is running");
    return EX_OK;
}

static int open_stores(struct sender *s)
{
    struct command *c = s->c;
    struct str problem = STR_NONE, path = memory_rows_path(c->conf, c->arena);
    s->run.sent = sent_open(path, !s->run.show, c->arena, &problem);
    if (s->run.sent)
        s->run.reader = rows_reader_open(path, c->arena, &problem);
    if (!s->run.reader)
        return command_no_store(c, problem);
    s->alone = true;
    if (!s->run.show && !sent_lock(s->run.sent, &s->alone))
        return report_sent_failed(c, s->run.sent);
    return EX_OK;
}

static int open_files(struct sender *s)
{
    struct str problem;
    if (!s->own->directory)
        return EX_OK;
    s->files = report_files_open(s->own->directory, s->c->arena, &problem);
    return s->files ? EX_OK : command_fail(s->c, EX_CANTCREAT, "%.*s", STR_ARG(problem));
}

static int open_all(struct sender *s)
{
    int status = command_load_conf(s->c);
    if (status == EX_OK)
        status = check_settings(s);
    if (status == EX_OK)
        status = open_files(s);
    if (status == EX_OK)
        status = command_open_dns(s->c); /* the file of --dns is the caller's, too */
    if (status == EX_OK)
        status = command_become_owner_mailing(s->c);
    if (status == EX_OK)
        status = lock_out_others(s);
    return status == EX_OK ? open_stores(s) : status;
}

/* --- A run -------------------------------------------------------------------------------------*/

static bool write_mail(void *context, struct str name, struct str text)
{
    struct sender *s = context;
    return report_files_write(s->files, name, text);
}

static int judge_run(const struct send_counts *n)
{
    if (!n->later && !n->failed)
        return EX_OK;
    return n->handed_over || n->shown ? SOME : ALL;
}

static int run_all(struct sender *s)
{
    struct command *c = s->c;
    json_begin(&s->json, c->arena);
    if (c->json)
        json_array(&s->json, "mails");
    bool good = !s->alone || send_reports(&s->run);
    if (c->json) {
        json_end(&s->json, ']');
        json_counts(&s->json, &s->run.counts);
        command_print_json(&s->json);
    } else if (s->alone) {
        print_counts(s);
    } else {
        puts("another host sends the reports of this store now: nothing is to be done here");
    }
    if (!report_files_close(s->files))
        return command_fail(c, EX_CANTCREAT, "%s: not all mails could be written",
                            s->own->directory);
    if (!good)
        return command_fail(c, EX_TEMPFAIL, "%.*s", STR_ARG(s->run.problem));
    return judge_run(&s->run.counts);
}

static int send_run(struct command *c)
{
    const struct own *own = c->own;
    struct sender s = {.c = c, .own = own, .lock = -1, .terminal = isatty(STDERR_FILENO)};
    s.run = (struct send_run){
        .asker = &c->asker,
        .at = own->at,
        .domain = own->domain,
        .show = own->dry_run || own->directory,
        .spread = !own->at,
        .context = &s,
        .event = tell_event,
        .progress = s.terminal && !c->json ? tell_progress : NULL,
        .write = own->directory ? write_mail : NULL,
    };
    int status = open_all(&s);
    s.run.conf = c->conf;
    if (status == EX_OK)
        status = run_all(&s);
    else
        report_files_close(s.files);
    rows_reader_close(s.run.reader);
    sent_close(s.run.sent);
    if (s.lock >= 0)
        close(s.lock);
    return status;
}

static const struct command_option options[] = {
    OPTION("dry-run", NULL, take_flag, struct own, dry_run,
           "show what would be sent, and note nothing"),
    OPTION("directory", "DIR", take_text, struct own, directory,
           "write each mail to DIR instead of handing it over, and note nothing"),
    OPTION("domain", "DOMAIN", take_domain, struct own, domain,
           "only reports on this domain and those below it"),
    OPTION(
        "at", "TIME", take_time, struct own, at,
        "the time that decides which days are over: 2026-11-29T20:00:00Z, or seconds since 1970"),
    {0},
};

const struct command_row report_send_command = {
    .name = "send",
    .brief = "send reports on days that are over to the owners of domains",
    .options = options,
    .common = COMMON_CONF | COMMON_DNS | COMMON_JSON,
    .size = sizeof(struct own),
    .run = send_run,
    .about =
        "Makes DMARC reports of what the daemon has counted on days (UTC) that are over, and hands "
        "them over to the mail server, each once. What could not be handed over is tried again by "
        "the next run, for 48 hours. With reports.send = false it only works with --dry-run or "
        "--directory.",
    .notes = "With --at, TIME is the clock that decides which days are over, and nothing waits "
             "between mails. As root it becomes the daemon's user before it opens anything.",
    .status =
        "0 all is handed over; 1 something has to be tried again, or was given up; 2 nothing "
        "could be handed over; 73 DIR cannot be written; 75 the store cannot be opened; 78 the "
        "configuration.",
};
