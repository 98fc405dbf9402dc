/* received_read.c - reads what the store has.
 *
 * Errors: false, and why stands in the store. What is given out lives until the function that gets
 * it returns. */
#include <string.h>

#include "report/in/outcome.h"
#include "report/in/received_store.h"

/* `rc` is what the last step said. */
static bool end(struct received *r, sqlite3_stmt *s, int rc)
{
    bool good = s && (rc == SQLITE_DONE || rc == SQLITE_ROW);
    if (!good && s)
        database_failed(&r->db);
    sqlite3_finalize(s);
    return good;
}

static void copy_bytes(unsigned char *to, size_t n, struct str bytes)
{
    memset(to, 0, n);
    memcpy(to, bytes.n ? bytes.p : "", bytes.n < n ? bytes.n : n);
}

/* In tables of names, what was not said is empty. */
static struct str known(struct str name)
{
    return name.n ? name : STR_NONE;
}

static void read_report(sqlite3_stmt *s, struct received_report *out)
{
    struct aggregate_head *h = &out->head;
    *out = (struct received_report){.id = sqlite3_column_int64(s, 0)};
    copy_bytes(out->key, sizeof out->key, received_column(s, 1));
    h->org_name = known(received_column(s, 2));
    h->email = received_column(s, 3);
    h->contact = received_column(s, 4);
    h->report_id = received_column(s, 5);
    h->begin = sqlite3_column_int64(s, 7);
    h->end = sqlite3_column_int64(s, 8);
    out->day = sqlite3_column_int64(s, 9);
    copy_bytes(out->digest, sizeof out->digest, received_column(s, 10));
    h->version = received_column(s, 11);
    h->generator = received_column(s, 12);
    h->error = received_column(s, 13);
    received_unpack_policy(received_column(s, 14), &h->policy);
    h->policy.domain = known(received_column(s, 6));
    out->records = (uint64_t)sqlite3_column_int64(s, 15);
    out->skipped = (uint64_t)sqlite3_column_int64(s, 16);
    out->messages = (uint64_t)sqlite3_column_int64(s, 17);
    int64_t trust = sqlite3_column_int64(s, 18);
    out->trust = trust < TRUST_NONE || trust > TRUST_FILE ? TRUST_NONE : (enum trust)trust;
    out->damaged = sqlite3_column_int(s, 19);
    out->repaired = sqlite3_column_int(s, 20);
    out->received = sqlite3_column_int64(s, 21);
    out->size = (uint64_t)sqlite3_column_int64(s, 22);
    out->origin = received_column(s, 23);
}

/* 1 domain, 2 since, 3 report_id, 4 changed since: an empty text or 0 is no condition. */
static sqlite3_stmt *begin_query(struct received *r, const char *sql,
                                 const struct received_wanted *wanted)
{
    sqlite3_stmt *s = database_prepare(&r->db, sql);
    if (s) {
        received_bind(s, 1, wanted->domain.p ? wanted->domain : STR(""));
        sqlite3_bind_int64(s, 2, wanted->since);
        received_bind(s, 3, wanted->report.p ? wanted->report : STR(""));
        sqlite3_bind_int64(s, 4, wanted->changed);
    }
    return s;
}

bool received_each(struct received *r, const struct received_wanted *wanted,
                   received_report_fn *each, void *context)
{
    int rc = SQLITE_DONE;
    struct received_report report;
    sqlite3_stmt *s = begin_query(
        r,
        "SELECT report.id, key, reporter.name, email, contact, report_id, domain.name, begin,"
        " \"end\", day, digest, version, generator, error, policy, records, skipped, messages,"
        " trust, damaged, repaired, received, size, origin FROM report"
        " JOIN reporter ON reporter.id = report.reporter JOIN domain ON domain.id = report.domain"
        " WHERE (?1 = '' OR domain.name = ?1) AND (?2 = 0 OR \"end\" >= ?2)"
        " AND (?3 = '' OR report_id = ?3) AND (?4 = 0 OR received >= ?4)"
        " ORDER BY \"end\" DESC, report.id DESC",
        wanted);
    while (s && (rc = sqlite3_step(s)) == SQLITE_ROW) {
        read_report(s, &report);
        if (!each(context, &report))
            break;
    }
    return end(r, s, rc);
}

static void read_address(struct str bytes, struct netaddr *out)
{
    *out = (struct netaddr){0};
    if (bytes.n != 4 && bytes.n != 16)
        return;
    out->family = bytes.n == 4 ? 4 : 6;
    memcpy(out->bytes, bytes.p, bytes.n);
}

static void read_row(sqlite3_stmt *s, struct aggregate_row *row)
{
    const struct outcome outcome = outcome_unpack(sqlite3_column_int64(s, 5));
    read_address(received_column(s, 0), &row->source);
    row->header_from = received_column(s, 1);
    row->envelope_from = received_column(s, 2);
    row->envelope_to = received_column(s, 3);
    received_unpack_results(received_column(s, 4), row);
    row->disposition = outcome.disposition;
    row->dkim = outcome.dkim;
    row->spf = outcome.spf;
    row->count = sqlite3_column_int64(s, 6);
}

bool received_each_row(struct received *r, int64_t report_id, received_row_fn *each, void *context)
{
    int rc = SQLITE_DONE;
    struct arena *a = arena_new(0);
    struct aggregate_row *row = arena_make(a, struct aggregate_row);
    sqlite3_stmt *s = database_prepare(
        &r->db, "SELECT ip, header_from, envelope_from, envelope_to, text, outcome, messages"
                " FROM row JOIN address ON address.id = row.address"
                " JOIN sender ON sender.id = row.sender JOIN results ON results.id = row.results"
                " WHERE report = ?1 ORDER BY n");
    if (s)
        sqlite3_bind_int64(s, 1, report_id);
    while (s && (rc = sqlite3_step(s)) == SQLITE_ROW) {
        read_row(s, row);
        if (!each(context, row))
            break;
    }
    arena_free(a);
    return end(r, s, rc);
}

struct str received_packed_raw(struct received *r, int64_t report_id, struct arena *a)
{
    sqlite3_stmt *s = database_prepare(&r->db, "SELECT xml FROM raw WHERE report = ?1");
    if (s)
        sqlite3_bind_int64(s, 1, report_id);
    struct str packed = STR_NONE;
    if (s && sqlite3_step(s) == SQLITE_ROW)
        packed = str_copy(a, received_column(s, 0));
    sqlite3_finalize(s);
    return packed;
}

struct str received_raw(struct received *r, int64_t report_id, struct arena *a)
{
    struct stream stream;
    struct str packed = received_packed_raw(r, report_id, a);
    if (!packed.p)
        return STR_NONE;
    stream_open(&stream, a, packed, NULL, STREAM_GZIP);
    return stream_rest(&stream, a, IN_XML_MAX);
}

bool received_each_refusal(struct received *r, int64_t since, received_refusal_fn *each,
                           void *context)
{
    int rc = SQLITE_DONE;
    sqlite3_stmt *s =
        database_prepare(&r->db, "SELECT received, origin, sender, subject, what, why FROM refused"
                                 " WHERE received >= ?1 ORDER BY received DESC, id DESC");
    if (s)
        sqlite3_bind_int64(s, 1, since);
    while (s && (rc = sqlite3_step(s)) == SQLITE_ROW) {
        const struct received_refusal refusal = {
            .received = sqlite3_column_int64(s, 0),
            .origin = received_column(s, 1),
            .from = received_column(s, 2),
            .subject = received_column(s, 3),
            .what = received_column(s, 4),
            .why = received_column(s, 5),
        };
        if (!each(context, &refusal))
            break;
    }
    return end(r, s, rc);
}

static void read_failure(sqlite3_stmt *s, struct failure_report *out)
{
    *out = (struct failure_report){
        .arrival = sqlite3_column_int64(s, 2),
        .reporter = received_column(s, 3),
        .domain = received_column(s, 4),
        .kind = received_column(s, 6),
        .alignment = received_column(s, 7),
        .result = received_column(s, 8),
        .dkim_domain = received_column(s, 9),
        .dkim_selector = received_column(s, 10),
        .header_from = received_column(s, 11),
        .envelope_from = received_column(s, 12),
        .subject = received_column(s, 13),
        .incidents = sqlite3_column_int64(s, 14),
    };
    read_address(received_column(s, 5), &out->source);
}

bool received_each_failure(struct received *r, const struct received_wanted *wanted,
                           received_failure_fn *each, void *context)
{
    int rc = SQLITE_DONE;
    unsigned char digest[FIND_DIGEST];
    struct failure_report report;
    sqlite3_stmt *s = begin_query(
        r,
        "SELECT digest, received, arrival, reporter, domain, ip, kind, alignment, result,"
        " dkim_domain, dkim_selector, header_from, envelope_from, subject, incidents FROM failure"
        " JOIN address ON address.id = failure.address WHERE (?1 = '' OR domain = ?1)"
        " AND (?2 = 0 OR max(arrival, received) >= ?2) AND ?3 = ?3 AND (?4 = 0 OR received >= ?4)"
        " ORDER BY received DESC, failure.id DESC",
        wanted);
    while (s && (rc = sqlite3_step(s)) == SQLITE_ROW) {
        copy_bytes(digest, sizeof digest, received_column(s, 0));
        read_failure(s, &report);
        if (!each(context, &report, digest, sqlite3_column_int64(s, 1)))
            break;
    }
    return end(r, s, rc);
}

static void read_tls(sqlite3_stmt *s, struct arena *a, struct tlsrpt *out)
{
    if (!out->n) {
        out->organization = str_copy(a, received_column(s, 2));
        out->contact = str_copy(a, received_column(s, 3));
        out->report_id = str_copy(a, received_column(s, 4));
        out->begin = sqlite3_column_int64(s, 5);
        out->end = sqlite3_column_int64(s, 6);
    }
    if (out->n < TLSRPT_POLICIES_MAX)
        out->policies[out->n++] = (struct tlsrpt_policy){
            .domain = str_copy(a, received_column(s, 7)),
            .type = str_copy(a, received_column(s, 8)),
            .successes = sqlite3_column_int64(s, 9),
            .failures = sqlite3_column_int64(s, 10),
        };
}

/* The policies of a report stand one after the other. */
bool received_each_tls(struct received *r, const struct received_wanted *wanted,
                       received_tls_fn *each, void *context)
{
    int rc = SQLITE_DONE;
    bool go_on = true;
    unsigned char digest[FIND_DIGEST] = {0}, next[FIND_DIGEST];
    int64_t received = 0;
    struct arena *a = arena_new(0);
    struct tlsrpt *report = arena_make(a, struct tlsrpt);
    sqlite3_stmt *s = begin_query(
        r,
        "SELECT digest, received, organization, contact, report_id, begin, \"end\", domain, type,"
        " successes, failures FROM tls WHERE (?1 = '' OR domain = ?1) AND (?2 = 0 OR \"end\" >= ?2)"
        " AND (?3 = '' OR report_id = ?3) AND (?4 = 0 OR received >= ?4)"
        " ORDER BY \"end\" DESC, digest, n",
        wanted);
    while (go_on && s && (rc = sqlite3_step(s)) == SQLITE_ROW) {
        copy_bytes(next, sizeof next, received_column(s, 0));
        if (report->n && memcmp(next, digest, sizeof next) != 0) {
            go_on = each(context, report, digest, received);
            arena_reset(a);
            report = arena_make(a, struct tlsrpt);
        }
        memcpy(digest, next, sizeof digest);
        received = sqlite3_column_int64(s, 1);
        read_tls(s, a, report);
    }
    if (go_on && report->n)
        each(context, report, digest, received);
    arena_free(a);
    return end(r, s, rc);
}

bool received_each_label(struct received *r, received_label_fn *each, void *context)
{
    int rc = SQLITE_DONE;
    sqlite3_stmt *s =
        database_prepare(&r->db, "SELECT source, class, title, time FROM label ORDER BY source");
    while (s && (rc = sqlite3_step(s)) == SQLITE_ROW) {
        const struct received_label label = {received_column(s, 0), received_column(s, 1),
                                             received_column(s, 2), sqlite3_column_int64(s, 3)};
        if (!each(context, &label))
            break;
    }
    return end(r, s, rc);
}
