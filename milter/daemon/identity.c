/* identity.c - becoming another user, for a while or for good.
 *
 * Errors: false and a phrase. If the way back from identity_enter() fails, or if root could be had
 * again after identity_become(), the program ends. */
#include "milter/daemon/identity.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/log.h"
#include "base/rootpath.h"

bool identity_find(struct str user, struct arena *a, struct identity *out, struct str *problem)
{
    *out = (struct identity){.name = "", .uid = geteuid(), .gid = getegid()};
    if (!user.n)
        return true;
    const char *name = str_cstr(a, user);
    errno = 0;
    const struct passwd *pw = getpwnam(name); /* before any thread exists */
    if (!pw) {
        *problem = str_printf(a, "there is no user \"%s\"%s%s", name, errno ? ": " : "",
                              errno ? strerror(errno) : "");
        return false;
    }
    *out = (struct identity){
        .change = pw->pw_uid != geteuid() || pw->pw_uid != getuid(),
        .name = name,
        .uid = pw->pw_uid,
        .gid = pw->pw_gid,
    };
    return true;
}

static bool is_root(const struct identity *id, struct str *problem, struct arena *a)
{
    if (geteuid() == 0)
        return true;
    *problem = str_printf(a, "only root can become the user \"%s\"", id->name);
    return false;
}

static bool failed(const char *call, const struct identity *id, struct str *problem,
                   struct arena *a)
{
    *problem =
        str_printf(a, "cannot become the user \"%s\": %s: %s", id->name, call, strerror(errno));
    return false;
}

struct identity identity_for_path(const struct identity *id, const char *path, struct arena *a)
{
    struct identity own = {.name = "", .uid = geteuid(), .gid = getegid()};
    struct str directory = str_sub(str_of(path), 0, str_find_last(str_of(path), '/'));
    if (id->change && !only_root_changes(directory.n ? str_cstr(a, directory) : "/"))
        return *id;
    return own;
}

void identity_unlink(const struct identity *maker, const char *path)
{
    struct arena *a = arena_new(0);
    struct str problem;
    bool enter = maker->change && geteuid() == 0;
    if (!enter || identity_enter(maker, &problem, a))
        unlink(path);
    if (enter)
        identity_leave(maker);
    arena_free(a);
}

void identity_hide_memory(void)
{
#ifndef __SANITIZE_ADDRESS__ /* its search for leaks is a tracer */
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
        log_warning("prctl: %s: a core dump could hold keys", strerror(errno));
#endif
}

bool identity_enter(const struct identity *id, struct str *problem, struct arena *a)
{
    if (!id->change)
        return true;
    if (!is_root(id, problem, a))
        return false;
    if (initgroups(id->name, id->gid))
        return failed("initgroups", id, problem, a);
    if (setegid(id->gid))
        return failed("setegid", id, problem, a);
    if (seteuid(id->uid))
        return failed("seteuid", id, problem, a);
    identity_hide_memory();
    return true;
}

void identity_leave(const struct identity *id)
{
    gid_t gid = getgid();
    if (id->change && (seteuid(getuid()) || setegid(gid) || setgroups(1, &gid)))
        log_fatal("cannot come back from the user \"%s\": %s", id->name, strerror(errno));
    identity_hide_memory();
}

/* What root could still give itself, or a program that it executes. A process that is not root has
 * none. */
static void drop_capabilities_for_good(void)
{
    for (unsigned long capability = 0; capability < 64; capability++)
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0))
            break; /* the kernel knows no more */
}

static bool change_for_good(const struct identity *id, struct str *problem, struct arena *a)
{
    if (initgroups(id->name, id->gid))
        return failed("initgroups", id, problem, a);
    if (setresgid(id->gid, id->gid, id->gid))
        return failed("setresgid", id, problem, a);
    if (setresuid(id->uid, id->uid, id->uid))
        return failed("setresuid", id, problem, a);
    if (id->uid != 0 && (!setuid(0) || !seteuid(0)))
        log_fatal("root could be had again after becoming the user \"%s\"", id->name);
    return true;
}

bool identity_become(const struct identity *id, struct str *problem, struct arena *a)
{
    if (!id->change)
        return true;
    if (!is_root(id, problem, a))
        return false;
    drop_capabilities_for_good();
    if (!change_for_good(id, problem, a))
        return false;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return failed("prctl", id, problem, a);
    identity_hide_memory();
    return true;
}

bool identity_become_mailing(const struct identity *id, struct str *problem, struct arena *a)
{
    if (!id->change)
        return true;
    if (!is_root(id, problem, a) || !change_for_good(id, problem, a))
        return false;
    identity_hide_memory();
    return true;
}
