/* presence.h - on which days reporters sent reports. */
#ifndef ASSAY_REPORT_IN_PRESENCE_H
#define ASSAY_REPORT_IN_PRESENCE_H

#include "report/in/figures.h"

/* For each of the figures' reporters, in their order, a flag for each of the figures' days, by
 * reports on the figures' domains. False, and received_problem() is a phrase. */
bool presence_read(struct received *r, const struct figures_filter *f,
                   const struct figures *figures, struct arena *a, const bool *const **out);

#endif
