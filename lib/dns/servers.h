/* servers.h - resolvers' addresses: those of the configuration, or of resolv.conf. */
#ifndef ASSAY_DNS_SERVERS_H
#define ASSAY_DNS_SERVERS_H

#include "dns/dns.h"

#define DNS_PORT        53
#define DNS_RESOLV_CONF "/etc/resolv.conf"
#define DNS_SERVERS_MAX 8 /* of resolv.conf */

struct dns_servers {
    size_t n; /* at least one */
    struct dns_server *list;
    bool all_local; /* all are on loopback */
};

/* The settings' servers, or those of resolv.conf where they have none (in `a`). What cannot be
 * used, such as an address of an interface that is not there, is left out, and the log names it. A
 * resolv.conf that leaves none means 127.0.0.1, as in resolv.conf(5). False if the settings leave
 * none or have something that is no address, and *problem is a phrase (in `a`). */
bool dns_servers_read(const struct dns_settings *settings, struct arena *a,
                      struct dns_servers *servers, struct str *problem);

/* What tells whether resolv.conf has changed since; 0 if it cannot be told. */
int64_t dns_resolv_conf_stamp(const struct dns_settings *settings);

/* "192.0.2.1@53", "fe80::1%eth0@53" (in `a`). */
struct str dns_server_text(const struct dns_server *server, struct arena *a);

bool dns_servers_equal(const struct dns_servers *x, const struct dns_servers *y);

/* True for 127.0.0.0/8 and ::1. */
bool dns_server_is_loopback(const struct netaddr *addr);

#endif
