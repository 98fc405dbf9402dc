/* state_redis.c - state in a Redis server.
 *
 * One thread for each server owns the connection. It sends all waiting questions as one pipeline
 * and reads the replies; the commands exist in every Redis since 2.6.12. If the connection broke
 * since its last use, the thread connects again once, so that a restart of the server costs
 * nothing. After any other failure the server counts as down: questions are unknown at once, and
 * after pauses of 1 to 5 s the thread tries whether the server accepts a write again.
 *
 * Errors: after a failure keys are unknown. */
#include <errno.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/thread.h"
#include "store/question.h"
#include "store/trouble.h"

#define BATCH      128
#define REPLY_US   STATE_BUDGET_US       /* for one reply */
#define BATCH_US   (2 * STATE_BUDGET_US) /* for all replies to a batch */
#define CONNECT_US 1000000
#define PAUSE_US   5000000
#define KEY_MAX    (STATE_KEY_MAX + 64)
#define PREFIX_MAX 63
#define WHY        200
#define REPLY_MAX                                                                                  \
    ((size_t)1 << 20)     /* bytes that are read ahead; those of a whole batch are less            \
                           */
#define PROBE_KEY "probe" /* none of our other keys looks like this */

struct redis {
    struct state_backend base;
    struct question_queue queue;
    pthread_t thread;
    struct trouble trouble;
    struct arena *arena; /* of the settings */
    struct state_server server;
    _Atomic int64_t busy_us; /* since when the thread waits for the server; 0: it does not wait */
    /* Used only by the thread: */
    redisContext *link;
    bool used; /* the link has worked before, so the server may have closed it while it was idle */
    char why[WHY];
};

/* --- Replies -----------------------------------------------------------------------------------*/

static bool fail_server(struct redis *r, const char *why)
{
    snprintf(r->why, sizeof r->why, "%s", why);
    return false;
}

/* Gives up the connection. */
static bool fail_link(struct redis *r)
{
    bool late =
        r->link && r->link->err == REDIS_ERR_IO && (errno == EAGAIN || errno == EWOULDBLOCK);
    fail_server(r, late ? "no answer in time" : r->link ? r->link->errstr : "no memory");
    if (r->link)
        redisFree(r->link);
    r->link = NULL;
    return false;
}

/* The server breaks the protocol, or may be no Redis at all. */
static bool fail_protocol(struct redis *r, const char *why)
{
    r->link->err = REDIS_ERR_PROTOCOL;
    snprintf(r->link->errstr, sizeof r->link->errstr, "%s", why);
    return false;
}

/* hiredis has no bound of its own: it makes room for what an array claims to hold, and keeps what
 * comes until the reply is whole. */
static bool is_modest(struct redis *r)
{
    const redisReader *reader = r->link->reader;
    if (reader->len > REPLY_MAX)
        return fail_protocol(r, "a reply that has no end");
    bool begins = reader->ridx < 0 && reader->pos < reader->len;
    return !begins || strchr("+-:$", reader->buf[reader->pos]) ||
           fail_protocol(r, "a reply that is none to what was asked");
}

/* Sends what waits, and reads until a reply is whole. NULL: the link is of no use. */
static redisReply *await_reply(struct redis *r)
{
    void *got = NULL;
    int sent = 0;
    while (!sent)
        if (redisBufferWrite(r->link, &sent) != REDIS_OK)
            return NULL;
    while (is_modest(r) && redisGetReplyFromReader(r->link, &got) == REDIS_OK && !got)
        if (redisBufferRead(r->link) != REDIS_OK)
            return NULL;
    return got;
}

/* The next reply, which the caller frees; NULL: there is none, or it is an error. */
static redisReply *read_reply(struct redis *r)
{
    redisReply *reply = await_reply(r);
    if (!reply) {
        fail_link(r);
        return NULL;
    }
    if (reply->type != REDIS_REPLY_ERROR)
        return reply;
    fail_server(r, reply->str);
    freeReplyObject(reply);
    return NULL;
}

static bool parse_number(const redisReply *reply, int64_t *value)
{
    struct str text = {reply->str, reply->len};
    bool negative = reply->type == REDIS_REPLY_STRING && str_starts(text, STR("-"));
    unsigned long long magnitude;
    if (reply->type != REDIS_REPLY_STRING ||
        !str_to_u64(str_sub(text, negative, text.n), INT64_MAX, &magnitude))
        return false;
    *value = negative ? -(int64_t)magnitude : (int64_t)magnitude;
    return true;
}

/* --- The connection ----------------------------------------------------------------------------*/

/* The reply to a command that was appended. */
static bool succeeds(struct redis *r, int appended)
{
    redisReply *reply = appended == REDIS_OK ? await_reply(r) : NULL;
    if (!reply)
        return fail_link(r);
    bool good = reply->type != REDIS_REPLY_ERROR;
    if (!good)
        fail_server(r, reply->str);
    freeReplyObject(reply);
    return good;
}

static bool log_in(struct redis *r)
{
    const struct state_server *s = &r->server;
    if (s->user.n)
        return succeeds(r, redisAppendCommand(r->link, "AUTH %b %b", s->user.p, s->user.n,
                                              s->password.p, s->password.n));
    return !s->password.n ||
           succeeds(r, redisAppendCommand(r->link, "AUTH %b", s->password.p, s->password.n));
}

static bool connect_to_server(struct redis *r)
{
    const struct timeval connecting = {.tv_sec = CONNECT_US / 1000000},
                         replying = {.tv_usec = REPLY_US};
    r->link =
        redisConnectWithTimeout(str_cstr(r->arena, r->server.host), r->server.port, connecting);
    if (!r->link || r->link->err || redisSetTimeout(r->link, replying) != REDIS_OK)
        return fail_link(r);
    r->used = false;
    if (log_in(r) && (!r->server.database ||
                      succeeds(r, redisAppendCommand(r->link, "SELECT %u", r->server.database))))
        return true;
    if (r->link)
        redisFree(r->link);
    r->link = NULL;
    return false;
}

/* --- Questions ---------------------------------------------------------------------------------*/

struct redis_key {
    size_t n;
    char bytes[KEY_MAX];
};

static void full_key(const struct redis *r, struct str key, struct redis_key *out)
{
    memcpy(out->bytes, r->server.prefix.p, r->server.prefix.n);
    if (key.n)
        memcpy(out->bytes + r->server.prefix.n, key.p, key.n);
    out->n = r->server.prefix.n + key.n;
}

/* Adds the commands for a key to the buffer of the connection; false without memory. */
static bool append_key(struct redis *r, const struct question *q, const struct state_key *key)
{
    struct redis_key k;
    full_key(r, key->key, &k);
    if (q->op == STATE_OP_TOUCH)
        return redisAppendCommand(r->link, "SET %b %lld EX %lld", k.bytes, k.n,
                                  (long long)key->value, (long long)q->ttl_s) == REDIS_OK;
    if (q->op == STATE_OP_FORGET)
        return redisAppendCommand(r->link, "DEL %b", k.bytes, k.n) == REDIS_OK;
    if (q->op == STATE_OP_PUT &&
        redisAppendCommand(r->link, "SET %b %lld EX %lld NX", k.bytes, k.n, (long long)q->value,
                           (long long)q->ttl_s) != REDIS_OK)
        return false;
    return redisAppendCommand(r->link, "GET %b", k.bytes, k.n) == REDIS_OK;
}

/* The reply to SET NX says whether the key was recorded, that to DEL and SET whether there was one.
 */
static bool read_change(struct redis *r, const struct question *q, struct state_key *key,
                        bool *recorded)
{
    redisReply *reply = read_reply(r);
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
    redisReply *reply = read_reply(r);
    int64_t value = 0;
    if (!reply)
        return false;
    if (recorded)
        *key = (struct state_key){key->key, q->value, STATE_ABSENT};
    else if (parse_number(reply, &value))
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
    if (!r->link || q->op == STATE_OP_TOUCH || q->op == STATE_OP_FORGET)
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
                return fail_link(r);
    return true;
}

/* False: a part of it failed. */
static bool read_question(struct redis *r, const struct question *q, struct state_key *answers)
{
    bool good = true;
    for (size_t k = 0; k < q->n; k++) {
        answers[k] = (struct state_key){.key = q->keys[k].key};
        if (r->link && !read_key(r, q, &answers[k]))
            good = false;
    }
    return good && r->link;
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
        if (!r->link)
            return false;
        question_answer(q, answers);
        b->given++;
        if (clock_us() > until_us && b->given < b->n) {
            fail_server(r, "no answer in time");
            redisFree(r->link);
            r->link = NULL;
            return false;
        }
    }
    return good;
}

static bool try_batch(struct redis *r, struct batch *b)
{
    if (!r->link && !connect_to_server(r))
        return false;
    bool good = append_batch(r, b) && read_batch(r, b);
    r->used = r->used || good;
    return good;
}

static bool work_off(struct redis *r, struct batch *b)
{
    bool may_be_stale = r->link && r->used;
    int64_t began = clock_us();
    if (try_batch(r, b))
        return true;
    bool broke = !r->link && clock_us() - began < REPLY_US / 2;
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
    return (r->link || connect_to_server(r)) &&
           succeeds(r, redisAppendCommand(r->link, "SET %b 1 EX 60", k.bytes, k.n));
}

static void look_again(struct redis *r)
{
    if (takes_writes(r)) {
        r->used = true;
        trouble_over(&r->trouble);
    } else {
        if (r->link && r->link->err)
            fail_link(r);
        trouble_begins(&r->trouble, r->why);
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
        trouble_begins(&r->trouble, r->why);
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
    if (r->link)
        redisFree(r->link);
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
    arena_free(r->arena);
    free(r);
}

static void close_redis(struct state_backend *base)
{
    struct redis *r = (struct redis *)base;
    question_queue_close(&r->queue);
    pthread_join(r->thread, NULL);
    free_redis(r);
}

static struct state_server copy_server(struct arena *a, const struct state_server *s)
{
    return (struct state_server){
        .host = str_copy(a, s->host),
        .port = s->port,
        .user = str_copy(a, s->user),
        .password = str_copy(a, s->password),
        .database = s->database,
        .prefix = str_copy(a, str_sub(s->prefix, 0, PREFIX_MAX)),
    };
}

static struct redis *redis_new(const struct state_server *server)
{
    struct redis *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->arena = arena_new(0);
    r->server = copy_server(r->arena, server);
    struct str where = str_printf(r->arena, "redis://%.*s:%u/%u", STR_ARG(server->host),
                                  server->port, server->database);
    trouble_init(&r->trouble, "state store", where, PAUSE_US);
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

/* --- For tools ---------------------------------------------------------------------------------*/

struct listing {
    struct redis *r;
    int64_t now;
    state_each_fn *each;
    void *context;
};

/* Lists one key; skips a key that is gone or whose value is no number. */
static bool list_key(const struct listing *l, const redisReply *name)
{
    struct redis *r = l->r;
    int64_t value, left = -1;
    if (redisAppendCommand(r->link, "TTL %b", name->str, name->len) != REDIS_OK ||
        redisAppendCommand(r->link, "GET %b", name->str, name->len) != REDIS_OK)
        return fail_link(r);
    redisReply *ttl = read_reply(r), *got = r->link ? read_reply(r) : NULL;
    if (ttl && ttl->type == REDIS_REPLY_INTEGER)
        left = ttl->integer;
    if (got && left >= 0 && parse_number(got, &value))
        l->each(l->context,
                str_sub((struct str){name->str, name->len}, r->server.prefix.n, SIZE_MAX), value,
                l->now + left);
    if (ttl)
        freeReplyObject(ttl);
    if (got)
        freeReplyObject(got);
    return r->link;
}

/* Lists some keys of a scan. *cursor is "0" at the end. */
static bool list_some(const struct listing *l, struct str pattern, char cursor[24])
{
    struct redis *r = l->r;
    redisReply *reply =
        redisCommand(r->link, "SCAN %s MATCH %b COUNT 1000", cursor, pattern.p, pattern.n);
    bool good = reply && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
                reply->element[0]->type == REDIS_REPLY_STRING &&
                reply->element[1]->type == REDIS_REPLY_ARRAY;
    if (good)
        snprintf(cursor, 24, "%s", reply->element[0]->str);
    else if (reply)
        fail_server(r, reply->type == REDIS_REPLY_ERROR ? reply->str : "an answer that is none");
    else
        fail_link(r);
    for (size_t i = 0; good && i < reply->element[1]->elements; i++)
        good = list_key(l, reply->element[1]->element[i]);
    if (reply)
        freeReplyObject(reply);
    return good;
}

/* Escapes the characters that have a meaning in a pattern. */
static struct str as_pattern(struct arena *a, struct str prefix, struct str text)
{
    struct strbuf b;
    struct str both = str_printf(a, "%.*s%.*s", STR_ARG(prefix), STR_ARG(text));
    sb_init(&b, a);
    for (size_t i = 0; i < both.n; i++) {
        if (strchr("*?[]\\", both.p[i]))
            sb_addc(&b, '\\');
        sb_addc(&b, both.p[i]);
    }
    sb_addc(&b, '*');
    return sb_str(&b);
}

bool state_redis_list(const struct state_server *server, int64_t now, struct str prefix,
                      state_each_fn *each, void *context, struct arena *a, struct str *problem)
{
    struct redis *r = redis_new(server);
    char cursor[24] = "0";
    if (!r)
        return false;
    const struct listing l = {r, now, each, context};
    struct str pattern = as_pattern(a, r->server.prefix, prefix);
    bool good = connect_to_server(r);
    do
        good = good && list_some(&l, pattern, cursor);
    while (good && strcmp(cursor, "0") != 0);
    if (!good)
        *problem = str_printf(a, "%s: %.*s", r->trouble.name,
                              STR_ARG(str_safe(a, str_of(r->why), WHY, true)));
    if (r->link)
        redisFree(r->link);
    free_redis(r);
    return good;
}
