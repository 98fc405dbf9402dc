/* readiness.h - may a domain ask for a stricter policy, p=quarantine or p=reject? The answer comes
 * from reports, and names the mail that would suffer and its sources, in words. */
#ifndef ASSAY_REPORT_IN_READINESS_H
#define ASSAY_REPORT_IN_READINESS_H

#include "report/in/figures.h"

#define READINESS_DAYS      14 /* that are looked at, unless the caller names another period */
#define READINESS_REPORTERS 5  /* at least */
/* At least so many of 10,000 messages of own and approved sources have to pass. */
#define READINESS_QUARANTINE 9900
#define READINESS_REJECT     9950

enum readiness_verdict {
    READINESS_NO_DATA, /* too few days or reporters to say anything */
    READINESS_NOT_YET, /* too much own or approved mail would suffer */
    READINESS_QUARANTINE_OK,
    READINESS_REJECT_OK,
};
const char *readiness_word(enum readiness_verdict verdict); /* "no-data", "not-yet", ... */

struct readiness_class {
    uint64_t messages, fail;
};

struct readiness {
    struct str domain, p; /* p: the policy in the newest report */
    int64_t from_day, to_day;
    uint64_t days; /* with at least one report */
    uint64_t reporters;
    struct readiness_class classes[CLASS_COUNT];
    unsigned share; /* how many of 10,000 messages of own and approved sources pass */
    enum readiness_verdict verdict;
    size_t n_hit; /* sources whose mail would suffer, most messages first */
    const struct figures_source *hit;
    struct str summary; /* a sentence or two, clean */
    size_t n_lines;     /* sentences: what to do, or whose mail would suffer */
    struct str *lines;
};

/* For the filter's domain, of which there is one, in its period. */
bool readiness_read(struct received *r, const struct figures_filter *f, struct arena *a,
                    struct readiness *out);

#endif
