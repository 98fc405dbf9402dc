/* report_sent_command.c - `assay report sent` and `assay report pending`: our reports to others.
 *
 * Errors: exit status 75 if the store cannot be opened, 78 for the configuration. */
#include <string.h>
#include <time.h>

#include "mail/domain.h"
#include "milter/commands/commands.h"
#include "milter/commands/owner.h"
#include "milter/commands/report.h"
#include "milter/commands/report_out.h"
#include "milter/daemon/memory.h"
#include "report/out/outgoing.h"

/* --- Shared ------------------------------------------------------------------------------------*/

int report_open_sent(struct command *c, bool write, struct sent **sent)
{
    struct str problem = STR_NONE;
    int status = command_load_conf(c);
    if (status == EX_OK)
        status = command_become_owner(c);
    if (status != EX_OK)
        return status;
    *sent = sent_open(memory_rows_path(c->conf, c->arena), write, c->arena, &problem);
    return *sent ? EX_OK : command_no_store(c, problem);
}

int report_sent_failed(struct command *c, const struct sent *sent)
{
    return command_fail(c, EX_TEMPFAIL, "%.*s", STR_ARG(sent_problem(sent)));
}

const char *report_day_text(int64_t time, char out[REPORT_DAY_TEXT])
{
    time_t t = (time_t)time;
    struct tm tm;
    if (!gmtime_r(&t, &tm) || !strftime(out, REPORT_DAY_TEXT, "%Y-%m-%d", &tm))
        strcpy(out, "?");
    return out;
}

const char *report_time_text(int64_t time, char out[REPORT_TIME_TEXT])
{
    time_t t = (time_t)time;
    struct tm tm;
    if (!gmtime_r(&t, &tm) || !strftime(out, REPORT_TIME_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm))
        strcpy(out, "?");
    return out;
}

/* --- A listing ---------------------------------------------------------------------------------*/

struct own {
    struct str domain;
    int64_t since;
};

struct sent_listing {
    struct command *c;
    const struct own *own;
    struct json json;
    bool open; /* what is not at an end; else what is */
    size_t n;
};

static bool is_listed(const struct sent_listing *l, const struct sent_report *r,
                      const struct sent_mail *m)
{
    return (m->state < SENT_DONE) == l->open && outgoing_end(r->day) >= l->own->since &&
           (!l->own->domain.n || domain_is_at_or_below(r->domain, l->own->domain));
}

static struct str destination_of(const struct sent_listing *l, const struct sent_mail *m)
{
    return str_safe(l->c->arena, m->address.n ? m->address : m->uri, 400, true);
}

static void list_json(struct sent_listing *l, const struct sent_report *r,
                      const struct sent_mail *m)
{
    struct json *j = &l->json;
    json_object(j, NULL);
    json_text(j, "report_id", r->report_id);
    json_text(j, "domain", r->domain);
    json_number(j, "begin", outgoing_begin(r->day));
    json_number(j, "end", outgoing_end(r->day));
    json_number(j, "part", r->part);
    json_number(j, "messages", (int64_t)r->messages);
    json_number(j, "rows", (int64_t)r->rows);
    json_text(j, "destination", destination_of(l, m));
    json_text(j, "state", str_of(sent_state_name(m->state)));
    json_number(j, "changed", m->changed);
    json_number(j, "tries", m->tries);
    json_number(j, "next", m->next);
    json_text_or_null(j, "note", m->note);
    json_end(j, '}');
}

static void list_text(const struct sent_listing *l, const struct sent_report *r,
                      const struct sent_mail *m)
{
    char day[REPORT_DAY_TEXT], changed[REPORT_TIME_TEXT];
    printf("%s  %-12s %s  %.*s to %.*s, %llu message%s%s%.*s\n",
           report_day_text(outgoing_begin(r->day), day), sent_state_name(m->state),
           report_time_text(m->changed, changed), STR_ARG(r->domain), STR_ARG(destination_of(l, m)),
           (unsigned long long)r->messages, r->messages == 1 ? "" : "s", m->note.n ? ": " : "",
           STR_ARG(m->note));
}

static bool list_mail(void *listing, const struct sent_report *r, const struct sent_mail *m)
{
    struct sent_listing *l = listing;
    if (!m || !is_listed(l, r, m))
        return true;
    if (l->c->json)
        list_json(l, r, m);
    else
        list_text(l, r, m);
    l->n++;
    return true;
}

static int list_mails(struct command *c, bool open)
{
    struct sent_listing l = {.c = c, .own = c->own, .open = open};
    struct sent *sent = NULL;
    int status = report_open_sent(c, false, &sent);
    if (status != EX_OK)
        return status;
    json_begin_array(&l.json, c->arena);
    bool good = sent_read(sent, open, 0, list_mail, &l);
    if (c->json) {
        command_print_json_list(&l.json);
    } else if (!l.n) {
        printf(open ? "nothing is pending\n" : "nothing was sent\n");
    }
    status = good ? EX_OK : report_sent_failed(c, sent);
    sent_close(sent);
    return status;
}

static int sent_run(struct command *c)
{
    return list_mails(c, false);
}

static int pending_run(struct command *c)
{
    return list_mails(c, true);
}

static const struct command_option options[] = {
    OPTION("domain", "DOMAIN", take_domain, struct own, domain,
           "reports on this domain and those below it"),
    OPTION("since", "TIME", take_since, struct own, since,
           "reports on days that end then or later: 30d, 12h, or a point of time"),
    {0},
};

#define STATUS "0; 75 the store cannot be opened now; 78 the configuration."

const struct command_row report_sent_command = {
    .name = "sent",
    .brief = "reports of ours that were handed over, refused or given up",
    .options = options,
    .common = COMMON_CONF | COMMON_JSON,
    .size = sizeof(struct own),
    .run = sent_run,
    .about = "Lists what became of our reports to others: done, failed (given up, or came back), "
             "refused (the destination did not agree), suppressed (the destination gets none).",
    .status = STATUS,
};

const struct command_row report_pending_command = {
    .name = "pending",
    .brief = "our reports that the next run of send continues",
    .options = options,
    .common = COMMON_CONF | COMMON_JSON,
    .size = sizeof(struct own),
    .run = pending_run,
    .about = "Lists reports to others that are not finished: the state of each, and why it "
             "waits.",
    .notes = "assay report send --dry-run shows those that are not noted yet, too.",
    .status = STATUS,
};
