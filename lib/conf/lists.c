/* lists.c - the DNS lists of `dnsbl.lists`.
 *
 * A zone may hold a key, which is a secret: complaints say its public part.
 *
 * Errors: a complaint with file and line for each setting that is wrong. */
#include "conf/walk.h"
#include "mail/domain.h"

#define EXAMPLE    "{ zone = \"zen.spamhaus.org\"; weight = 10; }"
#define WEIGHT_MAX 1000

static const char *const kinds[] = {
    [DNSBL_CLIENT] = "client", [DNSBL_ALLOW] = "allow", [DNSBL_DOMAIN] = "domain"};

static void complain_of_list(struct walk *w, const config_setting_t *where, const char *name,
                             const char *what)
{
    conf_problem(w->problems, walk_place(w, where), "dnsbl.lists: %s: %s", name, what);
}

/* The text of a member; absent, and *good untouched, if there is none. */
static struct str take_text(struct walk *w, config_setting_t *group, const char *name)
{
    config_setting_t *setting = walk_member(group, name);
    if (!setting)
        return STR_NONE;
    if (config_setting_type(setting) == CONFIG_TYPE_STRING)
        return str_copy(w->conf->arena, str_of(config_setting_get_string(setting)));
    conf_problem(w->problems, walk_place(w, setting),
                 "dnsbl.lists: %s: wanted is text in quotes, not %s", name,
                 walk_type_name(setting));
    return STR_NONE;
}

static void check_names(struct walk *w, config_setting_t *group)
{
    static const char *const names[] = {"zone", "kind", "codes", "weight", "label"};
    for (unsigned i = 0; i < (unsigned)config_setting_length(group); i++) {
        config_setting_t *setting = config_setting_get_elem(group, i);
        struct str name = walk_name(setting);
        bool known = false;
        for (size_t k = 0; k < sizeof names / sizeof *names; k++)
            known = known || str_eq(name, str_of(names[k]));
        if (!known)
            conf_problem(w->problems, walk_place(w, setting),
                         "dnsbl.lists: unknown option %.*s; allowed here are zone, kind, codes, "
                         "weight and label",
                         STR_ARG(name));
    }
}

static bool take_zone(struct walk *w, config_setting_t *group, struct conf_list *list)
{
    struct arena *a = w->conf->arena;
    struct str zone = take_text(w, group, "zone");
    config_setting_t *setting = walk_member(group, "zone");
    if (!setting)
        complain_of_list(w, group, "zone", "is missing, as in " EXAMPLE);
    if (!zone.p)
        return false;
    if (!conf_plain_name(a, zone, &list->asked.zone) ||
        str_find(list->asked.zone, 0, '.') == list->asked.zone.n) {
        complain_of_list(w, setting, "zone", "is no domain name such as \"zen.spamhaus.org\"");
        return false;
    }
    list->known = dnsbl_find(list->asked.zone);
    list->public_zone = dnsbl_public_zone(list->asked.zone);
    return true;
}

static void take_kind(struct walk *w, config_setting_t *group, struct conf_list *list)
{
    struct str kind = take_text(w, group, "kind");
    unsigned k = 0;
    if (list->known) {
        list->asked.kind = list->known->kind;
        list->asked.form = list->known->form;
    }
    if (!kind.p)
        return;
    while (k < 3 && !str_eq(kind, str_of(kinds[k])))
        k++;
    if (k == 3)
        complain_of_list(w, walk_member(group, "kind"), "kind",
                         "wanted is \"client\", \"allow\" or \"domain\"");
    else
        list->asked.kind = (enum dnsbl_kind)k;
}

static void take_label(struct walk *w, config_setting_t *group, struct conf_list *list)
{
    struct str label = take_text(w, group, "label");
    if (label.p)
        list->label = str_safe(w->conf->arena, label, 60, false);
    else
        list->label = list->known ? str_of(list->known->label) : list->public_zone;
    if (!list->label.n)
        complain_of_list(w, walk_member(group, "label"), "label", "is empty: leave it out instead");
}

static void take_code(struct walk *w, config_setting_t *setting, struct conf_list *list)
{
    if (config_setting_type(setting) != CONFIG_TYPE_STRING) {
        conf_problem(w->problems, walk_place(w, setting),
                     "dnsbl.lists: codes: wanted is [ \"127.0.0.2-127.0.0.11\" ], not %s",
                     walk_type_name(setting));
        return;
    }
    struct str text = str_of(config_setting_get_string(setting));
    const char *problem = dnsbl_codes_add(&list->asked.codes, text, w->conf->arena);
    if (problem)
        conf_problem(w->problems, walk_place(w, setting), "dnsbl.lists: codes: \"%.*s\" %s",
                     STR_ARG(str_safe(w->scratch, text, 100, true)), problem);
}

/* Of our own tables, which are good. */
static void add_known(struct walk *w, struct dnsbl_codes *codes, const char *text)
{
    if (*text)
        dnsbl_codes_add(codes, str_of(text), w->conf->arena);
}

static void take_codes(struct walk *w, config_setting_t *group, struct conf_list *list)
{
    config_setting_t *codes = walk_member(group, "codes");
    for (unsigned i = 0; codes && i < walk_length(codes); i++)
        take_code(w, walk_element(codes, i), list);
    if (codes && !walk_length(codes))
        complain_of_list(w, codes, "codes", "is empty: leave it out instead");
    if (!codes)
        add_known(w, &list->asked.codes, list->known ? list->known->codes : DNSBL_CODES);
    if (list->known)
        add_known(w, &list->asked.errors, list->known->errors);
}

/* A block list that counts for a client, and an allow list against it, would be a mistake. */
static void take_weight(struct walk *w, config_setting_t *group, struct conf_list *list)
{
    config_setting_t *setting = walk_member(group, "weight");
    bool allow = list->asked.kind == DNSBL_ALLOW;
    if (!setting) {
        if (!allow)
            complain_of_list(w, group, "weight", "is missing, as in " EXAMPLE);
        return;
    }
    if (config_setting_type(setting) != CONFIG_TYPE_INT64) {
        conf_problem(w->problems, walk_place(w, setting),
                     "dnsbl.lists: weight: wanted is a whole number, not %s",
                     walk_type_name(setting));
        return;
    }
    long long weight = config_setting_get_int64(setting);
    if (weight < (allow ? -WEIGHT_MAX : 0) || weight > (allow ? 0 : WEIGHT_MAX))
        complain_of_list(
            w, setting, "weight",
            allow ? "is out of bounds: allowed is -1000 to 0 for an allow list"
                  : "is out of bounds: allowed is 0 to 1000 for a list that is no allow list");
    else
        list->weight = (int)weight;
}

static void take_list(struct walk *w, config_setting_t *group, struct conf_list *list)
{
    list->place = walk_place(w, group);
    check_names(w, group);
    if (!take_zone(w, group, list))
        return;
    take_kind(w, group, list);
    take_label(w, group, list);
    take_codes(w, group, list);
    take_weight(w, group, list);
}

void walk_lists(struct walk *w, config_setting_t *setting)
{
    struct conf *conf = w->conf;
    unsigned n = walk_length(setting);
    if (conf->lists) {
        complain_of_list(w, setting, "lists", "is set already: put all lists into one");
        return;
    }
    if (n > CONF_LISTS_MAX) {
        complain_of_list(w, setting, "lists", "has more than 50 entries");
        return;
    }
    conf->lists = arena_array(conf->arena, struct conf_list, n + 1);
    for (unsigned i = 0; i < n; i++) {
        config_setting_t *group = walk_element(setting, i);
        if (config_setting_is_group(group))
            take_list(w, group, &conf->lists[conf->n_lists++]);
        else
            conf_problem(w->problems, walk_place(w, group),
                         "dnsbl.lists: wanted is " EXAMPLE ", not %s", walk_type_name(group));
    }
}

static bool ends_with_zone(struct str name, struct str zone)
{
    return name.n >= zone.n && str_ends_nocase(name, zone) &&
           (name.n == zone.n || name.p[name.n - zone.n - 1] == '.');
}

struct str conf_public_name(const struct conf *conf, struct str name, struct arena *a)
{
    for (size_t i = 0; i < conf->n_lists; i++) {
        const struct conf_list *list = &conf->lists[i];
        struct str zone = list->asked.zone;
        if (list->public_zone.n < zone.n && ends_with_zone(name, zone))
            return str_printf(a, "%.*s%.*s", STR_ARG(str_sub(name, 0, name.n - zone.n)),
                              STR_ARG(list->public_zone));
    }
    return name;
}

bool conf_looks_up_client(const struct conf *conf)
{
    return conf->client_mode != CHECK_OFF && conf->client_iprev != IPREV_OFF;
}

bool conf_asks_for_gate(const struct conf *conf)
{
    return (conf->n_lists && conf->dnsbl_mode != CHECK_OFF) || conf_looks_up_client(conf) ||
           conf->sender_mode != CHECK_OFF;
}

size_t conf_dns_memory(const struct conf *conf)
{
    size_t gate =
        conf_asks_for_gate(conf) ? CONF_GATE_MEMORY + conf->n_lists * CONF_LIST_MEMORY : 0;
    return conf->limits_dns_memory + gate + (conf->reports_record ? CONF_REPORTS_MEMORY : 0);
}
