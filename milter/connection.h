/* connection.h - one connection of an MTA: the session's facts, and the transaction under way.
 *
 * libmilter calls back on changing threads, but never twice at once for one connection: nothing
 * here has a lock, and nothing here is thread-local. */
#ifndef ASSAY_MILTER_CONNECTION_H
#define ASSAY_MILTER_CONNECTION_H

#include "core/message.h"
#include "core/pipeline.h"
#include "decide/policy.h"
#include "milter/runtime.h"

#define HELO_MAX 512 /* a domain name has at most 253 bytes; what is longer is cut */

struct connection {
    struct runtime *runtime;
    struct session session;
    char helo[HELO_MAX + 1];
    unsigned number;         /* among those that were open when it came, from 1 */
    unsigned long no_reply;  /* steps that the MTA awaits no answer to (SMFIP_NR_*) */
    bool leading_space;      /* header values come with the white space behind the colon */
    struct transaction *now; /* NULL between messages; lives in `messages` */
    struct arena *messages;
    size_t quota; /* of `messages` */
};

/* A message on its way, from MAIL to its end. */
struct transaction {
    struct snapshot *snapshot;
    struct message message;
    struct evidence evidence;
    struct dns_asker asker;
    struct pipeline *pipeline;
    bool sampled;           /* the libraries of the field shall judge it too, after its end */
    struct body_copy *copy; /* NULL: nobody needs the whole body */
    bool no_memory;         /* it does not fit in limits.message-memory, or limits.memory */
    bool crowded;           /* a recipient beyond limits.recipients was refused */
    bool judged; /* at a recipient, and so for all that follow: nothing is known of recipients */
    struct verdict judgement;
};

/* What the MTA tells at MAIL; any may be NULL. */
struct envelope {
    const char *from;
    const char *queue_id, *auth_type, *auth_user;
    const char *version, *verify, *cert_subject, *cert_issuer;
};

struct connection *connection_new(struct runtime *rt);
/* Ends the transaction under way, if any. NULL is allowed. */
void connection_free(struct connection *c);

void connection_helo(struct connection *c, const char *name);

/* Begins a transaction; one that is still open is given up. NULL: the daemon is stopping, or there
 * is no memory, and the verdict says so. Else it is policy's at MAIL. */
struct transaction *transaction_begin(struct connection *c, const struct envelope *envelope,
                                      struct verdict *verdict);
/* True if the verdict is for the log too: a refusal is told of once. */
bool transaction_recipient(struct connection *c, const char *to, struct verdict *verdict);
void transaction_queue_id(struct transaction *t, const char *queue_id);
void transaction_header(struct connection *c, const char *name, const char *value);
void transaction_end_of_header(struct connection *c);
void transaction_body(struct transaction *t, const void *data, size_t n);
/* `waiting` is called about once a second while DNS is waited for. */
void transaction_finish(struct connection *c, void (*waiting)(void *), void *context,
                        struct verdict *verdict);

/* After the end of the message: ends the transaction. A sampled one goes to the sampler. */
void transaction_done(struct connection *c);

/* Frees all that the transaction under way has, if there is one. */
void transaction_end(struct connection *c);

#endif
