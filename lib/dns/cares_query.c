/* cares_query.c - one question on its way: over UDP, over TCP, once more, and to its end.
 *
 * Letters are sent in random case, which an answer has to repeat: with a resolver across a network,
 * a forger has to guess them besides the id. A resolver that does not keep
 * the case is asked once more, all in lower case.
 *
 * Errors: DNS_SERVFAIL or DNS_TIMEOUT. */
#include <stdlib.h>
#include <sys/random.h>

#include "base/clock.h"
#include "dns/cares.h"

#define FOLLOW_MAX 8 /* further questions for one, where a resolver gives half a chain */
#define CUTS_MAX   2

static uint16_t random_word(struct random *r)
{
    if (r->left == 0) {
        if (getrandom(r->words, sizeof r->words, 0) != (ssize_t)sizeof r->words)
            abort();
        r->left = sizeof r->words / sizeof r->words[0];
    }
    return r->words[--r->left];
}

void cares_link_job(struct cares *c, struct cares_job *job)
{
    job->older = c->newest;
    *(c->newest ? &c->newest->newer : &c->oldest) = job;
    c->newest = job;
}

/* Answers the question; the job stays. */
static void answer_job(struct cares_job *job, struct dns_reply *reply)
{
    struct cares *c = job->cares;
    struct dns_entry *entry = job->entry;
    *(job->newer ? &job->newer->older : &c->newest) = job->older;
    *(job->older ? &job->older->newer : &c->oldest) = job->newer;
    job->entry = NULL;
    dns_entry_finish(entry, reply);
}

void cares_finish(struct cares_job *job, struct dns_reply *reply)
{
    answer_job(job, reply);
    free(job);
}

static struct cares_job **bucket_of(struct cares *c, const uint8_t *packet)
{
    return &c->by_id[dns_packet_id(packet) % CARES_IDS];
}

static void forget_id(struct cares_job *job)
{
    struct cares_job **link = bucket_of(job->cares, job->query);
    while (*link && *link != job)
        link = &(*link)->same_id;
    if (*link)
        *link = job->same_id;
}

/* For dns_sockets. */
struct dns_sent *cares_find_sent(void *context, const uint8_t *packet, size_t n)
{
    struct cares_job *job = *bucket_of(context, packet);
    while (job && (dns_packet_id(packet) != dns_packet_id(job->query) ||
                   !dns_packet_is_about(packet, n, job->query)))
        job = job->same_id;
    return job ? &job->sent : NULL;
}

static void on_answer(void *arg, int status, int timeouts, unsigned char *packet, int n);

static void write_query(struct cares_job *job)
{
    struct cares *c = job->cares;
    struct random *r = &c->random;
    uint64_t cases = 0;
    for (int i = 0; i < 4 && !job->lower; i++)
        cases = cases << 16 | random_word(r);
    size_t n = dns_packet_query(job->query, &job->question, random_word(r), cases);
    job->sent = (struct dns_sent){.n = n, .query = job->query};
    struct cares_job **bucket = bucket_of(c, job->query);
    job->same_id = *bucket;
    *bucket = job;
}

void cares_send_query(struct cares_job *job)
{
    job->tcp = NULL;
    write_query(job);
    ares_send(job->cares->upstream->lines[0].channel, job->query, (int)job->sent.n, on_answer, job);
}

static enum dns_status status_of(int ares_status)
{
    switch (ares_status) {
    case ARES_ETIMEOUT:
    case ARES_ECANCELLED:
        return DNS_TIMEOUT;
    default:
        return DNS_SERVFAIL;
    }
}

/* Over TCP, of the job's server. */
static void send_over_tcp(struct cares_job *job)
{
    struct cares_upstream *u = job->cares->upstream;
    struct cares_line *line = cares_tcp_line(u, job->server);
    if (!line) {
        cares_finish(job, dns_reply_empty(DNS_SERVFAIL, 0));
        return;
    }
    job->tcp = line;
    job->tcp_answers = line->answers;
    line->under_way++;
    write_query(job);
    job->sent.plain = dns_sockets_plain(&u->sockets, job->server);
    size_t n = job->sent.plain ? dns_packet_drop_opt(job->query, job->sent.n) : job->sent.n;
    ares_send(line->channel, job->query, (int)n, on_answer, job);
}

static void send_again(struct cares_job *job)
{
    if (job->tcp)
        send_over_tcp(job);
    else
        cares_send_query(job);
}

/* The chain goes on where this answer ends; false if it has gone far enough. */
static bool follow(struct cares_job *job, const struct dns_name *target)
{
    if (job->followed == FOLLOW_MAX || clock_us() >= job->deadline_us)
        return false;
    job->followed++;
    job->question.name = *target;
    job->lower = false;
    cares_send_query(job);
    return true;
}

static void on_packet(struct cares_job *job, const uint8_t *packet, size_t n)
{
    struct cares *c = job->cares;
    bool trust_ad = c->settings.dnssec == DNSSEC_TRUST_AD && c->upstream->servers.all_local;
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
        if (trust_ad && job->authentic && !dns_unknown(&in.answer))
            in.answer.security = DNS_SECURE;
        reply = dns_reply_new(&in.answer, job->question.type);
    }
    cares_finish(job, reply);
}

/* A server may close a connection whenever it likes, some after a hundred answers, and what is
 * under way is asked for again (RFC 7766 6.2.4): as often as the connection has answered others
 * meanwhile, and twice though it has not, as it may have been closing already. */
static bool was_cut(struct cares_job *job, int status)
{
    if (!job->tcp || status != ARES_ECONNREFUSED)
        return false;
    return job->tcp->answers != job->tcp_answers || job->cuts++ < CUTS_MAX;
}

/* Its channel ends, and others of this upstream have ended: none may be asked any more. */
static void on_destruction(struct cares_job *job)
{
    struct cares *c = job->cares;
    if (!c->replacing) {
        cares_finish(job, dns_reply_empty(DNS_TIMEOUT, 0));
        return;
    }
    job->same_id = c->again;
    c->again = job;
}

/* The next server's TCP, where one has failed. */
static void on_failure(struct cares_job *job, int status)
{
    size_t n = job->cares->upstream->servers.n;
    if (status == ARES_EDESTRUCTION) {
        on_destruction(job);
    } else if (was_cut(job, status)) {
        send_over_tcp(job);
    } else if (job->tcp && job->tried < n) {
        job->tried++;
        job->server = (job->server + 1) % n;
        send_over_tcp(job);
    } else {
        cares_finish(job, dns_reply_empty(status_of(status), 0));
    }
}

static void on_success(struct cares_job *job, const uint8_t *packet, size_t n)
{
    struct cares *c = job->cares;
    struct dns_sockets *sockets = &c->upstream->sockets;
    if (!job->tcp && dns_packet_truncated(packet)) {
        job->server = sockets->last;
        job->tried = 1;
        send_over_tcp(job);
    } else if (job->tcp && !job->sent.plain && dns_packet_denies_edns(packet)) {
        dns_sockets_note_plain(sockets, job->server);
        send_over_tcp(job);
    } else if (!job->lower && !dns_packet_echoes(packet, n, job->query)) {
        job->lower = true;
        send_again(job);
    } else {
        on_packet(job, packet, n);
        arena_reset(c->scratch);
    }
}

static void on_answer(void *arg, int status, int timeouts, unsigned char *packet, int n)
{
    struct cares_job *job = arg;
    (void)timeouts;
    forget_id(job);
    if (job->tcp) {
        job->tcp->under_way--;
        job->tcp->answers += status == ARES_SUCCESS;
    }
    if (!job->entry)
        free(job);
    else if (status != ARES_SUCCESS || n < DNS_PACKET_HEADER)
        on_failure(job, status);
    else
        on_success(job, packet, (size_t)n);
}

/* Gives up on what is due; tells how long the next one may take in microseconds, -1 if there is
 * none. c-ares cannot be told: its call comes when it has given up, too. */
int64_t cares_expire(struct cares *c)
{
    int64_t now = clock_us();
    while (c->oldest && c->oldest->deadline_us <= now)
        answer_job(c->oldest, dns_reply_empty(DNS_TIMEOUT, 0));
    return c->oldest ? c->oldest->deadline_us - now : -1;
}
