/* destination.h - may a report go where a DMARC record asks for it (RFC 9990 4)? */
#ifndef ASSAY_REPORT_OUT_DESTINATION_H
#define ASSAY_REPORT_OUT_DESTINATION_H

#include "dns/dns.h"
#include "mail/psl.h"

enum destination_answer {
    DESTINATION_AGREES,
    DESTINATION_REFUSES, /* or there is no record that agrees */
    DESTINATION_UNKNOWN, /* cannot be known now: ask again later */
};

struct destination {
    enum destination_answer answer;
    struct str address; /* the address that the report goes to, or would go to */
    struct str why;     /* a phrase, clean, if the destination does not agree */
};

/* True for a URI that a report can go to, which is mailto: alone. Others are ignored (RFC 9989
 * 4.7). */
bool destination_is_mail(struct str uri, struct arena *a);

/* `policy_domain` has the record, `uri` is one of its rua. With a list, organizational domains are
 * those of the list. Waits for DNS as long as the asker's patience lasts; results live in its
 * arena. */
void destination_check(struct dns_asker *asker, const struct psl *psl, struct str policy_domain,
                       struct str uri, struct destination *out);

#endif
