/* listener.c - listening sockets: which clients are let in.
 *
 * Errors: a connection for which there is no descriptor, or no room at this door, is closed at
 * once, counted and logged; the socket goes on. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/counters.h"
#include "base/log.h"
#include "milter/serve/internal.h"

#define AT_ONCE 16 /* connections that a worker takes before it looks at other events */

static atomic_uint *find_count(const struct serve *s, struct listener *fresh)
{
    for (struct listener *l = s->listeners; l; l = l->next)
        if (l->door.protocol == fresh->door.protocol && l->door.context == fresh->door.context)
            return l->connections;
    return &fresh->own_connections;
}

bool serve_listen(struct serve *s, int fd, const struct serve_door *door)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK))
        return false;
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

static void admit(struct serve *s, struct listener *l, int fd, const union peer_address *address)
{
    if (atomic_fetch_add(l->connections, 1) < l->door.connections_max) {
        if (connection_open(s, l, fd, address))
            return;
        refuse_client(l, fd, "the kernel cannot watch it");
    } else {
        refuse_client(l, fd, "too many are open");
    }
    atomic_fetch_sub(l->connections, 1);
}

enum taking { TAKEN, NOBODY_THERE, NOT_TAKEN };

/* No descriptor is left, and the kernel says so before it looks whether a client is there: the
 * reserve makes room to take the connection and to close it, so that its peer knows. */
static enum taking take_and_refuse(struct serve *s, struct listener *l)
{
    const char *why = strerror(errno);
    pthread_mutex_lock(&s->reserve_lock);
    if (s->reserve_fd >= 0)
        close(s->reserve_fd);
    int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC);
    enum taking taking = fd >= 0 ? TAKEN : errno == EAGAIN ? NOBODY_THERE : NOT_TAKEN;
    if (fd >= 0)
        close(fd);
    s->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    pthread_mutex_unlock(&s->reserve_lock);
    if (taking == TAKEN)
        refuse_client(l, -1, why);
    return taking;
}

static bool is_lack(int reason)
{
    return reason == EMFILE || reason == ENFILE || reason == ENOBUFS || reason == ENOMEM;
}

void listener_ready(struct serve *s, struct listener *l)
{
    for (int i = 0; i < AT_ONCE; i++) {
        union peer_address address = {.any.sa_family = AF_UNSPEC};
        socklen_t size = sizeof address;
        int fd = accept4(l->fd, &address.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            admit(s, l, fd, &address);
        } else if (is_lack(errno)) {
            enum taking taking = take_and_refuse(s, l);
            if (taking == NOBODY_THERE)
                break;
            if (taking == TAKEN)
                continue;
            atomic_store(&l->paused, true); /* the clock tries again */
            return;
        } else if (errno == EAGAIN || errno == EBADF || errno == EINVAL) {
            break;
        } /* else that connection has gone already */
    }
    if (!atomic_load(&s->stopping))
        loop_watch(s, l->fd, EPOLLIN | EPOLLONESHOT, &l->source, false);
}

void listener_resume(struct serve *s, struct listener *l)
{
    if (atomic_exchange(&l->paused, false) && !atomic_load(&s->stopping))
        loop_watch(s, l->fd, EPOLLIN | EPOLLONESHOT, &l->source, false);
}
