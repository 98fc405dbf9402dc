/* fields.h - the fields of a message that belong to ARC, gathered into sets. Within lib/arc. */
#ifndef ASSAY_ARC_FIELDS_H
#define ASSAY_ARC_FIELDS_H

#include "arc/arc.h"
#include "dkim/signature.h"

/* The fields of one instance. */
struct arc_fields {
    const struct header_field *results, *message, *seal;  /* NULL: missing */
    struct signature *message_signature, *seal_signature; /* read, where the field is there */
};

/* All fields of a message. */
struct arc_gathered {
    bool any;                  /* there are some */
    const char *problem;       /* what makes sets of them impossible; NULL: nothing */
    unsigned highest;          /* instance found, up to 99 */
    bool closed;               /* a seal says cv=fail */
    struct arc_fields *fields; /* [1] to [ARC_SETS_MAX]; NULL if there are more than can be sets */
    struct arc_set *sets;      /* the same, read */
};

/* Reads no more than ARC_SETS_MAX fields of a kind. */
void arc_gather(struct arena *a, const struct header_list *headers, struct arc_gathered *out);

/* The instance of an ARC-Authentication-Results field, and what stands behind it. 0: it has none
 * that can be read (RFC 8617 4.2.1: one or two digits). */
unsigned arc_results_instance(struct str value, struct str *results);

/* i= of a tag list, likewise. */
unsigned arc_tag_instance(const struct taglist *tags);

#endif
