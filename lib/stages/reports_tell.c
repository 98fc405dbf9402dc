/* reports_tell.c - that a message makes no row for reports is told in the log.
 *
 * Errors: none. */
#include "core/stage.h"

static void log_fields(const struct telling *t, struct strbuf *b)
{
    if (t->evidence->reports.exempt)
        sb_printf(b, " report-row=none(%s)", t->evidence->reports.exempt);
}

const struct stage_telling telling_reports = {.log = log_fields};
