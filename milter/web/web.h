/* web.h - the program assay-web: the pages of lib/report/page, served on this host.
 *
 * main.c    the command: configuration, socket, start and end
 * http.c    HTTP, by libmicrohttpd: methods, names of the host, headers, bounds
 * crowd.c   which connections are closed when too many are open (crowd.h)
 * answer.c  the answer to a request: a page, JSON, or what the daemon has counted */
#ifndef ASSAY_MILTER_WEB_H
#define ASSAY_MILTER_WEB_H

#include "conf/conf.h"
#include "report/page/frame.h"

/* What all answers need; it never changes. */
struct web {
    const struct conf *conf;
    struct figures_owner owner;
    size_t n_names;
    const char *const *names; /* our names besides those of loopback */
};

struct web_answer {
    unsigned status;  /* 200, 400, 404, 503 */
    const char *type; /* Content-Type */
    struct str body;
};

/* `uri` as it stands in the request line. Texts live in `a`. From any thread. */
struct web_answer web_answer(const struct web *web, struct str uri, struct arena *a);

/* True if `host` (of the field Host, with or without a port) is a name of ours. A foreign domain
 * can have the address of this host in DNS; without this check, its pages could read ours. */
bool web_is_our_name(const struct web *web, struct str host);

struct web_server;

/* Serves connections of this listening socket until web_stop(). NULL: libmicrohttpd failed. */
struct web_server *web_start(const struct web *web, int fd);
void web_stop(struct web_server *server);

#endif
