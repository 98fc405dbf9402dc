/* memory.h - where first contacts and rows are kept, as the configuration says. */
#ifndef ASSAY_MILTER_MEMORY_H
#define ASSAY_MILTER_MEMORY_H

#include "conf/conf.h"
#include "store/state.h"

/* What the option `state` says. Texts are those of conf, or in `a`. */
struct state_settings memory_settings(const struct conf *conf, struct arena *a);

/* NULL on failure, and *problem is a phrase (in `a`). */
struct state *memory_open(const struct conf *conf, struct arena *a, struct str *problem);

/* Where rows for reports are kept. */
struct str memory_rows_path(const struct conf *conf, struct arena *a);

#endif
