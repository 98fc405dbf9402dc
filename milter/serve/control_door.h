/* control_door.h - questions to the running daemon: one line, one answer, end of the connection.
 *
 * A Unix socket, for root, the daemon's own user, and members of its group. */
#ifndef ASSAY_MILTER_SERVE_CONTROL_DOOR_H
#define ASSAY_MILTER_SERVE_CONTROL_DOOR_H

#include "base/str.h"
#include "milter/serve/serve.h"

struct control_question {
    const char *word;                                   /* "metrics" */
    void (*answer)(void *context, struct strbuf *text); /* writes the whole answer */
};

/* What the door's protocol wants as its context; outlives the server. */
struct control_door {
    const struct control_question *questions; /* ends with an entry without a word */
    void *context;                            /* of the answers */
};

extern const struct serve_protocol control_protocol;

#endif
