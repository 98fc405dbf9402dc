/* server.h - the doors of the daemon: the milter protocol, by our own server or by libmilter, and
 * the control door. */
#ifndef ASSAY_MILTER_SERVER_H
#define ASSAY_MILTER_SERVER_H

#include "milter/daemon/identity.h"
#include "milter/daemon/runtime.h"

#define SERVER_WORKERS_MAX 4096 /* they wait for DNS, most of them */
#define SERVER_CROWD       2U   /* times limits.connections are open; those beyond it get 451 */

struct server;

/* Opens the sockets of `conf`; Unix sockets go to the user `id` unless the configuration says
 * otherwise. NULL and *problem. `conf_path` is what the control door tells; it is kept, and
 * so is the arena. */
struct server *server_open(const struct conf *conf, const char *conf_path, struct runtime *rt,
                           const struct identity *id, struct arena *a, struct str *problem);

/* Serves, on threads of its own. If libmilter gives up, server_ended() is true and the runtime's
 * bell rings. */
bool server_start(struct server *s);
bool server_ended(const struct server *s);

/* Removes the Unix sockets, and ends the doors: when it returns, nothing of them uses the runtime
 * any more. NULL is allowed. */
void server_close(struct server *s);

#endif
