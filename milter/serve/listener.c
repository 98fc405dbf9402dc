/* listener.c - listening sockets: which clients are let in.
 *
 * Errors: a connection for which there is no descriptor, or no room at this door, is closed at
 * once, counted and logged; the socket goes on. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/counters.h"
#include "base/log.h"
#include "milter/serve/internal.h"

static atomic_uint *find_count(const struct serve *s, struct listener *fresh)
{
    for (struct listener *l = s->listeners; l; l = l->next)
        if (l->door.protocol == fresh->door.protocol && l->door.context == fresh->door.context)
            return l->connections;
    return &fresh->own_connections;
}

/* What its connections inherit: answers leave at once; a client that vanished without a word is
 * found. */
static void tune(int fd)
{
    static const struct {
        int level, name, value;
    } options[] = {{IPPROTO_TCP, TCP_NODELAY, 1},
                   {SOL_SOCKET, SO_KEEPALIVE, 1},
                   {IPPROTO_TCP, TCP_KEEPIDLE, 120},
                   {IPPROTO_TCP, TCP_KEEPINTVL, 30},
                   {IPPROTO_TCP, TCP_KEEPCNT, 4}};
    int family = AF_UNSPEC;
    socklen_t size = sizeof family;
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size) || family == AF_UNIX)
        return;
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        setsockopt(fd, options[i].level, options[i].name, &options[i].value,
                   sizeof options[i].value);
}

bool serve_listen(struct serve *s, int fd, const struct serve_door *door)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK))
        return false;
    tune(fd);
    struct listener *l = calloc(1, sizeof *l);
    if (!l)
        abort();
    l->source = SOURCE_LISTENER;
    l->fd = fd;
    l->door = *door;
    l->connections = find_count(s, l);
    l->next = s->listeners;
    s->listeners = l;
    if (door->protocol->frame_max > s->frame_max)
        s->frame_max = door->protocol->frame_max;
    return true;
}

static void refuse_client(struct listener *l, int fd, const char *why)
{
    static struct log_pace pace;
    unsigned held_back;
    counter_inc(CTR_CONNECTIONS_REFUSED);
    if (log_pace(&pace, &held_back))
        log_warning("a %s connection is refused: %s (and %u more since the last such line)",
                    l->door.protocol->name, why, held_back);
    if (fd >= 0)
        close(fd);
}

/* NULL: it is not let in; where that is the protocol's will, it has said why. */
static struct serve_connection *admit(struct serve *s, struct listener *l, int fd,
                                      const union peer_address *address)
{
    struct serve_connection *c = NULL;
    if (atomic_fetch_add(l->connections, 1) >= l->door.connections_max)
        refuse_client(l, fd, "too many are open");
    else if (!(c = connection_open(s, l, fd, address)))
        close(fd);
    if (!c)
        atomic_fetch_sub(l->connections, 1);
    return c;
}

/* No descriptor is left, and the kernel says so before it looks whether a client is there: the
 * reserve makes room to take the connection and to close it, so that its peer knows. False: it
 * still waits. */
static bool take_and_refuse(struct serve *s, struct listener *l)
{
    const char *why = strerror(errno);
    pthread_mutex_lock(&s->reserve_lock);
    if (s->reserve_fd >= 0)
        close(s->reserve_fd);
    int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC);
    bool waits = fd < 0 && errno != EAGAIN;
    if (fd >= 0)
        close(fd);
    s->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    pthread_mutex_unlock(&s->reserve_lock);
    if (fd >= 0)
        refuse_client(l, -1, why);
    return !waits;
}

static bool is_lack(int reason)
{
    return reason == EMFILE || reason == ENFILE || reason == ENOBUFS || reason == ENOMEM;
}

static void watch_listener(struct serve *s, struct listener *l)
{
    if (!atomic_load(&s->stopping))
        loop_watch(s, l->fd, EPOLLIN | EPOLLONESHOT, &l->source, false);
}

/* Others are let in by whoever is free while this one is served: its first command came with it. */
void listener_ready(struct worker *w, struct serve *s, struct listener *l)
{
    struct serve_connection *c = NULL;
    union peer_address address = {.any.sa_family = AF_UNSPEC};
    socklen_t size = sizeof address;
    int fd = accept4(l->fd, &address.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        c = admit(s, l, fd, &address);
    } else if (is_lack(errno) && !take_and_refuse(s, l)) {
        atomic_store(&l->paused, true); /* the clock tries again */
        return;
    } /* else that connection has gone already */
    watch_listener(s, l);
    if (c)
        connection_ready(w, c);
}

void listener_resume(struct serve *s, struct listener *l)
{
    if (atomic_exchange(&l->paused, false))
        watch_listener(s, l);
}
