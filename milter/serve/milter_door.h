/* milter_door.h - our own server for the milter protocol, versions 2 to 6. */
#ifndef ASSAY_MILTER_SERVE_MILTER_DOOR_H
#define ASSAY_MILTER_SERVE_MILTER_DOOR_H

#include "milter/serve/mta.h"
#include "milter/serve/serve.h"

/* What the door's protocol wants as its context; outlives the server. */
struct milter_door {
    const struct mta_events *events;
    void *context; /* for events->opened() */
};

extern const struct serve_protocol milter_protocol;

#endif
