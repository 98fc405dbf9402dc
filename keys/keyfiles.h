/* keyfiles.h - all key files of a configuration: each opened once, however many domains share it,
 * and decoded side by side, because a key costs about a millisecond. */
#ifndef ASSAY_KEYS_KEYFILES_H
#define ASSAY_KEYS_KEYFILES_H

#include "base/strmap.h"
#include "keys/keyfile.h"

struct key_file {
    const char *path;
    struct conf_place place; /* where it was asked for first */
    struct private_key *key; /* after key_files_load(); NULL: it could not be loaded */
};

struct key_files {
    struct arena *arena; /* the keys live as long */
    struct strmap by_path;
    size_t n, cap;
    struct key_file **files; /* in the order in which they were asked for */
};

void key_files_init(struct key_files *files, struct arena *a);

/* The file of this path, to be loaded. */
struct key_file *key_files_want(struct key_files *files, struct str path, struct conf_place place);

/* Loads all of them, complaining of those that cannot be. */
void key_files_load(struct key_files *files, const struct key_reader *reader,
                    struct conf_problems *problems);

#endif
