/* apply.h - the only side effects on the MTA: header edits, quarantine, replies. */
#ifndef ASSAY_MILTER_APPLY_H
#define ASSAY_MILTER_APPLY_H

#include "milter/serve/mta.h"
#include "session/session.h"

/* Sets the reply of a verdict that refuses. The answer to the event. */
enum mta_answer apply_refusal(struct mta *mta, const struct verdict *verdict);

/* Carries out edits and verdict of a transaction at its end. If the MTA does not take one of them,
 * the message is turned away for now, which t->verdict then says: a message whose forged fields
 * stay, or that lacks its results, is never let through. The answer to the event. */
enum mta_answer apply_end(struct mta *mta, struct transaction *t, bool leading_space);

#endif
