/* report_html_command.c - `assay report html`: all pages as files.
 *
 * As root the store is read as the daemon's user, and files are written as root.
 *
 * Errors: exit status 73 if a file cannot be written, 75 if the store is not to be had, or another
 * run writes into the folder. */
#include <errno.h>
#include <string.h>

#include "milter/commands/commands.h"
#include "milter/commands/owner.h"
#include "milter/commands/report_folder.h"
#include "milter/commands/report_pages.h"

struct html_words {
    const char *folder;
    struct command *command;
    struct owner_look look;
    struct report_folder files;
    size_t removed;
    bool failed; /* a file could not be written, and was complained about */
    struct str problem;
};

static bool write_page(void *words, struct str folder, struct str name, struct str text)
{
    struct html_words *w = words;
    command_leave_owner(&w->look);
    bool good = folder_write(&w->files, folder, name, text);
    if (!good) {
        command_fail(w->command, EX_CANTCREAT, "%s/%.*s%s%.*s: %s", w->folder, STR_ARG(folder),
                     folder.n ? "/" : "", STR_ARG(name), strerror(errno));
        w->failed = true;
    }
    return command_enter_owner(w->command, &w->look, &w->problem) && good;
}

static bool make_all(struct html_words *w)
{
    struct command *c = w->command;
    struct page_stores stores = {.owner = report_pages_owner(c)};
    if (!report_pages_open(c->conf, c->arena, &stores, &w->problem))
        return false;
    bool good = page_make_files(&stores, c->now, write_page, w, c->arena, &w->problem);
    report_pages_close(&stores);
    return good;
}

static int finish_folder(struct html_words *w)
{
    if (!folder_finish(&w->files, &w->removed))
        return command_fail(w->command, EX_CANTCREAT,
                            "%s: what is not made any more cannot be removed: %s", w->folder,
                            strerror(errno));
    printf("%zu pages in %s: begin with %s/index.html\n", w->files.n, w->folder, w->folder);
    if (w->removed)
        printf("%zu of an earlier run removed\n", w->removed);
    return EX_OK;
}

static int write_folder(struct html_words *w)
{
    struct command *c = w->command;
    if (!folder_open(&w->files, w->folder, c->arena))
        return errno == EWOULDBLOCK
                   ? command_fail(c, EX_TEMPFAIL, "%s: another run writes there now", w->folder)
                   : command_fail(c, EX_CANTCREAT, "%s: %s", w->folder, strerror(errno));
    bool good = command_enter_owner(c, &w->look, &w->problem) && make_all(w);
    command_leave_owner(&w->look);
    if (w->failed)
        return EX_CANTCREAT;
    return good ? finish_folder(w) : command_no_store(c, w->problem);
}

static int html_run(struct command *c)
{
    struct html_words *w = c->own;
    w->command = c;
    int status = command_load_conf(c);
    if (status != EX_OK)
        return status;
    status = write_folder(w);
    folder_close(&w->files);
    return status;
}

static const struct command_option html_options[] = {
    {"output", "DIR", take_text, offsetof(struct html_words, folder),
     "write into this folder, which is made if it is missing", true, 'o'},
    {0},
};

const struct command_row report_html_command = {
    .name = "html",
    .brief = "pages of what the reports say, as files",
    .options = html_options,
    .common = COMMON_CONF | COMMON_AT,
    .size = sizeof(struct html_words),
    .run = html_run,
    .about = "Writes HTML pages of what the stored reports say: for each of our domains, and for "
             "all of them, over 7, 30 and 90 days, and the newest reports. They need no server and "
             "no script. Pages of an earlier run that are not made any more are removed.",
    .notes = "The periods end at --at, or now: an archive needs that option. assay-web serves the "
             "same pages live, with filters, for any period, and all reports.",
    .status = "0; 73 a file cannot be written; 75 the store cannot be opened now, or another run "
              "writes there.",
};
