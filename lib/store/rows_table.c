/* rows_table.c - writes rows into tables.
 *
 * Texts that many rows share stand in tables of their own and once in each: policies, senders (the
 * domains of a message), results. A row is numbers and the client's address, some 40 bytes. The
 * numbers of texts that were seen lately are remembered.
 *
 * Errors: false, and why stands in the database; the transaction is undone. */
#include "store/rows_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/siphash.h"

static const char *const steps[] = {
    "CREATE TABLE policy(id INTEGER PRIMARY KEY, domain TEXT NOT NULL, p TEXT NOT NULL,"
    " sp TEXT NOT NULL, np TEXT NOT NULL, adkim TEXT NOT NULL, aspf TEXT NOT NULL,"
    " fo TEXT NOT NULL, testing TEXT NOT NULL, discovery TEXT NOT NULL,"
    " destinations TEXT NOT NULL,"
    " CONSTRAINT policy_whole"
    " UNIQUE(domain, p, sp, np, adkim, aspf, fo, testing, discovery, destinations));"
    "CREATE TABLE sender(id INTEGER PRIMARY KEY, header_from TEXT NOT NULL,"
    " envelope_from TEXT NOT NULL, envelope_to TEXT NOT NULL,"
    " UNIQUE(header_from, envelope_from, envelope_to));"
    "CREATE TABLE results(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);"
    "CREATE TABLE row(day INTEGER NOT NULL, policy INTEGER NOT NULL, source BLOB NOT NULL,"
    " sender INTEGER NOT NULL, results INTEGER NOT NULL, verdict INTEGER NOT NULL,"
    " messages INTEGER NOT NULL,"
    " PRIMARY KEY(day, policy, source, sender, results, verdict)) WITHOUT ROWID;"
    "CREATE TABLE tally(day INTEGER NOT NULL, name TEXT NOT NULL, messages INTEGER NOT NULL,"
    " PRIMARY KEY(day, name)) WITHOUT ROWID;",
    /* Tables for reports that we send (sent.c). */
    "CREATE TABLE secret(bytes BLOB NOT NULL);"
    "INSERT INTO secret VALUES(randomblob(16));"
    "CREATE TABLE report(id INTEGER PRIMARY KEY, day INTEGER NOT NULL, policy INTEGER NOT NULL,"
    " part INTEGER NOT NULL, report_id TEXT NOT NULL UNIQUE, domain TEXT NOT NULL,"
    " sender TEXT NOT NULL, state INTEGER NOT NULL, noted INTEGER NOT NULL,"
    " built INTEGER NOT NULL, rows INTEGER NOT NULL, messages INTEGER NOT NULL,"
    " UNIQUE(day, policy, part));"
    "CREATE TABLE body(report INTEGER NOT NULL, form INTEGER NOT NULL, gz BLOB NOT NULL,"
    " PRIMARY KEY(report, form));"
    "CREATE TABLE mail(id INTEGER PRIMARY KEY, report INTEGER NOT NULL, number INTEGER NOT NULL,"
    " uri TEXT NOT NULL, address TEXT NOT NULL, form INTEGER NOT NULL, state INTEGER NOT NULL,"
    " tries INTEGER NOT NULL, next INTEGER NOT NULL, changed INTEGER NOT NULL, note TEXT NOT NULL,"
    " UNIQUE(report, number));"
    "CREATE INDEX mail_by_state ON mail(state);"
    "CREATE TABLE suppressed(destination TEXT PRIMARY KEY, since INTEGER NOT NULL,"
    " until INTEGER NOT NULL, bounces INTEGER NOT NULL, why TEXT NOT NULL) WITHOUT ROWID;",
};
/* An index of PostgreSQL holds no text longer than a third of its page: long ones are found by
 * their hash, and who writes takes care that each is there once. `played`: see rows_spool.c;
 * `dropped` counts how often texts went, so that others forget their numbers. */
static const char *const also[] = {
    "ALTER TABLE policy DROP CONSTRAINT policy_whole; CREATE INDEX policy_domain ON policy(domain);"
    "ALTER TABLE results DROP CONSTRAINT results_text_key;"
    "CREATE INDEX results_text ON results USING hash(text);"
    "CREATE TABLE played(host TEXT PRIMARY KEY, number INTEGER NOT NULL);"
    "CREATE TABLE dropped(times INTEGER NOT NULL); INSERT INTO dropped VALUES(0);",
    NULL,
};
const struct database_schema rows_schema = {.id = 0x61737231,
                                            .name = "assay_rows",
                                            .also = also,
                                            .steps = steps,
                                            .version = 2,
                                            .check_up_to = INT64_C(256) << 20,
                                            .busy_ms = 5000,
                                            .large = true};

enum shared { POLICY, SENDER, RESULTS, SHARED };
enum statement { FIND, INSERT = FIND + SHARED, ROW = INSERT + SHARED, TALLY, STATEMENTS };
static const char *const texts[STATEMENTS] = {
    [FIND + POLICY] = "SELECT id FROM policy WHERE domain = ?1 AND p = ?2 AND sp = ?3 AND np = ?4"
                      " AND adkim = ?5 AND aspf = ?6 AND fo = ?7 AND testing = ?8"
                      " AND discovery = ?9 AND destinations = ?10",
    [FIND + SENDER] = "SELECT id FROM sender WHERE header_from = ?1 AND envelope_from = ?2"
                      " AND envelope_to = ?3",
    [FIND + RESULTS] = "SELECT id FROM results WHERE text = ?1",
    [INSERT + POLICY] = "INSERT INTO policy(domain, p, sp, np, adkim, aspf, fo, testing, discovery,"
                        " destinations) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
                        " RETURNING id",
    [INSERT + SENDER] = "INSERT INTO sender(header_from, envelope_from, envelope_to)"
                        " VALUES(?1, ?2, ?3) RETURNING id",
    [INSERT + RESULTS] = "INSERT INTO results(text) VALUES(?1) RETURNING id",
    [ROW] = "INSERT INTO row VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)"
            " ON CONFLICT(day, policy, source, sender, results, verdict)"
            " DO UPDATE SET messages = row.messages + excluded.messages",
    [TALLY] = "INSERT INTO tally VALUES(?1, ?2, ?3) ON CONFLICT(day, name)"
              " DO UPDATE SET messages = tally.messages + excluded.messages",
};

#define KNOWN_MAX 16384 /* texts of each kind whose numbers are kept in memory; a power of two */

/* A text is identified by two keyed hashes, so that nobody can make two texts that collide. */
struct known {
    uint64_t hash[2];
    int64_t id; /* 0: empty */
};

struct rows_table {
    struct database *db;
    struct sql *statements[STATEMENTS];
    uint64_t keys[2][2];
    struct known known[SHARED][KNOWN_MAX];
};

_Static_assert(sizeof(struct rows_table) <= ROWS_TABLE_BYTES, "the bound of rows.h");

struct rows_table *rows_table_new(struct database *db)
{
    struct rows_table *t = calloc(1, sizeof *t);
    if (t && getrandom(t->keys, sizeof t->keys, 0) != sizeof t->keys) {
        free(t);
        return NULL;
    }
    if (t)
        t->db = db;
    return t;
}

void rows_table_forget(struct rows_table *t)
{
    memset(t->known, 0, sizeof t->known);
}

void rows_table_reset(struct rows_table *t)
{
    for (size_t i = 0; i < STATEMENTS; i++) {
        sql_end(t->statements[i], SQL_DONE);
        t->statements[i] = NULL;
    }
    rows_table_forget(t);
}

void rows_table_free(struct rows_table *t)
{
    if (t)
        rows_table_reset(t);
    free(t);
}

/* --- Statements --------------------------------------------------------------------------------*/

static struct sql *statement(struct rows_table *t, size_t which)
{
    if (!t->statements[which])
        t->statements[which] = sql_prepare(t->db, texts[which]);
    return t->statements[which];
}

static void bind_texts(struct sql *s, const struct str *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sql_bind(s, (int)i + 1, v[i].n ? v[i] : STR(""));
}

/* --- Texts that are shared ---------------------------------------------------------------------*/

static struct known *place_of(struct rows_table *t, enum shared kind, const struct str *v, size_t n,
                              uint64_t hash[2])
{
    hash[0] = hash[1] = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t h = 0; h < 2; h++) {
            uint64_t key[2] = {t->keys[h][0] ^ hash[h], t->keys[h][1] ^ i};
            hash[h] = siphash13(key, v[i]);
        }
    return &t->known[kind][hash[0] % KNOWN_MAX];
}

/* The number of a text, which is added to the table if it is new; 0: failed. */
static int64_t find_or_insert(struct rows_table *t, enum shared kind, const struct str *v, size_t n)
{
    struct sql *find = statement(t, FIND + (size_t)kind);
    bind_texts(find, v, n);
    int64_t id = sql_value(find);
    if (id)
        return id;
    struct sql *insert = statement(t, INSERT + (size_t)kind);
    bind_texts(insert, v, n);
    return sql_value(insert);
}

static int64_t number_of(struct rows_table *t, enum shared kind, const struct str *v, size_t n)
{
    uint64_t hash[2];
    struct known *k = place_of(t, kind, v, n, hash);
    if (k->id && memcmp(k->hash, hash, sizeof hash) == 0)
        return k->id;
    int64_t id = find_or_insert(t, kind, v, n);
    *k = (struct known){{hash[0], hash[1]}, id};
    return id;
}

/* --- Records -----------------------------------------------------------------------------------*/

static bool write_row(struct rows_table *t, const struct rows_record *r, uint64_t messages)
{
    int64_t policy = number_of(t, POLICY, r->policy, ROWS_POLICY_FIELDS);
    int64_t sender = policy ? number_of(t, SENDER, r->sender, ROWS_SENDER_FIELDS) : 0;
    int64_t results = sender ? number_of(t, RESULTS, &r->results, 1) : 0;
    struct sql *s = results ? statement(t, ROW) : NULL;
    sql_bind_number(s, 1, r->day);
    sql_bind_number(s, 2, policy);
    sql_bind_bytes(s, 3, r->source.p, r->source.n);
    sql_bind_number(s, 4, sender);
    sql_bind_number(s, 5, results);
    sql_bind_number(s, 6, r->verdict);
    sql_bind_number(s, 7, (int64_t)messages);
    return sql_push(s);
}

static bool write_tally(struct rows_table *t, const struct rows_record *r, uint64_t messages)
{
    struct sql *s = statement(t, TALLY);
    sql_bind_number(s, 1, r->day);
    sql_bind(s, 2, r->results.n ? r->results : STR(""));
    sql_bind_number(s, 3, (int64_t)messages);
    return sql_push(s);
}

/* Forgets the numbers in memory, because their texts may be deleted. */
static bool drop_before(struct rows_table *t, int64_t day)
{
    char text[512];
    snprintf(text, sizeof text,
             "DELETE FROM row WHERE day < %lld; DELETE FROM tally WHERE day < %lld;"
             "DELETE FROM policy WHERE id NOT IN (SELECT DISTINCT policy FROM row);"
             "DELETE FROM sender WHERE id NOT IN (SELECT DISTINCT sender FROM row);"
             "DELETE FROM results WHERE id NOT IN (SELECT DISTINCT results FROM row)",
             (long long)day, (long long)day);
    rows_table_forget(t);
    return database_run(t->db, text);
}

bool rows_table_add(struct rows_table *t, const struct rows_record *r, uint64_t messages)
{
    if (r->op == ROWS_OP_TALLY)
        return write_tally(t, r, messages);
    return r->op == ROWS_OP_DROP ? drop_before(t, r->day) : write_row(t, r, messages);
}

bool rows_table_write(struct rows_table *t, const struct rows_buffer *records, size_t *written)
{
    struct rows_record r;
    size_t at = 0;
    *written = 0;
    if (!database_begin(t->db))
        return false;
    bool good = true;
    while (good && rows_unpack(records, &at, &r)) {
        good = rows_table_add(t, &r, 1);
        *written += r.op != ROWS_OP_DROP;
    }
    return good && database_commit(t->db);
}
