/* bodyrisk.h - does a body have what MTAs change on the way? Within lib/dkim.
 *
 * Lines beyond STABLE_LINE_MAX are broken; 8-bit bytes are encoded for a next hop that does not
 * offer 8BITMIME (RFC 6152). */
#ifndef ASSAY_DKIM_BODYRISK_H
#define ASSAY_DKIM_BODYRISK_H

#include <stdbool.h>
#include <stddef.h>

/* Zeroed at the beginning of the body. */
struct body_risk {
    size_t line;    /* bytes since the last LF */
    bool long_line; /* a line that ended was too long */
    bool is_8bit;
};

/* The body comes in pieces of any size, as the MTA saw it. */
void body_risk_update(struct body_risk *r, const void *data, size_t n);

/* True if a line is too long; of the last one, which has no end, too. */
bool body_risk_long_line(const struct body_risk *r);

#endif
