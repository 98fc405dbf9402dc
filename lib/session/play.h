/* play.h - a message that is known from beginning to end, played through a dialogue: for tools and
 * tests. */
#ifndef ASSAY_SESSION_PLAY_H
#define ASSAY_SESSION_PLAY_H

#include "session/session.h"

/* A host whose snapshot never changes, for one dialogue after another. */
struct fixed_host {
    struct session_host host;
    struct snapshot snapshot; /* engines are our own unless others are put here */
    int64_t now;              /* of every message; 0: the clock's */
};
/* Zeroed but for what makes it a host: put what is needed into snapshot, now and host. */
void fixed_host_init(struct fixed_host *fixed);

/* What a client says, with what its MTA knows of it. */
struct letter {
    struct client_words client;
    struct str helo;
    struct envelope_words envelope;
    size_t n_recipients;
    const struct recipient_words *recipients;
    const struct header_list *headers; /* values with the white space behind the colon */
    struct str body;
    size_t chunk;       /* the body comes in pieces of this size; 0: in one */
    bool envelope_only; /* it ends with the answer to DATA */
};

/* Plays it on a new dialogue, up to its answer: the refusal, if it was refused, or NULL.
 * d->transaction stands as it was answered, at the end of the message or where it was refused
 * before, for dialogue_answered() or dialogue_free(); it is NULL where no message could begin. A
 * message ends where its last recipient was refused. */
const struct verdict *play_letter(struct dialogue *d, const struct letter *letter);

#endif
