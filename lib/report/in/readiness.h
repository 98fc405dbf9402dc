/* readiness.h - may a domain ask for more than it does: p=quarantine, p=reject? Answered by what
 * reports say, with what would be hit, and by whom, in words. */
#ifndef ASSAY_REPORT_IN_READINESS_H
#define ASSAY_REPORT_IN_READINESS_H

#include "report/in/figures.h"

#define READINESS_DAYS      14 /* that are looked at, unless somebody wants another period */
#define READINESS_REPORTERS 5  /* at least */
/* Of 10,000 messages of own and approved sources so many pass, at least. */
#define READINESS_QUARANTINE 9900
#define READINESS_REJECT     9950

enum readiness_verdict {
    READINESS_NO_DATA, /* too few days or reporters to say anything */
    READINESS_NOT_YET, /* own or approved mail would be hit */
    READINESS_QUARANTINE_OK,
    READINESS_REJECT_OK,
};
const char *readiness_word(enum readiness_verdict verdict); /* "no-data", "not-yet", ... */

struct readiness_class {
    uint64_t messages, fail;
};

struct readiness {
    struct str domain, p; /* p: in force, as the newest report has it */
    int64_t from_day, to_day;
    uint64_t days; /* with any report */
    uint64_t reporters;
    struct readiness_class classes[CLASS_COUNT];
    unsigned share; /* of 10,000 of own and approved mail passes */
    enum readiness_verdict verdict;
    size_t n_hit; /* sources that would be hit, most messages first */
    const struct figures_source *hit;
    struct str summary; /* a sentence or two, clean */
    size_t n_lines;     /* what to do, or who would be hit: sentences */
    struct str *lines;
};

/* Of the filter's domain, which is one, in its period. */
bool readiness_read(struct received *r, const struct figures_filter *f, struct arena *a,
                    struct readiness *out);

#endif
