/* database.h - a database of ours: opened, checked, brought to the schema of today, and left when
 * the file is no longer what stands at its path. For lib/store and lib/report; sql.h has what is
 * done with it.
 *
 * A database is one thread's. */
#ifndef ASSAY_STORE_DATABASE_H
#define ASSAY_STORE_DATABASE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/str.h"
#include "store/sql.h"

/* The kind of a database. */
struct database_schema {
    uint32_t id;              /* application_id, which says that the file is of this kind */
    const char *const *steps; /* SQL; step i leads from version i to i + 1 */
    unsigned version;         /* number of the steps: the current version */
    int64_t check_up_to;      /* bytes: a file no longer than this is checked when it is opened */
    int busy_ms;              /* how long to wait while another process writes; 0: 100 */
    /* What was committed is on the disk, and the files beside the database stay, so that who may
     * only read it can. Else it is on its way there. */
    bool durable;
    bool large; /* what a statement sets aside goes into files beside it, and not into memory */
    /* With PostgreSQL: the name of the schema that has the tables (NULL: never there), and what
     * each step does besides; both are texts of the program. */
    const char *name;
    const char *const *also;
};

#define DATABASE_WHY 256
struct database {
    const struct database_driver *driver;
    struct sqlite3 *sqlite; /* one of them, or NULL: closed */
    struct postgresql *postgresql;
    char path[512];          /* or URL */
    int64_t patience_us;     /* with a server that does not answer; 0: a minute */
    const atomic_bool *stop; /* set by somebody else: do not wait any longer. May be NULL */
    const struct database_schema *schema;
    dev_t device;
    ino_t inode;
    int64_t looked_us;      /* last look at the path */
    int wal_pages;          /* of the WAL that wait to be moved into the file */
    bool absent;            /* opening for reading failed, because nothing was written yet */
    bool earlier;           /* opening for reading failed, because the version is an earlier one */
    char why[DATABASE_WHY]; /* a phrase, if the last call failed */
};

/* `where` is the path of a SQLite file, or the URL of a PostgreSQL server, postgresql://..., and is
 * copied. False: it is too long, or this assay was built without PostgreSQL, and why. */
bool database_init(struct database *db, struct str where, const struct database_schema *schema);

bool database_is_url(struct str where);
/* What this machine lacks to open it: NULL, or a phrase. Nothing is opened. */
const char *database_unusable(struct str where);
/* As people may see it: a URL without the password. */
struct str database_title(struct str where, struct arena *a);

/* Opens for writing. If there is no file, makes one that its group can read. Renames a damaged file
 * to PATH.damaged, in place of an earlier one, and makes a new one. A file of a later version or of
 * another program stays as it is, and opening fails. False, and db->why. */
bool database_open(struct database *db);

/* Opens an existing file for reading. It cannot read another version than the current one; for an
 * earlier one it waits up to a second, because another process may be upgrading it. Without the
 * right to write beside the file, it reads the file alone, while nobody else has it open. If the
 * file is written meanwhile, what was read may be wrong: look at the file's time, and read again.
 */
bool database_open_read(struct database *db);

void database_close(struct database *db);

/* True if the file is still the one at the path; looks at most once a second. If not, the file was
 * removed or replaced, and what is written is lost: close it and open it again. */
bool database_is_there(struct database *db);

bool database_is_open(const struct database *db);

/* Statements without parameters and results. False, and why. */
bool database_run(struct database *db, const char *text);

/* A transaction of who writes; there is one at a time, whoever they are. What was pushed (sql.h) is
 * done when it is committed. */
bool database_begin(struct database *db);
bool database_commit(struct database *db);
void database_undo(struct database *db); /* `why` stays what it was */

/* For who has to be alone, among all hosts, for as long as the database is open; *free: nobody else
 * is. A SQLite file is one host's, and has no such lock: *free is true. */
bool database_lock(struct database *db, bool *free);

/* The one number that a query gives; `otherwise` if it gives none. */
int64_t database_number(struct database *db, const char *text, int64_t otherwise);

/* Rows that the last statement has changed. */
int64_t database_changes(struct database *db);

/* It becomes no larger than this. */
bool database_limit(struct database *db, uint64_t bytes);

/* Moves the WAL into the file if it is long. Call it when nobody waits. */
void database_tidy(struct database *db);

#endif
