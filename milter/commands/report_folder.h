/* report_folder.h - the folder that `assay report html` writes: files are replaced at once, and a
 * list of them, with the digest of each, stands beside them in FOLDER_LIST, in the form of
 * sha256sum(1). What the list of an earlier run names and this one did not write is removed, if it
 * still has the content that the list says: so it was ours, and nobody has changed it. What cannot
 * be looked at stays listed, for the next run.
 *
 * A file is listed before it is written; a run that was killed has left nothing that the next one
 * does not remove.
 *
 * Errors: false, and errno. */
#ifndef ASSAY_MILTER_REPORT_FOLDER_H
#define ASSAY_MILTER_REPORT_FOLDER_H

#include "base/str.h"

#define FOLDER_LIST ".assay-pages"

/* A line of the list. */
struct folder_entry {
    struct str digest; /* 64 hex digits */
    struct str path;   /* "index.html", "example.org/overview-7.html" */
};

struct report_folder {
    struct arena *arena; /* of the whole run */
    int fd, list;        /* the folder, and its list, open for adding to it; -1: neither is open */
    size_t n_before, n, cap;
    struct folder_entry *before; /* what the list says; in the end, what stays listed of that */
    struct folder_entry *v;      /* what was written */
};

/* Opens the folder, which is made if it is missing, for this run alone (errno EWOULDBLOCK: another
 * one writes there). To be closed whatever comes of it. */
bool folder_open(struct report_folder *f, const char *name, struct arena *a);
void folder_close(struct report_folder *f);

/* `folder` is empty or the name of one within it, which is made if it is missing. */
bool folder_write(struct report_folder *f, struct str folder, struct str name, struct str text);

/* When all is written: removes what was not written again, and writes the list anew. *removed: how
 * many files. */
bool folder_finish(struct report_folder *f, size_t *removed);

#endif
