/* resolver.h - the resolver that a configuration asks for. */
#ifndef ASSAY_MILTER_RESOLVER_H
#define ASSAY_MILTER_RESOLVER_H

#include "conf/conf.h"

/* NULL on failure, and *problem is a phrase (in `a`). Close with dns_close(). */
struct dns *resolver_open(const struct conf *conf, struct arena *a, struct str *problem);

#endif
