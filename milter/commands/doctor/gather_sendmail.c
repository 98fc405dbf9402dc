/* gather_sendmail.c - which daemons of Sendmail ask which filters: sendmail.cf.
 *
 * Errors: false without a sendmail.cf. */
#include <string.h>

#include "milter/commands/doctor/cf.h"
#include "milter/commands/doctor/gather.h"

#define DAEMONS_MAX 32
#define FILTERS_MAX 20

struct sendmail {
    struct command *c;
    struct doctor_facts *facts;
    struct mta_facts *mta;
    size_t n; /* number of filters */
    struct defined {
        struct str name;
        struct mta_filter filter;
    } defined[FILTERS_MAX];
    struct str order; /* InputMailFilters */
    size_t n_daemons;
    struct str daemons[DAEMONS_MAX]; /* DaemonPortOptions */
    struct names {
        size_t n, cap;
        struct str *v;
    } local, masqueraded, exceptions; /* the classes w, M and N */
    bool local_too;                   /* the names of class w are masqueraded as well */
};

/* --- Xname, S=..., F=..., T=... ----------------------------------------------------------------*/

/* "C:1m;S:2m;R:4m;E:8m" */
static void read_times(struct str text, struct mta_filter *filter)
{
    struct str part;
    while (str_split(&text, ';', &part)) {
        int64_t time = part.n > 2 ? cf_time_ms(str_sub(part, 2, part.n)) : -1;
        if (time < 0)
            continue;
        if (part.p[0] == 'R')
            filter->content_ms = time;
        if (part.p[0] == 'E')
            filter->whole_ms = time;
    }
}

static void read_flags(struct str flags, struct mta_filter *filter)
{
    for (size_t i = 0; i < flags.n; i++)
        filter->away = flags.p[i] == 'R'          ? AWAY_REFUSED
                       : strchr("T4", flags.p[i]) ? AWAY_TRY_AGAIN
                                                  : filter->away;
}

static void define_filter(struct sendmail *s, struct str text)
{
    struct str part, name;
    if (s->n == FILTERS_MAX || !str_split(&text, ',', &name))
        return;
    struct defined *d = &s->defined[s->n++];
    d->name = str_trim(name);
    d->filter = (struct mta_filter){.content_ms = 10000, .whole_ms = 300000, .away = AWAY_PASSES};
    while (str_split(&text, ',', &part)) {
        part = str_trim(part);
        if (str_starts(part, STR("S=")))
            d->filter.text = str_sub(part, 2, part.n);
        else if (str_starts(part, STR("F=")))
            read_flags(str_sub(part, 2, part.n), &d->filter);
        else if (str_starts(part, STR("T=")))
            read_times(str_sub(part, 2, part.n), &d->filter);
    }
    d->filter.understood = !listen_problem(d->filter.text, s->c->arena, &d->filter.address);
    gather_filter_target(s->facts, &d->filter, STR(""), STR("/"), s->c->arena);
}

/* --- Daemons -----------------------------------------------------------------------------------*/

static void add_filters(const struct sendmail *s, struct str names, struct mta_service *service)
{
    struct str name;
    service->filters = arena_array(s->c->arena, struct mta_filter, FILTERS_MAX);
    while (str_split(&names, names.n && memchr(names.p, ';', names.n) ? ';' : ',', &name)) {
        name = str_trim(name);
        for (size_t i = 0; i < s->n && service->n_filters < FILTERS_MAX; i++)
            if (str_eq(s->defined[i].name, name))
                service->filters[service->n_filters++] = s->defined[i].filter;
    }
}

static void add_daemon(const struct sendmail *s, struct str options)
{
    struct mta_service *service = &s->mta->services[s->mta->n_services++];
    struct str part, name = STR("MTA"), names = s->order;
    while (str_split(&options, ',', &part)) {
        part = str_trim(part);
        size_t equals = str_find(part, 0, '=');
        struct str value = str_sub(part, equals + 1, part.n);
        if (str_starts_nocase(part, STR("Name=")))
            name = value;
        else if (str_starts_nocase(part, STR("InputMailFilters=")))
            names = value;
        else if (str_starts_nocase(part, STR("Addr=")) && !names.n)
            service->takes_back = str_starts(value, STR("127.")) || str_eq(value, STR("::1"));
    }
    if (!names.n) /* a daemon that asks no filter on purpose */
        service->takes_back = true;
    service->name = str_printf(s->c->arena, "the daemon %.*s", STR_ARG(name));
    add_filters(s, names, service);
}

/* --- The file ----------------------------------------------------------------------------------*/

static void read_option(struct sendmail *s, struct str text)
{
    size_t equals = str_find(text, 0, '=');
    struct str name = str_trim(str_sub(text, 0, equals)),
               value = str_trim(str_sub(text, equals + 1, text.n));
    if (str_eq_nocase(name, STR("InputMailFilters")))
        s->order = value;
    else if (str_eq_nocase(name, STR("DaemonPortOptions")) && s->n_daemons < DAEMONS_MAX)
        s->daemons[s->n_daemons++] = value;
    else if (str_eq_nocase(name, STR("SevenBitInput")) && value.n && strchr("TtYy", value.p[0]))
        s->mta->no_8bitmime = STR("SevenBitInput is set");
    else if (str_eq_nocase(name, STR("RunAsUser")))
        s->mta->user = str_cstr(s->c->arena, str_sub(value, 0, str_find(value, 0, ':')));
}

static void add_name(struct sendmail *s, struct names *names, struct str name)
{
    struct arena *a = s->c->arena;
    names->v = arena_extend(a, names->v, names->n, &names->cap, sizeof name);
    names->v[names->n++] = str_lower(a, name);
}

/* "/etc/mail/local-host-names %[^\\#]", with "-o " before it where it may be missing. */
static void read_names(struct sendmail *s, struct names *names, struct str rest)
{
    struct str path = str_starts(rest, STR("-o ")) ? str_sub(rest, 3, rest.n) : rest, line;
    path = str_trim(str_sub(path, 0, str_find(path, 0, ' ')));
    struct str text =
        str_starts(path, STR("/")) ? file_within(s->c, str_cstr(s->c->arena, path)) : STR_NONE;
    while (str_split(&text, '\n', &line)) {
        struct str name = str_trim(str_sub(line, 0, str_find(line, 0, '#')));
        if (name.n)
            add_name(s, names, name);
    }
}

static struct names *class_named(struct sendmail *s, char name)
{
    return name == 'w'   ? &s->local
           : name == 'M' ? &s->masqueraded
           : name == 'N' ? &s->exceptions
                         : NULL;
}

/* A line about one of the classes of masquerading: "CMexample.org", "C{M}example.org", "Fw/path".
 */
static void read_class(struct sendmail *s, struct str line)
{
    bool braces = line.n > 4 && line.p[1] == '{' && line.p[3] == '}';
    struct str rest = str_sub(line, braces ? 4 : 2, line.n), word;
    struct names *names = line.n > 2 ? class_named(s, line.p[braces ? 2 : 1]) : NULL;
    if (names && line.p[0] == 'F')
        read_names(s, names, rest);
    while (names && line.p[0] == 'C' && cf_word(&rest, &word))
        add_name(s, names, word);
}

static void read_masquerade(struct sendmail *s, struct str line)
{
    if (line.p[0] == 'C' || line.p[0] == 'F')
        read_class(s, line);
    else if (str_starts(line, STR("DM")) && !memchr(line.p, '$', line.n))
        s->mta->masquerade = str_lower(s->c->arena, str_trim(str_sub(line, 2, line.n)));
    else if (str_starts(line, STR("R$* < @ $=w . >")) && memmem(line.p, line.n, "@ $M", 4))
        s->local_too = true;
}

static void set_masqueraded(struct sendmail *s)
{
    for (size_t i = 0; s->local_too && i < s->local.n; i++)
        add_name(s, &s->masqueraded, s->local.v[i]);
    s->mta->masqueraded = s->masqueraded.v;
    s->mta->n_masqueraded = s->masqueraded.n;
    s->mta->unmasqueraded = s->exceptions.v;
    s->mta->n_unmasqueraded = s->exceptions.n;
}

static void read_line(struct sendmail *s, struct str line)
{
    struct str rest = str_sub(line, 1, line.n);
    if (line.p[0] == 'X')
        define_filter(s, rest);
    else if (str_starts(line, STR("O ")))
        read_option(s, rest);
    else if (str_starts(line, STR("Dj")) && !memchr(line.p, '$', line.n))
        s->facts->host = str_trim(str_sub(line, 2, line.n));
    else if (str_starts(line, STR("DS")))
        s->facts->relay = str_trim(str_sub(line, 2, line.n)); /* SMART_HOST */
    else
        read_masquerade(s, line);
}

bool gather_sendmail(struct command *c, struct doctor_facts *facts, struct mta_facts *mta)
{
    struct str text = file_within(c, "/etc/mail/sendmail.cf"), line;
    struct sendmail s = {.c = c, .facts = facts, .mta = mta};
    if (!text.p)
        return false;
    *mta = (struct mta_facts){
        .kind = MTA_SENDMAIL, .file = STR("/etc/mail/sendmail.cf"), .user = "root"};
    mta->services = arena_array(c->arena, struct mta_service, DAEMONS_MAX + 1);
    while (cf_line(&text, c->arena, &line))
        read_line(&s, line);
    for (size_t i = 0; i < s.n_daemons; i++)
        add_daemon(&s, s.daemons[i]);
    if (!s.n_daemons)
        add_daemon(&s, STR(""));
    set_masqueraded(&s);
    return true;
}
