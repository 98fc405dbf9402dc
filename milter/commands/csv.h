/* csv.h - comma-separated values (RFC 4180), safe to open in a spreadsheet: a text that a formula
 * could begin with gets an apostrophe before it, and control characters, bytes that are no UTF-8,
 * and what misleads (str_misleads) become blanks. */
#ifndef ASSAY_MILTER_CSV_H
#define ASSAY_MILTER_CSV_H

#include <stdint.h>
#include <stdio.h>

#include "base/str.h"

struct csv {
    FILE *to;
    bool begun; /* a value stands in this line */
};

void csv_begin(struct csv *c, FILE *to);
void csv_text(struct csv *c, struct str text);
void csv_number(struct csv *c, int64_t number);
void csv_end(struct csv *c); /* of the line */

#endif
