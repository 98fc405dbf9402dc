/* note.h - what became of questions to the libraries, for the operator. */
#ifndef ASSAY_REFERENCE_NOTE_H
#define ASSAY_REFERENCE_NOTE_H

#include "reference/reference.h"

/* Counts the answer, or the lack of one, and logs the latter: refusals, which are ordinary, as
 * information, and all else as a warning. For each library at most one line of either a minute. */
void reference_note(enum reference_library library, const struct reference_report *report);

#endif
