/* name.c - what is asked of a DNS list (RFC 5782 2.1, 2.4, 3, 5).
 *
 * Errors: an absent name, if it would be too long. */
#include "dnsbl/dnsbl.h"
#include "mail/domain.h"

static struct str name_below(struct arena *a, struct str first, struct str zone)
{
    if (first.n + 1 + zone.n > DOMAIN_MAX)
        return STR_NONE;
    return str_printf(a, "%.*s.%.*s", STR_ARG(first), STR_ARG(zone));
}

/* An address mapped into IPv6 is IPv4 already (netset.h). */
struct str dnsbl_address_name(struct arena *a, const struct netaddr *address, struct str zone)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *b = address->bytes;
    char nibbles[64];
    if (address->family == 4)
        return name_below(a, str_printf(a, "%u.%u.%u.%u", b[3], b[2], b[1], b[0]), zone);
    for (size_t i = 0; i < 16; i++) {
        nibbles[4 * i] = digits[b[15 - i] & 15];
        nibbles[4 * i + 2] = digits[b[15 - i] >> 4];
        nibbles[4 * i + 1] = nibbles[4 * i + 3] = '.';
    }
    return name_below(a, (struct str){nibbles, sizeof nibbles - 1}, zone);
}

/* Lists that know a domain know the names below it: a sender who makes his too long is asked about
 * by the longest one above it that fits. */
struct str dnsbl_domain_name(struct arena *a, struct str domain, struct str zone)
{
    struct str name = name_below(a, domain, zone);
    while (!name.n && domain_labels(domain) > 2) {
        domain = str_sub(domain, str_find(domain, 0, '.') + 1, domain.n);
        name = name_below(a, domain, zone);
    }
    return name;
}

/* 127.0.0.LAST, mapped into IPv6 for lists that are asked so. */
static struct str test_point(struct arena *a, int family, uint8_t last, struct str zone)
{
    struct netaddr point = {.family = 4, .bytes = {127, 0, 0, last}};
    if (family == 6)
        point = (struct netaddr){.family = 6,
                                 .bytes = {[10] = 255, [11] = 255, [12] = 127, [15] = last}};
    return dnsbl_address_name(a, &point, zone);
}

struct str dnsbl_probe_never(struct arena *a, int family, struct str zone)
{
    return family ? test_point(a, family, 1, zone) : name_below(a, STR("invalid"), zone);
}

struct str dnsbl_probe_always(struct arena *a, int family, struct str zone)
{
    return family ? test_point(a, family, 2, zone) : name_below(a, STR("test"), zone);
}

static const struct {
    struct netaddr net;
    unsigned bits;
} private_nets[] = {
    {{4, {0}}, 8},         {{4, {10}}, 8},          {{4, {100, 64}}, 10},
    {{4, {127}}, 8},       {{4, {169, 254}}, 16},   {{4, {172, 16}}, 12},
    {{4, {192, 168}}, 16}, {{4, {224}}, 3},         {{6, {0}}, 127}, /* :: and ::1 */
    {{6, {0xfc}}, 7},      {{6, {0xfe, 0x80}}, 10}, {{6, {0xff}}, 8},
};

bool dnsbl_is_private(const struct netaddr *address)
{
    for (size_t i = 0; i < sizeof private_nets / sizeof *private_nets; i++)
        if (netaddr_in(address, &private_nets[i].net, private_nets[i].bits))
            return true;
    return false;
}
