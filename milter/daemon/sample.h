/* sample.h - a message that has its verdict, for the libraries of the field to judge too. */
#ifndef ASSAY_MILTER_SAMPLE_H
#define ASSAY_MILTER_SAMPLE_H

#include "session/session.h"

/* It lives in the message's arena, with the transaction; the snapshot is released when that arena
 * goes. */
struct sample {
    struct transaction *t;
    size_t copied;       /* bytes that are taken from the budget already */
    size_t charged;      /* the queue's: what it took besides */
    struct sample *next; /* the queue's */
};

/* A session's facts in an arena of another life. */
const struct session *sample_session(const struct session *session, struct arena *a);

/* Asks the libraries, compares, counts, and logs what differs. Takes as long as they do. */
void sample_judge(const struct sample *sample);

#endif
