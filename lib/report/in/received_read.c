/* received_read.c - reads what the store has.
 *
 * Errors: false, and the store has the reason. What `each` gets lives until it returns. */
#include <string.h>

#include "report/in/outcome.h"
#include "report/in/received_store.h"

int64_t received_believed_end(int64_t end, int64_t received)
{
    return end > 0 && end <= received + RECEIVED_LATE ? end : received;
}

static void copy_bytes(unsigned char *to, size_t n, struct str bytes)
{
    memset(to, 0, n);
    memcpy(to, bytes.n ? bytes.p : "", bytes.n < n ? bytes.n : n);
}

/* In tables of names, an empty text means that the report does not say it. */
static struct str known(struct str name)
{
    return name.n ? name : STR_NONE;
}

static void read_report(struct sql *s, struct received_report *out)
{
    struct aggregate_head *h = &out->head;
    *out = (struct received_report){.id = sql_number(s, 0)};
    copy_bytes(out->key, sizeof out->key, sql_text(s, 1));
    h->org_name = known(sql_text(s, 2));
    h->email = sql_text(s, 3);
    h->contact = sql_text(s, 4);
    h->report_id = sql_text(s, 5);
    h->begin = sql_number(s, 7);
    h->end = sql_number(s, 8);
    out->day = sql_number(s, 9);
    copy_bytes(out->digest, sizeof out->digest, sql_text(s, 10));
    h->version = sql_text(s, 11);
    h->generator = sql_text(s, 12);
    h->error = sql_text(s, 13);
    received_unpack_policy(sql_text(s, 14), &h->policy);
    h->policy.domain = known(sql_text(s, 6));
    out->records = (uint64_t)sql_number(s, 15);
    out->skipped = (uint64_t)sql_number(s, 16);
    out->messages = (uint64_t)sql_number(s, 17);
    int64_t trust = sql_number(s, 18);
    out->trust = trust < TRUST_NONE || trust > TRUST_FILE ? TRUST_NONE : (enum trust)trust;
    out->damaged = sql_number(s, 19);
    out->repaired = sql_number(s, 20);
    out->received = sql_number(s, 21);
    out->size = (uint64_t)sql_number(s, 22);
    out->origin = sql_text(s, 23);
    out->author = sql_text(s, 24);
    out->other = sql_number(s, 25);
}

/* 1 domain, 2 since, 3 report_id, 4 changed since: an empty text or 0 is no condition. */
static struct sql *begin_query(struct received *r, const char *sql,
                               const struct received_wanted *wanted)
{
    struct sql *s = sql_prepare(&r->db, sql);
    sql_bind(s, 1, wanted->domain.p ? wanted->domain : STR(""));
    sql_bind_number(s, 2, wanted->since);
    sql_bind(s, 3, wanted->report.p ? wanted->report : STR(""));
    sql_bind_number(s, 4, wanted->changed);
    return s;
}

/* Reports come in pages of as many: a connection to a server holds what is left of a page, while
 * `each` asks for something else. */
#define PAGE 200

/* Where the last page ended. */
struct page {
    int64_t newness, id;
    bool full; /* there may be another one */
};

static bool read_page(struct received *r, const struct received_wanted *wanted, struct page *page,
                      received_report_fn *each, void *context)
{
    enum sql_step rc;
    size_t n = 0;
    struct received_report report;
    struct sql *s = begin_query(
        r,
        "SELECT report.id, key, reporter.name, email, contact, report_id, domain.name, begin,"
        " \"end\", day, digest, version, generator, error, policy, records, skipped, messages,"
        " trust, damaged, repaired, received, size, origin, author, other, " RECEIVED_NEWNESS
        " FROM report"
        " JOIN reporter ON reporter.id = report.reporter JOIN domain ON domain.id = report.domain"
        " WHERE (?1 = '' OR domain.name = ?1) AND (?2 = 0 OR (" RECEIVED_BELIEVED_END
        ") >= ?2) AND (?3 = '' OR report_id = ?3) AND (?4 = 0 OR received >= ?4)"
        " AND " RECEIVED_NEWNESS " <= ?5 AND (" RECEIVED_NEWNESS ", report.id) < (?5, ?6)"
        " ORDER BY " RECEIVED_NEWNESS " DESC, report.id DESC LIMIT " RECEIVED_TEXT_OF(PAGE),
        wanted);
    sql_bind_number(s, 5, page->newness);
    sql_bind_number(s, 6, page->id);
    while ((rc = sql_step(s)) == SQL_ROW) {
        read_report(s, &report);
        page->newness = sql_number(s, 26);
        page->id = report.id;
        n++;
        if (!each(context, &report))
            break;
    }
    page->full = rc == SQL_DONE && n == PAGE;
    return sql_end(s, rc);
}

bool received_each(struct received *r, const struct received_wanted *wanted,
                   received_report_fn *each, void *context)
{
    struct page page = {INT64_MAX, INT64_MAX, true};
    bool good = true;
    while (good && page.full)
        good = read_page(r, wanted, &page, each, context);
    return good;
}

static void read_address(struct str bytes, struct netaddr *out)
{
    *out = (struct netaddr){0};
    if (bytes.n != 4 && bytes.n != 16)
        return;
    out->family = bytes.n == 4 ? 4 : 6;
    memcpy(out->bytes, bytes.p, bytes.n);
}

static void read_row(struct sql *s, struct aggregate_row *row)
{
    const struct outcome outcome = outcome_unpack(sql_number(s, 5));
    read_address(sql_text(s, 0), &row->source);
    row->header_from = sql_text(s, 1);
    row->envelope_from = sql_text(s, 2);
    row->envelope_to = sql_text(s, 3);
    received_unpack_results(sql_text(s, 4), row);
    row->disposition = outcome.disposition;
    row->dkim = outcome.dkim;
    row->spf = outcome.spf;
    row->count = sql_number(s, 6);
}

bool received_each_row(struct received *r, int64_t report_id, received_row_fn *each, void *context)
{
    enum sql_step rc;
    struct arena *a = arena_new(0);
    struct aggregate_row *row = arena_make(a, struct aggregate_row);
    struct sql *s = sql_prepare(
        &r->db, "SELECT ip, header_from, envelope_from, envelope_to, text, outcome, messages"
                " FROM row JOIN address ON address.id = row.address"
                " JOIN sender ON sender.id = row.sender JOIN results ON results.id = row.results"
                " WHERE report = ?1 ORDER BY n");
    sql_bind_number(s, 1, report_id);
    while ((rc = sql_step(s)) == SQL_ROW) {
        read_row(s, row);
        if (!each(context, row))
            break;
    }
    arena_free(a);
    return sql_end(s, rc);
}

struct str received_packed_raw(struct received *r, int64_t report_id, struct arena *a)
{
    struct sql *s = sql_prepare(&r->db, "SELECT xml FROM raw WHERE report = ?1");
    sql_bind_number(s, 1, report_id);
    struct str packed = STR_NONE;
    if (sql_step(s) == SQL_ROW)
        packed = str_copy(a, sql_text(s, 0));
    sql_end(s, SQL_DONE);
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
    enum sql_step rc;
    struct sql *s =
        sql_prepare(&r->db, "SELECT received, origin, sender, subject, what, why, digest"
                            " FROM refused WHERE received >= ?1 ORDER BY received DESC, id DESC");
    sql_bind_number(s, 1, since);
    while ((rc = sql_step(s)) == SQL_ROW) {
        struct received_refusal refusal = {
            .received = sql_number(s, 0),
            .origin = sql_text(s, 1),
            .from = sql_text(s, 2),
            .subject = sql_text(s, 3),
            .what = sql_text(s, 4),
            .why = sql_text(s, 5),
        };
        copy_bytes(refusal.digest, sizeof refusal.digest, sql_text(s, 6));
        if (!each(context, &refusal))
            break;
    }
    return sql_end(s, rc);
}

void received_read_failure(struct sql *s, struct failure_report *out)
{
    *out = (struct failure_report){
        .arrival = sql_number(s, 2),
        .reporter = sql_text(s, 3),
        .domain = sql_text(s, 4),
        .kind = sql_text(s, 6),
        .alignment = sql_text(s, 7),
        .result = sql_text(s, 8),
        .dkim_domain = sql_text(s, 9),
        .dkim_selector = sql_text(s, 10),
        .header_from = sql_text(s, 11),
        .envelope_from = sql_text(s, 12),
        .subject = sql_text(s, 13),
        .incidents = sql_number(s, 14),
    };
    read_address(sql_text(s, 5), &out->source);
}

bool received_each_failure(struct received *r, const struct received_wanted *wanted,
                           received_failure_fn *each, void *context)
{
    enum sql_step rc;
    unsigned char digest[FIND_DIGEST];
    struct failure_report report;
    struct sql *s = begin_query(
        r,
        "SELECT digest, received, arrival, reporter, domain, ip, kind, alignment, result,"
        " dkim_domain, dkim_selector, header_from, envelope_from, subject, incidents FROM failure"
        " JOIN address ON address.id = failure.address WHERE (?1 = '' OR domain = ?1)"
        " AND (?2 = 0 OR (" SQL_GREATEST(
            "arrival", "received") ") >= ?2) AND ?3 = ?3 AND (?4 = 0 OR received >= ?4)"
                                   " AND (?5 = '' OR address.source IN (SELECT source.id"
                                   " FROM source WHERE source.name = ?5))"
                                   " AND (?6 = 0 OR " RECEIVED_COUNTS " < ?6)"
                                   " ORDER BY received DESC, failure.id DESC",
        wanted);
    sql_bind(s, 5, wanted->source.p ? wanted->source : STR(""));
    sql_bind_number(s, 6, wanted->before);
    while ((rc = sql_step(s)) == SQL_ROW) {
        copy_bytes(digest, sizeof digest, sql_text(s, 0));
        received_read_failure(s, &report);
        if (!each(context, &report, digest, sql_number(s, 1)))
            break;
    }
    return sql_end(s, rc);
}

static void read_tls(struct sql *s, struct arena *a, struct tlsrpt *out)
{
    if (!out->n) {
        out->organization = str_copy(a, sql_text(s, 2));
        out->contact = str_copy(a, sql_text(s, 3));
        out->report_id = str_copy(a, sql_text(s, 4));
        out->begin = sql_number(s, 5);
        out->end = sql_number(s, 6);
    }
    if (out->n < TLSRPT_POLICIES_MAX)
        out->policies[out->n++] = (struct tlsrpt_policy){
            .domain = str_copy(a, sql_text(s, 7)),
            .type = str_copy(a, sql_text(s, 8)),
            .successes = sql_number(s, 9),
            .failures = sql_number(s, 10),
        };
}

/* The rows of a report's policies come one after the other. */
bool received_each_tls(struct received *r, const struct received_wanted *wanted,
                       received_tls_fn *each, void *context)
{
    enum sql_step rc;
    bool go_on = true;
    unsigned char digest[FIND_DIGEST] = {0}, next[FIND_DIGEST];
    int64_t received = 0;
    struct arena *a = arena_new(0);
    struct tlsrpt *report = arena_make(a, struct tlsrpt);
    struct sql *s = begin_query(
        r,
        "SELECT digest, received, organization, contact, report_id, begin, \"end\", domain, type,"
        " successes, failures FROM tls WHERE (?1 = '' OR domain = ?1) AND (?2 = 0 OR"
        " (" RECEIVED_BELIEVED_END ") >= ?2)"
        " AND (?3 = '' OR report_id = ?3) AND (?4 = 0 OR received >= ?4)"
        " ORDER BY " RECEIVED_NEWNESS " DESC, digest, n",
        wanted);
    while (go_on && (rc = sql_step(s)) == SQL_ROW) {
        copy_bytes(next, sizeof next, sql_text(s, 0));
        if (report->n && memcmp(next, digest, sizeof next) != 0) {
            go_on = each(context, report, digest, received);
            arena_reset(a);
            report = arena_make(a, struct tlsrpt);
        }
        memcpy(digest, next, sizeof digest);
        received = sql_number(s, 1);
        read_tls(s, a, report);
    }
    if (go_on && report->n)
        each(context, report, digest, received);
    arena_free(a);
    return sql_end(s, rc);
}

bool received_has_source(struct received *r, struct str name)
{
    struct sql *s = sql_prepare(&r->db, "SELECT count(*) FROM source WHERE name = ?1");
    sql_bind(s, 1, name);
    int64_t n = sql_value(s);
    sql_end(s, SQL_DONE);
    return n > 0;
}

bool received_each_label(struct received *r, received_label_fn *each, void *context)
{
    enum sql_step rc;
    struct sql *s =
        sql_prepare(&r->db, "SELECT source, class, title, time FROM label ORDER BY source");
    while ((rc = sql_step(s)) == SQL_ROW) {
        const struct received_label label = {sql_text(s, 0), sql_text(s, 1), sql_text(s, 2),
                                             sql_number(s, 3)};
        if (!each(context, &label))
            break;
    }
    return sql_end(s, rc);
}
