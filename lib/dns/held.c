/* held.c - a list of entries under a lock; a message asks for a dozen names.
 *
 * What is still under way takes no room; it is counted, or let go, when something is asked for the
 * next time after it came.
 *
 * A query that is sent ahead of need takes a spare one, and gives it back when it is needed; one
 * that repeats a failure keeps it. So all queries of a message are those that it needs and the
 * spare ones, and what was sent ahead never makes a needed one fail.
 *
 * Errors: none; exhausted memory ends the program. */
#include "dns/held.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define FIRST 16 /* entries; few messages ask for more */

struct held_entry {
    struct dns_entry *entry;
    bool counted; /* in bytes */
    bool refused; /* for want of room: a failure stands in its place */
    bool ahead;   /* sent ahead of need, and not needed yet: it has a spare query */
};

struct dns_held {
    atomic_uint refs;
    atomic_bool ended;
    pthread_mutex_t lock;
    size_t max_bytes, bytes;
    unsigned queries;
    unsigned spare, spent; /* spare 0: no bound */
    size_t n, cap;
    struct held_entry *list; /* `first`, or a larger block */
    struct held_entry first[FIRST];
};

struct dns_held *dns_held_new(size_t max_bytes, unsigned spare)
{
    struct dns_held *held = malloc(sizeof *held);
    if (!held)
        abort();
    atomic_init(&held->refs, 1);
    atomic_init(&held->ended, false);
    pthread_mutex_init(&held->lock, NULL);
    held->max_bytes = max_bytes;
    held->bytes = held->n = 0;
    held->queries = 0;
    held->spare = spare;
    held->spent = 0;
    held->cap = FIRST;
    held->list = held->first;
    return held;
}

struct dns_held *dns_held_share(struct dns_held *held)
{
    atomic_fetch_add_explicit(&held->refs, 1, memory_order_relaxed);
    return held;
}

void dns_held_release(struct dns_held *held)
{
    if (atomic_fetch_sub_explicit(&held->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < held->n; i++)
        dns_entry_release(held->list[i].entry);
    if (held->list != held->first)
        free(held->list);
    pthread_mutex_destroy(&held->lock);
    free(held);
}

void dns_held_end(struct dns_held *held)
{
    atomic_store_explicit(&held->ended, true, memory_order_relaxed);
}

bool dns_held_ended(const struct dns_held *held)
{
    return atomic_load_explicit(&held->ended, memory_order_relaxed);
}

/* --- with the lock --- */

static void append(struct dns_held *held, struct dns_entry *e)
{
    if (held->n == held->cap) {
        struct held_entry *old = held->list == held->first ? NULL : held->list;
        held->list = realloc(old, 2 * held->cap * sizeof *held->list);
        if (!held->list)
            abort();
        if (!old)
            memcpy(held->list, held->first, sizeof held->first);
        held->cap *= 2;
    }
    held->list[held->n++] = (struct held_entry){.entry = e};
}

/* Counts an entry that was answered, or lets it go. */
static void count_one(struct dns_held *held, struct held_entry *h)
{
    size_t bytes = dns_entry_bytes(h->entry);
    h->counted = true;
    h->refused = held->max_bytes && bytes > held->max_bytes - held->bytes;
    if (h->refused) {
        struct dns_entry *large = h->entry;
        h->entry = dns_entry_failed(dns_entry_question(large));
        dns_entry_release(large);
    } else {
        held->bytes += bytes;
    }
}

/* What came since the last time. */
static void count(struct dns_held *held)
{
    for (size_t i = 0; i < held->n; i++) {
        struct held_entry *h = &held->list[i];
        if (!h->counted && dns_entry_answer(h->entry))
            count_one(held, h);
    }
}

/* The newest entry for the question, or NULL. */
static struct held_entry *find(const struct dns_held *held, const struct dns_question *q)
{
    for (size_t i = held->n; i-- > 0;) {
        const struct dns_question *asked = dns_entry_question(held->list[i].entry);
        if (asked->type == q->type && dns_name_eq(&asked->name, &q->name))
            return &held->list[i];
    }
    return NULL;
}

/* A failure of the resolver, which may be over by now. */
static bool has_failed(const struct held_entry *h)
{
    const struct dns_answer *answer = dns_entry_answer(h->entry);
    return answer && dns_unknown(answer) && !h->refused;
}

static bool has_spare(const struct dns_held *held)
{
    return held->spare == 0 || held->spent < held->spare;
}

static void note_need(struct dns_held *held, struct held_entry *h)
{
    if (!h->ahead)
        return;
    h->ahead = false;
    held->spent--;
}

static struct held_entry *find_entry(struct dns_held *held, const struct dns_entry *e)
{
    for (size_t i = 0; i < held->n; i++)
        if (held->list[i].entry == e)
            return &held->list[i];
    return NULL;
}

/* Takes the entry in, unless somebody was faster with the same question: then that one's. */
static struct held_entry *take_in(struct dns_held *held, struct dns_entry *e, enum dns_need need)
{
    struct held_entry *other = find(held, dns_entry_question(e));
    if (other && (other->entry == e || need != DNS_NEEDED || !has_failed(other))) {
        dns_entry_release(e);
        return other;
    }
    append(held, e);
    return &held->list[held->n - 1];
}

/* --- without it --- */

/* Asks the cache, with the lock given up meanwhile. With `spare` the query has a spare one. */
static struct held_entry *ask_cache(struct dns_held *held, struct dns *dns,
                                    const struct dns_question *q, enum dns_need need, bool spare,
                                    bool *sent)
{
    held->spent += spare;
    pthread_mutex_unlock(&held->lock);
    struct dns_entry *e = dns_ask(dns, q, sent);
    pthread_mutex_lock(&held->lock);
    struct held_entry *h = take_in(held, e, need);
    held->queries += *sent;
    if (spare && *sent)
        h->ahead = need == DNS_NOT_NEEDED_YET;
    else
        held->spent -= spare;
    return h;
}

struct dns_entry *dns_held_ask(struct dns_held *held, struct dns *dns, const struct dns_question *q,
                               enum dns_need need, bool *sent, unsigned *queries)
{
    struct dns_entry *e = NULL;
    *sent = false;
    pthread_mutex_lock(&held->lock);
    count(held);
    struct held_entry *h = find(held, q);
    bool repeated = h && need == DNS_NEEDED && has_failed(h) && has_spare(held);
    bool ahead = !h && need == DNS_NOT_NEEDED_YET;
    if (repeated || (!h && (!ahead || has_spare(held))))
        h = ask_cache(held, dns, q, need, repeated || ahead, sent);
    if (h && need != DNS_NOT_NEEDED_YET)
        note_need(held, h);
    if (h) {
        e = h->entry;
        dns_entry_hold(e);
    }
    *queries = held->queries;
    pthread_mutex_unlock(&held->lock);
    return e;
}

const struct dns_answer *dns_held_answer(struct dns_held *held, struct dns_entry *e)
{
    pthread_mutex_lock(&held->lock);
    struct held_entry *h = find_entry(held, e);
    if (h && !h->counted)
        count_one(held, h);
    bool kept = h && h->entry == e;
    pthread_mutex_unlock(&held->lock);
    return kept ? dns_entry_answer(e) : NULL;
}

bool dns_held_wake(struct dns_held *held, struct dns *dns, struct dns_entry *e, struct dns_waker *w)
{
    pthread_mutex_lock(&held->lock);
    bool waits = find_entry(held, e) && dns_entry_wake(dns, e, w);
    pthread_mutex_unlock(&held->lock);
    return waits;
}
