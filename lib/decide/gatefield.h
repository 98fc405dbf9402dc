/* gatefield.h - the field X-Assay-Gate. */
#ifndef ASSAY_DECIDE_GATEFIELD_H
#define ASSAY_DECIDE_GATEFIELD_H

#include "core/telling.h"

/* Its value, with the leading space; absent: there is nothing to say. */
struct str gate_field(const struct telling *t);

#endif
