/* rotate.h - a new key for a key directory. */
#ifndef ASSAY_KEYS_ROTATE_H
#define ASSAY_KEYS_ROTATE_H

#include "keys/keydir.h"
#include "keys/keygen.h"

/* Makes a key for a `signing` entry with a directory, in the state pending, at the time `now`. Its
 * selector is the month and a letter, "2026-11a", that no key of the domain has or had a file of;
 * the daemon's user gets the right to read it. False and *problem; then no file is left. Texts are
 * in `a`, which should be freed soon: the private key passes it. */
bool key_rotate(const struct conf *conf, const struct conf_signing *entry, enum key_type type,
                unsigned bits, int64_t now, struct arena *a, struct generated_key *out,
                struct str *problem);

#endif
