/* tumgreyspf.c - tumgreyspf's own settings: folders for addresses of clients, senders and
 * recipients.
 *
 * Errors: lines of the account; the number of files that are read is bounded. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/ascii.h"
#include "migrate/migration.h"
#include "migrate/notes.h"

void carry_folder(struct migration *m, const struct migrate_row *row,
                  const struct migrate_setting *s)
{
    struct str path = s->value;
    (void)row;
    if (str_starts(path, STR("file://")))
        path = str_sub(path, 7, path.n);
    m->tumgreyspf_folder = path;
    tell(m, s, MIGRATE_CARRIED, "its folders are read");
}

static bool checks(struct str checkers, const char *what)
{
    struct str part;
    while (str_split(&checkers, ',', &part))
        if (str_eq_nocase(str_trim(part), str_of(what)))
            return true;
    return false;
}

void carry_checkers(struct migration *m, const struct migrate_row *row,
                    const struct migrate_setting *s)
{
    bool spf = checks(s->value, "spf"), greylist = checks(s->value, "greylist");
    (void)row;
    if (spf && !set_or_tell(m, "spf.on-fail", STR("reject"), s))
        return;
    struct migrate_value *mode = &m->values[option_find(STR("greylist.mode")) - options];
    if (!greylist && mode->set)
        *mode = (struct migrate_value){0};
    tell(m, s, MIGRATE_CARRIED, "%s%s%s", spf ? "spf.on-fail = reject" : "SPF is tagged",
         spf && greylist ? ", " : "; ", greylist ? "greylisting" : "no greylisting");
}

void carry_last_byte(struct migration *m, const struct migrate_row *row,
                     const struct migrate_setting *s)
{
    struct str bits = is_true(s->value) ? STR("24") : STR("32");
    if (set_or_tell(m, row->to, bits, s))
        tell(m, s, row->fate, "%s = %.*s", row->to, STR_ARG(bits));
}

void carry_tum_expire(struct migration *m, const struct migrate_row *row,
                      const struct migrate_setting *s)
{
    struct str days = s->value;
    if (str_ends_nocase(days, STR(".0")))
        days = str_sub(days, 0, days.n - 2);
    struct str text = str_printf(m->arena, "%.*sd", STR_ARG(days));
    if (set_or_tell(m, row->to, text, s))
        tell(m, s, row->fate, "%s = %.*s", row->to, STR_ARG(text));
}

/* --- The folders -------------------------------------------------------------------------------*/

struct folder_walk {
    struct migration *m;
    const char *kind; /* client_address ... */
    struct migrate_texts path;
};

/* %2e and the like. */
static struct str undo_percent(struct arena *a, struct str text)
{
    struct strbuf b;
    sb_init(&b, a);
    for (size_t i = 0; i < text.n; i++) {
        bool hex = text.p[i] == '%' && i + 2 < text.n && ascii_is_hex(text.p[i + 1]) &&
                   ascii_is_hex(text.p[i + 2]);
        char digits[3] = {hex ? text.p[i + 1] : '0', hex ? text.p[i + 2] : '0', '\0'};
        sb_addc(&b, hex ? (char)strtol(digits, NULL, 16) : text.p[i]);
        i += hex ? 2 : 0;
    }
    return sb_str(&b);
}

/* a.b.c.0/24 of client_address/a/b/c/__default__. */
static struct str network_of(struct arena *a, const struct migrate_texts *path, bool all)
{
    struct strbuf b;
    sb_init(&b, a);
    for (size_t i = 0; i < 4; i++)
        sb_printf(&b, "%s%.*s", i ? "." : "", STR_ARG(i < path->n ? path->v[i] : STR("0")));
    if (all)
        sb_printf(&b, "/%zu", path->n * 8);
    return sb_str(&b);
}

/* The entry of exceptions for a file; *option is the list that it goes to. */
static struct str subject_of(const struct folder_walk *w, bool all, const char **option)
{
    struct arena *a = w->m->arena;
    struct str last = w->path.n ? w->path.v[w->path.n - 1] : STR("");
    if (strcmp(w->kind, "client_address") == 0) {
        *option = "exceptions.networks";
        return network_of(a, &w->path, all);
    }
    bool recipient = strcmp(w->kind, "envelope_recipient") == 0;
    *option = recipient ? "exceptions.recipients" : all ? "exceptions.domains" : NULL;
    if (all)
        return recipient ? str_printf(a, "@%.*s", STR_ARG(last)) : last;
    return w->path.n == 2 ? str_printf(a, "%.*s@%.*s", STR_ARG(last), STR_ARG(w->path.v[0]))
                          : STR_NONE;
}

static struct str value_of(const struct migrate_settings *settings, const char *name)
{
    for (size_t i = 0; i < settings->n; i++)
        if (str_eq_nocase(settings->v[i].name, str_of(name)))
            return settings->v[i].value;
    return STR_NONE;
}

/* Adds clients for which SPF was not checked. */
static bool free_of_spf(struct folder_walk *w, const struct migrate_setting *s, struct str checkers)
{
    return checks(checkers, "spf") || strcmp(w->kind, "client_address") != 0 ||
           set_or_tell(w->m, "spf.skip-networks", s->value, s);
}

/* Reads one file of the folders; what it exempts from greylisting becomes an exception. */
static void take_leaf(struct folder_walk *w, const char *file, bool all)
{
    struct migration *m = w->m;
    struct str text, problem;
    struct migrate_settings settings = {0};
    const char *option = NULL;
    struct migrate_setting s = {file, 1, str_of(w->kind), subject_of(w, all, &option)};
    if (!read_file(m, file, &text, &problem)) {
        m->incomplete = true;
        tell(m, &s, MIGRATE_LEFT, "%s %.*s", file, STR_ARG(problem));
        return;
    }
    syntax_read(m->arena, SYNTAX_EQUALS, file, text, &settings);
    struct str checkers = value_of(&settings, "CHECKERS");
    if (!checkers.p || checks(checkers, "greylist"))
        tell(m, &s, MIGRATE_LEFT, N_PERUSER);
    else if (!option)
        tell(m, &s, MIGRATE_LEFT, "a sender can be forged: put its domain into exceptions.domains");
    else if (set_or_tell(m, option, s.value, &s) && free_of_spf(w, &s, checkers))
        tell(m, &s, MIGRATE_CHANGED, "%s; it is exempt from DNS lists, too%s", option,
             checks(checkers, "spf")                  ? ""
             : strcmp(w->kind, "client_address") == 0 ? ", and SPF is not checked"
                                                      : "; SPF is still checked");
}

static void walk_folder(struct folder_walk *w, const char *path, unsigned depth)
{
    struct migration *m = w->m;
    struct dirent **names;
    bool enough = depth > 5 || m->n_read > MIGRATE_FILES_MAX || !m->opened;
    int n = enough ? -1 : scandir(path, &names, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        struct stat st;
        struct str name = str_copy(m->arena, str_of(names[i]->d_name));
        const char *file = str_cstr(m->arena, str_printf(m->arena, "%s/%.*s", path, STR_ARG(name)));
        free(names[i]);
        if (str_starts(name, STR(".")) || stat(file, &st) != 0)
            continue;
        if (str_eq(name, STR("__default__"))) {
            take_leaf(w, file, true);
            continue;
        }
        texts_add(m->arena, &w->path, undo_percent(m->arena, name));
        if (S_ISDIR(st.st_mode))
            walk_folder(w, file, depth + 1);
        else
            take_leaf(w, file, false);
        w->path.n--;
    }
    if (n >= 0)
        free(names);
}

/* Reads the settings for everybody. */
static void take_default(struct migration *m)
{
    const struct migrate_kind *kind = &migrate_kind_table[migrate_kind_find(STR("tumgreyspf"))];
    const char *path = path_of(m, m->tumgreyspf_folder, STR("__default__"));
    struct migrate_settings settings = {0};
    struct str text, problem;
    struct migrate_setting s = {path, 1, STR("configPath"), m->tumgreyspf_folder};
    if (!read_file(m, path, &text, &problem)) {
        m->incomplete = true;
        tell(m, &s, MIGRATE_LEFT, "%s %.*s", path, STR_ARG(problem));
        return;
    }
    syntax_read(m->arena, SYNTAX_EQUALS, path, text, &settings);
    take_settings(m, kind, &settings);
}

/* The folder of a __default__ that was named itself. */
static void find_folder(struct migration *m)
{
    struct str file = m->n_lines ? str_of(m->lines[m->n_lines - 1].setting.file) : STR("");
    if (str_ends_nocase(file, STR("/__default__")))
        m->tumgreyspf_folder = str_sub(file, 0, str_find_last(file, '/'));
}

void finish_tumgreyspf(struct migration *m)
{
    static const char *const kinds[] = {"client_address", "envelope_sender", "envelope_recipient"};
    if (m->tumgreyspf_folder.p)
        take_default(m);
    else
        find_folder(m);
    for (size_t i = 0; m->tumgreyspf_folder.p && i < sizeof kinds / sizeof kinds[0]; i++) {
        struct folder_walk w = {m, kinds[i], {0}};
        walk_folder(&w, path_of(m, m->tumgreyspf_folder, str_of(kinds[i])), 0);
    }
    m->tumgreyspf_folder = STR_NONE;
}
