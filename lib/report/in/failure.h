/* failure.h - failure reports about single messages: ARF (RFC 5965, 6591, 9991), and the text that
 * some gateways send instead. */
#ifndef ASSAY_REPORT_IN_FAILURE_H
#define ASSAY_REPORT_IN_FAILURE_H

#include <stdint.h>

#include "base/netset.h"
#include "mail/header.h"

/* Texts are cleaned of control characters and cut; absent: not said. Of addresses the domain alone
 * is kept. */
struct failure_report {
    struct str reporter;   /* domain of who sent it */
    struct str domain;     /* Reported-Domain, or that of From */
    struct netaddr source; /* family 0: not said */
    struct str kind;       /* Auth-Failure: "dmarc", "spf", ... */
    struct str alignment;  /* Identity-Alignment */
    struct str result;     /* Delivery-Result */
    struct str dkim_domain, dkim_selector;
    struct str header_from, envelope_from;
    struct str subject;
    int64_t arrival;   /* seconds since 1970; 0: not said */
    int64_t incidents; /* at least 1 */
};

/* From the parts of a mail: `feedback` is the decoded message/feedback-report (absent: there is
 * none), `text` a text part, `original` the message or header that it is about; any may be absent.
 * False if that is no report of a failed authentication; *other is what Feedback-Type says then. */
bool failure_read(struct arena *a, const struct header_list *mail, struct str feedback,
                  struct str text, struct str original, struct failure_report *out,
                  struct str *other);

/* Seconds since 1970 of a date as mail has it (RFC 5322 3.3); 0 if it is none. */
int64_t failure_date(struct arena *a, struct str text);

#endif
