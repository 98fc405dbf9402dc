/* instances.h - what the policy service has answered about a message that is still being received:
 * its client asks once for each recipient and at DATA, over any of its connections.
 *
 * The last few thousand messages are remembered, for half an hour. One that was forgotten is judged
 * again. All calls may come from any thread; requests about one message come one after the other.
 */
#ifndef ASSAY_MILTER_INSTANCES_H
#define ASSAY_MILTER_INSTANCES_H

#include "base/str.h"

#define INSTANCE_FIELDS_MAX 2
#define INSTANCES_BYTES_MAX ((size_t)4 * 1024 * 1024)

struct instance {
    unsigned judged;   /* a set of enum service_check: what follows holds for these */
    unsigned refused;  /* those of them that were judged when it was refused */
    bool at_data;      /* it was refused at DATA, when all its recipients were known */
    struct str action; /* the refusal */
    struct str spared; /* a recipient that was let through by an exception of its own */
    unsigned told;     /* bits: fields that were prepended, or will be */
    size_t n_fields;   /* to be prepended yet: */
    struct str fields[INSTANCE_FIELDS_MAX]; /* "Name: value" */
};

struct instances;

struct instances *instances_new(void);
void instances_free(struct instances *all);

/* What is remembered under this key, with texts in `a`; false, and zeroed, if nothing is. */
bool instances_recall(struct instances *all, struct str key, struct arena *a, struct instance *out);
/* Remembers it, in place of what was known before. */
void instances_keep(struct instances *all, struct str key, const struct instance *value);

#endif
