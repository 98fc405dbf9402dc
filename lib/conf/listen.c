/* listen.c - socket addresses as they stand in `listen`.
 *
 * Errors: a phrase that says what is wrong and what is allowed. */
#include "conf/listen.h"

#include <sys/un.h>

#include "base/ascii.h"
#include "base/netset.h"
#include "mail/domain.h"

#define FORMS                                                                                      \
    "allowed are inet:8892@127.0.0.1, inet6:8892@[::1], inet:127.0.0.1:8892 and "                  \
    "unix:/run/assay/assay.sock"

bool listen_is_everywhere(struct str host)
{
    return !host.n || str_eq(host, STR("0.0.0.0")) || str_eq(host, STR("::"));
}

static bool is_host_name(struct str host)
{
    if (domain_ends_in_number(host))
        return false;
    for (size_t i = 0; i < host.n; i++) {
        char c = host.p[i];
        if (!ascii_is_alnum(c) && c != '-' && c != '.' && c != '_')
            return false;
    }
    return true;
}

/* Takes brackets off, and lets an IPv6 address decide the kind. NULL, or what is wrong. */
static const char *set_host(struct listen_address *out, struct str host, struct arena *a)
{
    struct netaddr address;
    char normal[NETADDR_TEXT];
    bool brackets = host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']';
    if (brackets)
        host = str_sub(host, 1, host.n - 1);
    if (netaddr_parse(host, &address)) {
        if (address.family == 4 && out->kind == LISTEN_INET6)
            return "has an IPv4 address behind inet6:";
        out->kind = address.family == 6 ? LISTEN_INET6 : LISTEN_INET;
        out->host = str_copy(a, str_of(netaddr_format(&address, normal)));
        return NULL;
    }
    if (brackets || !is_host_name(host))
        return "has no valid host or address";
    out->host = str_copy(a, host);
    return NULL;
}

/* `rest` is what stands behind inet: or inet6:. */
static const char *parse_inet(struct str rest, struct listen_address *out, struct arena *a)
{
    unsigned long long number;
    struct str port = rest, host = STR("");
    size_t at = str_find(rest, 0, '@'), colon = str_find_last(rest, ':');
    if (at < rest.n) {
        port = str_sub(rest, 0, at);
        host = str_sub(rest, at + 1, rest.n);
    } else if (colon < rest.n) {
        host = str_sub(rest, 0, colon);
        port = str_sub(rest, colon + 1, rest.n);
    }
    if (host.n == 0 && port.n < rest.n)
        return "has no host";
    if (!str_to_u64(port, UINT16_MAX, &number) || number == 0)
        return "has no port from 1 to 65535";
    out->port = (uint16_t)number;
    return set_host(out, host, a);
}

static const char *parse_unix(struct str path, struct listen_address *out, struct arena *a)
{
    static const struct sockaddr_un room;
    if (path.n == 0 || path.p[0] != '/')
        return "has no absolute path";
    if (path.n >= sizeof room.sun_path)
        return "has a path longer than the 107 bytes of a Unix socket";
    out->path = str_copy(a, path);
    return NULL;
}

const char *listen_problem(struct str text, struct arena *a, struct listen_address *out)
{
    const char *why;
    size_t colon = str_find(text, 0, ':');
    struct str kind = str_sub(text, 0, colon), rest = str_sub(text, colon + 1, text.n);
    *out = (struct listen_address){.kind = LISTEN_UNIX};
    if (str_starts(text, STR("/"))) {
        why = parse_unix(text, out, a);
    } else if (str_eq(kind, STR("unix")) || str_eq(kind, STR("local"))) {
        why = parse_unix(rest, out, a);
    } else if (str_eq(kind, STR("inet")) || str_eq(kind, STR("inet6"))) {
        out->kind = kind.n == 4 ? LISTEN_INET : LISTEN_INET6;
        why = parse_inet(rest, out, a);
    } else {
        why = "is no socket address";
    }
    return why ? str_printf(a, "%s; " FORMS, why).p : NULL;
}

bool listen_parse(struct str text, struct arena *a, struct listen_address *out, struct str *problem)
{
    const char *why = listen_problem(text, a, out);
    if (why)
        *problem = str_printf(a, "\"%.*s\" %s", STR_ARG(str_safe(a, text, 120, true)), why);
    return !why;
}

struct str listen_format(const struct listen_address *address, struct arena *a)
{
    if (address->kind == LISTEN_UNIX)
        return str_printf(a, "unix:%.*s", STR_ARG(address->path));
    const char *kind = address->kind == LISTEN_INET ? "inet" : "inet6";
    bool bare6 = str_find(address->host, 0, ':') < address->host.n;
    return str_printf(a, "%s:%u%s%s%.*s%s", kind, address->port, address->host.n ? "@" : "",
                      bare6 ? "[" : "", STR_ARG(address->host), bare6 ? "]" : "");
}
