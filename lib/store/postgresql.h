/* postgresql.h - databases that a PostgreSQL server keeps: what their files share. Private to
 * lib/store. */
#ifndef ASSAY_STORE_POSTGRESQL_H
#define ASSAY_STORE_POSTGRESQL_H

#include "store/driver.h"
#include "store/libpq.h"

struct postgresql_sql;

/* A text that the server knows, once it has seen it with the types of its parameters. */
struct postgresql_known {
    char *text; /* as assay writes it */
    bool known;
};

/* A connection. It serves one statement at a time: rows that another one has still to come are
 * fetched before (postgresql_settle). */
struct postgresql {
    const struct libpq *pq;
    PGconn *connection;
    struct postgresql_sql *reading; /* whose rows are under way */
    unsigned pushed;                /* statements of the pipeline without an answer */
    struct postgresql_known *known; /* every text that was prepared: a few dozen */
    size_t n_known, cap_known;
    int64_t changes;
    bool broken; /* close it */
};

/* The statement as PostgreSQL writes it, for free(): see sql.h for what it was before. */
char *postgresql_text(const char *text);

/* A number from a column in the form of the wire. */
int64_t postgresql_number(Oid type, const char *p, int n);

/* Notes why; false. The one of a connection is that of its last trouble. */
bool postgresql_failed(struct database *db, const char *why);
bool postgresql_connection_failed(struct database *db);

/* Waits for the next result of what was sent. False: that failed, and why; *result NULL: there is
 * no more. It ends when the server takes longer than db->patience_us, or when *db->stop says so. */
bool postgresql_result(struct database *db, PGresult **result);

/* Takes a result; false, and why, if it says that something failed. */
bool postgresql_took(struct database *db, PGresult *result);

/* Nothing is under way when it returns. False: something was, and failed. */
bool postgresql_settle(struct database *db);

struct sql *postgresql_sql_prepare(struct database *db, const char *text);
void postgresql_sql_bind_number(struct sql *s, int i, int64_t number);
void postgresql_sql_bind(struct sql *s, int i, struct str value, bool bytes);
enum sql_step postgresql_sql_step(struct sql *s);
bool postgresql_sql_push(struct sql *s);
int64_t postgresql_sql_number(struct sql *s, int i);
struct str postgresql_sql_text(struct sql *s, int i);
void postgresql_sql_reset(struct sql *s);
void postgresql_sql_end(struct sql *s);

#endif
