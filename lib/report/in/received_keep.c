/* received_keep.c - deletes what is old, and sets the owners of addresses.
 *
 * A report ages from its arrival on, not from the period that it is about: who reads an archive of
 * many years wants to look at it.
 *
 * Errors: false, and the store has the reason. */
#include <string.h>

#include "report/in/received_store.h"

#define HOUR   3600
#define OLD_US INT64_C(600000000) /* for a server to delete what is old */

#define ROWS_AT_ONCE 20000 /* that are deleted, and those of one report more */

#define NOTED " ON CONFLICT(name) DO UPDATE SET value = excluded.value"

/* Runs a statement in which ?1 is the time before which things are old. */
static bool run_before(struct received *r, const char *sql, int64_t before)
{
    struct sql *s = sql_prepare(&r->db, sql);
    sql_bind_number(s, 1, before);
    bool good = sql_run(s);
    sql_end(s, SQL_DONE);
    return good;
}

/* Deletes some of the reports that are too old: with all of them, or with a thousand that have many
 * rows, others would wait long for the transaction, and a disk that is nearly full would have no
 * room for it. *some: there were any. */
static bool drop_some_reports(struct received *r, int64_t before, bool *some)
{
    static const char *const sql[] = {
        "CREATE TEMP TABLE IF NOT EXISTS old(id INTEGER PRIMARY KEY); DELETE FROM old;",
        "DELETE FROM row WHERE report IN (SELECT id FROM old);"
        "DELETE FROM raw WHERE report IN (SELECT id FROM old);"
        "DELETE FROM selector WHERE report IN (SELECT id FROM old);"
        "INSERT INTO gone SELECT key FROM report WHERE id IN (SELECT id FROM old)"
        " ON CONFLICT DO NOTHING;"
        "DELETE FROM report WHERE id IN (SELECT id FROM old);",
    };
    if (!database_run(&r->db, sql[0]) ||
        !run_before(r,
                    "INSERT INTO old SELECT id FROM (SELECT id, sum(records) OVER (ORDER BY id)"
                    " - records AS rows_before FROM (SELECT id, records FROM report"
                    " WHERE received < ?1 LIMIT 1000) AS aged) AS summed"
                    " WHERE rows_before < " RECEIVED_TEXT_OF(ROWS_AT_ONCE),
                    before))
        return false;
    *some = database_changes(&r->db) > 0;
    return database_run(&r->db, sql[1]);
}

static bool in_transaction(struct received *r, bool (*what)(struct received *, int64_t, bool *),
                           int64_t before, bool *some)
{
    if (!received_begin(r))
        return false;
    if (what(r, before, some) && received_commit(r))
        return true;
    received_undo(r);
    return false;
}

static bool drop_raw(struct received *r, int64_t before, bool *some)
{
    *some = false;
    return run_before(
        r, "DELETE FROM raw WHERE report IN (SELECT id FROM report WHERE received < ?1)", before);
}

static bool drop_failures(struct received *r, int64_t before, bool *some)
{
    *some = false;
    return run_before(r,
                      "INSERT INTO gone SELECT substr(digest, 1, 16) FROM failure"
                      " WHERE received < ?1 ON CONFLICT DO NOTHING",
                      before) &&
           run_before(r, "DELETE FROM failure WHERE received < ?1", before);
}

static bool drop_tls(struct received *r, int64_t before, bool *some)
{
    *some = false;
    return run_before(r,
                      "INSERT INTO gone SELECT substr(digest, 1, 16) FROM tls"
                      " WHERE received < ?1 AND n = 0 ON CONFLICT DO NOTHING",
                      before) &&
           run_before(r, "DELETE FROM tls WHERE received < ?1", before);
}

/* Ordered by time and not by number, because what comes from a twin may be older than its number.
 */
static bool drop_refusals(struct received *r, int64_t most, bool *some)
{
    *some = false;
    return run_before(r,
                      "DELETE FROM refused WHERE id NOT IN (SELECT id FROM refused"
                      " ORDER BY received DESC, digest, what, why LIMIT ?1)",
                      most);
}

/* What senders brought on days before this one. */
static bool drop_shares(struct received *r, int64_t day, bool *some)
{
    *some = false;
    return run_before(r, "DELETE FROM share WHERE day < ?1", day);
}

/* Deletes texts and addresses that are not needed any more. */
static bool drop_unused(struct received *r, int64_t now, bool *some)
{
    *some = false;
    return database_run(&r->db,
                        "DELETE FROM results WHERE id NOT IN (SELECT DISTINCT results FROM row);"
                        "DELETE FROM sender WHERE id NOT IN (SELECT DISTINCT sender FROM row);"
                        "DELETE FROM address WHERE id NOT IN (SELECT DISTINCT address FROM row)"
                        " AND id NOT IN (SELECT DISTINCT address FROM failure);") &&
           run_before(r, "INSERT INTO note VALUES('unused', ?1)" NOTED, now);
}

static bool drop_old(struct received *r, const struct received_keeping *keeping, int64_t now)
{
    int64_t last = database_number(&r->db, "SELECT value FROM note WHERE name = 'dropped'", 0);
    int64_t unused = database_number(&r->db, "SELECT value FROM note WHERE name = 'unused'", 0);
    int64_t rows = now - keeping->rows_ms / 1000;
    bool some = true, any = false;
    if (last <= now && now - last < HOUR)
        return true;
    while (some) {
        if (!in_transaction(r, drop_some_reports, rows, &some))
            return false;
        any = any || some;
    }
    if (!in_transaction(r, drop_raw, now - keeping->raw_ms / 1000, &some) ||
        !in_transaction(r, drop_failures, now - keeping->failures_ms / 1000, &some) ||
        !in_transaction(r, drop_tls, rows, &some) ||
        !in_transaction(r, drop_shares, now / (24 * HOUR), &some) ||
        !in_transaction(r, drop_refusals, RECEIVED_REFUSED_MAX, &some))
        return false;
    if ((any || unused > now || now - unused > 24 * HOUR) &&
        !in_transaction(r, drop_unused, now, &some))
        return false;
    return run_before(r, "INSERT INTO note VALUES('dropped', ?1)" NOTED, now);
}

/* What a large store has to delete takes a server longer than anything else. */
bool received_drop_old(struct received *r, const struct received_keeping *keeping, int64_t now)
{
    int64_t patience_us = r->db.patience_us;
    r->db.patience_us = OLD_US;
    bool good = drop_old(r, keeping, now);
    r->db.patience_us = patience_us;
    return good;
}

uint64_t received_unused(struct received *r)
{
    int64_t pages = database_number(&r->db, "PRAGMA freelist_count", 0);
    int64_t size = database_number(&r->db, "PRAGMA page_size", 0);
    return pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : 0;
}

void received_shrink(struct received *r)
{
    database_run(&r->db, "PRAGMA wal_checkpoint(TRUNCATE)");
}

/* --- Owners ------------------------------------------------------------------------------------*/

static void address_of(struct str bytes, struct netaddr *out)
{
    *out = (struct netaddr){0};
    if (bytes.n != 4 && bytes.n != 16)
        return;
    out->family = bytes.n == 4 ? 4 : 6;
    memcpy(out->bytes, bytes.p, bytes.n);
}

size_t received_unknown_addresses(struct received *r, int64_t again, struct received_address *out,
                                  size_t max)
{
    struct sql *s = sql_prepare(
        &r->db, "SELECT id, ip FROM address WHERE known = 0 AND asked < ?1 AND length(ip) > 0"
                " ORDER BY asked, id DESC LIMIT ?2");
    size_t n = 0;
    sql_bind_number(s, 1, again);
    sql_bind_number(s, 2, (int64_t)max);
    while (n < max && sql_step(s) == SQL_ROW) {
        out[n].id = sql_number(s, 0);
        address_of(sql_text(s, 1), &out[n++].address);
    }
    sql_end(s, SQL_DONE);
    return n;
}

static int64_t source_of(struct received *r, int64_t address)
{
    struct sql *s = sql_prepare(&r->db, "SELECT source FROM address WHERE id = ?1");
    sql_bind_number(s, 1, address);
    int64_t source = sql_value(s);
    sql_end(s, SQL_DONE);
    return source;
}

static bool move_failures(struct received *r, int64_t address, int64_t source, int sign)
{
    struct sql *s = received_sql(r, SQL_MOVE_FAILURES);
    sql_bind_number(s, 1, address);
    sql_bind_number(s, 2, source);
    sql_bind_number(s, 3, sign);
    return sql_run(s);
}

static bool move(struct received *r, int64_t address, int64_t before, int64_t after)
{
    struct sql *s = received_sql(r, SQL_MOVE_SEEN);
    sql_bind_number(s, 1, address);
    sql_bind_number(s, 2, after);
    return sql_run(s) && received_move_address(r, address, before, after) &&
           move_failures(r, address, before, -1) && move_failures(r, address, after, 1) &&
           run_before(r, "DELETE FROM failures WHERE source = ?1 AND incidents <= 0", before);
}

bool received_set_owner(struct received *r, const struct received_address *address,
                        const struct received_owner *owner, int64_t now)
{
    struct arena *a = arena_new(0);
    int64_t before = source_of(r, address->id), after = before;
    if (owner->known)
        after = owner->source.n
                    ? received_source(r, owner->kind, owner->source)
                    : received_source(r, SOURCE_NETWORK, received_network(&address->address, a));
    arena_free(a);
    bool moves = before && after && before != after;
    struct sql *s = before && after ? received_sql(r, SQL_SET_OWNER) : NULL;
    if (!s || (moves && !move(r, address->id, before, after)))
        return false;
    sql_bind_number(s, 1, address->id);
    sql_bind_number(s, 2, after);
    sql_bind(s, 3, owner->name.p ? owner->name : STR(""));
    sql_bind(s, 4, owner->country.p ? owner->country : STR(""));
    sql_bind_number(s, 5, now);
    sql_bind_number(s, 6, owner->known);
    return sql_run(s);
}
