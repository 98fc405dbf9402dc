/* report_html_command.c - `assay report html`: all pages as files.
 *
 * As root the store is read as the daemon's user, and files are written as root.
 *
 * Errors: exit status 73 if a file cannot be written, 75 if the store is not to be had. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "milter/commands/commands.h"
#include "milter/commands/owner.h"
#include "milter/commands/report_pages.h"

struct html_words {
    const char *folder;
    struct command *command;
    struct owner_look look;
    int fd; /* of the folder */
    size_t pages;
    bool failed; /* a file could not be written, and was complained about */
    struct str problem;
};

static bool cannot_write(struct html_words *w, struct str folder, struct str name)
{
    command_fail(w->command, EX_CANTCREAT, "%s/%.*s%s%.*s: %s", w->folder, STR_ARG(folder),
                 folder.n ? "/" : "", STR_ARG(name), strerror(errno));
    w->failed = true;
    return false;
}

static bool write_all(int fd, struct str text)
{
    while (text.n) {
        ssize_t n = write(fd, text.p, text.n);
        if (n < 0 && errno != EINTR)
            return false;
        text = n < 0 ? text : str_sub(text, (size_t)n, text.n);
    }
    return true;
}

/* The folder, made if it is missing; -1, and errno. */
static int open_folder(int at, const char *name)
{
    if (mkdirat(at, name, 0777) && errno != EEXIST)
        return -1;
    return openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Whoever reads the file meanwhile reads the old one to its end. */
static bool replace_file(int folder, const char *name, struct str text)
{
    static const char temporary[] = ".assay-page.tmp";
    unlinkat(folder, temporary, 0);
    int fd = openat(folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return false;
    bool good = write_all(fd, text);
    good &= close(fd) == 0;
    return good && renameat(folder, temporary, folder, name) == 0;
}

static bool write_file(struct html_words *w, struct str folder, struct str name, struct str text)
{
    struct arena *a = w->command->arena;
    int fd = folder.n ? open_folder(w->fd, str_cstr(a, folder)) : w->fd;
    bool good = fd >= 0 && replace_file(fd, str_cstr(a, name), text);
    if (!good)
        cannot_write(w, folder, name);
    if (fd >= 0 && fd != w->fd)
        close(fd);
    w->pages += good;
    return good;
}

static bool write_page(void *words, struct str folder, struct str name, struct str text)
{
    struct html_words *w = words;
    command_leave_owner(&w->look);
    bool good = write_file(w, folder, name, text);
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

static int html_run(struct command *c)
{
    struct html_words *w = c->own;
    w->command = c;
    int status = command_load_conf(c);
    if (status != EX_OK)
        return status;
    w->fd = open_folder(AT_FDCWD, w->folder);
    if (w->fd < 0)
        return command_fail(c, EX_CANTCREAT, "%s: %s", w->folder, strerror(errno));
    bool good = command_enter_owner(c, &w->look, &w->problem) && make_all(w);
    command_leave_owner(&w->look);
    close(w->fd);
    if (w->failed)
        return EX_CANTCREAT;
    if (!good)
        return command_no_store(c, w->problem);
    printf("%zu pages in %s: begin with %s/index.html\n", w->pages, w->folder, w->folder);
    return EX_OK;
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
             "all of them, over 7, 30 and 90 days. They need no server and no script.",
    .notes = "assay-web serves the same pages live, with filters and with the reports themselves.",
    .status = "0; 73 a file cannot be written; 75 the store cannot be had now.",
};
