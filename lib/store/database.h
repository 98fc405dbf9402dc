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

/* What stands in a database of this kind. */
struct database_schema {
    uint32_t id;              /* application_id: whose file it is */
    const char *const *steps; /* SQL; step i leads from version i to i + 1 */
    unsigned version;         /* of the steps: today's */
    int64_t check_up_to;      /* a file of at most so many bytes is checked as a whole at open */
    int busy_ms;              /* how long to wait while another process writes; 0: 100 */
    /* What was committed is on the disk, and the files beside the database stay, so that who may
     * only read it can. Else it is on its way there. */
    bool durable;
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
    int64_t looked_us;      /* at the path, last */
    int wal_pages;          /* that wait to be moved into the file */
    bool absent;            /* opened for reading: nothing was ever written, and that failed */
    bool earlier;           /* opened for reading: its version is an earlier one, likewise */
    char why[DATABASE_WHY]; /* the last call failed: a phrase */
};

/* `where` is the path of a SQLite file, or the URL of a PostgreSQL server, postgresql://..., and is
 * copied. False: it is too long, or this assay was built without PostgreSQL, and why. */
bool database_init(struct database *db, struct str where, const struct database_schema *schema);

bool database_is_url(struct str where);
/* What this machine lacks to open it: NULL, or a phrase. Nothing is opened. */
const char *database_unusable(struct str where);
/* As people may see it: a URL without the password. */
struct str database_title(struct str where, struct arena *a);

/* Opens for writing; makes the file, readable by its group, if there is none. A file that is
 * damaged is put aside as PATH.damaged (in the place of an earlier one), and a new one made; a file
 * of a later version of ours, or somebody else's, stays as it is, and cannot be opened. False, and
 * why. */
bool database_open(struct database *db);

/* Opens for reading what is there. A version other than today's cannot be read; an earlier one is
 * waited for, up to a second, as it may be under way. Whoever has no
 * right to write beside the file reads it as it lies there while nobody else has it open; if it is
 * written meanwhile, what was read may be wrong: look at its time, and read once more. */
bool database_open_read(struct database *db);

void database_close(struct database *db);

/* At most once a second: is the file still the one at the path? If not, it was removed or replaced,
 * and what is written is lost: close it and open again. */
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

/* One number; `otherwise` if there is none. */
int64_t database_number(struct database *db, const char *text, int64_t otherwise);

/* Rows that the last statement has changed. */
int64_t database_changes(struct database *db);

/* It becomes no larger than this. */
bool database_limit(struct database *db, uint64_t bytes);

/* Moves what waits beside the file into it, if that is much: for when nobody waits. */
void database_tidy(struct database *db);

#endif
