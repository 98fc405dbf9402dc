/* redis_link.h - a connection to one Redis server. Private to lib/store.
 *
 * Commands are appended to the connection's buffer (redisAppendCommand), and their replies are read
 * in the same order. Replies have bounds of time and size: a server that is none, or has been taken
 * over, costs no more than one that is down. Used by one thread at a time. */
#ifndef ASSAY_STORE_REDIS_LINK_H
#define ASSAY_STORE_REDIS_LINK_H

#include <hiredis/hiredis.h>

#include "store/state.h"

#define REDIS_REPLY_US   STATE_BUDGET_US /* for one reply */
#define REDIS_WHY        200
#define REDIS_PREFIX_MAX 63 /* bytes of server.prefix that count */

struct redis_link {
    struct arena *arena; /* of the settings */
    struct state_server server;
    redisContext *context; /* NULL: not connected */
    bool used; /* it has worked before, so the server may have closed it while it was idle */
    char why[REDIS_WHY]; /* the last failure */
};

/* Copies the settings; *l is zeroed. Does not connect. */
void redis_link_init(struct redis_link *l, const struct state_server *server);
void redis_link_free(struct redis_link *l);

/* "redis://host:port/database", not cleaned; in `a`. */
struct str redis_link_name(const struct redis_link *l, struct arena *a);

/* Connects, logs in and selects the database. Waits a second at most, and for replies. */
bool redis_link_connect(struct redis_link *l);
void redis_link_drop(struct redis_link *l);

/* Each notes why, and is false. redis_link_fail: the connection is given up, with its own words. */
bool redis_link_fail(struct redis_link *l);
bool redis_server_fails(struct redis_link *l, const char *why);

/* The next reply, which the caller frees. NULL: it is an error, and `why` has it; or there is none,
 * and the connection was given up. */
redisReply *redis_link_read(struct redis_link *l);

/* The reply to a command that was appended, with what redisAppendCommand() said, is no error. */
bool redis_link_succeeds(struct redis_link *l, int appended);

/* False: the reply is no text of a number. */
bool redis_number(const redisReply *reply, int64_t *value);

#endif
