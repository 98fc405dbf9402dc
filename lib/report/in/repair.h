/* repair.h - a report that is not well-formed XML, on its way to a second try.
 *
 * Cut off: what stands before the first tag and behind </feedback>, declarations, comments,
 * attributes, and tags that no report has (of some the end is never written). Mended: a bare "&"
 * and a "<" that begins no tag are escaped, control characters become blanks, and bytes that are
 * not UTF-8 become U+FFFD, or what the declared charset makes of them. A DOCTYPE stays, for the
 * parser to refuse.
 *
 * A tag is "<" with a name behind it, attributes, and ">". With a name that reports have it may
 * lack the ">" before the next "<", and what is no attribute does not matter where the ">" is
 * there. */
#ifndef ASSAY_REPORT_IN_REPAIR_H
#define ASSAY_REPORT_IN_REPAIR_H

#include <stdbool.h>

#include "base/str.h"

/* Gets the repaired text, piece by piece. */
typedef void repair_sink(void *context, const char *p, size_t n);

struct repair {
    repair_sink *sink;
    void *context;
    unsigned state;    /* of the machine */
    bool begun;        /* a tag was written: what stands before the first one is not */
    bool more;         /* "<feedback" stands behind </feedback> once more */
    bool single_bytes; /* the text is in windows-1252; ISO 8859-1 is read as that too */
    char sequence[4];  /* of UTF-8, incomplete so far */
    size_t n_sequence;
    char held[1024]; /* of a tag or an entity, not yet decided; longer tags are believed */
    size_t n_held;
    size_t n_name; /* "<" and the name behind it; 0: the name goes on */
    char out[1024];
    size_t n_out;
};

/* `head`: the beginning of the text, which has the declaration. */
void repair_begin(struct repair *r, struct str head, repair_sink *sink, void *context);
void repair_feed(struct repair *r, struct str piece);
void repair_end(struct repair *r);

/* The Unicode character of a byte in windows-1252. */
unsigned repair_windows_1252(unsigned char byte);

#endif
