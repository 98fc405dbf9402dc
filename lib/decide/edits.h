/* edits.h - the header edits that evidence and verdict call for. Pure. */
#ifndef ASSAY_DECIDE_EDITS_H
#define ASSAY_DECIDE_EDITS_H

#include "core/edit.h"
#include "core/telling.h"

/* What the stages want done, and our Authentication-Results with what they tell. Deletions come
 * first, then changes, then insertions. Deletions come highest ordinal first: Postfix renumbers
 * after each one and Sendmail does not. Insertions come lowest first, so that
 * Authentication-Results ends on top. */
void edits_plan(const struct telling *t, struct edit_list *out);

/* The value of ARC-Authentication-Results for a set of this instance: of mail from outside, what
 * our Authentication-Results says; */
struct str edits_sealed_results(const struct telling *t, unsigned instance);
/* of forwarded mail, what ours said when it came in, and of its chain at least what is known now.
 */
struct str edits_forwarded_results(const struct telling *t, unsigned instance);

#endif
