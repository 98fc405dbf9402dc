/* srsmaps.h - the maps of the socketmap door: forward and reverse. */
#ifndef ASSAY_MILTER_SRSMAPS_H
#define ASSAY_MILTER_SRSMAPS_H

#include "milter/daemon/runtime.h"
#include "milter/serve/socketmap_door.h"

/* Their context is the runtime: what is answered follows the configuration in force. */
extern const struct socketmap_map srs_maps[];

#endif
