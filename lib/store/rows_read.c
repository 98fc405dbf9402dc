/* rows_read.c - reads rows while a daemon may write.
 *
 * Errors: false, and rows_reader_problem() is a phrase. */
#include <stdlib.h>
#include <string.h>

#include "store/rows_table.h"

struct rows_reader {
    struct database db;
};

struct rows_reader *rows_reader_open(struct str path, struct arena *a, struct str *problem)
{
    struct rows_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        abort();
    if (database_init(&reader->db, path, &rows_schema) && database_open_read(&reader->db))
        return reader;
    *problem = str_printf(a, "%.*s: %s", STR_ARG(database_title(path, a)),
                          reader->db.why[0] ? reader->db.why : "the path is too long");
    free(reader);
    return NULL;
}

bool rows_exist(struct str path)
{
    struct database db;
    bool open = database_init(&db, path, &rows_schema) && database_open_read(&db);
    if (open)
        database_close(&db);
    return open || !db.absent;
}

void rows_reader_close(struct rows_reader *reader)
{
    if (reader)
        database_close(&reader->db);
    free(reader);
}

struct str rows_reader_problem(const struct rows_reader *reader)
{
    return str_of(reader->db.why);
}

struct str rows_title(struct str path, struct arena *a)
{
    return database_title(path, a);
}

const char *rows_unusable(struct str path)
{
    return database_unusable(path);
}

/* --- Columns -----------------------------------------------------------------------------------*/

static struct row_policy columns_of_policy(struct sql *s, int first)
{
    struct str v[ROWS_POLICY_FIELDS];
    for (int i = 0; i < ROWS_POLICY_FIELDS; i++)
        v[i] = sql_text(s, first + i);
    return (struct row_policy){v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], v[9]};
}

static uint64_t column_count(struct sql *s, int i)
{
    int64_t n = sql_number(s, i);
    return n > 0 ? (uint64_t)n : 0;
}

/* A statement with two numbers in it. */
static struct sql *begin_reading(struct rows_reader *reader, const char *text, int64_t one,
                                 int64_t two)
{
    struct sql *s = sql_prepare(&reader->db, text);
    sql_bind_number(s, 1, one);
    sql_bind_number(s, 2, two);
    return s;
}

/* --- Reading -----------------------------------------------------------------------------------*/

bool rows_read_periods(struct rows_reader *reader, int64_t from_day, int64_t to_day,
                       rows_period_fn *each, void *context)
{
    enum sql_step rc;
    struct sql *s =
        begin_reading(reader,
                      "SELECT g.day, g.policy, g.n, g.m, domain, p, sp, np, adkim, aspf, fo,"
                      " testing, discovery, destinations FROM (SELECT day, policy,"
                      " count(*) n, sum(messages) m FROM row WHERE day BETWEEN ?1 AND ?2"
                      " GROUP BY day, policy) g JOIN policy ON policy.id = g.policy"
                      " ORDER BY g.day, g.policy",
                      from_day, to_day);
    while ((rc = sql_step(s)) == SQL_ROW) {
        const struct rows_period p = {
            .day = sql_number(s, 0),
            .policy_id = sql_number(s, 1),
            .rows = column_count(s, 2),
            .messages = column_count(s, 3),
            .policy = columns_of_policy(s, 4),
        };
        if (!each(context, &p))
            break;
    }
    return sql_end(s, rc);
}

static void read_source(struct str bytes, struct netaddr *out)
{
    *out = (struct netaddr){0};
    if (bytes.n != 4 && bytes.n != 16)
        return;
    out->family = bytes.n == 4 ? 4 : 6;
    memcpy(out->bytes, bytes.p, bytes.n);
}

static void read_row(struct sql *s, const struct rows_period *period, struct arena *a,
                     struct row *out)
{
    *out = (struct row){
        .policy = period->policy,
        .header_from = sql_text(s, 1),
        .envelope_from = sql_text(s, 2),
        .envelope_to = sql_text(s, 3),
    };
    read_source(sql_text(s, 0), &out->source);
    rows_read_results(sql_text(s, 4), a, out);
    rows_read_verdict(sql_number(s, 5), out);
}

bool rows_read(struct rows_reader *reader, const struct rows_period *period, rows_row_fn *each,
               void *context)
{
    enum sql_step rc;
    struct row row;
    bool go_on = true;
    struct sql *s =
        begin_reading(reader,
                      "SELECT source, header_from, envelope_from, envelope_to, text, verdict,"
                      " messages FROM row JOIN sender ON sender.id = row.sender"
                      " JOIN results ON results.id = row.results"
                      " WHERE day = ?1 AND policy = ?2 ORDER BY source, sender, results",
                      period->day, period->policy_id);
    struct arena *a = arena_new(0);
    while (go_on && (rc = sql_step(s)) == SQL_ROW) {
        arena_reset(a);
        read_row(s, period, a, &row);
        go_on = each(context, &row, column_count(s, 6));
    }
    arena_free(a);
    return sql_end(s, rc);
}

bool rows_read_tallies(struct rows_reader *reader, int64_t from_day, int64_t to_day,
                       rows_tally_fn *each, void *context)
{
    enum sql_step rc;
    struct sql *s =
        begin_reading(reader,
                      "SELECT day, name, messages FROM tally WHERE day BETWEEN ?1 AND ?2"
                      " ORDER BY day, name",
                      from_day, to_day);
    while ((rc = sql_step(s)) == SQL_ROW)
        if (!each(context, sql_number(s, 0), sql_text(s, 1), column_count(s, 2)))
            break;
    return sql_end(s, rc);
}

bool rows_read_dispositions(struct rows_reader *reader, int64_t from_day, int64_t to_day,
                            rows_disposition_fn *each, void *context)
{
    enum sql_step rc;
    struct row row;
    struct sql *s = begin_reading(reader,
                                  "SELECT day, verdict, sum(messages) FROM row WHERE day BETWEEN ?1"
                                  " AND ?2 GROUP BY day, verdict",
                                  from_day, to_day);
    while ((rc = sql_step(s)) == SQL_ROW) {
        rows_read_verdict(sql_number(s, 1), &row);
        if (!each(context, sql_number(s, 0), row.disposition, column_count(s, 2)))
            break;
    }
    return sql_end(s, rc);
}
