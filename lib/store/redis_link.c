/* redis_link.c - a connection to one Redis server.
 *
 * Errors: false or NULL, with the reason in the link's `why`. A connection on which a reply did not
 * come, or broke the protocol, is given up: what comes on it later belongs to no question. */
#include "store/redis_link.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define CONNECT_US 1000000
/* Bytes that are read ahead; those of a whole batch are less. */
#define REPLY_MAX ((size_t)1 << 20)

/* --- Failures ----------------------------------------------------------------------------------*/

bool redis_server_fails(struct redis_link *l, const char *why)
{
    snprintf(l->why, sizeof l->why, "%s", why);
    return false;
}

void redis_link_drop(struct redis_link *l)
{
    if (l->context)
        redisFree(l->context);
    l->context = NULL;
}

bool redis_link_fail(struct redis_link *l)
{
    const redisContext *c = l->context;
    bool late = c && c->err == REDIS_ERR_IO && (errno == EAGAIN || errno == EWOULDBLOCK);
    redis_server_fails(l, late ? "no answer in time" : c ? c->errstr : "no memory");
    redis_link_drop(l);
    return false;
}

/* The server breaks the protocol, or may be no Redis at all. */
static bool fail_protocol(struct redis_link *l, const char *why)
{
    l->context->err = REDIS_ERR_PROTOCOL;
    snprintf(l->context->errstr, sizeof l->context->errstr, "%s", why);
    return false;
}

/* hiredis has no bound of its own: it makes room for what an array claims to hold, and keeps what
 * comes until the reply is whole. */
static bool is_modest(struct redis_link *l)
{
    const redisReader *reader = l->context->reader;
    if (reader->len > REPLY_MAX)
        return fail_protocol(l, "a reply that has no end");
    bool begins = reader->ridx < 0 && reader->pos < reader->len;
    return !begins || strchr("+-:$", reader->buf[reader->pos]) ||
           fail_protocol(l, "a reply that is none to what was asked");
}

/* Sends what waits, and reads until a reply is whole. NULL: the link is of no use. */
static redisReply *await_reply(struct redis_link *l)
{
    void *got = NULL;
    int sent = 0;
    while (!sent)
        if (redisBufferWrite(l->context, &sent) != REDIS_OK)
            return NULL;
    while (is_modest(l) && redisGetReplyFromReader(l->context, &got) == REDIS_OK && !got)
        if (redisBufferRead(l->context) != REDIS_OK)
            return NULL;
    return got;
}

redisReply *redis_link_read(struct redis_link *l)
{
    redisReply *reply = await_reply(l);
    if (!reply) {
        redis_link_fail(l);
        return NULL;
    }
    if (reply->type != REDIS_REPLY_ERROR)
        return reply;
    redis_server_fails(l, reply->str);
    freeReplyObject(reply);
    return NULL;
}

bool redis_link_succeeds(struct redis_link *l, int appended)
{
    if (appended != REDIS_OK)
        return redis_link_fail(l);
    redisReply *reply = redis_link_read(l);
    if (!reply)
        return false;
    freeReplyObject(reply);
    return true;
}

bool redis_number(const redisReply *reply, int64_t *value)
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

static bool log_in(struct redis_link *l)
{
    const struct state_server *s = &l->server;
    if (s->user.n)
        return redis_link_succeeds(l, redisAppendCommand(l->context, "AUTH %b %b", s->user.p,
                                                         s->user.n, s->password.p, s->password.n));
    return !s->password.n ||
           redis_link_succeeds(
               l, redisAppendCommand(l->context, "AUTH %b", s->password.p, s->password.n));
}

bool redis_link_connect(struct redis_link *l)
{
    const struct timeval connecting = {.tv_sec = CONNECT_US / 1000000},
                         replying = {.tv_usec = REDIS_REPLY_US};
    unsigned database = l->server.database;
    l->context = redisConnectWithTimeout(l->server.host.p, l->server.port, connecting);
    if (!l->context || l->context->err || redisSetTimeout(l->context, replying) != REDIS_OK)
        return redis_link_fail(l);
    l->used = false;
    if (log_in(l) && (!database || redis_link_succeeds(
                                       l, redisAppendCommand(l->context, "SELECT %u", database))))
        return true;
    redis_link_drop(l);
    return false;
}

/* The host ends with a NUL, for hiredis. */
static struct state_server copy_server(struct arena *a, const struct state_server *s)
{
    return (struct state_server){
        .host = str_of(str_cstr(a, s->host)),
        .port = s->port,
        .user = str_copy(a, s->user),
        .password = str_copy(a, s->password),
        .database = s->database,
        .prefix = str_copy(a, str_sub(s->prefix, 0, REDIS_PREFIX_MAX)),
    };
}

void redis_link_init(struct redis_link *l, const struct state_server *server)
{
    l->arena = arena_new(0);
    l->server = copy_server(l->arena, server);
}

void redis_link_free(struct redis_link *l)
{
    redis_link_drop(l);
    arena_free(l->arena);
}

struct str redis_link_name(const struct redis_link *l, struct arena *a)
{
    const struct state_server *s = &l->server;
    return str_printf(a, "redis://%.*s:%u/%u", STR_ARG(s->host), s->port, s->database);
}
