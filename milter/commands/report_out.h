/* report_out.h - what the commands of `assay report` share that deal with reports to others.
 *
 * report_send_command.c        days that are over become reports, and are handed over
 * report_files.c               mails that are written to a directory instead
 * report_sent_command.c        what was sent, and what is pending
 * report_own_command.c         what the rows and tallies say of each day
 * report_suppressed_command.c  destinations that get no reports
 * report_bounce_command.c      reports that came back */
#ifndef ASSAY_MILTER_REPORT_OUT_H
#define ASSAY_MILTER_REPORT_OUT_H

#include "milter/commands/command.h"
#include "store/sent.h"

/* STATE-DIR/rows.db, as the daemon's user; the configuration is loaded first. 0, or an exit status
 * after a complaint: 75 if it is not to be had. */
int report_open_sent(struct command *c, bool write, struct sent **sent);
int report_sent_failed(struct command *c, const struct sent *sent); /* 75, after a complaint */

#define REPORT_DAY_TEXT  16
#define REPORT_TIME_TEXT 32
const char *report_day_text(int64_t time, char out[REPORT_DAY_TEXT]);   /* "2026-11-29" */
const char *report_time_text(int64_t time, char out[REPORT_TIME_TEXT]); /* RFC 3339 */

#endif
