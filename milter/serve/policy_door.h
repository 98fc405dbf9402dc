/* policy_door.h - Postfix's policy delegation protocol (SMTPD_POLICY_README): attributes
 * "name=value" a line, an empty line behind them; and "action=..." with an empty line as the
 * answer. Exim asks the same through readsocket. */
#ifndef ASSAY_MILTER_SERVE_POLICY_DOOR_H
#define ASSAY_MILTER_SERVE_POLICY_DOOR_H

#include "base/str.h"
#include "milter/serve/serve.h"

#define POLICY_REQUEST_MAX ((size_t)256 * 1024) /* bytes of a request */
#define POLICY_VALUE_MAX                                                                           \
    4096 /* of a value, twice what Postfix reads from a client; the rest is cut */

/* The attributes that anybody here asks for; absent where they were not told. A name that stands
 * twice has its first value. */
struct policy_request {
    struct str request, protocol_state, instance, queue_id;
    struct str client_address, client_name, helo_name, sender, recipient, recipient_count;
    struct str sasl_method, sasl_username, ccert_subject, policy_context;
};

/* Reads a request; the texts are parts of it. Lines that are no attributes count for nothing. */
void policy_request_read(struct str text, struct policy_request *out);

struct policy_events {
    /* The state of a new connection. */
    void *(*opened)(void *context, struct serve_connection *c);
    /* The action, one line of text in `a`; it may wait, if it tells of it (serve_waits). */
    struct str (*asked)(void *state, const struct policy_request *request, struct arena *a);
    void (*closed)(void *state);
};

/* What the door's protocol wants as its context; outlives the server. */
struct policy_door {
    const struct policy_events *events;
    void *context; /* of opened() */
};

extern const struct serve_protocol policy_protocol;

#endif
