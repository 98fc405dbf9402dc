/* account.c - what became of every setting, for people and for programs.
 *
 * Errors: none. */
#include <stdlib.h>
#include <string.h>

#include "migrate/migration.h"

#define WIDTH 96

const char *migrate_fate_name(enum migrate_fate fate)
{
    static const char *const names[] = {"carried over", "changed", "not carried over"};
    return names[fate];
}

/* The settings that people have to look at come first. */
static const enum migrate_fate order[] = {MIGRATE_LEFT, MIGRATE_CHANGED, MIGRATE_CARRIED};

static size_t count_fate(const struct migration *m, enum migrate_fate fate)
{
    size_t n = 0;
    for (size_t i = 0; i < m->n_lines; i++)
        n += m->lines[i].fate == fate;
    return n;
}

static void add_wrapped(struct strbuf *b, struct str text, size_t indent)
{
    size_t column = 0;
    struct str word;
    while (str_split(&text, ' ', &word)) {
        bool begin = column == 0;
        if (!begin && column + 1 + word.n > WIDTH - indent) {
            sb_addc(b, '\n');
            begin = true;
            column = 0;
        }
        sb_printf(b, "%*s%.*s", begin ? (int)indent : 1, "", STR_ARG(word));
        column += word.n + (begin ? 0 : 1);
    }
    sb_addc(b, '\n');
}

/* "password=secret" of a DSN, up to the next semicolon. */
static struct str mask_pair(struct arena *a, struct str value)
{
    size_t begin = str_find_nocase(value, 0, STR("passw"));
    size_t equals = str_find(value, begin, '='), end = str_find(value, equals, ';');
    if (begin == value.n || equals == value.n)
        return value;
    return str_printf(a, "%.*s=" CONF_MASK "%.*s", STR_ARG(str_sub(value, 0, equals)),
                      STR_ARG(str_sub(value, end, value.n)));
}

/* The value without a password: an account is a text that people show others. Such are
 * "dsn:mysql://user:***@host/db", "DBI:Pg:dbname=x;password=***", LDAPBindPassword and db_pass. */
static struct str shown_value(struct arena *a, const struct migrate_setting *s)
{
    if (str_ends_nocase(s->name, STR("Password")) || str_ends_nocase(s->name, STR("_pass")))
        return STR(CONF_MASK);
    if (str_ends_nocase(s->name, STR("_dsn")))
        return mask_pair(a, s->value);
    size_t login = str_find_nocase(s->value, 0, STR("://")), at = str_find_last(s->value, '@');
    size_t colon = str_find(s->value, login + 3, ':');
    if (at == s->value.n || colon >= at)
        return s->value;
    return str_printf(a, "%.*s" CONF_MASK "%.*s", STR_ARG(str_sub(s->value, 0, colon + 1)),
                      STR_ARG(str_sub(s->value, at, s->value.n)));
}

static void add_line(struct migration *m, struct strbuf *b, const struct migrate_line *line)
{
    struct arena *a = m->arena;
    const struct migrate_setting *s = &line->setting;
    struct str value = str_safe(a, shown_value(a, s), 60, true);
    struct str place = s->line ? str_printf(a, "%u", s->line) : STR("default");
    sb_printf(b, "%9.*s  %.*s%s%.*s\n", STR_ARG(place), STR_ARG(str_safe(a, s->name, 60, true)),
              value.n ? " " : "", STR_ARG(value));
    add_wrapped(b, str_safe(a, line->note, 4000, true), 15);
}

/* A line and its place in the output: by file, in the order of reading, and then by line. */
struct ordered {
    const struct migrate_line *line;
    size_t file, place;
};

static int by_place(const void *x, const void *y)
{
    const struct ordered *a = x, *b = y;
    unsigned la = a->line->setting.line - 1, lb = b->line->setting.line - 1; /* defaults go last */
    if (a->file != b->file)
        return a->file < b->file ? -1 : 1;
    if (la != lb)
        return la < lb ? -1 : 1;
    return a->place < b->place ? -1 : a->place > b->place;
}

static struct ordered *lines_in_order(struct migration *m)
{
    struct ordered *all = arena_array(m->arena, struct ordered, m->n_lines);
    struct strmap files; /* the first of its lines */
    strmap_init(&files, m->arena);
    for (size_t i = 0; i < m->n_lines; i++) {
        void **first = strmap_put(&files, str_of(m->lines[i].setting.file));
        *first = *first ? *first : &m->lines[i];
        all[i] =
            (struct ordered){&m->lines[i], (size_t)((struct migrate_line *)*first - m->lines), i};
    }
    qsort(all, m->n_lines, sizeof *all, by_place);
    return all;
}

static void add_lines(struct migration *m, struct strbuf *b, const struct ordered *all,
                      enum migrate_fate fate)
{
    const char *file = "";
    for (size_t i = 0; i < m->n_lines; i++) {
        const struct migrate_line *line = all[i].line;
        if (line->fate != fate)
            continue;
        if (strcmp(file, line->setting.file) != 0)
            sb_printf(b, "  %.*s\n",
                      STR_ARG(str_safe(m->arena, str_of(line->setting.file), 300, true)));
        file = line->setting.file;
        add_line(m, b, line);
    }
}

static void add_commands(struct migration *m, struct strbuf *b)
{
    if (!m->commands.n)
        return;
    sb_add(b, STR("\nBefore \"assay config check\", as root (the old files stay as they are):\n"));
    for (size_t i = 0; i < m->commands.n; i++)
        sb_printf(b, "    %.*s\n", STR_ARG(str_safe(m->arena, m->commands.v[i], 100000, true)));
}

struct str migration_account(struct migration *m)
{
    struct strbuf b;
    const struct ordered *all = lines_in_order(m);
    sb_init(&b, m->arena);
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        if (!count_fate(m, order[i]))
            continue;
        sb_printf(&b, "%s%s:\n", b.n ? "\n" : "", migrate_fate_name(order[i]));
        add_lines(m, &b, all, order[i]);
    }
    add_commands(m, &b);
    sb_printf(&b, "\n%zu carried over, %zu changed, %zu not carried over\n",
              count_fate(m, MIGRATE_CARRIED), count_fate(m, MIGRATE_CHANGED),
              count_fate(m, MIGRATE_LEFT));
    return sb_str(&b);
}

void migration_json(struct migration *m, struct json *j)
{
    static const char *const words[] = {"carried", "changed", "not-carried"};
    json_array(j, "settings");
    for (size_t i = 0; i < m->n_lines; i++) {
        const struct migrate_setting *s = &m->lines[i].setting;
        json_object(j, NULL);
        json_text(j, "file", str_of(s->file));
        json_number(j, "line", s->line);
        json_text(j, "name", s->name);
        json_text(j, "value", shown_value(m->arena, s));
        json_text(j, "fate", str_of(words[m->lines[i].fate]));
        json_text(j, "note", m->lines[i].note);
        json_end(j, '}');
    }
    json_end(j, ']');
    json_array(j, "commands");
    for (size_t i = 0; i < m->commands.n; i++)
        json_text(j, NULL, m->commands.v[i]);
    json_end(j, ']');
}
