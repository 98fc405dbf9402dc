/* fields.h - a message's fields by name, taken from the bottom up (RFC 6376 5.4.2). Within
 * lib/dkim.
 *
 * An index, because both h= and the header are remote data: names times fields must not multiply.
 */
#ifndef ASSAY_DKIM_FIELDS_H
#define ASSAY_DKIM_FIELDS_H

#include "mail/header.h"

struct fields;

/* `headers` must outlive it. */
struct fields *fields_new(struct arena *a, const struct header_list *headers);

/* The bottommost field of this name (any case) that was not taken yet, or NULL. */
const struct header_field *fields_take(struct fields *f, struct str name);

/* All fields of this name that were not taken yet, top first; they are taken. */
const struct header_field *const *fields_take_all(struct fields *f, struct str name, size_t *n);

/* All fields can be taken again. */
void fields_rewind(struct fields *f);

#endif
