/* signing.h - what a signing stage needs from keys; keys/ implements it. */
#ifndef ASSAY_CORE_SIGNING_H
#define ASSAY_CORE_SIGNING_H

#include "base/str.h"
#include "dkim/dkim.h"
#include "mail/address.h"

/* A set of signing keys: immutable, part of a snapshot. */
struct key_set {
    /* The keys to sign with for a From mailbox, RSA first; 0 if there is none. *keys stays valid as
     * long as the snapshot and `a`. */
    size_t (*find)(const struct key_set *set, const struct mailbox *author, struct arena *a,
                   const struct dkim_signing_key **keys);
};

#endif
