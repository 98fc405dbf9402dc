/* sent.c - the tables of reports that we send.
 *
 * Errors: false, and the database has the reason; a failed transaction is undone. */
#include "store/sent.h"

#include <stdarg.h>
#include <stdlib.h>

#include "store/rows_table.h"

struct sent {
    struct database db;
};

const char *sent_state_name(enum sent_state state)
{
    static const char *const names[] = {"pending", "built",   "handed over", "done",
                                        "failed",  "refused", "suppressed"};
    return names[state];
}

struct sent *sent_open(struct str path, bool write, struct arena *a, struct str *problem)
{
    struct sent *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    if (database_init(&s->db, path, &rows_schema) &&
        (write ? database_open(&s->db) : database_open_read(&s->db)))
        return s;
    *problem = str_printf(a, "%.*s: %s", STR_ARG(database_title(path, a)),
                          s->db.why[0] ? s->db.why : "the path is too long");
    free(s);
    return NULL;
}

void sent_close(struct sent *s)
{
    if (s)
        database_close(&s->db);
    free(s);
}

bool sent_lock(struct sent *s, bool *free)
{
    return database_lock(&s->db, free);
}

struct str sent_problem(const struct sent *s)
{
    return str_of(s->db.why);
}

/* --- Statements --------------------------------------------------------------------------------*/

/* Prepares a statement and binds the arguments by `types`: i an int64_t, t a struct str, b a struct
 * str as bytes. */
static struct sql *prepare(struct sent *s, const char *text, const char *types, va_list ap)
{
    struct sql *st = sql_prepare(&s->db, text);
    for (int i = 1; st && *types; i++, types++) {
        if (*types == 'i') {
            sql_bind_number(st, i, va_arg(ap, int64_t));
            continue;
        }
        struct str v = va_arg(ap, struct str);
        if (*types == 't')
            sql_bind(st, i, v.n ? v : STR(""));
        else
            sql_bind_bytes(st, i, v.p, v.n);
    }
    return st;
}

static bool run(struct sent *s, const char *text, const char *types, ...)
{
    va_list ap;
    va_start(ap, types);
    struct sql *st = prepare(s, text, types, ap);
    va_end(ap);
    bool good = sql_run(st);
    sql_end(st, SQL_DONE);
    return good;
}

static struct sql *begin_reading(struct sent *s, const char *text, const char *types, ...)
{
    va_list ap;
    va_start(ap, types);
    struct sql *st = prepare(s, text, types, ap);
    va_end(ap);
    return st;
}

static bool commit(struct sent *s, bool good)
{
    if (good && database_commit(&s->db))
        return true;
    database_undo(&s->db);
    return false;
}

bool sent_secret(struct sent *s, struct arena *a, struct str *out)
{
    struct sql *st = begin_reading(s, "SELECT bytes FROM secret", "");
    enum sql_step rc = sql_step(st);
    *out = rc == SQL_ROW ? str_copy(a, sql_text(st, 0)) : STR("");
    return sql_end(st, rc);
}

/* --- Writing -----------------------------------------------------------------------------------*/

#define INSERT_REPORT                                                                              \
    "INSERT INTO report(day, policy, part, report_id, domain, sender, state, noted, built, rows,"  \
    " messages) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, ?9, ?10)"

/* Its number; 0: that failed. */
static int64_t insert_report(struct sent *s, const struct sent_report *r)
{
    struct sql *st =
        begin_reading(s, INSERT_REPORT " RETURNING id", "iiitttiiii", r->day, r->policy_id, r->part,
                      r->report_id, r->domain, r->sender, (int64_t)SENT_PENDING, r->noted,
                      (int64_t)r->rows, (int64_t)r->messages);
    int64_t report = sql_value(st);
    sql_end(st, SQL_DONE);
    return report;
}

bool sent_note(struct sent *s, const struct sent_report *r, const struct str *uris, size_t n)
{
    if (!database_begin(&s->db))
        return false;
    int64_t report = insert_report(s, r);
    bool good = report;
    for (size_t i = 0; good && i < n; i++)
        good = run(s,
                   "INSERT INTO mail(report, number, uri, address, form, state, tries, next,"
                   " changed, note) VALUES(?1, ?2, ?3, '', 0, ?4, 0, 0, ?5, '')",
                   "iitii", report, (int64_t)i + 1, uris[i], (int64_t)SENT_PENDING, r->noted);
    return commit(s, good);
}

bool sent_forget_parts(struct sent *s, const struct sent_report *first)
{
    if (!database_begin(&s->db))
        return false;
    return commit(s,
                  run(s,
                      "DELETE FROM body WHERE report IN (SELECT id FROM report WHERE day = ?1 AND"
                      " policy = ?2)",
                      "ii", first->day, first->policy_id) &&
                      run(s, "DELETE FROM report WHERE day = ?1 AND policy = ?2 AND part > 1", "ii",
                          first->day, first->policy_id));
}

bool sent_keep_part(struct sent *s, const struct sent_report *part, int64_t form, struct str gz)
{
    if (!database_begin(&s->db))
        return false;
    bool good =
        run(s,
            INSERT_REPORT " ON CONFLICT(day, policy, part) DO UPDATE SET rows = ?9, messages = ?10",
            "iiitttiiii", part->day, part->policy_id, part->part, part->report_id, part->domain,
            part->sender, (int64_t)SENT_PENDING, part->noted, (int64_t)part->rows,
            (int64_t)part->messages) &&
        run(s,
            "INSERT INTO body SELECT id, ?4, ?5 FROM report WHERE day = ?1 AND policy = ?2"
            " AND part = ?3",
            "iiiib", part->day, part->policy_id, part->part, form, gz);
    return commit(s, good);
}

bool sent_built(struct sent *s, const struct sent_report *first, int64_t now)
{
    if (!database_begin(&s->db))
        return false;
    return commit(
        s, run(s,
               "INSERT INTO mail(report, number, uri, address, form, state, tries, next,"
               " changed, note) SELECT r.id, m.number, m.uri, m.address, m.form, m.state,"
               " m.tries, m.next, m.changed, m.note FROM mail m, report r WHERE m.report = ?1"
               " AND r.day = ?2 AND r.policy = ?3 AND r.part > 1",
               "iii", first->id, first->day, first->policy_id) &&
               run(s, "UPDATE report SET state = ?1, built = ?2 WHERE day = ?3 AND policy = ?4",
                   "iiii", (int64_t)SENT_BUILT, now, first->day, first->policy_id));
}

bool sent_update(struct sent *s, const struct sent_mail *m)
{
    return run(s,
               "UPDATE mail SET address = ?2, form = ?3, state = ?4, tries = ?5, next = ?6,"
               " changed = ?7, note = ?8 WHERE id = ?1",
               "itiiiiit", m->id, m->address, m->form, (int64_t)m->state, m->tries, m->next,
               m->changed, m->note);
}

bool sent_tidy(struct sent *s, int64_t before_day)
{
    if (!database_begin(&s->db))
        return false;
    return commit(
        s, run(s,
               "UPDATE report SET state = ?1 WHERE state <> ?1 AND NOT EXISTS"
               " (SELECT 1 FROM mail WHERE mail.report = report.id AND mail.state < ?1)"
               " AND EXISTS (SELECT 1 FROM mail WHERE mail.report = report.id)",
               "i", (int64_t)SENT_DONE) &&
               run(s, "DELETE FROM body WHERE report IN (SELECT id FROM report WHERE state = ?1)",
                   "i", (int64_t)SENT_DONE) &&
               run(s, "DELETE FROM mail WHERE report IN (SELECT id FROM report WHERE day < ?1)",
                   "i", before_day) &&
               run(s, "DELETE FROM body WHERE report IN (SELECT id FROM report WHERE day < ?1)",
                   "i", before_day) &&
               run(s, "DELETE FROM report WHERE day < ?1", "i", before_day));
}

/* --- Reading -----------------------------------------------------------------------------------*/

#define REPORT_COLUMNS                                                                             \
    "r.id, r.day, r.policy, r.part, r.report_id, r.domain, r.sender, r.state, r.noted, r.built,"   \
    " r.rows, r.messages"
#define REPORT_COLUMNS_N 12
#define MAIL_COLUMNS                                                                               \
    "m.id, m.report, m.number, m.uri, m.address, m.form, m.state, m.tries, m.next, m.changed,"     \
    " m.note"

static enum sent_state column_state(struct sql *st, int i)
{
    int64_t state = sql_number(st, i);
    return state >= SENT_PENDING && state <= SENT_SUPPRESSED ? (enum sent_state)state : SENT_FAILED;
}

static struct sent_report report_of(struct sql *st)
{
    return (struct sent_report){
        .id = sql_number(st, 0),
        .day = sql_number(st, 1),
        .policy_id = sql_number(st, 2),
        .part = sql_number(st, 3),
        .report_id = sql_text(st, 4),
        .domain = sql_text(st, 5),
        .sender = sql_text(st, 6),
        .state = column_state(st, 7),
        .noted = sql_number(st, 8),
        .built = sql_number(st, 9),
        .rows = (uint64_t)sql_number(st, 10),
        .messages = (uint64_t)sql_number(st, 11),
    };
}

static struct sent_mail mail_of(struct sql *st, int at)
{
    return (struct sent_mail){
        .id = sql_number(st, at),
        .report = sql_number(st, at + 1),
        .number = sql_number(st, at + 2),
        .uri = sql_text(st, at + 3),
        .address = sql_text(st, at + 4),
        .form = sql_number(st, at + 5),
        .state = column_state(st, at + 6),
        .tries = sql_number(st, at + 7),
        .next = sql_number(st, at + 8),
        .changed = sql_number(st, at + 9),
        .note = sql_text(st, at + 10),
    };
}

bool sent_read(struct sent *s, bool open, int64_t from_day, sent_fn *each, void *context)
{
    enum sql_step rc;
    struct sql *st = begin_reading(s,
                                   "SELECT " REPORT_COLUMNS ", " MAIL_COLUMNS
                                   " FROM report r LEFT JOIN mail m ON m.report = r.id"
                                   " WHERE r.day >= ?1 AND (?2 = 0 OR m.state < ?3)"
                                   " ORDER BY r.day, r.domain, r.policy, r.part, m.number",
                                   "iii", from_day, (int64_t)open, (int64_t)SENT_DONE);
    while ((rc = sql_step(st)) == SQL_ROW) {
        const struct sent_report r = report_of(st);
        const struct sent_mail m = mail_of(st, REPORT_COLUMNS_N);
        if (!each(context, &r, m.id ? &m : NULL))
            break;
    }
    return sql_end(st, rc);
}

bool sent_content(struct sent *s, int64_t report, int64_t form, struct arena *a, struct str *gz)
{
    struct sql *st =
        begin_reading(s, "SELECT gz FROM body WHERE report = ?1 AND form = ?2", "ii", report, form);
    enum sql_step rc = sql_step(st);
    *gz = rc == SQL_ROW ? str_copy(a, sql_text(st, 0)) : STR("");
    return sql_end(st, rc);
}

bool sent_find(struct sent *s, struct str report_id, int64_t number, struct arena *a,
               struct sent_mail *mail, bool *found)
{
    struct sql *st = begin_reading(s,
                                   "SELECT " MAIL_COLUMNS " FROM report r JOIN mail m ON"
                                   " m.report = r.id WHERE r.report_id = ?1 AND m.number = ?2",
                                   "ti", report_id, number);
    enum sql_step rc = sql_step(st);
    *found = rc == SQL_ROW;
    if (*found) {
        *mail = mail_of(st, 0);
        mail->uri = str_copy(a, mail->uri);
        mail->address = str_copy(a, mail->address);
        mail->note = str_copy(a, mail->note);
    }
    return sql_end(st, rc);
}

/* --- Destinations that are suppressed ----------------------------------------------------------*/

bool sent_suppress(struct sent *s, const struct sent_suppression *v)
{
    return run(
        s,
        "INSERT INTO suppressed VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT(destination) DO UPDATE"
        " SET since = ?2, until = ?3, bounces = ?4, why = ?5",
        "tiiit", v->destination, v->since, v->until, v->bounces, v->why);
}

bool sent_unsuppress(struct sent *s, struct str destination, bool *was)
{
    bool good = run(s, "DELETE FROM suppressed WHERE destination = ?1", "t", destination);
    *was = good && database_changes(&s->db) > 0;
    return good;
}

static struct sent_suppression suppression_of(struct sql *st)
{
    return (struct sent_suppression){
        .destination = sql_text(st, 0),
        .since = sql_number(st, 1),
        .until = sql_number(st, 2),
        .bounces = sql_number(st, 3),
        .why = sql_text(st, 4),
    };
}

bool sent_suppression(struct sent *s, struct str destination, struct arena *a,
                      struct sent_suppression *out, bool *found)
{
    struct sql *st = begin_reading(
        s, "SELECT destination, since, until, bounces, why FROM suppressed WHERE destination = ?1",
        "t", destination);
    enum sql_step rc = sql_step(st);
    *found = rc == SQL_ROW;
    if (*found) {
        *out = suppression_of(st);
        out->destination = str_copy(a, out->destination);
        out->why = str_copy(a, out->why);
    }
    return sql_end(st, rc);
}

bool sent_read_suppressions(struct sent *s, sent_suppression_fn *each, void *context)
{
    enum sql_step rc;
    struct sql *st = begin_reading(
        s, "SELECT destination, since, until, bounces, why FROM suppressed ORDER BY destination",
        "");
    while ((rc = sql_step(st)) == SQL_ROW) {
        const struct sent_suppression v = suppression_of(st);
        if (!each(context, &v))
            break;
    }
    return sql_end(st, rc);
}
