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
};

/* The process's effective user; if that is root and conf->user exists, that user. */
void key_reader_init(struct key_reader *reader, const struct conf *conf, struct arena *a);

/* A reference on the key in the file, or NULL and *problem: the path, what is wrong, and where it
 * helps the command that repairs it. Texts are in `a`. */
struct private_key *key_file_load(const char *path, const struct key_reader *reader,
                                  struct arena *a, struct str *problem);

/* A file name as a word of a shell command. */
struct str shell_word(struct arena *a, struct str word);

#endif
