/* zip.h - the directory of a zip archive in memory: who is in it, and where. Ours is a reader of
 * what reporters make: stored and deflated members, no encryption, no archive over several files,
 * none beyond 4 GB. */
#ifndef ASSAY_REPORT_IN_ZIP_H
#define ASSAY_REPORT_IN_ZIP_H

#include "base/str.h"

struct zip_member {
    struct str name;
    struct str bytes;    /* from its first byte on; of a stored one no more than its own */
    bool deflated;       /* else stored */
    const char *refused; /* it cannot be read: a phrase */
};

bool zip_is(struct str bytes); /* begins as an archive does, an empty one too */

/* The members in the order of the directory, without folders and what macOS adds; where the
 * directory is missing, in that of the archive. At most `max` are put into `out`; *more if there
 * are further ones. What the archive says of sizes is not believed. */
size_t zip_members(struct str bytes, struct zip_member *out, size_t max, bool *more);

#endif
