/* workers.h - the processes of assay-reference that a configuration asks for. */
#ifndef ASSAY_MILTER_WORKERS_H
#define ASSAY_MILTER_WORKERS_H

#include "conf/conf.h"
#include "reference/engines.h"
#include "reference/reference.h"

/* NULL on failure, and *problem is a phrase (in `a`) that names the option. Close with
 * reference_close(). */
struct reference *workers_open(const struct conf *conf, struct arena *a, struct str *problem);

/* True if both configurations ask for the same processes. */
bool workers_same(const struct conf *a, const struct conf *b);

#endif
