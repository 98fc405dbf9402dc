/* netset.h - IP addresses and sets of networks.
 *
 * IPv4 addresses mapped into IPv6 (::ffff:192.0.2.1) are IPv4 everywhere (RFC 7208 4.3 expects that
 * of its callers, and trusted-networks would be easy to miss otherwise). */
#ifndef ASSAY_BASE_NETSET_H
#define ASSAY_BASE_NETSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct sockaddr;

struct netaddr {
    unsigned char family; /* 4, 6, or 0: no address known */
    uint8_t bytes[16];    /* network order; 4 or 16 of them used */
};

#define NETADDR_TEXT 46 /* room for the longest text form with its NUL */

/* Dotted quad or IPv6 text, whole string; also the MTA's "IPv6:" prefix. False if it is neither. */
bool netaddr_parse(struct str text, struct netaddr *out);
bool netaddr_from_sockaddr(const struct sockaddr *sa, struct netaddr *out);

/* RFC 5952 text into `text`, which is returned; "unknown" for family 0. */
const char *netaddr_format(const struct netaddr *addr, char text[NETADDR_TEXT]);

bool netaddr_eq(const struct netaddr *a, const struct netaddr *b);

/* True if both have one family and share the first `bits` bits. */
bool netaddr_in(const struct netaddr *addr, const struct netaddr *net, unsigned bits);

/* A list of networks and exceptions: the first entry that an address is in decides. */
struct netset {
    struct arena *arena;
    struct netrange {
        struct netaddr net;
        unsigned bits;
        bool except; /* "!": addresses in it are not in the set */
    } * ranges;      /* as they were added */
    size_t n, cap;
    struct netnode *tree; /* the same, for look-ups in long lists; NULL: the list is short */
};

void netset_init(struct netset *set, struct arena *a);

/* Adds "192.0.2.0/24", "2001:db8::/32" or a bare address, with "!" before it as an exception. NULL,
 * or a phrase that says what is wrong (bits set behind the prefix are an error: they are a typing
 * mistake). */
const char *netset_add(struct netset *set, struct str text);

/* When all are added: makes look-ups in a long list fast. */
void netset_finish(struct netset *set);

/* The first exception at or behind `from` that can never decide, because an entry before it holds
 * all of its addresses and is none; set->n if there is none. After netset_finish(). */
size_t netset_idle_exception(const struct netset *set, size_t from);

bool netset_has(const struct netset *set, const struct netaddr *addr);

#endif
