/* leftout.h - signing keys, and the secrets of SRS, that could not be used when the daemon started:
 * mail is served without them, and the log tells of them each hour until a reload succeeds.
 *
 * It belongs to the main thread. */
#ifndef ASSAY_MILTER_LEFTOUT_H
#define ASSAY_MILTER_LEFTOUT_H

#include "conf/conf.h"

#define LEFTOUT_INTERVAL_US (3600 * INT64_C(1000000))

struct leftout {
    struct conf_problems keys; /* why each was left out; the arena lives as long as the program */
    int64_t next_us;           /* when it is told again */
};

/* Logs an error for each, if that is due; call it after every event. */
void leftout_tell(struct leftout *l);

/* Milliseconds until it is due; -1: it will not be. */
int leftout_timeout(const struct leftout *l);

#endif
