/* country.h - the country of an address, by the text files of Debian's tor-geoipdb: sorted lines
 * "FIRST,LAST,CC" with numbers for IPv4 and addresses for IPv6. A country of an address is a hint.
 *
 * The files are searched where they lie; nothing of them is kept in memory. */
#ifndef ASSAY_REPORT_IN_COUNTRY_H
#define ASSAY_REPORT_IN_COUNTRY_H

#include "base/netset.h"

struct countries;

/* The file for IPv4, and beside it the one for IPv6 with a 6 behind the name. NULL: there is
 * neither. */
struct countries *countries_open(struct str path, struct arena *a); /* closed with the arena */

/* Two letters in `a`; empty: not known. NULL has none. */
struct str country_of(const struct countries *c, const struct netaddr *address, struct arena *a);

#endif
