/* country.h - the country of an address, from the text files of Debian's tor-geoipdb: sorted lines
 * "FIRST,LAST,CC" with numbers for IPv4 and addresses for IPv6. The country is only a hint.
 *
 * The files are mapped and searched; no copy of them is kept in memory. */
#ifndef ASSAY_REPORT_IN_COUNTRY_H
#define ASSAY_REPORT_IN_COUNTRY_H

#include "base/netset.h"

struct countries;

/* Opens the file for IPv4, and beside it the one for IPv6, whose name has a 6 at the end. NULL:
 * neither exists. */
struct countries *countries_open(struct str path, struct arena *a); /* closed with the arena */

/* Two letters in `a`; empty: not known. NULL has none. */
struct str country_of(const struct countries *c, const struct netaddr *address, struct arena *a);

#endif
