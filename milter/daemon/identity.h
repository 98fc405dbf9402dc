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

/* Which user makes a file at `path`, while the program is still root: the user, whose rights are
 * right for whatever stands there; or root, where nobody else can change what the path leads to. */
struct identity identity_for_path(const struct identity *id, const char *path, struct arena *a);

/* Removes a file that `maker` has made, with the maker's rights if the program is still root. */
void identity_unlink(const struct identity *maker, const char *path);

/* Keeps the memory of the process, in which keys are, out of core dumps. A change of identity lets
 * go of that, so the functions here do it again. */
void identity_hide_memory(void);

/* Becomes the user for good: no way back. */
bool identity_become(const struct identity *id, struct str *problem, struct arena *a);

/* The same for who runs sendmail(1), which is set-group-id, or set-user-id: programs may still get
 * rights of their own. */
bool identity_become_mailing(const struct identity *id, struct str *problem, struct arena *a);

#endif
