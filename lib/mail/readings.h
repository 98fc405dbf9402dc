/* readings.h - the addresses that programs for reading mail may find in a From field which does not
 * parse, or which holds none.
 *
 * Programs repair odd fields in different ways. So this looks for every at sign - in comments, in
 * quoted strings, in encoded words, of double width - and says what all of them name together, or
 * that this is not certain. It never decides what is likely. */
#ifndef ASSAY_MAIL_READINGS_H
#define ASSAY_MAIL_READINGS_H

#include "mail/address.h"

#define READINGS_MAX_SIGNS 64 /* at signs in a text; with more, nothing is certain */
#define READINGS_MAX       (5 * READINGS_MAX_SIGNS) /* as it stands, and decoded in four ways */

struct readings {
    bool unclear;       /* at signs name different domains, or it is not certain what they name */
    bool local_unclear; /* it is not certain which local part stands before one of them */
    struct str domain;  /* the one that they name, normalised; empty if there is none */
    size_t n;           /* different addresses, at most READINGS_MAX */
    struct mailbox *boxes; /* in the arena; a local part that is not certain may be empty or odd */
};

/* Literals (an IP address in brackets) name no domain; with `literals` they are passed over, else
 * they make the field unclear. Linear in the length of the field; what is found points into it. */
void readings_of(struct arena *a, struct str field, bool literals, struct readings *out);

#endif
