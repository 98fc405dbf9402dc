/* value.c - option values from text and back.
 *
 * Errors: a phrase that says what is wrong and what is allowed. A default that does not parse is a
 * bug. */
#include "conf/value.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "conf/listen.h"
#include "mail/pattern.h"

struct unit {
    struct str name;
    uint64_t factor;
};

/* Largest first, for printing. */
static const struct unit time_units[] = {
    {STR_INIT("d"), 86400000}, {STR_INIT("h"), 3600000}, {STR_INIT("m"), 60000},
    {STR_INIT("s"), 1000},     {STR_INIT("ms"), 1},
};
static const struct unit size_units[] = {
    {STR_INIT("G"), 1ULL << 30},
    {STR_INIT("M"), 1ULL << 20},
    {STR_INIT("K"), 1ULL << 10},
    {STR_INIT(""), 1},
};
#define N_UNITS(table) (sizeof table / sizeof table[0])

/* Numbers before a unit: large enough for any bound, small enough that no product overflows. */
#define NUMBER_MAX 1000000000ULL

static const struct unit *unit_find(const struct unit *table, size_t n, struct str name)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(table[i].name, name))
            return &table[i];
    return NULL;
}

/* The part of text that is digits (and dots). */
static size_t number_length(struct str text, bool fraction)
{
    size_t n = 0;
    while (n < text.n && (ascii_is_digit(text.p[n]) || (fraction && text.p[n] == '.')))
        n++;
    return n;
}

/* ".4" of a unit in milliseconds; -1 if that is no whole number of them. */
static int64_t fraction_ms(struct str digits, uint64_t factor)
{
    unsigned long long value;
    uint64_t scale = 1;
    if (digits.n > 9 || !str_to_u64(digits, NUMBER_MAX, &value))
        return -1;
    for (size_t i = 0; i < digits.n; i++)
        scale *= 10;
    return value * factor % scale == 0 ? (int64_t)(value * factor / scale) : -1;
}

const char *duration_parse(struct str text, int64_t *ms)
{
    static const char wrong[] = "is no duration such as \"5s\" (units ms, s, m, h, d)";
    size_t n = number_length(text, true);
    struct str number = str_sub(text, 0, n);
    const struct unit *unit = unit_find(time_units, N_UNITS(time_units), str_sub(text, n, text.n));
    if (!unit || n == 0)
        return n && n == text.n ? "has no unit: write ms, s, m, h or d behind the number" : wrong;
    size_t dot = str_find(number, 0, '.');
    unsigned long long whole;
    if (!str_to_u64(str_sub(number, 0, dot), NUMBER_MAX, &whole))
        return wrong;
    int64_t rest = 0;
    if (dot < number.n)
        rest = fraction_ms(str_sub(number, dot + 1, number.n), unit->factor);
    if (rest < 0)
        return "is no whole number of milliseconds";
    *ms = (int64_t)(whole * unit->factor) + rest;
    return NULL;
}

const char *size_parse(struct str text, uint64_t *bytes)
{
    static const char wrong[] = "is no size such as \"64M\" (units K, M, G)";
    size_t n = number_length(text, false);
    unsigned long long number;
    const struct unit *unit = unit_find(size_units, N_UNITS(size_units), str_sub(text, n, text.n));
    if (!unit || !str_to_u64(str_sub(text, 0, n), NUMBER_MAX * 1000, &number))
        return wrong;
    *bytes = number <= UINT64_MAX / unit->factor ? number * unit->factor : UINT64_MAX;
    return NULL;
}

const char *share_parse(struct str text, double *share)
{
    static const char wrong[] = "is no share from 0 to 1, such as 0.01";
    size_t dot = str_find(text, 0, '.');
    struct str digits = str_sub(text, dot + 1, text.n);
    unsigned long long whole, parts = 0;
    double scale = 1;
    if (!str_to_u64(str_sub(text, 0, dot), 1, &whole))
        return wrong;
    if (dot < text.n && (digits.n > 9 || !str_to_u64(digits, NUMBER_MAX, &parts)))
        return wrong;
    for (size_t i = 0; i < digits.n; i++)
        scale *= 10;
    *share = (double)whole + (double)parts / scale;
    return *share > 1 ? wrong : NULL;
}

const char *mode_parse(struct str text, unsigned *mode)
{
    unsigned value = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '7' || value > 0777 / 8)
            return "is no octal mode from 0000 to 0777";
        value = value * 8 + (unsigned)(text.p[i] - '0');
    }
    if (text.n == 0)
        return "is no octal mode from 0000 to 0777";
    *mode = value;
    return NULL;
}

static struct str unit_format(struct arena *a, uint64_t value, const struct unit *table, size_t n,
                              const struct unit *zero)
{
    const struct unit *unit = zero;
    for (size_t i = 0; value && i < n; i++) {
        if (value % table[i].factor == 0) {
            unit = &table[i];
            break;
        }
    }
    return str_printf(a, "%llu%.*s", (unsigned long long)(value / unit->factor),
                      STR_ARG(unit->name));
}

struct str duration_format(struct arena *a, int64_t ms)
{
    return unit_format(a, (uint64_t)ms, time_units, N_UNITS(time_units), &time_units[3]);
}

struct str size_format(struct arena *a, uint64_t bytes)
{
    return unit_format(a, bytes, size_units, N_UNITS(size_units), &size_units[3]);
}

struct str share_format(struct arena *a, double share)
{
    struct str text = str_printf(a, "%.9f", share);
    while (text.p[text.n - 1] == '0')
        text.n--;
    if (text.p[text.n - 1] == '.')
        text.n--;
    return text;
}

/* Setting: each type from text. */

static void *field_of(struct conf *conf, const struct conf_option *o)
{
    return (char *)conf + o->offset;
}

static const void *field_in(const struct conf *conf, const struct conf_option *o)
{
    return (const char *)conf + o->offset;
}

/* A number as the option's type counts it (milliseconds, bytes). Bounds go through it too. */
static const char *number_parse(const struct conf_option *o, struct str text, int64_t *value)
{
    if (o->type == OPTION_DURATION)
        return duration_parse(text, value);
    if (o->type == OPTION_SIZE) {
        uint64_t bytes;
        const char *problem = size_parse(text, &bytes);
        if (!problem)
            *value = bytes > INT64_MAX ? INT64_MAX : (int64_t)bytes;
        return problem;
    }
    bool negative = str_starts(text, STR("-"));
    unsigned long long magnitude;
    if (!str_to_u64(str_sub(text, negative, text.n), INT64_MAX, &magnitude))
        return "is no whole number";
    *value = negative ? -(int64_t)magnitude : (int64_t)magnitude;
    return NULL;
}

static const char *number_set(struct conf *conf, const struct conf_option *o, struct str text,
                              struct arena *a)
{
    int64_t value = 0, min = 0, max = 0;
    const char *problem = number_parse(o, text, &value);
    if (problem)
        return problem;
    problem = number_parse(o, str_of(o->min), &min);
    assert(!problem);
    problem = number_parse(o, str_of(o->max), &max);
    assert(!problem);
    if (value < min || value > max)
        return str_printf(a, "is out of bounds: allowed is %s to %s", o->min, o->max).p;
    if (o->type == OPTION_SIZE)
        *(uint64_t *)field_of(conf, o) = (uint64_t)value;
    else
        *(int64_t *)field_of(conf, o) = value;
    return NULL;
}

static const char *choice_set(struct conf *conf, const struct conf_option *o, struct str text,
                              struct arena *a)
{
    int value;
    if (!choice_value(o->tag, text, &value))
        return str_printf(a, "is not allowed here: the words are %s", choice_words(o->tag, a).p).p;
    memcpy(field_of(conf, o), &value, sizeof value);
    return NULL;
}

static void list_append(struct conf *conf, struct conf_strings *list, struct str text)
{
    if ((list->n & (list->n - 1)) == 0) { /* full: room is the next power of two */
        size_t room = list->n ? 2 * list->n : 1;
        list->v = arena_grow(conf->arena, list->v, list->n * sizeof text, room * sizeof text);
    }
    list->v[list->n++] = str_copy(conf->arena, text);
    list->set = true;
}

static const char *domain_add(struct conf *conf, struct conf_strings *list, struct str text,
                              bool all_allowed)
{
    struct str domain;
    if (all_allowed && str_eq(text, STR("*"))) {
        list_append(conf, list, text);
        list->all = true;
        return NULL;
    }
    const char *problem = conf_domain_problem(conf->arena, text, CONF_DOMAIN_LISTED, &domain);
    if (!problem)
        list_append(conf, list, domain);
    return problem;
}

static const char *address_add(struct conf *conf, struct conf_strings *list, struct str text)
{
    struct str pattern;
    const char *problem = sender_pattern_parse(conf->arena, text, &pattern);
    if (!problem)
        list_append(conf, list, pattern);
    return problem;
}

/* Empty is "none" there. */
static bool may_be_empty(const struct conf_option *o)
{
    return o->offset == offsetof(struct conf, reply_contact) ||
           o->offset == offsetof(struct conf, control) ||
           o->offset == offsetof(struct conf, reports_delimiter);
}

static const char *socket_add(struct conf *conf, struct conf_strings *list, struct str text,
                              struct arena *a)
{
    struct listen_address address, other;
    const char *problem = listen_problem(text, a, &address);
    if (problem)
        return problem;
    struct str name = listen_format(&address, a);
    for (size_t i = 0; i < list->n; i++)
        if (!listen_problem(list->v[i], a, &other) && str_eq(listen_format(&other, a), name))
            return "is in the list already";
    list_append(conf, list, text);
    return NULL;
}

static const char *set(struct conf *conf, const struct conf_option *o, struct str text,
                       struct arena *a)
{
    void *field = field_of(conf, o);
    switch (o->type) {
    case OPTION_STRING:
        if (text.n == 0 && !may_be_empty(o))
            return "is empty: leave the option out instead";
        *(struct str *)field = str_copy(conf->arena, text);
        return NULL;
    case OPTION_STRINGS:
        if (text.n == 0)
            return "is empty: leave it out of the list";
        list_append(conf, field, text);
        return NULL;
    case OPTION_DOMAINS:
        return domain_add(conf, field, text, o->all);
    case OPTION_ADDRESSES:
        return address_add(conf, field, text);
    case OPTION_NETS:
        return netset_add(field, text);
    case OPTION_SOCKETS:
        return socket_add(conf, field, text, a);
    case OPTION_BOOL:
        *(bool *)field = str_eq(text, STR("true"));
        return NULL;
    case OPTION_INT:
    case OPTION_DURATION:
    case OPTION_SIZE:
        return number_set(conf, o, text, a);
    case OPTION_SHARE:
        return share_parse(text, field);
    case OPTION_MODE:
        return mode_parse(text, field);
    case OPTION_CHOICE:
        return choice_set(conf, o, text, a);
    }
    return NULL;
}

const char *value_add(struct conf *conf, const struct conf_option *o, struct str text,
                      struct arena *a)
{
    return set(conf, o, text, a);
}

bool value_set(struct conf *conf, const struct conf_option *o, struct str text, struct arena *a,
               struct str *problem)
{
    const char *phrase = set(conf, o, text, a);
    if (!phrase)
        return true;
    struct str shown = str_safe(a, text, 100, true);
    *problem = str_printf(a, "\"%.*s\" %s", STR_ARG(shown), phrase);
    return false;
}

void value_clear_list(struct conf *conf, const struct conf_option *o)
{
    if (o->type == OPTION_NETS)
        netset_init(field_of(conf, o), conf->arena);
    else
        *(struct conf_strings *)field_of(conf, o) = (struct conf_strings){.set = true};
}

static int by_name(const void *left, const void *right)
{
    return str_cmp_nocase(*(const struct str *)left, *(const struct str *)right);
}

const struct netset *value_nets(const struct conf *conf, const struct conf_option *o)
{
    return field_in(conf, o);
}

/* Of the lists that are asked for each message, long ones are sorted for that. */
void value_finish_list(struct conf *conf, const struct conf_option *o)
{
    if (o->type == OPTION_NETS)
        netset_finish(field_of(conf, o));
    if (o->type != OPTION_DOMAINS)
        return;
    struct conf_strings *list = field_of(conf, o);
    list->sorted = NULL;
    if (list->n <= CONF_SHORT_LIST)
        return;
    struct str *sorted = arena_array(conf->arena, struct str, list->n);
    memcpy(sorted, list->v, list->n * sizeof *sorted);
    qsort(sorted, list->n, sizeof *sorted, by_name);
    list->sorted = sorted;
}

void value_set_defaults(struct conf *conf)
{
    struct str problem;
    for (size_t i = 0; i < options_count; i++) {
        const struct conf_option *o = &options[i];
        struct str rest = str_of(o->def), element;
        if (o->type == OPTION_NETS)
            netset_init(field_of(conf, o), conf->arena);
        if (option_is_list(o)) {
            while (str_split(&rest, ',', &element)) {
                bool ok = value_set(conf, o, str_trim(element), conf->arena, &problem);
                assert(ok);
            }
        } else if (o->def) {
            bool ok = value_set(conf, o, rest, conf->arena, &problem);
            assert(ok);
        }
    }
}

/* Showing. */

struct str value_quote(struct arena *a, struct str text)
{
    struct strbuf b;
    sb_init(&b, a);
    sb_addc(&b, '"');
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c == '"' || c == '\\')
            sb_printf(&b, "\\%c", c);
        else if (c < 0x20)
            sb_printf(&b, "\\x%02x", c);
        else
            sb_addc(&b, (char)c);
    }
    sb_addc(&b, '"');
    return sb_str(&b);
}

/* A list of n. Long ones have a line for each. */
static void show_element(struct strbuf *b, struct str text, size_t n)
{
    struct str q = value_quote(b->arena, text);
    const char *blank = n > CONF_SHORT_LIST ? "\n        " : " ";
    sb_printf(b, "%s%s%.*s", b->n > 1 ? "," : "", blank, STR_ARG(q));
}

struct str conf_join(const struct conf_strings *list, struct arena *a)
{
    struct strbuf b;
    sb_init(&b, a);
    for (size_t i = 0; i < list->n; i++)
        sb_printf(&b, "%s%.*s", i ? ", " : "", STR_ARG(list->v[i]));
    return sb_str(&b);
}

struct str value_show_list(struct arena *a, const struct conf_strings *list)
{
    struct strbuf b;
    if (!list->set)
        return STR_NONE;
    sb_init(&b, a);
    sb_addc(&b, '[');
    for (size_t i = 0; i < list->n; i++)
        show_element(&b, list->v[i], list->n);
    sb_add(&b, STR(" ]"));
    return sb_str(&b);
}

static struct str show_nets(struct arena *a, const struct netset *set)
{
    struct strbuf b;
    sb_init(&b, a);
    sb_addc(&b, '[');
    for (size_t i = 0; i < set->n; i++) {
        char address[NETADDR_TEXT];
        const struct netrange *r = &set->ranges[i];
        netaddr_format(&r->net, address);
        bool host = r->bits == (r->net.family == 4 ? 32 : 128);
        struct str length = host ? STR("") : str_printf(a, "/%u", r->bits);
        show_element(&b, str_printf(a, "%s%s%s", r->except ? "!" : "", address, length.p), set->n);
    }
    sb_add(&b, STR(" ]"));
    return sb_str(&b);
}

struct str value_show(const struct conf *conf, const struct conf_option *o, struct arena *a)
{
    const void *field = field_in(conf, o);
    switch (o->type) {
    case OPTION_STRING: {
        const struct str *text = field;
        return text->p ? value_quote(a, *text) : STR_NONE;
    }
    case OPTION_STRINGS:
    case OPTION_DOMAINS:
    case OPTION_ADDRESSES:
    case OPTION_SOCKETS:
        return value_show_list(a, field);
    case OPTION_NETS:
        return show_nets(a, field);
    case OPTION_BOOL:
        return *(const bool *)field ? STR("true") : STR("false");
    case OPTION_INT:
        return str_printf(a, "%lld", (long long)*(const int64_t *)field);
    case OPTION_DURATION:
        return value_quote(a, duration_format(a, *(const int64_t *)field));
    case OPTION_SIZE:
        return value_quote(a, size_format(a, *(const uint64_t *)field));
    case OPTION_SHARE:
        return share_format(a, *(const double *)field);
    case OPTION_MODE:
        return str_printf(a, "\"%04o\"", *(const unsigned *)field);
    case OPTION_CHOICE: {
        int value;
        memcpy(&value, field, sizeof value);
        return value_quote(a, str_of(choice_word(o->tag, value)));
    }
    }
    return STR_NONE;
}
