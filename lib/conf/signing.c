/* signing.c - the list `signing`: which domain is signed with which keys.
 *
 * Errors: a complaint with file and line for each setting that is wrong. Key files are not opened
 * here. */
#include <stdlib.h>
#include <string.h>

#include "conf/listfile.h"
#include "conf/walk.h"
#include "mail/domain.h"
#include "mail/pattern.h"

#define EXAMPLE                                                                                    \
    "{ domain = \"example.org\"; keys = ( { selector = \"s1\"; file = \"/path/s1.pem\"; } ); }"

/* A text setting of a group. False if it is absent, or no text and complained of. */
static bool take_text(struct walk *w, config_setting_t *group, const char *name, struct str *out)
{
    config_setting_t *setting = walk_member(group, name);
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
    conf_problem(w->problems, walk_place(w, walk_member(group, name)), "signing: %s: \"%.*s\" %s",
                 name, STR_ARG(shown), what);
}

static bool is_allowed(struct str name, const char *const *names)
{
    while (*names && !str_eq(name, str_of(*names)))
        names++;
    return *names;
}

static void complain_name(struct walk *w, const config_setting_t *setting, const char *const *names)
{
    struct strbuf allowed;
    sb_init(&allowed, w->scratch);
    for (; *names; names++)
        sb_printf(&allowed, "%s%s", allowed.n ? ", " : "", *names);
    conf_problem(w->problems, walk_place(w, setting),
                 "signing: unknown option %.*s; allowed here are %s", STR_ARG(walk_name(setting)),
                 sb_str(&allowed).p);
}

/* Every setting of the group must be one of the names (NULL behind the last), and stand once. */
static void check_names(struct walk *w, config_setting_t *group, const char *const *names)
{
    for (unsigned i = 0; i < (unsigned)config_setting_length(group); i++) {
        config_setting_t *setting = config_setting_get_elem(group, i);
        struct str name = walk_name(setting);
        config_setting_t *first = walk_member(group, str_cstr(w->scratch, name));
        if (!is_allowed(name, names))
            complain_name(w, setting, names);
        else if (first != setting)
            walk_complain_twice(w, str_printf(w->scratch, "signing: %.*s", STR_ARG(name)), setting,
                                walk_place(w, first));
    }
}

static void take_key(struct walk *w, config_setting_t *group, struct conf_signing_key *key)
{
    static const char *const names[] = {"selector", "file", NULL};
    check_names(w, group, names);
    key->place = walk_place(w, group);
    if (take_text(w, group, "selector", &key->selector)) {
        struct str normal;
        const char *problem = conf_selector_problem(w->conf->arena, key->selector, &normal);
        if (problem)
            complain_value(w, group, "selector", key->selector, problem);
        else
            key->selector = normal;
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

static void take_directory(struct walk *w, config_setting_t *group, struct conf_signing *entry)
{
    struct str path;
    if (!take_text(w, group, "directory", &path))
        return;
    while (path.n > 1 && path.p[path.n - 1] == '/')
        path.n--;
    entry->directory = str_copy(w->conf->arena, path);
    if (!str_starts(path, STR("/")))
        complain_value(w, group, "directory", path,
                       "is no absolute path: write the whole path of the directory");
}

static void take_keys(struct walk *w, config_setting_t *group, struct conf_signing *entry)
{
    config_setting_t *keys = walk_member(group, "keys");
    unsigned n = keys ? walk_length(keys) : 0;
    if (walk_member(group, "directory")) {
        take_directory(w, group, entry);
        if (keys)
            conf_problem(w->problems, walk_place(w, keys),
                         "signing: keys: not beside directory, which names keys too");
        return;
    }
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
    config_setting_t *setting = walk_member(group, "subdomains");
    if (!setting)
        return;
    if (config_setting_type(setting) == CONFIG_TYPE_BOOL)
        entry->subdomains = config_setting_get_bool(setting);
    else
        conf_problem(w->problems, walk_place(w, setting),
                     "signing: subdomains: wanted is true or false, not %s",
                     walk_type_name(setting));
}

/* The senders of an entry that are being taken. */
struct senders_taken {
    struct arena *arena;
    struct conf_signing *entry;
    size_t cap;
};

static const char *add_sender(void *taken, struct str text, struct conf_place place)
{
    struct senders_taken *t = taken;
    struct conf_strings *senders = &t->entry->senders;
    struct str pattern;
    (void)place;
    const char *problem = sender_pattern_parse(t->arena, text, &pattern);
    if (problem)
        return problem;
    struct str domain = pattern_domain(pattern);
    if (domain.p && t->entry->domain.n && !domain_is_at_or_below(domain, t->entry->domain))
        return "is not of the entry's domain";
    senders->v = arena_extend(t->arena, senders->v, senders->n, &t->cap, sizeof pattern);
    senders->v[senders->n++] = pattern;
    return NULL;
}

static void take_sender(struct walk *w, config_setting_t *setting, struct senders_taken *taken)
{
    static const char name[] = "signing: senders";
    if (config_setting_type(setting) != CONFIG_TYPE_STRING) {
        conf_problem(w->problems, walk_place(w, setting),
                     "%s: wanted is [ \"ann@example.org\" ], not %s", name,
                     walk_type_name(setting));
        return;
    }
    struct str text = str_of(config_setting_get_string(setting));
    if (list_file_named(text)) {
        list_file_read(w, name, setting, text, add_sender, taken);
        return;
    }
    const char *problem = add_sender(taken, text, walk_place(w, setting));
    if (problem)
        conf_problem(w->problems, walk_place(w, setting), "%s: \"%.*s\" %s", name,
                     STR_ARG(str_safe(w->scratch, text, 100, true)), problem);
}

static void take_senders(struct walk *w, config_setting_t *group, struct conf_signing *entry)
{
    config_setting_t *list = walk_member(group, "senders");
    if (!list)
        return;
    struct senders_taken taken = {.arena = w->conf->arena, .entry = entry};
    entry->senders.set = true;
    if (walk_length(list) == 0)
        conf_problem(w->problems, walk_place(w, list),
                     "signing: senders: is empty: leave it out for all of the domain");
    for (unsigned i = 0; i < walk_length(list); i++)
        take_sender(w, walk_element(list, i), &taken);
}

struct conf_sign_form conf_sign_form(const struct conf *conf)
{
    return (struct conf_sign_form){
        .header_canonicalization = conf->header_canonicalization,
        .body_canonicalization = conf->body_canonicalization,
        .signature_lifetime = conf->signature_lifetime,
        .sign_headers = conf->sign_headers,
        .oversign_headers = conf->oversign_headers,
    };
}

/* Options that an entry may set for itself, and their names there. */
static const struct {
    const char *name, *option;
} own_options[] = {
#define OWN_OPTION(own_name, name) {own_name, name},
#include "conf/own_options.def"
#undef OWN_OPTION
};

static struct conf_place place_of(struct walk *w, config_setting_t *group, const char *name)
{
    config_setting_t *setting = walk_member(group, name);
    return walk_place(w, setting ? setting : group);
}

/* On a copy of the options, so that what an entry does not set is what they say. */
static void take_form(struct walk *w, config_setting_t *group, struct conf_signing *entry)
{
    struct conf own = *w->conf;
    struct walk here = *w;
    here.conf = &own;
    for (size_t i = 0; i < sizeof own_options / sizeof *own_options; i++) {
        config_setting_t *setting = walk_member(group, own_options[i].name);
        if (setting)
            walk_option(&here, option_find(str_of(own_options[i].option)), setting);
    }
    entry->form = conf_sign_form(&own);
    entry->sign_headers_place = place_of(w, group, "sign-headers");
    entry->oversign_headers_place = place_of(w, group, "oversign-headers");
}

static void take_domain(struct walk *w, config_setting_t *group, struct conf_signing *entry)
{
    struct str domain;
    if (!take_text(w, group, "domain", &domain))
        return;
    const char *problem =
        conf_domain_problem(w->conf->arena, domain, CONF_DOMAIN_SIGNED, &entry->domain);
    if (problem)
        complain_value(w, group, "domain", domain, problem);
}

static void take_entry(struct walk *w, config_setting_t *group, struct conf_signing *entry)
{
    static const char *const names[] = {"domain", "subdomains", "senders", "keys", "directory",
#define OWN_OPTION(own_name, name) own_name,
#include "conf/own_options.def"
#undef OWN_OPTION
                                        NULL};
    check_names(w, group, names);
    entry->place = walk_place(w, group);
    take_domain(w, group, entry);
    take_subdomains(w, group, entry);
    take_senders(w, group, entry);
    take_form(w, group, entry);
    take_keys(w, group, entry);
}

/* What an entry is for: a sender of its domain, or (absent) all others there. */
struct purpose {
    const struct conf_signing *entry;
    struct str sender;
};

static int by_purpose(const void *left, const void *right)
{
    const struct purpose *a = left, *b = right;
    int order = str_cmp_nocase(a->entry->domain, b->entry->domain);
    if (!order)
        order = str_cmp_nocase(a->sender, b->sender);
    return order ? order : (a->entry > b->entry) - (a->entry < b->entry);
}

static size_t list_purposes(const struct conf *conf, struct purpose *list)
{
    size_t n = 0;
    for (size_t i = 0; i < conf->n_signing; i++) {
        const struct conf_signing *entry = &conf->signing[i];
        if (!entry->senders.set && entry->domain.n)
            list[n++] = (struct purpose){entry, STR_NONE};
        for (size_t s = 0; s < entry->senders.n && entry->domain.n; s++)
            list[n++] = (struct purpose){entry, entry->senders.v[s]};
    }
    return n;
}

static void complain_twice(struct walk *w, const struct purpose *first, const struct purpose *again)
{
    struct conf_place place = first->entry->place;
    if (again->sender.p)
        conf_problem(w->problems, again->entry->place,
                     "signing: senders: %.*s stands in the entry at %s:%u already",
                     STR_ARG(str_safe(w->scratch, again->sender, 100, true)), place.file,
                     place.line);
    else
        conf_problem(w->problems, again->entry->place,
                     "signing: %.*s has an entry already, at %s:%u: put all its keys there, or say "
                     "which senders this one is for",
                     STR_ARG(again->entry->domain), place.file, place.line);
}

/* No two entries may be for the same senders. */
static void check_purposes(struct walk *w)
{
    const struct conf *conf = w->conf;
    size_t n = conf->n_signing;
    for (size_t i = 0; i < conf->n_signing; i++)
        n += conf->signing[i].senders.n;
    struct purpose *list = arena_array(w->scratch, struct purpose, n);
    n = list_purposes(conf, list);
    if (n)
        qsort(list, n, sizeof *list, by_purpose);
    for (size_t i = 1; i < n; i++)
        if (str_eq(list[i - 1].entry->domain, list[i].entry->domain) &&
            str_eq(list[i - 1].sender, list[i].sender))
            complain_twice(w, &list[i - 1], &list[i]);
}

static int by_directory(const void *left, const void *right)
{
    const struct conf_signing *a = *(const struct conf_signing *const *)left;
    const struct conf_signing *b = *(const struct conf_signing *const *)right;
    int order = strcmp(a->directory.p, b->directory.p);
    return order ? order : (a > b) - (a < b);
}

/* The life of a key is that of one record, so no two entries share it. */
static void check_directories(struct walk *w)
{
    size_t n = 0;
    const struct conf *conf = w->conf;
    const struct conf_signing **list =
        arena_array(w->scratch, const struct conf_signing *, conf->n_signing);
    for (size_t i = 0; i < conf->n_signing; i++)
        if (conf->signing[i].directory.p)
            list[n++] = &conf->signing[i];
    if (n)
        qsort(list, n, sizeof *list, by_directory);
    for (size_t i = 1; i < n; i++)
        if (str_eq(list[i - 1]->directory, list[i]->directory))
            conf_problem(w->problems, list[i]->place,
                         "signing: directory: %.*s is that of the entry at %s:%u already: each "
                         "needs its own",
                         STR_ARG(str_safe(w->scratch, list[i]->directory, 1000, true)),
                         list[i - 1]->place.file, list[i - 1]->place.line);
}

static const struct str signing = STR_INIT("signing");

static void take_list(struct walk *w, config_setting_t *list)
{
    for (unsigned i = 0; i < walk_length(list); i++) {
        config_setting_t *group = walk_element(list, i);
        if (config_setting_is_group(group))
            take_entry(w, group, &w->conf->signing[w->conf->n_signing++]);
        else
            conf_problem(w->problems, walk_place(w, group),
                         "signing: wanted is " EXAMPLE ", not %s", walk_type_name(group));
    }
}

void walk_signing(struct walk *w, config_setting_t *root)
{
    unsigned settings = (unsigned)config_setting_length(root), n = 0;
    for (unsigned i = 0; i < settings; i++) {
        config_setting_t *list = config_setting_get_elem(root, i);
        if (str_eq(walk_name(list), signing))
            n += walk_length(list);
    }
    w->conf->signing = arena_array(w->conf->arena, struct conf_signing, n);
    for (unsigned i = 0; i < settings; i++) {
        config_setting_t *list = config_setting_get_elem(root, i);
        if (str_eq(walk_name(list), signing))
            take_list(w, list);
    }
    check_purposes(w);
    check_directories(w);
}
