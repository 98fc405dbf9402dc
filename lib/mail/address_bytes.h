/* address_bytes.h - what address_rewrite.c and address_write.c have in common. Within lib/mail. */
#ifndef ASSAY_MAIL_ADDRESS_BYTES_H
#define ASSAY_MAIL_ADDRESS_BYTES_H

#include "base/ascii.h"
#include "base/str.h"

/* Bytes of a list's member, from comma to comma. Sendmail cuts what is longer than some 256. */
#define STABLE_MEMBER_MAX 240

/* True if Sendmail leaves all bytes of an address alone. It takes some 8-bit ones for its own. */
static inline bool address_bytes_are_stable(struct str address)
{
    for (size_t i = 0; i < address.n; i++) {
        unsigned char c = (unsigned char)address.p[i];
        if ((c >= 0x80 && c <= 0x9F) || c == 0xFF)
            return false;
    }
    return true;
}

#endif
