/* owner.c - becomes the daemon's user.
 *
 * Errors: exit status 78 after a complaint; 75 for a store that cannot be opened. */
#include "milter/commands/owner.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct str owner_of_state(const struct command *c)
{
    struct stat st;
    if (c->conf->user.n)
        return c->conf->user;
    if (stat(str_cstr(c->arena, c->conf->state_dir), &st))
        return STR("");
    const struct passwd *pw = getpwuid(st.st_uid);
    return pw ? str_copy(c->arena, str_of(pw->pw_name)) : STR("");
}

typedef bool become_fn(const struct identity *id, struct str *problem, struct arena *a);

static int become_by(struct command *c, become_fn *become)
{
    struct identity user;
    struct str problem = STR_NONE, name = owner_of_state(c);
    if (geteuid() != 0 || !name.n)
        return EX_OK;
    if (identity_find(name, c->arena, &user, &problem) &&
        (!user.change || become(&user, &problem, c->arena)))
        return EX_OK;
    return command_fail(c, EX_CONFIG, "user: %.*s", STR_ARG(problem));
}

bool command_enter_owner(struct command *c, struct owner_look *look, struct str *problem)
{
    struct str name = owner_of_state(c);
    *look = (struct owner_look){.entered = false};
    if (geteuid() != 0 || !name.n)
        return true;
    if (!identity_find(name, c->arena, &look->user, problem))
        return false;
    look->entered = look->user.change && identity_enter(&look->user, problem, c->arena);
    return look->entered || !look->user.change;
}

void command_leave_owner(const struct owner_look *look)
{
    if (look->entered)
        identity_leave(&look->user);
}

int command_become_owner(struct command *c)
{
    return become_by(c, identity_become);
}

int command_become_owner_mailing(struct command *c)
{
    return become_by(c, identity_become_mailing);
}

int command_no_store(struct command *c, struct str problem)
{
    const char *help = command_help_by_root(problem);
    if (str_ends_nocase(problem, str_of(strerror(ENOENT))))
        help = ": is that the state-dir of the daemon? It makes rows.db when it first judges mail "
               "from outside";
    return command_fail(c, EX_TEMPFAIL, "%.*s%s", STR_ARG(problem), help);
}
