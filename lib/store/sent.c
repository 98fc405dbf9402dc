/* sent.c - the tables of reports that we send.
 *
 * Errors: false, and why stands in the database; a transaction that failed is undone. */
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
    *problem = str_printf(a, "%.*s: %s", STR_ARG(str_safe(a, path, 200, true)),
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

struct str sent_problem(const struct sent *s)
{
    return str_of(s->db.why);
}

/* --- Statements --------------------------------------------------------------------------------*/

/* Binds what follows as `types` says: i an int64_t, t a struct str, b the same as bytes. */
static sqlite3_stmt *prepare(struct sent *s, const char *sql, const char *types, va_list ap)
{
    sqlite3_stmt *st = database_prepare(&s->db, sql);
    for (int i = 1; st && *types; i++, types++) {
        if (*types == 'i') {
            sqlite3_bind_int64(st, i, va_arg(ap, int64_t));
            continue;
        }
        struct str v = va_arg(ap, struct str);
        if (*types == 't')
            sqlite3_bind_text(st, i, v.n ? v.p : "", (int)v.n, SQLITE_TRANSIENT);
        else
            sqlite3_bind_blob(st, i, v.n ? v.p : "", (int)v.n, SQLITE_TRANSIENT);
    }
    return st;
}

static bool run(struct sent *s, const char *sql, const char *types, ...)
{
    va_list ap;
    va_start(ap, types);
    sqlite3_stmt *st = prepare(s, sql, types, ap);
    va_end(ap);
    if (!st)
        return false;
    int rc = sqlite3_step(st);
    bool good = rc == SQLITE_DONE || rc == SQLITE_ROW;
    if (!good)
        database_failed(&s->db);
    sqlite3_finalize(st);
    return good;
}

static sqlite3_stmt *begin_reading(struct sent *s, const char *sql, const char *types, ...)
{
    va_list ap;
    va_start(ap, types);
    sqlite3_stmt *st = prepare(s, sql, types, ap);
    va_end(ap);
    return st;
}

/* `rc` is what the last step said. */
static bool end_reading(struct sent *s, sqlite3_stmt *st, int rc)
{
    bool good = rc == SQLITE_DONE || rc == SQLITE_ROW;
    if (!good)
        database_failed(&s->db);
    sqlite3_finalize(st);
    return good;
}

static bool begin(struct sent *s)
{
    return database_run(&s->db, "BEGIN IMMEDIATE");
}

static bool commit(struct sent *s, bool good)
{
    if (good && database_run(&s->db, "COMMIT"))
        return true;
    sqlite3_exec(s->db.sql, "ROLLBACK", NULL, NULL, NULL); /* keeps the reason of the failure */
    return false;
}

static struct str column(sqlite3_stmt *st, int i)
{
    const void *p = sqlite3_column_blob(st, i);
    return (struct str){p ? p : "", p ? (size_t)sqlite3_column_bytes(st, i) : 0};
}

bool sent_secret(struct sent *s, struct arena *a, struct str *out)
{
    sqlite3_stmt *st = begin_reading(s, "SELECT bytes FROM secret", "");
    int rc = st ? sqlite3_step(st) : SQLITE_ERROR;
    *out = rc == SQLITE_ROW ? str_copy(a, column(st, 0)) : STR("");
    return st && end_reading(s, st, rc);
}

/* --- Writing -----------------------------------------------------------------------------------*/

static bool insert_report(struct sent *s, const struct sent_report *r)
{
    return run(s, "INSERT INTO report VALUES(NULL, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, ?9, ?10)",
               "iiitttiiii", r->day, r->policy_id, r->part, r->report_id, r->domain, r->sender,
               (int64_t)SENT_PENDING, r->noted, (int64_t)r->rows, (int64_t)r->messages);
}

bool sent_note(struct sent *s, const struct sent_report *r, const struct str *uris, size_t n)
{
    if (!begin(s))
        return false;
    bool good = insert_report(s, r);
    int64_t report = sqlite3_last_insert_rowid(s->db.sql);
    for (size_t i = 0; good && i < n; i++)
        good = run(s, "INSERT INTO mail VALUES(NULL, ?1, ?2, ?3, '', 0, ?4, 0, 0, ?5, '')", "iitii",
                   report, (int64_t)i + 1, uris[i], (int64_t)SENT_PENDING, r->noted);
    return commit(s, good);
}

bool sent_forget_parts(struct sent *s, const struct sent_report *first)
{
    if (!begin(s))
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
    if (!begin(s))
        return false;
    bool good = run(s,
                    "INSERT INTO report VALUES(NULL, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, ?9, ?10)"
                    " ON CONFLICT(day, policy, part) DO UPDATE SET rows = ?9, messages = ?10",
                    "iiitttiiii", part->day, part->policy_id, part->part, part->report_id,
                    part->domain, part->sender, (int64_t)SENT_PENDING, part->noted,
                    (int64_t)part->rows, (int64_t)part->messages) &&
                run(s,
                    "INSERT INTO body SELECT id, ?4, ?5 FROM report WHERE day = ?1 AND policy = ?2"
                    " AND part = ?3",
                    "iiiib", part->day, part->policy_id, part->part, form, gz);
    return commit(s, good);
}

bool sent_built(struct sent *s, const struct sent_report *first, int64_t now)
{
    if (!begin(s))
        return false;
    return commit(
        s, run(s,
               "INSERT INTO mail SELECT NULL, r.id, m.number, m.uri, m.address, m.form, m.state,"
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
    if (!begin(s))
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

static enum sent_state column_state(sqlite3_stmt *st, int i)
{
    int state = sqlite3_column_int(st, i);
    return state >= SENT_PENDING && state <= SENT_SUPPRESSED ? (enum sent_state)state : SENT_FAILED;
}

static struct sent_report report_of(sqlite3_stmt *st)
{
    return (struct sent_report){
        .id = sqlite3_column_int64(st, 0),
        .day = sqlite3_column_int64(st, 1),
        .policy_id = sqlite3_column_int64(st, 2),
        .part = sqlite3_column_int64(st, 3),
        .report_id = column(st, 4),
        .domain = column(st, 5),
        .sender = column(st, 6),
        .state = column_state(st, 7),
        .noted = sqlite3_column_int64(st, 8),
        .built = sqlite3_column_int64(st, 9),
        .rows = (uint64_t)sqlite3_column_int64(st, 10),
        .messages = (uint64_t)sqlite3_column_int64(st, 11),
    };
}

static struct sent_mail mail_of(sqlite3_stmt *st, int at)
{
    return (struct sent_mail){
        .id = sqlite3_column_int64(st, at),
        .report = sqlite3_column_int64(st, at + 1),
        .number = sqlite3_column_int64(st, at + 2),
        .uri = column(st, at + 3),
        .address = column(st, at + 4),
        .form = sqlite3_column_int64(st, at + 5),
        .state = column_state(st, at + 6),
        .tries = sqlite3_column_int64(st, at + 7),
        .next = sqlite3_column_int64(st, at + 8),
        .changed = sqlite3_column_int64(st, at + 9),
        .note = column(st, at + 10),
    };
}

bool sent_read(struct sent *s, bool open, int64_t from_day, sent_fn *each, void *context)
{
    int rc = SQLITE_DONE;
    sqlite3_stmt *st = begin_reading(s,
                                     "SELECT " REPORT_COLUMNS ", " MAIL_COLUMNS
                                     " FROM report r LEFT JOIN mail m ON m.report = r.id"
                                     " WHERE r.day >= ?1 AND (?2 = 0 OR m.state < ?3)"
                                     " ORDER BY r.day, r.domain, r.policy, r.part, m.number",
                                     "iii", from_day, (int64_t)open, (int64_t)SENT_DONE);
    if (!st)
        return false;
    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
        const struct sent_report r = report_of(st);
        const struct sent_mail m = mail_of(st, REPORT_COLUMNS_N);
        if (!each(context, &r, m.id ? &m : NULL))
            break;
    }
    return end_reading(s, st, rc);
}

bool sent_content(struct sent *s, int64_t report, int64_t form, struct arena *a, struct str *gz)
{
    sqlite3_stmt *st =
        begin_reading(s, "SELECT gz FROM body WHERE report = ?1 AND form = ?2", "ii", report, form);
    int rc = st ? sqlite3_step(st) : SQLITE_ERROR;
    *gz = rc == SQLITE_ROW ? str_copy(a, column(st, 0)) : STR("");
    return st && end_reading(s, st, rc);
}

bool sent_find(struct sent *s, struct str report_id, int64_t number, struct arena *a,
               struct sent_mail *mail, bool *found)
{
    sqlite3_stmt *st = begin_reading(s,
                                     "SELECT " MAIL_COLUMNS " FROM report r JOIN mail m ON"
                                     " m.report = r.id WHERE r.report_id = ?1 AND m.number = ?2",
                                     "ti", report_id, number);
    int rc = st ? sqlite3_step(st) : SQLITE_ERROR;
    *found = rc == SQLITE_ROW;
    if (*found) {
        *mail = mail_of(st, 0);
        mail->uri = str_copy(a, mail->uri);
        mail->address = str_copy(a, mail->address);
        mail->note = str_copy(a, mail->note);
    }
    return st && end_reading(s, st, rc);
}

/* --- Destinations that are spared --------------------------------------------------------------*/

bool sent_suppress(struct sent *s, const struct sent_suppression *v)
{
    return run(s, "INSERT OR REPLACE INTO suppressed VALUES(?1, ?2, ?3, ?4, ?5)", "tiiit",
               v->destination, v->since, v->until, v->bounces, v->why);
}

bool sent_unsuppress(struct sent *s, struct str destination, bool *was)
{
    bool good = run(s, "DELETE FROM suppressed WHERE destination = ?1", "t", destination);
    *was = good && sqlite3_changes(s->db.sql) > 0;
    return good;
}

static struct sent_suppression suppression_of(sqlite3_stmt *st)
{
    return (struct sent_suppression){
        .destination = column(st, 0),
        .since = sqlite3_column_int64(st, 1),
        .until = sqlite3_column_int64(st, 2),
        .bounces = sqlite3_column_int64(st, 3),
        .why = column(st, 4),
    };
}

bool sent_suppression(struct sent *s, struct str destination, struct arena *a,
                      struct sent_suppression *out, bool *found)
{
    sqlite3_stmt *st = begin_reading(
        s, "SELECT destination, since, until, bounces, why FROM suppressed WHERE destination = ?1",
        "t", destination);
    int rc = st ? sqlite3_step(st) : SQLITE_ERROR;
    *found = rc == SQLITE_ROW;
    if (*found) {
        *out = suppression_of(st);
        out->destination = str_copy(a, out->destination);
        out->why = str_copy(a, out->why);
    }
    return st && end_reading(s, st, rc);
}

bool sent_read_suppressions(struct sent *s, sent_suppression_fn *each, void *context)
{
    int rc = SQLITE_DONE;
    sqlite3_stmt *st = begin_reading(
        s, "SELECT destination, since, until, bounces, why FROM suppressed ORDER BY destination",
        "");
    if (!st)
        return false;
    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
        const struct sent_suppression v = suppression_of(st);
        if (!each(context, &v))
            break;
    }
    return end_reading(s, st, rc);
}
