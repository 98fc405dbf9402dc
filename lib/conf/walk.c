/* walk.c - a parsed file, setting by setting, into struct conf.
 *
 * Errors: a complaint with file and line for each setting that is wrong; the walk goes on. */
#include "conf/walk.h"

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

static void complain_type(struct walk *w, const struct option *o, const config_setting_t *setting)
{
    struct str wanted = option_wanted(o, w->scratch);
    conf_problem(w->problems, walk_place(w, setting), "%s: wanted is %.*s, not %s", o->name,
                 STR_ARG(wanted), walk_type_name(setting));
}

static void set_text(struct walk *w, const struct option *o, const config_setting_t *setting,
                     struct str text)
{
    struct str problem;
    if (!value_set(w->conf, o, text, w->scratch, &problem))
        conf_problem(w->problems, walk_place(w, setting), "%s: %.*s", o->name, STR_ARG(problem));
}

static void set_list(struct walk *w, const struct option *o, config_setting_t *setting)
{
    value_clear_list(w->conf, o);
    for (unsigned i = 0; i < walk_length(setting); i++) {
        config_setting_t *element = walk_element(setting, i);
        if (config_setting_type(element) == CONFIG_TYPE_STRING)
            set_text(w, o, element, str_of(config_setting_get_string(element)));
        else
            complain_type(w, o, element);
    }
}

static int libconfig_type(const struct option *o)
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
static bool fits_type(const struct option *o, int type)
{
    return type == libconfig_type(o) || (o->type == OPTION_SHARE && type == CONFIG_TYPE_INT64);
}

void walk_option(struct walk *w, const struct option *o, config_setting_t *setting)
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

static void set_option(struct walk *w, const struct option *o, config_setting_t *setting)
{
    w->places[o - options] = walk_place(w, setting);
    walk_option(w, o, setting);
}

static void complain_unknown(struct walk *w, struct str name, const config_setting_t *setting)
{
    const char *nearest = option_nearest(name);
    if (nearest)
        conf_problem(w->problems, walk_place(w, setting), "unknown option %.*s; is %s meant?",
                     STR_ARG(name), nearest);
    else
        conf_problem(w->problems, walk_place(w, setting),
                     "unknown option %.*s; assay.conf(5) lists all options", STR_ARG(name));
}

static const struct str signing = STR_INIT("signing");

static void walk_group(struct walk *w, config_setting_t *group, struct str prefix);

static void walk_setting(struct walk *w, config_setting_t *setting, struct str name)
{
    const struct option *o = option_find(name);
    if (o)
        set_option(w, o, setting);
    else if (str_eq(name, signing))
        return; /* last: it builds on options */
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
            str_printf(w->scratch, "%.*s%s", STR_ARG(prefix), config_setting_name(setting)));
    }
}

void walk_settings(struct walk *w, config_setting_t *root)
{
    walk_group(w, root, STR(""));
    config_setting_t *list = config_setting_get_member(root, signing.p);
    if (list)
        walk_signing(w, list);
}
