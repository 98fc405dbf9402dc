/* options.c - the option table as data: look-up, nearest name, rows for manuals.
 *
 * Errors: NULL or false where there is no such name. */
#include "conf/options.h"

#include <string.h>

#include "conf/conf.h"

/* What the types of options.def are in a row of the table. */
#define ROW_STRING           .type = OPTION_STRING
#define ROW_STRINGS          .type = OPTION_STRINGS
#define ROW_DOMAINS          .type = OPTION_DOMAINS
#define ROW_DOMAINS_OR_ALL   .type = OPTION_DOMAINS, .all = true
#define ROW_ADDRESSES        .type = OPTION_ADDRESSES
#define ROW_NETS             .type = OPTION_NETS
#define ROW_SOCKETS          .type = OPTION_SOCKETS
#define ROW_BOOL             .type = OPTION_BOOL
#define ROW_INT(lo, hi)      .type = OPTION_INT, .min = lo, .max = hi
#define ROW_DURATION(lo, hi) .type = OPTION_DURATION, .min = lo, .max = hi
#define ROW_SIZE(lo, hi)     .type = OPTION_SIZE, .min = lo, .max = hi
#define ROW_SHARE            .type = OPTION_SHARE
#define ROW_MODE             .type = OPTION_MODE
#define ROW_CHOICE(word)     .type = OPTION_CHOICE, .tag = #word
#define ROW_ACTION           ROW_CHOICE(action)

const struct conf_option options[] = {
#define CONF_SECTION(title)
#define CONF_OPTION(f, n, t, d, h)                                                                 \
    {.name = n, .offset = offsetof(struct conf, f), .def = d, .help = h, ROW_##t},
#include "conf/options.def"
#undef CONF_SECTION
#undef CONF_OPTION
};

/* The list once more, for the titles that stand between the options. */
static const struct {
    const char *section, *name; /* one of them */
} titles[] = {
#define CONF_SECTION(title)        {.section = title},
#define CONF_OPTION(f, n, t, d, h) {.name = n},
#include "conf/options.def"
};

const size_t options_count = sizeof options / sizeof options[0];

static const struct choice {
    const char *tag, *word;
    int value;
} choices[] = {
#define CHOICE(t, v, w) {.tag = #t, .word = w, .value = v},
#include "conf/choices.def"
#undef CHOICE
};

/* Choices are stored through an int pointer. */
#define CHOICE(t, v, w) _Static_assert(sizeof(enum t) == sizeof(int), "an enum is an int");
#include "conf/choices.def"
#undef CHOICE

#define N_CHOICES (sizeof choices / sizeof choices[0])

bool choice_value(const char *tag, struct str word, int *value)
{
    for (size_t i = 0; i < N_CHOICES; i++) {
        if (strcmp(choices[i].tag, tag) == 0 && str_eq(str_of(choices[i].word), word)) {
            *value = choices[i].value;
            return true;
        }
    }
    return false;
}

const char *choice_word(const char *tag, int value)
{
    for (size_t i = 0; i < N_CHOICES; i++)
        if (strcmp(choices[i].tag, tag) == 0 && choices[i].value == value)
            return choices[i].word;
    return NULL;
}

struct str choice_words(const char *tag, struct arena *a)
{
    struct strbuf b;
    sb_init(&b, a);
    for (size_t i = 0; i < N_CHOICES; i++)
        if (strcmp(choices[i].tag, tag) == 0)
            sb_printf(&b, "%s%s", b.n ? ", " : "", choices[i].word);
    return sb_str(&b);
}

const char *action_name(enum action action)
{
    return action == ACTION_ACCEPT ? "accept" : choice_word("action", (int)action);
}

const struct conf_option *option_find(struct str name)
{
    for (size_t i = 0; i < options_count; i++)
        if (str_eq(str_of(options[i].name), name))
            return &options[i];
    return NULL;
}

bool option_is_group(struct str name)
{
    for (size_t i = 0; i < options_count; i++) {
        struct str full = str_of(options[i].name);
        if (full.n > name.n && full.p[name.n] == '.' && str_starts(full, name))
            return true;
    }
    return false;
}

bool option_is_list(const struct conf_option *o)
{
    return o->type == OPTION_STRINGS || o->type == OPTION_DOMAINS || o->type == OPTION_ADDRESSES ||
           o->type == OPTION_NETS || o->type == OPTION_SOCKETS;
}

static size_t least_number(size_t a, size_t b)
{
    return a < b ? a : b;
}

static struct str leaf(struct str name)
{
    size_t dot = str_find_last(name, '.');
    return dot < name.n ? str_sub(name, dot + 1, name.n) : name;
}

struct nearest {
    struct str name;
    size_t distance; /* farther is no likeness */
};

static void consider(struct nearest *best, struct str candidate, size_t distance)
{
    if (distance < best->distance)
        *best = (struct nearest){candidate, distance};
}

struct str option_nearest(struct str name)
{
    struct nearest best = {.name = STR_NONE, .distance = name.n / 3 + 1};
    bool top = str_find(name, 0, '.') == name.n; /* what stands there may be a group */
    for (size_t i = 0; i < options_count; i++) {
        struct str full = str_of(options[i].name);
        struct str group = str_sub(full, 0, str_find(full, 0, '.'));
        if (top && group.n < full.n)
            consider(&best, group, str_distance(name, group));
        /* The right name in the wrong group. */
        bool same_leaf = str_eq(leaf(name), leaf(full));
        consider(&best, full,
                 same_leaf ? least_number(str_distance(name, full), 1) : str_distance(name, full));
    }
    consider(&best, STR("signing"), str_distance(name, STR("signing")));
    consider(&best, STR("dnsbl.lists"), str_distance(name, STR("dnsbl.lists")));
    return best.name;
}

/* How each type is called in the manual, and what a complaint about another value says is wanted.
 */
static const struct {
    const char *name, *wanted;
} types[] = {
    [OPTION_STRING] = {"text", "text in quotes"},
    [OPTION_STRINGS] = {"list", "a list such as [ \"one\", \"two\" ]"},
    [OPTION_DOMAINS] = {"list of domains", "a list of domains such as [ \"example.org\" ]"},
    [OPTION_ADDRESSES] = {"list of addresses",
                          "a list of addresses such as [ \"ann@example.org\", \"@example.net\" ]"},
    [OPTION_NETS] = {"list of networks",
                     "a list of networks such as [ \"192.0.2.0/24\", \"2001:db8::1\" ]"},
    [OPTION_SOCKETS] =
        {"list of sockets",
         "a list of sockets such as [ \"inet:8892@127.0.0.1\", \"unix:/run/assay/assay.sock\" ]"},
    [OPTION_BOOL] = {"boolean", "true or false"},
    [OPTION_INT] = {"number", "a whole number"},
    [OPTION_DURATION] = {"duration", "a duration in quotes such as \"5s\" (units ms, s, m, h, d)"},
    [OPTION_SIZE] = {"size", "a size in quotes such as \"64M\" (units K, M, G)"},
    [OPTION_SHARE] = {"share", "a number from 0 to 1 such as 0.01"},
    [OPTION_MODE] = {"mode", "octal permissions in quotes such as \"0660\""},
    [OPTION_CHOICE] = {"word", "one of these words in quotes: "},
};

struct str option_wanted(const struct conf_option *o, struct arena *a)
{
    struct str words = o->tag ? choice_words(o->tag, a) : STR("");
    return str_printf(a, "%s%.*s", types[o->type].wanted, STR_ARG(words));
}

const struct conf_option_row *conf_option_rows(struct arena *a, size_t *n)
{
    struct conf_option_row *rows = arena_array(a, struct conf_option_row, options_count);
    const char *section = "";
    const struct conf_option *o = options;
    for (size_t t = 0; t < sizeof titles / sizeof titles[0]; t++) {
        if (titles[t].section) {
            section = titles[t].section;
            continue;
        }
        struct str bounds = STR("");
        if (o->tag)
            bounds = choice_words(o->tag, a);
        else if (o->min)
            bounds = str_printf(a, "%s to %s", o->min, o->max);
        rows[o - options] = (struct conf_option_row){.section = section,
                                                     .name = o->name,
                                                     .type = types[o->type].name,
                                                     .def = o->def,
                                                     .bounds = str_cstr(a, bounds),
                                                     .help = o->help};
        o++;
    }
    *n = options_count;
    return rows;
}
