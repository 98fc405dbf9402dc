/* signing.h - what stages need from the signing keys; keys/ implements struct key_set. */
#ifndef ASSAY_CORE_SIGNING_H
#define ASSAY_CORE_SIGNING_H

#include "base/str.h"
#include "dkim/dkim.h"
#include "mail/address.h"

/* What signs for an author. */
struct signing_choice {
    size_t n;                                  /* 0: nothing */
    const struct dkim_signing_key *keys;       /* RSA first */
    const struct dkim_sign_settings *settings; /* all but the time */
    bool not_a_sender; /* nothing signs: the domain has entries, but for other senders */
};

/* A set of signing keys: immutable, part of a snapshot. */
struct key_set {
    /* What signs for a From mailbox. What *choice (zeroed before) points at stays valid as long as
     * the snapshot and `a`. */
    void (*find)(const struct key_set *set, const struct mailbox *author, struct arena *a,
                 struct signing_choice *choice);
};

/* The key that makes ARC sets for this domain, and its settings: RSA, as no ARC validator of note
 * knows Ed25519. Its own domain, the d= of the sets, may be another one: a domain above, or what
 * signing-table says. NULL: there is none. */
const struct dkim_signing_key *signing_find_sealer(const struct key_set *set, struct str domain,
                                                   struct arena *a,
                                                   struct dkim_sign_settings *settings);

#endif
