/* gather_machine.c - configuration, rights, daemon, clock and resolvers.
 *
 * Errors: what cannot be looked at stays unseen. */
#include <errno.h>
#include <string.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#include "conf/source.h"
#include "dns/probe.h"
#include "dns/servers.h"
#include "milter/commands/control_ask.h"
#include "milter/commands/doctor/gather.h"
#include "milter/daemon/identity.h"
#include "milter/daemon/runtime.h"
#include "milter/daemon/surroundings.h"

#define PROBE_US 2500000 /* a slower resolver is not good enough for mail */

const char *path_within(const struct command *c, const char *path)
{
    const struct doctor_words *words = c->own;
    return words->root ? str_printf(c->arena, "%s%s", words->root, path).p : path;
}

struct str file_within(const struct command *c, const char *path)
{
    return source_read(c->arena, path_within(c, path));
}

/* --- Configuration and rights ------------------------------------------------------------------*/

static void look_with_rights(struct doctor_facts *facts)
{
    struct machine_facts *m = &facts->machine;
    struct candidate candidate;
    bool root = geteuid() == 0;
    if (candidate_load(m->conf_path, root ? RIGHTS_OF_USER : RIGHTS_OWN, &m->problems, NULL,
                       &candidate))
        candidate_free(&candidate);
    surroundings_check(facts->conf, m->conf_path, &m->problems, &m->warnings);
}

static void look_at_configuration(struct command *c, struct doctor_facts *facts)
{
    struct machine_facts *m = &facts->machine;
    struct identity user;
    struct str problem;
    m->conf_path = facts->conf->path.n ? str_cstr(c->arena, facts->conf->path) : NULL;
    m->user = facts->conf->user.n ? str_cstr(c->arena, facts->conf->user) : NULL;
    conf_problems_init(&m->problems, c->arena);
    conf_problems_init(&m->warnings, c->arena);
    if (facts->elsewhere) {
        surroundings_check_names(facts->conf, &m->warnings);
        return;
    }
    if (!identity_find(facts->conf->user, c->arena, &user, &problem)) {
        m->rights = SEEN_YES;
        conf_problem(&m->problems, conf_place_of(facts->conf, "user"), "user: %.*s",
                     STR_ARG(problem));
    } else if (!m->conf_path || (user.change && geteuid() != 0)) {
        m->rights = SEEN_NO;
        surroundings_check_names(facts->conf, &m->warnings);
    } else {
        m->rights = SEEN_YES;
        look_with_rights(facts);
    }
}

/* --- The daemon --------------------------------------------------------------------------------*/

static void read_macro(struct machine_facts *m, struct arena *a, struct str line)
{
    struct str name;
    unsigned long long when;
    if (!str_split(&line, ' ', &name) || !str_to_u64(line, INT64_MAX, &when))
        return;
    if (str_eq(name, STR("connection")))
        m->last_connection = (int64_t)when;
    else if (str_eq(name, STR("message")))
        m->last_message = (int64_t)when;
    else if (m->n_macros < 32)
        m->macros[m->n_macros++] =
            (struct macro_facts){.name = str_cstr(a, name), .last_seen = (int64_t)when};
}

static void ask_daemon(struct doctor_facts *facts, struct arena *a)
{
    struct machine_facts *m = &facts->machine;
    struct listen_address address;
    struct str answer, line;
    if (facts->elsewhere || !facts->conf->control.n ||
        listen_problem(facts->conf->control, a, &address)) {
        m->daemon_problem = facts->elsewhere ? STR("the files are those of another machine")
                                             : STR("the configuration has no control socket");
        return;
    }
    int problem = control_ask(address.path, "macros\n", a, &answer);
    if (problem) {
        bool away = problem == ENOENT || problem == ECONNREFUSED;
        m->daemon = away ? SEEN_NO : UNSEEN;
        m->daemon_problem = problem == EACCES || problem == EPERM
                                ? STR("only root may, and members of its group")
                                : str_printf(a, "nobody answers at %.*s (%s)",
                                             STR_ARG(address.path), strerror(problem));
        return;
    }
    m->daemon = SEEN_YES;
    m->macros = arena_array(a, struct macro_facts, 32);
    while (str_split(&answer, '\n', &line))
        read_macro(m, a, line);
}

static enum seen look_at_clock(void)
{
    struct timex clock = {.modes = 0};
    int state = adjtimex(&clock);
    if (state < 0)
        return UNSEEN;
    return state == TIME_ERROR || clock.status & STA_UNSYNC ? SEEN_NO : SEEN_YES;
}

void gather_machine(struct command *c, struct doctor_facts *facts)
{
    facts->machine.now = time(NULL);
    look_at_configuration(c, facts);
    ask_daemon(facts, c->arena);
    if (!facts->elsewhere)
        facts->machine.clock = look_at_clock();
}

/* --- Resolvers ---------------------------------------------------------------------------------*/

static const char *public_service(const struct netaddr *address, struct arena *a)
{
    static const struct {
        struct str network;
        const char *name;
    } known[] = {
#define PUBLIC_RESOLVER(network, name) {STR_INIT(network), name},
#include "milter/commands/doctor/resolvers.def"
#undef PUBLIC_RESOLVER
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct netset one;
        netset_init(&one, a);
        netset_add(&one, known[i].network);
        netset_finish(&one);
        if (netset_has(&one, address))
            return known[i].name;
    }
    return NULL;
}

/* systemd-resolved listens on 127.0.0.53, and passes questions on to the servers in its file. */
static void look_behind_stub(struct command *c, struct resolver_facts *r)
{
    static const struct netaddr stub = {.family = 4, .bytes = {127, 0, 0, 53}};
    const struct dns_settings settings = {.resolv_conf =
                                              path_within(c, "/run/systemd/resolve/resolv.conf")};
    struct dns_servers servers;
    struct str problem;
    if (!netaddr_eq(&r->address, &stub) || access(settings.resolv_conf, R_OK) ||
        !dns_servers_read(&settings, c->arena, &servers, &problem))
        return;
    for (size_t i = 0; i < servers.n && !r->service; i++) {
        r->service = public_service(&servers.list[i].addr, c->arena);
        r->asks = dns_server_text(&servers.list[i], c->arena);
    }
}

static enum seen seen_if(bool yes)
{
    return yes ? SEEN_YES : SEEN_NO;
}

static void probe(struct machine_facts *m, struct dns_probe *probes)
{
    dns_probe(probes, m->n_resolvers, PROBE_US);
    for (size_t i = 0; i < m->n_resolvers; i++) {
        struct resolver_facts *r = &m->resolvers[i];
        r->udp = seen_if(probes[i].udp);
        r->tcp = probes[i].udp ? seen_if(probes[i].tcp) : UNSEEN;
        r->edns = probes[i].udp ? seen_if(probes[i].edns) : UNSEEN;
        r->valid = probes[i].udp ? seen_if(probes[i].authentic) : UNSEEN;
    }
}

static bool any_answers(const struct machine_facts *m)
{
    for (size_t i = 0; i < m->n_resolvers; i++)
        if (m->resolvers[i].udp == SEEN_YES)
            return true;
    return false;
}

void gather_resolvers(struct command *c, struct doctor_facts *facts)
{
    struct machine_facts *m = &facts->machine;
    const struct conf *conf = facts->conf;
    struct dns_servers servers;
    struct dns_probe probes[DNS_PROBES_MAX];
    const struct dns_settings settings = {
        .servers = conf->dns_servers.v,
        .n_servers = conf->dns_servers.n,
        .resolv_conf = path_within(c, DNS_RESOLV_CONF),
    };
    m->recurses = conf->dns_servers.set && !conf->dns_servers.n;
    if (m->recurses || !dns_servers_read(&settings, c->arena, &servers, &m->resolver_problem))
        return;
    m->n_resolvers = servers.n < DNS_PROBES_MAX ? servers.n : DNS_PROBES_MAX;
    m->resolvers = arena_array(c->arena, struct resolver_facts, m->n_resolvers);
    for (size_t i = 0; i < m->n_resolvers; i++) {
        probes[i] = (struct dns_probe){.server = servers.list[i]};
        m->resolvers[i].text = dns_server_text(&servers.list[i], c->arena);
        m->resolvers[i].address = servers.list[i].addr;
        m->resolvers[i].service = public_service(&servers.list[i].addr, c->arena);
        look_behind_stub(c, &m->resolvers[i]);
    }
    if (facts->elsewhere || c->zone_path)
        return;
    probe(m, probes);
    facts->no_dns = !any_answers(m);
}
