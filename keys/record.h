/* record.h - the DNS record of a signing key (RFC 6376 3.6.1), for people to publish. */
#ifndef ASSAY_KEYS_RECORD_H
#define ASSAY_KEYS_RECORD_H

#include "base/str.h"
#include "crypto/keys.h"

/* "s2026._domainkey.example.org" */
struct str key_record_name(struct arena *a, struct str selector, struct str domain);

/* "v=DKIM1; k=rsa; p=..." */
struct str key_record_value(struct arena *a, const struct private_key *key);

/* The record as lines of a zone file (RFC 1035 5.1): strings of at most 255 bytes, one a line. */
struct str key_record_zone(struct arena *a, struct str name, struct str value);

#endif
