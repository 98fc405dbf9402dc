/* database.c - databases and statements, whichever driver carries them out.
 *
 * Errors: false, NULL or SQL_FAILED, and db->why is a phrase. */
#include "store/database.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "store/driver.h"

#define FINISHED_US   1000000  /* how long tables that are being made are waited for, */
#define LOOK_AGAIN_NS 20000000 /* and how often looked at */

static const struct str schemes[] = {STR_INIT("postgresql://"), STR_INIT("postgres://")};

static size_t scheme_of(struct str where)
{
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (str_starts(where, schemes[i]))
            return schemes[i].n;
    return 0;
}

bool database_is_url(struct str where)
{
    return scheme_of(where);
}

struct str database_title(struct str where, struct arena *a)
{
    size_t scheme = scheme_of(where);
    if (!scheme)
        return str_safe(a, where, 200, true);
    struct str rest = str_sub(where, scheme, where.n);
    size_t at = str_find(rest, 0, '@');
    if (at < str_find(rest, 0, '/'))
        rest = str_sub(rest, at + 1, rest.n);
    rest = str_sub(rest, 0, str_find(rest, 0, '?'));
    return str_printf(a, "postgresql://%.*s", STR_ARG(str_safe(a, rest, 200, true)));
}

static const struct database_driver *driver_for(struct str where)
{
    if (!database_is_url(where))
        return &sqlite_driver;
#ifdef ASSAY_POSTGRESQL
    return &postgresql_driver;
#else
    return NULL;
#endif
}

#define WITHOUT "this assay was built without PostgreSQL"

const char *database_unusable(struct str where)
{
    const struct database_driver *driver = driver_for(where);
    if (!driver)
        return WITHOUT;
    return driver->unusable ? driver->unusable() : NULL;
}

bool database_init(struct database *db, struct str where, const struct database_schema *schema)
{
    *db = (struct database){.schema = schema, .driver = driver_for(where)};
    int n = snprintf(db->path, sizeof db->path, "%.*s", STR_ARG(where));
    if (!db->driver)
        snprintf(db->why, sizeof db->why, WITHOUT);
    return db->driver && n > 0 && (size_t)n + sizeof ".damaged" < sizeof db->path;
}

bool database_open(struct database *db)
{
    return db->driver->open(db);
}

/* Who makes the tables, or brings them to today's version, does so step by step. */
bool database_open_read(struct database *db)
{
    const struct timespec pause = {.tv_nsec = LOOK_AGAIN_NS};
    for (int64_t end = clock_us() + FINISHED_US;; nanosleep(&pause, NULL)) {
        db->earlier = db->absent = false;
        if (db->driver->open_read(db))
            return true;
        if (!db->earlier || clock_us() >= end)
            return false;
    }
}

void database_close(struct database *db)
{
    db->driver->close(db);
}

bool database_is_open(const struct database *db)
{
    return db->sqlite || db->postgresql;
}

bool database_is_there(struct database *db)
{
    return db->driver->is_there(db);
}

bool database_run(struct database *db, const char *text)
{
    return db->driver->run(db, text);
}

bool database_begin(struct database *db)
{
    return db->driver->begin(db);
}

bool database_commit(struct database *db)
{
    return db->driver->commit(db);
}

void database_undo(struct database *db)
{
    char why[DATABASE_WHY];
    memcpy(why, db->why, sizeof why);
    db->driver->run(db, "ROLLBACK");
    memcpy(db->why, why, sizeof why);
}

bool database_lock(struct database *db, bool *free)
{
    return db->driver->lock(db, free);
}

int64_t database_number(struct database *db, const char *text, int64_t otherwise)
{
    struct sql *s = sql_prepare(db, text);
    int64_t n = sql_step(s) == SQL_ROW ? sql_number(s, 0) : otherwise;
    sql_end(s, SQL_DONE);
    return n;
}

int64_t database_changes(struct database *db)
{
    return db->driver->changes(db);
}

bool database_limit(struct database *db, uint64_t bytes)
{
    return db->driver->limit(db, bytes);
}

void database_tidy(struct database *db)
{
    db->driver->tidy(db);
}

/* --- Statements --------------------------------------------------------------------------------*/

struct sql *sql_prepare(struct database *db, const char *text)
{
    return db->driver->prepare(db, text);
}

void sql_bind_number(struct sql *s, int i, int64_t number)
{
    if (s)
        s->db->driver->bind_number(s, i, number);
}

void sql_bind(struct sql *s, int i, struct str text)
{
    if (s)
        s->db->driver->bind(s, i, text, false);
}

void sql_bind_bytes(struct sql *s, int i, const void *p, size_t n)
{
    if (s)
        s->db->driver->bind(s, i, (struct str){n ? p : "", n}, true);
}

enum sql_step sql_step(struct sql *s)
{
    return s ? s->db->driver->step(s) : SQL_FAILED;
}

int64_t sql_number(struct sql *s, int i)
{
    return s->db->driver->number(s, i);
}

struct str sql_text(struct sql *s, int i)
{
    return s->db->driver->text(s, i);
}

void sql_reset(struct sql *s)
{
    if (s)
        s->db->driver->reset(s);
}

bool sql_run(struct sql *s)
{
    enum sql_step last;
    while ((last = sql_step(s)) == SQL_ROW)
        ;
    sql_reset(s);
    return last == SQL_DONE;
}

bool sql_push(struct sql *s)
{
    return s && s->db->driver->push(s);
}

int64_t sql_value(struct sql *s)
{
    int64_t n = sql_step(s) == SQL_ROW ? sql_number(s, 0) : 0;
    sql_reset(s);
    return n;
}

bool sql_end(struct sql *s, enum sql_step last)
{
    if (s)
        s->db->driver->end(s);
    return s && last != SQL_FAILED;
}
