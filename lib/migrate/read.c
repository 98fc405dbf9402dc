/* read.c - reads the files of a migration, and gives each setting to its row.
 *
 * Errors: a phrase for a file that the caller names; a line of the account for a file that another
 * one names. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "migrate/migration.h"
#include "migrate/notes.h"

struct migration *migration_new(struct arena *a)
{
    struct migration *m = arena_make(a, struct migration);
    m->arena = a;
    m->scratch.arena = a;
    m->values = arena_array(a, struct migrate_value, options_count);
    strmap_init(&m->patterns, a);
    strmap_init(&m->copies, a);
    value_set_defaults(&m->scratch);
    return m;
}

bool migration_is_incomplete(const struct migration *m)
{
    return m->incomplete;
}

/* Reads at most MIGRATE_FILE_MAX bytes. */
static bool read_all(struct arena *a, int fd, struct str *text)
{
    struct strbuf b;
    char block[16384];
    ssize_t n;
    sb_init(&b, a);
    while ((n = read(fd, block, sizeof block)) > 0 && b.n <= MIGRATE_FILE_MAX)
        sb_add(&b, (struct str){block, (size_t)n});
    if (n >= 0 && b.n > MIGRATE_FILE_MAX)
        errno = EFBIG;
    *text = sb_str(&b);
    return n >= 0 && b.n <= MIGRATE_FILE_MAX;
}

bool read_file(struct migration *m, const char *path, struct str *text, struct str *problem)
{
    int fd = m->opened ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
    bool ok = fd >= 0 && read_all(m->arena, fd, text);
    int reason = m->opened ? errno : EACCES;
    if (fd >= 0)
        close(fd);
    if (ok)
        ok = ++m->n_read <= MIGRATE_FILES_MAX;
    else
        *problem = str_printf(m->arena, "cannot be read: %s%s", strerror(reason),
                              reason == EACCES ? "; run this as root" : "");
    if (m->n_read > MIGRATE_FILES_MAX)
        *problem = STR("is one file too many");
    return ok;
}

struct str file_problem(struct migration *m, const char *path)
{
    struct stat found;
    if (!m->opened)
        return STR_NONE;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return str_printf(m->arena, "%s%s", strerror(errno),
                          errno == EACCES ? "; run this as root" : "");
    bool file = fstat(fd, &found) == 0 && S_ISREG(found.st_mode);
    close(fd);
    return file ? STR_NONE : STR("it is no file");
}

void read_entries(struct arena *a, struct str text, struct migrate_texts *out)
{
    struct str line;
    while (str_split(&text, '\n', &line)) {
        line = str_trim(str_sub(line, 0, str_find(line, 0, '#')));
        if (line.n)
            texts_add(a, out, line);
    }
}

/* Quotes may stand around an entry, or around the whole list. */
static struct str without_quote(struct str text)
{
    bool before = text.n && (text.p[0] == '"' || text.p[0] == '\'');
    text = str_sub(text, before, text.n);
    bool behind = text.n && (text.p[text.n - 1] == '"' || text.p[text.n - 1] == '\'');
    return str_sub(text, 0, text.n - behind);
}

void split_list(struct arena *a, struct str text, struct migrate_texts *out)
{
    size_t begin = 0;
    for (size_t i = 0; i <= text.n; i++) {
        if (i < text.n && text.p[i] != ',' && text.p[i] != ' ' && text.p[i] != '\t')
            continue;
        struct str part = without_quote(str_sub(text, begin, i));
        if (part.n)
            texts_add(a, out, part);
        begin = i + 1;
    }
}

const char *path_of(struct migration *m, struct str base, struct str path)
{
    if (str_starts(path, STR("/")) || !base.n)
        return str_cstr(m->arena, path);
    return str_cstr(m->arena, str_printf(m->arena, "%.*s/%.*s", STR_ARG(base), STR_ARG(path)));
}

/* The path of a data set that is a text file; absent: it is none. */
static struct str dataset_path(struct str value)
{
    static const struct str prefixes[] = {STR_INIT("refile:"), STR_INIT("file:")};
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
        if (str_starts_nocase(value, prefixes[i]))
            return str_sub(value, prefixes[i].n, value.n);
    bool path = str_starts(value, STR("/")) || str_starts(value, STR("./")) ||
                str_starts(value, STR("../"));
    return path ? value : STR_NONE;
}

struct str dataset_file(struct migration *m, struct str value)
{
    struct str path = dataset_path(value);
    return path.p ? str_of(path_of(m, m->signing.base, path)) : STR_NONE;
}

/* What to do with a data set that is no text file; NULL: it is one. */
static const char *dataset_advice(struct str value)
{
    static const char *const kinds[] = {
        "db:",  "bdb:",    "mdb:",      "dsn:",  "ldap:",   "ldaps:", "ldapi:",
        "lua:", "erlang:", "memcache:", "odbx:", "repute:", "socket:"};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (str_starts_nocase(value, str_of(kinds[i])))
            return "assay reads only text files: write the entries into one, each on its own line";
    return NULL;
}

static struct str real_path(struct migration *m, const char *path)
{
    char *real = m->opened ? realpath(path, NULL) : NULL;
    struct str copy = str_copy(m->arena, str_of(real ? real : path));
    free(real);
    return copy;
}

void note_named(struct migration *m, const char *path)
{
    if (!was_named(m, path))
        texts_add(m->arena, &m->named, real_path(m, path));
}

bool was_named(struct migration *m, const char *path)
{
    struct str real = real_path(m, path);
    for (size_t i = 0; i < m->named.n; i++)
        if (str_eq(m->named.v[i], real))
            return true;
    return false;
}

bool read_dataset(struct migration *m, const struct migrate_setting *s, struct migrate_texts *out)
{
    struct str text, problem, path = dataset_path(s->value), list = s->value;
    const char *advice = dataset_advice(s->value);
    if (advice) {
        bool keys = str_ends_nocase(s->name, STR("Table"));
        tell(m, s, MIGRATE_LEFT, "%s", keys ? N_DATABASE : advice);
        return false;
    }
    if (path.p) {
        const char *name = path_of(m, m->signing.base, path);
        if (!read_file(m, name, &text, &problem)) {
            m->incomplete = m->incomplete || s->line;
            tell(m, s, MIGRATE_LEFT, "%s %.*s", name, STR_ARG(problem));
            return false;
        }
        note_named(m, name);
        read_entries(m->arena, text, out);
        return true;
    }
    if (str_starts_nocase(list, STR("csl:")))
        list = str_sub(list, 4, list.n);
    split_list(m->arena, list, out);
    return true;
}

/* --- Settings ----------------------------------------------------------------------------------*/

static void gather_settings(struct migration *m, const struct migrate_kind *kind,
                            const struct migrate_settings *settings, struct migrate_settings *all);

/* Reads a file that `Include` names, at that place. */
static void gather_include(struct migration *m, const struct migrate_kind *kind,
                           const struct migrate_row *row, const struct migrate_setting *s,
                           struct migrate_settings *all)
{
    struct str text, problem = STR_NONE;
    struct migrate_settings settings = {0};
    const char *path = path_of(m, m->signing.base, s->value);
    if (m->depth >= MIGRATE_DEPTH_MAX)
        problem = STR("is not read, because the files include each other");
    else if (read_file(m, path, &text, &problem))
        problem = STR_NONE;
    if (problem.p) {
        m->incomplete = true;
        tell(m, s, MIGRATE_LEFT, "%s %.*s", path, STR_ARG(problem));
        return;
    }
    tell_row(m, row, s);
    m->depth++;
    syntax_read(m->arena, kind->syntax, path, text, &settings);
    gather_settings(m, kind, &settings, all);
    m->depth--;
}

/* All settings in their order, those of included files among them. */
static void gather_settings(struct migration *m, const struct migrate_kind *kind,
                            const struct migrate_settings *settings, struct migrate_settings *all)
{
    for (size_t i = 0; i < settings->n; i++) {
        const struct migrate_setting *s = &settings->v[i];
        const struct migrate_row *row = row_find(kind, s->name);
        if (row && str_eq_nocase(s->name, STR("Include"))) {
            gather_include(m, kind, row, s, all);
            continue;
        }
        if (row && str_eq_nocase(s->name, STR("BaseDirectory")))
            m->signing.base = s->value; /* for paths before it, too */
        all->v = arena_extend(m->arena, all->v, all->n, &all->cap, sizeof *all->v);
        all->v[all->n++] = *s;
    }
}

static struct str nearest(struct arena *a, const struct migrate_kind *kind, struct str name)
{
    size_t best = 3;
    const char *found = NULL;
    for (size_t i = 0; i < kind->n; i++) {
        size_t d = str_distance(str_lower(a, name), str_lower(a, str_of(kind->rows[i].name)));
        if (d < best) {
            best = d;
            found = kind->rows[i].name;
        }
    }
    return found ? str_printf(a, "; \"%s\" is meant?", found) : STR("");
}

/* Settings that add to a list whenever they stand in a file. */
static bool adds_up(struct str name)
{
    static const char *const names[] = {"WhitelistIP", "WhitelistPTR",      "WhitelistFrom",
                                        "WhitelistTo", "whitelist-clients", "whitelist-recipients",
                                        "signature"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (str_eq_nocase(name, str_of(names[i])))
            return true;
    return false;
}

static void tell_later(struct migration *m, const struct migrate_setting *s,
                       const struct migrate_setting *later)
{
    bool same = strcmp(s->file, later->file) == 0;
    tell(m, s, MIGRATE_CARRIED, "line %u%s%s sets it again, and the last one counts", later->line,
         same ? "" : " of ", same ? "" : later->file);
}

/* Takes a setting; `last` is the last one of its row. */
static void take_one(struct migration *m, const struct migrate_kind *kind,
                     const struct migrate_row *row, const struct migrate_setting *s,
                     const struct migrate_setting *last)
{
    if (!row)
        tell(m, s, MIGRATE_LEFT, "no setting of %s%.*s", kind->title,
             STR_ARG(nearest(m->arena, kind, s->name)));
    else if (last != s && !adds_up(s->name))
        tell_later(m, s, last);
    else
        row->take(m, row, s);
}

/* All programs use the last one if a setting stands several times. */
void take_settings(struct migration *m, const struct migrate_kind *kind,
                   const struct migrate_settings *settings)
{
    struct migrate_settings all = {0};
    gather_settings(m, kind, settings, &all);
    const struct migrate_setting **last =
        arena_array(m->arena, const struct migrate_setting *, kind->n);
    for (size_t i = 0; i < all.n; i++) {
        const struct migrate_row *row = row_find(kind, all.v[i].name);
        if (row)
            last[row - kind->rows] = &all.v[i];
    }
    for (size_t i = 0; i < all.n; i++) {
        const struct migrate_row *row = row_find(kind, all.v[i].name);
        take_one(m, kind, row, &all.v[i], row ? last[row - kind->rows] : NULL);
    }
}

static bool stands_in(const struct migration *m, size_t from, const struct migrate_row *row)
{
    for (size_t i = from; i < m->n_lines; i++)
        if (str_eq_nocase(m->lines[i].setting.name, str_of(row->name)))
            return true;
    return false;
}

/* Carries over defaults of the program that differ from ours. */
static void take_defaults(struct migration *m, const struct migrate_kind *kind, const char *path,
                          size_t from)
{
    for (size_t i = 0; i < kind->n; i++) {
        const struct migrate_row *row = &kind->rows[i];
        struct migrate_setting s = {path, 0, str_of(row->name), str_of(row->def)};
        if (row->def && !stands_in(m, from, row))
            row->take(m, row, &s);
    }
}

static void take_file(struct migration *m, const struct migrate_kind *kind, const char *path,
                      struct str text)
{
    struct migrate_settings settings = {0};
    size_t from = m->n_lines;
    m->signing = (struct migrate_signing){0};
    if (kind->whole) {
        struct migrate_setting s = {path, 1, str_of(kind->title), STR("")};
        if (was_named(m, path)) {
            tell(m, &s, MIGRATE_CARRIED, "read already, because another file names it");
        } else {
            s.value = str_of(path);
            kind->whole(m, NULL, &s);
        }
        return;
    }
    syntax_read(m->arena, kind->syntax, path, text, &settings);
    take_settings(m, kind, &settings);
    take_defaults(m, kind, path, from);
    if (kind->finish)
        kind->finish(m);
}

/* The file to read in a folder of tumgreyspf: tumgreyspf.conf, or __default__. */
static const char *file_in_folder(struct migration *m, const char *path)
{
    static const char *const names[] = {"tumgreyspf.conf", "__default__"};
    struct stat found;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *file = str_cstr(m->arena, str_printf(m->arena, "%s/%s", path, names[i]));
        if (stat(file, &found) == 0)
            return file;
    }
    return path;
}

bool migration_read_text(struct migration *m, const char *name, struct str text, const char *kind,
                         struct str *problem)
{
    size_t named = kind ? migrate_kind_find(str_of(kind)) : migrate_kinds();
    if (kind && named == migrate_kinds()) {
        *problem = str_printf(
            m->arena, "cannot be read as \"%s\": there is no such kind; --options lists them",
            kind);
        return false;
    }
    const struct migrate_kind *k =
        kind ? &migrate_kind_table[named] : kind_of(m->arena, text, name, problem);
    if (!k)
        return false;
    texts_add(m->arena, &m->files, str_printf(m->arena, "%s, read as %s", name, k->title));
    take_file(m, k, name, text);
    return true;
}

bool migration_read(struct migration *m, const char *path, const char *kind, struct str *problem)
{
    struct stat found;
    struct str text;
    m->opened = true;
    if (stat(path, &found) == 0 && S_ISDIR(found.st_mode))
        path = file_in_folder(m, path);
    bool ok = read_file(m, strcmp(path, "-") ? path : "/dev/stdin", &text, problem) &&
              migration_read_text(m, path, text, kind, problem);
    m->opened = false;
    return ok;
}

void migration_finish(struct migration *m)
{
    m->opened = true;
    finish_tables(m);
    m->opened = false;
    write_signing(m);
    keep_first_commands(m);
}
