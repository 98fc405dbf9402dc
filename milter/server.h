/* server.h - the socket for the MTA, and libmilter behind it. */
#ifndef ASSAY_MILTER_SERVER_H
#define ASSAY_MILTER_SERVER_H

#include "milter/identity.h"
#include "milter/runtime.h"

/* Opens the socket of `conf`; a Unix socket goes to the user `id` unless the configuration says
 * otherwise. A socket file that nobody answers on is removed first. False and *problem. */
bool server_open(const struct conf *conf, const struct identity *id, struct arena *a,
                 struct str *problem);

/* Lets libmilter serve, on threads of its own. All signals that the main thread handles must be
 * blocked already. If libmilter gives up, server_ended() is true and the runtime's bell rings. */
bool server_start(struct runtime *rt);
bool server_ended(void);

/* Removes the Unix socket. */
void server_close(void);

#endif
