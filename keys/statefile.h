/* statefile.h - the life of a key as the text of its state file:
 *
 *     # The life of a signing key, kept by assay: see assay-dkim(1).
 *     state = pending
 *     key = SHA-256 of the public key, base64
 *     created = 2026-11-20T12:00:00Z
 *     since = 2026-11-20T12:00:00Z
 *     record-seen = 2026-11-20T13:00:00Z      (only while a pending key's record is there)
 *     record-ttl = 3600
 */
#ifndef ASSAY_KEYS_STATEFILE_H
#define ASSAY_KEYS_STATEFILE_H

#include "keys/lifecycle.h"

struct str state_file_text(struct arena *a, const struct key_life *life, struct str fingerprint);

/* NULL, or what is wrong, and then *line is where (0: the file as a whole). */
const char *state_file_parse(struct str text, struct key_life *life, struct str *fingerprint,
                             unsigned *line);

#endif
