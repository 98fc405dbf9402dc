/* seal.h - an ARC set of our own, over a message as it leaves us (RFC 8617 5.1). */
#ifndef ASSAY_SESSION_SEAL_H
#define ASSAY_SESSION_SEAL_H

#include "session/session.h"

/* At the end of the header: what a seal needs of the body is wanted. */
void seal_prepare(struct transaction *t);

/* When all other edits are planned: adds the three fields to them, or says in the evidence why
 * not. */
void seal_add(struct transaction *t);

#endif
