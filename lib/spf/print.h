/* print.h - a parsed SPF record as text again, for a library that shall not see what was published.
 */
#ifndef ASSAY_SPF_PRINT_H
#define ASSAY_SPF_PRINT_H

#include "spf/record.h"

/* The record in its shortest form (RFC 7208 12), in `a`: names of terms in lower case, one space
 * between them, no "+", no prefix length that means a whole address, redirect and exp last. What is
 * not in `record` is not in the text: terms that cannot be reached and unknown modifiers. A
 * domain-spec stays as it was written, macros and case included. Parsing the text gives this record
 * again. */
struct str spf_record_print(struct arena *a, const struct spf_record *record);

#endif
