/* signing.c - Domain and KeyFile, KeyTable and SigningTable, or a KeyList: entries of `signing`.
 *
 * If `signing` cannot express them, assay.conf names copies of OpenDKIM's tables. Keys are copied,
 * so that owner and mode of a file that another daemon reads do not change.
 *
 * Errors: lines of the account. */
#include <limits.h>
#include <string.h>

#include "base/ascii.h"
#include "mail/domain.h"
#include "mail/pattern.h"
#include "migrate/migration.h"

void carry_signing(struct migration *m, const struct migrate_row *row,
                   const struct migrate_setting *s)
{
    struct migrate_signing *g = &m->signing;
    const struct {
        const char *name;
        struct migrate_setting *place;
    } places[] = {
        {"Domain", &g->domain},      {"Selector", &g->selector},          {"KeyFile", &g->key_file},
        {"KeyTable", &g->key_table}, {"SigningTable", &g->signing_table}, {"KeyList", &g->key_list},
    };
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (str_eq_nocase(s->name, str_of(places[i].name)))
            *places[i].place = *s; /* finish_signing() adds its line to the account */
    if (str_eq_nocase(s->name, STR("SubDomains")))
        g->subdomains = is_true(s->value);
    else if (str_eq_nocase(s->name, STR("MultipleSignatures")))
        g->several = is_true(s->value);
    else if (str_eq_nocase(s->name, STR("BaseDirectory")))
        g->base = s->value;
    else
        return;
    if (row->fate == MIGRATE_CHANGED && !is_true(s->value))
        tell(m, s, MIGRATE_CARRIED, "%s", row->to);
    else
        tell_row(m, row, s);
}

static bool has_rule(const struct migration *m, struct str pattern, struct str domain,
                     struct str selector)
{
    for (size_t i = 0; i < m->n_rules; i++)
        if (str_eq_nocase(m->rules[i].pattern, pattern) &&
            str_eq_nocase(m->rules[i].domain, domain) &&
            str_eq_nocase(m->rules[i].selector, selector))
            return true;
    return false;
}

/* Adds a rule. If no entry of `signing` can have it, signing.problem says why. */
static void add_rule(struct migration *m, struct str pattern, struct str domain,
                     struct str selector, struct str path)
{
    struct str name;
    const char *why = sender_pattern_parse(m->arena, pattern, &name);
    struct str what = pattern;
    if (!why) {
        what = domain;
        why = conf_domain_problem(m->arena, domain, CONF_DOMAIN_SIGNED, &name);
    }
    if (!why) {
        what = selector;
        why = conf_selector_problem(m->arena, selector, &name);
    }
    if (!why && (!path.n || path.n > PATH_MAX || str_find(path, 0, '\n') < path.n))
        why = "has no key file";
    if (why)
        m->signing.problem = str_printf(m->arena, "\"%.*s\" %s", STR_ARG(what), why);
    if (why || has_rule(m, pattern, domain, selector))
        return;
    m->rules = arena_extend(m->arena, m->rules, m->n_rules, &m->rules_cap, sizeof *m->rules);
    m->rules[m->n_rules++] = (struct migrate_rule){pattern, domain, selector, path};
}

/* --- Reading the files -------------------------------------------------------------------------*/

/* Domain *: OpenDKIM signs for every author, in the name of the author's domain. Only tables say
 * that. False: the selector is none. */
static bool sign_for_all(struct migration *m, struct str path)
{
    struct migrate_signing *g = &m->signing;
    struct str selector;
    const char *why = conf_selector_problem(m->arena, g->selector.value, &selector);
    if (why) {
        g->problem = str_printf(m->arena, "\"%.*s\" %s", STR_ARG(g->selector.value), why);
        return false;
    }
    struct str copy = copy_key(m, STR("any"), selector, path);
    struct str row =
        str_printf(m->arena, "any %%:%.*s:%.*s", STR_ARG(g->selector.value), STR_ARG(copy));
    command_before(m, "echo %.*s > /etc/assay/KeyTable", STR_ARG(shell_quote(m->arena, row)));
    command_before(m, "echo '* any' > /etc/assay/SigningTable");
    if (set_or_tell(m, "key-table", STR("/etc/assay/KeyTable"), &g->domain) &&
        set_or_tell(m, "signing-table", STR("/etc/assay/SigningTable"), &g->domain))
        tell(m, &g->domain, MIGRATE_CHANGED,
             "key-table and signing-table: the domain of the author signs, whatever it is; an "
             "entry of signing for each of your domains is better");
    return true;
}

static bool has_star(const struct migrate_texts *domains)
{
    for (size_t i = 0; i < domains->n; i++)
        if (str_eq(domains->v[i], STR("*")))
            return true;
    return false;
}

/* Domain, Selector and KeyFile. */
static void rules_of_one_key(struct migration *m)
{
    struct migrate_signing *g = &m->signing;
    struct migrate_texts domains = {0};
    if (!g->selector.value.n || !g->key_file.value.n) {
        tell(m, &g->domain, MIGRATE_LEFT, "signing needs Selector and KeyFile beside Domain");
        return;
    }
    if (!read_dataset(m, &g->domain, &domains))
        return;
    struct str path = str_of(path_of(m, g->base, g->key_file.value));
    bool all = has_star(&domains);
    if (all && !sign_for_all(m, path))
        return;
    size_t added = 0;
    for (size_t i = 0; !all && i < domains.n; i++) {
        struct str d = domains.v[i];
        size_t before = m->n_rules;
        add_rule(m, str_printf(m->arena, "*@%.*s", STR_ARG(d)), d, g->selector.value, path);
        if (g->subdomains)
            add_rule(m, str_printf(m->arena, "*@*.%.*s", STR_ARG(d)), d, g->selector.value, path);
        added += m->n_rules > before;
    }
    if (!added && !all)
        return;
    if (!all)
        tell(m, &g->domain, MIGRATE_CARRIED, "signing: %zu %s", added,
             added == 1 ? "entry" : "entries");
    tell(m, &g->selector, MIGRATE_CARRIED, "signing");
    tell(m, &g->key_file, MIGRATE_CARRIED, "signing, with a copy of the key");
}

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

static const struct migrate_key *key_named(const struct migrate_signing *g, struct str name)
{
    for (size_t i = 0; i < g->n_keys; i++)
        if (str_eq(g->keys[i].name, name))
            return &g->keys[i];
    return NULL;
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

static void read_keys(struct migration *m)
{
    struct migrate_signing *g = &m->signing;
    struct migrate_texts lines = {0};
    size_t wrong = 0;
    if (!read_dataset(m, &g->key_table, &lines))
        return;
    g->keys = arena_array(m->arena, struct migrate_key, lines.n);
    for (size_t i = 0; i < lines.n; i++) {
        struct migrate_texts words = {0};
        row_words(m->arena, lines.v[i], &words);
        if (words.n == 2 && parse_key(m, words.v[0], words.v[1], &g->keys[g->n_keys]))
            g->n_keys++;
        else if (++wrong && words.n)
            leave_line(m->arena, &g->left_keys, words.v[0], STR_NONE);
    }
    if (wrong)
        tell(m, &g->key_table, MIGRATE_LEFT,
             "%zu of its lines name no key file of their own: write keys that stand in the table, "
             "or have %% in their paths, into files",
             wrong);
}

static struct str strip(struct str text, struct str prefix)
{
    return str_starts(text, prefix) ? str_sub(text, prefix.n, text.n) : text;
}

/* A key of SigningTable as a pattern for authors. */
static struct str author_pattern(struct arena *a, struct str key)
{
    if (str_find(key, 0, '@') < key.n || str_find(key, 0, '*') < key.n) {
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

struct str pattern_host(struct str pattern)
{
    size_t at = str_find_last(pattern, '@');
    struct str host = strip(str_sub(pattern, at + 1, pattern.n), STR("*."));
    return at < pattern.n && host.n && str_find(host, 0, '*') == host.n ? host : STR_NONE;
}

static bool has_pattern(const struct migration *m, size_t from, struct str pattern)
{
    for (size_t i = from; i < m->n_rules; i++)
        if (str_eq_nocase(m->rules[i].pattern, pattern))
            return true;
    return false;
}

/* True if OpenDKIM compares no author with it: in a plain table asterisks stand for themselves,
 * and behind refile: whole addresses are compared. */
static bool matches_nobody(struct str key, bool patterns)
{
    size_t at = str_find(key, 0, '@'), star = str_find(key, 0, '*');
    if (patterns)
        return at == key.n && star == key.n;
    return star < key.n && !(star == key.n - 1 && (key.n == 1 || at + 1 == star));
}

/* One line of SigningTable. False: KeyTable does not have its key. */
static bool rule_of_line(struct migration *m, const struct migrate_texts *words, size_t from)
{
    struct migrate_signing *g = &m->signing;
    if (words->n < 2)
        return false;
    struct str pattern = author_pattern(m->arena, words->v[0]), host = pattern_host(pattern);
    struct str name = str_sub(words->v[1], 0, str_find(words->v[1], 0, ':'));
    if (str_eq(name, STR("%")))
        name = host;
    const struct migrate_key *key = key_named(g, name);
    if (!key)
        return false;
    bool any = str_eq(key->domain, STR("%"));
    if (any && !host.n)
        g->tables_only = true;
    else if (g->several || !has_pattern(m, from, pattern)) /* else only the first match signs */
        add_rule(m, pattern, any ? host : key->domain, key->selector, key->path);
    return true;
}

/* Says what is wrong with lines of SigningTable. */
static void tell_rows(struct migration *m, size_t unknown, size_t nobody)
{
    struct migrate_signing *g = &m->signing;
    if (unknown)
        tell(m, &g->signing_table, MIGRATE_LEFT, "%zu of its lines name no key of KeyTable",
             unknown);
    if (nobody)
        tell(m, &g->signing_table, MIGRATE_LEFT,
             "%zu of its lines match no author in OpenDKIM, because %s", nobody,
             g->ordered
                 ? "refile: compares whole addresses: write *@ before a domain to sign for it"
                 : "only tables behind refile: may have such asterisks");
}

static void rules_of_tables(struct migration *m)
{
    struct migrate_signing *g = &m->signing;
    struct migrate_texts lines = {0};
    size_t from = m->n_rules, unknown = 0, nobody = 0;
    read_keys(m);
    if (!g->n_keys || !read_dataset(m, &g->signing_table, &lines))
        return;
    g->ordered = str_starts_nocase(g->signing_table.value, STR("refile:"));
    for (size_t i = 0; i < lines.n; i++) {
        struct migrate_texts words = {0};
        row_words(m->arena, lines.v[i], &words);
        if (!words.n)
            continue;
        bool useless = matches_nobody(words.v[0], g->ordered);
        nobody += useless;
        if (!useless && rule_of_line(m, &words, from))
            continue;
        unknown += !useless;
        leave_line(m->arena, &g->left_rows, words.v[0], words.n > 1 ? words.v[1] : STR_NONE);
    }
    tell_rows(m, unknown, nobody);
}

/* --- Can `signing` express it? -----------------------------------------------------------------*/

bool pattern_is_below(struct str pattern)
{
    size_t at = str_find_last(pattern, '@');
    return str_starts(str_sub(pattern, at + 1, pattern.n), STR("*."));
}

/* True if rule i, which comes first, takes authors of the later rule j in OpenDKIM, while assay
 * would take the nearer domain. */
static bool hides(const struct migrate_rule *i, const struct migrate_rule *j)
{
    struct str outer = pattern_host(i->pattern), inner = pattern_host(j->pattern);
    return pattern_is_below(i->pattern) && inner.n > outer.n &&
           domain_is_at_or_below(inner, outer) && !str_eq_nocase(i->domain, j->domain);
}

static bool can_be_entries(const struct migration *m, size_t from)
{
    for (size_t i = from; i < m->n_rules; i++) {
        const struct migrate_rule *rule = &m->rules[i];
        struct str host = pattern_host(rule->pattern);
        if (!host.p || !rule->domain.n || !domain_is_at_or_below(host, rule->domain))
            return false;
        for (size_t j = i + 1; m->signing.ordered && j < m->n_rules; j++)
            if (hides(rule, &m->rules[j]))
                return false;
    }
    return true;
}

/* The lines pattern:domain:path of dkim-filter; the selector is the name of the file. */
static void rules_of_list(struct migration *m)
{
    struct migrate_setting *s = &m->signing.key_list;
    struct migrate_setting file = *s;
    struct migrate_texts lines = {0};
    size_t from = m->n_rules;
    file.value = str_printf(m->arena, "file:%.*s", STR_ARG(s->value));
    if (!read_dataset(m, &file, &lines))
        return;
    for (size_t i = 0; i < lines.n; i++) {
        size_t first = str_find(lines.v[i], 0, ':');
        struct str pattern = str_sub(lines.v[i], 0, first);
        struct str rest = str_sub(lines.v[i], first + 1, lines.v[i].n);
        size_t colon = str_find(rest, 0, ':');
        struct str path = str_sub(rest, colon + 1, rest.n);
        size_t slash = str_find_last(path, '/');
        struct str selector = slash < path.n ? str_sub(path, slash + 1, path.n) : path;
        if (path.n && !has_pattern(m, from, pattern))
            add_rule(m, pattern, str_sub(rest, 0, colon), selector,
                     str_of(path_of(m, m->signing.base, path)));
    }
    m->signing.ordered = true;
    if (can_be_entries(m, from)) {
        tell(m, s, MIGRATE_CARRIED, "signing: %zu rules, with copies of the keys",
             m->n_rules - from);
        return;
    }
    m->n_rules = from;
    tell(m, s, MIGRATE_LEFT,
         "it signs for authors of other domains, or depends on its order: write a KeyTable and a "
         "SigningTable of it, see key-table in assay.conf(5)");
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
    m->n_rules = from;
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

static void read_rules(struct migration *m)
{
    struct migrate_signing *g = &m->signing;
    size_t from = m->n_rules;
    if (g->key_list.file) {
        rules_of_list(m);
    } else if (g->key_table.file && g->signing_table.file) {
        rules_of_tables(m);
        tell_tables(m, from);
    } else if (g->key_table.file || g->signing_table.file) {
        tell(m, g->key_table.file ? &g->key_table : &g->signing_table, MIGRATE_LEFT,
             "signing needs both, KeyTable and SigningTable");
    } else if (g->domain.file) {
        rules_of_one_key(m);
    } else if (g->selector.file || g->key_file.file) {
        tell(m, g->key_file.file ? &g->key_file : &g->selector, MIGRATE_LEFT,
             "signing needs Domain, or a KeyTable and SigningTable");
    }
}

static bool has_line(const struct migration *m, const struct migrate_setting *s)
{
    for (size_t i = m->n_lines; i > 0; i--) {
        const struct migrate_setting *line = &m->lines[i - 1].setting;
        if (line->line == s->line && str_eq(line->name, s->name) && line->file == s->file)
            return true;
    }
    return false;
}

/* No setting of signing stays without a line. */
static void tell_others(struct migration *m, struct migrate_setting *const *all, size_t n)
{
    struct migrate_signing *g = &m->signing;
    for (size_t i = 0; i < n; i++) {
        const struct migrate_setting *s = all[i];
        bool table = s == &g->key_table || s == &g->signing_table;
        if (!s->file || has_line(m, s))
            continue;
        if (!table && (g->key_table.file || g->key_list.file))
            tell(m, s, MIGRATE_CARRIED, "not used beside %s",
                 g->key_list.file ? "KeyList" : "KeyTable");
        else if (s == &g->key_table && g->n_keys && has_line(m, &g->signing_table))
            tell(m, s, MIGRATE_LEFT, "no line of the SigningTable can use it");
        else
            tell(m, s, MIGRATE_LEFT, "signing needs %s, too",
                 s == &g->signing_table ? "the KeyTable"
                 : table                ? "the SigningTable"
                                        : "a Domain");
    }
}

void finish_signing(struct migration *m)
{
    struct migrate_signing *g = &m->signing;
    struct migrate_setting *all[] = {&g->signing_table, &g->key_table, &g->key_list,
                                     &g->domain,        &g->selector,  &g->key_file};
    size_t n = sizeof all / sizeof all[0], first = 0;
    while (first < n && !all[first]->file)
        first++;
    if (g->no_signing) {
        for (size_t i = first; i < n; i++)
            if (all[i]->file)
                tell(m, all[i], MIGRATE_LEFT, "the mode does not sign");
        return;
    }
    read_rules(m);
    if (g->problem.p)
        tell(m, all[first], MIGRATE_LEFT, "%.*s", STR_ARG(g->problem));
    tell_others(m, all, n);
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
