/* listfile.c - entries of a list that stand in a file of their own.
 *
 * Errors: complaints with file and line; a bounded number for one file. */
#include "conf/listfile.h"

#include <errno.h>
#include <string.h>

static const struct str prefix = STR_INIT("file:");

bool list_file_named(struct str element)
{
    return str_starts(element, prefix);
}

/* The list and its file while that is read. */
struct reading {
    struct walk *walk;
    const char *option;
    list_entry_fn *take;
    void *context;
    size_t entries, complaints;
};

static void complain_entry(struct reading *r, struct str entry, struct conf_place place,
                           const char *problem)
{
    struct walk *w = r->walk;
    r->complaints++;
    if (r->complaints <= LIST_FILE_COMPLAINTS)
        conf_problem(w->problems, place, "%s: \"%.*s\" %s", r->option,
                     STR_ARG(str_safe(w->scratch, entry, 100, true)), problem);
    else if (r->complaints == LIST_FILE_COMPLAINTS + 1)
        conf_problem(w->problems, place, "%s: more of the lines from here on are wrong", r->option);
}

static struct str without_comment(struct str line)
{
    for (size_t hash = str_find(line, 0, '#'); hash < line.n; hash = str_find(line, hash + 1, '#'))
        if (hash == 0 || line.p[hash - 1] == ' ' || line.p[hash - 1] == '\t')
            return str_sub(line, 0, hash);
    return line;
}

static void take_line(struct reading *r, struct str line, struct conf_place place)
{
    struct str entry = str_trim(without_comment(line));
    const char *problem = NULL;
    if (!entry.n)
        return;
    if (list_file_named(entry))
        problem = "names a file, which only the configuration can do";
    else if (str_find(entry, 0, ' ') < entry.n || str_find(entry, 0, '\t') < entry.n)
        problem = "is more than one word: write one entry a line";
    else
        problem = r->take(r->context, entry, place);
    if (problem)
        complain_entry(r, entry, place, problem);
    else
        r->entries++;
}

static void read_lines(struct reading *r, struct str text, const char *path)
{
    struct conf_place place = {.file = path};
    struct str line;
    while (str_split(&text, '\n', &line)) {
        place.line++;
        take_line(r, line, place);
    }
}

static void note_file(struct walk *w, struct conf_list_file file)
{
    struct conf *conf = w->conf;
    conf->list_files = arena_extend(conf->arena, conf->list_files, conf->n_list_files,
                                    &conf->list_files_cap, sizeof file);
    conf->list_files[conf->n_list_files++] = file;
}

/* Why the file cannot be a list, or NULL. */
static const char *unfit(const struct walk *w, struct str text, int why)
{
    if (!text.p)
        return str_printf(w->scratch, "cannot be read: %s", strerror(why)).p;
    if (text.n > LIST_FILE_MAX)
        return "is larger than 8 MB";
    return str_find(text, 0, '\0') < text.n ? "holds a NUL byte: it is no text file" : NULL;
}

void list_file_read(struct walk *w, const char *option, const config_setting_t *setting,
                    struct str element, list_entry_fn *take, void *context)
{
    struct reading r = {.walk = w, .option = option, .take = take, .context = context};
    struct conf_place place = walk_place(w, setting);
    const char *path = str_cstr(w->conf->arena, str_sub(element, prefix.n, element.n));
    if (path[0] != '/') {
        conf_problem(w->problems, place, "%s: \"%.*s\" has no absolute path: write file:/path",
                     option, STR_ARG(str_safe(w->scratch, element, 100, true)));
        return;
    }
    struct str text = source_read(w->scratch, path);
    const char *problem = unfit(w, text, errno);
    if (problem) {
        conf_problem(w->problems, place, "%s: %s %s", option, path, problem);
        return;
    }
    read_lines(&r, text, path);
    note_file(w, (struct conf_list_file){.option = option, .path = path, .n = r.entries});
}
