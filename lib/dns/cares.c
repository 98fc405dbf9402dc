/* cares.c - asks the given resolvers through c-ares.
 *
 * One thread owns the channel, which c-ares does not share between threads; questions come to it
 * over a queue and an eventfd. Messages go and come raw (dns/packet): c-ares keeps time, asks
 * again, turns to the next resolver, leaves EDNS out for those that do not know it, and takes
 * truncated answers over TCP.
 *
 * Letters are sent in random case, which an answer has to repeat: with a resolver across a network,
 * whoever wants to forge an answer has to guess them besides the id. A resolver that does not keep
 * the case is asked once more, all in lower case.
 *
 * Errors: a phrase when it cannot be opened; later, DNS_SERVFAIL or DNS_TIMEOUT for a question. */
#include <ares.h>
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "dns/inbox.h"
#include "dns/packet.h"
#include "dns/servers.h"

#define FOLLOW_MAX     8 /* further questions for one, where a resolver gives half a chain */
#define RECEIVE_BUFFER (1 << 20)
#define EVENTS_MAX     16

struct cares;

/* A question on its way. */
struct job {
    struct dns_inbox_item item; /* first, so that an item is its job */
    struct cares *cares;
    struct dns_entry *entry;
    struct dns_question question; /* the entry's; later the target of its CNAMEs */
    int64_t deadline_us;
    unsigned followed;
    uint32_t ttl;   /* the lowest along the chain */
    bool authentic; /* all along the chain */
    bool lower;     /* asked without random case */
    uint8_t query[DNS_PACKET_QUERY_MAX];
};

struct cares {
    struct dns_backend base;
    ares_channel channel; /* the thread's own from its start to its end */
    pthread_t thread;
    struct dns_inbox inbox;
    int epoll;
    int64_t timeout_us;
    bool trust_ad;
    struct arena *scratch;

    struct random {
        uint16_t words[256];
        size_t left;
    } random;
};

/* --- one question --- */

static uint16_t random_word(struct random *r)
{
    if (r->left == 0) {
        if (getrandom(r->words, sizeof r->words, 0) != (ssize_t)sizeof r->words)
            abort();
        r->left = sizeof r->words / sizeof r->words[0];
    }
    return r->words[--r->left];
}

static void finish(struct job *job, struct dns_reply *reply)
{
    dns_entry_finish(job->entry, reply);
    free(job);
}

static void on_answer(void *arg, int status, int timeouts, unsigned char *packet, int n);

static void send_query(struct job *job)
{
    struct random *r = &job->cares->random;
    uint64_t cases = 0;
    for (int i = 0; i < 4 && !job->lower; i++)
        cases = cases << 16 | random_word(r);
    size_t n = dns_packet_query(job->query, &job->question, random_word(r), cases);
    ares_send(job->cares->channel, job->query, (int)n, on_answer, job);
}

static enum dns_status status_of(int ares_status)
{
    switch (ares_status) {
    case ARES_ETIMEOUT:
    case ARES_EDESTRUCTION:
    case ARES_ECANCELLED:
        return DNS_TIMEOUT;
    default:
        return DNS_SERVFAIL;
    }
}

/* The chain goes on where this answer ends; false if it has gone far enough. */
static bool follow(struct job *job, const struct dns_name *target)
{
    if (job->followed == FOLLOW_MAX || clock_us() >= job->deadline_us)
        return false;
    job->followed++;
    job->question.name = *target;
    job->lower = false;
    send_query(job);
    return true;
}

static void on_packet(struct job *job, const uint8_t *packet, size_t n)
{
    struct cares *c = job->cares;
    struct dns_packet in;
    struct dns_reply *reply;
    dns_packet_read(packet, n, &job->question, c->scratch, &in);
    job->authentic = job->authentic && in.authentic;
    if (in.answer.ttl < job->ttl)
        job->ttl = in.answer.ttl;
    if (in.follow) {
        if (follow(job, &in.target))
            return;
        reply = dns_reply_empty(DNS_SERVFAIL, 0);
    } else {
        in.answer.ttl = job->ttl;
        if (c->trust_ad && job->authentic && !dns_unknown(&in.answer))
            in.answer.security = DNS_SECURE;
        reply = dns_reply_new(&in.answer, job->question.type);
    }
    finish(job, reply);
}

static void on_answer(void *arg, int status, int timeouts, unsigned char *packet, int n)
{
    struct job *job = arg;
    (void)timeouts;
    if (status != ARES_SUCCESS || n < 0) {
        finish(job, dns_reply_empty(status_of(status), 0));
    } else if (!job->lower && !dns_packet_echoes(packet, (size_t)n, job->query)) {
        job->lower = true;
        send_query(job);
    } else {
        struct arena *scratch = job->cares->scratch;
        on_packet(job, packet, (size_t)n);
        arena_reset(scratch);
    }
}

static void cares_ask(struct dns_backend *b, struct dns_entry *e)
{
    struct cares *c = (struct cares *)b;
    struct job *job = malloc(sizeof *job);
    if (!job)
        abort();
    *job = (struct job){.cares = c,
                        .entry = e,
                        .question = *dns_entry_question(e),
                        .deadline_us = clock_us() + c->timeout_us,
                        .ttl = UINT32_MAX,
                        .authentic = true};
    dns_inbox_put(&c->inbox, &job->item);
}

/* --- the thread --- */

/* c-ares tells which descriptors it wants to hear of; no direction means that it closes this one.
 */
static void on_socket(void *arg, ares_socket_t fd, int readable, int writable)
{
    struct cares *c = arg;
    struct epoll_event event = {.data.fd = fd};
    event.events = (readable ? EPOLLIN : 0U) | (writable ? EPOLLOUT : 0U);
    if (event.events == 0)
        epoll_ctl(c->epoll, EPOLL_CTL_DEL, fd, NULL);
    else if (epoll_ctl(c->epoll, EPOLL_CTL_MOD, fd, &event) != 0 && errno == ENOENT)
        epoll_ctl(c->epoll, EPOLL_CTL_ADD, fd, &event);
}

/* Until c-ares has to look at its clock again, in milliseconds for epoll_wait(); c-ares rounds
 * down, and would have us spin for the rest. */
static int time_left(struct cares *c)
{
    struct timeval left;
    if (!ares_timeout(c->channel, NULL, &left))
        return -1;
    return (int)(left.tv_sec * 1000 + left.tv_usec / 1000 + 1);
}

/* Waits for what comes first and lets c-ares work on it; true if the inbox is to be looked at. */
static bool serve(struct cares *c)
{
    struct epoll_event events[EVENTS_MAX];
    int n = epoll_wait(c->epoll, events, EVENTS_MAX, time_left(c));
    bool mail = false, processed = false;
    for (int i = 0; i < n; i++) {
        ares_socket_t fd = events[i].data.fd;
        if (fd == c->inbox.fd) {
            mail = true;
            continue;
        }
        bool in = events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP);
        bool out = events[i].events & EPOLLOUT;
        ares_process_fd(c->channel, in ? fd : ARES_SOCKET_BAD, out ? fd : ARES_SOCKET_BAD);
        processed = true;
    }
    if (!processed) /* for the time-outs */
        ares_process_fd(c->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    return mail;
}

static void *run(void *arg)
{
    struct cares *c = arg;
    struct dns_inbox_item *items = NULL, *next;
    while (!serve(c) || dns_inbox_take(&c->inbox, &items)) {
        for (; items; items = next) {
            next = items->next;
            send_query((struct job *)items);
        }
    }
    ares_destroy(c->channel); /* finishes what is under way */
    for (; items; items = next) {
        next = items->next;
        finish((struct job *)items, dns_reply_empty(DNS_TIMEOUT, 0));
    }
    return NULL;
}

/* --- opening and closing --- */

static void discard(struct cares *c)
{
    if (c->epoll >= 0)
        close(c->epoll);
    dns_inbox_free(&c->inbox);
    arena_free(c->scratch);
    free(c);
}

static void cares_close(struct dns_backend *b)
{
    struct cares *c = (struct cares *)b;
    dns_inbox_close(&c->inbox);
    pthread_join(c->thread, NULL);
    discard(c);
}

static int set_servers(struct cares *c, const struct dns_server *servers, size_t n)
{
    struct ares_addr_port_node *nodes = arena_array(c->scratch, struct ares_addr_port_node, n);
    for (size_t i = 0; i < n; i++) {
        const struct netaddr *addr = &servers[i].addr;
        nodes[i].next = i + 1 < n ? &nodes[i + 1] : NULL;
        nodes[i].family = addr->family == 4 ? AF_INET : AF_INET6;
        memcpy(&nodes[i].addr, addr->bytes, addr->family == 4 ? 4 : 16);
        nodes[i].udp_port = nodes[i].tcp_port = servers[i].port;
    }
    return ares_set_servers_ports(c->channel, nodes);
}

/* How many resolvers the channel asks, and whether all of them are on this host. */
static size_t count_servers(const struct cares *c, bool *all_local)
{
    struct ares_addr_port_node *nodes = NULL;
    size_t n = 0;
    *all_local = true;
    if (ares_get_servers_ports(c->channel, &nodes) != ARES_SUCCESS)
        return 0;
    for (const struct ares_addr_port_node *node = nodes; node; node = node->next, n++) {
        struct netaddr addr = {.family = node->family == AF_INET ? 4 : 6};
        memcpy(addr.bytes, &node->addr, addr.family == 4 ? 4 : 16);
        *all_local = *all_local && dns_server_is_loopback(&addr);
    }
    ares_free_data(nodes);
    return n;
}

/* c-ares doubles a server's time with each round, so the whole is servers * (2^tries - 1) times the
 * first. A single resolver is asked three times, several twice each. */
static int init_channel(struct cares *c, size_t n_servers, int64_t timeout_ms)
{
    struct ares_options o = {
        .flags = ARES_FLAG_EDNS | (n_servers == 1 ? ARES_FLAG_NOCHECKRESP : 0),
        .ednspsz = DNS_PACKET_UDP_SIZE,
        .tries = n_servers == 1 ? 3 : 2,
        .socket_receive_buffer_size = RECEIVE_BUFFER,
        .sock_state_cb = on_socket,
        .sock_state_cb_data = c,
    };
    int64_t parts = (int64_t)n_servers * ((1 << o.tries) - 1);
    o.timeout = (int)((timeout_ms + parts - 1) / parts);
    return ares_init_options(&c->channel, &o,
                             ARES_OPT_FLAGS | ARES_OPT_EDNSPSZ | ARES_OPT_TRIES |
                                 ARES_OPT_TIMEOUTMS | ARES_OPT_SOCK_RCVBUF |
                                 ARES_OPT_SOCK_STATE_CB | ARES_OPT_NOROTATE);
}

/* The channel; with resolv.conf's servers it is opened twice, first to see how many they are. */
static int open_channel(struct cares *c, const struct dns_settings *settings,
                        const struct dns_server *servers)
{
    bool all_local;
    size_t n = settings->n_servers;
    int rc = init_channel(c, n ? n : 1, settings->timeout_ms);
    if (rc != ARES_SUCCESS)
        return rc;
    if (n)
        rc = set_servers(c, servers, n);
    size_t found = count_servers(c, &all_local);
    if (rc == ARES_SUCCESS && !n && found > 1) {
        ares_destroy(c->channel);
        rc = init_channel(c, found, settings->timeout_ms);
        if (rc != ARES_SUCCESS)
            return rc;
    }
    c->trust_ad = settings->dnssec == DNSSEC_TRUST_AD && found && all_local;
    if (rc != ARES_SUCCESS)
        ares_destroy(c->channel);
    return rc;
}

static bool open_wakeup(struct cares *c)
{
    c->epoll = epoll_create1(EPOLL_CLOEXEC);
    bool open = dns_inbox_open(&c->inbox) && c->epoll >= 0;
    struct epoll_event event = {.events = EPOLLIN, .data.fd = c->inbox.fd};
    return open && epoll_ctl(c->epoll, EPOLL_CTL_ADD, c->inbox.fd, &event) == 0;
}

static void init_library(void)
{
    ares_library_init(ARES_LIB_INIT_ALL);
}

struct dns_backend *dns_backend_cares(const struct dns_settings *settings, struct arena *a,
                                      struct str *problem)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct dns_server *servers;
    if (!dns_servers_read(settings, a, &servers, problem))
        return NULL;
    pthread_once(&once, init_library);
    struct cares *c = calloc(1, sizeof *c);
    if (!c)
        abort();
    c->base = (struct dns_backend){cares_ask, cares_close};
    c->timeout_us = settings->timeout_ms * 1000;
    c->scratch = arena_new(0);
    int rc = ARES_ENOMEM;
    bool awake = open_wakeup(c);
    if (awake)
        rc = open_channel(c, settings, servers);
    if (rc != ARES_SUCCESS) {
        *problem = str_printf(a, "c-ares: %s", awake ? ares_strerror(rc) : strerror(errno));
    } else if (!thread_start(&c->thread, run, c)) {
        *problem = STR("no thread for DNS could be started");
        ares_destroy(c->channel);
        rc = ARES_ENOMEM;
    }
    if (rc == ARES_SUCCESS)
        return &c->base;
    discard(c);
    return NULL;
}
