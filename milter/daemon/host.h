/* host.h - what the dialogues of the daemon share: the runtime's snapshots and budgets, and what
 * happens to a message once it is answered. */
#ifndef ASSAY_MILTER_HOST_H
#define ASSAY_MILTER_HOST_H

#include "milter/daemon/runtime.h"
#include "session/session.h"

/* Fills *host in; both live as long as there are dialogues. */
void host_init(struct session_host *host, struct runtime *rt);

#endif
