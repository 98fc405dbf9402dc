/* zone.c - answers from a zone in memory, and the backend that serves them.
 *
 * Errors: only the zone's text can be wrong (zone_load). A CNAME chain without end is DNS_SERVFAIL,
 * as resolvers say. */
#include "dns/zone.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/thread.h"
#include "dns/backend.h"

#define CHAIN_MAX    16
#define NEGATIVE_TTL 300 /* what stands for the SOA's minimum */

/* --- names --- */

static size_t bucket_of(const struct dns_name *name)
{
    uint32_t hash = 2166136261U; /* FNV-1a; the text is our own, nobody chooses collisions */
    for (size_t i = 0; i < name->n; i++)
        hash = (hash ^ name->wire[i]) * 16777619U;
    return hash % ZONE_BUCKETS;
}

struct zone_node *zone_find(const struct zone *zone, const struct dns_name *name)
{
    struct zone_node *node = zone->buckets[bucket_of(name)];
    while (node && !dns_name_eq(&node->name, name))
        node = node->next;
    return node;
}

struct zone_node *zone_make(struct zone *zone, const struct dns_name *name)
{
    struct dns_name at = *name;
    while (!zone_find(zone, &at)) {
        struct zone_node **bucket = &zone->buckets[bucket_of(&at)];
        struct zone_node *node = arena_make(zone->arena, struct zone_node);
        node->name = at;
        node->otherwise = DNS_NODATA;
        node->next = *bucket;
        *bucket = node;
        dns_name_parent(&at, &at);
    }
    return zone_find(zone, name);
}

/* The node that answers for the name: its own, or the wildcard below its closest encloser
 * (RFC 4592 3.3.1); NULL if the name does not exist. */
static const struct zone_node *match(const struct zone *zone, const struct dns_name *name)
{
    const struct zone_node *node = zone_find(zone, name);
    struct dns_name encloser = *name, star = {.n = 0};
    if (node)
        return node;
    while (encloser.n > 1 && !zone_find(zone, &encloser))
        dns_name_parent(&encloser, &encloser);
    if (encloser.n + 2 > DNS_NAME_MAX)
        return NULL;
    dns_name_add_label(&star, "*", 1);
    memcpy(star.wire + star.n, encloser.wire, encloser.n);
    star.n = (uint8_t)(star.n + encloser.n);
    return zone_find(zone, &star);
}

/* Whether the nearest name of the text, at or above this one, is marked secure. */
static bool is_secure(const struct zone *zone, const struct zone_node *node,
                      const struct dns_name *name)
{
    struct dns_name at = *name;
    while ((!node || !node->given) && at.n > 1) {
        dns_name_parent(&at, &at);
        node = zone_find(zone, &at);
    }
    return node && node->secure;
}

/* --- answers --- */

static const struct zone_record *find_record(const struct zone_node *node, enum dns_type type)
{
    const struct zone_record *record = node->records;
    while (record && record->type != type)
        record = record->next;
    return record;
}

/* The node's records of this type into the answer; false if there is none. */
static bool collect_names(const struct zone_node *node, enum dns_type type, struct arena *a,
                          struct dns_answer *answer)
{
    size_t n = 0;
    for (const struct zone_record *r = node->records; r; r = r->next)
        n += r->type == type;
    if (n == 0)
        return false;
    struct dns_rr *rr = arena_array(a, struct dns_rr, n);
    answer->status = DNS_ANSWER;
    answer->rr = rr;
    answer->n = n;
    for (const struct zone_record *r = node->records; r; r = r->next) {
        if (r->type != type)
            continue;
        *rr++ = r->rr;
        if (r->ttl < answer->ttl)
            answer->ttl = r->ttl;
    }
    return true;
}

struct dns_answer zone_answer(const struct zone *zone, const struct dns_name *name,
                              enum dns_type type, struct arena *a, int64_t *delay_us)
{
    struct dns_answer answer = {.status = DNS_SERVFAIL, .ttl = UINT32_MAX};
    bool secure = true;
    *delay_us = 0;
    for (unsigned step = 0; step < CHAIN_MAX; step++) {
        const struct zone_node *node = match(zone, name);
        const struct zone_record *cname;
        secure = secure && is_secure(zone, node, name);
        answer.security = secure ? DNS_SECURE : DNS_UNCHECKED;
        *delay_us += node ? node->delay_us : 0;
        if (node && collect_names(node, type, a, &answer))
            return answer;
        cname = node ? find_record(node, DNS_CNAME) : NULL;
        if (!cname) {
            answer.status = node ? node->otherwise : DNS_NXDOMAIN;
            break;
        }
        if (cname->ttl < answer.ttl)
            answer.ttl = cname->ttl;
        name = &cname->target;
    }
    if (answer.ttl > NEGATIVE_TTL)
        answer.ttl = NEGATIVE_TTL;
    if (answer.status == DNS_BOGUS)
        answer.security = DNS_SECURITY_BOGUS;
    else if (dns_unknown(&answer))
        answer.security = DNS_UNCHECKED;
    return answer;
}

/* --- the backend: answers at once, or from a thread when they are to be late --- */

struct late {
    struct late *next;
    int64_t due_us;
    struct dns_entry *entry;
    struct dns_reply *reply;
};

struct zone_backend {
    struct dns_backend base;
    struct zone zone;
    pthread_t thread; /* runs only if the zone delays answers */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct late *late; /* soonest first */
    bool closing;
};

static struct zone_backend *zone_of(struct dns_backend *b)
{
    return (struct zone_backend *)b;
}

static void finish_later(struct zone_backend *z, struct dns_entry *e, struct dns_reply *reply,
                         int64_t delay_us)
{
    struct late *l = malloc(sizeof *l);
    if (!l)
        abort();
    *l = (struct late){.due_us = clock_us() + delay_us, .entry = e, .reply = reply};
    pthread_mutex_lock(&z->lock);
    struct late **at = &z->late;
    while (*at && (*at)->due_us <= l->due_us)
        at = &(*at)->next;
    l->next = *at;
    *at = l;
    pthread_mutex_unlock(&z->lock);
    pthread_cond_signal(&z->changed);
}

static void zone_ask(struct dns_backend *b, struct dns_entry *e)
{
    struct zone_backend *z = zone_of(b);
    const struct dns_question *q = dns_entry_question(e);
    struct arena *a = arena_new(0);
    int64_t delay_us;
    struct dns_answer answer = zone_answer(&z->zone, &q->name, q->type, a, &delay_us);
    struct dns_reply *reply = dns_reply_new(&answer, q->type);
    arena_free(a);
    if (delay_us)
        finish_later(z, e, reply, delay_us);
    else
        dns_entry_finish(e, reply);
}

/* Takes the first of the late answers when its time has come, or, at the end, whatever is left;
 * NULL when there is nothing to do but to go. Called with the lock held. */
static struct late *next_late(struct zone_backend *z)
{
    for (;;) {
        struct late *l = z->late;
        if (l && (z->closing || l->due_us <= clock_us())) {
            z->late = l->next;
            return l;
        }
        if (z->closing)
            return NULL;
        if (l)
            thread_cond_wait(&z->changed, &z->lock, l->due_us);
        else
            pthread_cond_wait(&z->changed, &z->lock);
    }
}

static void *run_zone(void *arg)
{
    struct zone_backend *z = arg;
    struct late *l;
    pthread_mutex_lock(&z->lock);
    while ((l = next_late(z))) {
        pthread_mutex_unlock(&z->lock);
        dns_entry_finish(l->entry, l->reply);
        free(l);
        pthread_mutex_lock(&z->lock);
    }
    pthread_mutex_unlock(&z->lock);
    return NULL;
}

static void zone_close(struct dns_backend *b)
{
    struct zone_backend *z = zone_of(b);
    pthread_mutex_lock(&z->lock);
    z->closing = true;
    pthread_mutex_unlock(&z->lock);
    pthread_cond_signal(&z->changed);
    if (z->zone.delays)
        pthread_join(z->thread, NULL);
    pthread_mutex_destroy(&z->lock);
    pthread_cond_destroy(&z->changed);
    arena_free(z->zone.arena);
    free(z);
}

struct dns_backend *dns_backend_zone(struct str zone_text, struct arena *a, struct str *problem)
{
    struct zone_backend *z = calloc(1, sizeof *z);
    if (!z)
        abort();
    z->base = (struct dns_backend){.ask = zone_ask, .close = zone_close};
    z->zone.arena = arena_new(0);
    pthread_mutex_init(&z->lock, NULL);
    thread_cond_init(&z->changed);
    zone_make(&z->zone, &(struct dns_name){.n = 1});
    if (!zone_load(&z->zone, zone_text, a, problem)) {
        z->zone.delays = false;
        zone_close(&z->base);
        return NULL;
    }
    if (z->zone.delays && !thread_start(&z->thread, run_zone, z)) {
        *problem = STR("no thread for the zone's late answers could be started");
        z->zone.delays = false;
        zone_close(&z->base);
        return NULL;
    }
    return &z->base;
}
