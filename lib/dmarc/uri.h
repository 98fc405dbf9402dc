/* uri.h - is this a URI that a report could go to? Internal to lib/dmarc. */
#ifndef ASSAY_DMARC_URI_H
#define ASSAY_DMARC_URI_H

#include "base/str.h"

/* True if `uri` is a URI of RFC 3986 3 without ',' and '!' (RFC 9989 4.8). A mailto: has to name
 * one mailbox (RFC 6068 2). */
bool dmarc_uri_valid(struct str uri);

#endif
