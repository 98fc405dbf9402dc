/* interfaces.c - the addresses of this host's interfaces.
 *
 * Errors: none; where they cannot be had, a warning says what follows. */
#include <errno.h>
#include <ifaddrs.h>
#include <string.h>

#include "conf/check.h"

#define ADDRESSES_MAX 1024

void conf_fill_host_addresses(struct conf *conf)
{
    struct ifaddrs *all;
    if (getifaddrs(&all) != 0) {
        log_warning("the addresses of this host are not known (%s): of mail that comes by again "
                    "only that from loopback is recognised; name the others in forwarded-networks",
                    strerror(errno));
        return;
    }
    for (struct ifaddrs *i = all; i && conf->host_addresses.n < ADDRESSES_MAX; i = i->ifa_next) {
        struct netaddr address;
        char text[NETADDR_TEXT];
        if (netaddr_from_sockaddr(i->ifa_addr, &address))
            netset_add(&conf->host_addresses, str_of(netaddr_format(&address, text)));
    }
    freeifaddrs(all);
}
