/* carry.c - carries values over to options of assay.conf, and checks them by the option table.
 *
 * Errors: a value that does not fit the option, or contradicts one from another file, is left out,
 * and the account says so. */
#include <string.h>

#include "base/ascii.h"
#include "migrate/migration.h"

void tell(struct migration *m, const struct migrate_setting *s, enum migrate_fate fate,
          const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct str text = str_vprintf(m->arena, format, args);
    va_end(args);
    m->lines = arena_extend(m->arena, m->lines, m->n_lines, &m->lines_cap, sizeof *m->lines);
    m->lines[m->n_lines++] = (struct migrate_line){*s, fate, text};
}

void tell_row(struct migration *m, const struct migrate_row *row, const struct migrate_setting *s)
{
    tell(m, s, row->fate, "%s", *row->note ? row->note : row->to);
}

/* Adds a text that is not there yet, in whatever case. */
static void add_once(struct arena *a, struct migrate_value *v, struct str text)
{
    if (!v->seen.slots)
        strmap_init(&v->seen, a);
    void **place = strmap_put(&v->seen, str_lower(a, text));
    if (!*place)
        texts_add(a, &v->texts, str_copy(a, text));
    *place = v;
}

static bool contradicts(struct migration *m, const struct conf_option *o,
                        const struct migrate_value *v, struct str text, struct str *problem)
{
    if (option_is_list(o) || !v->set || str_eq_nocase(v->texts.v[0], text))
        return false;
    *problem = str_printf(m->arena, "%s is \"%.*s\" already, by %s:%u: choose one of both", o->name,
                          STR_ARG(v->texts.v[0]), v->file, v->line);
    return true;
}

bool is_accepted(struct migration *m, struct str text, struct str *problem)
{
    struct conf_problems problems;
    conf_problems_init(&problems, m->arena);
    struct conf *conf = conf_parse(text, &problems);
    if (!conf) {
        struct str first = problems.v[0];
        size_t place = str_find(first, str_find(first, 0, ':') + 1, ' ');
        *problem = str_sub(first, place + 1, first.n);
        return false;
    }
    conf_free(conf);
    return true;
}

/* Most options can be checked alone; those that depend on others are checked when all are there. */
static bool is_part(const struct conf_option *o)
{
    return strncmp(o->name, "srs.", 4) == 0 || strstr(o->name, "-table") != NULL;
}

bool is_value(struct migration *m, const char *option, struct str text, struct str *problem)
{
    const struct conf_option *o = option_find(str_of(option));
    struct str both[] = {text, STR("From")}; /* because sign-headers needs From */
    bool beside = strcmp(option, "sign-headers") == 0 && !str_eq_nocase(text, both[1]);
    struct migrate_texts one = {beside ? 2 : 1, 2, both};
    if (!value_set(&m->scratch, o, text, m->arena, problem)) {
        *problem = str_printf(m->arena, "%s: %.*s", option, STR_ARG(*problem));
        return false;
    }
    struct str value = option_text(m->arena, o, &one, 0);
    size_t dot = str_find(str_of(o->name), 0, '.');
    struct str group = str_sub(str_of(o->name), 0, dot);
    struct str line = dot < strlen(o->name)
                          ? str_printf(m->arena, "%.*s = { %s = %.*s; };", STR_ARG(group),
                                       o->name + dot + 1, STR_ARG(value))
                          : str_printf(m->arena, "%s = %.*s;", o->name, STR_ARG(value));
    bool except = o->type == OPTION_NETS &&
                  str_starts(text, STR("!")); /* comes before the network that contains it */
    return except || is_part(o) || is_accepted(m, line, problem);
}

bool set_value(struct migration *m, const char *option, struct str text,
               const struct migrate_setting *s, struct str *problem)
{
    const struct conf_option *o = option_find(str_of(option));
    struct migrate_value *v = &m->values[o - options];
    if (contradicts(m, o, v, text, problem) || !is_value(m, option, text, problem))
        return false;
    if (!v->set) {
        v->file = s->file;
        v->line = s->line;
    }
    add_once(m->arena, v, text);
    v->set = true;
    return true;
}

bool replace_or_tell(struct migration *m, const char *option, struct str text,
                     const struct migrate_setting *s)
{
    m->values[option_find(str_of(option)) - options] = (struct migrate_value){0};
    return set_or_tell(m, option, text, s);
}

bool set_or_tell(struct migration *m, const char *option, struct str text,
                 const struct migrate_setting *s)
{
    struct str problem;
    if (set_value(m, option, text, s, &problem))
        return true;
    tell(m, s, MIGRATE_LEFT, "%.*s", STR_ARG(problem));
    return false;
}

bool is_true(struct str value)
{
    return value.n && (strchr("TtYy1", value.p[0]) || str_eq_nocase(value, STR("on")));
}

static bool is_off(struct str value)
{
    static const struct str words[] = {STR_INIT("no"), STR_INIT("false"), STR_INIT("off"),
                                       STR_INIT("n"),  STR_INIT("f"),     STR_INIT("0")};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (str_eq_nocase(value, words[i]))
            return true;
    return false;
}

/* `option = value`, for the account. */
static void tell_set(struct migration *m, const struct migrate_row *row,
                     const struct migrate_setting *s, struct str text)
{
    tell(m, s, row->fate, "%s = %.*s%s%s", row->to, STR_ARG(text), *row->note ? "; " : "",
         row->note);
}

void carry_nothing(struct migration *m, const struct migrate_row *row,
                   const struct migrate_setting *s)
{
    if (row->fate == MIGRATE_LEFT && is_off(s->value))
        tell(m, s, MIGRATE_CARRIED, "it was off");
    else
        tell_row(m, row, s);
}

void carry_text(struct migration *m, const struct migrate_row *row, const struct migrate_setting *s)
{
    if (set_or_tell(m, row->to, s->value, s))
        tell_set(m, row, s, s->value);
}

void carry_number(struct migration *m, const struct migrate_row *row,
                  const struct migrate_setting *s)
{
    carry_text(m, row, s);
}

void carry_bool(struct migration *m, const struct migrate_row *row, const struct migrate_setting *s)
{
    struct str text = is_true(s->value) ? STR("true") : STR("false");
    if (set_or_tell(m, row->to, text, s))
        tell_set(m, row, s, text);
}

void carry_seconds(struct migration *m, const struct migrate_row *row,
                   const struct migrate_setting *s)
{
    struct str text = str_printf(m->arena, "%.*ss", STR_ARG(s->value));
    if (set_or_tell(m, row->to, text, s))
        tell_set(m, row, s, text);
}

void carry_dns_timeout(struct migration *m, const struct migrate_row *row,
                       const struct migrate_setting *s)
{
    if (str_eq(s->value, STR("0")))
        tell(m, s, MIGRATE_LEFT,
             "assay waits for nothing without a limit: dns.timeout stays at 5s");
    else
        carry_seconds(m, row, s);
}

void carry_list(struct migration *m, const struct migrate_row *row, const struct migrate_setting *s)
{
    struct migrate_texts parts = {0};
    split_list(m->arena, s->value, &parts);
    for (size_t i = 0; i < parts.n; i++)
        if (!set_or_tell(m, row->to, parts.v[i], s))
            return;
    tell_set(m, row, s, s->value);
}

void add_domains(struct migration *m, const char *option, const struct migrate_texts *entries,
                 const struct migrate_setting *s, enum migrate_fate fate, const char *note)
{
    size_t added = 0;
    struct str problem;
    struct strbuf left;
    sb_init(&left, m->arena);
    for (size_t i = 0; i < entries->n; i++) {
        struct str name = entries->v[i];
        if (str_starts(name, STR(".")))
            name = str_sub(name, 1, name.n);
        if (set_value(m, option, name, s, &problem))
            added++;
        else
            sb_printf(&left, "%s%.*s", left.n ? ", " : "",
                      STR_ARG(str_safe(m->arena, entries->v[i], 100, true)));
    }
    if (added || !left.n)
        tell(m, s, fate, "%s: %zu%s%s", option, added, *note ? "; " : "", note);
    if (left.n)
        tell(m, s, MIGRATE_LEFT, "no domains, for %s: %.*s", option, STR_ARG(sb_str(&left)));
}

void carry_domains(struct migration *m, const struct migrate_row *row,
                   const struct migrate_setting *s)
{
    struct migrate_texts entries = {0};
    if (read_dataset(m, s, &entries))
        add_domains(m, row->to, &entries, s, row->fate, row->note);
}

void carry_socket(struct migration *m, const struct migrate_row *row,
                  const struct migrate_setting *s)
{
    (void)row;
    tell(m, s, MIGRATE_CHANGED, "%s",
         "assay listens at inet:8892@127.0.0.1, beside the old socket: the MTA's lines change, see "
         "assay-migrate(7)");
}

void carry_user(struct migration *m, const struct migrate_row *row, const struct migrate_setting *s)
{
    (void)row;
    tell(m, s, MIGRATE_CHANGED, "user = assay, which has to be able to read keys and secrets");
}

void carry_authserv_id(struct migration *m, const struct migrate_row *row,
                       const struct migrate_setting *s)
{
    struct str problem;
    if (str_eq_nocase(s->value, STR("HOSTNAME")))
        tell(m, s, MIGRATE_CARRIED, "the name of this host, which is the default of authserv-id");
    else if (str_eq(s->value, STR("HEADER"))) /* policyd-spf.conf.commented of Debian */
        tell(m, s, MIGRATE_LEFT,
             "a word of the sample file, and no name: authserv-id is the name of this host, if it "
             "is not set");
    else if (set_value(m, row->to, s->value, s, &problem))
        tell_set(m, row, s, s->value);
    else if (set_value(m, "authserv-id-aliases", s->value, s, &problem))
        tell(m, s, MIGRATE_CHANGED,
             "authserv-id-aliases = %.*s: there is another authserv-id already, and this one stays "
             "ours",
             STR_ARG(s->value));
    else
        tell(m, s, MIGRATE_LEFT, "%.*s", STR_ARG(problem));
}

#define NAMED_TEXTS 10

struct str name_some(struct arena *a, const struct migrate_texts *texts)
{
    struct strbuf b;
    sb_init(&b, a);
    for (size_t i = 0; i < texts->n && i < NAMED_TEXTS; i++)
        sb_printf(&b, "%s%.*s", i ? ", " : "", STR_ARG(texts->v[i]));
    if (texts->n > NAMED_TEXTS)
        sb_printf(&b, " and %zu more", texts->n - NAMED_TEXTS);
    return sb_str(&b);
}

struct str shell_quote(struct arena *a, struct str text)
{
    struct strbuf b;
    bool plain = text.n > 0;
    sb_init(&b, a);
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        plain = plain && (ascii_is_alpha(c) || ascii_is_digit(c) || strchr("/._-@%+:,", c));
        if (c == '\'')
            sb_add(&b, STR("'\"'\"'"));
        else
            sb_addc(&b, c);
    }
    return plain ? text : str_printf(a, "'%.*s'", STR_ARG(sb_str(&b)));
}

void command_before(struct migration *m, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct str text = str_vprintf(m->arena, format, args);
    va_end(args);
    texts_add(m->arena, &m->commands, text);
}

void keep_first_commands(struct migration *m)
{
    struct strmap seen;
    size_t kept = 0;
    strmap_init(&seen, m->arena);
    for (size_t i = 0; i < m->commands.n; i++) {
        void **place = strmap_put(&seen, m->commands.v[i]);
        if (!*place)
            m->commands.v[kept++] = m->commands.v[i];
        *place = m;
    }
    m->commands.n = kept;
}
