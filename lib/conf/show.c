/* show.c - a configuration as text that can be loaded again.
 *
 * Errors: none. */
#include "conf/conf.h"
#include "conf/options.h"
#include "conf/value.h"

#define COMMENT_COLUMN 56

struct show {
    struct strbuf out;
    const struct conf *conf;
    unsigned shown;   /* enum conf_shown */
    struct str group; /* the open one; empty: none */
};

static struct str group_of(const char *name)
{
    struct str full = str_of(name);
    size_t dot = str_find(full, 0, '.');
    return dot < full.n ? str_sub(full, 0, dot) : STR("");
}

static void enter_group(struct show *s, struct str group)
{
    if (str_eq(s->group, group))
        return;
    if (s->group.n)
        sb_add(&s->out, STR("};\n"));
    if (group.n)
        sb_printf(&s->out, "%.*s = {\n", STR_ARG(group));
    s->group = group;
}

static void mark_place(struct show *s, size_t line_start, struct conf_place place)
{
    if (!(s->shown & CONF_SHOWN_PLACES) || !place.file)
        return;
    size_t column = s->out.n - line_start;
    int pad = column < COMMENT_COLUMN ? (int)(COMMENT_COLUMN - column) : 1;
    struct str file = str_safe(s->out.arena, str_of(place.file), 1000, true);
    sb_printf(&s->out, "%*s// set at %.*s:%u", pad, "", STR_ARG(file), place.line);
}

/* Behind the place: the files that entries of the list came from. */
static void mark_files(struct show *s, const struct conf_option *o)
{
    size_t n = s->shown & CONF_SHOWN_PLACES ? s->conf->n_list_files : 0;
    for (size_t i = 0; i < n; i++) {
        const struct conf_list_file *file = &s->conf->list_files[i];
        if (file->option == o->name)
            sb_printf(&s->out, ", with %.*s (%zu)",
                      STR_ARG(str_safe(s->out.arena, str_of(file->path), 1000, true)), file->n);
    }
}

static struct str masked_servers(const struct show *s)
{
    struct arena *a = s->out.arena;
    struct conf_strings list = s->conf->state;
    list.v = arena_array(a, struct str, list.n);
    for (size_t i = 0; i < list.n; i++)
        list.v[i] = conf_state_masked(a, s->conf->state.v[i]);
    return value_show_list(a, &list);
}

static struct str shown_value(const struct show *s, const struct conf_option *o)
{
    bool masked = s->shown & CONF_SHOWN_MASKED;
    if (masked && o == option_find(STR("state")))
        return masked_servers(s);
    if (masked && o == option_find(STR("store")))
        return value_quote(s->out.arena, conf_store_masked(s->out.arena, s->conf->store));
    return value_show(s->conf, o, s->out.arena);
}

static void show_option(struct show *s, const struct conf_option *o, struct conf_place place)
{
    struct str value = shown_value(s, o);
    struct str group = group_of(o->name);
    enter_group(s, group);
    size_t line_start = s->out.n;
    const char *leaf = o->name + (group.n ? group.n + 1 : 0);
    const char *indent = group.n ? "    " : "";
    if (value.p)
        sb_printf(&s->out, "%s%s = %.*s;", indent, leaf, STR_ARG(value));
    else
        sb_printf(&s->out, "%s// %s is not set", indent, leaf);
    mark_place(s, line_start, place);
    mark_files(s, o);
    sb_addc(&s->out, '\n');
}

static struct conf with_form(const struct conf_sign_form *form)
{
    return (struct conf){
        .header_canonicalization = form->header_canonicalization,
        .body_canonicalization = form->body_canonicalization,
        .signature_lifetime = form->signature_lifetime,
        .sign_headers = form->sign_headers,
        .oversign_headers = form->oversign_headers,
    };
}

/* What differs from the options. */
static void show_form(struct show *s, const struct conf_sign_form *form)
{
    struct arena *a = s->out.arena;
    struct conf own = with_form(form);
#define OWN_OPTION(own_name, name)                                                                 \
    do {                                                                                           \
        const struct conf_option *o = option_find(STR(name));                                      \
        struct str value = value_show(&own, o, a);                                                 \
        if (value.p && !str_eq(value, value_show(s->conf, o, a)))                                  \
            sb_printf(&s->out, "\n      " own_name " = %.*s;", STR_ARG(value));                    \
    } while (false);
#include "conf/own_options.def"
#undef OWN_OPTION
}

static void show_keys(struct show *s, const struct conf_signing *entry)
{
    struct arena *a = s->out.arena;
    for (size_t k = 0; k < entry->n_keys; k++) {
        struct str selector = value_quote(a, entry->keys[k].selector);
        struct str file = value_quote(a, entry->keys[k].file);
        sb_printf(&s->out, "%s{ selector = %.*s; file = %.*s; }",
                  k ? ",\n               " : "\n      keys = ( ", STR_ARG(selector), STR_ARG(file));
    }
    if (entry->directory.p)
        sb_printf(&s->out, "\n      directory = %.*s; }",
                  STR_ARG(value_quote(a, entry->directory)));
    else
        sb_add(&s->out, STR(" ); }"));
}

static void show_signing(struct show *s)
{
    struct arena *a = s->out.arena;
    const struct conf *conf = s->conf;
    for (size_t i = 0; i < conf->n_signing; i++) {
        const struct conf_signing *entry = &conf->signing[i];
        size_t line_start = s->out.n;
        struct str domain = value_quote(a, entry->domain);
        struct str senders = value_show_list(a, &entry->senders);
        sb_printf(&s->out, "%s{ domain = %.*s; subdomains = %s;",
                  i ? ",\n    " : "signing = (\n    ", STR_ARG(domain),
                  entry->subdomains ? "true" : "false");
        mark_place(s, line_start, entry->place);
        if (senders.p)
            sb_printf(&s->out, "\n      senders = %.*s;", STR_ARG(senders));
        show_form(s, &entry->form);
        show_keys(s, entry);
    }
    if (conf->n_signing)
        sb_add(&s->out, STR("\n);\n"));
}

static void show_codes(struct show *s, const struct dnsbl_codes *codes)
{
    struct arena *a = s->out.arena;
    struct conf_strings list = {.set = true, .n = codes->n};
    list.v = arena_array(a, struct str, codes->n);
    for (size_t i = 0; i < codes->n; i++)
        list.v[i] = dnsbl_code_text(&codes->v[i], a);
    sb_printf(&s->out, " codes = %.*s;", STR_ARG(value_show_list(a, &list)));
}

static const char *const kind_words[] = {
    [DNSBL_CLIENT] = "client", [DNSBL_ALLOW] = "allow", [DNSBL_DOMAIN] = "domain"};

/* What stands before the public part is a key. */
static struct str shown_zone(const struct show *s, const struct conf_list *list)
{
    struct arena *a = s->out.arena;
    bool masked = s->shown & CONF_SHOWN_MASKED && list->public_zone.n < list->asked.zone.n;
    return value_quote(a, masked ? str_printf(a, CONF_MASK ".%.*s", STR_ARG(list->public_zone))
                                 : list->asked.zone);
}

/* The group may stand in several parts. */
static void show_lists(struct show *s)
{
    struct arena *a = s->out.arena;
    const struct conf *conf = s->conf;
    for (size_t i = 0; i < conf->n_lists; i++) {
        const struct conf_list *list = &conf->lists[i];
        struct str zone = shown_zone(s, list), label = value_quote(a, list->label);
        size_t line_start = s->out.n;
        sb_printf(&s->out, "%s{ zone = %.*s;", i ? ",\n    " : "dnsbl = { lists = (\n    ",
                  STR_ARG(zone));
        mark_place(s, line_start, list->place);
        sb_printf(&s->out, "\n      kind = \"%s\"; weight = %d; label = %.*s;",
                  kind_words[list->asked.kind], list->weight, STR_ARG(label));
        if (list->asked.codes.n)
            show_codes(s, &list->asked.codes);
        sb_add(&s->out, STR(" }"));
    }
    if (conf->n_lists)
        sb_add(&s->out, STR("\n); };\n"));
}

struct str conf_show(const struct conf *conf, struct arena *a, unsigned shown)
{
    struct show s = {.conf = conf, .shown = shown, .group = STR("")};
    sb_init(&s.out, a);
    for (size_t i = 0; i < options_count; i++)
        show_option(&s, &options[i], conf->places[i]);
    enter_group(&s, STR(""));
    show_lists(&s);
    show_signing(&s);
    return sb_str(&s.out);
}
