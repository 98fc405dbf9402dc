/* sending.h - a run under way, for the files of send.h. Private to lib/report/out.
 *
 * Functions that return a bool return false if a store failed; then run->problem has the reason. */
#ifndef ASSAY_REPORT_OUT_SENDING_H
#define ASSAY_REPORT_OUT_SENDING_H

#include "report/out/jobs.h"
#include "report/out/mail.h"

struct sending {
    struct send_run *run;
    struct outgoing outgoing;
    struct arena *scratch; /* for a report or a mail */
};

/* The parts of a run (send_build.c, send_mails.c, send_show.c). */
bool send_note_due(struct sending *s);
bool send_build_reports(struct sending *s);
bool send_hand_over(struct sending *s);
bool send_show(struct sending *s);

/* --- What they share ---*/

/* False, with the reason of the store of sent reports, or of the reader of rows. */
bool send_store_failed(struct send_run *run);
bool send_read_failed(struct send_run *run);

/* Counts what became of a mail, and tells the caller of the run; `mail` is NULL if none was made.
 */
void send_tell(struct send_run *run, const struct sent_report *r, const struct sent_mail *m,
               const struct report_mail *mail, struct arena *a);

/* Change the mail, and do not write it. */
void send_set_state(struct send_run *run, struct sent_mail *m, enum sent_state state,
                    struct str note);
void send_try_later(struct send_run *run, struct sent_mail *m, enum sent_state state,
                    struct str why);

/* True if the report has been tried for SEND_PATIENCE_S. */
bool send_is_too_old(const struct send_run *run, const struct sent_report *r);
/* Sets all mails of the report that are not finished to failed. */
bool send_give_up(struct sending *s, struct job *job);

bool send_has_pending(const struct job *job); /* mails */

/* Asks the destinations of pending mails whether they agree. *agree: some do. */
void send_ask_destinations(struct sending *s, struct job *job, bool *agree);
/* The forms (bits) that the mails of a report need. */
unsigned send_forms_of(const struct job *job);
/* The part's report: the job's, with the number, name and size of the part, whose texts it has. */
struct sent_report send_report_of(const struct job *job, const struct outgoing_part *part);

struct report_mail send_mail_of(const struct sending *s, const struct sent_report *r,
                                const struct sent_mail *m, struct str gz);
/* *suppressed: the address, or its domain, gets no reports now, and *why is the reason. */
bool send_is_suppressed(struct sending *s, struct str address, struct str *why, bool *suppressed);

#endif
