/* report_figures.h - what the commands share that print figures: the filter, and three forms. */
#ifndef ASSAY_MILTER_REPORT_FIGURES_H
#define ASSAY_MILTER_REPORT_FIGURES_H

#include "milter/commands/csv.h"
#include "milter/commands/report.h"
#include "report/in/answer.h"

/* The own of these commands. */
struct figures_words {
    struct command *command;
    struct received *store; /* NULL: nothing was ever received */
    struct figures_filter filter;
    int64_t since, until; /* seconds since 1970; 0: not said */
    const char *domain, *source, *reporter, *result;
    bool all_trust, csv;
    struct json json;
    struct csv table;
    struct arena *scratch; /* of a line */
};

#define FIGURES_DOMAIN                                                                             \
    OPTION("domain", "DOMAIN", take_text, struct figures_words, domain,                            \
           "about this domain; default: all of ours")
#define FIGURES_PERIOD(since_default)                                                              \
    OPTION("since", "TIME", take_since, struct figures_words, since,                               \
           "from this day on: 30d, 12w, or a point of time; default: " since_default),             \
        OPTION("until", "TIME", take_since, struct figures_words, until,                           \
               "up to this day; default: today")
#define FIGURES_TRUST                                                                              \
    OPTION("all-trust", NULL, take_flag, struct figures_words, all_trust,                          \
           "count reports whose mail did not pass DMARC, too")
#define FIGURES_CSV                                                                                \
    OPTION("csv", NULL, take_flag, struct figures_words, csv, "print comma-separated values")
#define FIGURES_FILTER                                                                             \
    OPTION("source", "SOURCE", take_text, struct figures_words, source, "of this source"),         \
        OPTION("reporter", "NAME", take_text, struct figures_words, reporter,                      \
               "that this reporter saw"),                                                          \
        OPTION("result", "RESULT", take_text, struct figures_words, result,                        \
               "pass, fail, both, dkim or spf (alone), quarantine, reject")

/* Opens the store and fills in the filter, with so many days before today if the words do not say.
 * An exit status. */
int figures_begin(struct command *c, int days);
/* In text: where to look if nothing counts in this period. */
void figures_tell_of_none(struct figures_words *w, const struct figures *f);
/* Ends what is printed, and closes; `status` unless that is 0 and the store failed. */
int figures_finish(struct figures_words *w, bool good, int status);

struct str figures_clean(const struct figures_words *w, struct str text, size_t max);
/* The same, as a column of this width. */
struct str figures_column(const struct figures_words *w, struct str text, size_t width);
const char *figures_day_text(int64_t day, char out[16]); /* "2026-11-30", "-" */
/* "99.2", of 100. */
const char *figures_percent(uint64_t part, uint64_t all, char out[16]);

#endif
