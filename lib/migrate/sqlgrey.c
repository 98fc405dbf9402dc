/* sqlgrey.c - sqlgrey's own settings, and its lists of clients.
 *
 * Errors: lines of the account. */
#include <string.h>
#include <sys/stat.h>

#include "base/ascii.h"
#include "base/netset.h"
#include "mail/domain.h"
#include "migrate/migration.h"
#include "migrate/notes.h"

void carry_sql_folder(struct migration *m, const struct migrate_row *row,
                      const struct migrate_setting *s)
{
    m->sqlgrey.folder = *s;
    tell_row(m, row, s);
}

void carry_sql_delay(struct migration *m, const struct migrate_row *row,
                     const struct migrate_setting *s)
{
    (void)row;
    set_grey_delay(m, s, "m");
}

void carry_sql_window(struct migration *m, const struct migrate_row *row,
                      const struct migrate_setting *s)
{
    struct str text = str_printf(m->arena, "%.*sh", STR_ARG(s->value));
    if (set_or_tell(m, row->to, text, s))
        tell(m, s, row->fate, "%s = %.*s", row->to, STR_ARG(text));
}

/* sqlgrey does not start with another word than these three. */
void carry_sql_method(struct migration *m, const struct migrate_row *row,
                      const struct migrate_setting *s)
{
    if (str_eq(s->value, STR("full")))
        carry_grey_host(m, row, s);
    else if (str_eq(s->value, STR("classc")))
        tell(m, s, MIGRATE_CARRIED, "greylist.ipv4-prefix = 24, the default");
    else if (str_eq(s->value, STR("smart")))
        tell(
            m, s, MIGRATE_CHANGED,
            "greylist.ipv4-prefix = 24 for all clients, by default: their names do not count; with "
            "32 each address is known by itself");
    else
        tell(m, s, MIGRATE_LEFT, "sqlgrey knows full, classc and smart: greylist.ipv4-prefix");
}

void carry_sql_choice(struct migration *m, const struct migrate_row *row,
                      const struct migrate_setting *s)
{
    if (str_eq(s->value, STR("none")))
        tell(m, s, MIGRATE_CARRIED, "all recipients are greylisted");
    else if (str_eq(s->value, STR("optout")))
        tell(m, s, MIGRATE_LEFT,
             "tables are not read: write the addresses of optout_email, and the domains of "
             "optout_domain with an @ before each, into %s, or a file that it names with file:",
             row->to);
    else
        tell(m, s, MIGRATE_LEFT,
             "greylisting is for all recipients: %s names those who want none of it", row->to);
}

void carry_sql_first(struct migration *m, const struct migrate_row *row,
                     const struct migrate_setting *s)
{
    m->sqlgrey.at_once = str_eq(s->value, STR("immed"));
    tell_row(m, row, s);
}

void carry_sql_code(struct migration *m, const struct migrate_row *row,
                    const struct migrate_setting *s)
{
    (void)row;
    m->sqlgrey.code = *s; /* finish_sqlgrey() adds its line to the account */
}

/* "immed" with the code "dunno" lets all mail pass while sqlgrey learns. */
static void finish_code(struct migration *m)
{
    const struct migrate_setting *s = &m->sqlgrey.code;
    const struct migrate_value *mode = &m->values[option_find(STR("greylist.mode")) - options];
    if (!s->file)
        return;
    bool learns = m->sqlgrey.at_once && str_eq_nocase(s->value, STR("dunno"));
    if (!learns || !mode->set || strcmp(mode->file, s->file) != 0)
        tell(m, s, MIGRATE_CHANGED, N_GREYREPLY);
    else if (replace_or_tell(m, "greylist.mode", STR("shadow"), s))
        tell(m, s, MIGRATE_CARRIED, "greylist.mode = shadow: assay learns, and refuses nothing");
}

/* --- Lists of clients --------------------------------------------------------------------------*/

static struct str without_blanks(struct arena *a, struct str text)
{
    struct strbuf b;
    sb_init(&b, a);
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] != ' ' && text.p[i] != '\t')
            sb_addc(&b, text.p[i]);
    return sb_str(&b);
}

/* All characters are digits or one of these. */
static bool consists_of(struct str text, const char *others)
{
    for (size_t i = 0; i < text.n; i++)
        if (!ascii_is_digit(text.p[i]) && !strchr(others, text.p[i]))
            return false;
    return text.n > 0;
}

static size_t count_dots(struct str text)
{
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == '.';
    return n;
}

/* The address of a line without a prefix: 192.0.2 is 192.0.2.0/24. */
static struct str sql_address(struct arena *a, struct str text)
{
    bool whole = str_find(text, 0, ':') < text.n || count_dots(text) == 3;
    return whole || count_dots(text) == 2 ? whole_network(a, text) : STR_NONE;
}

/* A line of clients_ip_whitelist as a network, in sqlgrey's reading: 10.1/16 is 10.1.0.0/16.
 * Absent: no client matches it. */
static struct str sql_network(struct arena *a, struct str line)
{
    struct netaddr net;
    struct str text = without_blanks(a, line);
    size_t slash = str_find_last(text, '/');
    struct str address = str_sub(text, 0, slash), prefix = str_sub(text, slash + 1, text.n);
    bool ipv4 = consists_of(address, ".");
    if (!ipv4 && !consists_of(address, ":abcdef"))
        return STR_NONE;
    for (size_t dots = count_dots(address); ipv4 && dots < 3; dots++)
        address = str_printf(a, "%.*s.0", STR_ARG(address));
    if (!netaddr_parse(address, &net))
        return STR_NONE;
    if (slash == text.n)
        return sql_address(a, text);
    return consists_of(prefix, "") ? str_printf(a, "%.*s/%.*s", STR_ARG(address), STR_ARG(prefix))
                                   : STR_NONE;
}

static void take_ips(struct migration *m, const struct migrate_setting *s,
                     const struct migrate_texts *lines)
{
    struct migrate_texts networks = {0}, none = {0}, wrong = {0};
    for (size_t i = 0; i < lines->n; i++) {
        struct str network = sql_network(m->arena, lines->v[i]);
        texts_add(m->arena, network.p ? &networks : &wrong, network.p ? network : lines->v[i]);
    }
    exempt_clients(m, s, &networks, &none, 0);
    if (wrong.n)
        tell(m, s, MIGRATE_LEFT, "these stand for no network in sqlgrey: %.*s",
             STR_ARG(name_some(m->arena, &wrong)));
}

/* A whole name, with a dot in it, and no address. */
static bool is_name(struct str text)
{
    struct str label;
    bool named = str_find(text, 0, '.') < text.n && !domain_ends_in_number(text);
    while (str_split(&text, '.', &label)) {
        for (size_t i = 0; i < label.n; i++)
            if (!ascii_is_alpha(label.p[i]) && !ascii_is_digit(label.p[i]) &&
                !strchr("-_", label.p[i]))
                return false;
        if (!label.n)
            return false;
    }
    return named;
}

static void take_names(struct migration *m, const struct migrate_setting *s,
                       const struct migrate_texts *lines)
{
    struct migrate_texts none = {0}, domains = {0}, wrong = {0};
    size_t patterns = 0;
    for (size_t i = 0; i < lines->n; i++) {
        struct str line = lines->v[i];
        bool below = str_starts(line, STR("*."));
        if (line.n > 2 && line.p[line.n - 1] == '/' && str_find(line, 0, '/') + 1 < line.n)
            patterns++;
        else if (below || is_name(line))
            texts_add(m->arena, &domains, str_sub(line, below ? 2 : 0, line.n));
        else
            texts_add(m->arena, &wrong, line);
    }
    exempt_clients(m, s, &none, &domains, patterns);
    if (wrong.n)
        tell(m, s, MIGRATE_LEFT, "these stand for no name in sqlgrey: %.*s",
             STR_ARG(name_some(m->arena, &wrong)));
}

/* Reads the list that the setting's value names. */
static void take_list(struct migration *m, const struct migrate_setting *s, bool names)
{
    struct str text, problem;
    struct migrate_texts lines = {0};
    const char *path = str_cstr(m->arena, s->value);
    if (!read_file(m, path, &text, &problem)) {
        m->incomplete = m->incomplete || s->line;
        tell(m, s, MIGRATE_LEFT, "%s %.*s", path, STR_ARG(problem));
        return;
    }
    note_named(m, path);
    read_entries(m->arena, text, &lines);
    if (!lines.n)
        tell(m, s, MIGRATE_CARRIED, "the list is empty");
    else if (names)
        take_names(m, s, &lines);
    else
        take_ips(m, s, &lines);
}

void whole_sql_ips(struct migration *m, const struct migrate_row *row,
                   const struct migrate_setting *s)
{
    (void)row;
    take_list(m, s, false);
}

void whole_sql_names(struct migration *m, const struct migrate_row *row,
                     const struct migrate_setting *s)
{
    (void)row;
    take_list(m, s, true);
}

/* Lists of this machine's own need not be there. */
static bool is_absent(struct migration *m, struct str path)
{
    struct stat found;
    return !m->opened || lstat(str_cstr(m->arena, path), &found) != 0;
}

void finish_sqlgrey(struct migration *m)
{
    static const char *const lists[] = {"clients_ip_whitelist", "clients_ip_whitelist.local",
                                        "clients_fqdn_whitelist", "clients_fqdn_whitelist.local"};
    struct migrate_setting s = m->sqlgrey.folder;
    finish_code(m);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        s.name = str_of(lists[i]);
        s.value = str_of(path_of(m, m->sqlgrey.folder.value, s.name));
        if (i % 2 == 0 || !is_absent(m, s.value))
            take_list(m, &s, i >= 2);
    }
    m->sqlgrey = (struct migrate_sqlgrey){0};
}
