/* signingtable.c - OpenDKIM's KeyTable and SigningTable, loaded: which keys sign for an author.
 *
 * Errors: complaints with file and line when loading; no key when looking up. */
#include "keys/signingtable.h"

#include <errno.h>
#include <string.h>

#include "base/strmap.h"
#include "conf/source.h"
#include "crypto/keys.h"
#include "keys/tables.h"
#include "mail/pattern.h"

/* A row of the KeyTable. Its file is loaded if a row of the SigningTable uses it. */
struct named_key {
    struct key_row row;
    struct conf_place place;
    const struct key_file *file; /* NULL: nobody uses it */
};

/* All rows of the SigningTable that have the same pattern. */
struct rule {
    struct str pattern;
    size_t order;      /* of its first row in the file */
    struct rule *next; /* of the same domain (patterns only), in the order of the file */
    size_t n;
    const struct named_key **keys;        /* NULL: the one that is named as the author's domain */
    const struct dkim_signing_key *ready; /* in signing order, if nothing depends on the author */
    size_t n_ready;
};

struct signing_table {
    bool patterns;         /* refile: */
    struct strmap names;   /* KeyTable: name -> struct named_key */
    struct strmap rules;   /* SigningTable: first column -> struct rule */
    struct strmap domains; /* patterns: domain -> first struct rule for it */
    void *wild;            /* struct rule: patterns with an asterisk in the domain */
};

void signing_keys_sort(struct dkim_signing_key *keys, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct dkim_signing_key key = keys[i];
        size_t to = i;
        while (to && private_key_type(key.key) < private_key_type(keys[to - 1].key)) {
            keys[to] = keys[to - 1];
            to--;
        }
        keys[to] = key;
    }
}

/* Loading. */

struct loading {
    struct signing_table *table;
    struct arena *arena;
    const struct conf *conf;
    struct key_files *files;
    struct conf_problems *problems;
};

static bool read_table(struct loading *l, const char *option, const char *path, struct table *rows)
{
    struct str text = source_read(l->arena, path);
    if (!text.p) {
        conf_problem(l->problems, conf_place_of(l->conf, option), "%s: cannot read %s: %s", option,
                     path, strerror(errno));
        return false;
    }
    table_parse(text, path, l->arena, l->problems, rows);
    return true;
}

/* The first row of a name counts, as in OpenDKIM. */
static void read_key_table(struct loading *l, const char *path)
{
    struct table rows;
    if (!read_table(l, "key-table", path, &rows))
        return;
    strmap_init(&l->table->names, l->arena);
    for (size_t i = 0; i < rows.n; i++) {
        struct str problem;
        struct named_key *key = arena_make(l->arena, struct named_key);
        void **place = strmap_put(&l->table->names, str_lower(l->arena, rows.rows[i].name));
        key->place = (struct conf_place){path, rows.rows[i].line};
        if (!*place)
            *place = key;
        if (!key_row_parse(rows.rows[i].value, l->arena, &key->row, &problem))
            conf_problem(l->problems, key->place, "%.*s", STR_ARG(problem));
    }
}

static void use_key(struct loading *l, struct named_key *key)
{
    if (!key->file && key->row.path.n)
        key->file = key_files_want(l->files, key->row.path, key->place);
}

static void use_all_keys(struct loading *l)
{
    const struct strmap *names = &l->table->names;
    for (size_t i = 0; names->slots && i <= names->mask; i++)
        if (names->slots[i].value)
            use_key(l, names->slots[i].value);
}

/* A row that stands twice signs once. */
static void rule_add(struct loading *l, struct rule *rule, const struct named_key *key)
{
    for (size_t i = 0; i < rule->n; i++)
        if (rule->keys[i] == key)
            return;
    rule->keys = arena_grow(l->arena, rule->keys, rule->n * sizeof key, (rule->n + 1) * sizeof key);
    rule->keys[rule->n++] = key;
}

static struct rule *rule_of(struct loading *l, struct str pattern, size_t order)
{
    pattern = pattern_normalize(l->arena, pattern);
    void **place = strmap_put(&l->table->rules, pattern);
    if (*place)
        return *place;
    struct rule *rule = arena_make(l->arena, struct rule);
    *place = rule;
    rule->pattern = pattern;
    rule->order = order;
    return rule;
}

/* Lists of patterns by domain, built from their ends. */
static void index_patterns(struct loading *l, const struct table *rows)
{
    struct signing_table *t = l->table;
    strmap_init(&t->domains, l->arena);
    for (size_t i = rows->n; i-- > 0;) {
        struct rule *rule = rule_of(l, rows->rows[i].name, i);
        struct str domain = pattern_domain(rule->pattern);
        if (rule->order != i)
            continue; /* a further row of a pattern */
        void **list = domain.p ? strmap_put(&t->domains, domain) : &t->wild;
        rule->next = *list;
        *list = rule;
    }
}

static void read_signing_row(struct loading *l, const struct table_row *row, size_t order,
                             const char *path, const char *key_table)
{
    const char *problem = signing_row_problem(row->name, l->table->patterns, l->arena);
    if (problem)
        conf_problem(l->problems, (struct conf_place){path, row->line}, "\"%.*s\" %s",
                     STR_ARG(str_safe(l->arena, row->name, 100, true)), problem);
    struct rule *rule = rule_of(l, row->name, order);
    struct str name = str_lower(l->arena, signing_row_key(row->value));
    if (str_eq(name, STR("%"))) {
        use_all_keys(l);
        rule_add(l, rule, NULL);
        return;
    }
    struct named_key *key = strmap_get(&l->table->names, name);
    if (key) {
        use_key(l, key);
        rule_add(l, rule, key);
    } else if (l->table->names.slots) {
        struct str shown = str_safe(l->arena, name, 100, true);
        conf_problem(l->problems, (struct conf_place){path, row->line},
                     "no key of the name \"%.*s\" stands in %s", STR_ARG(shown), key_table);
    }
}

static void read_signing_table(struct loading *l, const char *path, const char *key_table)
{
    struct table rows;
    if (!read_table(l, "signing-table", path, &rows))
        return;
    strmap_init(&l->table->rules, l->arena);
    for (size_t i = 0; i < rows.n; i++)
        read_signing_row(l, &rows.rows[i], i, path, key_table);
    if (l->table->patterns)
        index_patterns(l, &rows);
}

/* The form of the values was checked with the configuration. */
static const char *table_path(struct arena *a, struct str value, bool *patterns)
{
    struct str path;
    conf_table_path(value, &path, patterns);
    return str_cstr(a, path);
}

struct signing_table *signing_table_read(const struct conf *conf, struct arena *a,
                                         struct key_files *files, struct conf_problems *problems)
{
    bool ignored;
    if (!conf->key_table.p || !conf->signing_table.p)
        return NULL;
    struct loading l = {.table = arena_make(a, struct signing_table),
                        .arena = a,
                        .conf = conf,
                        .files = files,
                        .problems = problems};
    const char *key_table = table_path(a, conf->key_table, &ignored);
    const char *signing_table = table_path(a, conf->signing_table, &l.table->patterns);
    read_key_table(&l, key_table);
    read_signing_table(&l, signing_table, key_table);
    return l.table;
}

/* Whether and in which order the keys of a rule sign is known beforehand, unless the author's
 * domain has a say. */
static void prepare_pattern(struct rule *rule, struct arena *a)
{
    struct dkim_signing_key *keys = arena_array(a, struct dkim_signing_key, rule->n);
    size_t n = 0;
    for (size_t i = 0; i < rule->n; i++) {
        const struct named_key *key = rule->keys[i];
        if (!key || str_eq(key->row.domain, STR("%")))
            return;
        if (key->file->key)
            keys[n++] =
                (struct dkim_signing_key){key->row.domain, key->row.selector, key->file->key};
    }
    signing_keys_sort(keys, n);
    rule->n_ready = n;
    rule->ready = keys;
}

void signing_table_finish(struct signing_table *t, struct arena *a)
{
    for (size_t i = 0; i <= t->rules.mask; i++)
        if (t->rules.slots[i].value)
            prepare_pattern(t->rules.slots[i].value, a);
}

/* Looking up. */

static const struct rule *first_match(const struct rule *rule, struct str address)
{
    while (rule && !pattern_match(rule->pattern, address))
        rule = rule->next;
    return rule;
}

static const struct rule *find_pattern(const struct signing_table *t, struct str address,
                                       struct str domain)
{
    const struct rule *exact = first_match(strmap_get(&t->domains, domain), address);
    const struct rule *wild = first_match(t->wild, address);
    if (!exact || !wild)
        return exact ? exact : wild;
    return exact->order < wild->order ? exact : wild;
}

/* `before` and the domain's parents, each with a dot in front: user@.example.org, user@.org. */
static const struct rule *find_parents(const struct signing_table *t, struct arena *a,
                                       struct str before, struct str domain)
{
    const struct rule *rule = NULL;
    for (size_t dot = str_find(domain, 0, '.'); !rule && dot < domain.n;
         dot = str_find(domain, dot + 1, '.'))
        rule = strmap_get(&t->rules, str_printf(a, "%.*s%.*s", STR_ARG(before),
                                                (int)(domain.n - dot), domain.p + dot));
    return rule;
}

static const struct rule *find_exact(const struct signing_table *t, struct arena *a,
                                     struct str address, struct str domain)
{
    struct str user = str_sub(address, 0, address.n - domain.n); /* with its @ */
    const struct rule *rule = strmap_get(&t->rules, address);
    if (!rule)
        rule = strmap_get(&t->rules, domain);
    if (!rule)
        rule = find_parents(t, a, user, domain);
    if (!rule)
        rule = find_parents(t, a, STR(""), domain);
    if (!rule)
        rule = strmap_get(&t->rules, str_printf(a, "%.*s*", STR_ARG(user)));
    return rule ? rule : strmap_get(&t->rules, STR("*"));
}

static size_t keys_for_author(const struct signing_table *t, const struct rule *rule,
                              struct str domain, struct arena *a,
                              const struct dkim_signing_key **keys)
{
    size_t n = 0;
    struct dkim_signing_key *found = arena_array(a, struct dkim_signing_key, rule->n);
    for (size_t i = 0; i < rule->n; i++) {
        const struct named_key *key = rule->keys[i];
        if (!key)
            key = strmap_get(&t->names, domain);
        if (!key || !key->file->key)
            continue;
        bool own = str_eq(key->row.domain, STR("%"));
        found[n++] = (struct dkim_signing_key){.domain = own ? domain : key->row.domain,
                                               .selector = key->row.selector,
                                               .key = key->file->key};
    }
    signing_keys_sort(found, n);
    *keys = found;
    return n;
}

size_t signing_table_find(const struct signing_table *t, const struct mailbox *author,
                          struct arena *a, const struct dkim_signing_key **keys)
{
    struct str domain = author->domain;
    struct str address = pattern_subject(a, author);
    const struct rule *rule =
        t->patterns ? find_pattern(t, address, domain) : find_exact(t, a, address, domain);
    if (!rule)
        return 0;
    if (!rule->ready)
        return keys_for_author(t, rule, domain, a, keys);
    *keys = rule->ready;
    return rule->n_ready;
}
