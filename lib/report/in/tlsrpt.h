/* tlsrpt.h - SMTP TLS reports (RFC 8460): they come to the same mailboxes as DMARC reports, and are
 * counted apart from them. */
#ifndef ASSAY_REPORT_IN_TLSRPT_H
#define ASSAY_REPORT_IN_TLSRPT_H

#include <stdint.h>

#include "base/str.h"

#define TLSRPT_POLICIES_MAX 100 /* further ones are added to the last */

struct tlsrpt_policy {
    struct str domain, type;     /* type: "sts", "tlsa", "no-policy-found" */
    int64_t successes, failures; /* sessions */
};

struct tlsrpt {
    struct str organization, contact, report_id;
    int64_t begin, end; /* seconds since 1970 */
    size_t n;
    struct tlsrpt_policy policies[TLSRPT_POLICIES_MAX];
};

/* False if the text is no such report, and *why is a phrase. Texts live in `a`. */
bool tlsrpt_read(struct arena *a, struct str text, struct tlsrpt *out, const char **why);

#endif
