/* check_input.c - saved messages from files, mbox files and Maildirs.
 *
 * Errors: a line on standard error, and false. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/ascii.h"
#include "milter/commands/check.h"
#include "milter/commands/mailfile.h"

static void add_message(struct check_messages *out, struct str label, struct str text)
{
    out->v = arena_extend(out->arena, out->v, out->n, &out->cap, sizeof *out->v);
    out->v[out->n++] = (struct check_message){label, text};
}

/* "From " and something more begins a message of an mbox. A field may be written "From :" (RFC 5322
 * 4.5). */
static bool is_from_line(struct str text)
{
    size_t i = sizeof "From " - 1;
    if (!str_starts(text, STR("From ")))
        return false;
    while (i < text.n && ascii_is_wsp(text.p[i]))
        i++;
    return i == text.n || text.p[i] != ':';
}

/* Where the next of these lines stands, or the end. */
static size_t next_from_line(struct str text, size_t from)
{
    for (size_t at = from; at < text.n; at = str_find(text, at, '\n') + 1)
        if (at > from && is_from_line(str_sub(text, at, text.n)))
            return at;
    return text.n;
}

/* Each message begins behind a From line; the empty line before the next one belongs to the mbox.
 */
static void add_mbox(struct check_messages *out, const char *path, struct str text)
{
    size_t number = 0;
    for (size_t at = 0; at < text.n;) {
        size_t end = next_from_line(text, at);
        size_t begin = str_find(text, at, '\n') + 1;
        struct str body = str_sub(text, begin, end);
        if (end < text.n && body.n && body.p[body.n - 1] == '\n')
            body.n -= body.n > 1 && body.p[body.n - 2] == '\r' ? 2 : 1;
        add_message(out, str_printf(out->arena, "%s:%zu", path, ++number),
                    mail_unquote_from(out->arena, body));
        at = end;
    }
}

static bool add_file(struct command *c, const char *path, struct check_messages *out)
{
    struct str text;
    if (!command_read_file(c, path, &text))
        return false;
    if (is_from_line(text))
        add_mbox(out, path, text);
    else
        add_message(out, str_copy(out->arena, str_of(path)), text);
    return true;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static bool add_folder(struct command *c, const char *path, struct check_messages *out)
{
    struct dirent **names;
    int n = scandir(path, &names, is_visible, alphasort);
    bool good = n >= 0;
    if (!good)
        command_fail(c, EX_NOINPUT, "%s: %s", path, strerror(errno));
    for (int i = 0; i < n; i++) {
        struct stat st;
        char *file = str_cstr(out->arena, str_printf(out->arena, "%s/%s", path, names[i]->d_name));
        if (stat(file, &st) == 0 && S_ISREG(st.st_mode))
            good = add_file(c, file, out) && good;
        free(names[i]);
    }
    if (n >= 0)
        free(names);
    return good;
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool check_input(struct command *c, const char *path, struct check_messages *out)
{
    char *cur = str_cstr(out->arena, str_printf(out->arena, "%s/cur", path));
    char *new = str_cstr(out->arena, str_printf(out->arena, "%s/new", path));
    if (!is_folder(path))
        return add_file(c, path, out);
    if (!is_folder(cur) || !is_folder(new))
        return add_folder(c, path, out);
    bool good = add_folder(c, cur, out);
    return add_folder(c, new, out) && good;
}
