/* keydir.h - key directories: the keys of a domain with their lives, as files.
 *
 * A `signing` entry with `directory` signs with the keys of that directory that are active
 * (lifecycle.h). A key is SELECTOR.pem, or DOMAIN.SELECTOR.pem as `assay dkim keygen` names it;
 * beside it SELECTOR.state (DOMAIN.SELECTOR.state) holds its life, which begins as pending where
 * there is no such file. What is in the directories at one time is a generation; the next one takes
 * over from it keys whose files have not changed and lives that could not be written. */
#ifndef ASSAY_KEYS_KEYDIR_H
#define ASSAY_KEYS_KEYDIR_H

#include <sys/stat.h>

#include "base/strmap.h"
#include "conf/conf.h"
#include "keys/keyfile.h"
#include "keys/lifecycle.h"

/* The files of a key; its life is in the same place of `lives`. */
struct keydir_key {
    const char *path, *state_path;
    struct private_key *key;
    struct str fingerprint; /* SHA-256 of the public key, base64 */
    struct stat file;       /* at `path`, when it was read */
    bool saved;             /* the state file holds this life */
};

struct keydir {
    struct str domain;
    const char *path;
    bool told_unwritable; /* that its states cannot be written was told */
    size_t n;
    struct keydir_key *keys; /* by path */
    struct living_key *lives;
};

struct keydirs {
    struct arena *arena;
    size_t n;
    struct keydir *dirs;   /* in the order of the configuration */
    struct strmap by_path; /* the same */
};

/* Reads the directories of the configuration at the time `now`; writes nothing. `previous` (may be
 * NULL) is the generation before. NULL if the configuration has no directory. What is wrong is
 * added to `problems`, with the path; keys that are wrong are left out, or stay as they were in
 * `previous`. */
struct keydirs *keydirs_load(const struct conf *conf, const struct keydirs *previous, int64_t now,
                             struct conf_problems *problems);
void keydirs_free(struct keydirs *dirs); /* NULL is allowed */

/* The directory of this path, or NULL. */
struct keydir *keydirs_find(const struct keydirs *dirs, const char *path);

/* Writes the state files of the directory that are not saved yet, those of active keys first, so
 * that a crash between two leaves no moment without one. False, and *problem (a phrase with the
 * command that helps, in `a`): those that failed stay in memory. */
bool keydir_save(struct keydir *dir, const struct key_reader *reader, struct arena *a,
                 struct str *problem);

/* SHA-256 of the public key, base64. */
struct str key_fingerprint(const struct private_key *key, struct arena *a);

/* True if both sign with the very same keys. Either may be NULL. */
bool keydirs_same_signers(const struct keydirs *x, const struct keydirs *y);

#endif
