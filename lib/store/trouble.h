/* trouble.h - turns failures into one line in the log when they begin and one when they end, and
 * into pauses in which nothing is tried. Private to lib/store. */
#ifndef ASSAY_STORE_TROUBLE_H
#define ASSAY_STORE_TROUBLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* The trouble of one database or server. Only the thread that works with it changes it; any thread
 * may call trouble_pauses(). */
struct trouble {
    char name[160];        /* for the log: "state store /var/lib/assay/state.db" */
    const char *meanwhile; /* what happens until it ends */
    const char *missing;   /* what `missed` counts: "questions had no answer" */
    int64_t longest_us;    /* longest pause; the first one is a fifth, at most a second */
    atomic_bool on;
    int64_t pause_us; /* used only by the working thread */
    _Atomic int64_t until_us;
    atomic_ullong missed; /* what was not answered or kept since the trouble began */
};

/* `what` and `where` name it in the log; `where` is cleaned. */
void trouble_init(struct trouble *t, const char *what, struct str where, int64_t longest_us);

/* Begins trouble, until trouble_over(). Only the first call is logged. `why` is cleaned here. */
void trouble_begins(struct trouble *t, const char *why);
void trouble_over(struct trouble *t);

/* True during a pause, in which nothing should be tried. */
bool trouble_pauses(const struct trouble *t);

#endif
