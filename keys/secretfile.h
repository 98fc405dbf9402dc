/* secretfile.h - a file that only its reader may read: a private key, or secrets. */
#ifndef ASSAY_KEYS_SECRETFILE_H
#define ASSAY_KEYS_SECRETFILE_H

#include "keys/keyfile.h"

/* The largest key that crypto accepts has a quarter of this as PEM. */
#define SECRET_FILE_MAX 32768

/* What was read; secret_text_wipe() ends it. */
struct secret_text {
    size_t n;
    char bytes[SECRET_FILE_MAX];
};

/* Reads the whole file, if it may be trusted: it belongs to root or to the reader, and nobody else
 * can read or change it. `what` is what it holds: "key". False, and *problem: the path, what is
 * wrong, and where it helps the command that repairs it, in `a`. */
bool secret_file_read(const char *path, const char *what, const struct key_reader *reader,
                      struct arena *a, struct secret_text *out, struct str *problem);

void secret_text_wipe(struct secret_text *text);

/* The user's name; its number if it has none. */
const char *user_name(struct arena *a, uid_t uid);

#endif
