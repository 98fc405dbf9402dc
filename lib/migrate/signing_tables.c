/* signing_tables.c - KeyTable and SigningTable: rules, or copies of the tables.
 *
 * If `signing` cannot express the tables, assay.conf names copies of them, without the lines that
 * sign for nobody and with the paths of copied keys.
 *
 * Errors: lines of the account. */
#include <string.h>

#include "base/ascii.h"
#include "migrate/migration.h"

/* --- Copies of the tables ----------------------------------------------------------------------*/

/* The text as an extended regular expression of sed, without backslashes, because the account shows
 * them as \\x5c: a character that would need one is any character. */
static struct str sed_quote(struct arena *a, struct str text, const char *plain)
{
    struct strbuf b;
    sb_init(&b, a);
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '.' || c == '*' || c == '+')
            sb_printf(&b, "[%c]", c);
        else
            sb_addc(&b, ascii_is_alpha(c) || ascii_is_digit(c) || strchr(plain, c) ? c : '.');
    }
    return sb_str(&b);
}

/* Leaves a line out of the copy of a table: that with this name, and this value if it has one. */
static void leave_line(struct arena *a, struct migrate_texts *out, struct str name,
                       struct str value)
{
    struct str first = sed_quote(a, name, "_-@%:,"), second = sed_quote(a, value, "_-@%:,");
    struct str expression =
        value.n ? str_printf(a, "/^[[:space:]]*%.*s[[:space:]]+%.*s[[:space:]]*(#.*)?$/d",
                             STR_ARG(first), STR_ARG(second))
                : str_printf(a, "/^[[:space:]]*%.*s([[:space:]#].*)?$/d", STR_ARG(first));
    texts_add(a, out, str_printf(a, " -e %.*s", STR_ARG(shell_quote(a, expression))));
}

/* The options of sed that replace paths of keys by those of their copies. Behind a path there may
 * be blanks, a comment, or the carriage return of another system. */
static struct str copy_keys(struct migration *m)
{
    struct migrate_signing *g = &m->signing;
    struct arena *a = m->arena;
    struct strbuf sed;
    sb_init(&sed, a);
    for (size_t i = 0; i < g->left_keys.n; i++)
        sb_add(&sed, g->left_keys.v[i]);
    for (size_t i = 0; i < g->n_keys; i++) {
        const struct migrate_key *k = &g->keys[i];
        bool any = str_eq(k->domain, STR("%"));
        check_key_file(m, k->path);
        struct str copy = copy_key(m, any ? STR("any") : k->domain, k->selector, k->path);
        struct str from = sed_quote(
            a, str_printf(a, "%.*s:%.*s", STR_ARG(k->selector), STR_ARG(k->written)), "/_-@%:,");
        struct str command = str_printf(a, "s|:%.*s[[:space:]]*(#.*)?$|:%.*s:%.*s|", STR_ARG(from),
                                        STR_ARG(plain_name(a, k->selector)), STR_ARG(copy));
        sb_printf(&sed, " -e %.*s", STR_ARG(shell_quote(a, command)));
    }
    return sb_str(&sed);
}

static void copy_rows(struct migration *m, struct str rows)
{
    struct str from = shell_quote(m->arena, rows);
    struct strbuf sed;
    sb_init(&sed, m->arena);
    for (size_t i = 0; i < m->signing.left_rows.n; i++)
        sb_add(&sed, m->signing.left_rows.v[i]);
    if (sed.n)
        command_before(m, "sed -E%.*s %.*s > /etc/assay/SigningTable", STR_ARG(sb_str(&sed)),
                       STR_ARG(from));
    else
        command_before(m, "install -m 0640 -o root -g assay %.*s /etc/assay/SigningTable",
                       STR_ARG(from));
}

/* Keeps the tables, with commands that copy tables and keys. */
static void keep_tables(struct migration *m, size_t from)
{
    struct migrate_signing *g = &m->signing;
    struct str keys = dataset_file(m, g->key_table.value);
    struct str rows = dataset_file(m, g->signing_table.value);
    forget_rules(m, from);
    g->problem = STR_NONE; /* of an entry; tables are read as they are */
    if (!keys.p || !rows.p) {
        tell(m, keys.p ? &g->signing_table : &g->key_table, MIGRATE_LEFT,
             "entries of signing cannot say the same: write both tables into files, and run the "
             "command again");
        return;
    }
    struct str sed = copy_keys(m);
    command_before(m, "sed -E%.*s %.*s > /etc/assay/KeyTable", STR_ARG(sed),
                   STR_ARG(shell_quote(m->arena, keys)));
    if (set_or_tell(m, "key-table", STR("/etc/assay/KeyTable"), &g->key_table))
        tell(m, &g->key_table, MIGRATE_CHANGED,
             "key-table: a copy of the table, with copies of the keys");
    copy_rows(m, rows);
    if (set_or_tell(m, "signing-table",
                    g->ordered ? STR("refile:/etc/assay/SigningTable")
                               : STR("/etc/assay/SigningTable"),
                    &g->signing_table))
        tell(m, &g->signing_table, MIGRATE_CARRIED,
             "signing-table, a copy: entries of signing cannot say the same");
}

/* --- Reading them ------------------------------------------------------------------------------*/

/* domain:selector:path; false: the third part is no path. */
static bool parse_key(struct migration *m, struct str name, struct str value,
                      struct migrate_key *out)
{
    size_t first = str_find(value, 0, ':'), second = str_find(value, first + 1, ':');
    struct str path = str_sub(value, second + 1, value.n);
    *out = (struct migrate_key){name, str_sub(value, 0, first), str_sub(value, first + 1, second),
                                path, STR_NONE};
    bool is_path =
        str_starts(path, STR("/")) || str_starts(path, STR("./")) || str_starts(path, STR("../"));
    out->path = str_of(path_of(m, m->signing.base, path));
    return second < value.n && is_path && str_find(path, 0, '%') == path.n;
}

/* Adds a key, by its name if it is the first with that. */
static void add_key(struct migrate_signing *g, const struct migrate_key *key)
{
    void **place = strmap_put(&g->key_names, key->name);
    g->keys[g->n_keys] = *key;
    *place = *place ? *place : &g->keys[g->n_keys];
    g->n_keys++;
}

/* A line of a table, or "name=value" of a list. */
static void row_words(struct arena *a, struct str line, struct migrate_texts *out)
{
    syntax_words(a, line, out);
    if (out->n != 1)
        return;
    struct str whole = out->v[0];
    size_t equals = str_find(whole, 0, '=');
    if (equals == whole.n)
        return;
    out->v[0] = str_sub(whole, 0, equals);
    texts_add(a, out, str_sub(whole, equals + 1, whole.n));
}

#define NAMED_LINES 10

/* The first words of lines, for people. Behind a colon there may be a password, or a key itself. */
static struct str name_lines(struct arena *a, const struct migrate_texts *lines)
{
    struct strbuf b;
    sb_init(&b, a);
    for (size_t i = 0; i < lines->n && i < NAMED_LINES; i++) {
        size_t colon = str_find(lines->v[i], 0, ':');
        struct str shown = str_safe(a, str_sub(lines->v[i], 0, colon), 100, true);
        sb_printf(&b, "%s%.*s%s", i ? ", " : "", STR_ARG(shown),
                  colon < lines->v[i].n ? ":***" : "");
    }
    if (lines->n > NAMED_LINES)
        sb_printf(&b, " and %zu more", lines->n - NAMED_LINES);
    return sb_str(&b);
}

static void read_keys(struct migration *m)
{
    struct migrate_signing *g = &m->signing;
    struct migrate_texts lines = {0}, wrong = {0};
    if (!read_dataset(m, &g->key_table, &lines))
        return;
    g->keys = arena_array(m->arena, struct migrate_key, lines.n);
    strmap_init(&g->key_names, m->arena);
    for (size_t i = 0; i < lines.n; i++) {
        struct migrate_texts words = {0};
        row_words(m->arena, lines.v[i], &words);
        struct migrate_key key;
        if (words.n == 2 && parse_key(m, words.v[0], words.v[1], &key))
            add_key(g, &key);
        else if (words.n) {
            texts_add(m->arena, &wrong, words.v[0]);
            leave_line(m->arena, &g->left_keys, words.v[0], STR_NONE);
        }
    }
    if (wrong.n)
        tell(m, &g->key_table, MIGRATE_LEFT,
             "these have no key file of their own: %.*s: write keys that stand in the table, or "
             "have %% in their paths, into files",
             STR_ARG(name_lines(m->arena, &wrong)));
}

/* A key of SigningTable as a pattern for authors. */
static struct str author_pattern(struct arena *a, struct str key)
{
    bool address = str_find(key, 0, '@') < key.n;
    if (!address && str_starts(key, STR("*.")))
        return str_printf(a, "*@%.*s", STR_ARG(key));
    if (address || str_find(key, 0, '*') < key.n) {
        size_t at = str_find(key, 0, '@');
        bool below = at + 1 < key.n && key.p[at + 1] == '.';
        return below ? str_printf(a, "%.*s@*%.*s", STR_ARG(str_sub(key, 0, at)),
                                  STR_ARG(str_sub(key, at + 1, key.n)))
                     : key;
    }
    if (str_starts(key, STR(".")))
        return str_printf(a, "*@*%.*s", STR_ARG(key));
    return str_printf(a, "*@%.*s", STR_ARG(key));
}

/* True if OpenDKIM compares no author with it: in a plain table asterisks stand for themselves,
 * and behind refile: whole addresses are compared. */
static bool matches_nobody(struct str key, bool patterns)
{
    size_t at = str_find(key, 0, '@'), star = str_find(key, 0, '*');
    if (patterns)
        return at == key.n ? star == key.n : str_starts(str_sub(key, at + 1, key.n), STR("."));
    return star < key.n && !(star == key.n - 1 && (key.n == 1 || at + 1 == star));
}

/* The domain that all authors of a pattern have; absent: theirs may differ. */
static struct str only_domain(struct str pattern)
{
    return pattern_is_below(pattern) ? STR_NONE : pattern_host(pattern);
}

/* One line of SigningTable. False: KeyTable does not have its key. For a percent sign, OpenDKIM
 * takes the author's own domain. */
static bool rule_of_line(struct migration *m, const struct migrate_texts *words, size_t from)
{
    struct migrate_signing *g = &m->signing;
    if (words->n < 2)
        return false;
    struct str pattern = author_pattern(m->arena, words->v[0]), host = only_domain(pattern);
    struct str name = str_sub(words->v[1], 0, str_find(words->v[1], 0, ':'));
    bool named = str_eq(name, STR("%"));
    const struct migrate_key *key = strmap_get(&g->key_names, named ? host : name);
    if (named && !host.n)
        g->tables_only = true;
    if (!key)
        return named && !host.n;
    bool any = str_eq(key->domain, STR("%"));
    if (any && !host.n)
        g->tables_only = true;
    else if (g->several || !has_pattern(m, from, pattern)) /* else only the first match signs */
        add_rule(m, pattern, any ? host : key->domain, key->selector, key->path);
    return true;
}

/* Lines of SigningTable: the keys of those that are carried over, and the others. */
struct table_lines {
    struct strmap keys; /* by pattern, struct str */
    struct migrate_texts unknown, nobody, late;
};

/* Says why lines of SigningTable are left out. */
static void tell_rows(struct migration *m, const struct table_lines *t)
{
    struct migrate_signing *g = &m->signing;
    if (t->unknown.n)
        tell(m, &g->signing_table, MIGRATE_LEFT, "these name no key of KeyTable: %.*s",
             STR_ARG(name_lines(m->arena, &t->unknown)));
    if (t->late.n)
        tell(m, &g->signing_table, MIGRATE_LEFT,
             "a line above has the same pattern, and alone signs without MultipleSignatures: %.*s",
             STR_ARG(name_lines(m->arena, &t->late)));
    if (t->nobody.n)
        tell(m, &g->signing_table, MIGRATE_LEFT,
             "these match no author in OpenDKIM: %.*s, because %s",
             STR_ARG(name_lines(m->arena, &t->nobody)),
             g->ordered
                 ? "refile: compares whole addresses: write *@ before a domain to sign for it, "
                   "and *@*. for those below it"
                 : "only tables behind refile: may have such asterisks");
}

/* True if a line above has the pattern, with another key: without MultipleSignatures only that one
 * signs, and in assay both would. */
static bool comes_too_late(struct migration *m, const struct table_lines *t,
                           const struct migrate_texts *words)
{
    const struct str *key = strmap_get(&t->keys, str_lower(m->arena, words->v[0]));
    return key && !m->signing.several && words->n > 1 && !str_eq(*key, words->v[1]);
}

static void take_line(struct migration *m, const struct migrate_texts *words, size_t from,
                      struct table_lines *t)
{
    struct migrate_signing *g = &m->signing;
    bool useless = matches_nobody(words->v[0], g->ordered);
    bool late = !useless && comes_too_late(m, t, words);
    if (!useless && !late && rule_of_line(m, words, from)) {
        *strmap_put(&t->keys, str_lower(m->arena, words->v[0])) = &words->v[1];
        return;
    }
    texts_add(m->arena, useless ? &t->nobody : late ? &t->late : &t->unknown, words->v[0]);
    leave_line(m->arena, &g->left_rows, words->v[0], words->n > 1 ? words->v[1] : STR_NONE);
}

static void read_tables(struct migration *m)
{
    struct migrate_signing *g = &m->signing;
    struct migrate_texts lines = {0};
    struct table_lines taken = {0};
    size_t from = m->n_rules;
    strmap_init(&taken.keys, m->arena);
    read_keys(m);
    if (!g->n_keys || !read_dataset(m, &g->signing_table, &lines))
        return;
    g->ordered = str_starts_nocase(g->signing_table.value, STR("refile:"));
    for (size_t i = 0; i < lines.n; i++) {
        struct migrate_texts words = {0};
        row_words(m->arena, lines.v[i], &words);
        if (words.n)
            take_line(m, &words, from, &taken);
    }
    tell_rows(m, &taken);
}

static void tell_tables(struct migration *m, size_t from)
{
    struct migrate_signing *g = &m->signing;
    if (g->tables_only || !can_be_entries(m, from)) {
        keep_tables(m, from);
    } else if (m->n_rules > from) {
        tell(m, &g->key_table, MIGRATE_CARRIED, "signing, with copies of the keys");
        tell(m, &g->signing_table, MIGRATE_CARRIED, "signing: %zu %s", m->n_rules - from,
             m->n_rules - from == 1 ? "rule" : "rules");
    }
}

void rules_of_tables(struct migration *m)
{
    size_t from = m->n_rules;
    read_tables(m);
    tell_tables(m, from);
}

/* --- Tables without opendkim.conf --------------------------------------------------------------*/

void whole_key_table(struct migration *m, const struct migrate_row *row,
                     const struct migrate_setting *s)
{
    (void)row;
    m->key_table = *s;
}

void whole_signing_table(struct migration *m, const struct migrate_row *row,
                         const struct migrate_setting *s)
{
    (void)row;
    m->signing_table = *s;
}

/* The value of signing-table: a table with asterisks is a refile. */
static struct str table_value(struct migration *m, const char *path)
{
    struct str text, problem;
    bool patterns = read_file(m, path, &text, &problem) && str_find(text, 0, '*') < text.n;
    return str_printf(m->arena, "%s:%s", patterns ? "refile" : "file", path);
}

static void tell_lonely(struct migration *m, const struct migrate_setting *s, const char *other)
{
    if (s->file && was_named(m, s->file))
        tell(m, s, MIGRATE_CARRIED, "read already, because another file names it");
    else if (s->file)
        tell(m, s, MIGRATE_LEFT, "it needs the %s, too: read both, or opendkim.conf", other);
}

void finish_tables(struct migration *m)
{
    struct migrate_setting *keys = &m->key_table, *rows = &m->signing_table;
    bool both = keys->file && rows->file;
    if (!both || was_named(m, keys->file) || was_named(m, rows->file)) {
        tell_lonely(m, keys, "SigningTable");
        tell_lonely(m, rows, "KeyTable");
        return;
    }
    m->signing = (struct migrate_signing){0};
    m->signing.key_table = *keys;
    m->signing.key_table.value = table_value(m, keys->file);
    m->signing.signing_table = *rows;
    m->signing.signing_table.value = table_value(m, rows->file);
    finish_signing(m);
}
