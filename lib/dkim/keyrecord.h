/* keyrecord.h - one key record as published in DNS (RFC 6376 3.6.1). Within lib/dkim. */
#ifndef ASSAY_DKIM_KEYRECORD_H
#define ASSAY_DKIM_KEYRECORD_H

#include "base/str.h"
#include "crypto/keys.h"

struct key_record {
    bool type_known;    /* k= is rsa or ed25519 */
    enum key_type type; /* meaningful if type_known */
    bool sha256;        /* h= allows it */
    bool email;         /* s= allows mail */
    bool revoked;       /* p= is empty */
    bool testing;       /* t=y */
    bool strict;        /* t=s: i= must be d= itself */
    struct str key;     /* the bytes of p= */
};

/* NULL, or what is wrong with it as a key record (clean text). */
const char *key_record_parse(struct arena *a, struct str text, struct key_record *out);

#endif
