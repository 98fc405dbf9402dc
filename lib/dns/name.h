/* name.h - domain names as DNS sends them. */
#ifndef ASSAY_DNS_NAME_H
#define ASSAY_DNS_NAME_H

#include <stdint.h>

#include "base/str.h"

#define DNS_NAME_MAX  255 /* bytes on the wire, the root's zero included (RFC 1035 2.3.4) */
#define DNS_LABEL_MAX 63

/* A name on the wire: length-prefixed labels in lower case, the root's zero last. */
struct dns_name {
    uint8_t n;
    uint8_t wire[DNS_NAME_MAX];
};

/* Text without escapes, any case, with or without the last dot. False for what is no name: empty,
 * an empty label, a label above 63 bytes, more than 253 bytes. */
bool dns_name_parse(struct str text, struct dns_name *out);

/* Adds a label, lower-cased, to a name under construction ({ .n = 0 }); dns_name_end() adds the
 * root. Both are false when the name would be too long. */
bool dns_name_add_label(struct dns_name *name, const void *label, size_t n);
bool dns_name_end(struct dns_name *name);

bool dns_name_eq(const struct dns_name *a, const struct dns_name *b);

/* The name without its first label; *out may be *name. The root stays the root. */
void dns_name_parent(const struct dns_name *name, struct dns_name *out);

/* Lower case, no last dot; the root is ".". A dot or backslash inside a label and every byte that
 * is not printable ASCII becomes \DDD, so a dot in the text always separates labels. */
struct str dns_name_text(struct arena *a, const struct dns_name *name);

#endif
