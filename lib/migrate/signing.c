/* signing.c - Domain and KeyFile, KeyTable and SigningTable, or a KeyList: entries of `signing`.
 *
 * If `signing` cannot express them, assay.conf names copies of OpenDKIM's tables. Keys are copied,
 * so that owner and mode of a file that another daemon reads do not change.
 *
 * Errors: lines of the account. */
#include <limits.h>
#include <string.h>

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
    for (size_t i = 0; i < domains.n; i++) {
        struct str d = domains.v[i];
        add_rule(m, str_printf(m->arena, "*@%.*s", STR_ARG(d)), d, g->selector.value, path);
        if (g->subdomains)
            add_rule(m, str_printf(m->arena, "*@*.%.*s", STR_ARG(d)), d, g->selector.value, path);
    }
    tell(m, &g->domain, MIGRATE_CARRIED, "signing: %zu %s", domains.n,
         domains.n == 1 ? "entry" : "entries");
    tell(m, &g->selector, MIGRATE_CARRIED, "signing");
    tell(m, &g->key_file, MIGRATE_CARRIED, "signing, with a copy of the key");
}

struct named_key {
    struct str name, domain, selector, path;
};

/* domain:selector:path; false: the third part is no path. */
static bool parse_key(struct migration *m, struct str name, struct str value, struct named_key *out)
{
    size_t first = str_find(value, 0, ':'), second = str_find(value, first + 1, ':');
    struct str path = str_sub(value, second + 1, value.n);
    *out =
        (struct named_key){name, str_sub(value, 0, first), str_sub(value, first + 1, second), path};
    bool is_path =
        str_starts(path, STR("/")) || str_starts(path, STR("./")) || str_starts(path, STR("../"));
    out->path = str_of(path_of(m, m->signing.base, path));
    return second < value.n && is_path && str_find(path, 0, '%') == path.n;
}

static const struct named_key *key_named(const struct named_key *keys, size_t n, struct str name)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(keys[i].name, name))
            return &keys[i];
    return NULL;
}

static size_t read_keys(struct migration *m, struct named_key **keys)
{
    struct migrate_texts lines = {0};
    size_t n = 0, wrong = 0;
    if (!read_dataset(m, &m->signing.key_table, &lines))
        return 0;
    *keys = arena_array(m->arena, struct named_key, lines.n);
    for (size_t i = 0; i < lines.n; i++) {
        struct migrate_texts words = {0};
        syntax_words(m->arena, lines.v[i], &words);
        if (words.n == 2 && parse_key(m, words.v[0], words.v[1], &(*keys)[n]))
            n++;
        else
            wrong++;
    }
    if (wrong)
        tell(m, &m->signing.key_table, MIGRATE_LEFT,
             "%zu of its lines name no key file of their own: write keys that stand in the table, "
             "or have %% in their paths, into files",
             wrong);
    return n;
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

/* One line of SigningTable. False: KeyTable does not have its key. */
static bool rule_of_line(struct migration *m, struct str line, const struct named_key *keys,
                         size_t n, size_t from)
{
    struct migrate_texts words = {0};
    syntax_words(m->arena, line, &words);
    if (words.n < 2)
        return false;
    struct str pattern = author_pattern(m->arena, words.v[0]), host = pattern_host(pattern);
    struct str name = str_sub(words.v[1], 0, str_find(words.v[1], 0, ':'));
    if (str_eq(name, STR("%")))
        name = host;
    const struct named_key *key = key_named(keys, n, name);
    if (!key)
        return false;
    if (!m->signing.several && has_pattern(m, from, pattern))
        return true; /* only the first match signs */
    struct str domain = str_eq(key->domain, STR("%")) ? host : key->domain;
    add_rule(m, pattern, domain, key->selector, key->path);
    return true;
}

static void rules_of_tables(struct migration *m)
{
    struct migrate_signing *g = &m->signing;
    struct migrate_texts lines = {0};
    struct named_key *keys = NULL;
    size_t from = m->n_rules, unknown = 0, n = read_keys(m, &keys);
    if (!n || !read_dataset(m, &g->signing_table, &lines))
        return;
    g->ordered = str_starts_nocase(g->signing_table.value, STR("refile:"));
    for (size_t i = 0; i < lines.n; i++)
        unknown += !rule_of_line(m, lines.v[i], keys, n, from);
    if (unknown)
        tell(m, &g->signing_table, MIGRATE_LEFT, "%zu of its lines name no key of KeyTable",
             unknown);
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
        struct named_key key;
        size_t first = str_find(lines.v[i], 0, ':');
        struct str pattern = str_sub(lines.v[i], 0, first);
        struct str rest = str_sub(lines.v[i], first + 1, lines.v[i].n);
        size_t colon = str_find(rest, 0, ':');
        struct str path = str_sub(rest, colon + 1, rest.n);
        size_t slash = str_find_last(path, '/');
        key.selector = slash < path.n ? str_sub(path, slash + 1, path.n) : path;
        if (path.n && !has_pattern(m, from, pattern))
            add_rule(m, pattern, str_sub(rest, 0, colon), key.selector,
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

/* Keeps the tables, with commands that copy tables and keys. */
static void keep_tables(struct migration *m, size_t from)
{
    struct migrate_signing *g = &m->signing;
    struct strbuf sed;
    sb_init(&sed, m->arena);
    command_before(m, "install -d -m 0750 -o root -g assay " MIGRATE_KEYS);
    for (size_t i = from; i < m->n_rules; i++) {
        const struct migrate_rule *r = &m->rules[i];
        struct str copy = str_printf(m->arena, MIGRATE_KEYS "/%.*s.%.*s.pem", STR_ARG(r->domain),
                                     STR_ARG(r->selector));
        command_before(m, "install -m 0640 -o root -g assay %.*s %.*s",
                       STR_ARG(shell_quote(m->arena, r->path)),
                       STR_ARG(shell_quote(m->arena, copy)));
        sb_printf(&sed, " -e %.*s",
                  STR_ARG(shell_quote(m->arena, str_printf(m->arena, "s|:%.*s$|:%.*s|",
                                                           STR_ARG(r->path), STR_ARG(copy)))));
    }
    struct str table = strip(strip(g->key_table.value, STR("refile:")), STR("file:"));
    command_before(m, "sed%.*s %.*s > /etc/assay/KeyTable", STR_ARG(sb_str(&sed)),
                   STR_ARG(shell_quote(m->arena, table)));
    m->n_rules = from;
    if (set_or_tell(m, "key-table", STR("/etc/assay/KeyTable"), &g->key_table))
        tell(m, &g->key_table, MIGRATE_CHANGED,
             "key-table: a copy of the table, with copies of the keys");
    struct str rows = strip(strip(g->signing_table.value, STR("refile:")), STR("file:"));
    command_before(m, "install -m 0640 -o root -g assay %.*s /etc/assay/SigningTable",
                   STR_ARG(shell_quote(m->arena, rows)));
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
    if (m->n_rules > from && !can_be_entries(m, from)) {
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
