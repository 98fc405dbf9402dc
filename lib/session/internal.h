/* internal.h - what the files of lib/session share. */
#ifndef ASSAY_SESSION_INTERNAL_H
#define ASSAY_SESSION_INTERNAL_H

#include "session/session.h"

void transaction_decide(struct transaction *t, enum policy_point point, struct verdict *verdict);

/* Tells those that come after of an answer. True: one of them has the message now. */
bool transaction_tell(struct dialogue *d, struct transaction *t);

/* Frees all that the transaction under way has. */
void transaction_drop(struct dialogue *d);

#endif
