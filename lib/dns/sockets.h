/* sockets.h - what c-ares sends and receives: its sockets are opened, written and read here, since
 * it knows no interfaces of link-local addresses, and turns EDNS off for good and for all servers
 * when one of them knows none. */
#ifndef ASSAY_DNS_SOCKETS_H
#define ASSAY_DNS_SOCKETS_H

#include <ares.h>
#include <sys/uio.h>

#include "dns/servers.h"

#define DNS_SOCKETS_MAX ((2 + DNS_CONNECTIONS_MAX) * DNS_SERVERS_MAX) /* remembered at once */

struct dns_sockets {
    const struct dns_servers *servers;
    int64_t *plain_until; /* of each server: it knows no EDNS, clock_us() */
    /* The query of this id as it was sent last, without OPT if `plain`; NULL: none is under way.
     * `packet` may be changed. */
    struct dns_sent *(*find)(void *context, const uint8_t *packet, size_t n);
    void *context;
    size_t last; /* the server that sent the last packet */
    size_t n;
    struct dns_socket {
        int fd;
        size_t server;
        bool udp;
    } list[DNS_SOCKETS_MAX];
};

/* A query on its way. */
struct dns_sent {
    bool plain; /* it went out without OPT */
    size_t n;   /* with OPT */
    const uint8_t *query;
};

/* Lets the channel's sockets be these, which outlive it. */
void dns_sockets_attach(struct dns_sockets *s, ares_channel channel);

/* True if the server is known not to know EDNS. */
bool dns_sockets_plain(const struct dns_sockets *s, size_t server);

/* Notes that it does not, for a quarter of an hour. */
void dns_sockets_note_plain(struct dns_sockets *s, size_t server);

#endif
