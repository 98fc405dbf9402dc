/* report_files.h - files that a command writes where its caller wants them, after it has become the
 * daemon's user. */
#ifndef ASSAY_MILTER_REPORT_FILES_H
#define ASSAY_MILTER_REPORT_FILES_H

#include "base/arena.h"
#include "base/str.h"

struct report_files;

/* Before the change of identity. The directory is made if there is none. NULL and *problem (in `a`)
 * if it cannot be. */
struct report_files *report_files_open(const char *directory, struct arena *a, struct str *problem);

/* Writes a file of this name, which has no slash in it; in the place of one of that name. False: it
 * could not be written, or none before it. */
bool report_files_write(struct report_files *f, struct str name, struct str text);

/* True if all are there. NULL is allowed. */
bool report_files_close(struct report_files *f);

#endif
