/* destination.h - may a report go where a DMARC record asks for it (RFC 9990 4)? */
#ifndef ASSAY_REPORT_OUT_DESTINATION_H
#define ASSAY_REPORT_OUT_DESTINATION_H

#include "dns/dns.h"
#include "mail/psl.h"

enum destination_answer {
    DESTINATION_AGREES,
    DESTINATION_REFUSES, /* or nothing says that it agrees */
    DESTINATION_UNKNOWN, /* cannot be known now: ask again later */
};

struct destination {
    enum destination_answer answer;
    struct str address; /* where the report goes, or would */
    struct str why;     /* else: a phrase, clean */
};

/* True for URIs that a report could go to: mailto: alone. Others are passed over (RFC 9989 4.7). */
bool destination_is_mail(struct str uri, struct arena *a);

/* `policy_domain` is where the record was found, `uri` one of its rua. With a list, organizational
 * domains are those of the list. Waits for the DNS as the asker's patience lasts; everything lives
 * in its arena. */
void destination_check(struct dns_asker *asker, const struct psl *psl, struct str policy_domain,
                       struct str uri, struct destination *out);

#endif
