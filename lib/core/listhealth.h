/* listhealth.h - how DNS lists have answered lately: a list that gives no answers is left alone
 * for a while, and what is wrong is said once an hour. Threads may share it. */
#ifndef ASSAY_CORE_LISTHEALTH_H
#define ASSAY_CORE_LISTHEALTH_H

#include "dnsbl/dnsbl.h"

struct list_health;

struct list_health *list_health_new(void);
void list_health_free(struct list_health *h); /* NULL is allowed */

/* In all of these `h` may be NULL: nothing is remembered. `zone` is the public one. */

/* Why the list is left alone now; NULL: it is not. */
const char *list_health_resting(struct list_health *h, struct str zone);

/* What the list said. Logs a warning where it refuses us, is of no use, or gives no answers. */
void list_health_note(struct list_health *h, struct str zone, struct str label,
                      const struct dnsbl_answer *answer);

/* The same for tests, at this time (clock_us()). *warn: a warning is due. */
const char *list_health_resting_at(struct list_health *h, struct str zone, int64_t now_us);
void list_health_note_at(struct list_health *h, struct str zone, const struct dnsbl_answer *answer,
                         int64_t now_us, bool *warn);

#endif
