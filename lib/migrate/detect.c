/* detect.c - finds out the kind of a file by its content, or else by its name.
 *
 * Errors: a phrase behind the path. */
#include "migrate/migration.h"

/* A file with so many known settings is no list, whatever its name is. */
#define LIST_SCORE 6

/* What a name is worth: openarc.conf has the settings of opendkim.conf, and in a new version some
 * that no table has yet. It must not make a sealing key one that signs. */
#define NAME_SCORE 10

/* Options may be those of any program: the text has to name postgrey. Greylisting would begin
 * because of another program's -v. */
static bool names_postgrey(struct str text)
{
    return str_find_nocase(text, 0, STR("postgrey")) < text.n;
}

/* How well the settings of a text fit a kind: known ones count for it, and unknown ones count more
 * against it. */
static int score_of(struct arena *a, const struct migrate_kind *kind, struct str text)
{
    int score = 0;
    struct migrate_settings settings = {0};
    if (kind->syntax == SYNTAX_LIST || (kind->syntax == SYNTAX_OPTIONS && !names_postgrey(text)))
        return 0;
    syntax_read(a, kind->syntax, "", text, &settings);
    for (size_t i = 0; i < settings.n; i++)
        score += row_find(kind, settings.v[i].name) ? 2 : -3;
    return score;
}

/* True if the path ends with one of the names. */
static bool is_named(const struct migrate_kind *kind, const char *path)
{
    struct str names = str_of(kind->files), name, whole = str_of(path);
    while (str_split(&names, ' ', &name)) {
        size_t before = whole.n - name.n;
        if (name.n && name.n <= whole.n && str_ends_nocase(whole, name) &&
            (before == 0 || whole.p[before - 1] == '/'))
            return true;
    }
    return false;
}

/* "name domain:selector:key" in each line. */
static bool looks_like_key_table(struct arena *a, struct str text)
{
    struct migrate_texts lines = {0}, words;
    read_entries(a, text, &lines);
    for (size_t i = 0; i < lines.n; i++) {
        words = (struct migrate_texts){0};
        syntax_words(a, lines.v[i], &words);
        if (words.n != 2)
            return false;
        size_t first = str_find(words.v[1], 0, ':');
        if (str_find(words.v[1], first + 1, ':') >= words.v[1].n)
            return false;
    }
    return lines.n > 0;
}

static const struct migrate_kind *by_name(const char *path)
{
    for (size_t i = 0; i < migrate_kinds(); i++)
        if (is_named(&migrate_kind_table[i], path))
            return &migrate_kind_table[i];
    return NULL;
}

/* The kinds that fit best, with "or" between them, for a complaint. */
static struct str name_kinds(struct arena *a, struct str text, int best)
{
    struct strbuf b;
    sb_init(&b, a);
    for (size_t i = 0; i < migrate_kinds(); i++) {
        if (best > 0 ? score_of(a, &migrate_kind_table[i], text) == best : true)
            sb_printf(&b, "%s%s", b.n ? (best > 0 ? " or " : ", ") : "",
                      migrate_kind_table[i].name);
    }
    return sb_str(&b);
}

/* The kind that the settings fit best; *best is its score, 0 if none fits. *tie: another one fits
 * as well, and the name does not decide. */
static const struct migrate_kind *by_content(struct arena *a, struct str text,
                                             const struct migrate_kind *named, int *best, bool *tie)
{
    const struct migrate_kind *found = NULL;
    for (size_t i = 0; i < migrate_kinds(); i++) {
        const struct migrate_kind *kind = &migrate_kind_table[i];
        int score = score_of(a, kind, text);
        score += kind == named && score > 0 ? NAME_SCORE : 0;
        bool better = score > *best || (score > 0 && score == *best && kind == named);
        *tie = better ? false : *tie || (score > 0 && score == *best && found != named);
        *best = better ? score : *best;
        found = better ? kind : found;
    }
    return found;
}

const struct migrate_kind *kind_of(struct arena *a, struct str text, const char *path,
                                   struct str *problem)
{
    int best = 0;
    bool tie = false;
    const struct migrate_kind *named = by_name(path);
    const struct migrate_kind *found = by_content(a, text, named, &best, &tie);
    bool list_named = named && named->syntax == SYNTAX_LIST;
    if (!found && !list_named && looks_like_key_table(a, text))
        return &migrate_kind_table[migrate_kind_find(STR("key-table"))];
    if (!found || (list_named && best < LIST_SCORE))
        found = named;
    if (found && !tie)
        return found;
    *problem = str_printf(a,
                          "is of a kind that its content and name do not show: use --as KIND, "
                          "which is %.*s",
                          STR_ARG(name_kinds(a, text, tie ? best : 0)));
    return NULL;
}
