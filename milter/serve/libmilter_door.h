/* libmilter_door.h - the milter protocol by Sendmail's library. */
#ifndef ASSAY_MILTER_SERVE_LIBMILTER_DOOR_H
#define ASSAY_MILTER_SERVE_LIBMILTER_DOOR_H

#include "milter/serve/mta.h"

/* Tells the library whom to call. Once; both outlive it. False: it does not take that. */
bool libmilter_door_register(const struct mta_events *events, void *context);

#endif
