/* servers.h - resolvers' addresses as the configuration writes them. */
#ifndef ASSAY_DNS_SERVERS_H
#define ASSAY_DNS_SERVERS_H

#include "dns/dns.h"

#define DNS_PORT 53

struct dns_server {
    struct netaddr addr;
    uint16_t port;
};

/* All of the settings' servers (in `a`); false, and *problem is a phrase (in `a`). */
bool dns_servers_read(const struct dns_settings *settings, struct arena *a,
                      struct dns_server **servers, struct str *problem);

/* True for 127.0.0.0/8 and ::1. */
bool dns_server_is_loopback(const struct netaddr *addr);

#endif
