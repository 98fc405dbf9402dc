/* cache.h - the answers that are known and the queries that are under way, one entry each.
 *
 * An entry comes to life with its query: the same question, asked meanwhile, joins it (single
 * flight). When the backend finishes it, it turns immutable and stays until its time is over or
 * room is needed. Entries are reference-counted: an entry that was got stays readable when the
 * cache has dropped it, and even when the whole cache is gone. */
#ifndef ASSAY_DNS_CACHE_H
#define ASSAY_DNS_CACHE_H

#include "dns/backend.h"

struct dns_limits {
    size_t cache_bytes;
    int64_t max_ttl_s;       /* positive answers */
    int64_t negative_ttl_s;  /* nodata, nxdomain: at most the SOA's minimum and this */
    int64_t failure_ttl_s;   /* a dead zone must not cost each message its full time */
    unsigned max_in_flight;  /* queries under way; 0: no limit */
    bool watch;              /* tell the operator when nothing answers; the backend has to finish
                                all queries on one thread */
    int64_t (*now_us)(void); /* the clock that ages entries; NULL: clock_us() */
};

/* The cache in front of a backend, which it owns. Never NULL; dns_close() ends both. */
struct dns *dns_new(struct dns_backend *backend, const struct dns_limits *limits);

/* True if half of max_in_flight are under way: then places are for what somebody waits for. */
bool dns_is_busy(const struct dns *dns);

/* The entry for this question, held for the caller. *sent: this call started its query. */
struct dns_entry *dns_ask(struct dns *dns, const struct dns_question *q, bool *sent);

/* The answer, or NULL while the query is under way. It lives as long as the entry. */
const struct dns_answer *dns_entry_answer(const struct dns_entry *e);

/* Waits until the entry is answered or clock_us() reaches the deadline: the answer or NULL. After
 * dns_give_up() it waits for nothing. */
const struct dns_answer *dns_entry_wait(struct dns *dns, struct dns_entry *e, int64_t deadline_us);

bool dns_is_given_up(const struct dns *dns);

/* A watcher, which is told of an answer. */
struct dns_waker {
    struct dns_waker *next; /* the entry's */
    void (*wake)(struct dns_waker *waker);
};

/* Has wake(w) called once the entry is answered, by the thread that brings the answer and with no
 * lock held. False, and it will not be called, if the answer is there already. The entry must be
 * held until then. */
bool dns_entry_wake(struct dns *dns, struct dns_entry *e, struct dns_waker *w);

/* An entry outside of any cache that says DNS_SERVFAIL, with one reference. */
struct dns_entry *dns_entry_failed(const struct dns_question *q);

/* Bytes that the answered entry takes. */
size_t dns_entry_bytes(const struct dns_entry *e);

void dns_entry_hold(struct dns_entry *e);
void dns_entry_release(struct dns_entry *e);

size_t dns_cache_bytes(struct dns *dns); /* a snapshot */

#endif
