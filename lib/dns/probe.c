/* probe.c - asks resolvers for the root's own name, over UDP and over TCP.
 *
 * Every resolver knows the root, and one that validates has validated it.
 *
 * Errors: none; what cannot be sent counts as no answer. */
#include "dns/probe.h"

#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "dns/packet.h"

#define AGAIN_US 1000000 /* a packet may get lost */

/* One way to one resolver. */
struct way {
    struct dns_probe *probe;
    bool tcp, connected, done;
    int fd;                                  /* -1: there is no way */
    uint8_t query[2 + DNS_PACKET_QUERY_MAX]; /* behind its length */
    size_t n;
    uint8_t answer[2 + 4096];
    size_t got;
};

static socklen_t address_of(const struct dns_server *server, struct sockaddr_storage *out)
{
    memset(out, 0, sizeof *out);
    if (server->addr.family == 4) {
        struct sockaddr_in *v4 = (struct sockaddr_in *)out;
        v4->sin_family = AF_INET;
        v4->sin_port = htons(server->port);
        memcpy(&v4->sin_addr, server->addr.bytes, 4);
        return sizeof *v4;
    }
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(server->port);
    v6->sin6_scope_id = server->scope;
    memcpy(&v6->sin6_addr, server->addr.bytes, 16);
    return sizeof *v6;
}

static void way_open(struct way *w)
{
    static const struct dns_question root = {.type = DNS_MX, .name = {.n = 1}};
    struct sockaddr_storage address;
    socklen_t length = address_of(&w->probe->server, &address);
    uint16_t id = 0;
    if (getrandom(&id, sizeof id, 0) != sizeof id)
        id = 1;
    w->n = dns_packet_query(w->query + 2, &root, id, 0);
    w->query[0] = (uint8_t)(w->n >> 8);
    w->query[1] = (uint8_t)w->n;
    int kind = w->tcp ? SOCK_STREAM : SOCK_DGRAM;
    w->fd = socket(address.ss_family, kind | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (w->fd >= 0 && connect(w->fd, (const struct sockaddr *)&address, length) && !w->tcp) {
        close(w->fd);
        w->fd = -1;
    }
    w->done = w->fd < 0;
}

static void way_send(struct way *w)
{
    const uint8_t *from = w->tcp ? w->query : w->query + 2;
    size_t n = w->tcp ? w->n + 2 : w->n;
    if (send(w->fd, from, n, MSG_NOSIGNAL) == (ssize_t)n)
        w->connected = true;
    else if (w->tcp)
        w->done = true;
}

/* The answer says what the resolver can. */
static void way_read(struct way *w, const uint8_t *packet, size_t n)
{
    if (n < DNS_PACKET_HEADER || dns_packet_id(packet) != dns_packet_id(w->query + 2))
        return;
    w->done = true;
    if (w->tcp) {
        w->probe->tcp = true;
        return;
    }
    w->probe->udp = true;
    w->probe->edns = (packet[10] || packet[11]) && !dns_packet_denies_edns(packet);
    w->probe->authentic = packet[3] & 0x20;
}

static void way_receive(struct way *w)
{
    ssize_t n = recv(w->fd, w->answer + w->got, sizeof w->answer - w->got, 0);
    if (n <= 0) { /* refused, or closed without an answer */
        w->done = true;
        return;
    }
    if (!w->tcp) {
        way_read(w, w->answer, (size_t)n);
        return;
    }
    w->got += (size_t)n;
    size_t all = w->got < 2 ? 0 : (size_t)w->answer[0] << 8 | w->answer[1];
    if (w->got == sizeof w->answer || (all && w->got >= all + 2))
        way_read(w, w->answer + 2, w->got - 2);
}

/* True if something is still awaited. */
static bool wait_once(struct way *ways, size_t n, int64_t until_us)
{
    struct pollfd fds[2 * DNS_PROBES_MAX];
    bool open = false;
    for (size_t i = 0; i < n; i++) {
        short events = ways[i].tcp && !ways[i].connected ? POLLOUT : POLLIN;
        fds[i] = (struct pollfd){.fd = ways[i].done ? -1 : ways[i].fd, .events = events};
        open = open || !ways[i].done;
    }
    int64_t left = until_us - clock_us();
    if (!open || left <= 0 || poll(fds, n, (int)(left / 1000) + 1) <= 0)
        return open && left > 0;
    for (size_t i = 0; i < n; i++) {
        if (fds[i].fd < 0 || !fds[i].revents)
            continue;
        if (fds[i].revents & POLLOUT && !(fds[i].revents & (POLLERR | POLLHUP)))
            way_send(&ways[i]);
        else
            way_receive(&ways[i]);
    }
    return true;
}

static void wait_all(struct way *ways, size_t n, int64_t until_us)
{
    while (wait_once(ways, n, until_us))
        continue;
}

void dns_probe(struct dns_probe *probes, size_t n, int64_t timeout_us)
{
    struct way ways[2 * DNS_PROBES_MAX];
    int64_t begin = clock_us(), end = begin + timeout_us;
    memset(ways, 0, sizeof ways);
    n = n < DNS_PROBES_MAX ? n : DNS_PROBES_MAX;
    for (size_t i = 0; i < 2 * n; i++) {
        ways[i].probe = &probes[i / 2];
        ways[i].tcp = i % 2;
        way_open(&ways[i]);
        if (!ways[i].tcp && !ways[i].done)
            way_send(&ways[i]);
    }
    if (timeout_us > AGAIN_US) {
        wait_all(ways, 2 * n, begin + AGAIN_US);
        for (size_t i = 0; i < 2 * n; i += 2)
            if (!ways[i].done)
                way_send(&ways[i]);
    }
    wait_all(ways, 2 * n, end);
    for (size_t i = 0; i < 2 * n; i++)
        if (ways[i].fd >= 0)
            close(ways[i].fd);
}
