/* greykey.c - makes and reads the keys of greylisting.
 *
 * Errors: none. */
#include "core/greykey.h"

#include "mail/domain.h"

#define KIND sizeof(GREYKEY_PREFIX "n:") - 1 /* bytes before the name */

struct str greykey_of_client(const struct conf *conf, const struct netaddr *client, struct arena *a)
{
    char text[NETADDR_TEXT];
    struct netaddr net = *client;
    unsigned bits =
        (unsigned)(net.family == 6 ? conf->greylist_ipv6_prefix : conf->greylist_ipv4_prefix);
    for (unsigned i = 0; i < sizeof net.bytes; i++) {
        unsigned left = bits > 8 * i ? bits - 8 * i : 0;
        if (left < 8)
            net.bytes[i] &= (uint8_t)(0xFF00U >> left);
    }
    return str_printf(a, GREYKEY_PREFIX "n:%s/%u", netaddr_format(&net, text), bits);
}

struct str greykey_of_domain(struct str domain, struct arena *a)
{
    return str_printf(a, GREYKEY_PREFIX "d:%.*s", STR_ARG(domain));
}

bool greykey_is_shared(const struct conf *conf, struct str domain, struct arena *a)
{
    if (str_find(domain, 0, '.') == domain.n)
        return true;
    struct str suffix_and_one =
        conf->suffixes ? psl_organizational(conf->suffixes, domain) : STR("");
    /* It gives a suffix back as it is, and a domain right below one, too. */
    if (!str_eq(suffix_and_one, domain))
        return false;
    struct str below = str_printf(a, "a.%.*s", STR_ARG(domain));
    return str_eq(psl_organizational(conf->suffixes, below), below);
}

struct str greykey_words(struct str key, struct arena *a)
{
    bool network = str_starts(key, STR(GREYKEY_PREFIX "n:"));
    struct str name = str_safe(a, str_sub(key, KIND, key.n), DOMAIN_MAX, true);
    return str_printf(a, "%s %.*s", network ? "network" : "domain", STR_ARG(name));
}
