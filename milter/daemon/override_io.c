/* override_io.c - libmilter's connections: few system calls for many packets.
 *
 * libmilter reads a packet with three polls and two reads, and a message has dozens of packets.
 * Here one poll and one read take what the MTA has sent so far, and the packets come from that. An
 * answer is written without the question whether it can be, and changes to a header leave together
 * with the answer behind them. A message with twenty header fields takes 15 system calls, not 147.
 *
 * Only connections that libmilter accepted are treated so. What was read or held belongs to the
 * thread, not to the connection: libmilter gives a connection to another thread only when poll()
 * says that there is nothing to read, and ends each run of changes with an answer.
 *
 * Errors: those of the functions they stand for. */
#undef _FORTIFY_SOURCE /* with it the headers define read() and poll() themselves */

#include "milter/daemon/override.h"

#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>

#define DESCRIPTORS (1 << 16) /* beyond these everything works, and costs what it used to */
#define AHEAD       8192      /* most headers; the rest of a body goes where libmilter wants it */
#define HELD        4096      /* an Authentication-Results and a Received-SPF or two */
#define BRIEF_MS    1         /* libmilter looks so long for another packet before it goes on */
#define PARTS       2         /* libmilter's: the head of a packet and its data */

static struct {
    int (*accept)(int, struct sockaddr *, socklen_t *);
    int (*poll)(struct pollfd *, nfds_t, int);
    ssize_t (*read)(int, void *, size_t);
    ssize_t (*writev)(int, const struct iovec *, int);
    int (*close)(int);
} libc;

static atomic_bool is_connection[DESCRIPTORS];
static bool acknowledge_at_once;

/* What this thread does with its connection. */
static _Thread_local struct {
    int fd; /* whose bytes these are; 0: this thread has served no connection */
    bool readable, full;
    size_t at, read, held;
    char ahead[AHEAD], out[HELD];
} mine;

void override_acknowledge_at_once(void)
{
    acknowledge_at_once = true;
}

void override_find(const char *name, void *function)
{
    void *symbol = dlsym(RTLD_NEXT, name);
    memcpy(function, &symbol, sizeof symbol);
}

static void find_all(void)
{
    override_find("accept", &libc.accept);
    override_find("poll", &libc.poll);
    override_find("read", &libc.read);
    override_find("writev", &libc.writev);
    override_find("close", &libc.close);
}

static void need_libc(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, find_all);
}

/* --- Which descriptors -------------------------------------------------------------------------*/

static bool ours(int fd)
{
    return fd >= 0 && fd < DESCRIPTORS &&
           atomic_load_explicit(&is_connection[fd], memory_order_relaxed);
}

static void mark(int fd, bool connection)
{
    if (fd >= 0 && fd < DESCRIPTORS)
        atomic_store_explicit(&is_connection[fd], connection, memory_order_relaxed);
}

/* May this thread keep bytes of fd? Not while it has some of another one. */
static bool take(int fd)
{
    if (mine.fd != fd && (mine.at < mine.read || mine.held))
        return false;
    if (mine.fd != fd)
        mine.readable = mine.full = false;
    mine.fd = fd;
    return true;
}

int accept(int listening, __SOCKADDR_ARG address, socklen_t *n)
{
    need_libc();
    int fd = libc.accept(listening, address.__sockaddr__, n);
    mark(fd, true);
    return fd;
}

int close(int fd)
{
    need_libc();
    if (ours(fd)) {
        mark(fd, false);
        if (mine.fd == fd) {
            mine.at = mine.read = mine.held = 0;
            mine.readable = mine.full = false;
        }
    }
    return libc.close(fd);
}

/* --- Reading -----------------------------------------------------------------------------------*/

/* Is the answer of poll() known? A connection can be written to until a write says otherwise. */
static bool known(const struct pollfd *p)
{
    if (p->events == POLLOUT)
        return !mine.full;
    return p->events & POLLIN && (mine.at < mine.read || mine.readable);
}

static int wait_for(struct pollfd *fds, nfds_t n, int timeout)
{
    bool worker = mine.fd > 0;
    if (worker && timeout > BRIEF_MS && override_command_left()) {
        int ready = libc.poll(fds, n, 0);
        if (ready)
            return ready;
        override_give_way();
    }
    return libc.poll(fds, n, timeout);
}

int poll(struct pollfd *fds, nfds_t n, int timeout)
{
    need_libc();
    if (n != 1 || !ours(fds->fd) || !take(fds->fd))
        return wait_for(fds, n, timeout);
    if (known(fds)) {
        fds->revents = fds->events & (POLLIN | POLLOUT);
        return 1;
    }
    int ready = wait_for(fds, n, timeout);
    if (ready == 1)
        mine.readable = fds->revents == POLLIN;
    return ready;
}

static ssize_t take_from_ahead(void *to, size_t n)
{
    size_t there = mine.read - mine.at, some = there < n ? there : n;
    memcpy(to, mine.ahead + mine.at, some);
    mine.at += some;
    return (ssize_t)some;
}

ssize_t read(int fd, void *to, size_t n)
{
    need_libc();
    if (!ours(fd) || !take(fd))
        return libc.read(fd, to, n);
    if (mine.at < mine.read)
        return take_from_ahead(to, n);
    mine.readable = false;
    if (n >= AHEAD)
        return libc.read(fd, to, n);
    ssize_t came = libc.read(fd, mine.ahead, AHEAD);
    mine.at = 0;
    mine.read = came > 0 ? (size_t)came : 0;
    return came > 0 ? take_from_ahead(to, n) : came;
}

/* --- Writing -----------------------------------------------------------------------------------*/

/* An MTA writes its commands in pieces with Nagle's algorithm on: a piece waits until the one
 * before is acknowledged, and from an answer on Linux takes a connection for a dialogue, in which
 * it delays acknowledgements by 40 ms. TCP_QUICKACK ends that, until the next answer. */
static void acknowledge(int fd)
{
    static const int on = 1;
    int reason = errno;
    if (acknowledge_at_once)
        setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
    errno = reason;
}

/* A packet that changes the header, and not the rest of one; behind the last comes an answer. */
static bool is_change(const struct iovec *parts, int n)
{
    if (n != PARTS || parts->iov_len != MILTER_LEN_BYTES + 1)
        return false;
    char command = ((const char *)parts->iov_base)[MILTER_LEN_BYTES];
    return command == SMFIR_INSHEADER || command == SMFIR_CHGHEADER;
}

static ssize_t hold(const struct iovec *parts, int n)
{
    size_t before = mine.held;
    for (int i = 0; i < n; i++) {
        memcpy(mine.out + mine.held, parts[i].iov_base, parts[i].iov_len);
        mine.held += parts[i].iov_len;
    }
    return (ssize_t)(mine.held - before);
}

/* Without waiting at first: if nothing goes, libmilter asks poll(), now in earnest, and then again
 * for this, which may wait as a writev() of its own would. */
static ssize_t send_with_held(int fd, const struct iovec *parts, int n)
{
    struct iovec all[PARTS + 1] = {{mine.out, mine.held}};
    memcpy(all + 1, parts, (size_t)n * sizeof *parts);
    struct msghdr message = {.msg_iov = all, .msg_iovlen = (size_t)n + 1};
    ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL | (mine.full ? 0 : MSG_DONTWAIT));
    mine.full = sent < 0 && errno == EAGAIN;
    if (sent < 0)
        return sent;
    size_t of_held = (size_t)sent < mine.held ? (size_t)sent : mine.held;
    memmove(mine.out, mine.out + of_held, mine.held - of_held);
    mine.held -= of_held;
    return sent - (ssize_t)of_held;
}

ssize_t writev(int fd, const struct iovec *parts, int n)
{
    need_libc();
    if (!ours(fd) || n > PARTS || !take(fd))
        return libc.writev(fd, parts, n);
    size_t size = 0;
    for (int i = 0; i < n; i++)
        size += parts[i].iov_len;
    if (is_change(parts, n) && mine.held + size <= HELD)
        return hold(parts, n);
    ssize_t sent = send_with_held(fd, parts, n);
    if (sent > 0)
        acknowledge(fd);
    return sent;
}
