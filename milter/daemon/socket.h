/* socket.h - listening sockets, for the servers that use them. */
#ifndef ASSAY_MILTER_SOCKET_H
#define ASSAY_MILTER_SOCKET_H

#include <sys/socket.h>
#include <sys/un.h>

#include "conf/listen.h"
#include "milter/daemon/identity.h"

/* Whose a Unix socket is; empty texts: the user's that the daemon runs as. */
struct socket_rights {
    struct str owner, group;
    mode_t mode;
};

/* A Unix socket that was made, to be removed at the end. */
struct socket_file {
    struct sockaddr_un address; /* sun_path is empty if there is none */
    struct identity maker;
};

/* Binds a socket to the address, and listens. False: errno says why. */
typedef bool socket_opener(void *context, int family, const struct sockaddr *address,
                           socklen_t length);

/* What an opener of an ordinary socket does. `v6_only`: not for IPv4 as well, for which there is
 * another socket at this port. */
bool socket_listen(int *fd, int family, const struct sockaddr *address, socklen_t length,
                   bool v6_only);

/* Lets `open` open the socket of this address. A Unix socket that nobody answers on is removed
 * first, and it gets its owner, group and mode before anybody can connect. False and *problem, a
 * phrase without the address. */
bool socket_open(const struct listen_address *address, const struct socket_rights *rights,
                 const struct identity *id, socket_opener *open, void *context,
                 struct socket_file *file, struct arena *a, struct str *problem);

void socket_remove(const struct socket_file *file);

#endif
