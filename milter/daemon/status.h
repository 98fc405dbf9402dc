/* status.h - what the running daemon tells of itself: for people, for programs, for Prometheus. */
#ifndef ASSAY_MILTER_STATUS_H
#define ASSAY_MILTER_STATUS_H

#include "milter/daemon/runtime.h"
#include "milter/serve/control_door.h"

/* Where the answers come from. Filled in before the door is open; lives as long as it. */
struct status_source {
    struct runtime *runtime;
    struct serve *serve; /* NULL: libmilter serves, and tells nothing of its threads */
    const char *conf_path;
    int64_t started; /* seconds since 1970 */
};

/* "status", "status json", "metrics" and "macros"; the context is a struct status_source. */
extern const struct control_question status_questions[];

#endif
