/* servers.c - resolvers' addresses: "127.0.0.1@53", "[::1]:53", "192.0.2.1", "fe80::1%eth0@5353".
 *
 * Errors: false; dns_servers_read() says which text is wrong. */
#include "dns/servers.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"

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

static bool is_link_local(const struct netaddr *addr)
{
    static const struct netaddr net = {.family = 6, .bytes = {0xfe, 0x80}};
    return netaddr_in(addr, &net, 10);
}

/* RFC 4007 11: a link-local address is one only together with its interface. */
static bool read_scope(struct str scope, struct dns_server *s)
{
    if (is_link_local(&s->addr) != (scope.p != NULL) || scope.n >= sizeof s->interface)
        return false;
    if (scope.p && !scope.n)
        return false;
    if (scope.n)
        memcpy(s->interface, scope.p, scope.n);
    return true;
}

bool dns_server_parse(struct str text, struct dns_server *out)
{
    struct str address, number, scope = STR_NONE;
    unsigned long long value = DNS_PORT;
    *out = (struct dns_server){0};
    divide(text, &address, &number);
    size_t percent = str_find(address, 0, '%');
    if (percent < address.n) {
        scope = str_sub(address, percent + 1, address.n);
        address = str_sub(address, 0, percent);
    }
    if (!netaddr_parse(address, &out->addr) || str_starts_nocase(address, STR("ipv6:")))
        return false;
    if (number.p && (!str_to_u64(number, 65535, &value) || value == 0))
        return false;
    out->port = (uint16_t)value;
    return read_scope(scope, out);
}

struct str dns_server_text(const struct dns_server *s, struct arena *a)
{
    char text[NETADDR_TEXT];
    return str_printf(a, "%s%s%s@%u", netaddr_format(&s->addr, text), *s->interface ? "%" : "",
                      s->interface, s->port);
}

bool dns_servers_equal(const struct dns_servers *x, const struct dns_servers *y)
{
    if (x->n != y->n)
        return false;
    for (size_t i = 0; i < x->n; i++) {
        const struct dns_server *p = &x->list[i], *q = &y->list[i];
        if (!netaddr_eq(&p->addr, &q->addr) || p->port != q->port || p->scope != q->scope)
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

static bool is_double(const struct dns_servers *servers, const struct dns_server *s)
{
    for (size_t i = 0; i < servers->n; i++)
        if (netaddr_eq(&servers->list[i].addr, &s->addr) && servers->list[i].port == s->port)
            return true;
    return false;
}

/* Takes the server in; NULL, or why it is left out. */
static const char *take_server(struct dns_servers *servers, struct dns_server *s)
{
    if (*s->interface) {
        s->scope = if_nametoindex(s->interface);
        if (!s->scope)
            return "there is no such interface";
    }
    if (is_double(servers, s))
        return "it is named twice";
    servers->list[servers->n++] = *s;
    servers->all_local = servers->all_local && dns_server_is_loopback(&s->addr);
    return NULL;
}

static bool read_settings(const struct dns_settings *settings, struct arena *a,
                          struct dns_servers *servers, struct str *problem)
{
    servers->list = arena_array(a, struct dns_server, settings->n_servers);
    for (size_t i = 0; i < settings->n_servers; i++) {
        struct dns_server s;
        struct str safe = str_safe(a, settings->servers[i], 80, false);
        if (!dns_server_parse(settings->servers[i], &s)) {
            *problem = str_printf(a, "\"%.*s\" is not a resolver such as 127.0.0.1@53 or [::1]:53",
                                  STR_ARG(safe));
            return false;
        }
        const char *why = take_server(servers, &s);
        if (why)
            log_warning("dns.servers: %.*s is left out: %s", STR_ARG(safe), why);
    }
    if (!servers->n)
        *problem = STR("dns.servers has no resolver that can be asked");
    return servers->n > 0;
}

/* --- resolv.conf --- */

static const char *resolv_conf(const struct dns_settings *settings)
{
    return settings->resolv_conf ? settings->resolv_conf : DNS_RESOLV_CONF;
}

int64_t dns_resolv_conf_stamp(const struct dns_settings *settings)
{
    struct stat st;
    if (stat(resolv_conf(settings), &st))
        return 0;
    return ((int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec) ^
           ((int64_t)st.st_ino << 32) ^ (int64_t)st.st_size;
}

/* The address of a line "nameserver ADDRESS", or STR_NONE. */
static struct str nameserver(struct str line)
{
    static const char blanks[] = " \t\r\n";
    size_t word = strcspn(line.p, blanks);
    if (!str_eq(str_sub(line, 0, word), STR("nameserver")))
        return STR_NONE;
    struct str rest = str_sub(line, word + strspn(line.p + word, blanks), line.n);
    return str_sub(rest, 0, strcspn(rest.p, " \t\r\n#;"));
}

static void read_line(const char *path, unsigned number, struct str line, struct arena *a,
                      struct dns_servers *servers)
{
    struct dns_server s;
    struct str address = nameserver(line);
    const char *why;
    if (!address.p)
        return;
    if (!dns_server_parse(address, &s))
        why = "it is no address that can be asked";
    else if (servers->n == DNS_SERVERS_MAX)
        why = "there are too many before it";
    else
        why = take_server(servers, &s);
    if (why)
        log_warning("%s:%u: the resolver %.*s is left out: %s", path, number,
                    STR_ARG(str_safe(a, address, 80, true)), why);
}

static void read_resolv_conf(const char *path, struct arena *a, struct dns_servers *servers)
{
    FILE *in = fopen(path, "re");
    char *line = NULL;
    size_t size = 0;
    servers->list = arena_array(a, struct dns_server, DNS_SERVERS_MAX);
    if (!in)
        log_warning("%s cannot be read: %s", path, strerror(errno));
    for (unsigned number = 1; in && getline(&line, &size, in) > 0; number++)
        read_line(path, number, str_of(line), a, servers);
    free(line);
    if (in)
        fclose(in);
    if (servers->n)
        return;
    log_warning("%s names no resolver that can be asked: 127.0.0.1 is asked", path);
    dns_server_parse(STR("127.0.0.1"), &servers->list[servers->n++]);
}

bool dns_servers_read(const struct dns_settings *settings, struct arena *a,
                      struct dns_servers *servers, struct str *problem)
{
    *servers = (struct dns_servers){.all_local = true};
    if (settings->n_servers)
        return read_settings(settings, a, servers, problem);
    read_resolv_conf(resolv_conf(settings), a, servers);
    return true;
}
