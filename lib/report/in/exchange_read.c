/* exchange_read.c - lines into the store.
 *
 * Errors: EXCHANGE_WRONG and a phrase for a line that is not of this format; EXCHANGE_FAILED if the
 * store failed. */
#include <string.h>

#include "base/jsonread.h"
#include "crypto/canon.h"
#include "report/in/exchange.h"

struct exchange {
    struct received *store;
    struct import_counts *counts;
    struct arena *arena; /* of a report */
    struct arena *line;  /* of a line */
    struct aggregate_row *row;
    struct received_report report;
    bool begun;  /* the first line was read */
    bool inside; /* a report is open, */
    bool new;    /* and was not known */
    const char *problem;
};

struct exchange *exchange_begin(struct received *store, struct import_counts *counts,
                                struct arena *a)
{
    struct exchange *x = arena_make(a, struct exchange);
    *x = (struct exchange){.store = store, .counts = counts};
    x->arena = arena_new(0);
    x->line = arena_new(0);
    x->row = arena_make(a, struct aggregate_row);
    arena_defer(a, (void (*)(void *))arena_free, x->arena);
    arena_defer(a, (void (*)(void *))arena_free, x->line);
    return x;
}

const char *exchange_problem(const struct exchange *x)
{
    return x->problem;
}

static enum exchange_result wrong(struct exchange *x, const char *problem)
{
    x->problem = problem;
    return EXCHANGE_WRONG;
}

/* --- Members -----------------------------------------------------------------------------------*/

/* The name of a member, and where its value goes. */
struct member {
    const char *name;
    enum { MEMBER_TEXT, MEMBER_NUMBER, MEMBER_COUNT, MEMBER_BOOL } type;
    void *to;
};

static void take_text(struct json_reader *r, struct arena *a, struct str *to)
{
    struct str text;
    if (json_take_text(r, &text))
        *to = str_copy(a, str_sub(text, 0, IN_FIELD_MAX));
}

static void take_count(struct json_reader *r, uint64_t *to)
{
    int64_t number;
    if (json_take_number(r, &number) && number >= 0)
        *to = (uint64_t)number;
}

static bool take_member(struct json_reader *r, struct arena *a, struct str name,
                        const struct member *members)
{
    for (; members->name; members++) {
        if (!str_eq(name, str_of(members->name)))
            continue;
        if (members->type == MEMBER_TEXT)
            take_text(r, a, members->to);
        else if (members->type == MEMBER_NUMBER)
            json_take_number(r, members->to);
        else if (members->type == MEMBER_COUNT)
            take_count(r, members->to);
        else
            json_take_bool(r, members->to);
        return true;
    }
    return false;
}

static bool take_digest(struct json_reader *r, unsigned char digest[FIND_DIGEST])
{
    struct str text, bytes = STR_NONE;
    if (json_take_text(r, &text))
        bytes = base64_decode(r->arena, text);
    if (bytes.n != FIND_DIGEST)
        return false;
    memcpy(digest, bytes.p, FIND_DIGEST);
    return true;
}

/* --- Reports -----------------------------------------------------------------------------------*/

/* A member about the reporter, the report's dates and number, or the policy that the reporter saw.
 */
static bool take_head_member(struct json_reader *r, struct arena *a, struct str name,
                             struct aggregate_head *h)
{
    struct aggregate_policy *p = &h->policy;
    const struct member members[] = {
        {"org_name", MEMBER_TEXT, &h->org_name},
        {"email", MEMBER_TEXT, &h->email},
        {"contact", MEMBER_TEXT, &h->contact},
        {"report_id", MEMBER_TEXT, &h->report_id},
        {"begin", MEMBER_NUMBER, &h->begin},
        {"end", MEMBER_NUMBER, &h->end},
        {"version", MEMBER_TEXT, &h->version},
        {"generator", MEMBER_TEXT, &h->generator},
        {"error", MEMBER_TEXT, &h->error},
        {"domain", MEMBER_TEXT, &p->domain},
        {"p", MEMBER_TEXT, &p->p},
        {"sp", MEMBER_TEXT, &p->sp},
        {"np", MEMBER_TEXT, &p->np},
        {"pct", MEMBER_TEXT, &p->pct},
        {"adkim", MEMBER_TEXT, &p->adkim},
        {"aspf", MEMBER_TEXT, &p->aspf},
        {"fo", MEMBER_TEXT, &p->fo},
        {"testing", MEMBER_TEXT, &p->testing},
        {"discovery_method", MEMBER_TEXT, &p->discovery},
        {NULL, MEMBER_TEXT, NULL},
    };
    return take_member(r, a, name, members);
}

static bool read_report(struct exchange *x, struct json_reader *r)
{
    struct received_report *report = &x->report;
    struct str name, trust = STR("none");
    bool digest = false;
    arena_reset(x->arena);
    *report = (struct received_report){0};
    const struct member members[] = {
        {"trust", MEMBER_TEXT, &trust},
        {"damaged", MEMBER_BOOL, &report->damaged},
        {"repaired", MEMBER_BOOL, &report->repaired},
        {"received", MEMBER_NUMBER, &report->received},
        {"size", MEMBER_COUNT, &report->size},
        {"skipped", MEMBER_COUNT, &report->skipped},
        {"origin", MEMBER_TEXT, &report->origin},
        {"author", MEMBER_TEXT, &report->author},
        {"other", MEMBER_BOOL, &report->other},
        {NULL, MEMBER_TEXT, NULL},
    };
    json_enter(r);
    while (json_next(r, &name))
        if (str_eq(name, STR("digest")))
            digest = take_digest(r, report->digest);
        else if (!take_head_member(r, x->arena, name, &report->head) &&
                 !take_member(r, x->arena, name, members))
            json_skip(r);
    report->other = report->other && report->author.n;
    return digest && report->head.report_id.n && trust_of_word(trust, &report->trust);
}

static enum exchange_result begin_report(struct exchange *x, struct json_reader *r)
{
    if (x->inside || !read_report(x, r) || r->problem)
        return wrong(x, "has a report that cannot be read");
    received_identify(&x->report);
    if (!received_mark(x->store))
        return EXCHANGE_FAILED;
    enum received_result result = received_put(x->store, &x->report);
    x->inside = true;
    x->new = result == RECEIVED_NEW;
    x->counts->known += result == RECEIVED_KNOWN;
    return result == RECEIVED_FAILED ? EXCHANGE_FAILED : EXCHANGE_GOES_ON;
}

static void add_result(struct aggregate_row *row, struct str kind, const struct str v[3])
{
    if (str_eq(kind, STR("r")) && row->n_reasons < IN_REASONS)
        row->reasons[row->n_reasons++] = (struct aggregate_reason){v[0], v[1]};
    else if (str_eq(kind, STR("d")) && row->n_dkim < IN_SIGNATURES)
        row->auth_dkim[row->n_dkim++] = (struct aggregate_dkim){v[0], v[1], v[2]};
    else if (str_eq(kind, STR("s")) && row->n_spf < IN_SPF_RESULTS)
        row->auth_spf[row->n_spf++] = (struct aggregate_spf){v[0], v[1], v[2]};
}

static void read_results(struct json_reader *r, struct aggregate_row *row)
{
    struct str unused, kind, v[3];
    if (json_peek(r) != JSON_ARRAY) {
        json_skip(r);
        return;
    }
    json_enter(r);
    while (json_next(r, &unused)) {
        kind = STR("");
        json_take_text(r, &kind);
        for (size_t i = 0; i < 3; i++) {
            v[i] = STR("");
            if (json_next(r, &unused))
                take_text(r, r->arena, &v[i]);
        }
        add_result(row, kind, v);
    }
}

static enum exchange_result read_row(struct exchange *x, struct json_reader *r)
{
    struct aggregate_row *row = x->row;
    struct str name, address = STR("");
    int64_t disposition = AGGREGATE_UNSAID;
    memset(row, 0, sizeof *row);
    const struct member members[] = {
        {"source_ip", MEMBER_TEXT, &address},
        {"count", MEMBER_NUMBER, &row->count},
        {"disposition", MEMBER_NUMBER, &disposition},
        {"dkim", MEMBER_BOOL, &row->dkim},
        {"spf", MEMBER_BOOL, &row->spf},
        {"header_from", MEMBER_TEXT, &row->header_from},
        {"envelope_from", MEMBER_TEXT, &row->envelope_from},
        {"envelope_to", MEMBER_TEXT, &row->envelope_to},
        {NULL, MEMBER_TEXT, NULL},
    };
    json_enter(r);
    while (json_next(r, &name))
        if (str_eq(name, STR("results")))
            read_results(r, row);
        else if (!take_member(r, x->line, name, members))
            json_skip(r);
    row->disposition = disposition < 0 || disposition > AGGREGATE_UNSAID
                           ? AGGREGATE_UNSAID
                           : (enum aggregate_disposition)disposition;
    if (!x->inside || r->problem || !netaddr_parse(address, &row->source) || row->count < 0 ||
        x->report.records == IN_ROWS_MAX)
        return wrong(x, "has a row that cannot be read");
    x->report.records++;
    x->report.messages += (uint64_t)row->count;
    return !x->new || received_put_row(x->store, &x->report, row) ? EXCHANGE_GOES_ON
                                                                  : EXCHANGE_FAILED;
}

static enum exchange_result read_raw(struct exchange *x, struct json_reader *r)
{
    struct str name, text, packed = STR_NONE;
    json_enter(r);
    while (json_next(r, &name))
        if (str_eq(name, STR("gzip")) && json_take_text(r, &text))
            packed = base64_decode(x->line, text);
        else
            json_skip(r);
    if (!x->inside || !packed.n)
        return wrong(x, "has XML that cannot be read");
    return !x->new || received_put_raw(x->store, &x->report, packed) ? EXCHANGE_GOES_ON
                                                                     : EXCHANGE_FAILED;
}

static enum exchange_result end_report(struct exchange *x)
{
    if (!x->inside)
        return wrong(x, "ends a report that never began");
    x->inside = false;
    if (x->new && !received_end(x->store, &x->report))
        return EXCHANGE_FAILED;
    if (x->new) {
        x->counts->reports++;
        x->counts->rows += x->report.records;
        x->counts->messages += x->report.messages;
    }
    return received_release(x->store) ? EXCHANGE_BETWEEN : EXCHANGE_FAILED;
}

/* --- The rest ----------------------------------------------------------------------------------*/

static enum exchange_result exchange_count(struct exchange *x, enum received_result result,
                                           size_t *new)
{
    *new += result == RECEIVED_NEW;
    x->counts->known += result == RECEIVED_KNOWN;
    return result == RECEIVED_FAILED ? EXCHANGE_FAILED : EXCHANGE_BETWEEN;
}

static enum exchange_result read_failure(struct exchange *x, struct json_reader *r)
{
    struct failure_report f = {.incidents = 1};
    struct str name, address = STR("");
    unsigned char digest[FIND_DIGEST];
    int64_t received = 0;
    bool has_digest = false;
    const struct member members[] = {
        {"received", MEMBER_NUMBER, &received},
        {"arrival", MEMBER_NUMBER, &f.arrival},
        {"incidents", MEMBER_NUMBER, &f.incidents},
        {"source_ip", MEMBER_TEXT, &address},
        {"reporter", MEMBER_TEXT, &f.reporter},
        {"domain", MEMBER_TEXT, &f.domain},
        {"kind", MEMBER_TEXT, &f.kind},
        {"alignment", MEMBER_TEXT, &f.alignment},
        {"result", MEMBER_TEXT, &f.result},
        {"dkim_domain", MEMBER_TEXT, &f.dkim_domain},
        {"dkim_selector", MEMBER_TEXT, &f.dkim_selector},
        {"header_from", MEMBER_TEXT, &f.header_from},
        {"envelope_from", MEMBER_TEXT, &f.envelope_from},
        {"subject", MEMBER_TEXT, &f.subject},
        {NULL, MEMBER_TEXT, NULL},
    };
    json_enter(r);
    while (json_next(r, &name))
        if (str_eq(name, STR("digest")))
            has_digest = take_digest(r, digest);
        else if (!take_member(r, x->line, name, members))
            json_skip(r);
    if (!has_digest || r->problem)
        return wrong(x, "has a failure report that cannot be read");
    if (!netaddr_parse(address, &f.source))
        f.source = (struct netaddr){0};
    return exchange_count(x, received_put_failure(x->store, &f, digest, received),
                          &x->counts->failures);
}

static void read_policies(struct json_reader *r, struct tlsrpt *t)
{
    struct str name;
    if (json_peek(r) != JSON_ARRAY) {
        json_skip(r);
        return;
    }
    json_enter(r);
    while (json_next(r, &name)) {
        struct tlsrpt_policy p = {0};
        const struct member members[] = {
            {"domain", MEMBER_TEXT, &p.domain},
            {"type", MEMBER_TEXT, &p.type},
            {"successes", MEMBER_NUMBER, &p.successes},
            {"failures", MEMBER_NUMBER, &p.failures},
            {NULL, MEMBER_TEXT, NULL},
        };
        if (!json_enter(r))
            return;
        while (json_next(r, &name))
            if (!take_member(r, r->arena, name, members))
                json_skip(r);
        if (t->n < TLSRPT_POLICIES_MAX)
            t->policies[t->n++] = p;
    }
}

static enum exchange_result read_tls(struct exchange *x, struct json_reader *r)
{
    struct tlsrpt *t = arena_make(x->line, struct tlsrpt);
    struct str name;
    unsigned char digest[FIND_DIGEST];
    int64_t received = 0;
    bool has_digest = false;
    const struct member members[] = {
        {"received", MEMBER_NUMBER, &received},
        {"organization", MEMBER_TEXT, &t->organization},
        {"contact", MEMBER_TEXT, &t->contact},
        {"report_id", MEMBER_TEXT, &t->report_id},
        {"begin", MEMBER_NUMBER, &t->begin},
        {"end", MEMBER_NUMBER, &t->end},
        {NULL, MEMBER_TEXT, NULL},
    };
    json_enter(r);
    while (json_next(r, &name))
        if (str_eq(name, STR("digest")))
            has_digest = take_digest(r, digest);
        else if (str_eq(name, STR("policies")))
            read_policies(r, t);
        else if (!take_member(r, x->line, name, members))
            json_skip(r);
    if (!has_digest || r->problem)
        return wrong(x, "has a TLS report that cannot be read");
    return exchange_count(x, received_put_tls(x->store, t, digest, received), &x->counts->tls);
}

static enum exchange_result read_refusal(struct exchange *x, struct json_reader *r)
{
    struct received_refusal refusal = {.what = STR("")};
    struct str name;
    bool has_digest = false;
    const struct member members[] = {
        {"received", MEMBER_NUMBER, &refusal.received},
        {"origin", MEMBER_TEXT, &refusal.origin},
        {"from", MEMBER_TEXT, &refusal.from},
        {"subject", MEMBER_TEXT, &refusal.subject},
        {"what", MEMBER_TEXT, &refusal.what},
        {"why", MEMBER_TEXT, &refusal.why},
        {NULL, MEMBER_TEXT, NULL},
    };
    json_enter(r);
    while (json_next(r, &name))
        if (str_eq(name, STR("digest")))
            has_digest = take_digest(r, refusal.digest);
        else if (!take_member(r, x->line, name, members))
            json_skip(r);
    if (!has_digest || !refusal.why.n || r->problem)
        return wrong(x, "has a refusal that cannot be read");
    enum received_result result = received_put_refusal(x->store, &refusal);
    x->counts->refused += result == RECEIVED_NEW;
    return result == RECEIVED_FAILED ? EXCHANGE_FAILED : EXCHANGE_BETWEEN;
}

static enum exchange_result read_label(struct exchange *x, struct json_reader *r)
{
    struct received_label label = {.time = 1};
    struct str name;
    const struct member members[] = {
        {"source", MEMBER_TEXT, &label.source},
        {"class", MEMBER_TEXT, &label.class},
        {"title", MEMBER_TEXT, &label.title},
        {"time", MEMBER_NUMBER, &label.time},
        {NULL, MEMBER_TEXT, NULL},
    };
    json_enter(r);
    while (json_next(r, &name))
        if (!take_member(r, x->line, name, members))
            json_skip(r);
    if (!label.source.n || label.time <= 0 || r->problem)
        return wrong(x, "has a label that cannot be read");
    return received_put_label(x->store, &label) ? EXCHANGE_BETWEEN : EXCHANGE_FAILED;
}

/* --- Lines -------------------------------------------------------------------------------------*/

static enum exchange_result take_line(struct exchange *x, struct json_reader *r, struct str kind)
{
    if (x->inside) {
        if (str_eq(kind, STR("row")))
            return read_row(x, r);
        if (str_eq(kind, STR("raw")))
            return read_raw(x, r);
        return str_eq(kind, STR("end")) ? end_report(x) : wrong(x, "breaks off within a report");
    }
    if (str_eq(kind, STR("report")))
        return begin_report(x, r);
    if (str_eq(kind, STR("failure")))
        return read_failure(x, r);
    if (str_eq(kind, STR("tls")))
        return read_tls(x, r);
    if (str_eq(kind, STR("refused")))
        return read_refusal(x, r);
    if (str_eq(kind, STR("label")))
        return read_label(x, r);
    if (str_eq(kind, STR("done")))
        return EXCHANGE_DONE;
    return EXCHANGE_BETWEEN; /* a line of a later version, which is skipped */
}

enum exchange_result exchange_line(struct exchange *x, struct str line)
{
    struct str kind;
    arena_reset(x->line);
    struct json_reader r = json_read(line, x->line);
    if (!json_enter(&r) || !json_next(&r, &kind))
        return wrong(x, "is no export of assay");
    if (x->begun)
        return json_peek(&r) == JSON_OBJECT ? take_line(x, &r, kind)
                                            : wrong(x, "has a line that cannot be read");
    int64_t version = 0;
    x->begun = str_eq(kind, STR("assay_reports")) && json_take_number(&r, &version) && version == 1;
    return x->begun ? EXCHANGE_BETWEEN : wrong(x, "is no export of assay of this version");
}

bool exchange_end(struct exchange *x)
{
    if (!x->inside)
        return true;
    x->inside = false;
    return received_back(x->store);
}
