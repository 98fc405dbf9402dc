/* macros.h - the macros of an MTA, and when each was last sent: so that `assay doctor` can say
 * which of them the MTA really sends.
 *
 * Lock-free, from any thread. */
#ifndef ASSAY_MILTER_MACROS_H
#define ASSAY_MILTER_MACROS_H

#include <stdint.h>

enum mta_macro {
#define MTA_MACRO(id, name) id,
#include "milter/daemon/macros.def"
#undef MTA_MACRO
    MACRO_COUNT
};

/* What an MTA does, beside sending macros: it connects, it sends a message to its end. */
enum mta_deed { DEED_CONNECTION = MACRO_COUNT, DEED_MESSAGE, DEED_COUNT };

const char *macro_name(enum mta_macro macro); /* "daemon_name" */

/* A macro (enum mta_macro) was sent, or something was done (enum mta_deed), just now. */
void macros_seen(int what);
/* When that was last, in seconds since 1970; 0: never since the start. */
int64_t macros_last_seen(int what);

#endif
