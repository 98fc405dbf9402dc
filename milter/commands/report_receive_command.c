/* report_receive_command.c - `assay report receive`: reports that others sent about our domains,
 * from wherever they come, into the store.
 *
 * Errors: exit status 65 for what holds no report, 66 for what cannot be read, 75 if the store is
 * not to be had, or there is no room for it; of several inputs the gravest. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "milter/commands/commands.h"
#include "milter/commands/report.h"
#include "report/in/import.h"
#include "report/in/mime.h"

#define BATCH_US       500000 /* others that write wait no longer */
#define BATCH_MAX      200    /* inputs */
#define COMPLAINTS_MAX 20
#define PROGRESS_US    200000
#define SLOW_US        3000000 /* a judgement that took longer waited for a DNS that is dead, */
#define SLOW_MAX       3       /* and after so many nobody is judged any more */

/* The command's own. */
struct receive {
    struct command *command;
    bool deliver, remove;
    const char *trust_text, *recipient;
    enum trust trust; /* of --trust */
    struct received *store;
    const struct psl *psl;
    struct import_counts counts;
    size_t inputs, empty; /* of these held no report */
    bool open;            /* a transaction is */
    size_t in_batch;
    int64_t batch_us, shown_us;
    unsigned slow; /* judgements */
    int status;
    struct command_texts done, refused; /* files of Maildirs, in this batch */
};

static bool receive_failed(struct receive *r)
{
    r->status = report_store_failed(r->command, r->store);
    if (r->open)
        received_undo(r->store);
    r->open = false;
    return false;
}

/* --- Files that were taken ---------------------------------------------------------------------*/

static void flag(const struct command *c, struct arena *a, const char *path)
{
    struct str from = str_of(path);
    size_t slash = str_find_last(from, '/');
    struct str folder = str_sub(from, 0, slash), name = str_sub(from, slash + 1, from.n);
    size_t up = str_find_last(folder, '/');
    name = str_sub(name, 0, str_find(name, 0, ':'));
    struct str to =
        str_printf(a, "%.*s/cur/%.*s:2,F", STR_ARG(str_sub(folder, 0, up)), STR_ARG(name));
    if (rename(path, str_cstr(a, to)))
        command_fail(c, 0, "%s: %s", path, strerror(errno));
}

/* What is safe in the store goes from the Maildir; what was refused stays there, and is flagged. */
static void tidy_maildir(struct receive *r)
{
    struct arena *a = arena_new(0);
    for (size_t i = 0; i < r->done.n; i++)
        if (unlink(r->done.v[i]))
            command_fail(r->command, 0, "%s: %s", r->done.v[i], strerror(errno));
    for (size_t i = 0; i < r->refused.n; i++)
        flag(r->command, a, r->refused.v[i]);
    r->done.n = r->refused.n = 0;
    arena_free(a);
}

/* --- Batches -----------------------------------------------------------------------------------*/

static bool receive_commit(struct receive *r)
{
    if (!r->open)
        return true;
    if (!received_commit(r->store))
        return receive_failed(r);
    r->open = false;
    r->in_batch = 0;
    tidy_maildir(r);
    return true;
}

static bool receive_begin(struct receive *r)
{
    if (r->open)
        return true;
    r->batch_us = clock_us();
    r->open = received_begin(r->store);
    return r->open || receive_failed(r);
}

/* What came before is stored. */
static bool room_is_left(struct receive *r)
{
    if (!report_is_full(r->command, r->store))
        return true;
    if (receive_commit(r) && report_make_room(r->command, r->store))
        return true;
    r->status = EX_TEMPFAIL;
    return false;
}

static bool end_of_one(struct receive *r)
{
    bool full = ++r->in_batch >= BATCH_MAX || clock_us() - r->batch_us > BATCH_US;
    return !full || receive_commit(r);
}

/* --- One input ---------------------------------------------------------------------------------*/

/* What is not judged now has no trust; when the same report comes once more, it may have. */
static struct report_trust judge_now(struct receive *r, struct str bytes, struct arena *a)
{
    int64_t began = clock_us();
    if (r->slow >= SLOW_MAX)
        return (struct report_trust){.trust = TRUST_NONE};
    struct report_trust out = report_judge(r->command, bytes, a);
    r->slow += clock_us() - began > SLOW_US;
    if (r->slow == SLOW_MAX)
        command_fail(r->command, 0,
                     "DNS does not answer: mail without Authentication-Results of ours is not "
                     "judged; receive it again later");
    return out;
}

/* Nobody else's transaction waits for our DNS. */
static struct report_trust judge(struct receive *r, struct str bytes, struct arena *a)
{
    struct report_trust out = {.trust = TRUST_NONE};
    if (r->trust_text)
        out.trust = r->trust;
    else if (!find_is_mail(bytes) && !r->deliver)
        out.trust = TRUST_FILE;
    else if (!report_trust_said(r->command, bytes, a, &out) && receive_commit(r))
        out = judge_now(r, bytes, a);
    return out;
}

static void describe(struct import *i, struct str bytes)
{
    struct header_list headers;
    struct str body;
    if (!find_is_mail(bytes))
        return;
    mime_split(i->arena, bytes, &headers, &body);
    const struct header_field *from = header_get(&headers, STR("From"), 0);
    const struct header_field *subject = header_get(&headers, STR("Subject"), 0);
    if (from)
        i->from = header_unfold(i->arena, from->value);
    if (subject)
        i->subject = header_unfold(i->arena, subject->value);
}

static void complain(struct receive *r, const struct import *i)
{
    if (r->deliver || r->empty > COMPLAINTS_MAX)
        return;
    if (r->empty == COMPLAINTS_MAX)
        command_fail(r->command, 0, "more like this: assay report list --refused");
    else
        command_fail(r->command, 0, "%.*s: %.*s", STR_ARG(str_safe(i->arena, i->origin, 200, true)),
                     STR_ARG(str_safe(i->arena, i->why, 300, true)));
}

static void show_progress(struct receive *r, bool last)
{
    int64_t now = clock_us();
    if (r->deliver || !isatty(STDERR_FILENO) || (!last && now - r->shown_us < PROGRESS_US))
        return;
    r->shown_us = now;
    fprintf(stderr, "\r%zu messages: %zu reports stored, %zu known already%s", r->inputs,
            r->counts.reports, r->counts.known, last ? "\n" : "");
}

static bool remember(struct receive *r, const char *path, bool refused)
{
    struct command *c = r->command;
    if (path && r->remove)
        take_texts(c, str_cstr(c->arena, str_of(path)), refused ? &r->refused : &r->done);
    return true;
}

static bool store_input(const struct report_input *input, struct import *i)
{
    return input->refused ? import_refusal(i, STR_NONE, str_of(input->refused))
                          : import_input(i, input->bytes);
}

/* What is read by hand may be the mail of years. */
static uint64_t share_of(const struct receive *r, enum trust trust)
{
    bool by_hand = (!r->deliver && !r->remove) || r->trust_text || trust == TRUST_FILE;
    return by_hand ? 0 : r->command->conf->reports_sender_limit;
}

static bool take_input(void *receive, const struct report_input *input)
{
    struct receive *r = receive;
    struct arena *a = arena_new(0);
    struct import i = {.store = r->store,
                       .counts = &r->counts,
                       .now = time(NULL),
                       .arena = a,
                       .psl = r->psl,
                       .origin =
                           str_sub(r->recipient ? str_of(r->recipient) : input->label, 0, 200)};
    size_t refused = r->counts.refused;
    bool good = room_is_left(r);
    if (good) {
        const struct report_trust judged = judge(r, input->bytes, a);
        i.trust = judged.trust;
        i.author = judged.author;
        i.share = share_of(r, judged.trust);
        describe(&i, input->bytes);
        good = r->status != EX_TEMPFAIL && receive_begin(r);
    }
    if (good && !store_input(input, &i))
        good = receive_failed(r);
    if (good) {
        bool bad = r->counts.refused > refused;
        r->inputs++;
        if (bad) {
            complain(r, &i);
            r->empty++;
        }
        good = remember(r, input->path, bad) && end_of_one(r);
    }
    show_progress(r, false);
    arena_free(a);
    return good;
}

/* --- The whole ---------------------------------------------------------------------------------*/

static void graver(struct receive *r, int status)
{
    static const int order[] = {EX_TEMPFAIL, EX_NOINPUT, EX_DATAERR};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        if (r->status == order[i] || status == order[i]) {
            r->status = order[i];
            return;
        }
}

static void read_all(struct receive *r)
{
    struct command *c = r->command;
    const struct report_reading reading = {.command = c,
                                           .one_mail = r->deliver,
                                           .skip_taken = r->remove,
                                           .each = take_input,
                                           .context = r};
    for (int i = 0; i < c->n_words && r->status != EX_TEMPFAIL; i++)
        graver(r, report_read_input(&reading, c->words[i]));
    if (!c->n_words)
        graver(r, report_read_input(&reading, "-"));
    if (r->status != EX_TEMPFAIL)
        receive_commit(r);
    if (r->inputs > 1)
        show_progress(r, true);
}

/* What can be done later is no reason to say that nothing was stored. */
static void after_receiving(struct receive *r)
{
    if (!report_find_owners(r->command, r->store, r->deliver ? 20 : 500,
                            r->deliver ? 2000000 : 20000000))
        command_fail(r->command, 0, "%.*s: %.*s", STR_ARG(report_store_name(r->command)),
                     STR_ARG(received_problem(r->store)));
    else
        report_drop_old(r->command, r->store);
}

static void print_json(const struct receive *r)
{
    const struct import_counts *n = &r->counts;
    struct json j;
    json_begin(&j, r->command->arena);
    json_number(&j, "inputs", (int64_t)r->inputs);
    json_number(&j, "stored", (int64_t)n->reports);
    json_number(&j, "damaged", (int64_t)n->damaged);
    json_number(&j, "uncounted", (int64_t)n->uncounted);
    json_number(&j, "known", (int64_t)n->known);
    json_number(&j, "refused", (int64_t)n->refused);
    json_number(&j, "failure_reports", (int64_t)n->failures);
    json_number(&j, "tls_reports", (int64_t)n->tls);
    json_number(&j, "rows", (int64_t)n->rows);
    json_number(&j, "messages", (int64_t)n->messages);
    command_print_json(&j);
}

static void print_summary(const struct receive *r)
{
    const struct import_counts *n = &r->counts;
    printf("%zu report%s stored: %llu row%s, %llu message%s\n", n->reports,
           n->reports == 1 ? "" : "s", (unsigned long long)n->rows, n->rows == 1 ? "" : "s",
           (unsigned long long)n->messages, n->messages == 1 ? "" : "s");
    if (n->damaged)
        printf("  %zu of them damaged: their complete rows were kept\n", n->damaged);
    if (n->uncounted)
        printf("  %zu of them do%s not count: %s mail did not pass DMARC (--all-trust)\n",
               n->uncounted, n->uncounted == 1 ? "es" : "", n->uncounted == 1 ? "its" : "their");
    if (n->known)
        printf("%zu known already\n", n->known);
    if (n->failures)
        printf("%zu report%s about single messages\n", n->failures, n->failures == 1 ? "" : "s");
    if (n->tls)
        printf("%zu TLS report%s\n", n->tls, n->tls == 1 ? "" : "s");
    if (n->refused)
        printf("%zu refused: assay report list --refused says why\n", n->refused);
}

static int finish(struct receive *r)
{
    struct command *c = r->command;
    if (c->json)
        print_json(r);
    else if (!r->deliver)
        print_summary(r);
    if (r->counts.refused && !r->deliver)
        graver(r, EX_DATAERR);
    return r->status;
}

static int receive_all(struct command *c)
{
    struct receive *r = c->own;
    r->command = c;
    if (r->trust_text && !trust_of_word(str_of(r->trust_text), &r->trust))
        return command_fail(c, EX_USAGE, "--trust: \"%s\" is none of none, other, aligned, file",
                            r->trust_text);
    if (!c->n_words && isatty(STDIN_FILENO))
        return command_fail(c, EX_USAGE, "name a file, a mailbox or a Maildir, or \"-\"");
    struct str problem;
    int status = report_open_write(c, &r->store);
    if (status != EX_OK)
        return status;
    r->psl = psl_open(c->arena, c->conf->dmarc_public_suffix_list, &problem);
    read_all(r);
    if (r->status != EX_TEMPFAIL)
        after_receiving(r);
    received_close(r->store);
    return r->status == EX_TEMPFAIL ? r->status : finish(r);
}

static int receive_run(struct command *c)
{
    const struct receive *r = c->own;
    return command_delivered(r->deliver, receive_all(c));
}

static const struct command_option receive_options[] = {
    OPTION("deliver", NULL, take_flag, struct receive, deliver,
           "for an alias or a pipe: standard input is one mail; what holds no report is stored as "
           "refused, and is no error; 75 is the exit status of all that is one"),
    OPTION("recipient", "NAME", take_text, struct receive, recipient,
           "the recipient of the mail, which is noted as its origin"),
    OPTION("remove", NULL, take_flag, struct receive, remove,
           "remove from a Maildir what is stored; flag there what was refused, and skip it "
           "from then on"),
    OPTION("trust", "CLASS", take_text, struct receive, trust_text,
           "none, other, aligned or file, instead of what the mail's own DMARC result says"),
    {0},
};

const struct command_row report_receive_command = {
    .name = "receive",
    .brief = "store reports that came in",
    .words = "[FILE...]",
    .options = receive_options,
    .common = COMMON_CONF | COMMON_DNS | COMMON_JSON,
    .size = sizeof(struct receive),
    .run = receive_run,
    .about = "Reads DMARC reports about our domains, and stores them. FILE is a mail, an mbox, a "
             "Maildir, a folder, or a report as XML, gzip or zip; without FILE, or for -, "
             "standard input. A report that is stored already is not stored again.",
    .notes = "A report counts if its mail passed DMARC, according to the Authentication-Results of "
             "our daemon, or to DNS now.",
    .status = "0 stored, or known already; 65 no report in it, or one that cannot be read; 66 a "
              "file cannot be read; 75 the store cannot be opened now, or the disk is nearly full. "
              "For several files that of "
              "the gravest.",
};
