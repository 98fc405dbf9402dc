/* safefile.h - small files of ours, written so that no reader ever sees half of one. */
#ifndef ASSAY_KEYS_SAFEFILE_H
#define ASSAY_KEYS_SAFEFILE_H

#include <sys/types.h>

#include "base/str.h"

/* Makes the file with this mode, whatever the umask, and where group is not NULL with that group.
 * It appears when all its bytes are on the disk. False with errno; then no file is left. An
 * existing one is EEXIST. */
bool file_create(const char *path, struct str text, mode_t mode, const gid_t *group);

/* Puts the text in place of the file, or makes it: a reader, and a crash, sees the old one whole or
 * the new one whole. The group is given where the process may. False with errno; then the old one
 * is as it was. */
bool file_replace(const char *path, struct str text, mode_t mode, gid_t group);

/* What was made or renamed in the directory is on the disk. False with errno. */
bool directory_sync(const char *path);

#endif
