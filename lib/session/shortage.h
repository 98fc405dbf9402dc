/* shortage.h - what is said when there is no room: the replies that no result of a message calls
 * for. Each is a temporary failure; the client may come again. */
#ifndef ASSAY_SESSION_SHORTAGE_H
#define ASSAY_SESSION_SHORTAGE_H

#include "decide/policy.h"

enum shortage {
    SHORTAGE_STOPPING,    /* the daemon ends */
    SHORTAGE_CONNECTIONS, /* limits.connections */
    SHORTAGE_MEMORY,      /* limits.memory, of all messages */
    SHORTAGE_MESSAGE,     /* limits.message-memory, or what is left of limits.memory, at the end */
    SHORTAGE_RECIPIENTS,  /* limits.recipients */
};

/* The verdict, which is counted here; the log warns of crowds once a minute at most. */
void shortage_refuse(enum shortage shortage, const struct conf *conf, struct verdict *verdict);

#endif
