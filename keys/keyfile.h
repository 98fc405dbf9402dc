/* keyfile.h - one private key file: may it be trusted, can it be read, does it hold a key. */
#ifndef ASSAY_KEYS_KEYFILE_H
#define ASSAY_KEYS_KEYFILE_H

#include <sys/types.h>

#include "conf/conf.h"
#include "crypto/keys.h"

/* The user that must read the keys. */
struct key_reader {
    uid_t uid;
    size_t n_groups;
    gid_t *groups;                 /* the primary one first */
    const char *name, *group_name; /* for commands that people shall run */
    /* Whom the keys are for is not known: owner and group of a key are not judged. */
    bool lenient;
    /* What to say instead of advice that could take a key from its reader; NULL: advise. */
    const char *instead;
};

/* Who reads the keys for the daemon: conf->user, if the process is root or that user. Otherwise the
 * process, which may be another user who asks, so it gets no advice; root without conf->user and
 * users who are not conf->user are lenient. */
void key_reader_init(struct key_reader *reader, const struct conf *conf, struct arena *a);

/* The process, for a command that works with a key file itself: lenient. */
void key_reader_self(struct key_reader *reader, struct arena *a);

/* A reference on the key in the file, or NULL and *problem: the path, what is wrong, and where it
 * helps the command that repairs it. Texts are in `a`. */
struct private_key *key_file_load(const char *path, const struct key_reader *reader,
                                  struct arena *a, struct str *problem);

#endif
