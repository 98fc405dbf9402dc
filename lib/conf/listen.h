/* listen.h - socket addresses as they stand in `listen`. */
#ifndef ASSAY_CONF_LISTEN_H
#define ASSAY_CONF_LISTEN_H

#include <stdint.h>

#include "base/str.h"

enum listen_kind { LISTEN_UNIX, LISTEN_INET, LISTEN_INET6 };

struct listen_address {
    enum listen_kind kind;
    struct str host; /* address without brackets, or host name; empty: all addresses */
    uint16_t port;
    struct str path; /* of a Unix socket, absolute */
};

/* True if a socket on this host takes connections on all addresses. */
bool listen_is_everywhere(struct str host);

/* Understands inet:PORT@HOST and inet6:PORT@[ADDRESS] (libmilter, Sendmail), inet:HOST:PORT and
 * inet:[ADDRESS]:PORT (Postfix), unix:/PATH, local:/PATH and /PATH. NULL, or a phrase in `a`, to
 * stand behind the text in quotes, that says what is wrong and what is allowed. The texts of *out
 * are in `a`. */
const char *listen_problem(struct str text, struct arena *a, struct listen_address *out);

/* The same; false and *problem, the whole sentence. */
bool listen_parse(struct str text, struct arena *a, struct listen_address *out,
                  struct str *problem);

/* For people and for smfi_setconn(): "inet:8892@127.0.0.1", "inet6:8892@[::1]", "unix:/path". */
struct str listen_format(const struct listen_address *address, struct arena *a);

#endif
