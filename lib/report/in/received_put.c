/* received_put.c - writes received reports into the store.
 *
 * Errors: false or RECEIVED_FAILED, and the store has the reason; the caller then undoes the
 * transaction. */
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
    digest_add(d, &number, sizeof number); /* only this machine reads a key */
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

static void bind_author(struct sql *s, int i, const struct received_report *report)
{
    sql_bind(s, i, report->author.p ? report->author : STR(""));
    sql_bind_number(s, i + 1, report->other);
}

/* The report came again with higher trust or an earlier arrival, as from a twin's export. */
static bool make_better(struct received *r, int64_t id, const struct received_report *report)
{
    struct sql *s = received_sql(r, SQL_BETTER_REPORT);
    if (!received_count_report(r, id, -1))
        return false;
    sql_bind_number(s, 1, id);
    sql_bind_number(s, 2, (int)report->trust);
    sql_bind_number(s, 3, report->received);
    sql_bind_number(s, 4, report->day);
    sql_bind(s, 5, report->origin);
    bind_author(s, 6, report);
    return sql_run(s) && received_count_report(r, id, 1);
}

/* Better than the stored one: higher trust, an earlier arrival, or perhaps by its author. If both
 * arrived at the same time, the origin decides, so that twins choose the same one. */
static bool is_better(const struct received_report *report, struct sql *stored)
{
    int64_t received = sql_number(stored, 2);
    struct str origin = sql_text(stored, 3);
    return sql_number(stored, 1) < (int64_t)report->trust || received > report->received ||
           (received == report->received && str_cmp_nocase(origin, report->origin) > 0) ||
           (sql_number(stored, 1) == (int64_t)report->trust && report->author.n &&
            !str_eq(sql_text(stored, 4), report->author));
}

/* 1 known, 0 not, -1 failed. */
static int is_known(struct received *r, struct received_report *report)
{
    struct sql *s = received_sql(r, SQL_FIND_REPORT), *gone = received_sql(r, SQL_FIND_GONE);
    if (!s || !gone)
        return -1;
    sql_bind_bytes(s, 1, report->key, sizeof report->key);
    bool known = sql_step(s) == SQL_ROW;
    int64_t id = known ? sql_number(s, 0) : 0;
    bool better = known && is_better(report, s);
    sql_reset(s);
    if (known) {
        report->id = id;
        return better && !make_better(r, id, report) ? -1 : 1;
    }
    sql_bind_bytes(gone, 1, report->key, sizeof report->key);
    known = sql_step(gone) == SQL_ROW;
    sql_reset(gone);
    return known;
}

/* A reporter without a name is called by its domain. */
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
    struct sql *s = of ? received_sql(r, SQL_INSERT_REPORT) : NULL;
    sql_bind_bytes(s, 1, report->key, sizeof report->key);
    sql_bind_number(s, 2, reporter);
    sql_bind(s, 3, h->email);
    sql_bind(s, 4, h->contact);
    sql_bind(s, 5, h->report_id);
    sql_bind_number(s, 6, of);
    sql_bind_number(s, 7, h->begin);
    sql_bind_number(s, 8, h->end);
    sql_bind_number(s, 9, report->day);
    sql_bind_bytes(s, 10, report->digest, sizeof report->digest);
    sql_bind(s, 11, h->version);
    sql_bind(s, 12, h->generator);
    sql_bind(s, 13, h->error);
    sql_bind(s, 14, received_pack_policy(&h->policy, a));
    sql_bind_number(s, 15, (int)report->trust);
    sql_bind_number(s, 16, report->damaged);
    sql_bind_number(s, 17, report->repaired);
    sql_bind_number(s, 18, report->received);
    sql_bind_number(s, 19, (int64_t)report->size);
    sql_bind(s, 20, report->origin);
    bind_author(s, 21, report);
    report->id = sql_value(s);
    arena_free(a);
    return report->id;
}

/* Adds the report to its sender's share of the day on which it came. */
static enum received_result take_share(struct received *r, const struct received_report *report)
{
    struct str sender = report->sender.p ? report->sender : STR("");
    struct sql *both[] = {received_sql(r, SQL_GET_SHARE), received_sql(r, SQL_ADD_SHARE)};
    for (size_t i = 0; i < 2; i++) {
        sql_bind_number(both[i], 1, report->received / DAY);
        sql_bind(both[i], 2, sender);
    }
    uint64_t taken = (uint64_t)sql_value(both[0]);
    if (taken > report->share || report->size > report->share - taken)
        return RECEIVED_FULL;
    sql_bind_number(both[1], 3, (int64_t)report->size);
    return sql_run(both[1]) ? RECEIVED_NEW : RECEIVED_FAILED;
}

enum received_result received_put(struct received *r, struct received_report *report)
{
    int known = is_known(r, report);
    if (known)
        return known < 0 ? RECEIVED_FAILED : RECEIVED_KNOWN;
    enum received_result share = report->share ? take_share(r, report) : RECEIVED_NEW;
    if (share != RECEIVED_NEW)
        return share;
    r->row = 0;
    return insert_report(r, report) ? RECEIVED_NEW : RECEIVED_FAILED;
}

/* Counts for each selector of ours how many signatures were good. */
static bool count_selectors(struct received *r, const struct received_report *report,
                            const struct aggregate_row *row)
{
    struct str ours = report->head.policy.domain;
    for (size_t i = 0; i < row->n_dkim; i++) {
        const struct aggregate_dkim *d = &row->auth_dkim[i];
        bool good = str_eq(d->result, STR("pass"));
        if (!d->selector.n || !d->domain.n || !ours.n || !domain_is_at_or_below(d->domain, ours))
            continue;
        struct sql *s = received_sql(r, SQL_INSERT_SELECTOR);
        sql_bind_number(s, 1, report->id);
        sql_bind(s, 2, d->domain);
        sql_bind(s, 3, d->selector);
        sql_bind_number(s, 4, good ? row->count : 0);
        sql_bind_number(s, 5, good ? 0 : row->count);
        if (!sql_push(s))
            return false;
    }
    return true;
}

static void bind_sender(struct sql *s, int i, const struct aggregate_row *row)
{
    sql_bind(s, i, row->header_from);
    sql_bind(s, i + 1, row->envelope_from);
    sql_bind(s, i + 2, row->envelope_to);
}

/* What the row shares with others. */
static bool add_texts(struct received *r, const struct aggregate_row *row, struct str results)
{
    struct sql *sender = received_sql(r, SQL_ADD_SENDER), *text = received_sql(r, SQL_ADD_RESULTS);
    bind_sender(sender, 1, row);
    sql_bind(text, 1, results);
    return received_add_address(r, &row->source) && sql_push(sender) && sql_push(text);
}

static bool insert_row(struct received *r, const struct received_report *report,
                       const struct aggregate_row *row, struct str results)
{
    const struct outcome outcome = outcome_of(row, &report->head.policy);
    struct sql *s = received_sql(r, SQL_INSERT_ROW);
    sql_bind_number(s, 1, report->id);
    sql_bind_number(s, 2, r->row++);
    received_bind_address(s, 3, &row->source);
    bind_sender(s, 4, row);
    sql_bind(s, 7, results);
    sql_bind_number(s, 8, outcome_pack(&outcome));
    sql_bind_number(s, 9, row->count);
    return sql_push(s);
}

/* Nothing is waited for: a server looks the texts of its own up, and a report has thousands of
 * rows. */
bool received_put_row(struct received *r, const struct received_report *report,
                      const struct aggregate_row *row)
{
    struct arena *a = arena_new(0);
    struct str results = received_pack_results(row, a);
    if (!results.p)
        results = STR("");
    bool good = add_texts(r, row, results) && insert_row(r, report, row, results) &&
                count_selectors(r, report, row);
    arena_free(a);
    return good;
}

bool received_put_raw(struct received *r, const struct received_report *report, struct str packed)
{
    struct sql *s = received_sql(r, SQL_INSERT_RAW);
    sql_bind_number(s, 1, report->id);
    sql_bind_bytes(s, 2, packed.p, packed.n);
    return sql_push(s);
}

bool received_end(struct received *r, struct received_report *report)
{
    struct sql *s = received_sql(r, SQL_END_REPORT);
    sql_bind_number(s, 1, report->id);
    sql_bind_number(s, 2, (int64_t)report->records);
    sql_bind_number(s, 3, (int64_t)report->skipped);
    sql_bind_number(s, 4, (int64_t)report->messages);
    struct sql *seen = received_sql(r, SQL_ADD_SEEN);
    sql_bind_number(seen, 1, report->id);
    return sql_push(s) && received_count_report(r, report->id, 1) && sql_push(seen);
}

/* --- Other reports -----------------------------------------------------------------------------*/

static int find_stored(struct received *r, enum received_sql how, const void *key, size_t n)
{
    struct sql *s = received_sql(r, how);
    if (!s)
        return -1;
    sql_bind_bytes(s, 1, key, n);
    int found = sql_step(s) == SQL_ROW;
    sql_reset(s);
    return found;
}

static bool add_failures(struct received *r, const struct failure_report *report, int64_t address,
                         int64_t received)
{
    struct str name = report->domain.p ? report->domain : STR("");
    int64_t domain = received_number(r, SQL_FIND_DOMAIN, SQL_INSERT_DOMAIN, &name, 1);
    struct sql *s = domain ? received_sql(r, SQL_ADD_FAILURES) : NULL;
    sql_bind_number(s, 1, domain);
    sql_bind_number(s, 2, (report->arrival ? report->arrival : received) / DAY);
    sql_bind_number(s, 3, address);
    sql_bind_number(s, 4, report->incidents);
    return sql_run(s);
}

/* Did the report come before? Then the earlier arrival is kept; one that was removed for its age
 * does not come back. RECEIVED_NEW: it did not. */
static enum received_result find_earlier(struct received *r, enum received_sql find,
                                         enum received_sql better,
                                         const unsigned char digest[FIND_DIGEST], int64_t received)
{
    int known = find_stored(r, find, digest, FIND_DIGEST);
    if (known > 0) {
        struct sql *s = received_sql(r, better);
        sql_bind_bytes(s, 1, digest, FIND_DIGEST);
        sql_bind_number(s, 2, received);
        return sql_run(s) ? RECEIVED_KNOWN : RECEIVED_FAILED;
    }
    if (!known)
        known = find_stored(r, SQL_FIND_GONE, digest, RECEIVED_KEY);
    return known < 0 ? RECEIVED_FAILED : known ? RECEIVED_KNOWN : RECEIVED_NEW;
}

enum received_result received_put_failure(struct received *r, const struct failure_report *report,
                                          const unsigned char digest[FIND_DIGEST], int64_t received)
{
    enum received_result earlier =
        find_earlier(r, SQL_FIND_FAILURE, SQL_BETTER_FAILURE, digest, received);
    if (earlier != RECEIVED_NEW)
        return earlier;
    int64_t address = received_address_number(r, &report->source);
    struct sql *s = address ? received_sql(r, SQL_INSERT_FAILURE) : NULL;
    const struct str v[] = {report->kind,          report->alignment,     report->result,
                            report->dkim_domain,   report->dkim_selector, report->header_from,
                            report->envelope_from, report->subject};
    sql_bind_bytes(s, 1, digest, FIND_DIGEST);
    sql_bind_number(s, 2, received);
    sql_bind_number(s, 3, report->arrival);
    sql_bind(s, 4, report->reporter);
    sql_bind(s, 5, report->domain);
    sql_bind_number(s, 6, address);
    for (int i = 0; i < 8; i++)
        sql_bind(s, 7 + i, v[i]);
    sql_bind_number(s, 15, report->incidents);
    return sql_run(s) && add_failures(r, report, address, received) ? RECEIVED_NEW
                                                                    : RECEIVED_FAILED;
}

static bool put_tls_policy(struct received *r, const struct tlsrpt *report, size_t i,
                           const unsigned char *digest, int64_t received)
{
    const struct tlsrpt_policy *p =
        i < report->n ? &report->policies[i] : &(struct tlsrpt_policy){0};
    struct sql *s = received_sql(r, SQL_INSERT_TLS);
    sql_bind_bytes(s, 1, digest, FIND_DIGEST);
    sql_bind_number(s, 2, (int64_t)i);
    sql_bind_number(s, 3, received);
    sql_bind(s, 4, report->organization);
    sql_bind(s, 5, report->contact);
    sql_bind(s, 6, report->report_id);
    sql_bind_number(s, 7, report->begin);
    sql_bind_number(s, 8, report->end);
    sql_bind(s, 9, p->domain);
    sql_bind(s, 10, p->type);
    sql_bind_number(s, 11, p->successes);
    sql_bind_number(s, 12, p->failures);
    return sql_run(s);
}

enum received_result received_put_tls(struct received *r, const struct tlsrpt *report,
                                      const unsigned char digest[FIND_DIGEST], int64_t received)
{
    enum received_result earlier = find_earlier(r, SQL_FIND_TLS, SQL_BETTER_TLS, digest, received);
    if (earlier != RECEIVED_NEW)
        return earlier;
    for (size_t i = 0; i < report->n || i == 0; i++)
        if (!put_tls_policy(r, report, i, digest, received))
            return RECEIVED_FAILED;
    return RECEIVED_NEW;
}

static bool run_refusal(struct received *r, enum received_sql how,
                        const struct received_refusal *refusal)
{
    struct sql *s = received_sql(r, how);
    sql_bind_bytes(s, 1, refusal->digest, FIND_DIGEST);
    sql_bind_number(s, 2, refusal->received);
    sql_bind(s, 3, refusal->origin);
    sql_bind(s, 4, refusal->from);
    sql_bind(s, 5, refusal->subject);
    sql_bind(s, 6, refusal->what.p ? refusal->what : STR(""));
    sql_bind(s, 7, refusal->why);
    return sql_run(s);
}

enum received_result received_put_refusal(struct received *r,
                                          const struct received_refusal *refusal)
{
    if (!run_refusal(r, SQL_INSERT_REFUSAL, refusal))
        return RECEIVED_FAILED;
    if (database_changes(&r->db))
        return RECEIVED_NEW;
    return run_refusal(r, SQL_BETTER_REFUSAL, refusal) ? RECEIVED_KNOWN : RECEIVED_FAILED;
}

/* Later than the time of the label before, even within the same second. */
static int64_t time_of_label(struct received *r, const struct received_label *label)
{
    if (label->time)
        return label->time;
    struct sql *s = sql_prepare(&r->db, "SELECT time + 1 FROM label WHERE source = ?1");
    sql_bind(s, 1, label->source);
    int64_t now = time(NULL), later = sql_value(s);
    sql_end(s, SQL_DONE);
    return later > now ? later : now;
}

bool received_put_label(struct received *r, const struct received_label *label)
{
    int64_t when = time_of_label(r, label);
    struct sql *s = received_sql(r, SQL_PUT_LABEL);
    sql_bind(s, 1, label->source);
    sql_bind(s, 2, label->class.p ? label->class : STR(""));
    sql_bind(s, 3, label->title.p ? label->title : STR(""));
    sql_bind_number(s, 4, when);
    return sql_run(s);
}
