/* migrate.h - reads configurations of other filters and writes them as assay.conf.
 *
 * Every setting of a file becomes one line of the account, which says what became of it, and if it
 * was not carried over, why, and what to do instead. Tables, lists and folders that a file names
 * are read too. Nothing is changed on the machine.
 *
 * Errors: a file that cannot be read, or that is of no known kind, is a phrase; what is wrong
 * within a file is a line of the account. */
#ifndef ASSAY_MIGRATE_MIGRATE_H
#define ASSAY_MIGRATE_MIGRATE_H

#include "base/json.h"
#include "base/str.h"

enum migrate_fate {
    MIGRATE_CARRIED, /* means the same */
    MIGRATE_CHANGED, /* carried over with a difference, or not needed */
    MIGRATE_LEFT,    /* not carried over */
    MIGRATE_FATES,
};

/* "carried over", "changed", "not carried over". */
const char *migrate_fate_name(enum migrate_fate fate);

struct migration;

/* Lives in the arena, with everything that is read. */
struct migration *migration_new(struct arena *a);

/* Reads a file, or a folder of tumgreyspf. `kind` is the name of a kind (kinds.def); NULL: the
 * content, or else the file's name, decides. False and *problem, a phrase behind the path: it
 * cannot be read, its kind is not known, or there is no kind of that name. */
bool migration_read(struct migration *m, const char *path, const char *kind, struct str *problem);

/* The same for a text under this name, for tests; files that it names are not opened. */
bool migration_read_text(struct migration *m, const char *name, struct str text, const char *kind,
                         struct str *problem);

/* Does what needs all files. Call it when they are read. */
void migration_finish(struct migration *m);

/* True if a file that another one names could not be read: a line of the account says which. */
bool migration_is_incomplete(const struct migration *m);

/* After migration_finish(): the configuration, ready for `assay config check`; the account for
 * people, with the commands to run before that; and the account for programs. */
struct str migration_conf(struct migration *m);
struct str migration_account(struct migration *m);
void migration_json(struct migration *m, struct json *j);

/* A kind of file, and the settings that are known of it. */
struct migrate_kind_view {
    const char *name, *title;
    size_t n;
};
struct migrate_option_view {
    const char *name;
    enum migrate_fate fate; /* as a rule; the value may make it another one */
    const char *to;         /* the options of assay.conf it goes to; empty: none */
    const char *note;
};
size_t migrate_kinds(void);
struct migrate_kind_view migrate_kind_at(size_t kind);
struct migrate_option_view migrate_option_at(size_t kind, size_t option);
/* The place of a kind; migrate_kinds() if there is none of that name. */
size_t migrate_kind_find(struct str name);

#endif
