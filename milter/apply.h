/* apply.h - the only side effects on the MTA: header edits, quarantine, replies. */
#ifndef ASSAY_MILTER_APPLY_H
#define ASSAY_MILTER_APPLY_H

#include "core/message.h"
#include "decide/edits.h"

struct smfi_str; /* libmilter's connection */

/* Sets the reply of a verdict that refuses. The SMFIS_ value to return from a callback. */
int apply_refusal(struct smfi_str *ctx, const struct verdict *verdict);

/* Carries out edits and verdict at the end of the message. If the MTA does not take one of them,
 * the message is turned away for now, which *verdict then says: a message whose forged fields stay,
 * or that lacks its results, is never let through. The SMFIS_ value to return. */
int apply_end(struct smfi_str *ctx, const struct message *message, const struct edit_list *edits,
              bool leading_space, struct verdict *verdict);

#endif
