/* socketmap_door.h - look-ups in maps, as Postfix (socketmap_table(5)) and Sendmail (K, socket) ask
 * for them: netstrings "NAME KEY" one way, "OK VALUE", "NOTFOUND " or "TEMP WHY" the other. */
#ifndef ASSAY_MILTER_SERVE_SOCKETMAP_DOOR_H
#define ASSAY_MILTER_SERVE_SOCKETMAP_DOOR_H

#include "base/str.h"
#include "milter/serve/serve.h"

#define SOCKETMAP_QUERY_MAX 10000 /* bytes of a query, as the client's manual has it */

enum socketmap_status {
    SOCKETMAP_OK,
    SOCKETMAP_NOTFOUND,
    SOCKETMAP_TEMP, /* the MTA asks again later, and the mail waits */
};

struct socketmap_map {
    const char *name;
    /* *value, in `a`: the value, or why it cannot be known now. It must not wait. */
    enum socketmap_status (*look_up)(void *context, struct str key, struct arena *a,
                                     struct str *value);
};

/* What the door's protocol wants as its context; outlives the server. */
struct socketmap_door {
    const struct socketmap_map *maps; /* ends with an entry without a name */
    void *context;                    /* of look_up() */
};

extern const struct serve_protocol socketmap_protocol;

#endif
