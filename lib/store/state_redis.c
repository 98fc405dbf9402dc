/* state_redis.c - state in a Redis server.
 *
 * One thread for each server owns the connection. It sends all waiting questions as one pipeline
 * and reads the replies; the commands exist in every Redis since 2.6.12. If the connection broke
 * since its last use, the thread connects again once, so that a restart of the server costs
 * nothing. After any other failure the server counts as down: questions are unknown at once, and
 * after pauses of 1 to 5 s the thread tries whether the server accepts a write again.
 *
 * Errors: after a failure keys are unknown. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/thread.h"
#include "store/question.h"
#include "store/redis_link.h"
#include "store/trouble.h"

#define BATCH     128
#define BATCH_US  (2 * REDIS_REPLY_US) /* for all replies to a batch */
#define PAUSE_US  5000000
#define PROBE_KEY "probe" /* none of our other keys looks like this */

struct redis {
    struct state_backend base;
    struct question_queue queue;
    pthread_t thread;
    struct trouble trouble;
    _Atomic int64_t busy_us; /* since when the thread waits for the server; 0: it does not wait */
    struct redis_link link;  /* used only by the thread */
};

/* --- Questions ---------------------------------------------------------------------------------*/

struct redis_key {
    size_t n;
    char bytes[REDIS_PREFIX_MAX + STATE_KEY_MAX];
};

static void full_key(const struct redis *r, struct str key, struct redis_key *out)
{
    struct str prefix = r->link.server.prefix;
    memcpy(out->bytes, prefix.p, prefix.n);
    if (key.n)
        memcpy(out->bytes + prefix.n, key.p, key.n);
    out->n = prefix.n + key.n;
}

/* Adds the commands for a key to the buffer of the connection; false without memory. */
static bool append_key(struct redis *r, const struct question *q, const struct state_key *key)
{
    struct redis_key k;
    full_key(r, key->key, &k);
    if (q->op == STATE_OP_TOUCH)
        return redisAppendCommand(r->link.context, "SET %b %lld EX %lld", k.bytes, k.n,
                                  (long long)key->value, (long long)q->ttl_s) == REDIS_OK;
    if (q->op == STATE_OP_FORGET)
        return redisAppendCommand(r->link.context, "DEL %b", k.bytes, k.n) == REDIS_OK;
    if (q->op == STATE_OP_PUT &&
        redisAppendCommand(r->link.context, "SET %b %lld EX %lld NX", k.bytes, k.n,
                           (long long)q->value, (long long)q->ttl_s) != REDIS_OK)
        return false;
    return redisAppendCommand(r->link.context, "GET %b", k.bytes, k.n) == REDIS_OK;
}

/* The reply to SET NX says whether the key was recorded, that to DEL and SET whether there was one.
 */
static bool read_change(struct redis *r, const struct question *q, struct state_key *key,
                        bool *recorded)
{
    redisReply *reply = redis_link_read(&r->link);
    if (!reply)
        return false;
    *recorded = reply->type == REDIS_REPLY_STATUS;
    if (q->op == STATE_OP_FORGET)
        key->result =
            reply->type == REDIS_REPLY_INTEGER && reply->integer > 0 ? STATE_ANSWER : STATE_ABSENT;
    freeReplyObject(reply);
    return true;
}

/* A value that is no number comes from another program: unknown. A key that expired between the two
 * commands is unknown too, because it is not recorded. */
static bool read_value(struct redis *r, const struct question *q, struct state_key *key,
                       bool recorded)
{
    redisReply *reply = redis_link_read(&r->link);
    int64_t value = 0;
    if (!reply)
        return false;
    if (recorded)
        *key = (struct state_key){key->key, q->value, STATE_ABSENT};
    else if (redis_number(reply, &value))
        *key = (struct state_key){key->key, value, STATE_ANSWER};
    else if (reply->type == REDIS_REPLY_NIL && q->op == STATE_OP_GET)
        key->result = STATE_ABSENT;
    freeReplyObject(reply);
    return true;
}

/* Reads all replies for the key, if there is a connection; false if one is an error. */
static bool read_key(struct redis *r, const struct question *q, struct state_key *key)
{
    bool recorded = false;
    bool good = q->op == STATE_OP_GET || read_change(r, q, key, &recorded);
    if (!r->link.context || q->op == STATE_OP_TOUCH || q->op == STATE_OP_FORGET)
        return good;
    struct state_key value = {.key = key->key};
    bool got = read_value(r, q, &value, recorded);
    if (good && got)
        *key = value;
    return good && got;
}

struct batch {
    size_t n, given; /* number of questions; how many were answered */
    struct question *questions[BATCH];
};

static bool append_batch(struct redis *r, const struct batch *b)
{
    for (size_t i = b->given; i < b->n; i++)
        for (size_t k = 0; k < b->questions[i]->n; k++)
            if (!append_key(r, b->questions[i], &b->questions[i]->keys[k]))
                return redis_link_fail(&r->link);
    return true;
}

/* False: a part of it failed. */
static bool read_question(struct redis *r, const struct question *q, struct state_key *answers)
{
    bool good = true;
    for (size_t k = 0; k < q->n; k++) {
        answers[k] = (struct state_key){.key = q->keys[k].key};
        if (r->link.context && !read_key(r, q, &answers[k]))
            good = false;
    }
    return good && r->link.context;
}

/* After an error it reads the other replies; without a connection it ends. */
static bool read_batch(struct redis *r, struct batch *b)
{
    struct state_key answers[STATE_KEYS_MAX];
    int64_t until_us = clock_us() + BATCH_US;
    bool good = true;
    while (b->given < b->n) {
        struct question *q = b->questions[b->given];
        good = read_question(r, q, answers) && good;
        if (!r->link.context)
            return false;
        question_answer(q, answers);
        b->given++;
        if (clock_us() > until_us && b->given < b->n) {
            redis_server_fails(&r->link, "no answer in time");
            redis_link_drop(&r->link);
            return false;
        }
    }
    return good;
}

static bool try_batch(struct redis *r, struct batch *b)
{
    if (!r->link.context && !redis_link_connect(&r->link))
        return false;
    bool good = append_batch(r, b) && read_batch(r, b);
    r->link.used = r->link.used || good;
    return good;
}

static bool work_off(struct redis *r, struct batch *b)
{
    bool may_be_stale = r->link.context && r->link.used;
    int64_t began = clock_us();
    if (try_batch(r, b))
        return true;
    bool broke = !r->link.context && clock_us() - began < REDIS_REPLY_US / 2;
    return may_be_stale && broke && try_batch(r, b);
}

static void give_up_batch(struct redis *r, struct batch *b)
{
    atomic_fetch_add(&r->trouble.missed, b->n - b->given);
    while (b->given < b->n)
        question_answer(b->questions[b->given++], NULL);
}

/* --- While it is down --------------------------------------------------------------------------*/

/* Only a write shows that the server is well: a replica, and a server without memory, can still
 * read. */
static bool takes_writes(struct redis *r)
{
    struct redis_key k;
    full_key(r, STR(PROBE_KEY), &k);
    return (r->link.context || redis_link_connect(&r->link)) &&
           redis_link_succeeds(&r->link,
                               redisAppendCommand(r->link.context, "SET %b 1 EX 60", k.bytes, k.n));
}

static void look_again(struct redis *r)
{
    if (takes_writes(r)) {
        r->link.used = true;
        trouble_over(&r->trouble);
    } else {
        if (r->link.context && r->link.context->err)
            redis_link_fail(&r->link);
        trouble_begins(&r->trouble, r->link.why);
    }
}

static void answer_batch(struct redis *r, struct batch *b)
{
    size_t kept = 0;
    for (size_t i = 0; i < b->n; i++) {
        if (question_is_late(b->questions[i]))
            question_answer(b->questions[i], NULL);
        else
            b->questions[kept++] = b->questions[i];
    }
    b->n = kept;
    b->given = 0;
    atomic_store(&r->busy_us, clock_us());
    if (b->n && !atomic_load(&r->trouble.on) && !work_off(r, b))
        trouble_begins(&r->trouble, r->link.why);
    atomic_store(&r->busy_us, 0);
    give_up_batch(r, b);
}

/* --- Its life ----------------------------------------------------------------------------------*/

static void *work_server(void *redis)
{
    struct redis *r = redis;
    struct batch *b = calloc(1, sizeof *b);
    bool closed = false, more = true;
    if (!b)
        abort();
    while (more) {
        bool down = atomic_load(&r->trouble.on);
        int64_t until_us = down ? atomic_load(&r->trouble.until_us) : 0;
        size_t taken = b->n =
            question_queue_take(&r->queue, b->questions, BATCH, until_us, &closed);
        answer_batch(r, b);
        if (down && !closed && !trouble_pauses(&r->trouble))
            look_again(r);
        more = taken || !closed;
    }
    redis_link_drop(&r->link);
    free(b);
    return NULL;
}

static bool take_redis(struct state_backend *base, struct question *q)
{
    struct redis *r = (struct redis *)base;
    int64_t busy_us = atomic_load(&r->busy_us);
    bool stuck = busy_us && clock_us() - busy_us > STATE_BUDGET_US;
    bool taken = !stuck && !atomic_load(&r->trouble.on) && question_queue_put(&r->queue, q);
    if (!taken)
        atomic_fetch_add(&r->trouble.missed, 1);
    return taken;
}

static void free_redis(struct redis *r)
{
    question_queue_destroy(&r->queue);
    redis_link_free(&r->link);
    free(r);
}

static void close_redis(struct state_backend *base)
{
    struct redis *r = (struct redis *)base;
    question_queue_close(&r->queue);
    pthread_join(r->thread, NULL);
    free_redis(r);
}

static struct redis *redis_new(const struct state_server *server)
{
    struct redis *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    redis_link_init(&r->link, server);
    trouble_init(&r->trouble, "state store", redis_link_name(&r->link, r->link.arena), PAUSE_US);
    question_queue_init(&r->queue);
    return r;
}

struct state_backend *state_redis_open(const struct state_server *server, int64_t pause_us)
{
    struct redis *r = redis_new(server);
    if (!r)
        return NULL;
    r->base = (struct state_backend){take_redis, NULL, close_redis};
    if (pause_us)
        r->trouble.longest_us = pause_us;
    if (thread_start(&r->thread, work_server, r))
        return &r->base;
    free_redis(r);
    return NULL;
}
