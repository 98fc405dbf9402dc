/* report_input.c - messages from files, mbox files, Maildirs and standard input, one at a time: no
 * mailbox is too large.
 *
 * Errors: a line on standard error, and exit status 66. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ascii.h"
#include "milter/commands/report.h"
#include "report/in/find.h"

/* Memory of the system for what is read: pages that are not touched cost nothing. */
struct buffer {
    char *p;
    size_t n, cap;
    bool full;
};

static void buffer_open(struct buffer *b)
{
    *b = (struct buffer){.cap = REPORT_INPUT_MAX + 1};
    b->p = mmap(NULL, b->cap, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                -1, 0);
    if (b->p == MAP_FAILED)
        abort();
}

static void buffer_clear(struct buffer *b)
{
    if (b->n > 1U << 20)
        madvise(b->p, b->cap, MADV_DONTNEED);
    b->n = 0;
    b->full = false;
}

static void buffer_add(struct buffer *b, const char *p, size_t n)
{
    size_t room = b->cap - b->n, taken = n < room ? n : room;
    memcpy(b->p + b->n, p, taken);
    b->n += taken;
    b->full = b->full || taken < n;
}

static int cannot_read(const struct report_reading *r, const char *path)
{
    if (errno == EACCES && getuid() != 0)
        return command_fail(r->command, EX_NOINPUT,
                            "%s: the user that assay runs as may not read it; \"< FILE\" in the "
                            "place of FILE lets the shell open it",
                            path);
    return command_fail(r->command, EX_NOINPUT, "%s: %s", path, strerror(errno));
}

static bool give_input(const struct report_reading *r, const struct buffer *b, struct str label,
                       const char *path)
{
    struct report_input input = {.bytes = {b->p, b->n}, .label = label, .path = path};
    bool mail = find_is_mail(input.bytes);
    if (b->full || b->n > (mail ? IN_INPUT_MAX : REPORT_INPUT_MAX)) {
        input.refused = mail ? "is a mail of more than 10 MB" : "is larger than 25 MB";
        input.bytes.n = 65536;
    }
    return r->each(r->context, &input);
}

/* --- An mbox -----------------------------------------------------------------------------------*/

/* "From " and something more, and not the field "From :". */
static bool is_from_line(struct str line)
{
    size_t i = sizeof "From " - 1;
    if (!str_starts(line, STR("From ")))
        return false;
    while (i < line.n && ascii_is_wsp(line.p[i]))
        i++;
    return i < line.n && line.p[i] != ':';
}

static struct str unquoted(struct str line)
{
    size_t quotes = 0;
    while (quotes < line.n && line.p[quotes] == '>')
        quotes++;
    bool quoted = quotes && str_starts(str_sub(line, quotes, line.n), STR("From "));
    return quoted ? str_sub(line, 1, line.n) : line;
}

#define LINE_MAX_READ 65536 /* a longer line comes in pieces */

struct line {
    char text[LINE_MAX_READ];
    size_t n;
    bool goes_on; /* the last piece was not the end of its line */
};

static bool next_line(FILE *f, struct line *l)
{
    int c = 0;
    l->goes_on = l->n && l->text[l->n - 1] != '\n';
    for (l->n = 0; l->n < sizeof l->text && c != '\n' && (c = getc_unlocked(f)) != EOF;)
        l->text[l->n++] = (char)c;
    return l->n > 0;
}

/* A message begins behind a From line that follows an empty one. */
static int read_mbox(const struct report_reading *r, FILE *f, struct buffer *b, const char *path)
{
    struct arena *a = arena_new(0);
    struct line *l = arena_make(a, struct line);
    size_t number = 1; /* its From line was read */
    bool empty_before = false, go_on = true;
    while (go_on && next_line(f, l)) {
        struct str line = {l->text, l->n};
        if (!l->goes_on && empty_before && is_from_line(line)) {
            go_on = give_input(r, b, str_printf(a, "%s:%zu", path, number++), NULL);
            buffer_clear(b);
        } else {
            line = l->goes_on ? line : unquoted(line);
            buffer_add(b, line.p, line.n);
        }
        empty_before = !l->goes_on && !str_trim(line).n;
    }
    bool bad = ferror(f);
    if (go_on)
        give_input(r, b, str_printf(a, "%s:%zu", path, number), NULL);
    arena_free(a);
    return bad ? cannot_read(r, path) : EX_OK;
}

/* --- Files -------------------------------------------------------------------------------------*/

static int read_whole(const struct report_reading *r, FILE *f, struct buffer *b, const char *path,
                      bool of_maildir)
{
    char chunk[65536];
    size_t n;
    while (!b->full && (n = fread(chunk, 1, sizeof chunk, f)) > 0)
        buffer_add(b, chunk, n);
    if (ferror(f))
        return cannot_read(r, path);
    give_input(r, b, str_of(path), of_maildir ? path : NULL);
    return EX_OK;
}

/* "From:" begins a mail, "From " an mbox. */
static int read_mbox_or_mail(const struct report_reading *r, FILE *f, struct buffer *b,
                             const char *path)
{
    char head[6];
    size_t n = fread(head, 1, sizeof head, f);
    struct str begin = {head, n};
    buffer_add(b, head, n);
    if (!is_from_line(begin))
        return read_whole(r, f, b, path, false);
    b->n = 0;
    int c;
    while ((c = getc_unlocked(f)) != EOF && c != '\n')
        continue;
    return read_mbox(r, f, b, path);
}

static int read_open_file(const struct report_reading *r, FILE *f, const char *path,
                          bool of_maildir)
{
    struct buffer b;
    int first = getc(f), status;
    buffer_open(&b);
    if (first != EOF)
        ungetc(first, f);
    if (first == 'F' && !of_maildir && !r->one_mail)
        status = read_mbox_or_mail(r, f, &b, path);
    else
        status = read_whole(r, f, &b, path, of_maildir);
    munmap(b.p, b.cap);
    return status;
}

static int read_file(const struct report_reading *r, const char *path, bool of_maildir)
{
    FILE *f = fopen(path, "re");
    if (!f)
        return cannot_read(r, path);
    int status = read_open_file(r, f, path, of_maildir);
    fclose(f);
    return status;
}

/* --- Folders -----------------------------------------------------------------------------------*/

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* ":2,F" and more: flagged, as what was refused is. */
static bool is_flagged(const char *name)
{
    const char *flags = strrchr(name, ',');
    return flags && flags - name > 2 && memcmp(flags - 2, ":2", 2) == 0 && strchr(flags, 'F');
}

static bool is_kind(const char *path, mode_t kind)
{
    struct stat st;
    return stat(path, &st) == 0 && (st.st_mode & S_IFMT) == kind;
}

static int read_folder(const struct report_reading *r, const char *path, bool of_maildir)
{
    struct dirent **names;
    int n = scandir(path, &names, is_visible, alphasort), status = EX_OK;
    if (n < 0)
        return cannot_read(r, path);
    for (int i = 0; i < n; i++) {
        struct arena *a = arena_new(0);
        char *file = str_cstr(a, str_printf(a, "%s/%s", path, names[i]->d_name));
        bool skip = of_maildir && r->skip_taken && is_flagged(names[i]->d_name);
        if (!skip && is_kind(file, S_IFREG) && read_file(r, file, of_maildir))
            status = EX_NOINPUT;
        arena_free(a);
        free(names[i]);
    }
    free(names);
    return status;
}

int report_read_input(const struct report_reading *r, const char *path)
{
    struct arena *a = r->command->arena;
    char *cur = str_cstr(a, str_printf(a, "%s/cur", path));
    char *new = str_cstr(a, str_printf(a, "%s/new", path));
    if (strcmp(path, "-") == 0)
        return read_open_file(r, stdin, "standard input", false);
    if (!is_kind(path, S_IFDIR))
        return read_file(r, path, false);
    if (!is_kind(cur, S_IFDIR) || !is_kind(new, S_IFDIR))
        return read_folder(r, path, false);
    int status = read_folder(r, cur, true);
    return read_folder(r, new, true) == EX_OK ? status : EX_NOINPUT;
}
