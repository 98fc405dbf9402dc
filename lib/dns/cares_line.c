/* cares_line.c - the channels of c-ares: one that asks all resolvers over UDP, and for each that
 * gave a truncated answer some over TCP.
 *
 * Errors: c-ares's status. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "dns/cares.h"

uint64_t cares_event_data(uint32_t line, int fd)
{
    return (uint64_t)line << 32 | (uint32_t)fd;
}

/* c-ares tells which descriptors it wants to hear of; no direction means that it closes this one.
 */
static void on_socket(void *arg, ares_socket_t fd, int readable, int writable)
{
    const struct cares_line *line = arg;
    const struct cares_upstream *u = line->upstream;
    int epoll = u->cares->epoll;
    struct epoll_event event = {.data.u64 = cares_event_data((uint32_t)(line - u->lines), fd)};
    event.events = (readable ? EPOLLIN : 0U) | (writable ? EPOLLOUT : 0U);
    if (event.events == 0)
        epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL);
    else if (epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event) != 0 && errno == ENOENT)
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static int set_servers(ares_channel channel, struct arena *a, const struct dns_server *servers,
                       size_t n)
{
    struct ares_addr_port_node *nodes = arena_array(a, struct ares_addr_port_node, n);
    for (size_t i = 0; i < n; i++) {
        const struct netaddr *addr = &servers[i].addr;
        nodes[i].next = i + 1 < n ? &nodes[i + 1] : NULL;
        nodes[i].family = addr->family == 4 ? AF_INET : AF_INET6;
        memcpy(&nodes[i].addr, addr->bytes, addr->family == 4 ? 4 : 16);
        nodes[i].udp_port = nodes[i].tcp_port = servers[i].port;
    }
    return ares_set_servers_ports(channel, nodes);
}

/* Opens a line to `n` servers from number `first` on. c-ares doubles a server's time with each
 * round, so the whole is servers * (2^tries - 1) times the first. */
static int open_line(struct cares_line *line, int flags, int tries, size_t first, size_t n)
{
    struct cares_upstream *u = line->upstream;
    struct ares_options o = {
        .flags = flags,
        .ednspsz = DNS_PACKET_UDP_SIZE,
        .tries = tries,
        .sock_state_cb = on_socket,
        .sock_state_cb_data = line,
    };
    int64_t parts = (int64_t)n * ((1 << tries) - 1);
    o.timeout = (int)((u->cares->settings.timeout_ms + parts - 1) / parts);
    int rc = ares_init_options(&line->channel, &o,
                               ARES_OPT_FLAGS | ARES_OPT_EDNSPSZ | ARES_OPT_TRIES |
                                   ARES_OPT_TIMEOUTMS | ARES_OPT_SOCK_STATE_CB | ARES_OPT_NOROTATE);
    if (rc != ARES_SUCCESS) {
        line->channel = NULL;
        return rc;
    }
    rc = set_servers(line->channel, u->arena, u->servers.list + first, n);
    if (rc == ARES_SUCCESS) {
        dns_sockets_attach(&u->sockets, line->channel);
        return rc;
    }
    ares_destroy(line->channel);
    line->channel = NULL;
    return rc;
}

struct cares_line *cares_tcp_line(struct cares_upstream *u, size_t server)
{
    struct cares_line *lines = &u->lines[1 + server * DNS_CONNECTIONS_MAX], *line = lines;
    for (size_t i = 1; i < DNS_CONNECTIONS_MAX; i++)
        if (lines[i].under_way < line->under_way)
            line = &lines[i];
    if (!line->channel)
        open_line(line, ARES_FLAG_USEVC | ARES_FLAG_NOCHECKRESP, 1, server, 1);
    return line->channel ? line : NULL;
}

/* Ends all channels, and with them what is under way. */
void cares_upstream_free(struct cares_upstream *u)
{
    for (size_t i = 0; i < u->n_lines; i++)
        if (u->lines[i].channel)
            ares_destroy(u->lines[i].channel);
    arena_free(u->arena);
}

/* A single resolver is asked three times, several twice each. NULL, and *rc. The servers are in
 * `a`, which becomes the upstream's. */
struct cares_upstream *cares_upstream_new(struct cares *c, const struct dns_servers *servers,
                                          struct arena *a, int *rc)
{
    struct cares_upstream *u = arena_make(a, struct cares_upstream);
    bool single = servers->n == 1;
    *u = (struct cares_upstream){.arena = a, .cares = c, .servers = *servers};
    u->sockets =
        (struct dns_sockets){.servers = &u->servers, .find = cares_find_sent, .context = c};
    u->sockets.plain_until = arena_array(a, int64_t, servers->n);
    u->n_lines = 1 + servers->n * DNS_CONNECTIONS_MAX;
    u->lines = arena_array(a, struct cares_line, u->n_lines);
    for (size_t i = 0; i < u->n_lines; i++)
        u->lines[i].upstream = u;
    int flags = ARES_FLAG_EDNS | ARES_FLAG_IGNTC | (single ? ARES_FLAG_NOCHECKRESP : 0);
    *rc = open_line(&u->lines[0], flags, single ? 3 : 2, 0, servers->n);
    if (*rc == ARES_SUCCESS)
        return u;
    arena_free(a);
    return NULL;
}
