/* zip.h - the directory of a zip archive in memory: its members, and where they are. It reads what
 * reporters make: stored and deflated members, no encryption, no archive in several files, none
 * beyond 4 GB. */
#ifndef ASSAY_REPORT_IN_ZIP_H
#define ASSAY_REPORT_IN_ZIP_H

#include "base/str.h"

struct zip_member {
    struct str name;
    struct str bytes;    /* from its first byte on; those of a stored member end with it */
    bool deflated;       /* else stored */
    const char *refused; /* a phrase, if it cannot be read */
};

bool zip_is(struct str bytes); /* it begins like an archive, which may be empty */

/* The members in the order of the directory, or of the archive if there is no directory; without
 * folders and files that macOS adds. Puts at most `max` into `out`; *more: there are further ones.
 * The sizes in the archive are not believed. */
size_t zip_members(struct str bytes, struct zip_member *out, size_t max, bool *more);

#endif
