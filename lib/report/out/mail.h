/* mail.h - the mail that carries a report (RFC 9990 3.5). */
#ifndef ASSAY_REPORT_OUT_MAIL_H
#define ASSAY_REPORT_OUT_MAIL_H

#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

struct report_mail {
    struct str report_id, policy_domain;
    struct str sender, recipient; /* addresses */
    struct str email;             /* for questions */
    int64_t number;               /* number among the mails of the report, from 1 */
    int64_t begin, end;           /* of the period */
    int64_t date;                 /* when the report was built */
    uint64_t rows, messages;
    struct str gz;
};

/* A date in the form of the field Date (RFC 5322 3.3). */
struct str report_mail_date(int64_t time, struct arena *a);

/* "<id.1@example.org>", which a bounce of the mail returns. */
struct str report_mail_id(const struct report_mail *m, struct arena *a);

/* RFC 9990 3.5.2: receiver!domain!begin!end!id.xml.gz. */
struct str report_mail_file(const struct report_mail *m, struct arena *a);

/* The address for bounces: the sender, with "id.1" behind the delimiter, if there is one and the
 * local part does not become too long. */
struct str report_mail_envelope(const struct report_mail *m, struct str delimiter, struct arena *a);

/* Finds the next such text from *at on, within any other text: the id of the report and the number
 * of the mail; moves *at behind it. False: there is no other. */
bool report_mail_find_id(struct str text, size_t *at, struct str *report_id, int64_t *number);

/* The whole mail, whose lines end with LF. The same values give the same mail. */
struct str report_mail_compose(const struct report_mail *m, struct arena *a);

#endif
