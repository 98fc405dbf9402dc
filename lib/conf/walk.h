/* walk.h - a parsed file, setting by setting, into struct conf. */
#ifndef ASSAY_CONF_WALK_H
#define ASSAY_CONF_WALK_H

#include <libconfig.h>

#include "conf/conf.h"
#include "conf/options.h"
#include "conf/source.h"

struct walk {
    struct conf *conf;
    struct conf_place *places; /* conf->places, to be filled in */
    struct conf_problems *problems;
    const struct conf_source *source;
    struct arena *scratch;
};

/* Takes over every setting below `root`; complains of all that are wrong. */
void walk_settings(struct walk *w, config_setting_t *root);

/* Sets an option, which may stand under another name than its own. */
void walk_option(struct walk *w, const struct conf_option *o, config_setting_t *setting);

/* The setting `dnsbl.lists`. */
void walk_lists(struct walk *w, config_setting_t *list);

/* All settings `signing` below `root`, as one list, when all other settings are taken. */
void walk_signing(struct walk *w, config_setting_t *root);

/* The name of a setting, and the first one of a name in a group (NULL: there is none). */
struct str walk_name(const config_setting_t *setting);
config_setting_t *walk_member(config_setting_t *group, const char *name);

/* Complains that the setting `what` stands a second time. */
void walk_complain_twice(struct walk *w, struct str what, const config_setting_t *again,
                         struct conf_place first);

/* Where a setting stands, its file's name alive as long as the configuration. */
struct conf_place walk_place(const struct walk *w, const config_setting_t *setting);

/* "a number", "a list": what a setting is, for complaints. */
const char *walk_type_name(const config_setting_t *setting);

/* Elements of a list or array; a setting that is neither counts as a list of one. */
unsigned walk_length(const config_setting_t *setting);
config_setting_t *walk_element(config_setting_t *setting, unsigned index);

#endif
