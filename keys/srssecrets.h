/* srssecrets.h - the file srs.secrets, and how a configuration rewrites with it.
 *
 * A line is a secret; white space at its end does not count, nor do blank lines, and "#" at the
 * beginning of a line makes it a comment. The first secret makes addresses, all are accepted. */
#ifndef ASSAY_KEYS_SRSSECRETS_H
#define ASSAY_KEYS_SRSSECRETS_H

#include "conf/conf.h"
#include "srs/srs.h"

/* The most secrets in a file: each is tried for every address. */
#define SRS_SECRETS_MAX 20

/* How the configuration rewrites, in `a`, which wipes the secrets; `conf` has to live as long. NULL
 * without srs.domain. A file that cannot be used is complained of, and the scheme has no secrets
 * then. The file is read with the rights that the process has now; whose it may be says keyset.h
 * for keys. */
const struct srs_scheme *srs_scheme_load(const struct conf *conf, struct arena *a,
                                         struct conf_problems *problems);

/* Puts a fresh random secret before those of the file, or makes the file: then for the user of the
 * configuration, or for the process. False and *problem (in `a`). */
bool srs_secrets_add(const struct conf *conf, struct arena *a, struct str *problem);

#define SRS_FINGERPRINT 16
/* Tells secrets apart without telling them: hexadecimal digits. */
void srs_secret_fingerprint(struct str secret, char out[SRS_FINGERPRINT + 1]);

#endif
