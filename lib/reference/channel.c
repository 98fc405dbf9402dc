/* channel.c - a conversation that cannot take longer than it may.
 *
 * Errors: a status; after any but CHANNEL_OK the worker is of no more use. Sockets are never waited
 * for but in poll(), so a worker that neither reads nor writes costs its time and no more. What it
 * sends is stored as it comes: the length that a frame claims reserves nothing. */
#include "reference/channel.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"

#define TICK_US  1000000 /* between two calls of `waiting` */
#define READ_MIN 4096U

static void tell_waiting(struct channel *c, int64_t now)
{
    if (now < c->waiting_at)
        return;
    c->waiting_at = now + TICK_US;
    if (c->waiting)
        c->waiting(c->waiting_context);
}

/* Until the socket is ready for these events, or has an error, which the next call will tell. */
static enum channel_status await(struct channel *c, short events)
{
    struct pollfd socket = {.fd = c->fd, .events = events};
    int64_t now = clock_us();
    if (!c->waiting_at)
        c->waiting_at = now + TICK_US;
    while (c->left_us > 0) {
        int64_t tick = c->waiting_at - now, limit = c->left_us < tick ? c->left_us : tick;
        int ready = poll(&socket, 1, limit > 0 ? (int)((limit + 999) / 1000) : 0);
        int64_t before = now;
        now = clock_us();
        c->left_us -= now - before;
        c->used_us += now - before;
        if (ready > 0)
            return CHANNEL_OK;
        tell_waiting(c, now);
        now = clock_us();
    }
    return CHANNEL_SLOW;
}

/* After a system call on the socket that failed. */
static enum channel_status recover(struct channel *c, short events)
{
    if (errno == EINTR)
        return CHANNEL_OK;
    return errno == EAGAIN || errno == EWOULDBLOCK ? await(c, events) : CHANNEL_ENDED;
}

/* Takes n bytes off the front of what is to be sent. */
static void advance(struct iovec **parts, size_t *count, size_t n)
{
    while (*count && n >= (*parts)->iov_len) {
        n -= (*parts)->iov_len;
        (*parts)++;
        (*count)--;
    }
    if (*count) {
        (*parts)->iov_base = (char *)(*parts)->iov_base + n;
        (*parts)->iov_len -= n;
    }
}

enum channel_status channel_send(struct channel *c, struct iovec *parts, size_t n)
{
    enum channel_status status = CHANNEL_OK;
    while (n && status == CHANNEL_OK) {
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = n < IOV_MAX ? n : IOV_MAX};
        ssize_t sent = sendmsg(c->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent >= 0)
            advance(&parts, &n, (size_t)sent);
        else
            status = recover(c, POLLOUT);
    }
    return status;
}

static enum channel_status read_more(struct channel *c)
{
    if (c->cap - c->n < READ_MIN) {
        size_t cap = 2 * c->cap + READ_MIN;
        c->in = arena_grow(c->arena, c->in, c->cap, cap);
        c->cap = cap;
    }
    enum channel_status status = await(c, POLLIN);
    if (status != CHANNEL_OK)
        return status;
    ssize_t got = recv(c->fd, c->in + c->n, c->cap - c->n, MSG_DONTWAIT);
    if (got < 0)
        return recover(c, POLLIN);
    c->n += (size_t)got;
    return got ? CHANNEL_OK : CHANNEL_ENDED;
}

enum channel_status channel_receive(struct channel *c, struct frame *frame)
{
    size_t need;
    if (c->taken)
        memmove(c->in, c->in + c->taken, c->n - c->taken);
    c->n -= c->taken;
    c->taken = 0;
    for (;;) {
        switch (frame_take(FRAME_FROM_WORKER, (struct str){c->in, c->n}, frame, &need)) {
        case FRAME_WHOLE:
            c->taken = need;
            return CHANNEL_OK;
        case FRAME_BAD:
            return CHANNEL_BROKEN;
        case FRAME_PARTIAL:
            break;
        }
        enum channel_status status = read_more(c);
        if (status != CHANNEL_OK)
            return status;
    }
}

bool channel_has_more(const struct channel *c)
{
    return c->n > c->taken;
}
