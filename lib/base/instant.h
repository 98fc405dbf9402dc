/* instant.h - points of time as people write them. */
#ifndef ASSAY_BASE_INSTANT_H
#define ASSAY_BASE_INSTANT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* Seconds since 1970 from "2026-11-29T20:00:00Z" (RFC 3339 5.6, in UTC; a fraction is dropped) or
 * from "1795982400". False if the text is neither, or is before 1970. */
bool instant_parse(struct str text, int64_t *seconds);

/* The same for what others write: it may have any offset ("+01:00"). */
bool instant_parse_zoned(struct str text, int64_t *seconds);

/* What instant_parse() wants, as a phrase behind a text. */
#define INSTANT_WANTED                                                                             \
    "is no time: wanted is 2026-11-29T20:00:00Z (RFC 3339, in UTC), or seconds since 1970"

#endif
