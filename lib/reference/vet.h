/* vet.h - what the libraries are given: nothing that our own parsers and bounds have not passed.
 * Internal to lib/reference.
 *
 * Facts that do not pass are refused: false, and *why is a clean phrase in `a`. Of answers what
 * means nothing to the library is left out. */
#ifndef ASSAY_REFERENCE_VET_H
#define ASSAY_REFERENCE_VET_H

#include "reference/messages.h"

#define VET_TEXT_MAX    4096U  /* bytes of one record */
#define VET_RECORDS_MAX 1000U  /* of one answer */
#define VET_FIELD_MAX   65536U /* bytes of one DKIM-Signature */

/* The request with its names normalised and all texts printable. */
bool vet_spf(struct arena *a, const struct spf_request *request, struct spf_request *out,
             struct str *why);

/* The fields without those DKIM-Signatures that are older than the newest `max`. Fields whose names
 * are none, which no signature can name, are left out. */
bool vet_dkim(struct arena *a, const struct header_list *headers, size_t max,
              struct header_list *out, struct str *why);

/* The author domain and those identifiers that have a domain. */
bool vet_dmarc(struct arena *a, const struct dmarc_request *request, struct dmarc_request *out,
               struct str *why);

/* An answer as the library is given it:
 *   SPF    SPF records alone, parsed and printed anew (spf/print.h); one that our parser refuses is
 *          a reason to refuse
 *   DKIM   bounded, printable records; any other is a reason to refuse
 *   DMARC  bounded, printable records that a policy can be taken from
 *   MX and PTR records with names that can exist, addresses. */
bool vet_answer(struct arena *a, enum reference_library library, const struct question *question,
                const struct dns_answer *answer, struct dns_answer *out, struct str *why);

#endif
