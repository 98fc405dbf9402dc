/* received.c - the store of received reports: opening, statements, transactions.
 *
 * Errors: false or NULL, and db.why is a phrase. */
#include "report/in/received.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report/in/received_store.h"

static const char *const steps[] = {
    "CREATE TABLE domain(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
    "CREATE TABLE reporter(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
    "CREATE TABLE sender(id INTEGER PRIMARY KEY, header_from TEXT, envelope_from TEXT,"
    " envelope_to TEXT, UNIQUE(header_from, envelope_from, envelope_to));"
    "CREATE TABLE results(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);"
    "CREATE TABLE source(id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, name TEXT NOT NULL,"
    " UNIQUE(name, kind));"
    "CREATE TABLE address(id INTEGER PRIMARY KEY, ip BLOB NOT NULL UNIQUE,"
    " source INTEGER NOT NULL, name TEXT NOT NULL DEFAULT '', country TEXT NOT NULL DEFAULT '',"
    " asked INTEGER NOT NULL DEFAULT 0, known INTEGER NOT NULL DEFAULT 0);"
    "CREATE INDEX address_unknown ON address(asked) WHERE known = 0;"
    "CREATE INDEX address_source ON address(source);"
    "CREATE TABLE report(id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE,"
    " reporter INTEGER NOT NULL, email TEXT, contact TEXT, report_id TEXT NOT NULL,"
    " domain INTEGER NOT NULL, begin INTEGER NOT NULL, \"end\" INTEGER NOT NULL,"
    " day INTEGER NOT NULL, digest BLOB NOT NULL, version TEXT, generator TEXT, error TEXT,"
    " policy TEXT NOT NULL, records INTEGER NOT NULL, skipped INTEGER NOT NULL,"
    " messages INTEGER NOT NULL, trust INTEGER NOT NULL, damaged INTEGER NOT NULL,"
    " repaired INTEGER NOT NULL, received INTEGER NOT NULL, size INTEGER NOT NULL, origin TEXT);"
    "CREATE INDEX report_end ON report(\"end\");"
    "CREATE INDEX report_domain ON report(domain, day);"
    "CREATE INDEX report_name ON report(report_id);"
    "CREATE TABLE row(report INTEGER NOT NULL, n INTEGER NOT NULL, address INTEGER NOT NULL,"
    " sender INTEGER NOT NULL, results INTEGER NOT NULL, outcome INTEGER NOT NULL,"
    " messages INTEGER NOT NULL, PRIMARY KEY(report, n)) WITHOUT ROWID;"
    "CREATE INDEX row_address ON row(address);"
    "CREATE TABLE raw(report INTEGER PRIMARY KEY, xml BLOB NOT NULL);"
    "CREATE TABLE selector(report INTEGER NOT NULL, domain TEXT NOT NULL, selector TEXT NOT NULL,"
    " good INTEGER NOT NULL, bad INTEGER NOT NULL, PRIMARY KEY(report, domain, selector))"
    " WITHOUT ROWID;"
    "CREATE TABLE daily(domain INTEGER NOT NULL, day INTEGER NOT NULL, reporter INTEGER NOT NULL,"
    " cells BLOB NOT NULL, PRIMARY KEY(domain, day, reporter));"
    "CREATE TABLE seen(domain INTEGER NOT NULL, source INTEGER NOT NULL, first INTEGER NOT NULL,"
    " last INTEGER NOT NULL, PRIMARY KEY(domain, source)) WITHOUT ROWID;"
    "CREATE TABLE failure(id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE,"
    " received INTEGER NOT NULL, arrival INTEGER NOT NULL, reporter TEXT, domain TEXT,"
    " address INTEGER NOT NULL, kind TEXT, alignment TEXT, result TEXT, dkim_domain TEXT,"
    " dkim_selector TEXT, header_from TEXT, envelope_from TEXT, subject TEXT,"
    " incidents INTEGER NOT NULL);"
    "CREATE INDEX failure_received ON failure(received);"
    "CREATE INDEX failure_address ON failure(address);"
    /* With all that figures_singles() asks for, so that what it skips costs little. */
    "CREATE INDEX failure_counts ON failure((" RECEIVED_COUNTS "), id, domain, address);"
    "CREATE TABLE failures(domain INTEGER NOT NULL, day INTEGER NOT NULL, source INTEGER NOT NULL,"
    " incidents INTEGER NOT NULL, PRIMARY KEY(domain, day, source)) WITHOUT ROWID;"
    "CREATE TABLE tls(digest BLOB NOT NULL, n INTEGER NOT NULL, received INTEGER NOT NULL,"
    " organization TEXT, contact TEXT, report_id TEXT, begin INTEGER NOT NULL,"
    " \"end\" INTEGER NOT NULL, domain TEXT, type TEXT, successes INTEGER NOT NULL,"
    " failures INTEGER NOT NULL, PRIMARY KEY(digest, n)) WITHOUT ROWID;"
    "CREATE TABLE refused(id INTEGER PRIMARY KEY, digest BLOB NOT NULL, received INTEGER NOT NULL,"
    " origin TEXT, sender TEXT, subject TEXT, what TEXT NOT NULL, why TEXT NOT NULL,"
    " UNIQUE(digest, what, why));"
    "CREATE TABLE label(source TEXT PRIMARY KEY, class TEXT NOT NULL, title TEXT NOT NULL,"
    " time INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE gone(key BLOB PRIMARY KEY) WITHOUT ROWID;"
    "CREATE TABLE note(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;",
    "DROP INDEX report_end;"
    "CREATE INDEX report_newness ON report((" RECEIVED_NEWNESS "), id);",
    "ALTER TABLE report ADD COLUMN author TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE report ADD COLUMN other INTEGER NOT NULL DEFAULT 0;",
    "CREATE TABLE share(day INTEGER NOT NULL, sender TEXT NOT NULL, size INTEGER NOT NULL,"
    " PRIMARY KEY(day, sender)) WITHOUT ROWID;",
};
/* See rows_table.c. */
static const char *const also[] = {"ALTER TABLE results DROP CONSTRAINT results_text_key;"
                                   "CREATE INDEX results_text ON results USING hash(text);",
                                   NULL, NULL, NULL};
const struct database_schema received_schema = {.name = "assay_received",
                                                .also = also,
                                                .id = 0x61737232,
                                                .steps = steps,
                                                .version = 4,
                                                .check_up_to = INT64_C(1) << 20,
                                                .busy_ms = 20000,
                                                .durable = true};

#define BOTH_SEEN                                                                                  \
    " ON CONFLICT(domain, source) DO UPDATE SET first = " SQL_LEAST(                               \
        "seen.first", "excluded.first") ", last = " SQL_GREATEST("seen.last", "excluded.last")
#define BOTH_FAILURES                                                                              \
    " ON CONFLICT(domain, day, source)"                                                            \
    " DO UPDATE SET incidents = failures.incidents + excluded.incidents"

/* The author goes with the higher trust. Of two, the one counts that is the reporter. */
#define BETTER_AUTHOR                                                                              \
    "(?2 > trust OR (?2 = trust AND ?6 <> '' AND (author = '' OR (?7, ?6) < (other, author))))"

#define SENDER_IS(from, envelope, to)                                                              \
    "header_from IS " from " AND envelope_from IS " envelope " AND envelope_to IS " to

static const char *const texts[SQL_COUNT] = {
    [SQL_FIND_REPORT] = "SELECT id, trust, received, origin, author FROM report WHERE key = ?1",
    [SQL_FIND_GONE] = "SELECT 1 FROM gone WHERE key = ?1",
    [SQL_INSERT_REPORT] =
        "INSERT INTO report(key, reporter, email, contact, report_id, domain,"
        " begin, \"end\", day, digest, version, generator, error, policy, records,"
        " skipped, messages, trust, damaged, repaired, received, size, origin, author, other)"
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, 0,"
        " 0, 0, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22) RETURNING id",
    [SQL_END_REPORT] = "UPDATE report SET records = ?2, skipped = ?3, messages = ?4 WHERE id = ?1",
    [SQL_BETTER_REPORT] = "UPDATE report SET trust = " SQL_GREATEST(
        "trust", "?2") ","
                       " origin = CASE WHEN received > ?3 OR received = ?3 AND origin > ?5"
                       " THEN ?5 ELSE origin END, day = CASE WHEN received > ?3 THEN ?4"
                       " ELSE day END, author = CASE WHEN " BETTER_AUTHOR
                       " THEN ?6 ELSE author END,"
                       " other = CASE WHEN " BETTER_AUTHOR " THEN ?7 ELSE other END,"
                       " received = " SQL_LEAST("received", "?3") " WHERE id = ?1",
    [SQL_BETTER_FAILURE] =
        "UPDATE failure SET received = " SQL_LEAST("received", "?2") " WHERE digest = ?1",
    [SQL_BETTER_TLS] =
        "UPDATE tls SET received = " SQL_LEAST("received", "?2") " WHERE digest = ?1",
    [SQL_INSERT_ROW] =
        "INSERT INTO row VALUES(?1, ?2, (SELECT id FROM address WHERE ip = ?3),"
        " (SELECT id FROM sender WHERE " SENDER_IS(
            "?4", "?5", "?6") " LIMIT 1),"
                              " (SELECT id FROM results WHERE text = ?7 LIMIT 1), ?8, ?9)",
    [SQL_ADD_SOURCE] = "INSERT INTO source(name, kind) SELECT ?1, ?2 WHERE"
                       " NOT EXISTS (SELECT 1 FROM address WHERE ip = ?3) AND"
                       " NOT EXISTS (SELECT 1 FROM source WHERE name = ?1 AND kind = ?2)",
    [SQL_ADD_ADDRESS] = "INSERT INTO address(ip, source) SELECT ?3, id FROM source"
                        " WHERE name = ?1 AND kind = ?2 AND"
                        " NOT EXISTS (SELECT 1 FROM address WHERE ip = ?3)",
    [SQL_ADD_SENDER] = "INSERT INTO sender(header_from, envelope_from, envelope_to)"
                       " SELECT ?1, ?2, ?3 WHERE NOT EXISTS (SELECT 1 FROM sender WHERE " SENDER_IS(
                           "?1", "?2", "?3") ")",
    [SQL_ADD_RESULTS] = "INSERT INTO results(text) SELECT ?1 WHERE"
                        " NOT EXISTS (SELECT 1 FROM results WHERE text = ?1)",
    [SQL_INSERT_RAW] = "INSERT INTO raw VALUES(?1, ?2) ON CONFLICT(report)"
                       " DO UPDATE SET xml = excluded.xml",
    [SQL_INSERT_SELECTOR] = "INSERT INTO selector VALUES(?1, ?2, ?3, ?4, ?5)"
                            " ON CONFLICT(report, domain, selector) DO UPDATE SET"
                            " good = selector.good + excluded.good,"
                            " bad = selector.bad + excluded.bad",
    [SQL_GET_DAILY] = "SELECT cells FROM daily WHERE domain = ?1 AND day = ?2 AND reporter = ?3",
    [SQL_PUT_DAILY] = "INSERT INTO daily VALUES(?1, ?2, ?3, ?4)"
                      " ON CONFLICT(domain, day, reporter) DO UPDATE SET cells = excluded.cells",
    [SQL_SUM_REPORT] =
        "SELECT report.domain, report.day, report.reporter, address.source,"
        " row.outcome, report.trust, sum(row.messages) FROM report"
        " JOIN row ON row.report = report.id JOIN address"
        " ON address.id = row.address WHERE report.id = ?1 GROUP BY 1, 2, 3, 4, 5, 6",
    [SQL_SUM_ADDRESS] = "SELECT report.domain, report.day, report.reporter, row.outcome,"
                        " report.trust, sum(row.messages) FROM row JOIN report"
                        " ON report.id = row.report WHERE row.address = ?1"
                        " GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3",
    [SQL_ADD_SEEN] = "INSERT INTO seen SELECT report.domain, address.source, report.day, report.day"
                     " FROM row JOIN report ON report.id = row.report"
                     " JOIN address ON address.id = row.address WHERE row.report = ?1"
                     " GROUP BY 1, 2, 3" BOTH_SEEN,
    [SQL_FIND_REPORTER] = "SELECT id FROM reporter WHERE name = ?1",
    [SQL_FIND_DOMAIN] = "SELECT id FROM domain WHERE name = ?1",
    [SQL_FIND_ADDRESS] = "SELECT id FROM address WHERE ip = ?1",
    [SQL_FIND_SOURCE] = "SELECT id FROM source WHERE name = ?1 AND kind = ?2",
    [SQL_INSERT_REPORTER] = "INSERT INTO reporter(name) VALUES(?1) RETURNING id",
    [SQL_INSERT_DOMAIN] = "INSERT INTO domain(name) VALUES(?1) RETURNING id",
    [SQL_INSERT_ADDRESS] = "INSERT INTO address(ip, source) VALUES(?1, ?2) RETURNING id",
    [SQL_INSERT_SOURCE] = "INSERT INTO source(name, kind) VALUES(?1, ?2) RETURNING id",
    [SQL_FIND_FAILURE] = "SELECT 1 FROM failure WHERE digest = ?1",
    [SQL_INSERT_FAILURE] = "INSERT INTO failure(digest, received, arrival, reporter, domain,"
                           " address, kind, alignment, result, dkim_domain, dkim_selector,"
                           " header_from, envelope_from, subject, incidents) VALUES(?1, ?2, ?3, ?4,"
                           " ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
    [SQL_ADD_FAILURES] =
        "INSERT INTO failures SELECT ?1, ?2, source, ?4 FROM address WHERE id = ?3" BOTH_FAILURES,
    [SQL_FIND_TLS] = "SELECT 1 FROM tls WHERE digest = ?1",
    [SQL_INSERT_TLS] = "INSERT INTO tls VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    [SQL_INSERT_REFUSAL] =
        "INSERT INTO refused(digest, received, origin, sender, subject, what, why)"
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
    [SQL_BETTER_REFUSAL] =
        "UPDATE refused SET received = ?2, origin = ?3, sender = ?4, subject = ?5"
        " WHERE digest = ?1 AND what = ?6 AND why = ?7 AND"
        " (?2, coalesce(?3, ''), coalesce(?4, ''), coalesce(?5, '')) < (received,"
        " coalesce(origin, ''), coalesce(sender, ''), coalesce(subject, ''))",
    [SQL_MOVE_SEEN] = "INSERT INTO seen SELECT report.domain, ?2, min(report.day), max(report.day)"
                      " FROM row JOIN report ON report.id = row.report WHERE row.address = ?1"
                      " GROUP BY 1" BOTH_SEEN,
    [SQL_MOVE_FAILURES] = "INSERT INTO failures SELECT domain.id,"
                          " " RECEIVED_COUNTS " / 86400, ?2,"
                          " ?3 * sum(incidents) FROM failure"
                          " JOIN domain ON domain.name = coalesce(failure.domain, '')"
                          " WHERE address = ?1 GROUP BY 1, 2" BOTH_FAILURES,
    [SQL_SET_OWNER] = "UPDATE address SET source = ?2, name = ?3, country = ?4, asked = ?5,"
                      " known = ?6 WHERE id = ?1",
    [SQL_PUT_LABEL] = "INSERT INTO label VALUES(?1, ?2, ?3, ?4) ON CONFLICT(source)"
                      " DO UPDATE SET class = excluded.class, title = excluded.title,"
                      " time = excluded.time WHERE excluded.time > label.time"
                      " OR (excluded.time = label.time AND"
                      " (excluded.class, excluded.title) > (label.class, label.title))",
    [SQL_GET_SHARE] = "SELECT size FROM share WHERE day = ?1 AND sender = ?2",
    [SQL_ADD_SHARE] = "INSERT INTO share VALUES(?1, ?2, ?3) ON CONFLICT(day, sender)"
                      " DO UPDATE SET size = share.size + excluded.size",
};

/* --- Statements --------------------------------------------------------------------------------*/

struct sql *received_sql(struct received *r, enum received_sql which)
{
    if (!r->statements[which])
        r->statements[which] = sql_prepare(&r->db, texts[which]);
    return r->statements[which];
}

static int64_t find_or_insert(struct sql *find, struct sql *insert)
{
    int64_t id = sql_value(find);
    return id ? id : sql_value(insert);
}

int64_t received_number(struct received *r, enum received_sql find, enum received_sql insert,
                        const struct str *v, size_t n)
{
    struct sql *f = received_sql(r, find), *i = received_sql(r, insert);
    for (size_t k = 0; k < n; k++) {
        sql_bind(f, (int)k + 1, v[k]);
        sql_bind(i, (int)k + 1, v[k]);
    }
    return find_or_insert(f, i);
}

int64_t received_source(struct received *r, enum source_kind kind, struct str name)
{
    struct sql *both[] = {received_sql(r, SQL_FIND_SOURCE), received_sql(r, SQL_INSERT_SOURCE)};
    for (size_t i = 0; i < 2; i++) {
        sql_bind(both[i], 1, name);
        sql_bind_number(both[i], 2, kind);
    }
    return find_or_insert(both[0], both[1]);
}

struct str received_network(const struct netaddr *address, struct arena *a)
{
    char text[NETADDR_TEXT];
    struct netaddr net = *address;
    size_t kept = net.family == 4 ? 3 : 6;
    memset(net.bytes + kept, 0, sizeof net.bytes - kept);
    return str_printf(a, "%s/%s", netaddr_format(&net, text), net.family == 4 ? "24" : "48");
}

static struct str bytes_of(const struct netaddr *address)
{
    size_t n = address->family == 4 ? 4 : address->family == 6 ? 16 : 0;
    return (struct str){(const char *)address->bytes, n};
}

/* The source of an address that is new. */
static struct str first_source(const struct netaddr *address, struct arena *a)
{
    return address->family ? received_network(address, a) : STR("unknown");
}

void received_bind_address(struct sql *s, int i, const struct netaddr *address)
{
    struct str bytes = bytes_of(address);
    sql_bind_bytes(s, i, bytes.p, bytes.n);
}

bool received_add_address(struct received *r, const struct netaddr *address)
{
    struct arena *a = arena_new(0);
    struct str source = first_source(address, a);
    struct sql *both[] = {received_sql(r, SQL_ADD_SOURCE), received_sql(r, SQL_ADD_ADDRESS)};
    bool good = true;
    for (size_t i = 0; good && i < 2; i++) {
        sql_bind(both[i], 1, source);
        sql_bind_number(both[i], 2, SOURCE_NETWORK);
        received_bind_address(both[i], 3, address);
        good = sql_push(both[i]);
    }
    arena_free(a);
    return good;
}

int64_t received_address_number(struct received *r, const struct netaddr *address)
{
    struct sql *find = received_sql(r, SQL_FIND_ADDRESS);
    received_bind_address(find, 1, address);
    int64_t id = sql_value(find);
    if (id)
        return id;
    struct arena *a = arena_new(0);
    struct str name = first_source(address, a);
    int64_t source = received_source(r, SOURCE_NETWORK, name);
    arena_free(a);
    struct sql *insert = source ? received_sql(r, SQL_INSERT_ADDRESS) : NULL;
    received_bind_address(insert, 1, address);
    sql_bind_number(insert, 2, source);
    return sql_value(insert);
}

/* --- Opening -----------------------------------------------------------------------------------*/

static struct received *open_failed(struct received *r, struct str path, struct arena *a,
                                    struct str *problem)
{
    *problem = str_printf(a, "%.*s: %s", STR_ARG(database_title(path, a)),
                          r->db.why[0] ? r->db.why : "the path is too long");
    free(r);
    return NULL;
}

static struct received *new_store(void)
{
    struct received *r = calloc(1, sizeof *r);
    if (!r)
        abort();
    return r;
}

struct received *received_open(struct str path, struct arena *a, struct str *problem)
{
    struct received *r = new_store();
    if (database_init(&r->db, path, &received_schema) && database_open(&r->db))
        return r;
    return open_failed(r, path, a, problem);
}

/* After an update of assay, whoever comes first brings the tables to today's version: the daemon,
 * which starts then, does not use them. */
static bool open_updated(struct received *r, struct str path, struct arena *a)
{
    struct str problem;
    if (!r->db.earlier)
        return false;
    struct received *writing = received_open(path, a, &problem);
    received_close(writing);
    if (writing)
        return database_open_read(&r->db);
    snprintf(r->db.why, sizeof r->db.why,
             "is of an earlier version of assay: \"assay report list\" brings it up to date");
    return false;
}

struct received *received_open_read(struct str path, struct arena *a, struct str *problem)
{
    struct received *r = new_store();
    *problem = STR("");
    if (database_init(&r->db, path, &received_schema) &&
        (database_open_read(&r->db) || open_updated(r, path, a)))
        return r;
    bool absent = r->db.absent;
    open_failed(r, path, a, problem);
    if (absent)
        *problem = STR("");
    return NULL;
}

void received_close(struct received *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < RECEIVED_STATEMENTS; i++)
        sql_end(r->statements[i], SQL_DONE);
    database_tidy(&r->db);
    database_close(&r->db);
    free(r);
}

struct str received_problem(const struct received *r)
{
    return str_of(r->db.why);
}

bool received_begin(struct received *r)
{
    return database_begin(&r->db);
}

bool received_commit(struct received *r)
{
    bool good = database_commit(&r->db);
    if (good)
        database_tidy(&r->db);
    return good;
}

void received_undo(struct received *r)
{
    database_undo(&r->db);
}

bool received_mark(struct received *r)
{
    return database_run(&r->db, "SAVEPOINT one");
}

bool received_release(struct received *r)
{
    return database_run(&r->db, "RELEASE one");
}

bool received_back(struct received *r)
{
    return database_run(&r->db, "ROLLBACK TO one; RELEASE one");
}

const char *trust_word(enum trust trust)
{
    static const char *const words[] = {"none", "other", "aligned", "file"};
    return words[trust];
}

bool trust_of_word(struct str word, enum trust *trust)
{
    for (int t = TRUST_NONE; t <= TRUST_FILE; t++)
        if (str_eq(word, str_of(trust_word((enum trust)t)))) {
            *trust = (enum trust)t;
            return true;
        }
    return false;
}
