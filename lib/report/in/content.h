/* content.h - a document that was found in a mail or a file, and how to unpack it again. */
#ifndef ASSAY_REPORT_IN_CONTENT_H
#define ASSAY_REPORT_IN_CONTENT_H

#include "report/in/stream.h"

struct content {
    struct str bytes;
    enum stream_packing packing;
    unsigned more;   /* further decompressions */
    struct str name; /* of a member of an archive; absent for others */
};

/* Unpacks it once more. */
static inline void content_open(const struct content *c, struct stream *s, struct arena *a,
                                struct stream_budget *budget)
{
    stream_open(s, a, c->bytes, budget, c->packing);
    for (unsigned i = 0; i < c->more; i++)
        stream_gunzip(s);
}

#endif
