/* reporter.h - who sent a report, and whether it is the one that the report names. Anybody whose
 * mail passes DMARC can send a report that names another as its reporter. */
#ifndef ASSAY_REPORT_IN_REPORTER_H
#define ASSAY_REPORT_IN_REPORTER_H

#include "mail/psl.h"
#include "report/in/aggregate.h"

/* The organizational domain of a normalised one; without a list, which may be NULL, its last two
 * labels. A part of `domain`. */
struct str reporter_organization(const struct psl *psl, struct str domain);

/* True if the domain that the mail passed DMARC for, normalised, is of another organization than
 * the reporter that the report names: by its name where that is a domain, or the word before the
 * dot; else by its address. */
bool reporter_is_other(const struct psl *psl, struct arena *a, const struct aggregate_head *head,
                       struct str author);

/* True if the name itself shows that this domain has sent the report: it is the same, or one lies
 * below the other. */
bool reporter_names(struct arena *a, struct str name, struct str author);

#endif
