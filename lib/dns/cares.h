/* cares.h - the backend that asks through c-ares: what its parts share. Internal to lib/dns.
 *
 *   cares.c        the thread, resolv.conf, opening and closing
 *   cares_query.c  one question on its way
 *   cares_line.c   the channels
 *   sockets.c      their sockets */
#ifndef ASSAY_DNS_CARES_H
#define ASSAY_DNS_CARES_H

#include "dns/inbox.h"
#include "dns/packet.h"
#include "dns/sockets.h"

#define CARES_IDS 1024 /* buckets; a power of two */

struct cares;

/* A question on its way. */
struct cares_job {
    struct dns_inbox_item item; /* first, so that an item is its job */
    struct cares *cares;
    struct dns_entry *entry; /* NULL: given up; c-ares has yet to let go of it */
    struct cares_job *newer,
        *older;                /* by deadline, as all have the same time; while it has its entry */
    struct cares_job *same_id; /* the next in its bucket */
    struct dns_question question; /* the entry's; later the target of its CNAMEs */
    int64_t deadline_us;
    unsigned followed;
    uint32_t ttl;           /* the lowest along the chain */
    bool authentic;         /* all along the chain */
    bool lower;             /* asked without random case */
    struct cares_line *tcp; /* NULL: over UDP */
    uint64_t tcp_answers;   /* that this line had given when it was asked */
    unsigned cuts;          /* of lines that gave none after that */
    size_t server;          /* of TCP, */
    size_t tried;           /* the so many-th */
    struct dns_sent sent;
    uint8_t query[DNS_PACKET_QUERY_MAX];
};

/* A channel: the first is for UDP, those behind it for TCP, each with a connection of its own: so
 * many to the first server, so many to the second. */
struct cares_line {
    struct cares_upstream *upstream;
    ares_channel channel; /* NULL: not open */
    unsigned under_way;   /* questions, over TCP */
    uint64_t answers;     /* over TCP, so far */
};

/* The resolvers, and what leads to them. */
struct cares_upstream {
    struct arena *arena;
    struct cares *cares;
    struct dns_servers servers;
    struct dns_sockets sockets;
    size_t n_lines;
    struct cares_line *lines;
};

struct cares {
    struct dns_backend base;
    pthread_t thread;
    struct dns_inbox inbox;
    int epoll;
    struct arena *arena, *scratch;
    struct dns_settings settings; /* without the servers */
    int64_t timeout_us;
    /* The thread's own from its start to its end: */
    struct cares_upstream *upstream;
    struct cares_job *newest, *oldest;
    struct cares_job *by_id[CARES_IDS];
    bool replacing;          /* the upstream: what its channels let go of is asked again */
    struct cares_job *again; /* that */
    bool from_resolv_conf;
    bool look; /* at it, again */
    int64_t looked_us, stamp;

    struct random {
        uint16_t words[256];
        size_t left;
    } random;
};

/* Sends it over UDP. */
void cares_send_query(struct cares_job *job);

/* Gives up on what is due; tells how long the next one may take in microseconds, -1 if there is
 * none. */
int64_t cares_expire(struct cares *c);

void cares_link_job(struct cares *c, struct cares_job *job);

/* Answers the question; the job is gone. */
void cares_finish(struct cares_job *job, struct dns_reply *reply);

/* For dns_sockets. */
struct dns_sent *cares_find_sent(void *context, const uint8_t *packet, size_t n);

/* The resolvers with their channel for UDP. NULL, and *rc. The servers are in `a`, which becomes
 * the upstream's. */
struct cares_upstream *cares_upstream_new(struct cares *c, const struct dns_servers *servers,
                                          struct arena *a, int *rc);

/* Ends all channels, and with them what is under way. */
void cares_upstream_free(struct cares_upstream *u);

/* The line over TCP to this server with the fewest questions under way: some resolvers answer those
 * of a connection one after the other, so that a slow name holds up all behind it. NULL if it
 * cannot be opened. */
struct cares_line *cares_tcp_line(struct cares_upstream *u, size_t server);

/* What epoll tells of a line's descriptor. */
uint64_t cares_event_data(uint32_t line, int fd);

#endif
