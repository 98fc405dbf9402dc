/* servers.c - resolvers' addresses: "127.0.0.1@53", "[::1]:53", "192.0.2.1", "::1@5353".
 *
 * Errors: false; dns_servers_read() says which text is wrong. */
#include "dns/servers.h"

/* Divides the text into address and port; where there is no port, *port stays absent. */
static void divide(struct str text, struct str *address, struct str *port)
{
    size_t at = str_find(text, 0, '@'), colon = str_find(text, 0, ':');
    *port = STR_NONE;
    *address = text;
    if (text.n && text.p[0] == '[') {
        size_t end = str_find(text, 0, ']');
        *address = str_sub(text, 1, end);
        if (end == text.n)
            *address = STR_NONE;
        else if (end + 1 < text.n && (text.p[end + 1] == ':' || text.p[end + 1] == '@'))
            *port = str_sub(text, end + 2, text.n);
        else if (end + 1 < text.n)
            *address = STR_NONE;
    } else if (at < text.n) {
        *address = str_sub(text, 0, at);
        *port = str_sub(text, at + 1, text.n);
    } else if (colon < text.n && str_find_last(text, ':') == colon) {
        *address = str_sub(text, 0, colon);
        *port = str_sub(text, colon + 1, text.n);
    }
}

bool dns_server_parse(struct str text, struct netaddr *addr, uint16_t *port)
{
    struct str address, number;
    unsigned long long value = DNS_PORT;
    divide(text, &address, &number);
    if (!netaddr_parse(address, addr) || str_starts_nocase(address, STR("ipv6:")))
        return false;
    if (number.p && (!str_to_u64(number, 65535, &value) || value == 0))
        return false;
    *port = (uint16_t)value;
    return true;
}

bool dns_servers_read(const struct dns_settings *settings, struct arena *a,
                      struct dns_server **servers, struct str *problem)
{
    *servers = arena_array(a, struct dns_server, settings->n_servers);
    for (size_t i = 0; i < settings->n_servers; i++) {
        struct dns_server *s = &(*servers)[i];
        if (dns_server_parse(settings->servers[i], &s->addr, &s->port))
            continue;
        struct str safe = str_safe(a, settings->servers[i], 80, false);
        *problem = str_printf(a, "\"%.*s\" is not a resolver such as 127.0.0.1@53 or [::1]:53",
                              STR_ARG(safe));
        return false;
    }
    return true;
}

bool dns_server_is_loopback(const struct netaddr *addr)
{
    static const struct netaddr v4 = {.family = 4, .bytes = {127}};
    static const struct netaddr v6 = {.family = 6, .bytes = {[15] = 1}};
    return netaddr_in(addr, &v4, 8) || netaddr_in(addr, &v6, 128);
}
