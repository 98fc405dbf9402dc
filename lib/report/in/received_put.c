/* received_put.c - writes what came into the store.
 *
 * Errors: false or RECEIVED_FAILED, and why stands in the store; the transaction is then to be
 * undone. */
#include <string.h>
#include <time.h>

#include "crypto/digest.h"
#include "mail/domain.h"
#include "report/in/outcome.h"
#include "report/in/received_store.h"

#define DAY 86400

static void add_text(struct digest *d, struct str text)
{
    digest_add(d, text.p, text.n);
    digest_put(d, 0);
}

static void add_number(struct digest *d, int64_t number)
{
    digest_add(d, &number, sizeof number); /* a key is never read by another machine */
}

void received_identify(struct received_report *report)
{
    struct arena *a = arena_new(0);
    struct digest d;
    unsigned char whole[DIGEST_SIZE];
    const struct aggregate_head *h = &report->head;
    digest_init(&d, a, UINT64_MAX);
    add_text(&d, h->org_name);
    add_text(&d, h->report_id);
    add_text(&d, h->policy.domain);
    add_number(&d, h->begin);
    add_number(&d, h->end);
    digest_add(&d, report->digest, sizeof report->digest);
    digest_finish(&d, whole);
    memcpy(report->key, whole, sizeof report->key);
    int64_t middle = h->begin && h->end >= h->begin ? h->begin + (h->end - h->begin) / 2
                     : h->begin                     ? h->begin
                     : h->end                       ? h->end
                                                    : report->received;
    if (middle > report->received + RECEIVED_LATE)
        middle = report->received;
    report->day = middle / DAY;
    arena_free(a);
}

/* --- Reports -----------------------------------------------------------------------------------*/

/* It came again, by a better way or earlier: elsewhere, that is, with a twin's export. */
static bool make_better(struct received *r, int64_t id, const struct received_report *report)
{
    sqlite3_stmt *s = received_sql(r, SQL_BETTER_REPORT);
    if (!s || !received_count_report(r, id, -1))
        return false;
    sqlite3_bind_int64(s, 1, id);
    sqlite3_bind_int(s, 2, (int)report->trust);
    sqlite3_bind_int64(s, 3, report->received);
    sqlite3_bind_int64(s, 4, report->day);
    received_bind(s, 5, report->origin);
    return received_finish(r, s) && received_count_report(r, id, 1);
}

/* Than what is stored: higher trust, or the earlier arrival. Of two at a time one is chosen, so
 * that twins choose alike. */
static bool is_better(const struct received_report *report, sqlite3_stmt *stored)
{
    int64_t received = sqlite3_column_int64(stored, 2);
    struct str origin = received_column(stored, 3);
    return sqlite3_column_int64(stored, 1) < (int64_t)report->trust ||
           received > report->received ||
           (received == report->received && str_cmp_nocase(origin, report->origin) > 0);
}

/* 1 known, 0 not, -1 failed. */
static int is_known(struct received *r, struct received_report *report)
{
    sqlite3_stmt *s = received_sql(r, SQL_FIND_REPORT), *gone = received_sql(r, SQL_FIND_GONE);
    if (!s || !gone)
        return -1;
    received_bind_bytes(s, 1, report->key, sizeof report->key);
    bool known = sqlite3_step(s) == SQLITE_ROW;
    int64_t id = known ? sqlite3_column_int64(s, 0) : 0;
    bool better = known && is_better(report, s);
    sqlite3_reset(s);
    if (known) {
        report->id = id;
        return better && !make_better(r, id, report) ? -1 : 1;
    }
    received_bind_bytes(gone, 1, report->key, sizeof report->key);
    known = sqlite3_step(gone) == SQLITE_ROW;
    sqlite3_reset(gone);
    return known;
}

/* Who does not say a name is called by its domain. */
static struct str reporter_name(const struct aggregate_head *h)
{
    return h->org_name.p ? h->org_name : STR("");
}

static bool insert_report(struct received *r, struct received_report *report)
{
    const struct aggregate_head *h = &report->head;
    struct str name = reporter_name(h), domain = h->policy.domain.p ? h->policy.domain : STR("");
    struct arena *a = arena_new(0);
    int64_t reporter = received_number(r, SQL_FIND_REPORTER, SQL_INSERT_REPORTER, &name, 1);
    int64_t of = reporter ? received_number(r, SQL_FIND_DOMAIN, SQL_INSERT_DOMAIN, &domain, 1) : 0;
    sqlite3_stmt *s = of ? received_sql(r, SQL_INSERT_REPORT) : NULL;
    bool good = false;
    if (s) {
        received_bind_bytes(s, 1, report->key, sizeof report->key);
        sqlite3_bind_int64(s, 2, reporter);
        received_bind(s, 3, h->email);
        received_bind(s, 4, h->contact);
        received_bind(s, 5, h->report_id);
        sqlite3_bind_int64(s, 6, of);
        sqlite3_bind_int64(s, 7, h->begin);
        sqlite3_bind_int64(s, 8, h->end);
        sqlite3_bind_int64(s, 9, report->day);
        received_bind_bytes(s, 10, report->digest, sizeof report->digest);
        received_bind(s, 11, h->version);
        received_bind(s, 12, h->generator);
        received_bind(s, 13, h->error);
        received_bind(s, 14, received_pack_policy(&h->policy, a));
        sqlite3_bind_int(s, 15, (int)report->trust);
        sqlite3_bind_int(s, 16, report->damaged);
        sqlite3_bind_int(s, 17, report->repaired);
        sqlite3_bind_int64(s, 18, report->received);
        sqlite3_bind_int64(s, 19, (int64_t)report->size);
        received_bind(s, 20, report->origin);
        good = received_finish(r, s);
        report->id = good ? sqlite3_last_insert_rowid(r->db.sql) : 0;
    }
    arena_free(a);
    return good;
}

enum received_result received_put(struct received *r, struct received_report *report)
{
    int known = is_known(r, report);
    if (known)
        return known < 0 ? RECEIVED_FAILED : RECEIVED_KNOWN;
    r->row = 0;
    return insert_report(r, report) ? RECEIVED_NEW : RECEIVED_FAILED;
}

/* Of our own selectors, how often each signature was good. */
static bool count_selectors(struct received *r, const struct received_report *report,
                            const struct aggregate_row *row)
{
    struct str ours = report->head.policy.domain;
    for (size_t i = 0; i < row->n_dkim; i++) {
        const struct aggregate_dkim *d = &row->auth_dkim[i];
        bool good = str_eq(d->result, STR("pass"));
        if (!d->selector.n || !d->domain.n || !ours.n || !domain_is_at_or_below(d->domain, ours))
            continue;
        sqlite3_stmt *s = received_sql(r, SQL_INSERT_SELECTOR);
        if (!s)
            return false;
        sqlite3_bind_int64(s, 1, report->id);
        received_bind(s, 2, d->domain);
        received_bind(s, 3, d->selector);
        sqlite3_bind_int64(s, 4, good ? row->count : 0);
        sqlite3_bind_int64(s, 5, good ? 0 : row->count);
        if (!received_finish(r, s))
            return false;
    }
    return true;
}

bool received_put_row(struct received *r, const struct received_report *report,
                      const struct aggregate_row *row)
{
    const struct str sender[] = {row->header_from, row->envelope_from, row->envelope_to};
    const struct outcome outcome = outcome_of(row, &report->head.policy);
    struct arena *a = arena_new(0);
    struct str text = received_pack_results(row, a);
    if (!text.p)
        text = STR("");
    int64_t address = received_address_number(r, &row->source);
    int64_t from = address ? received_number(r, SQL_FIND_SENDER, SQL_INSERT_SENDER, sender, 3) : 0;
    int64_t results = from ? received_number(r, SQL_FIND_RESULTS, SQL_INSERT_RESULTS, &text, 1) : 0;
    sqlite3_stmt *s = results ? received_sql(r, SQL_INSERT_ROW) : NULL;
    if (s) {
        sqlite3_bind_int64(s, 1, report->id);
        sqlite3_bind_int64(s, 2, r->row++);
        sqlite3_bind_int64(s, 3, address);
        sqlite3_bind_int64(s, 4, from);
        sqlite3_bind_int64(s, 5, results);
        sqlite3_bind_int64(s, 6, outcome_pack(&outcome));
        sqlite3_bind_int64(s, 7, row->count);
    }
    bool good = received_finish(r, s) && count_selectors(r, report, row);
    arena_free(a);
    return good;
}

bool received_put_raw(struct received *r, const struct received_report *report, struct str packed)
{
    sqlite3_stmt *s = received_sql(r, SQL_INSERT_RAW);
    if (s) {
        sqlite3_bind_int64(s, 1, report->id);
        received_bind_bytes(s, 2, packed.p, packed.n);
    }
    return received_finish(r, s);
}

bool received_end(struct received *r, struct received_report *report)
{
    sqlite3_stmt *s = received_sql(r, SQL_END_REPORT);
    if (s) {
        sqlite3_bind_int64(s, 1, report->id);
        sqlite3_bind_int64(s, 2, (int64_t)report->records);
        sqlite3_bind_int64(s, 3, (int64_t)report->skipped);
        sqlite3_bind_int64(s, 4, (int64_t)report->messages);
    }
    sqlite3_stmt *seen = received_sql(r, SQL_ADD_SEEN);
    if (seen)
        sqlite3_bind_int64(seen, 1, report->id);
    return received_finish(r, s) && received_count_report(r, report->id, 1) &&
           received_finish(r, seen);
}

/* --- What is no aggregate report ---------------------------------------------------------------*/

static int find_stored(struct received *r, enum received_sql how, const void *key, size_t n)
{
    sqlite3_stmt *s = received_sql(r, how);
    if (!s)
        return -1;
    received_bind_bytes(s, 1, key, n);
    int found = sqlite3_step(s) == SQLITE_ROW;
    sqlite3_reset(s);
    return found;
}

static bool add_failures(struct received *r, const struct failure_report *report, int64_t address,
                         int64_t received)
{
    struct str name = report->domain.p ? report->domain : STR("");
    int64_t domain = received_number(r, SQL_FIND_DOMAIN, SQL_INSERT_DOMAIN, &name, 1);
    sqlite3_stmt *s = domain ? received_sql(r, SQL_ADD_FAILURES) : NULL;
    if (s) {
        sqlite3_bind_int64(s, 1, domain);
        sqlite3_bind_int64(s, 2, (report->arrival ? report->arrival : received) / DAY);
        sqlite3_bind_int64(s, 3, address);
        sqlite3_bind_int64(s, 4, report->incidents);
    }
    return received_finish(r, s);
}

/* Known already; the earlier arrival counts. */
static enum received_result came_earlier(struct received *r, enum received_sql how,
                                         const unsigned char digest[FIND_DIGEST], int64_t received)
{
    sqlite3_stmt *s = received_sql(r, how);
    if (s) {
        received_bind_bytes(s, 1, digest, FIND_DIGEST);
        sqlite3_bind_int64(s, 2, received);
    }
    return received_finish(r, s) ? RECEIVED_KNOWN : RECEIVED_FAILED;
}

enum received_result received_put_failure(struct received *r, const struct failure_report *report,
                                          const unsigned char digest[FIND_DIGEST], int64_t received)
{
    int known = find_stored(r, SQL_FIND_FAILURE, digest, FIND_DIGEST);
    if (known > 0)
        return came_earlier(r, SQL_BETTER_FAILURE, digest, received);
    if (!known)
        known = find_stored(r, SQL_FIND_GONE, digest, RECEIVED_KEY);
    if (known)
        return known < 0 ? RECEIVED_FAILED : RECEIVED_KNOWN;
    int64_t address = received_address_number(r, &report->source);
    sqlite3_stmt *s = address ? received_sql(r, SQL_INSERT_FAILURE) : NULL;
    const struct str v[] = {report->kind,          report->alignment,     report->result,
                            report->dkim_domain,   report->dkim_selector, report->header_from,
                            report->envelope_from, report->subject};
    if (s) {
        received_bind_bytes(s, 1, digest, FIND_DIGEST);
        sqlite3_bind_int64(s, 2, received);
        sqlite3_bind_int64(s, 3, report->arrival);
        received_bind(s, 4, report->reporter);
        received_bind(s, 5, report->domain);
        sqlite3_bind_int64(s, 6, address);
        for (int i = 0; i < 8; i++)
            received_bind(s, 7 + i, v[i]);
        sqlite3_bind_int64(s, 15, report->incidents);
    }
    return received_finish(r, s) && add_failures(r, report, address, received) ? RECEIVED_NEW
                                                                               : RECEIVED_FAILED;
}

static bool put_tls_policy(struct received *r, const struct tlsrpt *report, size_t i,
                           const unsigned char *digest, int64_t received)
{
    const struct tlsrpt_policy *p =
        i < report->n ? &report->policies[i] : &(struct tlsrpt_policy){0};
    sqlite3_stmt *s = received_sql(r, SQL_INSERT_TLS);
    if (s) {
        received_bind_bytes(s, 1, digest, FIND_DIGEST);
        sqlite3_bind_int64(s, 2, (int64_t)i);
        sqlite3_bind_int64(s, 3, received);
        received_bind(s, 4, report->organization);
        received_bind(s, 5, report->contact);
        received_bind(s, 6, report->report_id);
        sqlite3_bind_int64(s, 7, report->begin);
        sqlite3_bind_int64(s, 8, report->end);
        received_bind(s, 9, p->domain);
        received_bind(s, 10, p->type);
        sqlite3_bind_int64(s, 11, p->successes);
        sqlite3_bind_int64(s, 12, p->failures);
    }
    return received_finish(r, s);
}

enum received_result received_put_tls(struct received *r, const struct tlsrpt *report,
                                      const unsigned char digest[FIND_DIGEST], int64_t received)
{
    int known = find_stored(r, SQL_FIND_TLS, digest, FIND_DIGEST);
    if (known > 0)
        return came_earlier(r, SQL_BETTER_TLS, digest, received);
    if (!known)
        known = find_stored(r, SQL_FIND_GONE, digest, RECEIVED_KEY);
    if (known)
        return known < 0 ? RECEIVED_FAILED : RECEIVED_KNOWN;
    for (size_t i = 0; i < report->n || i == 0; i++)
        if (!put_tls_policy(r, report, i, digest, received))
            return RECEIVED_FAILED;
    return RECEIVED_NEW;
}

enum received_result received_put_refusal(struct received *r,
                                          const struct received_refusal *refusal,
                                          const unsigned char digest[FIND_DIGEST])
{
    sqlite3_stmt *s = received_sql(r, SQL_INSERT_REFUSAL);
    if (s) {
        received_bind_bytes(s, 1, digest, FIND_DIGEST);
        sqlite3_bind_int64(s, 2, refusal->received);
        received_bind(s, 3, refusal->origin);
        received_bind(s, 4, refusal->from);
        received_bind(s, 5, refusal->subject);
        received_bind(s, 6, refusal->what.p ? refusal->what : STR(""));
        received_bind(s, 7, refusal->why);
    }
    if (!received_finish(r, s))
        return RECEIVED_FAILED;
    return sqlite3_changes(r->db.sql) ? RECEIVED_NEW : RECEIVED_KNOWN;
}

/* Later than what was said before, even within a second. */
static int64_t time_of_label(struct received *r, const struct received_label *label)
{
    sqlite3_stmt *s =
        label->time
            ? NULL
            : database_prepare(
                  &r->db,
                  "SELECT max(?2, ifnull((SELECT time + 1 FROM label WHERE source = ?1), 0))");
    int64_t when = label->time;
    if (s) {
        received_bind(s, 1, label->source);
        sqlite3_bind_int64(s, 2, (int64_t)time(NULL));
    }
    if (s && sqlite3_step(s) == SQLITE_ROW)
        when = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return when;
}

bool received_put_label(struct received *r, const struct received_label *label)
{
    int64_t when = time_of_label(r, label);
    sqlite3_stmt *s = received_sql(r, SQL_PUT_LABEL);
    if (s) {
        received_bind(s, 1, label->source);
        received_bind(s, 2, label->class.p ? label->class : STR(""));
        received_bind(s, 3, label->title.p ? label->title : STR(""));
        sqlite3_bind_int64(s, 4, when);
    }
    return received_finish(r, s);
}
