/* options.h - the option table of options.def as data, for the parts of lib/conf. */
#ifndef ASSAY_CONF_OPTIONS_H
#define ASSAY_CONF_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct conf;

enum option_type {
    OPTION_STRING,
    OPTION_STRINGS,
    OPTION_DOMAINS,
    OPTION_ADDRESSES,
    OPTION_NETS,
    OPTION_SOCKETS,
    OPTION_BOOL,
    OPTION_INT,
    OPTION_DURATION,
    OPTION_SIZE,
    OPTION_SHARE,
    OPTION_MODE,
    OPTION_CHOICE,
};

struct conf_option {
    const char *name; /* with its group: "dns.timeout" */
    enum option_type type;
    size_t offset;         /* of the field in struct conf */
    const char *def;       /* as text; NULL: absent */
    const char *min, *max; /* as text; NULL: no bounds */
    const char *tag;       /* of choices.def */
    bool all;              /* of a list of domains: "*" is allowed */
    const char *help;
};

extern const struct conf_option options[];
extern const size_t options_count;

const struct conf_option *option_find(struct str name); /* NULL if there is none */
bool option_is_group(struct str name);                  /* "dns" */
bool option_is_list(const struct conf_option *o);

/* The full name, or the group, that an unknown name is likely to mean; or absent. */
struct str option_nearest(struct str name);

/* What a value of this option looks like: `a duration in quotes such as "5s" (ms, s, m, h, d)`. */
struct str option_wanted(const struct conf_option *o, struct arena *a);

/* The words of a choice: "enforce, shadow". */
struct str choice_words(const char *tag, struct arena *a);
bool choice_value(const char *tag, struct str word, int *value);
const char *choice_word(const char *tag, int value);

#endif
