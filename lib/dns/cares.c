/* cares.c - asks the given resolvers through c-ares.
 *
 * One thread owns the channels, which c-ares does not share between threads; questions come to it
 * over a queue and an eventfd. Messages go and come raw (dns/packet): c-ares keeps time, asks
 * again, and turns to the next resolver. Its sockets are ours (dns/sockets). One channel asks all
 * resolvers over UDP; a truncated answer is asked for again over TCP, of the resolver that gave it,
 * through channels of its own, which have all the time that is left of the question's.
 *
 * Where no resolver answers and resolv.conf has changed, it is read again: all channels are made
 * anew, and what is under way is asked of the new ones.
 *
 * Errors: a phrase when it cannot be opened; later, DNS_SERVFAIL or DNS_TIMEOUT for a question. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "dns/cares.h"

#define EVENTS_MAX 16
#define LOOK_US    INT64_C(1000000) /* between two looks at resolv.conf */
#define NO_LINE    UINT32_MAX       /* of the inbox */

static void cares_ask(struct dns_backend *b, struct dns_entry *e)
{
    struct cares *c = (struct cares *)b;
    struct cares_job *job = malloc(sizeof *job);
    if (!job)
        abort();
    *job = (struct cares_job){.cares = c,
                              .entry = e,
                              .question = *dns_entry_question(e),
                              .deadline_us = clock_us() + c->timeout_us,
                              .ttl = UINT32_MAX,
                              .authentic = true};
    dns_inbox_put(&c->inbox, &job->item);
}

/* --- resolv.conf --- */

static void cares_silent(struct dns_backend *b)
{
    ((struct cares *)b)->look = true;
}

static void say_servers(const struct dns_servers *servers, struct arena *a)
{
    struct strbuf b;
    sb_init(&b, a);
    for (size_t i = 0; i < servers->n; i++)
        sb_printf(&b, "%s%.*s", i ? ", " : "", STR_ARG(dns_server_text(&servers->list[i], a)));
    log_info("DNS: no resolver answers, and resolv.conf has changed: now %.*s",
             STR_ARG(sb_str(&b)));
}

static void replace_upstream(struct cares *c, struct cares_upstream *next)
{
    struct cares_upstream *old = c->upstream;
    struct cares_job *job, *rest;
    c->upstream = next;
    c->replacing = true;
    cares_upstream_free(old);
    c->replacing = false;
    rest = c->again;
    c->again = NULL;
    while ((job = rest)) {
        rest = job->same_id;
        cares_send_query(job);
    }
}

/* Reads resolv.conf if it has changed since it was read last. */
static void look_at_resolv_conf(struct cares *c)
{
    struct dns_servers servers;
    struct str problem;
    int64_t now = clock_us(), stamp;
    int rc;
    if (now - c->looked_us < LOOK_US)
        return;
    c->look = false;
    c->looked_us = now;
    stamp = dns_resolv_conf_stamp(&c->settings);
    if (!stamp || stamp == c->stamp)
        return;
    c->stamp = stamp;
    struct arena *a = arena_new(0);
    struct cares_upstream *next = NULL;
    if (dns_servers_read(&c->settings, a, &servers, &problem) &&
        !dns_servers_equal(&servers, &c->upstream->servers))
        next = cares_upstream_new(c, &servers, a, &rc);
    else
        arena_free(a);
    if (!next)
        return;
    say_servers(&next->servers, c->scratch);
    arena_reset(c->scratch);
    replace_upstream(c, next);
}

/* --- the thread --- */

static int64_t sooner_of(int64_t a_us, int64_t b_us)
{
    return a_us < 0 || (b_us >= 0 && b_us < a_us) ? b_us : a_us;
}

/* Until something is due, in milliseconds for epoll_wait(); rounded up, lest we spin. */
static int time_left(struct cares *c)
{
    int64_t left = cares_expire(c);
    for (size_t i = 0; i < c->upstream->n_lines; i++) {
        struct timeval tv;
        ares_channel channel = c->upstream->lines[i].channel;
        if (channel && ares_timeout(channel, NULL, &tv))
            left = sooner_of(left, tv.tv_sec * INT64_C(1000000) + tv.tv_usec);
    }
    return left < 0 ? -1 : (int)(left / 1000 + 1);
}

static void process(struct cares *c, const struct epoll_event *event)
{
    ares_socket_t fd = (ares_socket_t)(uint32_t)event->data.u64;
    ares_channel channel = c->upstream->lines[event->data.u64 >> 32].channel;
    bool in = event->events & (EPOLLIN | EPOLLERR | EPOLLHUP);
    bool out = event->events & EPOLLOUT;
    ares_process_fd(channel, in ? fd : ARES_SOCKET_BAD, out ? fd : ARES_SOCKET_BAD);
}

/* Waits for what comes first and lets c-ares work on it; true if the inbox is to be looked at. */
static bool serve_channel(struct cares *c)
{
    struct epoll_event events[EVENTS_MAX];
    int n = epoll_wait(c->epoll, events, EVENTS_MAX, time_left(c));
    bool mail = false;
    for (int i = 0; i < n; i++) {
        if (events[i].data.u64 == cares_event_data(NO_LINE, c->inbox.fd))
            mail = true;
        else
            process(c, &events[i]);
    }
    for (size_t i = 0; i < c->upstream->n_lines; i++) /* for the time-outs */
        if (c->upstream->lines[i].channel)
            ares_process_fd(c->upstream->lines[i].channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    if (c->look && c->from_resolv_conf)
        look_at_resolv_conf(c);
    return mail;
}

static void *run_channel(void *arg)
{
    struct cares *c = arg;
    struct dns_inbox_item *items = NULL, *next;
    while (!serve_channel(c) || dns_inbox_take(&c->inbox, &items)) {
        for (; items; items = next) {
            next = items->next;
            cares_link_job(c, (struct cares_job *)items);
            cares_send_query((struct cares_job *)items);
        }
    }
    cares_upstream_free(c->upstream); /* finishes what is under way */
    for (; items; items = next) {
        next = items->next;
        cares_link_job(c, (struct cares_job *)items);
        cares_finish((struct cares_job *)items, dns_reply_empty(DNS_TIMEOUT, 0));
    }
    return NULL;
}

/* --- opening and closing --- */

static void discard_query(struct cares *c)
{
    if (c->epoll >= 0)
        close(c->epoll);
    dns_inbox_free(&c->inbox);
    arena_free(c->scratch);
    arena_free(c->arena);
    free(c);
}

static void cares_close(struct dns_backend *b)
{
    struct cares *c = (struct cares *)b;
    dns_inbox_close(&c->inbox);
    pthread_join(c->thread, NULL);
    discard_query(c);
}

static bool open_wakeup(struct cares *c)
{
    c->epoll = epoll_create1(EPOLL_CLOEXEC);
    bool open = dns_inbox_open(&c->inbox) && c->epoll >= 0;
    struct epoll_event event = {.events = EPOLLIN,
                                .data.u64 = cares_event_data(NO_LINE, c->inbox.fd)};
    return open && epoll_ctl(c->epoll, EPOLL_CTL_ADD, c->inbox.fd, &event) == 0;
}

static void init_library(void)
{
    ares_library_init(ARES_LIB_INIT_ALL);
}

/* False, and *problem. */
static bool open_upstream(struct cares *c, const struct dns_settings *settings, struct arena *a,
                          struct str *problem)
{
    struct arena *own = arena_new(0);
    struct dns_servers servers;
    int rc;
    c->from_resolv_conf = settings->n_servers == 0;
    c->stamp = c->from_resolv_conf ? dns_resolv_conf_stamp(settings) : 0;
    if (!dns_servers_read(settings, own, &servers, problem)) {
        *problem = str_copy(a, *problem);
        arena_free(own);
        return false;
    }
    c->upstream = cares_upstream_new(c, &servers, own, &rc);
    if (!c->upstream)
        *problem = str_printf(a, "c-ares: %s", ares_strerror(rc));
    return c->upstream;
}

static struct cares *cares_new(const struct dns_settings *settings)
{
    struct cares *c = calloc(1, sizeof *c);
    if (!c)
        abort();
    c->base = (struct dns_backend){.ask = cares_ask, .silent = cares_silent, .close = cares_close};
    c->arena = arena_new(0);
    c->scratch = arena_new(0);
    c->timeout_us = settings->timeout_ms * 1000;
    c->settings = *settings;
    c->settings.servers = NULL;
    c->settings.n_servers = 0;
    if (settings->resolv_conf)
        c->settings.resolv_conf = str_cstr(c->arena, str_of(settings->resolv_conf));
    return c;
}

struct dns_backend *dns_backend_cares(const struct dns_settings *settings, struct arena *a,
                                      struct str *problem)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init_library);
    struct cares *c = cares_new(settings);
    if (!open_wakeup(c)) {
        *problem = str_printf(a, "c-ares: %s", strerror(errno));
    } else if (open_upstream(c, settings, a, problem)) {
        if (thread_start(&c->thread, run_channel, c))
            return &c->base;
        *problem = STR("no thread for DNS could be started");
        cares_upstream_free(c->upstream);
    }
    discard_query(c);
    return NULL;
}
