/* whole.h - one message, known from beginning to end, through pipeline, policy and edits at once:
 * for tools and tests. The daemon does the same step by step as the MTA tells
 * (milter/connection.c). */
#ifndef ASSAY_DECIDE_WHOLE_H
#define ASSAY_DECIDE_WHOLE_H

#include "core/pipeline.h"
#include "decide/edits.h"

struct whole {
    /* In: session and message with all facts but the origin; the asker's dns, and what it shall
     * call back. The message's arena is everybody's. */
    const struct conf *conf;
    const struct session *session;
    struct message *message;
    struct str body;
    size_t chunk; /* the body comes in pieces of this size; 0: in one */
    struct dns_asker asker;
    struct key_cache *keys;
    const struct key_set *signing_keys;
    const struct engines *engines; /* NULL: our own libraries */
    /* Out. */
    struct evidence evidence;
    enum policy_point point; /* where the answer was given */
    struct verdict verdict;
    struct edit_list edits; /* what would be done if the message is not refused */
};

/* Decides the origin, runs the message, and plans the edits (also for a message that is refused at
 * its end). A refusal at MAIL or RCPT ends it there. */
void whole_message(struct whole *w);

#endif
