/* alarms.h - changes that an operator should look at. */
#ifndef ASSAY_REPORT_IN_ALARMS_H
#define ASSAY_REPORT_IN_ALARMS_H

#include "report/in/figures.h"

enum alarm_kind {
    ALARM_NEW_SOURCE, /* a new source sends mail that passes */
    ALARM_PASS_RATE,  /* less of the mail passes than before */
    ALARM_SILENCE,    /* a reporter that reported on most days has stopped */
    ALARM_SELECTOR,   /* signatures of ours with this selector fail */
    ALARM_RECORD,     /* the record that reporters see is another one */
    ALARM_COUNT,
};
const char *alarm_word(enum alarm_kind kind); /* "new-source", ... */

struct alarm {
    enum alarm_kind kind;
    bool grave;               /* mail of ours is lost, or mail of others passes in our name */
    struct str domain, about; /* the source, reporter or selector; may be empty */
    int64_t day;              /* since when */
    struct str text;          /* a sentence, clean */
};

/* Compares the last seven days before to_day with the four weeks before them, for the filter's
 * domains. Grave alarms come first. */
bool alarms_read(struct received *r, const struct figures_filter *f, struct arena *a, size_t *n,
                 struct alarm **out);

#endif
