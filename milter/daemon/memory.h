/* memory.h - where first contacts and rows are kept, as the configuration says. */
#ifndef ASSAY_MILTER_MEMORY_H
#define ASSAY_MILTER_MEMORY_H

#include "conf/conf.h"
#include "store/rows.h"
#include "store/state.h"

/* What the option `state` says. Texts are those of conf, or in `a`. */
struct state_settings memory_settings(const struct conf *conf, struct arena *a);

/* NULL on failure, and *problem is a phrase (in `a`). */
struct state *memory_open(const struct conf *conf, struct arena *a, struct str *problem);

/* What the option `store` says: a file of this host, or the URL of a database. */
bool memory_store_is_shared(const struct conf *conf);
struct str memory_rows_path(const struct conf *conf, struct arena *a);     /* of rows for reports */
struct str memory_received_path(const struct conf *conf, struct arena *a); /* of received reports */

/* Of who writes rows. */
struct rows_settings memory_rows_settings(const struct conf *conf, struct arena *a);

#endif
