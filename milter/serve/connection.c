/* connection.c - one connection: bytes in, frames to the protocol, answers out.
 *
 * Errors: a peer that sends what is no frame, or is silent for too long, or takes no answer, loses
 * its connection, with one line in the log. */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/counters.h"
#include "base/log.h"
#include "milter/serve/internal.h"

/* What a connection may have before others have their turn: so many reads in a row, two messages of
 * a quick MTA, and so many commands, since thousands of short ones, all sent at once, fit into the
 * reads. */
#define READS    16
#define COMMANDS 256

/* --- Beginning and end -------------------------------------------------------------------------*/

/* A Unix socket has no address to tell: the process that connected. */
static void name_process(struct serve_connection *c)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0)
        snprintf(c->peer, sizeof c->peer, "process %ld", (long)peer.pid);
    else
        snprintf(c->peer, sizeof c->peer, "unknown");
}

static void name_peer(struct serve_connection *c)
{
    char text[INET6_ADDRSTRLEN] = "";
    if (c->address.any.sa_family == AF_INET) {
        inet_ntop(AF_INET, &c->address.v4.sin_addr, text, sizeof text);
        snprintf(c->peer, sizeof c->peer, "%s:%u", text, ntohs(c->address.v4.sin_port));
    } else if (c->address.any.sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &c->address.v6.sin6_addr, text, sizeof text);
        snprintf(c->peer, sizeof c->peer, "[%s]:%u", text, ntohs(c->address.v6.sin6_port));
    } else {
        name_process(c);
    }
}

static void enlist(struct serve *s, struct serve_connection *c)
{
    pthread_mutex_lock(&s->lock);
    c->behind = s->connections;
    if (c->behind)
        c->behind->before = c;
    s->connections = c;
    s->n_connections++;
    pthread_mutex_unlock(&s->lock);
}

static void delist(struct serve *s, struct serve_connection *c)
{
    pthread_mutex_lock(&s->lock);
    *(c->before ? &c->before->behind : &s->connections) = c->behind;
    if (c->behind)
        c->behind->before = c->before;
    if (--s->n_connections == 0)
        pthread_cond_broadcast(&s->empty);
    pthread_mutex_unlock(&s->lock);
}

static void set_end(struct serve_connection *c, unsigned ms)
{
    atomic_store_explicit(&c->end_us, clock_us() + (int64_t)ms * 1000, memory_order_relaxed);
}

/* The protocol's last word comes before the list forgets the connection: when the list is empty,
 * nothing of any protocol runs any more. The descriptor is closed last: who goes through the list
 * would find somebody else's by its number. */
void connection_end(struct serve_connection *c)
{
    struct listener *l = c->listener;
    if (c->state)
        l->door.protocol->closed(c->state);
    delist(c->serve, c);
    close(c->fd);
    atomic_fetch_sub(l->connections, 1);
    bytes_free(&c->kept);
    bytes_free(&c->unsent);
    budget_return(&c->serve->kept, c->charged);
    free(c);
}

struct serve_connection *connection_open(struct serve *s, struct listener *l, int fd,
                                         const union peer_address *address)
{
    struct serve_connection *c = calloc(1, sizeof *c);
    if (!c)
        abort();
    c->source = SOURCE_CONNECTION;
    c->fd = fd;
    c->serve = s;
    c->listener = l;
    c->address = *address;
    c->tcp = address->any.sa_family == AF_INET || address->any.sa_family == AF_INET6;
    set_end(c, l->door.silence_ms);
    c->state = l->door.protocol->opened(l->door.context, c);
    if (!c->state) {
        free(c);
        return NULL;
    }
    enlist(s, c);
    if (atomic_load(&s->stopping)) /* serve_stop() has looked at the list, perhaps */
        connection_expire(c, INT64_MAX);
    return c;
}

void connection_expire(struct serve_connection *c, int64_t now_us)
{
    if (atomic_load_explicit(&c->end_us, memory_order_relaxed) >= now_us && now_us != INT64_MAX)
        return;
    atomic_store(&c->expired, true);
    shutdown(c->fd, SHUT_RDWR); /* its worker, or the next one, sees the end of the file */
}

void connection_hang_up(struct serve_connection *c)
{
    shutdown(c->fd, SHUT_RD);
}

/* --- Answers -----------------------------------------------------------------------------------*/

/* On Linux a connection with answers counts as a dialogue, in which acknowledgements are delayed by
 * 40 ms, and an MTA that writes its commands in pieces waits for them. */
static void acknowledge(const struct serve_connection *c)
{
    static const int on = 1;
    if (c->tcp)
        setsockopt(c->fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

/* Bytes that went, or -1 if the connection is gone. */
static ssize_t send_some(const struct serve_connection *c, const char *data, size_t n)
{
    size_t sent = 0;
    while (sent < n) {
        ssize_t went = send(c->fd, data + sent, n - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (went >= 0)
            sent += (size_t)went;
        else if (errno == EAGAIN)
            break;
        else if (errno != EINTR)
            return -1;
    }
    return (ssize_t)sent;
}

/* What was left before goes first. False: the connection is gone. */
static bool flush_output(struct serve_connection *c, struct bytes *out)
{
    if (c->unsent.n) {
        bytes_add(&c->unsent, out->p, out->n);
        out->n = 0;
        ssize_t sent = send_some(c, c->unsent.p, c->unsent.n);
        if (sent < 0)
            return false;
        memmove(c->unsent.p, c->unsent.p + sent, c->unsent.n - (size_t)sent);
        c->unsent.n -= (size_t)sent;
        if (!c->unsent.n)
            bytes_free(&c->unsent);
        return true;
    }
    if (!out->n)
        return true;
    ssize_t sent = send_some(c, out->p, out->n);
    if (sent >= 0 && (size_t)sent < out->n)
        bytes_add(&c->unsent, out->p + sent, out->n - (size_t)sent);
    out->n = 0;
    acknowledge(c);
    return sent >= 0;
}

void serve_send(struct serve_connection *c, const void *data, size_t n)
{
    assert(c->worker);
    bytes_add(&c->worker->out, data, n);
}

void serve_send_now(struct serve_connection *c)
{
    flush_output(c, &c->worker->out); /* a connection that is gone is seen by the next read */
}

/* --- Frames ------------------------------------------------------------------------------------*/

static void complain_of_peer(struct serve_connection *c, const char *problem)
{
    log_warning("%s connection of %s is closed: %s", c->listener->door.protocol->name,
                serve_peer(c), problem);
}

/* The connection keeps so many bytes now. False: all together would keep too many. */
static bool charge_connection(struct serve_connection *c, size_t bytes)
{
    struct serve *s = c->serve;
    size_t most = s->kept_max ? s->kept_max : SIZE_MAX;
    if (bytes == c->charged)
        return true;
    if (bytes < c->charged)
        budget_return(&s->kept, c->charged - bytes);
    else if (!budget_take(&s->kept, bytes - c->charged, most))
        return false;
    c->charged = bytes;
    return true;
}

static bool charge_or_complain(struct serve_connection *c, size_t bytes)
{
    static struct log_pace pace;
    unsigned held_back;
    if (charge_connection(c, bytes))
        return true;
    if (log_pace(&pace, &held_back))
        complain_of_peer(c, "there is no room for all that MTAs have begun to send, or do not take "
                            "(limits.connections); others may be, too");
    return false;
}

/* HELD_BACK: no more commands are carried out until the peer has taken the answers, or others have
 * had their turn. */
enum progress { ALL_HANDLED, HELD_BACK, CLOSES };

/* Hands the whole frames of data to the protocol; *used of its bytes were. */
static enum progress handle_frames(struct serve_connection *c, const char *data, size_t n,
                                   size_t *used)
{
    const struct serve_protocol *protocol = c->listener->door.protocol;
    *used = 0;
    for (;;) {
        const char *problem = NULL;
        ptrdiff_t length = protocol->frame(data + *used, n - *used, &problem);
        if (length < 0) {
            complain_of_peer(c, problem);
            return CLOSES;
        }
        if (length == 0)
            return ALL_HANDLED;
        if (!c->worker->commands)
            return HELD_BACK;
        c->worker->commands--;
        enum serve_next next = protocol->handle(c->state, data + *used, (size_t)length);
        *used += (size_t)length;
        if (next == SERVE_CLOSE) {
            c->closing = true; /* the answer goes first */
            return HELD_BACK;
        }
        if (c->worker->out.n < SERVE_ANSWERS_MAX)
            continue;
        if (!flush_output(c, &c->worker->out))
            return CLOSES;
        if (c->unsent.n)
            return HELD_BACK;
    }
}

enum came { CAME, NOTHING, ENDED };

static enum came take_bytes(struct serve_connection *c, char *to, size_t room, size_t *n)
{
    ssize_t came;
    do
        came = recv(c->fd, to, room, MSG_DONTWAIT);
    while (came < 0 && errno == EINTR);
    *n = came > 0 ? (size_t)came : 0;
    return came > 0 ? CAME : came < 0 && errno == EAGAIN ? NOTHING : ENDED;
}

/* Hands frames over and moves what is left to the front. */
static enum progress handle_buffer(struct worker *w, struct serve_connection *c, size_t *n)
{
    size_t used;
    enum progress progress = handle_frames(c, w->in, *n, &used);
    if (used)
        c->frame_end_us = 0; /* what is left is another frame */
    *n -= used;
    memmove(w->in, w->in + used, *n);
    return progress;
}

/* In no more memory than that takes. */
static void keep_unread(struct serve_connection *c, const char *data, size_t n)
{
    if (n > c->kept.cap)
        bytes_free(&c->kept);
    if (n)
        bytes_add(&c->kept, data, n);
    else
        bytes_free(&c->kept);
    if (n && !c->frame_end_us)
        c->frame_end_us = clock_us() + (int64_t)c->listener->door.frame_ms * 1000;
}

static void note_input(struct worker *w, size_t n)
{
    if (n > w->in_used)
        w->in_used = n;
}

/* Reads what there is, with at most *reads reads, and has it handled; what is no whole frame yet is
 * kept. */
static enum progress read_frames(struct worker *w, struct serve_connection *c, int *reads)
{
    size_t n = c->kept.n;
    enum progress progress = ALL_HANDLED;
    memcpy(w->in, n ? c->kept.p : "", n);
    c->kept.n = 0;
    if (c->held_back)
        progress = handle_buffer(w, c, &n);
    while (progress == ALL_HANDLED && (*reads)-- > 0) {
        size_t came, room = w->in_cap - n < SERVE_READ_MAX ? w->in_cap - n : SERVE_READ_MAX;
        enum came what = take_bytes(c, w->in + n, room, &came);
        if (what == ENDED)
            return CLOSES;
        n += came;
        note_input(w, n);
        if (n > SERVE_READ_MAX && !charge_or_complain(c, n))
            return CLOSES;
        if (what == CAME)
            progress = handle_buffer(w, c, &n);
        if (came < room)
            break;
    }
    c->held_back = progress == HELD_BACK;
    keep_unread(c, w->in, n);
    return progress;
}

/* Nothing is read from a peer that has answers to take first. */
static bool has_to_take(const struct serve_connection *c)
{
    return c->unsent.n || c->held_back;
}

static void watch_connection(struct serve_connection *c)
{
    const struct serve_door *door = &c->listener->door;
    uint32_t events = EPOLLONESHOT | (has_to_take(c) ? EPOLLOUT : EPOLLIN);
    if (c->kept.n && !has_to_take(c))
        atomic_store_explicit(&c->end_us, c->frame_end_us, memory_order_relaxed);
    else
        set_end(c, has_to_take(c) ? door->write_ms : door->silence_ms);
    bool fresh = !c->watched;
    c->worker = NULL;
    c->watched = true;
    /* If this is done another worker may have it, and it may be gone. */
    if (loop_watch(c->serve, c->fd, events, &c->source, fresh))
        return;
    complain_of_peer(c, "the kernel cannot watch it");
    counter_inc(CTR_CONNECTIONS_REFUSED);
    connection_end(c);
}

static void say_expired(struct serve_connection *c)
{
    if (!atomic_load(&c->expired) || atomic_load(&c->serve->stopping))
        return;
    complain_of_peer(c, has_to_take(c) ? "it takes no answers"
                        : c->kept.n    ? "the rest of a command does not come"
                                       : "it was silent for too long");
}

enum turn { ENDS, WAITS, ANSWERED };

static enum turn serve_once(struct worker *w, struct serve_connection *c, int *reads)
{
    if (atomic_load(&c->expired)) {
        say_expired(c);
        return ENDS;
    }
    if (c->unsent.n && !flush_output(c, &w->out))
        return ENDS;
    if (c->unsent.n || c->closing)
        return c->unsent.n ? WAITS : ENDS;
    atomic_store_explicit(&c->end_us, INT64_MAX, memory_order_relaxed);
    bool ended = read_frames(w, c, reads) == CLOSES;
    bool answers = w->out.n > 0;
    bool sent = flush_output(c, &w->out);
    if (ended || !sent || !charge_or_complain(c, c->kept.cap + c->unsent.cap))
        return ENDS;
    if (c->closing && !c->unsent.n)
        return ENDS;
    return answers && !c->unsent.n ? ANSWERED : WAITS;
}

/* A peer that shares our processor runs when the answer comes, and its next command is there when
 * we go on. To look is cheaper than to watch, and no other worker is woken for it. */
void connection_ready(struct worker *w, struct serve_connection *c)
{
    enum turn turn;
    int reads = READS;
    c->worker = w;
    w->out.n = 0;
    w->commands = COMMANDS;
    do
        turn = serve_once(w, c, &reads);
    while (turn == ANSWERED && reads > 0 && w->commands > 0);
    if (turn == ENDS)
        connection_end(c);
    else
        watch_connection(c);
}

/* --- For protocols -----------------------------------------------------------------------------*/

void serve_waits(struct serve_connection *c, bool begins)
{
    if (begins)
        workers_begin_wait(c->serve);
    else
        workers_end_wait(c->serve);
}

const char *serve_peer(struct serve_connection *c)
{
    if (!*c->peer)
        name_peer(c);
    return c->peer;
}

int serve_descriptor(const struct serve_connection *c)
{
    return c->fd;
}
