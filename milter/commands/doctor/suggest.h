/* suggest.h - records that a domain could publish, made from its facts. */
#ifndef ASSAY_MILTER_DOCTOR_SUGGEST_H
#define ASSAY_MILTER_DOCTOR_SUGGEST_H

#include "milter/commands/doctor/facts.h"

/* True if, as far as is known, the domain neither receives nor sends mail. */
bool domain_is_silent(const struct domain_facts *domain);

/* The record in force with those of our addresses that it lacks; without a record, a new one with
 * the domain's MX, our addresses and ~all. All suggestions are in zone file syntax. */
struct str suggest_spf(const struct doctor_facts *facts, const struct domain_facts *domain,
                       struct arena *a);

/* The record in force with another policy, and with rua if it has none; without a record, a new
 * one. */
struct str suggest_dmarc(const struct domain_facts *domain, enum dmarc_policy policy,
                         struct arena *a);

#endif
