/* domain.h - domain names as text: normalised once at the border, then compared byte by byte. */
#ifndef ASSAY_MAIL_DOMAIN_H
#define ASSAY_MAIL_DOMAIN_H

#include "base/str.h"

#define DOMAIN_MAX 253 /* RFC 1035 3.1, as text without the last dot */

/* True if name is labels of 1 to 63 bytes with dots between them, each byte from lowest to 0x7E;
 * how long the whole may be (DOMAIN_MAX) is for the caller to say. */
bool domain_has_labels(struct str name, unsigned char lowest);

/* The normal form: A-labels (RFC 5891 by libidn2 for U-labels, non-transitional UTS 46), lower
 * case, no trailing dot. False if it is no domain name: empty label, label above 63 or name above
 * 253 bytes, a byte below 0x21 or 0x7F, bad UTF-8, or an address literal. Underscore and other odd
 * ASCII is allowed (DNS knows it). A name of one label is a domain name here. */
bool domain_normalize(struct arena *a, struct str text, struct str *out);

/* The same without IDN for names that must be what DNS has (SPF terms): ASCII only. */
bool domain_normalize_ascii(struct arena *a, struct str text, struct str *out);

/* The same as readers of IDNA2003 map it (transitional UTS 46: "ß" is "ss", joiners vanish). */
bool domain_normalize_2003(struct arena *a, struct str text, struct str *out);

/* True if the name is one as RFC 5890 2.3.2.3 wants it written, without any mapping: no full-width
 * or upper-case letters beyond ASCII, nothing invisible. */
bool domain_is_unmapped(struct arena *a, struct str text);

/* The following take normalised names. */
/* Letters, digits, hyphens, underscores and dots alone, and not none. */
bool domain_is_host_text(struct str name);
size_t domain_labels(struct str name); /* "example.org" has 2 */
/* The last n labels; the whole name if it has no more. */
struct str domain_last_labels(struct str name, size_t n);
/* True if name is parent or lies below it, label by label ("badexample.org" is not below
 * "example.org"). */
bool domain_is_at_or_below(struct str name, struct str parent);

/* True if the last label is a number, as in an IPv4 address or the beginning of one: no domain ends
 * so (RFC 1123 2.1). */
bool domain_ends_in_number(struct str name);

/* The longest name that both are at or below; empty if there is none. */
struct str domain_common(struct str a, struct str b);

#endif
