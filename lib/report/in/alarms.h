/* alarms.h - what changed that somebody should look at. */
#ifndef ASSAY_REPORT_IN_ALARMS_H
#define ASSAY_REPORT_IN_ALARMS_H

#include "report/in/figures.h"

enum alarm_kind {
    ALARM_NEW_SOURCE, /* somebody new sends mail that passes */
    ALARM_PASS_RATE,  /* less of the mail passes than before */
    ALARM_SILENCE,    /* a reporter that reported every day does no more */
    ALARM_SELECTOR,   /* signatures of ours with this selector fail */
    ALARM_RECORD,     /* the record that reporters see is another one */
    ALARM_COUNT,
};
const char *alarm_word(enum alarm_kind kind); /* "new-source", ... */

struct alarm {
    enum alarm_kind kind;
    bool grave;               /* mail of ours is lost, or somebody sends in our name with success */
    struct str domain, about; /* the source, reporter or selector; may be empty */
    int64_t day;              /* since when */
    struct str text;          /* a sentence, clean */
};

/* Of the filter's domains: the last seven days before to_day, compared with the four weeks before.
 * Grave ones first. */
bool alarms_read(struct received *r, const struct figures_filter *f, struct arena *a, size_t *n,
                 struct alarm **out);

#endif
