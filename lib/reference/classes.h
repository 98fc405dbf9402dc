/* classes.h - what compare.c and the tests of classes share. Private to lib/reference. */
#ifndef ASSAY_REFERENCE_CLASSES_H
#define ASSAY_REFERENCE_CLASSES_H

#include "reference/compare.h"

/* Two outcomes that differ. */
struct reference_pair {
    struct arena *arena;
    const struct reference_facts *facts;
    enum reference_library library;
    size_t index; /* of a signature */
    enum reference_about {
        ABOUT_RESULT,
        ABOUT_POLICY,
        ABOUT_SPF_ALIGNMENT,
        ABOUT_DKIM_ALIGNMENT
    } about;
    union reference_outcome {
        const struct spf_outcome *spf;
        const struct dkim_signature *dkim;
        const struct dmarc_outcome *dmarc;
    } ours, theirs;
};

typedef bool reference_class_fn(const struct reference_pair *pair);

/* What has to hold for each class. */
#define CLASS(id, library, decision, section, holds, words) reference_class_fn class_##holds;
#include "reference/classes.def"
#undef CLASS

#endif
