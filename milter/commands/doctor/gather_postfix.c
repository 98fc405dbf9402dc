/* gather_postfix.c - which services of Postfix ask which filters: main.cf and master.cf.
 *
 * The files are read without postconf(1), so that those of another machine can be read too.
 * Settings that they do not have get Postfix's defaults.
 *
 * Errors: false without a main.cf. */
#include <string.h>

#include "milter/commands/doctor/cf.h"
#include "milter/commands/doctor/gather.h"

#define SERVICES_MAX 100
#define FILTERS_MAX  20

struct postfix {
    struct command *c;
    struct doctor_facts *facts;
    struct mta_facts *mta;
    struct cf main;
    struct str spool;
    bool chroot_by_default;
};

/* --- Filters -----------------------------------------------------------------------------------*/

static void take_away(struct mta_filter *filter, struct str action)
{
    filter->away = str_eq(action, STR("accept"))       ? AWAY_PASSES
                   : str_eq(action, STR("reject"))     ? AWAY_REFUSED
                   : str_eq(action, STR("quarantine")) ? AWAY_HELD
                                                       : AWAY_TRY_AGAIN;
}

static void take_attribute(struct cf *own, struct mta_filter *filter, struct str text)
{
    int64_t *to = str_starts(text, STR("command_timeout"))   ? &filter->command_ms
                  : str_starts(text, STR("content_timeout")) ? &filter->content_ms
                                                             : NULL;
    struct cf one = {.arena = own->arena, .below = own};
    cf_add(&one, text);
    if (!one.n)
        return;
    int64_t time = cf_time_ms(one.v[0].value);
    if (to && time >= 0)
        *to = time;
    if (str_eq(one.v[0].name, STR("default_action")))
        take_away(filter, one.v[0].value);
}

/* "inet:127.0.0.1:8892", or the same with ", name=value" behind it. */
static void read_filter(const struct postfix *p, struct cf *own, bool chroot, struct str text,
                        struct mta_filter *filter)
{
    struct arena *a = p->c->arena;
    struct str part;
    *filter = (struct mta_filter){
        .command_ms = cf_time_ms(cf_value(own, "milter_command_timeout", "30s")),
        .content_ms = cf_time_ms(cf_value(own, "milter_content_timeout", "300s")),
    };
    take_away(filter, cf_value(own, "milter_default_action", "tempfail"));
    if (!cf_entry(&text, &filter->text))
        return;
    while (cf_entry(&text, &part))
        take_attribute(own, filter, part);
    if (filter->text.n && str_starts(filter->text, STR("unix:"))) {
        filter->understood = true;
        filter->address.kind = LISTEN_UNIX;
        filter->address.path = str_sub(filter->text, 5, filter->text.n);
    } else {
        filter->understood = !listen_problem(filter->text, a, &filter->address);
    }
    gather_filter_target(p->facts, filter, chroot ? p->spool : STR(""), p->spool, a);
}

static void read_filters(const struct postfix *p, struct cf *own, const char *option,
                         struct mta_service *service)
{
    struct str list = cf_value(own, option, ""), text;
    service->filters = arena_array(p->c->arena, struct mta_filter, FILTERS_MAX);
    while (service->n_filters < FILTERS_MAX && cf_entry(&list, &text))
        read_filter(p, own, service->chroot, text, &service->filters[service->n_filters++]);
}

static bool has_word(struct str list, struct str word)
{
    struct str entry;
    while (cf_entry(&list, &entry))
        if (str_eq_nocase(entry, word))
            return true;
    return false;
}

/* --- Services ----------------------------------------------------------------------------------*/

static bool is_on_loopback(struct str name)
{
    return str_starts(name, STR("127.")) || str_starts(name, STR("localhost:")) ||
           str_starts(name, STR("[::1]:")) || str_starts(name, STR("::1:"));
}

/* Options "-o name=value" and "-o { name = value }" of a command line in master.cf. */
static void read_overrides(struct cf *own, struct str arguments)
{
    struct str word;
    while (cf_word(&arguments, &word)) {
        if (!str_starts(word, STR("-o")))
            continue;
        if (word.n > 2)
            cf_add(own, str_sub(word, 2, word.n));
        else if (cf_word(&arguments, &word))
            cf_add(own, word);
    }
}

static void describe_network(const struct postfix *p, struct cf *own, struct str name,
                             struct mta_service *s)
{
    bool users = str_eq(cf_value(own, "smtpd_sasl_auth_enable", "no"), STR("yes"));
    s->takes_back = is_on_loopback(name) && !users;
    s->proxied = cf_value(own, "smtpd_proxy_filter", "").n > 0;
    s->xclient = cf_value(own, "smtpd_authorized_xclient_hosts", "").n > 0;
    if (!s->takes_back &&
        has_word(cf_value(own, "smtpd_discard_ehlo_keywords", ""), STR("8bitmime")))
        p->mta->no_8bitmime = STR("smtpd_discard_ehlo_keywords has 8bitmime");
    if (!has_word(cf_value(own, "receive_override_options", ""), STR("no_milters")))
        read_filters(p, own, "smtpd_milters", s);
}

/* A line of master.cf: name type private unpriv chroot wakeup maxproc command [argument...] */
static void read_service(struct postfix *p, struct str line)
{
    struct str field[8];
    struct cf own = {.arena = p->c->arena, .below = &p->main};
    for (size_t i = 0; i < 8; i++)
        if (!cf_word(&line, &field[i]))
            return;
    bool network = str_eq(field[7], STR("smtpd")) &&
                   (str_eq(field[1], STR("inet")) || str_eq(field[1], STR("pass")));
    bool programs = str_eq(field[7], STR("cleanup")) && str_eq(field[0], STR("cleanup"));
    if ((!network && !programs) || p->mta->n_services == SERVICES_MAX)
        return;
    struct mta_service *s = &p->mta->services[p->mta->n_services++];
    read_overrides(&own, line);
    s->chroot = str_eq(field[4], STR("-")) ? p->chroot_by_default : str_eq(field[4], STR("y"));
    if (network) {
        s->name = str_printf(p->c->arena, "the service %.*s %.*s of master.cf", STR_ARG(field[0]),
                             STR_ARG(field[1]));
        describe_network(p, &own, field[0], s);
        return;
    }
    s->name = STR("non_smtpd_milters");
    s->from_programs = true;
    read_filters(p, &own, "non_smtpd_milters", s);
}

static bool chroots_by_default(const struct cf *main)
{
    struct str level = cf_value(main, "compatibility_level", "0");
    return str_eq(level, STR("0"));
}

/* How mail leaves the machine. */
static void read_ways_out(struct doctor_facts *facts, const struct cf *main)
{
    facts->relay = cf_value(main, "relayhost", "");
    facts->no_v6 = str_eq(cf_value(main, "inet_protocols", "all"), STR("ipv4"));
    facts->bound[0] = cf_value(main, "smtp_bind_address", "");
    facts->bound[1] = cf_value(main, "smtp_bind_address6", "");
}

bool gather_postfix(struct command *c, struct doctor_facts *facts, struct mta_facts *mta)
{
    struct str main = file_within(c, "/etc/postfix/main.cf"),
               master = file_within(c, "/etc/postfix/master.cf"), line;
    struct postfix p = {.c = c, .facts = facts, .mta = mta, .main = {.arena = c->arena}};
    if (!main.p)
        return false;
    cf_read(&p.main, main);
    p.spool = cf_value(&p.main, "queue_directory", "/var/spool/postfix");
    p.chroot_by_default = chroots_by_default(&p.main);
    *mta = (struct mta_facts){.kind = MTA_POSTFIX, .file = STR("/etc/postfix/main.cf")};
    mta->user = str_cstr(c->arena, cf_value(&p.main, "mail_owner", "postfix"));
    mta->services = arena_array(c->arena, struct mta_service, SERVICES_MAX);
    while (cf_line(&master, c->arena, &line))
        read_service(&p, line);
    read_ways_out(facts, &p.main);
    struct str host = cf_value(&p.main, "myhostname", "");
    if (host.n)
        facts->host = host;
    return true;
}
