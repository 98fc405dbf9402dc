/* owner.h - commands that open what the daemon keeps become the daemon's user before. */
#ifndef ASSAY_MILTER_OWNER_H
#define ASSAY_MILTER_OWNER_H

#include "milter/commands/command.h"
#include "milter/daemon/identity.h"

/* As root, files that the daemon could not read would be made: becomes `user`, else the owner of
 * state-dir. The configuration has to be loaded. 0, or an exit status after a complaint. */
int command_become_owner(struct command *c);
/* The same for who runs sendmail(1). */
int command_become_owner_mailing(struct command *c);
/* Complains that a store cannot be opened, and says what helps whoever may not read it, or finds
 * none. 75. */
int command_no_store(struct command *c, struct str problem);

/* The same for a look, while there is but one thread: true, and command_leave_owner() ends it;
 * false and *problem if it cannot be. */
struct owner_look {
    struct identity user;
    bool entered;
};
bool command_enter_owner(struct command *c, struct owner_look *look, struct str *problem);
void command_leave_owner(const struct owner_look *look);

#endif
