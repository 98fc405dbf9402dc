/* suggest.h - records that a domain could publish, made of what is known of it. */
#ifndef ASSAY_MILTER_DOCTOR_SUGGEST_H
#define ASSAY_MILTER_DOCTOR_SUGGEST_H

#include "milter/commands/doctor/facts.h"

/* True if the domain neither receives nor sends mail, as far as is known. */
bool domain_is_silent(const struct domain_facts *domain);

/* The record in force with our addresses that it lacks, or else a new one: of the domain's MX and
 * our addresses, with ~all. In zone file syntax, as all of these. */
struct str suggest_spf(const struct doctor_facts *facts, const struct domain_facts *domain,
                       struct arena *a);

/* The record in force with another policy, and rua where it lacks one; or else a new one. */
struct str suggest_dmarc(const struct domain_facts *domain, enum dmarc_policy policy,
                         struct arena *a);

#endif
