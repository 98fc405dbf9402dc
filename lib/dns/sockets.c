/* sockets.c - c-ares's sockets.
 *
 * Errors: errno, as those of the system calls that they stand for. */
#include "dns/sockets.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "dns/packet.h"

#define RECEIVE_BUFFER (1 << 20)
#define PLAIN_US       INT64_C(900000000) /* then the server may have learned EDNS */

bool dns_sockets_plain(const struct dns_sockets *s, size_t server)
{
    return s->plain_until[server] && clock_us() < s->plain_until[server];
}

void dns_sockets_note_plain(struct dns_sockets *s, size_t server)
{
    s->plain_until[server] = clock_us() + PLAIN_US;
}

static struct dns_socket *find_socket(struct dns_sockets *s, int fd)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->list[i].fd == fd)
            return &s->list[i];
    return NULL;
}

static ares_socket_t open_socket(int family, int type, int protocol, void *context)
{
    const int size = RECEIVE_BUFFER, on = 1;
    (void)context;
    int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
    if (fd < 0)
        return ARES_SOCKET_BAD;
    if (type == SOCK_DGRAM)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    else
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static int close_socket(ares_socket_t fd, void *context)
{
    struct dns_sockets *s = context;
    struct dns_socket *socket = find_socket(s, fd);
    if (socket)
        *socket = s->list[--s->n];
    return close(fd);
}

/* The server of this address; servers->n if there is none. */
static size_t server_of(const struct dns_sockets *s, const struct sockaddr *sa)
{
    struct netaddr addr;
    uint16_t port = sa->sa_family == AF_INET
                        ? ((const struct sockaddr_in *)(const void *)sa)->sin_port
                        : ((const struct sockaddr_in6 *)(const void *)sa)->sin6_port;
    size_t i = 0;
    if (!netaddr_from_sockaddr(sa, &addr))
        return s->servers->n;
    while (i < s->servers->n && (!netaddr_eq(&s->servers->list[i].addr, &addr) ||
                                 s->servers->list[i].port != ntohs(port)))
        i++;
    return i;
}

static bool is_udp(int fd)
{
    int type = 0;
    socklen_t n = sizeof type;
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) == 0 && type == SOCK_DGRAM;
}

static int connect_socket(ares_socket_t fd, const struct sockaddr *sa, ares_socklen_t n,
                          void *context)
{
    struct dns_sockets *s = context;
    size_t server = server_of(s, sa);
    struct sockaddr_in6 scoped;
    if (server == s->servers->n)
        return connect(fd, sa, n);
    if (s->n < DNS_SOCKETS_MAX)
        s->list[s->n++] = (struct dns_socket){fd, server, is_udp(fd)};
    if (!s->servers->list[server].scope || n > sizeof scoped)
        return connect(fd, sa, n);
    memcpy(&scoped, sa, n);
    scoped.sin6_scope_id = s->servers->list[server].scope;
    return connect(fd, (const struct sockaddr *)&scoped, n);
}

/* False if the query was sent again and the packet is done with. */
static bool take_packet(struct dns_sockets *s, const struct dns_socket *socket, uint8_t *packet,
                        size_t n)
{
    if (n < DNS_PACKET_HEADER || !dns_packet_denies_edns(packet))
        return true;
    struct dns_sent *sent = s->find(s->context, packet, n);
    if (!sent || sent->plain) {
        /* c-ares would take an OPT record away from it, which it has not. */
        dns_packet_make_servfail(packet);
        return true;
    }
    uint8_t query[DNS_PACKET_QUERY_MAX];
    memcpy(query, sent->query, sent->n);
    dns_sockets_note_plain(s, socket->server);
    sent->plain = true;
    return send(socket->fd, query, dns_packet_drop_opt(query, sent->n), MSG_NOSIGNAL) < 0;
}

static ares_ssize_t receive(ares_socket_t fd, void *data, size_t size, int flags,
                            struct sockaddr *from, ares_socklen_t *from_n, void *context)
{
    struct dns_sockets *s = context;
    const struct dns_socket *socket = find_socket(s, fd);
    ssize_t n = recvfrom(fd, data, size, flags, from, from_n);
    if (socket)
        s->last = socket->server;
    if (n > 0 && socket && socket->udp && !take_packet(s, socket, data, (size_t)n)) {
        errno = EAGAIN;
        return -1;
    }
    return n;
}

/* A query over UDP, in one piece. */
static ares_ssize_t send_datagram(struct dns_sockets *s, const struct dns_socket *socket,
                                  const struct iovec *part)
{
    uint8_t query[DNS_PACKET_QUERY_MAX];
    bool plain = dns_sockets_plain(s, socket->server);
    struct dns_sent *sent = s->find(s->context, part->iov_base, part->iov_len);
    if (sent)
        sent->plain = plain;
    if (!plain || !sent || part->iov_len > sizeof query)
        return send(socket->fd, part->iov_base, part->iov_len, MSG_NOSIGNAL);
    memcpy(query, part->iov_base, part->iov_len);
    ssize_t n = send(socket->fd, query, dns_packet_drop_opt(query, part->iov_len), MSG_NOSIGNAL);
    return n < 0 ? n : (ares_ssize_t)part->iov_len;
}

static ares_ssize_t send_parts(ares_socket_t fd, const struct iovec *parts, int n, void *context)
{
    struct dns_sockets *s = context;
    const struct dns_socket *socket = find_socket(s, fd);
    if (socket && socket->udp && n == 1)
        return send_datagram(s, socket, parts);
    struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)parts, .msg_iovlen = (size_t)n};
    return sendmsg(fd, &message, MSG_NOSIGNAL);
}

void dns_sockets_attach(struct dns_sockets *s, ares_channel channel)
{
    static const struct ares_socket_functions functions = {open_socket, close_socket,
                                                           connect_socket, receive, send_parts};
    ares_set_socket_functions(channel, &functions, s);
}
