/* dns.h - the only door to DNS.
 *
 * A `struct dns` is the process's resolver: a backend (c-ares, libunbound, or a zone held in
 * memory) behind a shared cache. A `struct dns_asker` is one message's way of asking: it owns the
 * patience and the counts of that message. Queries belong to the cache, never to a message: a query
 * that a message gave up on still fills the cache for the next one.
 *
 * dns_start() and dns_prefetch() start a query and return at once, unless half of the places for
 * queries are taken; dns_lookup() joins a query in flight or starts one, and waits as long as the
 * asker's patience lasts. So callers are sequential and simple while their DNS runs beside the SMTP
 * dialogue. */
#ifndef ASSAY_DNS_DNS_H
#define ASSAY_DNS_DNS_H

#include <stdint.h>

#include "base/arena.h"
#include "base/netset.h"
#include "base/str.h"

enum dns_type {
    DNS_A = 1,
    DNS_CNAME = 5,
    DNS_PTR = 12,
    DNS_MX = 15,
    DNS_TXT = 16,
    DNS_AAAA = 28,
};

enum dns_status {
    DNS_ANSWER,   /* rr[] holds at least one record */
    DNS_NODATA,   /* the name exists, without this type */
    DNS_NXDOMAIN, /* the name does not exist */
    /* From here on: cannot be known now. */
    DNS_SERVFAIL, /* refused, broken or failed answer */
    DNS_TIMEOUT,  /* no answer within the query's time-out or the asker's patience */
    DNS_BOGUS,    /* DNSSEC validation failed */
    DNS_PENDING,  /* the asker does not wait, and the answer is still under way */
};

/* What is known of the answer's authenticity. */
enum dns_security { DNS_UNCHECKED, DNS_INSECURE, DNS_SECURE, DNS_SECURITY_BOGUS };

struct dns_rr {
    struct netaddr addr; /* A, AAAA */
    struct str text; /* TXT: its strings joined; MX, PTR: the name, lower case, no last dot (MX to
                        the root: ".") */
    uint16_t preference; /* MX */
};

struct dns_answer {
    enum dns_status status;
    enum dns_security security;
    uint32_t ttl; /* seconds left when it was taken from the network */
    size_t n;     /* records, CNAMEs followed; MX by preference */
    const struct dns_rr *rr;
};

static inline bool dns_unknown(const struct dns_answer *a)
{
    return a->status >= DNS_SERVFAIL;
}

const char *dns_status_name(enum dns_status status); /* "answer", "nxdomain", ... */
const char *dns_type_name(enum dns_type type);       /* "TXT" */

struct dns;

/* One finished look-up, for --trace and for recording. */
struct dns_event {
    struct str name;
    enum dns_type type;
    const struct dns_answer *answer;
    bool from_cache;
    int64_t waited_us;
};

struct message_answers;

/* Zeroed, then `dns`, `arena` and what else is wanted filled in. It must not be used across a reset
 * of its arena: the answers it holds go with that. One thread uses it at a time. */
struct dns_asker {
    struct dns *dns;
    struct arena *arena; /* answers are held until this arena is reset */
    size_t memory;       /* bytes that they may take; an answer beyond it is DNS_SERVFAIL. 0: any */
    size_t set_aside;    /* a favoured answer of at most so many bytes does not count among them, so
                            that large ones of other questions never make it fail; begin with it */
    bool favoured;       /* what is asked now is: the asker sees to it that this is not much */
    unsigned spare; /* queries that may be sent beyond those that are needed: for names that may
                       never be looked up, and for failures asked for again. 0: any */
    int64_t patience_us; /* what is left of the time to spend waiting; 0: never wait, answer
                            DNS_PENDING instead if `may_pend`, else DNS_TIMEOUT */
    bool may_pend;
    void (*waiting)(void *context); /* called about once a second while waiting, or NULL */
    void (*waits)(void *context, bool begins); /* before the thread waits, and after; or NULL */
    void *waiting_context;                     /* of both */
    void (*trace)(void *context, const struct dns_event *event); /* or NULL */
    void *trace_context;
    unsigned lookups;  /* dns_lookup() calls */
    unsigned queries;  /* of these, of prefetches and of errands: sent to the network */
    int64_t waited_us; /* spent waiting so far */
    struct dns_entry *pending_entry; /* what DNS_PENDING was said of last; for dns_errand_begin() */
    struct message_answers *answers; /* private, as is the next; begin zeroed */
    bool ahead;                      /* an errand's */
};

/* Never NULL; the answer lives as long as the asker's arena. `name` is text without escapes, any
 * case, at most 253 bytes with or without the last dot; what is no name is DNS_NXDOMAIN without a
 * query. */
const struct dns_answer *dns_lookup(struct dns_asker *asker, struct str name, enum dns_type type);

/* Starts the query for a name that will be looked up, if it is neither cached nor under way. */
void dns_start(struct dns_asker *asker, struct str name, enum dns_type type);

/* The same for a name that may be looked up. It takes one of the asker's spare queries until the
 * look-up comes, and does nothing when all are taken: so it never costs what is needed. */
void dns_prefetch(struct dns_asker *asker, struct str name, enum dns_type type);

/* Asks on while no thread waits: where the next name to ask for stands in an answer that is
 * still under way, an errand runs its function again each time a missing answer has come, until
 * none is missing or the message's arena is reset. It runs on the resolver's thread, so it must be
 * short: one that takes long in sum, or meets large answers, is ended, and so is the next one when
 * all of them together have kept that thread from its work for too long.
 *
 * Its asker never waits, shares what the message's asker holds, and asks for nothing again that has
 * failed; its arena is a new one in each run. Whatever the function reads has to stand in the
 * errand's own arena: the message may be over by then, and the configuration too. */
typedef void dns_errand_fn(struct dns_asker *asker, const void *facts);

struct dns_errand {
    struct arena *arena; /* for the facts; goes when the errand ends */
    dns_errand_fn *run;
    const void *facts;
};

/* An errand that has not begun. Never NULL. */
struct dns_errand *dns_errand_new(dns_errand_fn *run);

/* With the facts filled in: to go on when the answer has come that `asker`, which does not wait,
 * got DNS_PENDING for last. Without one, or with too many errands under way, it ends at once. From
 * here on it does not belong to the caller. */
void dns_errand_begin(struct dns_errand *errand, struct dns_asker *asker);

/* What bounds the memory of a resolver beside its cache. A query under way: its entry, what c-ares
 * keeps of it, and a small answer. Errands: so many at once in the whole process, each with its
 * facts. Connections over TCP: so many to a resolver, each with the tables of c-ares (75 KB) and
 * the answer that it reads (64 KB). libunbound: its caches, and 4096 questions of 16 KB. */
#define DNS_QUERY_BYTES      4096
#define DNS_ERRANDS_MAX      1024
#define DNS_ERRAND_BYTES     8192
#define DNS_CONNECTIONS_MAX  8
#define DNS_CONNECTION_BYTES (144 << 10)
#define DNS_UNBOUND_BYTES    ((size_t)96 << 20)

enum dnssec_mode { DNSSEC_OFF, DNSSEC_TRUST_AD, DNSSEC_VALIDATE };

struct dns_settings {
    const struct str *servers; /* "127.0.0.1@53", "[::1]:53", "192.0.2.1" */
    size_t n_servers;
    bool recurse;            /* servers = [ ]: recurse ourselves (libunbound) */
    enum dnssec_mode dnssec; /* DNSSEC_VALIDATE: libunbound, forwarding to servers if any */
    int64_t timeout_ms;      /* of one query, retries included */
    size_t cache_bytes;
    int64_t max_ttl_s, negative_ttl_s, failure_ttl_s;
    unsigned max_in_flight;   /* queries under way at once; beyond it DNS_SERVFAIL at once */
    const char *trust_anchor; /* file for DNSSEC_VALIDATE; NULL: /usr/share/dns/root.key */
    const char *root_hints;   /* file for recursion; NULL: built in */
    const char *resolv_conf;  /* NULL: /etc/resolv.conf */
};

struct dns_server {
    struct netaddr addr;
    uint16_t port;
    char interface[16]; /* of a link-local address; else empty */
    unsigned scope;     /* its number, once it was looked for */
};

/* The resolver's address that such a text names: address, "address@port", "[address]:port" or
 * "ipv4:port"; port 53 if none is given. A link-local address has "%INTERFACE" behind it. */
bool dns_server_parse(struct str text, struct dns_server *out);

/* With n_servers 0 and !recurse: the servers of resolv.conf. NULL on failure, and *problem is a
 * phrase (in `a`). Starts its thread. */
struct dns *dns_open(const struct dns_settings *settings, struct arena *a, struct str *problem);

/* A resolver that answers from zone text (a subset of RFC 1035 5.1; the syntax stands in zone.h)
 * and from nothing else: names not in it are NXDOMAIN; pseudo types make names fail or answer late.
 * NULL on failure, and *problem is a phrase (in `a`). The text may go afterwards. */
struct dns *dns_open_zone(struct str zone_text, struct arena *a, struct str *problem);

/* Nobody waits any more: what has no answer yet is DNS_TIMEOUT from now on. For an orderly end. */
void dns_give_up(struct dns *dns);

/* Waits for nothing: queries in flight are dropped. No asker may use it any more. */
void dns_close(struct dns *dns);

#endif
