/* presence.h - on which days reporters sent reports. */
#ifndef ASSAY_REPORT_IN_PRESENCE_H
#define ASSAY_REPORT_IN_PRESENCE_H

#include "report/in/figures.h"

/* For each reporter of the figures, in their order, a flag for each of their days: did it send a
 * report about one of their domains? False, and received_problem() is a phrase. */
bool presence_read(struct received *r, const struct figures_filter *f,
                   const struct figures *figures, struct arena *a, const bool *const **out);

#endif
