/* keygen.h - a signing key is made: the private key and its DNS record, each in a file. */
#ifndef ASSAY_KEYS_KEYGEN_H
#define ASSAY_KEYS_KEYGEN_H

#include <sys/types.h>

#include "base/str.h"
#include "crypto/keys.h"

/* RFC 8301 3.2: signers use at least 2048 bits. Above 4096, verifiers need not follow. */
#define KEYGEN_BITS_MIN 2048
#define KEYGEN_BITS_MAX 4096

struct keygen_request {
    struct str domain, selector; /* normalised and plain (conf_plain_name) */
    enum key_type type;
    unsigned bits;        /* RSA: KEYGEN_BITS_MIN to KEYGEN_BITS_MAX */
    struct str directory; /* absolute */
    bool give_group;      /* the key's file gets this group, and mode 0640 instead of 0600 */
    gid_t group;
};

struct generated_key {
    struct str domain, selector;
    enum key_type type;
    unsigned bits;
    struct str key_path, record_path; /* DIRECTORY/DOMAIN.SELECTOR.pem and .txt */
    struct str name, value, zone;     /* of the record: as text, and as zone file lines */
};

/* Makes a key and writes both files, never over an existing one; on failure no file is left.
 * False and *problem. Texts are in `a`, which should be freed soon: the private key passes it. */
bool key_generate(const struct keygen_request *request, struct arena *a, struct generated_key *out,
                  struct str *problem);

/* Removes both files of a key that was made just now. */
void key_discard(const struct generated_key *key);

#endif
