/* mmdb.h - what a file in MaxMind's format (GeoLite2, DB-IP Lite, IPinfo Lite and others) says of
 * an address. Without libmaxminddb (-DASSAY_MAXMINDDB=OFF) mmdb_open() fails. */
#ifndef ASSAY_REPORT_IN_MMDB_H
#define ASSAY_REPORT_IN_MMDB_H

#include "base/netset.h"

struct mmdb;

/* NULL and a phrase if it cannot be read. Closed with the arena. */
struct mmdb *mmdb_open(struct str path, struct arena *a, const char **why);

/* Two letters in `a`; empty: not known. NULL has none. */
struct str mmdb_country(const struct mmdb *m, const struct netaddr *address, struct arena *a);

/* "AS64496 Example" in `a`; empty: not known. NULL has none. */
struct str mmdb_network(const struct mmdb *m, const struct netaddr *address, struct arena *a);

#endif
