/* neversigned.h - header fields that no signature should cover. */
#ifndef ASSAY_MAIL_NEVERSIGNED_H
#define ASSAY_MAIL_NEVERSIGNED_H

#include "base/str.h"

/* Why a field of this name (any case) is never signed, as "it is ..."; NULL: it may be. */
const char *never_signed(struct str name);

#endif
