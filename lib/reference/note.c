/* note.c - counts the questions to the libraries, and logs trouble with them.
 *
 * Errors: none. */
#include "reference/note.h"

#include "base/counters.h"
#include "base/log.h"

static const enum counter counters[REFERENCE_STATUS_COUNT] = {
    [REFERENCE_ANSWERED] = CTR_REFERENCE_ANSWERED, [REFERENCE_REFUSED] = CTR_REFERENCE_REFUSED,
    [REFERENCE_CRASHED] = CTR_REFERENCE_CRASHED,   [REFERENCE_TIMED_OUT] = CTR_REFERENCE_TIMED_OUT,
    [REFERENCE_BUSY] = CTR_REFERENCE_UNAVAILABLE,  [REFERENCE_ABSENT] = CTR_REFERENCE_UNAVAILABLE,
};

void reference_note(enum reference_library library, const struct reference_report *report)
{
    static struct log_pace paces[REFERENCE_LIBRARY_COUNT][2];
    unsigned held_back;
    bool refused = report->status == REFERENCE_REFUSED;
    counter_inc(counters[report->status]);
    if (report->status == REFERENCE_ANSWERED || !log_pace(&paces[library][refused], &held_back))
        return;
    void (*say)(const char *format, ...) = refused ? log_info : log_warning;
    say("%s gave no result: %s%s%.*s; %u more since the last such line",
        reference_library_name(library), reference_status_name(report->status),
        report->reason.n ? ": " : "", STR_ARG(report->reason), held_back);
}
