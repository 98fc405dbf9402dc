/* dmarc_advice.h - plain advice on a domain's DMARC record. */
#ifndef ASSAY_MILTER_DMARC_ADVICE_H
#define ASSAY_MILTER_DMARC_ADVICE_H

#include "dmarc/dmarc.h"

struct advice {
    struct str record; /* the text of the record in force, as published; empty if there is none */
    size_t n;
    struct str v[16];
    bool wrong[16]; /* the record does not do what it seems to; else it could do more */
};

/* What the owner of the author domain should know of the record in force, or of its absence. Asks
 * the DNS for the record's text and for the permission of report receivers elsewhere (RFC 9990 4);
 * everything lives in asker->arena. */
void dmarc_advise(const struct dmarc_outcome *outcome, struct dns_asker *asker, struct advice *out);

#endif
