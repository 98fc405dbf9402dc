/* state_redis_list.c - the keys that a Redis server has, for tools: with SCAN, so that the server
 * goes on meanwhile.
 *
 * Errors: false, with the reason in *problem. A key that is gone, or whose value is no number, is
 * left out. */
#include <stdio.h>
#include <string.h>

#include "store/question.h"
#include "store/redis_link.h"

#define PROBLEM_MAX 400

struct listing {
    struct redis_link *link;
    int64_t now;
    state_each_fn *each;
    void *context;
};

/* Lists one key; skips a key that is gone or whose value is no number. */
static bool list_key(const struct listing *l, const redisReply *name)
{
    struct redis_link *link = l->link;
    int64_t value, left = -1;
    if (redisAppendCommand(link->context, "TTL %b", name->str, name->len) != REDIS_OK ||
        redisAppendCommand(link->context, "GET %b", name->str, name->len) != REDIS_OK)
        return redis_link_fail(link);
    redisReply *ttl = redis_link_read(link), *got = link->context ? redis_link_read(link) : NULL;
    if (ttl && ttl->type == REDIS_REPLY_INTEGER)
        left = ttl->integer;
    if (got && left >= 0 && redis_number(got, &value))
        l->each(l->context,
                str_sub((struct str){name->str, name->len}, link->server.prefix.n, SIZE_MAX), value,
                l->now + left);
    if (ttl)
        freeReplyObject(ttl);
    if (got)
        freeReplyObject(got);
    return link->context;
}

/* Lists some keys of a scan. *cursor is "0" at the end. */
static bool list_some(const struct listing *l, struct str pattern, char cursor[24])
{
    struct redis_link *link = l->link;
    redisReply *reply =
        redisCommand(link->context, "SCAN %s MATCH %b COUNT 1000", cursor, pattern.p, pattern.n);
    bool good = reply && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
                reply->element[0]->type == REDIS_REPLY_STRING &&
                reply->element[1]->type == REDIS_REPLY_ARRAY;
    if (good)
        snprintf(cursor, 24, "%s", reply->element[0]->str);
    else if (reply)
        redis_server_fails(link, reply->type == REDIS_REPLY_ERROR ? reply->str
                                                                  : "an answer that is none");
    else
        redis_link_fail(link);
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
    struct redis_link link = {0};
    char cursor[24] = "0";
    redis_link_init(&link, server);
    const struct listing l = {&link, now, each, context};
    struct str pattern = as_pattern(a, link.server.prefix, prefix);
    bool good = redis_link_connect(&link);
    do
        good = good && list_some(&l, pattern, cursor);
    while (good && strcmp(cursor, "0") != 0);
    if (!good) {
        struct str name = redis_link_name(&link, a);
        struct str why = str_printf(a, "state store %.*s: %s", STR_ARG(name), link.why);
        *problem = str_safe(a, why, PROBLEM_MAX, true);
    }
    redis_link_free(&link);
    return good;
}
