/* identity.h - the user that assay runs as. */
#ifndef ASSAY_MILTER_IDENTITY_H
#define ASSAY_MILTER_IDENTITY_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/str.h"

struct identity {
    bool change;      /* false: it is the process's own already */
    const char *name; /* in the arena */
    uid_t uid;
    gid_t gid;
};

/* Looks a user up; an empty name is the process's own identity. False and *problem: there is no
 * such user. */
bool identity_find(struct str user, struct arena *a, struct identity *out, struct str *problem);

/* Between these two, files are opened with the user's rights. Single-threaded programs only. */
bool identity_enter(const struct identity *id, struct str *problem, struct arena *a);
void identity_leave(const struct identity *id);

/* Becomes the user for good: no way back. */
bool identity_become(const struct identity *id, struct str *problem, struct arena *a);

#endif
