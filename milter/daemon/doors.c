/* doors.c - how wide a configuration opens what only own clients and the mail server should have.
 *
 * Errors: warnings with file and line. */
#include "milter/daemon/doors.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "conf/listen.h"
#include "mail/psl.h"
#include "milter/daemon/socket.h"

struct doors {
    const struct conf *conf;
    struct conf_problems *warnings;
};

/* --- Networks ----------------------------------------------------------------------------------*/

/* True for a network that no owner has alone: an IPv4 one beyond /8, and a public IPv6 one beyond
 * /16; fc00::/7 and fe80::/10 are everybody's own. */
static bool holds_strangers(const struct netrange *range)
{
    if (range->except)
        return false;
    if (range->net.family == 4)
        return range->bits < 8;
    return range->bits < 16 && !(range->bits >= 7 && (range->net.bytes[0] & 0xFE) >= 0xFC);
}

static void check_wide_list(const struct doors *d, const char *option, const struct netset *set,
                            const char *consequence)
{
    for (size_t i = 0; i < set->n; i++) {
        const struct netrange *range = &set->ranges[i];
        char net[NETADDR_TEXT];
        if (!holds_strangers(range))
            continue;
        conf_problem(d->warnings, conf_place_of(d->conf, option), "%s: %s/%u holds %s: %s", option,
                     netaddr_format(&range->net, net), range->bits,
                     range->bits              ? "addresses of strangers"
                     : range->net.family == 4 ? "every IPv4 address"
                                              : "every IPv6 address",
                     consequence);
        return;
    }
}

static void check_wide_networks(const struct doors *d)
{
    const struct conf *c = d->conf;
    const struct {
        const char *option;
        const struct netset *set;
        const char *consequence;
    } lists[] = {
        {"trusted-networks", &c->trusted_networks,
         "assay does not check mail from there, and signs for authors of yours whoever sends it; "
         "name your own networks only"},
        {"relay-networks", &c->relay_networks,
         "mail from there passes unchecked, with whatever results somebody has forged in it; name "
         "your own relays only"},
        {"forwarded-networks", &c->forwarded_networks,
         "assay believes the Received fields and the results in mail from there, does not judge "
         "it, and may sign it; name your own filters only"},
        {"spf.skip-networks", &c->spf_skip_networks,
         "mail from there has no SPF result, and so less of it passes DMARC; if SPF is not wanted, "
         "set spf.mode"},
        {"spf.trusted-forwarders", &c->spf_trusted_forwarders,
         "mail from there is never refused because of SPF; if you mean everybody, set spf.mode to "
         "\"shadow\""},
        {"dmarc.trusted-forwarders", &c->dmarc_trusted_forwarders,
         "mail from there is never refused because of DMARC; if you mean everybody, set dmarc.mode "
         "to \"shadow\""},
        {"exceptions.networks", &c->exceptions_networks,
         "DNS lists, greylisting and the checks of client and sender are not for them"},
    };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        check_wide_list(d, lists[i].option, lists[i].set, lists[i].consequence);
}

/* --- Domains -----------------------------------------------------------------------------------*/

/* Lists that excuse mail of domains, and of those below them. */
struct domain_list {
    const char *option;
    const struct conf_strings *list;
    const char *consequence;
};

static void check_suffixes(const struct doors *d, const struct psl *psl,
                           const struct domain_list *list)
{
    for (size_t i = 0; i < list->list->n; i++) {
        struct str domain = list->list->v[i];
        if (!psl_is_suffix(psl, domain))
            continue;
        conf_problem(
            d->warnings, conf_place_of(d->conf, list->option),
            "%s: everybody can have a domain below \"%.*s\", and all of them are meant: %s",
            list->option, STR_ARG(domain), list->consequence);
        return;
    }
}

static void check_domains(const struct doors *d)
{
    const struct conf *c = d->conf;
    const struct domain_list lists[] = {
        {"spf.skip-helo", &c->spf_skip_helo, "mail of clients with such a name has no SPF result"},
        {"spf.skip-domains", &c->spf_skip_domains, "mail from there has no SPF result"},
        {"dmarc.ignore-domains", &c->dmarc_ignore_domains, "their policies are not applied"},
        {"dmarc.quarantine-domains", &c->dmarc_quarantine_domains,
         "mail that fails their policies is never refused"},
        {"dmarc.shadow-domains", &c->dmarc_shadow_domains, "their policies are not applied"},
        {"dmarc.trusted-signers", &c->dmarc_trusted_signers,
         "with a signature of theirs, mail in the name of others is never refused because of "
         "DMARC"},
        {"dmarc.mailing-lists", &c->dmarc_mailing_lists,
         "they all may be mailing lists; name those that you trust"},
        {"arc.trusted-sealers", &c->arc_trusted_sealers,
         "their word excuses mail in the name of others; name the sealers that you trust"},
        {"exceptions.domains", &c->exceptions_domains,
         "DNS lists, greylisting and the checks of client and sender are not for them"},
    };
    struct str problem;
    const struct psl *psl = NULL;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        if (lists[i].list->n && !psl)
            psl = psl_open(d->warnings->arena, STR(""), &problem);
        if (psl)
            check_suffixes(d, psl, &lists[i]);
    }
}

/* --- Sockets -----------------------------------------------------------------------------------*/

/* A TCP socket that an option names. `gives` says what those get who can connect. */
typedef void socket_check(const struct doors *d, const char *option, struct str text,
                          const struct listen_address *address, const char *gives);

static void check_socket(const struct doors *d, socket_check *check, const char *option,
                         struct str text, const char *gives)
{
    struct listen_address address;
    if (text.n && !listen_problem(text, d->warnings->arena, &address) &&
        address.kind != LISTEN_UNIX)
        check(d, option, str_safe(d->warnings->arena, text, 100, true), &address, gives);
}

static void check_sockets(const struct doors *d, socket_check *check)
{
    const struct conf *c = d->conf;
    for (size_t i = 0; i < c->listen.n; i++)
        check_socket(d, check, "listen", c->listen.v[i],
                     "can have mail signed in the name of your users");
    check_socket(d, check, "policy-service.listen", c->policy_service_listen,
                 "can make greylisting know clients");
    check_socket(d, check, "srs.listen", c->srs_listen,
                 "can have SRS addresses made, by which this host forwards mail");
}

static void check_open(const struct doors *d, const char *option, struct str text,
                       const struct listen_address *address, const char *gives)
{
    if (!listen_is_everywhere(address->host))
        return;
    conf_problem(d->warnings, conf_place_of(d->conf, option),
                 "%s: \"%.*s\" takes connections on all addresses of this host, and who can "
                 "connect %s: name the address by which the mail server comes, or let a firewall "
                 "keep others out",
                 option, STR_ARG(text), gives);
}

/* At any free port: the daemon may have the right one. */
static bool bind_once(void *context, int family, const struct sockaddr *address, socklen_t length)
{
    (void)context;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool bound = bind(fd, address, length) == 0;
    int why = errno;
    close(fd);
    errno = why;
    return bound;
}

static void check_address(const struct doors *d, const char *option, struct str text,
                          const struct listen_address *address, const char *gives)
{
    static const struct socket_rights rights;
    static const struct identity nobody;
    struct listen_address any_port = *address;
    struct socket_file file;
    struct str problem;
    (void)gives;
    any_port.port = 0;
    if (!socket_open(&any_port, &rights, &nobody, bind_once, NULL, &file, d->warnings->arena,
                     &problem))
        conf_problem(d->warnings, conf_place_of(d->conf, option),
                     "%s: \"%.*s\": %.*s: with this assay cannot start; name an address that this "
                     "host has",
                     option, STR_ARG(text), STR_ARG(problem));
}

void doors_check(const struct conf *conf, struct conf_problems *warnings)
{
    const struct doors d = {conf, warnings};
    check_wide_networks(&d);
    check_domains(&d);
    check_sockets(&d, check_open);
}

void doors_check_addresses(const struct conf *conf, struct conf_problems *warnings)
{
    const struct doors d = {conf, warnings};
    check_sockets(&d, check_address);
}
