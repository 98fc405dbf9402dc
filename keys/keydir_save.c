/* keydir_save.c - the state files of a key directory are written.
 *
 * Errors: false and a phrase with the command that helps; what was not written is tried again at
 * the next call. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "keys/keydir.h"
#include "keys/repair.h"
#include "keys/safefile.h"
#include "keys/statefile.h"

/* Readable by those who may read the key, and writable by its owner. */
#define STATE_MODE(mode) (((mode)&0440) | 0600)

static bool save_one(const struct keydir *dir, size_t i, struct arena *a)
{
    struct keydir_key *key = &dir->keys[i];
    struct str text = state_file_text(a, &dir->lives[i].life, key->fingerprint);
    key->saved =
        file_replace(key->state_path, text, STATE_MODE(key->file.st_mode), key->file.st_gid);
    return key->saved;
}

static struct str explain_unwritable(const struct keydir *dir, const struct key_reader *reader,
                                     const char *path, int why, struct arena *a)
{
    struct stat st;
    struct strbuf b;
    sb_init(&b, a);
    sb_printf(&b, "%s: cannot be written: %s; the states of the keys are kept in memory alone",
              path, strerror(why));
    if (why == EROFS)
        sb_printf(&b,
                  "; let the service write there: systemctl edit assay, [Service] "
                  "ReadWritePaths=%s",
                  dir->path);
    else if (stat(dir->path, &st) == 0)
        repair_writing(&b, reader, dir->path, &st);
    return sb_str(&b);
}

bool keydir_save(struct keydir *dir, const struct key_reader *reader, struct arena *a,
                 struct str *problem)
{
    *problem = STR_NONE;
    for (int active = 1; active >= 0; active--) {
        for (size_t i = 0; i < dir->n; i++) {
            bool is_active = dir->lives[i].life.state == KEY_ACTIVE;
            if (dir->keys[i].saved || is_active != active || save_one(dir, i, a) || problem->p)
                continue;
            *problem = explain_unwritable(dir, reader, dir->keys[i].state_path, errno, a);
        }
    }
    return !problem->p;
}
