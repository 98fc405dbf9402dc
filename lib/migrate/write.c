/* write.c - writes the configuration that a migration makes.
 *
 * Errors: none. */
#include <string.h>

#include "migrate/migration.h"

#define COMMENT_COLUMN 56
#define LIST_COLUMN    96

struct writer {
    struct migration *m;
    struct strbuf out;
    struct str group; /* the open one; empty: none */
};

static struct str group_of(const char *name)
{
    struct str full = str_of(name);
    size_t dot = str_find(full, 0, '.');
    return dot < full.n ? str_sub(full, 0, dot) : STR("");
}

static void enter_group(struct writer *w, struct str group)
{
    if (str_eq(w->group, group))
        return;
    if (w->group.n)
        sb_add(&w->out, STR("};\n"));
    if (group.n)
        sb_printf(&w->out, "%.*s = {\n", STR_ARG(group));
    w->group = group;
}

static bool is_bare(const struct conf_option *o)
{
    return o->type == OPTION_BOOL || o->type == OPTION_INT || o->type == OPTION_SHARE;
}

/* A long list takes several lines. */
static struct str list_text(struct arena *a, const struct migrate_texts *texts, size_t indent)
{
    struct strbuf b;
    size_t column = indent;
    sb_init(&b, a);
    sb_add(&b, STR("[ "));
    for (size_t i = 0; i < texts->n; i++) {
        struct str text = value_quote(a, texts->v[i]);
        if (i && column + text.n > LIST_COLUMN) {
            sb_printf(&b, ",\n%*s", (int)indent + 2, "");
            column = indent;
        } else if (i) {
            sb_add(&b, STR(", "));
        }
        sb_add(&b, text);
        column += text.n + 2;
    }
    sb_add(&b, STR(" ]"));
    return sb_str(&b);
}

struct str option_text(struct arena *a, const struct conf_option *o,
                       const struct migrate_texts *texts, size_t indent)
{
    return option_is_list(o) ? list_text(a, texts, indent)
           : is_bare(o)      ? texts->v[0]
                             : value_quote(a, texts->v[0]);
}

static void write_place(struct writer *w, size_t line_start, const struct migrate_value *v)
{
    struct str tail = str_sub(sb_str(&w->out), line_start, w->out.n);
    size_t column = tail.n - (str_find_last(tail, '\n') < tail.n ? str_find_last(tail, '\n') : 0);
    int pad = column < COMMENT_COLUMN ? (int)(COMMENT_COLUMN - column) : 1;
    struct str file = str_safe(w->out.arena, str_of(v->why ? v->why : v->file), 500, true);
    sb_printf(&w->out, "%*s// %.*s", pad, "", STR_ARG(file));
    if (v->why)
        return;
    if (v->line)
        sb_printf(&w->out, ":%u", v->line);
    else
        sb_add(&w->out, STR(", by default"));
}

static void write_option(struct writer *w, const struct conf_option *o,
                         const struct migrate_value *v)
{
    struct arena *a = w->out.arena;
    struct str group = group_of(o->name);
    enter_group(w, group);
    size_t line_start = w->out.n;
    sb_printf(&w->out, "%s%s = ", group.n ? "    " : "", o->name + (group.n ? group.n + 1 : 0));
    struct str text = option_text(a, o, &v->texts, w->out.n - line_start);
    sb_printf(&w->out, "%.*s;", STR_ARG(text));
    write_place(w, line_start, v);
    sb_addc(&w->out, '\n');
}

static void write_head(struct writer *w)
{
    struct arena *a = w->out.arena;
    sb_add(&w->out, STR("// assay.conf - written by \"assay migrate\" from\n"));
    for (size_t i = 0; i < w->m->files.n; i++)
        sb_printf(&w->out, "//     %.*s\n", STR_ARG(str_safe(a, w->m->files.v[i], 500, true)));
    sb_add(&w->out, STR("// Options that are not here have their defaults: assay.conf(5), "
                        "\"assay config show\".\n// How to change over: assay-migrate(7).\n\n"
                        "listen = \"inet:8892@127.0.0.1\";\nuser = \"assay\";\n"
                        "// Behind the old filters, to see what would be done:\n"
                        "//mode = \"shadow\";\n\n"));
}

/* Without an old DMARC filter, DMARC must not begin to refuse mail without being asked. */
static void keep_dmarc_quiet(struct migration *m)
{
    struct str problem;
    const struct migrate_setting s = {"", 0, STR(""), STR("")};
    struct migrate_value *mode = &m->values[option_find(STR("dmarc.mode")) - options];
    if (!m->saw_dmarc && set_value(m, "dmarc.mode", STR("shadow"), &s, &problem))
        mode->why = "no DMARC filter was read";
}

struct str migration_conf(struct migration *m)
{
    struct writer w = {.m = m, .group = STR("")};
    sb_init(&w.out, m->arena);
    keep_dmarc_quiet(m);
    write_head(&w);
    for (size_t i = 0; i < options_count; i++)
        if (m->values[i].set)
            write_option(&w, &options[i], &m->values[i]);
    enter_group(&w, STR(""));
    if (m->signing_text.n)
        sb_printf(&w.out, "\n%.*s", STR_ARG(m->signing_text));
    return sb_str(&w.out);
}
