/* parts.h - what the two directions share: an address in parts, a hash, a time stamp. */
#ifndef ASSAY_SRS_PARTS_H
#define ASSAY_SRS_PARTS_H

#include "srs/srs.h"

/* An address, its local part without quotes. */
struct srs_address {
    struct str user;   /* never empty; printable ASCII and UTF-8 */
    bool quoted;       /* it had quotes */
    struct str host;   /* as written, but for A-labels in place of U-labels */
    struct str domain; /* the same, normalised */
};

/* NULL, or why it is not one: a phrase. */
const char *srs_split(struct str text, struct arena *a, struct srs_address *out);

/* user@host; the user in quotes if it needs some, and either wants them. */
struct str srs_join(struct str user, bool quoted, struct str host, struct arena *a);

/* A host as it may stand in an SRS address: letters, digits, hyphens, underscores and dots. */
bool srs_is_host(struct str text);

/* The character behind SRS0 or SRS1: '=', '+' or '-'. */
bool srs_is_separator(char c);

/* 0 or 1 if the user begins with SRS0 or SRS1 and a separator, else -1. */
int srs_tag(struct str user);
#define SRS_TAG_BYTES 4 /* "SRS0" */

/* Texts that a hash is made of, one behind the other and in lower case. */
struct srs_hashed {
    struct str parts[3];
};

/* The digits for a new address, by the first secret. STR_NONE: cannot be known. */
struct str srs_hash(const struct srs_scheme *s, const struct srs_hashed *what, struct arena *a);
/* Does the hash hold by one of the secrets? SRS_DONE, SRS_REFUSED or SRS_UNKNOWN. */
enum srs_status srs_hash_holds(const struct srs_scheme *s, struct str hash,
                               const struct srs_hashed *what, struct arena *a);

/* Two digits. */
struct str srs_stamp(int64_t now, struct arena *a);
/* How many days ago the stamp was made, modulo SRS_DAYS; -1 if it is none. */
int srs_stamp_age(struct str stamp, int64_t now);

#endif
