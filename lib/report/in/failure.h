/* failure.h - failure reports about single messages: ARF (RFC 5965, 6591, 9991), and the text that
 * some gateways send instead. */
#ifndef ASSAY_REPORT_IN_FAILURE_H
#define ASSAY_REPORT_IN_FAILURE_H

#include <stdint.h>

#include "base/netset.h"
#include "mail/header.h"

/* Texts are cut and have no control characters; absent: not said. Only the domain of an address is
 * kept. */
struct failure_report {
    struct str reporter;   /* domain of the sender of the report */
    struct str domain;     /* Reported-Domain, or the domain in From */
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

/* Reads the parts of a mail: `feedback` is the decoded message/feedback-report, `text` a text part,
 * `original` the message or header that the report is about; each may be absent. False if this is
 * no report of a failed authentication; then *other is the value of Feedback-Type. */
bool failure_read(struct arena *a, const struct header_list *mail, struct str feedback,
                  struct str text, struct str original, struct failure_report *out,
                  struct str *other);

/* Seconds since 1970 of a date as mail has it (RFC 5322 3.3); 0 if it is none. */
int64_t failure_date(struct arena *a, struct str text);

#endif
