/* probe_link.c - the connection to a filter.
 *
 * Errors: false, and p->trouble says why. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "milter/commands/probe.h"

#define REPLY_MAX (1U << 20)

static bool link_trouble(struct probe *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static bool link_trouble(struct probe *p, const char *format, ...)
{
    va_list args;
    char text[400];
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    p->trouble = str_copy(p->arena, str_of(text));
    return false;
}

static bool connect_unix(struct probe *p, const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof addr.sun_path)
        return link_trouble(p, "%s: too long for a Unix socket", path);
    strcpy(addr.sun_path, path);
    p->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (p->fd >= 0 && connect(p->fd, (const struct sockaddr *)&addr, sizeof addr) == 0)
        return true;
    link_trouble(p, "%s: %s", path, strerror(errno));
    if (p->fd >= 0)
        close(p->fd);
    return false;
}

static bool connect_inet(struct probe *p, const char *host, const char *port, int family)
{
    struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_STREAM}, *found;
    int wrong = getaddrinfo(host, port, &hints, &found);
    if (wrong)
        return link_trouble(p, "%s: %s", host, gai_strerror(wrong));
    p->fd = -1;
    errno = 0;
    for (struct addrinfo *a = found; a && p->fd < 0; a = a->ai_next) {
        p->fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (p->fd >= 0 && connect(p->fd, a->ai_addr, a->ai_addrlen) < 0) {
            int why = errno;
            close(p->fd);
            p->fd = -1;
            errno = why;
        }
    }
    freeaddrinfo(found);
    if (p->fd < 0)
        return link_trouble(p, "%s port %s: %s", host, port, strerror(errno));
    int on = 1; /* or each step waits 40 ms for an acknowledgement */
    setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return true;
}

bool probe_connect(struct probe *p, const char *socket_name)
{
    struct arena *a = p->arena;
    struct str rest = str_of(socket_name);
    if (rest.n > 0 && rest.p[0] == '/')
        return connect_unix(p, socket_name);
    struct str kind = str_sub(rest, 0, str_find(rest, 0, ':'));
    rest = str_sub(rest, kind.n + 1, rest.n);
    if (str_eq(kind, STR("unix")) || str_eq(kind, STR("local")))
        return connect_unix(p, str_cstr(a, rest));
    bool six = str_eq(kind, STR("inet6"));
    if (!six && !str_eq(kind, STR("inet")))
        return link_trouble(p, "%s: a socket is inet:port@host, inet6:port@host or unix:/path",
                            socket_name);
    size_t at = str_find(rest, 0, '@'), colon = str_find_last(rest, ':');
    struct str host = STR("localhost"), port = rest;
    if (at < rest.n) {
        port = str_sub(rest, 0, at);
        host = str_sub(rest, at + 1, rest.n);
    } else if (colon < rest.n) {
        host = str_sub(rest, 0, colon);
        port = str_sub(rest, colon + 1, rest.n);
    }
    return connect_inet(p, str_cstr(a, host), str_cstr(a, port), six ? AF_INET6 : AF_UNSPEC);
}

static bool send_all(struct probe *p, struct str data)
{
    while (data.n > 0) {
        ssize_t n = send(p->fd, data.p, data.n, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR)
            return link_trouble(p, "the milter went away: %s", strerror(errno));
        data = str_sub(data, n > 0 ? (size_t)n : 0, data.n);
    }
    return true;
}

static bool receive_all(struct probe *p, char *to, size_t n)
{
    while (n > 0) {
        struct pollfd ready = {.fd = p->fd, .events = POLLIN};
        if (poll(&ready, 1, p->timeout_ms) == 0)
            return link_trouble(p, "the milter said nothing for %d s", p->timeout_ms / 1000);
        ssize_t got = recv(p->fd, to, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got == 0)
            return link_trouble(p, "the milter closed the connection");
        if (got < 0)
            return link_trouble(p, "the milter went away: %s", strerror(errno));
        to += got;
        n -= (size_t)got;
    }
    return true;
}

bool probe_send(struct probe *p, enum milter_command command, struct str data)
{
    struct strbuf b;
    uint32_t length = htonl((uint32_t)data.n + 1);
    sb_init(&b, p->arena);
    sb_add(&b, (struct str){(const char *)&length, sizeof length});
    sb_addc(&b, (char)command);
    sb_add(&b, data);
    return send_all(p, sb_str(&b));
}

bool probe_receive(struct probe *p, char *reply, struct str *data)
{
    char head[5];
    uint32_t n;
    if (!receive_all(p, head, sizeof head))
        return false;
    memcpy(&n, head, sizeof n);
    n = ntohl(n);
    if (n == 0 || n > REPLY_MAX)
        return link_trouble(p, "a reply of %u bytes: is this a milter?", n);
    char *bytes = arena_alloc(p->arena, n);
    if (!receive_all(p, bytes, n - 1))
        return false;
    *reply = head[4];
    *data = (struct str){bytes, n - 1};
    return true;
}
