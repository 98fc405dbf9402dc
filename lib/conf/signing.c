/* signing.c - the list `signing`: which domain is signed with which keys.
 *
 * Errors: a complaint with file and line for each setting that is wrong. Key files are not opened
 * here. */
#include <stdlib.h>
#include <string.h>

#include "conf/walk.h"
#include "mail/domain.h"

#define EXAMPLE                                                                                    \
    "{ domain = \"example.org\"; keys = ( { selector = \"s1\"; file = \"/path/s1.pem\"; } ); }"

/* A text setting of a group. False if it is absent, or no text and complained of. */
static bool take_text(struct walk *w, config_setting_t *group, const char *name, struct str *out)
{
    config_setting_t *setting = config_setting_get_member(group, name);
    if (!setting) {
        conf_problem(w->problems, walk_place(w, group), "signing: %s is missing", name);
        return false;
    }
    if (config_setting_type(setting) != CONFIG_TYPE_STRING) {
        conf_problem(w->problems, walk_place(w, setting),
                     "signing: %s: wanted is text in quotes, not %s", name,
                     walk_type_name(setting));
        return false;
    }
    *out = str_copy(w->conf->arena, str_of(config_setting_get_string(setting)));
    return true;
}

static void complain_value(struct walk *w, config_setting_t *group, const char *name,
                           struct str value, const char *what)
{
    struct str shown = str_safe(w->scratch, value, 100, true);
    conf_problem(w->problems, walk_place(w, config_setting_get_member(group, name)),
                 "signing: %s: \"%.*s\" %s", name, STR_ARG(shown), what);
}

/* Every setting of the group must be one of the names (NULL behind the last). */
static void check_names(struct walk *w, config_setting_t *group, const char *const *names)
{
    for (unsigned i = 0; i < (unsigned)config_setting_length(group); i++) {
        config_setting_t *setting = config_setting_get_elem(group, i);
        const char *const *known = names;
        while (*known && strcmp(*known, config_setting_name(setting)) != 0)
            known++;
        if (*known)
            continue;
        struct strbuf allowed;
        sb_init(&allowed, w->scratch);
        for (known = names; *known; known++)
            sb_printf(&allowed, "%s%s", allowed.n ? ", " : "", *known);
        conf_problem(w->problems, walk_place(w, setting),
                     "signing: unknown option %s; allowed here are %s",
                     config_setting_name(setting), sb_str(&allowed).p);
    }
}

static void take_key(struct walk *w, config_setting_t *group, struct conf_signing_key *key)
{
    static const char *const names[] = {"selector", "file", NULL};
    check_names(w, group, names);
    key->place = walk_place(w, group);
    if (take_text(w, group, "selector", &key->selector)) {
        struct str normal;
        if (conf_plain_name(w->conf->arena, key->selector, &normal))
            key->selector = normal;
        else
            complain_value(w, group, "selector", key->selector, CONF_SELECTOR_WANTED);
    }
    if (take_text(w, group, "file", &key->file) && !str_starts(key->file, STR("/")))
        complain_value(w, group, "file", key->file,
                       "is no absolute path: write the whole path of the PEM file");
}

/* Keys of one domain are few: each is compared with those before it. */
static void check_selectors(struct walk *w, const struct conf_signing *entry)
{
    for (size_t i = 0; i < entry->n_keys; i++) {
        for (size_t k = 0; entry->keys[i].selector.n && k < i; k++) {
            if (!str_eq(entry->keys[i].selector, entry->keys[k].selector))
                continue;
            conf_problem(w->problems, entry->keys[i].place,
                         "signing: selector: \"%.*s\" stands twice for %.*s",
                         STR_ARG(entry->keys[i].selector), STR_ARG(entry->domain));
            break;
        }
    }
}

static void take_keys(struct walk *w, config_setting_t *group, struct conf_signing *entry)
{
    config_setting_t *keys = config_setting_get_member(group, "keys");
    unsigned n = keys ? walk_length(keys) : 0;
    if (n == 0) {
        conf_problem(w->problems, walk_place(w, keys ? keys : group),
                     "signing: an entry needs at least one key, as in " EXAMPLE);
        return;
    }
    entry->keys = arena_array(w->conf->arena, struct conf_signing_key, n);
    for (unsigned i = 0; i < n; i++) {
        config_setting_t *key = walk_element(keys, i);
        if (config_setting_is_group(key))
            take_key(w, key, &entry->keys[entry->n_keys++]);
        else
            conf_problem(w->problems, walk_place(w, key),
                         "signing: keys: wanted is { selector = \"...\"; file = \"...\"; }, not %s",
                         walk_type_name(key));
    }
    check_selectors(w, entry);
}

static void take_subdomains(struct walk *w, config_setting_t *group, struct conf_signing *entry)
{
    config_setting_t *setting = config_setting_get_member(group, "subdomains");
    if (!setting)
        return;
    if (config_setting_type(setting) == CONFIG_TYPE_BOOL)
        entry->subdomains = config_setting_get_bool(setting);
    else
        conf_problem(w->problems, walk_place(w, setting),
                     "signing: subdomains: wanted is true or false, not %s",
                     walk_type_name(setting));
}

static void take_entry(struct walk *w, config_setting_t *group, struct conf_signing *entry)
{
    static const char *const names[] = {"domain", "subdomains", "keys", NULL};
    struct str domain;
    check_names(w, group, names);
    entry->place = walk_place(w, group);
    if (take_text(w, group, "domain", &domain) &&
        !domain_normalize(w->conf->arena, domain, &entry->domain))
        complain_value(w, group, "domain", domain, "is no domain name such as example.org");
    take_subdomains(w, group, entry);
    take_keys(w, group, entry);
}

static int by_domain(const void *left, const void *right)
{
    const struct conf_signing *a = *(const struct conf_signing *const *)left;
    const struct conf_signing *b = *(const struct conf_signing *const *)right;
    int order = str_cmp_nocase(a->domain, b->domain);
    return order ? order : (a > b) - (a < b);
}

static void check_domains(struct walk *w)
{
    size_t n = w->conf->n_signing;
    const struct conf_signing **sorted = arena_array(w->scratch, const struct conf_signing *, n);
    for (size_t i = 0; i < n; i++)
        sorted[i] = &w->conf->signing[i];
    qsort(sorted, n, sizeof *sorted, by_domain);
    for (size_t i = 1; i < n; i++) {
        const struct conf_signing *first = sorted[i - 1], *again = sorted[i];
        if (again->domain.n && str_eq(first->domain, again->domain))
            conf_problem(w->problems, again->place,
                         "signing: %.*s has an entry already, at %s:%u: put all its keys there",
                         STR_ARG(again->domain), first->place.file, first->place.line);
    }
}

void walk_signing(struct walk *w, config_setting_t *list)
{
    unsigned n = walk_length(list);
    w->conf->signing = arena_array(w->conf->arena, struct conf_signing, n);
    for (unsigned i = 0; i < n; i++) {
        config_setting_t *group = walk_element(list, i);
        if (config_setting_is_group(group))
            take_entry(w, group, &w->conf->signing[w->conf->n_signing++]);
        else
            conf_problem(w->problems, walk_place(w, group),
                         "signing: wanted is " EXAMPLE ", not %s", walk_type_name(group));
    }
    check_domains(w);
}
