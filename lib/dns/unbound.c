/* unbound.c - recurses or validates through libunbound.
 *
 * libunbound resolves in a thread of its own. One dispatcher thread does all the talking with it:
 * it hands over the questions that come through the inbox, takes the answers, and gives up at each
 * question's deadline, because libunbound has no time-out for a question. No other thread calls
 * libunbound, so an answer and giving up on it cannot meet.
 *
 * What libunbound's defaults would do to a mail server: 16 ports, two TCP connections and 1 MB of
 * cache; a server that was silent is avoided for 15 minutes; names in private reverse zones are
 * made up. The options below end that. Ports matter most: a question without an answer holds one
 * for seconds, and with too few of them silent names keep all others waiting. infra-cache-max-rtt
 * must keep its default: a low one makes a forwarder look dead when some names are silent.
 *
 * Errors: a phrase when it cannot be opened; later, DNS_SERVFAIL, DNS_TIMEOUT or DNS_BOGUS. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unbound.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "dns/inbox.h"
#include "dns/packet.h"
#include "dns/servers.h"

#define TRUST_ANCHOR "/usr/share/dns/root.key"
#define PORTS_MAX    4096

/* A question on its way. */
struct job {
    struct dns_inbox_item item; /* first, so that an item is its job */
    struct unbound *unbound;
    struct dns_entry *entry;
    struct job *newer, *older;
    int64_t deadline_us;
    int id; /* libunbound's */
};

struct unbound {
    struct dns_backend base;
    struct ub_ctx *ctx;
    pthread_t thread;
    struct dns_inbox inbox;
    int64_t timeout_us;
    bool validate;
    struct arena *scratch;
    struct job *newest, *oldest; /* by deadline, as all have the same time */
};

/* --- one question --- */

static void link_job(struct unbound *u, struct job *job)
{
    job->older = u->newest;
    *(u->newest ? &u->newest->newer : &u->oldest) = job;
    u->newest = job;
}

static void finish_request(struct job *job, struct dns_reply *reply)
{
    struct unbound *u = job->unbound;
    *(job->newer ? &job->newer->older : &u->newest) = job->older;
    *(job->older ? &job->older->newer : &u->oldest) = job->newer;
    dns_entry_finish(job->entry, reply);
    free(job);
}

/* What libunbound found out; `bogus` comes first, as such results have data and rcode 0. */
static struct dns_reply *read_result(struct job *job, const struct ub_result *result)
{
    const struct dns_question *q = dns_entry_question(job->entry);
    struct dns_packet in;
    if (result->bogus) {
        struct dns_answer bogus = {.status = DNS_BOGUS, .security = DNS_SECURITY_BOGUS};
        return dns_reply_new(&bogus, q->type);
    }
    if (!result->answer_packet || result->answer_len < 0)
        return dns_reply_empty(DNS_SERVFAIL, 0);
    dns_packet_read(result->answer_packet, (size_t)result->answer_len, q, job->unbound->scratch,
                    &in);
    if (in.follow) /* it gives whole chains: this one leads to a name without records, and no SOA
                      says how long that holds */
        in.answer.ttl = 0;
    if (job->unbound->validate && !dns_unknown(&in.answer))
        in.answer.security = result->secure ? DNS_SECURE : DNS_INSECURE;
    return dns_reply_new(&in.answer, q->type);
}

static void on_result(void *arg, int error, struct ub_result *result)
{
    struct job *job = arg;
    struct arena *scratch = job->unbound->scratch;
    bool usable = error == 0 && result;
    finish_request(job, usable ? read_result(job, result) : dns_reply_empty(DNS_SERVFAIL, 0));
    ub_resolve_free(result);
    arena_reset(scratch);
}

static void send_query(struct unbound *u, struct job *job)
{
    const struct dns_question *q = dns_entry_question(job->entry);
    struct str name = dns_name_text(u->scratch, &q->name);
    link_job(u, job);
    if (ub_resolve_async(u->ctx, name.p, (int)q->type, 1, job, on_result, &job->id) != 0)
        finish_request(job, dns_reply_empty(DNS_SERVFAIL, 0));
    arena_reset(u->scratch);
}

/* Gives up on what is due, on everything with `all`; tells how long the next one may take in
 * milliseconds for poll(). */
static int expire(struct unbound *u, bool all)
{
    int64_t now = clock_us();
    while (u->oldest && (all || u->oldest->deadline_us <= now)) {
        ub_cancel(u->ctx, u->oldest->id);
        finish_request(u->oldest, dns_reply_empty(DNS_TIMEOUT, 0));
    }
    return u->oldest ? (int)((u->oldest->deadline_us - now + 999) / 1000) : -1;
}

static void unbound_ask(struct dns_backend *b, struct dns_entry *e)
{
    struct unbound *u = (struct unbound *)b;
    struct job *job = calloc(1, sizeof *job);
    if (!job)
        abort();
    job->unbound = u;
    job->entry = e;
    job->deadline_us = clock_us() + u->timeout_us;
    dns_inbox_put(&u->inbox, &job->item);
}

static void *dispatch(void *arg)
{
    struct unbound *u = arg;
    struct pollfd fds[] = {{.fd = u->inbox.fd, .events = POLLIN},
                           {.fd = ub_fd(u->ctx), .events = POLLIN}};
    struct dns_inbox_item *items, *next;
    bool go_on;
    do {
        go_on = dns_inbox_take(&u->inbox, &items);
        for (; items; items = next) {
            next = items->next;
            send_query(u, (struct job *)items);
        }
        int left = expire(u, !go_on);
        if (go_on && poll(fds, 2, left) > 0 && fds[1].revents)
            ub_process(u->ctx);
    } while (go_on);
    return NULL;
}

/* --- opening and closing --- */

static const struct {
    const char *name, *value;
} options[] = {
    {"num-queries-per-thread:", "4096"}, {"outgoing-num-tcp:", "32"},  {"msg-cache-size:", "8m"},
    {"rrset-cache-size:", "16m"},        {"key-cache-size:", "4m"},    {"neg-cache-size:", "1m"},
    {"unblock-lan-zones:", "yes"},       {"outbound-msg-retry:", "3"}, {"infra-host-ttl:", "10"},
};

struct opening {
    struct unbound *unbound;
    struct arena *arena;
    struct str *problem;
};

static bool fail_context(const struct opening *o, const char *what, const char *why)
{
    *o->problem = str_printf(o->arena, "libunbound: %s: %s", what, why);
    return false;
}

static bool set_option(const struct opening *o, const char *name, const char *value)
{
    int rc = ub_ctx_set_option(o->unbound->ctx, name, value);
    return rc == 0 || fail_context(o, name, ub_strerror(rc));
}

/* As many ports as may be, and half of the descriptors at the most. */
static bool set_ports(const struct opening *o)
{
    struct rlimit files;
    rlim_t ports = PORTS_MAX;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur / 2 < ports)
        ports = files.rlim_cur / 2;
    return set_option(o, "outgoing-range:", str_printf(o->arena, "%u", (unsigned)ports).p);
}

static bool set_forwarders(const struct opening *o, const struct dns_settings *settings)
{
    struct dns_servers servers;
    if (!dns_servers_read(settings, o->arena, &servers, o->problem))
        return false;
    for (size_t i = 0; i < servers.n; i++) {
        struct str addr = dns_server_text(&servers.list[i], o->arena);
        int rc = ub_ctx_set_fwd(o->unbound->ctx, addr.p);
        if (rc != 0)
            return fail_context(o, addr.p, ub_strerror(rc));
    }
    return true;
}

/* libunbound reads its files late and says little about them. */
static bool check_file(const struct opening *o, const char *path)
{
    return access(path, R_OK) == 0 || fail_context(o, path, strerror(errno));
}

static bool set_up(const struct opening *o, const struct dns_settings *settings)
{
    struct ub_ctx *ctx = o->unbound->ctx;
    int rc;
    /* First of all: later it has no effect (libunbound 1.17). */
    if ((rc = ub_ctx_async(ctx, 1)) != 0)
        return fail_context(o, "threads", ub_strerror(rc));
    ub_ctx_debugout(ctx, NULL);
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        if (!set_option(o, options[i].name, options[i].value))
            return false;
    if (!set_ports(o) || (!settings->recurse && !set_forwarders(o, settings)))
        return false;
    if (settings->recurse && settings->root_hints &&
        (!check_file(o, settings->root_hints) ||
         !set_option(o, "root-hints:", settings->root_hints)))
        return false;
    if (settings->dnssec != DNSSEC_VALIDATE)
        return set_option(o, "module-config:", "iterator");
    const char *anchor = settings->trust_anchor ? settings->trust_anchor : TRUST_ANCHOR;
    if (!check_file(o, anchor))
        return false;
    rc = ub_ctx_add_ta_file(ctx, anchor);
    return rc == 0 || fail_context(o, anchor, ub_strerror(rc));
}

static void ignore_result(void *arg, int error, struct ub_result *result)
{
    (void)arg, (void)error;
    ub_resolve_free(result);
}

/* A first question, answered without the network, makes libunbound read its configuration and start
 * its thread. It runs on a thread without signals, and so will that one. */
static void *finalise(void *arg)
{
    const struct opening *o = arg;
    int rc = ub_resolve_async(o->unbound->ctx, "localhost", DNS_A, 1, NULL, ignore_result, NULL);
    if (rc != 0)
        fail_context(o, "configuration", ub_strerror(rc));
    else
        ub_wait(o->unbound->ctx);
    return NULL;
}

static bool start_request(struct opening *o, const struct dns_settings *settings)
{
    struct unbound *u = o->unbound;
    pthread_t finaliser;
    if (!u->ctx)
        return fail_context(o, "context", strerror(ENOMEM));
    if (!dns_inbox_open(&u->inbox))
        return fail_context(o, "eventfd", strerror(errno));
    if (!set_up(o, settings))
        return false;
    if (!thread_start(&finaliser, finalise, o))
        return fail_context(o, "thread", strerror(EAGAIN));
    pthread_join(finaliser, NULL);
    if (o->problem->n)
        return false;
    return thread_start(&u->thread, dispatch, u) || fail_context(o, "thread", strerror(EAGAIN));
}

static void discard_request(struct unbound *u)
{
    if (u->ctx)
        ub_ctx_delete(u->ctx);
    dns_inbox_free(&u->inbox);
    arena_free(u->scratch);
    free(u);
}

static void unbound_close(struct dns_backend *b)
{
    struct unbound *u = (struct unbound *)b;
    dns_inbox_close(&u->inbox);
    pthread_join(u->thread, NULL);
    discard_request(u);
}

struct dns_backend *dns_backend_unbound(const struct dns_settings *settings, struct arena *a,
                                        struct str *problem)
{
    struct unbound *u = calloc(1, sizeof *u);
    if (!u)
        abort();
    struct opening o = {u, a, problem};
    *problem = STR_NONE;
    u->base = (struct dns_backend){.ask = unbound_ask, .close = unbound_close};
    u->ctx = ub_ctx_create();
    u->inbox.fd = -1;
    u->timeout_us = settings->timeout_ms * 1000;
    u->validate = settings->dnssec == DNSSEC_VALIDATE;
    u->scratch = arena_new(0);
    if (start_request(&o, settings))
        return &u->base;
    discard_request(u);
    return NULL;
}
