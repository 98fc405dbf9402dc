/* owner.h - commands that open what the daemon keeps become the daemon's user before. */
#ifndef ASSAY_MILTER_OWNER_H
#define ASSAY_MILTER_OWNER_H

#include "milter/commands/command.h"

/* As root, files that the daemon could not read would be made: becomes `user`, else the owner of
 * state-dir. The configuration has to be loaded. 0, or an exit status after a complaint. */
int command_become_owner(struct command *c);

#endif
