/* report_exchange_command.c - `assay report export` and `assay report import`: what one server
 * received becomes what its twin has received, too.
 *
 * Errors: exit status 65 for what is no export, or was cut; 74 if it cannot be written; 75 if the
 * store is not to be had, or there is no room for it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "milter/commands/commands.h"
#include "milter/commands/report.h"
#include "report/in/exchange.h"

#define BATCH_US    500000 /* others that write wait no longer */
#define PROGRESS_US 200000

/* --- export ------------------------------------------------------------------------------------*/

struct exporting {
    int64_t since;
};

static bool put_line(void *to, struct str line)
{
    return fwrite(line.p, 1, line.n, to) == line.n;
}

static int export_run(struct command *c)
{
    const struct exporting *own = c->own;
    struct received *store = NULL;
    int status = report_open_read(c, &store);
    if (status != EX_OK)
        return status;
    bool good = store ? exchange_write(store, own->since, put_line, stdout)
                      : put_line(stdout, STR("{\"assay_reports\":1}\n{\"done\":{\"lines\":0}}\n"));
    int problem = fflush(stdout) || ferror(stdout) ? errno : 0;
    if (!good && !problem)
        status = report_store_failed(c, store);
    received_close(store);
    errno = problem; /* whoever runs the commands tells of it */
    return status;
}

/* --- import ------------------------------------------------------------------------------------*/

struct importing {
    struct command *command;
    struct received *store;
    struct exchange *exchange;
    struct import_counts counts;
    bool open, full;
    int64_t batch_us, shown_us;
};

static int store_failed(struct importing *im)
{
    if (im->full)
        return EX_TEMPFAIL; /* report_make_room() has said it */
    int status = report_store_failed(im->command, im->store);
    if (im->open)
        received_undo(im->store);
    im->open = false;
    return status;
}

static bool begin_batch(struct importing *im)
{
    if (im->open)
        return true;
    im->full = report_is_full(im->command, im->store) && !report_make_room(im->command, im->store);
    if (im->full)
        return false;
    im->batch_us = clock_us();
    im->open = received_begin(im->store);
    return im->open;
}

static bool end_batch(struct importing *im, bool last)
{
    if (!im->open || (!last && clock_us() - im->batch_us < BATCH_US))
        return true;
    im->open = false;
    return received_commit(im->store);
}

static void show_progress(struct importing *im, bool last)
{
    int64_t now = clock_us();
    if (!isatty(STDERR_FILENO) || (!last && now - im->shown_us < PROGRESS_US))
        return;
    im->shown_us = now;
    fprintf(stderr, "\r%zu reports stored, %zu known already%s", im->counts.reports,
            im->counts.known, last ? "\n" : "");
}

/* A line with its end; STR_NONE at the end of the input, or where it is too long. */
static struct str next_line(char *buffer, FILE *f)
{
    size_t n = 0;
    int c = 0;
    while (n < EXCHANGE_LINE_MAX && c != '\n' && (c = getc_unlocked(f)) != EOF)
        buffer[n++] = (char)c;
    return n && c == '\n' ? (struct str){buffer, n} : STR_NONE;
}

/* All lines. *wrong is a phrase, if something is. */
static int take_lines(struct importing *im, FILE *f, const char **wrong)
{
    char *buffer = malloc(EXCHANGE_LINE_MAX);
    enum exchange_result result = EXCHANGE_GOES_ON;
    struct str line;
    bool good = buffer != NULL;
    *wrong = "is cut off: the reports that came whole are stored; run it again for the others";
    while (good && (line = next_line(buffer, f)).p) {
        good = begin_batch(im);
        result = good ? exchange_line(im->exchange, line) : EXCHANGE_FAILED;
        good = result != EXCHANGE_FAILED;
        if (result == EXCHANGE_WRONG)
            *wrong = exchange_problem(im->exchange);
        if (result == EXCHANGE_DONE)
            *wrong = NULL;
        if (result == EXCHANGE_WRONG || result == EXCHANGE_DONE)
            break;
        if (good && result == EXCHANGE_BETWEEN)
            good = end_batch(im, false);
        show_progress(im, false);
    }
    free(buffer);
    good = good && (!im->open || exchange_end(im->exchange)) && end_batch(im, true);
    show_progress(im, true);
    return good ? EX_OK : store_failed(im);
}

static void after_import(struct importing *im)
{
    if (!report_find_owners(im->command, im->store, 500, 20000000))
        command_fail(im->command, 0, "%.*s: %.*s", STR_ARG(report_store_name(im->command)),
                     STR_ARG(received_problem(im->store)));
    else
        report_drop_old(im->command, im->store);
}

static void print_imported(const struct import_counts *n)
{
    printf("%zu reports stored, %zu known already\n", n->reports + n->failures + n->tls, n->known);
    if (n->refused)
        printf("%zu refused there: assay report list --refused says why\n", n->refused);
}

static int import_file(struct importing *im, FILE *f, const char *name)
{
    const char *wrong = NULL;
    im->exchange = exchange_begin(im->store, &im->counts, im->command->arena);
    int status = take_lines(im, f, &wrong);
    if (status == EX_OK && wrong)
        status = command_fail(im->command, EX_DATAERR, "%s: %s", name, wrong);
    return status;
}

static int import_run(struct command *c)
{
    struct importing im = {.command = c};
    const char *name = c->n_words ? c->words[0] : "-";
    FILE *f = strcmp(name, "-") == 0 ? stdin : fopen(name, "re");
    if (!f)
        return command_fail(c, EX_NOINPUT, "%s: %s", name, strerror(errno));
    int status = report_open_write(c, &im.store);
    if (status == EX_OK) {
        status = import_file(&im, f, f == stdin ? "standard input" : name);
        if (status != EX_TEMPFAIL)
            after_import(&im);
        if (status != EX_TEMPFAIL)
            print_imported(&im.counts);
    }
    received_close(im.store);
    if (f != stdin)
        fclose(f);
    return status;
}

static const struct command_option export_options[] = {
    OPTION("since", "TIME", take_since, struct exporting, since,
           "what was stored then or later: 2d, or a point of time; default: all"),
    {0},
};

const struct command_row report_export_command = {
    .name = "export",
    .brief = "write what was received, for a twin server",
    .options = export_options,
    .common = COMMON_CONF,
    .size = sizeof(struct exporting),
    .run = export_run,
    .about = "Writes what was received to standard output, for \"assay report import\" on a twin "
             "server.",
    .notes = "assay report export --since 2d | ssh mx2.example.org assay report import",
    .status = "0; 74 it cannot be written; 75 the store cannot be opened now.",
};

const struct command_row report_import_command = {
    .name = "import",
    .brief = "store what a twin server has received",
    .words = "[FILE]",
    .common = COMMON_CONF | COMMON_DNS,
    .run = import_run,
    .about = "Reads what \"assay report export\" has written: from FILE or standard input. What is "
             "stored already is not stored again, so it may come in any order and any number of "
             "times.",
    .status = "0; 65 it is no export, or was cut; 66 the file cannot be read; 75 the store cannot "
              "be opened now, or the disk is nearly full.",
};
