/* repair.h - the command that gives a key or its directory to its reader.
 *
 * The advice takes nothing away: not from the user that the daemon runs as, when
 * another user asks, and not from a second program that reads the same keys. Where that cannot be
 * told, the choice is left to the operator, or nothing is advised but to ask as root. Nor does it
 * have root change the rights of what others than root can exchange for something else. */
#ifndef ASSAY_KEYS_REPAIR_H
#define ASSAY_KEYS_REPAIR_H

#include <sys/stat.h>

#include "keys/keyfile.h"

/* The group's name; its number if it has none. */
const char *group_name(struct arena *a, gid_t gid);

/* True if the file's group is one of the reader's. */
bool reader_in_group(const struct key_reader *reader, gid_t gid);

/* Each adds "; run: ..." or other advice to b. `st` is what is there. */

/* A key file that must not or cannot be used. */
void repair_key(struct strbuf *b, const struct key_reader *reader, const char *path,
                const struct stat *st);
/* A directory that the reader may not enter, on the way to a key. */
void repair_entry(struct strbuf *b, const struct key_reader *reader, const char *directory,
                  const struct stat *st);
/* A key directory that the reader may not write to. */
void repair_writing(struct strbuf *b, const struct key_reader *reader, const char *directory,
                    const struct stat *st);

/* A file name as a word of a shell command. */
struct str shell_word(struct arena *a, struct str word);

#endif
