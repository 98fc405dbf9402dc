/* cache.c - shared answers with single flight, on base/lru.
 *
 * Errors: what cannot be asked is an answer (DNS_SERVFAIL when too many queries are under way), and
 * failures are answers too, kept for failure_ttl_s. Exhausted memory ends the program. */
#include "dns/cache.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/counters.h"
#include "base/lru.h"
#include "base/thread.h"
#include "dns/health.h"

#define SHARDS 16
#define ROOMS  64 /* a power of two */

struct dns_entry {
    atomic_uint refs;
    _Atomic(struct dns_reply *) reply; /* NULL while under way */
    struct dns *dns;                   /* valid while under way */
    struct dns_waker *wakers;          /* under the room's lock; none once it is answered */
    struct dns_question question;
};

/* Where threads wait. Entries share a room by their address: a wake-up too many costs less than a
 * condition variable in every cached answer. */
struct room {
    _Alignas(64) pthread_mutex_t lock;
    pthread_cond_t answered;
};

struct dns {
    struct dns_limits limits;
    struct dns_backend *backend;
    struct lru *entries;
    atomic_uint in_flight;
    atomic_bool closing;  /* nothing is sent any more */
    atomic_bool given_up; /* nobody waits any more */
    struct dns_health health;
    struct room rooms[ROOMS];
};

static struct dns_entry *entry_new(struct dns *dns, const struct dns_question *q)
{
    struct dns_entry *e = malloc(sizeof *e);
    if (!e)
        abort();
    atomic_init(&e->refs, 1);
    atomic_init(&e->reply, NULL);
    e->dns = dns;
    e->wakers = NULL;
    e->question = *q;
    return e;
}

struct dns_entry *dns_entry_failed(const struct dns_question *q)
{
    struct dns_entry *e = entry_new(NULL, q);
    atomic_store_explicit(&e->reply, dns_reply_empty(DNS_SERVFAIL, 0), memory_order_relaxed);
    return e;
}

void dns_entry_hold(struct dns_entry *e)
{
    atomic_fetch_add_explicit(&e->refs, 1, memory_order_relaxed);
}

void dns_entry_release(struct dns_entry *e)
{
    if (atomic_fetch_sub_explicit(&e->refs, 1, memory_order_acq_rel) != 1)
        return;
    free(atomic_load_explicit(&e->reply, memory_order_relaxed));
    free(e);
}

static void hold_value(void *value)
{
    dns_entry_hold(value);
}

static void release_value(void *value)
{
    dns_entry_release(value);
}

const struct dns_question *dns_entry_question(const struct dns_entry *e)
{
    return &e->question;
}

const struct dns_answer *dns_entry_answer(const struct dns_entry *e)
{
    const struct dns_reply *reply = atomic_load_explicit(&e->reply, memory_order_acquire);
    return reply ? &reply->answer : NULL;
}

size_t dns_entry_bytes(const struct dns_entry *e)
{
    return sizeof *e + atomic_load_explicit(&e->reply, memory_order_acquire)->bytes;
}

static struct room *room_of(struct dns *dns, const struct dns_entry *e)
{
    return &dns->rooms[((uintptr_t)e >> 6) % ROOMS];
}

struct dns *dns_new(struct dns_backend *backend, const struct dns_limits *limits)
{
    static const struct lru_ops ops = {hold_value, release_value};
    struct dns *dns = aligned_alloc(_Alignof(struct dns), sizeof *dns);
    if (!dns)
        abort();
    dns->limits = *limits;
    if (!dns->limits.now_us)
        dns->limits.now_us = clock_us;
    dns->backend = backend;
    dns->entries = lru_new(limits->cache_bytes, SHARDS, &ops);
    atomic_init(&dns->in_flight, 0);
    atomic_init(&dns->closing, false);
    atomic_init(&dns->given_up, false);
    dns->health = (struct dns_health){.answered_us = dns->limits.now_us()};
    for (size_t i = 0; i < ROOMS; i++) {
        pthread_mutex_init(&dns->rooms[i].lock, NULL);
        thread_cond_init(&dns->rooms[i].answered);
    }
    return dns;
}

void dns_close(struct dns *dns)
{
    if (!dns)
        return;
    atomic_store(&dns->closing, true);
    dns->backend->close(dns->backend);
    lru_free(dns->entries);
    for (size_t i = 0; i < ROOMS; i++) {
        pthread_mutex_destroy(&dns->rooms[i].lock);
        pthread_cond_destroy(&dns->rooms[i].answered);
    }
    free(dns);
}

/* What the cache knows a question by: the type, then the name. */
struct key {
    uint8_t bytes[1 + DNS_NAME_MAX];
};

static struct str make_key(const struct dns_question *q, struct key *key)
{
    key->bytes[0] = (uint8_t)q->type;
    memcpy(key->bytes + 1, q->name.wire, q->name.n);
    return (struct str){(const char *)key->bytes, 1 + (size_t)q->name.n};
}

static int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* How long an answer may be handed out, in seconds. */
static int64_t lifetime_s(const struct dns_limits *limits, const struct dns_answer *answer)
{
    switch (answer->status) {
    case DNS_ANSWER:
        return min64(answer->ttl, limits->max_ttl_s);
    case DNS_NODATA:
    case DNS_NXDOMAIN:
        return min64(answer->ttl, limits->negative_ttl_s);
    default:
        return limits->failure_ttl_s;
    }
}

static void count_failure(enum dns_status status)
{
    if (status == DNS_TIMEOUT)
        counter_inc(CTR_DNS_TIMEOUTS);
    else if (status == DNS_SERVFAIL)
        counter_inc(CTR_DNS_SERVFAIL);
    else if (status == DNS_BOGUS)
        counter_inc(CTR_DNS_BOGUS);
}

/* Publishes the reply and wakes the waiting threads; whether others are to be told is left to the
 * caller.
 */
static struct dns_waker *publish(struct dns *dns, struct dns_entry *e, struct dns_reply *reply)
{
    struct room *room = room_of(dns, e);
    pthread_mutex_lock(&room->lock);
    struct dns_waker *wakers = e->wakers;
    e->wakers = NULL;
    atomic_store_explicit(&e->reply, reply, memory_order_release);
    pthread_mutex_unlock(&room->lock);
    pthread_cond_broadcast(&room->answered);
    return wakers;
}

static void keep_entry(struct dns *dns, struct dns_entry *e, size_t cost, int64_t keep_s)
{
    struct key key;
    struct str name = make_key(&e->question, &key);
    int64_t expires = dns->limits.now_us() + keep_s * 1000000;
    if (keep_s > 0)
        counter_add(CTR_DNS_EVICTED, lru_settle(dns->entries, name, e, cost, expires));
    else
        lru_drop(dns->entries, name, e);
}

/* Publishes the reply, gives the entry its lifetime in the cache, and tells the watchers.
 * The caller's reference keeps the entry alive meanwhile. */
static void settle_entry(struct dns *dns, struct dns_entry *e, struct dns_reply *reply,
                         int64_t keep_s)
{
    size_t cost = sizeof *e + reply->bytes;
    struct dns_waker *wakers = publish(dns, e, reply), *next;
    atomic_fetch_sub_explicit(&dns->in_flight, 1, memory_order_relaxed);
    keep_entry(dns, e, cost, keep_s);
    for (; wakers; wakers = next) {
        next = wakers->next; /* a watcher may be gone after its call */
        wakers->wake(wakers);
    }
}

static const struct dns_question root = {.type = DNS_TXT, .name = {.n = 1}};

/* Outside of the cache, which would know the answer. */
static void ask_for_root(struct dns *dns)
{
    counter_inc(CTR_DNS_QUERIES);
    atomic_fetch_add_explicit(&dns->in_flight, 1, memory_order_relaxed);
    dns->backend->ask(dns->backend, entry_new(dns, &root));
}

static void watch_entry(struct dns *dns, const struct dns_question *q, enum dns_status status)
{
    struct dns_health *h = &dns->health;
    int64_t now = dns->limits.now_us(), silent = now - h->answered_us;
    bool is_root = q->type == root.type && dns_name_eq(&q->name, &root.name);
    enum dns_health_news news = dns_health_note(h, status, is_root, now);
    if (dns->backend->silent && (h->down || h->asking))
        dns->backend->silent(dns->backend);
    if (news == DNS_HEALTH_DOUBT)
        ask_for_root(dns);
    else
        dns_health_say(h, news, silent);
}

void dns_entry_finish(struct dns_entry *e, struct dns_reply *reply)
{
    struct dns *dns = e->dns;
    count_failure(reply->answer.status);
    if (dns->limits.watch && !atomic_load_explicit(&dns->closing, memory_order_relaxed))
        watch_entry(dns, &e->question, reply->answer.status);
    settle_entry(dns, e, reply, lifetime_s(&dns->limits, &reply->answer));
    dns_entry_release(e);
}

/* Takes a place among the queries under way; false if all are taken, or the end has come. */
static bool find_place(struct dns *dns)
{
    unsigned before = atomic_fetch_add_explicit(&dns->in_flight, 1, memory_order_relaxed);
    bool full = dns->limits.max_in_flight && before >= dns->limits.max_in_flight;
    if (!full && !atomic_load_explicit(&dns->closing, memory_order_relaxed))
        return true;
    atomic_fetch_sub_explicit(&dns->in_flight, 1, memory_order_relaxed);
    return false;
}

bool dns_is_busy(const struct dns *dns)
{
    unsigned most = dns->limits.max_in_flight;
    return most && atomic_load_explicit(&dns->in_flight, memory_order_relaxed) >= most / 2;
}

struct maker {
    struct dns *dns;
    const struct dns_question *question;
};

static void *make_entry(void *arg)
{
    const struct maker *m = arg;
    return find_place(m->dns) ? entry_new(m->dns, m->question) : NULL;
}

/* A question that is refused for want of a place is not kept: a moment later there may be one. */
struct dns_entry *dns_ask(struct dns *dns, const struct dns_question *q, bool *sent)
{
    struct maker maker = {dns, q};
    struct key key;
    struct str name = make_key(q, &key);
    struct dns_entry *e = lru_get_or_make(dns->entries, name, dns->limits.now_us(), INT64_MAX,
                                          make_entry, &maker, sent);
    if (!e) {
        counter_inc(CTR_DNS_REFUSED);
        return dns_entry_failed(q);
    }
    if (*sent) {
        counter_inc(CTR_DNS_QUERIES);
        dns_entry_hold(e);
        dns->backend->ask(dns->backend, e);
    }
    return e;
}

const struct dns_answer *dns_entry_wait(struct dns *dns, struct dns_entry *e, int64_t deadline_us)
{
    struct room *room = room_of(dns, e);
    const struct dns_answer *answer;
    int rc = 0;
    pthread_mutex_lock(&room->lock);
    while (!(answer = dns_entry_answer(e)) && rc == 0 && !dns_is_given_up(dns))
        rc = thread_cond_wait(&room->answered, &room->lock, deadline_us);
    pthread_mutex_unlock(&room->lock);
    return answer;
}

bool dns_is_given_up(const struct dns *dns)
{
    return atomic_load_explicit(&dns->given_up, memory_order_relaxed);
}

void dns_give_up(struct dns *dns)
{
    atomic_store(&dns->given_up, true);
    for (size_t i = 0; i < ROOMS; i++) {
        pthread_mutex_lock(&dns->rooms[i].lock); /* no thread is between looking and waiting */
        pthread_cond_broadcast(&dns->rooms[i].answered);
        pthread_mutex_unlock(&dns->rooms[i].lock);
    }
}

bool dns_entry_wake(struct dns *dns, struct dns_entry *e, struct dns_waker *w)
{
    struct room *room = room_of(dns, e);
    pthread_mutex_lock(&room->lock);
    bool answered = dns_entry_answer(e) != NULL;
    if (!answered) {
        w->next = e->wakers;
        e->wakers = w;
    }
    pthread_mutex_unlock(&room->lock);
    return !answered;
}

size_t dns_cache_bytes(struct dns *dns)
{
    return lru_bytes(dns->entries);
}
