/* trouble.h - from failures to one line in the log when they begin and one when they end, and to
 * pauses in which nothing is tried. Private to lib/store. */
#ifndef ASSAY_STORE_TROUBLE_H
#define ASSAY_STORE_TROUBLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* Of one database or server. The thread that works with it calls; anybody may ask. */
struct trouble {
    char name[160];        /* "state store /var/lib/assay/state.db": clean */
    const char *meanwhile; /* what happens until it ends */
    const char *missing;   /* what `missed` counts: "questions had no answer" */
    int64_t longest_us;    /* pause; the first one is a fifth of it, or a second if that is less */
    atomic_bool on;
    int64_t pause_us; /* the thread's own */
    _Atomic int64_t until_us;
    atomic_ullong missed; /* what was not answered or kept since it began */
};

/* `what` and the text after it name it in the log; the text is cleaned. */
void trouble_init(struct trouble *t, const char *what, struct str where, int64_t longest_us);

/* From here on, until trouble_over(); said once. `why` is cleaned here. */
void trouble_begins(struct trouble *t, const char *why);
void trouble_over(struct trouble *t);

/* True while a pause lasts, so there is no use in trying. */
bool trouble_pauses(const struct trouble *t);

#endif
