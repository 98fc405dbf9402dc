/* signing.c - Domain and KeyFile, tables or a KeyList: rules that become entries of `signing`.
 *
 * Keys are copied, so that owner and mode of a file that another daemon reads do not change.
 *
 * Errors: lines of the account. */
#include <limits.h>

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

/* --- Key files ---------------------------------------------------------------------------------*/

void check_key_file(struct migration *m, struct str path)
{
    struct migrate_signing *g = &m->signing;
    if (!g->checked.slots)
        strmap_init(&g->checked, m->arena);
    void **place = strmap_put(&g->checked, path);
    struct str problem = *place ? STR_NONE : file_problem(m, str_cstr(m->arena, path));
    *place = g;
    if (problem.p)
        texts_add(m->arena, &g->unreadable,
                  str_printf(m->arena, "%.*s (%.*s)", STR_ARG(path), STR_ARG(problem)));
}

/* Names the key files that the commands would not find. */
static void tell_unreadable(struct migration *m, const struct migrate_setting *s)
{
    const struct migrate_texts *all = &m->signing.unreadable;
    if (!all->n)
        return;
    tell(m, s, MIGRATE_LEFT, "key files that cannot be read, so that the commands fail: %.*s",
         STR_ARG(name_some(m->arena, all)));
}

/* --- Rules by their patterns -------------------------------------------------------------------*/

/* The numbers of the rules with one pattern; migrate_rule.next leads from one to the next. */
struct rule_chain {
    size_t first, last;
};

static const struct rule_chain *chain_of(const struct migration *m, struct str pattern)
{
    return strmap_get(&m->patterns, str_lower(m->arena, pattern));
}

const struct migrate_rule *first_rule(const struct migration *m, struct str pattern)
{
    const struct rule_chain *chain = chain_of(m, pattern);
    return chain ? &m->rules[chain->first] : NULL;
}

const struct migrate_rule *next_rule(const struct migration *m, const struct migrate_rule *rule)
{
    return rule->next ? &m->rules[rule->next] : NULL;
}

bool has_pattern(const struct migration *m, size_t from, struct str pattern)
{
    const struct rule_chain *chain = chain_of(m, pattern);
    return chain && chain->last >= from;
}

static void link_rule(struct migration *m, size_t number)
{
    void **place = strmap_put(&m->patterns, m->rules[number].pattern);
    struct rule_chain *chain = *place;
    m->rules[number].next = 0;
    if (chain) {
        m->rules[chain->last].next = number;
    } else {
        *place = chain = arena_make(m->arena, struct rule_chain);
        chain->first = number;
    }
    chain->last = number;
}

void forget_rules(struct migration *m, size_t from)
{
    m->n_rules = from;
    strmap_init(&m->patterns, m->arena);
    for (size_t i = 0; i < from; i++)
        link_rule(m, i);
}

static bool has_rule(const struct migration *m, struct str pattern, struct str domain,
                     struct str selector)
{
    const struct migrate_rule *rule = first_rule(m, pattern);
    while (rule &&
           !(str_eq_nocase(rule->domain, domain) && str_eq_nocase(rule->selector, selector)))
        rule = next_rule(m, rule);
    return rule;
}

void add_rule(struct migration *m, struct str pattern, struct str domain, struct str selector,
              struct str path)
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
    check_key_file(m, path);
    pattern = str_lower(m->arena, pattern);
    domain = str_lower(m->arena, domain);
    m->rules = arena_extend(m->arena, m->rules, m->n_rules, &m->rules_cap, sizeof *m->rules);
    m->rules[m->n_rules] = (struct migrate_rule){pattern, domain, selector, path, 0};
    link_rule(m, m->n_rules++);
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
    check_key_file(m, path);
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

struct str pattern_host(struct str pattern)
{
    size_t at = str_find_last(pattern, '@');
    struct str host = str_sub(pattern, at + 1, pattern.n);
    if (str_starts(host, STR("*.")))
        host = str_sub(host, 2, host.n);
    return at < pattern.n && host.n && str_find(host, 0, '*') == host.n ? host : STR_NONE;
}

/* --- Can `signing` express it? -----------------------------------------------------------------*/

bool pattern_is_below(struct str pattern)
{
    size_t at = str_find_last(pattern, '@');
    return str_starts(str_sub(pattern, at + 1, pattern.n), STR("*."));
}

/* The domains that sign for authors below a domain. */
struct signers {
    struct str first;
    bool others; /* than the first */
};

/* True if a rule that came first takes authors of this one in OpenDKIM, while assay would take the
 * nearer domain. `below` has the rules that came first, by their hosts. */
static bool is_hidden(const struct strmap *below, const struct migrate_rule *rule)
{
    struct str outer = pattern_host(rule->pattern), label;
    while (str_split(&outer, '.', &label)) {
        const struct signers *s = strmap_get(below, outer);
        if (s && (s->others || !str_eq_nocase(s->first, rule->domain)))
            return true;
    }
    return false;
}

static void add_signer(struct arena *a, struct strmap *below, const struct migrate_rule *rule)
{
    void **place = strmap_put(below, pattern_host(rule->pattern));
    struct signers *s = *place;
    if (s) {
        s->others = s->others || !str_eq_nocase(s->first, rule->domain);
    } else {
        *place = s = arena_make(a, struct signers);
        s->first = rule->domain;
    }
}

bool can_be_entries(const struct migration *m, size_t from)
{
    struct strmap below;
    strmap_init(&below, m->arena);
    for (size_t i = from; i < m->n_rules; i++) {
        const struct migrate_rule *rule = &m->rules[i];
        struct str host = pattern_host(rule->pattern);
        if (!host.p || !rule->domain.n || !domain_is_at_or_below(host, rule->domain) ||
            (m->signing.ordered && is_hidden(&below, rule)))
            return false;
        if (pattern_is_below(rule->pattern))
            add_signer(m->arena, &below, rule);
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
    forget_rules(m, from);
    m->signing.unreadable.n = 0; /* nothing is copied */
    tell(m, s, MIGRATE_LEFT,
         "it signs for authors of other domains, or depends on its order: write a KeyTable and a "
         "SigningTable of it, see key-table in assay.conf(5)");
}

static void read_rules(struct migration *m)
{
    struct migrate_signing *g = &m->signing;
    if (g->key_list.file) {
        rules_of_list(m);
    } else if (g->key_table.file && g->signing_table.file) {
        rules_of_tables(m);
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
    tell_unreadable(m, g->key_list.file    ? &g->key_list
                       : g->key_table.file ? &g->key_table
                                           : &g->key_file);
    tell_others(m, all, n);
}
