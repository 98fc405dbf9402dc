/* walk.c - a parsed file, setting by setting, into struct conf.
 *
 * Errors: a complaint with file and line for each setting that is wrong; the walk goes on. */
#include "conf/walk.h"

#include <string.h>

#include "conf/listfile.h"
#include "conf/value.h"

struct conf_place walk_place(const struct walk *w, const config_setting_t *setting)
{
    return source_place(w->source, config_setting_source_line(setting));
}

const char *walk_type_name(const config_setting_t *setting)
{
    switch (config_setting_type(setting)) {
    case CONFIG_TYPE_GROUP:
        return "a group";
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        return "a number";
    case CONFIG_TYPE_FLOAT:
        return "a fraction";
    case CONFIG_TYPE_STRING:
        return "a text";
    case CONFIG_TYPE_BOOL:
        return "true or false";
    default:
        return "a list";
    }
}

struct str walk_name(const config_setting_t *setting)
{
    return source_name(config_setting_name(setting));
}

config_setting_t *walk_member(config_setting_t *group, const char *name)
{
    for (unsigned i = 0; i < (unsigned)config_setting_length(group); i++) {
        config_setting_t *setting = config_setting_get_elem(group, i);
        if (str_eq(walk_name(setting), str_of(name)))
            return setting;
    }
    return NULL;
}

void walk_complain_twice(struct walk *w, struct str what, const config_setting_t *again,
                         struct conf_place first)
{
    struct conf_place place = walk_place(w, again);
    bool same = place.line == first.line && strcmp(place.file, first.file) == 0;
    conf_problem(w->problems, place, "%.*s: is set at %s:%u already: %s", STR_ARG(what), first.file,
                 first.line, same ? "the file is included twice" : "remove one of the two");
}

static bool is_list(const config_setting_t *setting)
{
    return config_setting_is_list(setting) || config_setting_is_array(setting);
}

unsigned walk_length(const config_setting_t *setting)
{
    return is_list(setting) ? (unsigned)config_setting_length(setting) : 1;
}

config_setting_t *walk_element(config_setting_t *setting, unsigned index)
{
    return is_list(setting) ? config_setting_get_elem(setting, index) : setting;
}

static void complain_type(struct walk *w, const struct conf_option *o,
                          const config_setting_t *setting)
{
    struct str wanted = option_wanted(o, w->scratch);
    conf_problem(w->problems, walk_place(w, setting), "%s: wanted is %.*s, not %s", o->name,
                 STR_ARG(wanted), walk_type_name(setting));
}

static void set_text(struct walk *w, const struct conf_option *o, const config_setting_t *setting,
                     struct str text)
{
    struct str problem;
    if (!value_set(w->conf, o, text, w->scratch, &problem))
        conf_problem(w->problems, walk_place(w, setting), "%s: %.*s", o->name, STR_ARG(problem));
}

/* A list that is being filled. */
struct filling {
    struct walk *walk;
    const struct conf_option *option;
    struct conf_place *places; /* of each network, for complaints when all are known */
    size_t n, cap;
};

static const char *add_entry(void *filling, struct str entry, struct conf_place place)
{
    struct filling *f = filling;
    struct walk *w = f->walk;
    const char *problem = value_add(w->conf, f->option, entry, w->scratch);
    if (problem || f->option->type != OPTION_NETS)
        return problem;
    f->places = arena_extend(w->scratch, f->places, f->n, &f->cap, sizeof place);
    f->places[f->n++] = place;
    return NULL;
}

static void add_element(struct filling *f, const config_setting_t *element)
{
    struct walk *w = f->walk;
    const struct conf_option *o = f->option;
    if (config_setting_type(element) != CONFIG_TYPE_STRING) {
        complain_type(w, o, element);
        return;
    }
    struct str text = str_of(config_setting_get_string(element));
    bool may_be_file = o->type == OPTION_DOMAINS || o->type == OPTION_NETS;
    if (may_be_file && list_file_named(text)) {
        list_file_read(w, o->name, element, text, add_entry, f);
        return;
    }
    const char *problem = add_entry(f, text, walk_place(w, element));
    if (problem)
        conf_problem(w->problems, walk_place(w, element), "%s: \"%.*s\" %s", o->name,
                     STR_ARG(str_safe(w->scratch, text, 100, true)), problem);
}

static bool has_networks(const struct netset *set)
{
    for (size_t i = 0; i < set->n; i++)
        if (!set->ranges[i].except)
            return true;
    return false;
}

/* An exception that never counts is a mistake. */
static void check_exceptions(const struct filling *f)
{
    const struct netset *set = value_nets(f->walk->conf, f->option);
    if (set->n && !has_networks(set))
        conf_problem(f->walk->problems, f->places[0],
                     "%s: names exceptions and no network: add those that they are exceptions of",
                     f->option->name);
    unsigned complaints = 0;
    for (size_t i = netset_idle_exception(set, 0); i < set->n && complaints < LIST_FILE_COMPLAINTS;
         i = netset_idle_exception(set, i + 1), complaints++) {
        char address[NETADDR_TEXT];
        const struct netrange *r = &set->ranges[i];
        conf_problem(f->walk->problems, f->places[i],
                     "%s: the exception \"!%s/%u\" comes too late: a network before it holds these "
                     "addresses, and the first entry that an address is in decides; put the "
                     "exception first",
                     f->option->name, netaddr_format(&r->net, address), r->bits);
    }
}

static void set_list(struct walk *w, const struct conf_option *o, config_setting_t *setting)
{
    struct filling f = {.walk = w, .option = o};
    value_clear_list(w->conf, o);
    for (unsigned i = 0; i < walk_length(setting); i++)
        add_element(&f, walk_element(setting, i));
    value_finish_list(w->conf, o);
    if (o->type == OPTION_SOCKETS && walk_length(setting) == 0)
        conf_problem(w->problems, walk_place(w, setting),
                     "%s: names no socket: an MTA needs one, such as %s", o->name, o->def);
    if (o->type == OPTION_NETS)
        check_exceptions(&f);
}

static int libconfig_type(const struct conf_option *o)
{
    switch (o->type) {
    case OPTION_BOOL:
        return CONFIG_TYPE_BOOL;
    case OPTION_INT:
        return CONFIG_TYPE_INT64; /* source.c makes all whole numbers so */
    case OPTION_SHARE:
        return CONFIG_TYPE_FLOAT;
    default:
        return CONFIG_TYPE_STRING;
    }
}

/* A share may be a whole number: all, or nothing. */
static bool fits_type(const struct conf_option *o, int type)
{
    return type == libconfig_type(o) || (o->type == OPTION_SHARE && type == CONFIG_TYPE_INT64);
}

void walk_option(struct walk *w, const struct conf_option *o, config_setting_t *setting)
{
    int type = config_setting_type(setting);
    if (option_is_list(o))
        set_list(w, o, setting);
    else if (!fits_type(o, type))
        complain_type(w, o, setting);
    else if (type == CONFIG_TYPE_BOOL)
        set_text(w, o, setting, config_setting_get_bool(setting) ? STR("true") : STR("false"));
    else if (type == CONFIG_TYPE_INT64)
        set_text(w, o, setting, str_printf(w->scratch, "%lld", config_setting_get_int64(setting)));
    else if (type == CONFIG_TYPE_FLOAT)
        set_text(w, o, setting, share_format(w->scratch, config_setting_get_float(setting)));
    else
        set_text(w, o, setting, str_of(config_setting_get_string(setting)));
}

static void set_option(struct walk *w, const struct conf_option *o, config_setting_t *setting)
{
    struct conf_place *place = &w->places[o - options];
    if (place->file) {
        walk_complain_twice(w, str_of(o->name), setting, *place);
        return;
    }
    *place = walk_place(w, setting);
    walk_option(w, o, setting);
}

static void complain_unknown(struct walk *w, struct str name, const config_setting_t *setting)
{
    struct str nearest = option_nearest(name);
    if (nearest.p)
        conf_problem(w->problems, walk_place(w, setting), "unknown option %.*s; is %.*s meant?",
                     STR_ARG(name), STR_ARG(nearest));
    else
        conf_problem(w->problems, walk_place(w, setting),
                     "unknown option %.*s; assay.conf(5) lists all options", STR_ARG(name));
}

static const struct str signing = STR_INIT("signing"), lists = STR_INIT("dnsbl.lists");

static void walk_group(struct walk *w, config_setting_t *group, struct str prefix);

static void walk_setting(struct walk *w, config_setting_t *setting, struct str name)
{
    const struct conf_option *o = option_find(name);
    if (o)
        set_option(w, o, setting);
    else if (str_eq(name, signing))
        return; /* last: it builds on options */
    else if (str_eq(name, lists))
        walk_lists(w, setting);
    else if (!option_is_group(name))
        complain_unknown(w, name, setting);
    else if (config_setting_type(setting) == CONFIG_TYPE_GROUP)
        walk_group(w, setting, str_printf(w->scratch, "%.*s.", STR_ARG(name)));
    else
        conf_problem(w->problems, walk_place(w, setting),
                     "%.*s: wanted is a group of options such as %.*s = { ... }, not %s",
                     STR_ARG(name), STR_ARG(name), walk_type_name(setting));
}

static void walk_group(struct walk *w, config_setting_t *group, struct str prefix)
{
    for (unsigned i = 0; i < (unsigned)config_setting_length(group); i++) {
        config_setting_t *setting = config_setting_get_elem(group, i);
        walk_setting(
            w, setting,
            str_printf(w->scratch, "%.*s%.*s", STR_ARG(prefix), STR_ARG(walk_name(setting))));
    }
}

void walk_settings(struct walk *w, config_setting_t *root)
{
    walk_group(w, root, STR(""));
    walk_signing(w, root);
}
