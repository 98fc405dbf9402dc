/* callbacks.h - the events of an MTA's connection, for the doors. */
#ifndef ASSAY_MILTER_CALLBACKS_H
#define ASSAY_MILTER_CALLBACKS_H

#include "milter/serve/mta.h"

/* Their context is the runtime. */
extern const struct mta_events mta_events;

#endif
