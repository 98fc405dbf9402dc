/* message_answers.c - a list of entries under a lock; a message asks for a dozen names.
 *
 * What is still under way takes no room; it is counted, or let go, when it comes: a message that
 * says nothing more for a while holds no more than it may.
 *
 * A query that is sent ahead of need takes a spare one, and gives it back when it is needed; one
 * that repeats a failure keeps it. So all queries of a message are those that it needs and the
 * spare ones, and what was sent ahead never makes a needed one fail.
 *
 * Errors: none; exhausted memory ends the program. */
#include "dns/message_answers.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define FIRST 16 /* entries; few messages ask for more */

struct held_entry {
    struct dns_entry *entry;
    bool counted;  /* in bytes */
    bool refused;  /* for want of room: a failure stands in its place */
    bool favoured; /* asked for by somebody who has room set aside */
    bool ahead;    /* sent ahead of need, and not needed yet: it has a spare query */
};

struct message_answers {
    atomic_uint refs;
    pthread_mutex_t lock; /* of what follows */
    bool ended;
    unsigned users; /* errands that run now */
    size_t max_bytes, bytes, set_aside;
    unsigned queries;
    unsigned spare, spent; /* spare 0: no bound */
    size_t n, cap;
    struct held_entry *list; /* `first`, or a larger block */
    struct held_entry first[FIRST];
};

struct message_answers *message_answers_new(size_t max_bytes, size_t set_aside, unsigned spare)
{
    struct message_answers *answers = malloc(sizeof *answers);
    if (!answers)
        abort();
    atomic_init(&answers->refs, 1);
    pthread_mutex_init(&answers->lock, NULL);
    answers->ended = false;
    answers->users = 0;
    answers->max_bytes = max_bytes;
    answers->set_aside = set_aside;
    answers->bytes = answers->n = 0;
    answers->queries = 0;
    answers->spare = spare;
    answers->spent = 0;
    answers->cap = FIRST;
    answers->list = answers->first;
    return answers;
}

struct message_answers *message_answers_share(struct message_answers *answers)
{
    atomic_fetch_add_explicit(&answers->refs, 1, memory_order_relaxed);
    return answers;
}

static void drop_answers(struct message_answers *answers)
{
    for (size_t i = 0; i < answers->n; i++)
        dns_entry_release(answers->list[i].entry);
    answers->n = 0;
}

void message_answers_release(struct message_answers *answers)
{
    if (atomic_fetch_sub_explicit(&answers->refs, 1, memory_order_acq_rel) != 1)
        return;
    drop_answers(answers);
    if (answers->list != answers->first)
        free(answers->list);
    pthread_mutex_destroy(&answers->lock);
    free(answers);
}

void message_answers_end(struct message_answers *answers)
{
    pthread_mutex_lock(&answers->lock);
    answers->ended = true;
    if (!answers->users)
        drop_answers(answers);
    pthread_mutex_unlock(&answers->lock);
}

bool message_answers_use(struct message_answers *answers)
{
    pthread_mutex_lock(&answers->lock);
    bool usable = !answers->ended;
    answers->users += usable;
    pthread_mutex_unlock(&answers->lock);
    return usable;
}

void message_answers_leave(struct message_answers *answers)
{
    pthread_mutex_lock(&answers->lock);
    if (!--answers->users && answers->ended)
        drop_answers(answers);
    pthread_mutex_unlock(&answers->lock);
}

/* --- with the lock --- */

static void append_answer(struct message_answers *answers, struct dns_entry *e)
{
    if (answers->n == answers->cap) {
        struct held_entry *old = answers->list == answers->first ? NULL : answers->list;
        answers->list = realloc(old, 2 * answers->cap * sizeof *answers->list);
        if (!answers->list)
            abort();
        if (!old)
            memcpy(answers->list, answers->first, sizeof answers->first);
        answers->cap *= 2;
    }
    answers->list[answers->n++] = (struct held_entry){.entry = e};
}

/* Counts an entry that was answered, or lets it go. */
static void count_one(struct message_answers *answers, struct held_entry *h)
{
    size_t bytes = dns_entry_bytes(h->entry);
    h->counted = true;
    if (h->favoured && bytes <= answers->set_aside)
        return;
    h->refused = answers->max_bytes && bytes > answers->max_bytes - answers->bytes;
    if (h->refused) {
        struct dns_entry *large = h->entry;
        h->entry = dns_entry_failed(dns_entry_question(large));
        dns_entry_release(large);
    } else {
        answers->bytes += bytes;
    }
}

/* What came since the last time. */
static void count_answer(struct message_answers *answers)
{
    for (size_t i = 0; i < answers->n; i++) {
        struct held_entry *h = &answers->list[i];
        if (!h->counted && dns_entry_answer(h->entry))
            count_one(answers, h);
    }
}

/* The newest entry for the question, or NULL. */
static struct held_entry *find_answer(const struct message_answers *answers,
                                      const struct dns_question *q)
{
    for (size_t i = answers->n; i-- > 0;) {
        const struct dns_question *asked = dns_entry_question(answers->list[i].entry);
        if (asked->type == q->type && dns_name_eq(&asked->name, &q->name))
            return &answers->list[i];
    }
    return NULL;
}

/* A failure of the resolver, which may be over by now. */
static bool has_failed(const struct held_entry *h)
{
    const struct dns_answer *answer = dns_entry_answer(h->entry);
    return answer && dns_unknown(answer) && !h->refused;
}

static bool has_spare(const struct message_answers *answers)
{
    return answers->spare == 0 || answers->spent < answers->spare;
}

static void note_need(struct message_answers *answers, struct held_entry *h)
{
    if (!h->ahead)
        return;
    h->ahead = false;
    answers->spent--;
}

static struct held_entry *find_entry(struct message_answers *answers, const struct dns_entry *e)
{
    for (size_t i = 0; i < answers->n; i++)
        if (answers->list[i].entry == e)
            return &answers->list[i];
    return NULL;
}

/* Tells of an answer that has come, wherever the message is. */
struct arrival {
    struct dns_waker waker; /* first, so that a waker is its arrival */
    struct message_answers *answers;
};

static void note_arrival(struct dns_waker *w)
{
    struct arrival *arrival = (struct arrival *)w;
    pthread_mutex_lock(&arrival->answers->lock);
    count_answer(arrival->answers);
    pthread_mutex_unlock(&arrival->answers->lock);
    message_answers_release(arrival->answers);
    free(arrival);
}

/* Where there is no bound nothing has to be counted. */
static void await_arrival(struct message_answers *answers, struct dns *dns, struct dns_entry *e)
{
    if (!answers->max_bytes || dns_entry_answer(e))
        return;
    struct arrival *arrival = malloc(sizeof *arrival);
    if (!arrival)
        abort();
    *arrival = (struct arrival){{.wake = note_arrival}, message_answers_share(answers)};
    if (dns_entry_wake(dns, e, &arrival->waker))
        return;
    atomic_fetch_sub_explicit(&answers->refs, 1, memory_order_relaxed); /* the caller has one */
    free(arrival);
}

/* Refused to somebody else, who has no room set aside. */
static bool has_room_now(const struct held_entry *h, bool favoured)
{
    return favoured && h->refused && !h->favoured;
}

/* Takes the entry in, unless somebody was faster with the same question: then that one's. */
static struct held_entry *take_in(struct message_answers *answers, struct dns *dns,
                                  struct dns_entry *e, enum dns_need need, bool favoured)
{
    struct held_entry *other = find_answer(answers, dns_entry_question(e));
    if (other && !has_room_now(other, favoured) &&
        (other->entry == e || need != DNS_NEEDED || !has_failed(other))) {
        dns_entry_release(e);
        return other;
    }
    append_answer(answers, e);
    answers->list[answers->n - 1].favoured = favoured;
    await_arrival(answers, dns, e);
    return &answers->list[answers->n - 1];
}

/* --- without it --- */

/* Asks the cache, with the lock given up meanwhile. With `spare` the query has a spare one. */
static struct held_entry *ask_cache(struct message_answers *answers, struct dns *dns,
                                    const struct dns_question *q, enum dns_need need, bool favoured,
                                    bool spare, bool *sent)
{
    answers->spent += spare;
    pthread_mutex_unlock(&answers->lock);
    struct dns_entry *e = dns_ask(dns, q, sent);
    pthread_mutex_lock(&answers->lock);
    struct held_entry *h = take_in(answers, dns, e, need, favoured);
    answers->queries += *sent;
    if (spare && *sent)
        h->ahead = need == DNS_NOT_NEEDED_YET;
    else
        answers->spent -= spare;
    return h;
}

struct dns_entry *message_answers_ask(struct message_answers *answers, struct dns *dns,
                                      const struct dns_question *q, enum dns_need need,
                                      bool favoured, bool *sent, unsigned *queries)
{
    struct dns_entry *e = NULL;
    *sent = false;
    pthread_mutex_lock(&answers->lock);
    count_answer(answers);
    struct held_entry *h = find_answer(answers, q);
    if (h && has_room_now(h, favoured))
        h = NULL;
    bool repeated = h && need == DNS_NEEDED && has_failed(h) && has_spare(answers);
    bool ahead = !h && need == DNS_NOT_NEEDED_YET;
    if (repeated || (!h && (!ahead || has_spare(answers))))
        h = ask_cache(answers, dns, q, need, favoured, repeated || ahead, sent);
    if (h && need != DNS_NOT_NEEDED_YET)
        note_need(answers, h);
    if (h && favoured)
        h->favoured = true;
    if (h) {
        e = h->entry;
        dns_entry_hold(e);
    }
    *queries = answers->queries;
    pthread_mutex_unlock(&answers->lock);
    return e;
}

const struct dns_answer *message_answers_answer(struct message_answers *answers,
                                                struct dns_entry *e)
{
    pthread_mutex_lock(&answers->lock);
    struct held_entry *h = find_entry(answers, e);
    if (h && !h->counted)
        count_one(answers, h);
    bool kept = h && h->entry == e;
    pthread_mutex_unlock(&answers->lock);
    return kept ? dns_entry_answer(e) : NULL;
}

bool message_answers_wake(struct message_answers *answers, struct dns *dns, struct dns_entry *e,
                          struct dns_waker *w)
{
    pthread_mutex_lock(&answers->lock);
    bool waits = find_entry(answers, e) && dns_entry_wake(dns, e, w);
    pthread_mutex_unlock(&answers->lock);
    return waits;
}
