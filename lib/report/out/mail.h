/* mail.h - the mail that carries a report (RFC 9990 3.5). */
#ifndef ASSAY_REPORT_OUT_MAIL_H
#define ASSAY_REPORT_OUT_MAIL_H

#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

struct report_mail {
    struct str report_id, policy_domain;
    struct str sender, recipient; /* addresses */
    struct str email;             /* whom to ask */
    int64_t number;               /* among the mails of the report, from 1 */
    int64_t begin, end;           /* of the period */
    int64_t date;                 /* when the report was built */
    uint64_t rows, messages;
    struct str gz;
};

/* As a field Date has it (RFC 5322 3.3). */
struct str report_mail_date(int64_t time, struct arena *a);

/* "<id.1@example.org>": a bounce of the mail has it. */
struct str report_mail_id(const struct report_mail *m, struct arena *a);

/* RFC 9990 3.5.2: receiver!domain!begin!end!id.xml.gz. */
struct str report_mail_file(const struct report_mail *m, struct arena *a);

/* Where bounces go: the sender, with "id.1" behind the delimiter, if there is one and the local
 * part does not become too long. */
struct str report_mail_envelope(const struct report_mail *m, struct str delimiter, struct arena *a);

/* The number of the mail and the id of the report that such a text names, with whatever around it,
 * at or behind *at, which moves behind it. False: there is none any more. */
bool report_mail_find_id(struct str text, size_t *at, struct str *report_id, int64_t *number);

/* The whole mail, lines ending with LF. The same mail for the same values. */
struct str report_mail_compose(const struct report_mail *m, struct arena *a);

#endif
