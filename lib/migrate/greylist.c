/* greylist.c - postgrey's own options, its lists of clients and recipients, and what other
 * greylisters share with them.
 *
 * Errors: lines of the account. */
#include <string.h>

#include "base/ascii.h"
#include "base/netset.h"
#include "migrate/migration.h"

/* tumgreyspf: GREYLISTTIME of a folder counts, and not defaultAllowTime, which is for folders
 * without one. */
static void forget_default_time(struct migration *m)
{
    for (size_t i = 0; i < m->n_lines; i++) {
        struct migrate_line *line = &m->lines[i];
        struct migrate_value *delay = &m->values[option_find(STR("greylist.delay")) - options];
        if (!str_eq_nocase(line->setting.name, STR("defaultAllowTime")) || !delay->set ||
            line->setting.line != delay->line || line->setting.file != delay->file)
            continue;
        *delay = (struct migrate_value){0};
        line->note = STR("GREYLISTTIME takes its place");
    }
}

void set_grey_delay(struct migration *m, const struct migrate_setting *s, const char *unit)
{
    struct str text = str_printf(m->arena, "%.*s%s", STR_ARG(s->value), unit);
    struct str mode = STR_NONE, problem;
    bool long_one = str_eq(text, STR("300s")) || str_eq(text, STR("5m"));
    if (str_eq(s->value, STR("0"))) {
        tell(m, s, MIGRATE_LEFT,
             "without a delay there is no greylisting: greylist.mode stays off");
        return;
    }
    if (!set_value(m, "greylist.delay", text, s, &problem)) {
        bool on = m->values[option_find(STR("greylist.mode")) - options].set;
        tell(m, s, MIGRATE_LEFT, "%.*s%s", STR_ARG(problem), on ? "" : "; greylist.mode stays off");
        return;
    }
    if (!set_value(m, "greylist.mode", STR("enforce"), s, &problem))
        mode = STR("; greylist.mode stays shadow");
    tell(m, s, MIGRATE_CARRIED, "greylist.mode = enforce, greylist.delay = %.*s%.*s%s",
         STR_ARG(text), STR_ARG(mode), long_one ? "; 30s is enough" : "");
}

void carry_grey_delay(struct migration *m, const struct migrate_row *row,
                      const struct migrate_setting *s)
{
    (void)row;
    if (str_eq_nocase(s->name, STR("GREYLISTTIME")))
        forget_default_time(m);
    set_grey_delay(m, s, "s");
}

void carry_grey_days(struct migration *m, const struct migrate_row *row,
                     const struct migrate_setting *s)
{
    struct str text = str_printf(m->arena, "%.*sd", STR_ARG(s->value));
    if (set_or_tell(m, row->to, text, s))
        tell(m, s, row->fate, "%s = %.*s", row->to, STR_ARG(text));
}

/* A number of days; with an h behind it, of hours. */
void carry_grey_window(struct migration *m, const struct migrate_row *row,
                       const struct migrate_setting *s)
{
    bool hours = s->value.n && s->value.p[s->value.n - 1] == 'h';
    struct str text = str_printf(m->arena, "%.*s%s", STR_ARG(s->value), hours ? "" : "d");
    if (set_or_tell(m, row->to, text, s))
        tell(m, s, row->fate, "%s = %.*s", row->to, STR_ARG(text));
}

void carry_grey_prefix(struct migration *m, const struct migrate_row *row,
                       const struct migrate_setting *s)
{
    struct str number = s->value;
    if (str_starts(number, STR("/")))
        number = str_sub(number, 1, number.n);
    if (set_or_tell(m, row->to, number, s))
        tell(m, s, row->fate, "%s = %.*s", row->to, STR_ARG(number));
}

void carry_grey_host(struct migration *m, const struct migrate_row *row,
                     const struct migrate_setting *s)
{
    (void)row;
    if (set_or_tell(m, "greylist.ipv4-prefix", STR("32"), s) &&
        set_or_tell(m, "greylist.ipv6-prefix", STR("128"), s))
        tell(m, s, MIGRATE_CARRIED, "greylist.ipv4-prefix = 32, greylist.ipv6-prefix = 128");
}

/* --- The lists ---------------------------------------------------------------------------------*/

/* Reads the file of a list, and FILE.local, which postgrey reads too. */
static bool read_list(struct migration *m, const struct migrate_setting *s,
                      struct migrate_texts *out)
{
    struct str text, problem;
    const char *path = str_cstr(m->arena, s->value);
    bool ok = read_file(m, path, &text, &problem), local;
    if (ok) {
        note_named(m, path);
        read_entries(m->arena, text, out);
    } else if (s->line) {
        m->incomplete = true;
        tell(m, s, MIGRATE_LEFT, "%s %.*s", path, STR_ARG(problem));
    }
    path = str_cstr(m->arena, str_printf(m->arena, "%s.local", path));
    local = !s->line && read_file(m, path, &text, &problem);
    if (local)
        read_entries(m->arena, text, out);
    return ok || local;
}

static bool is_network(struct str text)
{
    struct netaddr net;
    return netaddr_parse(str_sub(text, 0, str_find(text, 0, '/')), &net);
}

static void tell_patterns(struct migration *m, const struct migrate_setting *s, size_t n,
                          const char *instead)
{
    if (n)
        tell(m, s, MIGRATE_LEFT, "%zu %s in slashes: %s", n, n == 1 ? "pattern" : "patterns",
             instead);
}

void exempt_clients(struct migration *m, const struct migrate_setting *s,
                    const struct migrate_texts *networks, const struct migrate_texts *domains,
                    size_t patterns)
{
    if (networks->n)
        add_networks(m, "exceptions.networks", networks, s,
                     "they are exempt from DNS lists and the other checks of the gate, too");
    if (domains->n)
        add_domains(m, "exceptions.domains", domains, s, MIGRATE_CHANGED,
                    "the client's name does not count: SPF or DKIM has to pass for the domain");
    tell_patterns(m, s, patterns, "write the domains into exceptions.domains");
}

void carry_grey_clients(struct migration *m, const struct migrate_row *row,
                        const struct migrate_setting *s)
{
    struct migrate_texts all = {0}, networks = {0}, domains = {0};
    size_t patterns = 0;
    (void)row;
    if (!read_list(m, s, &all))
        return;
    for (size_t i = 0; i < all.n; i++) {
        struct str text = whole_network(m->arena, all.v[i]);
        if (str_starts(text, STR("/")))
            patterns++;
        else
            texts_add(m->arena, is_network(text) ? &networks : &domains, text);
    }
    exempt_clients(m, s, &networks, &domains, patterns);
}

/* "name@" has any domain, and each name also its extensions, name+text; "domain" has those below
 * it. */
static bool add_recipient(struct migration *m, struct str text, const struct migrate_setting *s,
                          struct str *problem)
{
    struct arena *a = m->arena;
    size_t at = str_find(text, 0, '@');
    struct str user = str_sub(text, 0, at), domain = str_sub(text, at + 1, text.n), more;
    if (at == text.n) {
        more = str_printf(a, "*@*.%.*s", STR_ARG(text));
        text = str_printf(a, "@%.*s", STR_ARG(text));
    } else {
        domain = domain.n ? domain : STR("*");
        more = str_printf(a, "%.*s+*@%.*s", STR_ARG(user), STR_ARG(domain));
        text = str_printf(a, "%.*s@%.*s", STR_ARG(user), STR_ARG(domain));
    }
    return set_value(m, "exceptions.recipients", text, s, problem) &&
           set_value(m, "exceptions.recipients", more, s, problem);
}

void carry_grey_recipients(struct migration *m, const struct migrate_row *row,
                           const struct migrate_setting *s)
{
    struct migrate_texts all = {0};
    struct str problem = STR_NONE;
    size_t patterns = 0, added = 0;
    (void)row;
    if (!read_list(m, s, &all))
        return;
    for (size_t i = 0; i < all.n; i++) {
        if (str_starts(all.v[i], STR("/")))
            patterns++;
        else
            added += add_recipient(m, all.v[i], s, &problem);
    }
    if (added)
        tell(m, s, MIGRATE_CHANGED,
             "exceptions.recipients: %zu; exempt from DNS lists and the other checks of the gate, "
             "too, with all recipients of the message",
             added);
    if (problem.p)
        tell(m, s, MIGRATE_LEFT, "%.*s", STR_ARG(problem));
    tell_patterns(m, s, patterns, "write the addresses into exceptions.recipients, with *");
}
