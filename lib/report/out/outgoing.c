/* outgoing.c - writes aggregate reports.
 *
 * Errors: false if the rows cannot be read. */
#include "report/out/outgoing.h"

#include "crypto/digest.h"
#include "report/out/gzip.h"
#include "report/words.h"
#include "report/xml.h"

#define ROW_MARGIN                                                                                 \
    4096 /* bytes of compressed data that may be under way when a report is ended                  \
          */

struct writer {
    struct xml xml;
    struct gzip *gzip;
    enum outgoing_form form;
};

struct building {
    const struct outgoing *o;
    const struct rows_period *period;
    struct arena *arena;
    size_t n; /* of the writers */
    struct writer writers[FORM_COUNT];
    outgoing_part_fn *each;
    void *context;
    struct outgoing_part part;
    bool stopped;
    uint64_t left_out;
};

struct str outgoing_submitter(const struct outgoing *o)
{
    size_t at = str_find_last(o->sender, '@');
    return str_sub(o->sender, at + 1, o->sender.n);
}

int64_t outgoing_begin(int64_t day)
{
    return day * 86400;
}

int64_t outgoing_end(int64_t day)
{
    return day * 86400 + 86399;
}

/* --- Ids ---------------------------------------------------------------------------------------*/

static void add_to_digest(struct digest *d, struct str s)
{
    digest_add(d, s.p, s.n);
    digest_put(d, 0);
}

struct str outgoing_id(const struct outgoing *o, const struct rows_period *period, int64_t number,
                       struct arena *a)
{
    const struct row_policy *p = &period->policy;
    const struct str texts[] = {
        o->secret,
        o->host,
        o->sender,
        p->domain,
        p->p,
        p->sp,
        p->np,
        p->adkim,
        p->aspf,
        p->fo,
        p->testing,
        p->discovery,
        p->destinations,
        str_printf(a, "%lld %lld", (long long)period->day, (long long)number)};
    unsigned char bytes[DIGEST_SIZE];
    struct digest d;
    struct strbuf b;
    digest_init(&d, a, UINT64_MAX);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        add_to_digest(&d, texts[i]);
    digest_finish(&d, bytes);
    sb_init(&b, a);
    for (size_t i = 0; i < OUTGOING_ID / 2; i++)
        sb_printf(&b, "%02x", bytes[i]);
    return sb_str(&b);
}

/* --- The head ----------------------------------------------------------------------------------*/

static void write_metadata(const struct building *b, struct xml *x)
{
    xml_open(x, "report_metadata", NULL);
    xml_text(x, "org_name", b->o->org_name);
    xml_text(x, "email", b->o->email);
    xml_text(x, "report_id", b->part.report_id);
    xml_open(x, "date_range", NULL);
    xml_number(x, "begin", outgoing_begin(b->period->day));
    xml_number(x, "end", outgoing_end(b->period->day));
    xml_close(x, "date_range");
    xml_text(x, "generator", STR("assay " ASSAY_VERSION));
    xml_close(x, "report_metadata");
}

/* Tags that the record does not have get their defaults; np, which readers for RFC 7489 do not
 * know, is written only if it was published. */
static void write_policy(const struct row_policy *p, struct xml *x)
{
    struct str policy = report_word(WORDS_POLICY, p->p, STR("none"));
    xml_open(x, "policy_published", NULL);
    xml_text(x, "domain", p->domain);
    xml_text(x, "adkim", report_word(WORDS_ALIGNMENT, p->adkim, STR("r")));
    xml_text(x, "aspf", report_word(WORDS_ALIGNMENT, p->aspf, STR("r")));
    xml_text(x, "p", policy);
    xml_text(x, "sp", report_word(WORDS_POLICY, p->sp, policy));
    xml_text(x, "fo", p->fo.n ? p->fo : STR("0"));
    xml_text(x, "np", report_word(WORDS_POLICY, p->np, STR("")));
    xml_text(x, "testing", report_word(WORDS_TESTING, p->testing, STR("")));
    xml_text(x, "discovery_method", report_word(WORDS_DISCOVERY, p->discovery, STR("")));
    xml_close(x, "policy_published");
}

/* --- A record ----------------------------------------------------------------------------------*/

static struct str disposition_word(enum row_disposition d, enum outgoing_form form)
{
    static const struct str words[] = {
        [ROW_NONE] = STR_INIT("none"),
        [ROW_PASS] = STR_INIT("pass"),
        [ROW_QUARANTINE] = STR_INIT("quarantine"),
        [ROW_REJECT] = STR_INIT("reject"),
    };
    return form == FORM_LEGACY && d == ROW_PASS ? words[ROW_NONE] : words[d];
}

static struct str pass_or_fail(bool pass)
{
    return pass ? STR("pass") : STR("fail");
}

static void write_reason(const struct row_reason *r, struct xml *x)
{
    xml_open(x, "reason", NULL);
    xml_text(x, "type", report_word(WORDS_REASON, r->type, STR("other")));
    xml_text(x, "comment", r->comment);
    xml_close(x, "reason");
}

static void write_row(const struct row *row, uint64_t messages, enum outgoing_form form,
                      struct xml *x)
{
    char address[NETADDR_TEXT];
    xml_open(x, "row", NULL);
    xml_text(x, "source_ip", str_of(netaddr_format(&row->source, address)));
    xml_number(x, "count", (int64_t)messages);
    xml_open(x, "policy_evaluated", NULL);
    xml_text(x, "disposition", disposition_word(row->disposition, form));
    xml_text(x, "dkim", pass_or_fail(row->dkim_aligned));
    xml_text(x, "spf", pass_or_fail(row->spf_aligned));
    for (size_t i = 0; i < row->n_reasons; i++)
        write_reason(&row->reasons[i], x);
    xml_close(x, "policy_evaluated");
    xml_close(x, "row");
}

static void write_identifiers(const struct row *row, struct xml *x)
{
    xml_open(x, "identifiers", NULL);
    xml_text(x, "envelope_to", row->envelope_to);
    xml_text_or_empty(x, "envelope_from", row->envelope_from);
    xml_text_or_empty(x, "header_from", row->header_from);
    xml_close(x, "identifiers");
}

static void write_signature(const struct row_signature *s, struct xml *x)
{
    if (!s->domain.n || !s->selector.n)
        return;
    xml_open(x, "dkim", NULL);
    xml_text(x, "domain", s->domain);
    xml_text(x, "selector", s->selector);
    xml_text(x, "result", report_word(WORDS_DKIM, s->result, STR("none")));
    xml_close(x, "dkim");
}

/* Some readers lose a report without this element. If SPF had no domain, it gets that of From, with
 * the result none. */
static void write_spf(const struct row *row, struct xml *x)
{
    bool known = row->spf_domain.n > 0;
    xml_open(x, "spf", NULL);
    xml_text(x, "domain", known ? row->spf_domain : row->header_from);
    xml_text(x, "scope", STR("mfrom"));
    xml_text(x, "result",
             known ? report_word(WORDS_SPF, row->spf_result, STR("none")) : STR("none"));
    xml_close(x, "spf");
}

static void write_record(const struct row *row, uint64_t messages, enum outgoing_form form,
                         struct xml *x)
{
    xml_open(x, "record", NULL);
    write_row(row, messages, form, x);
    write_identifiers(row, x);
    xml_open(x, "auth_results", NULL);
    for (size_t i = 0; i < row->n_signatures && i < ROWS_SIGNATURES_MAX; i++)
        write_signature(&row->signatures[i], x);
    write_spf(row, x);
    xml_close(x, "auth_results");
    xml_close(x, "record");
}

/* --- Parts -------------------------------------------------------------------------------------*/

static void add_to_gzip(void *gzip, struct str piece)
{
    gzip_add(gzip, piece);
}

static void begin_part(struct building *b)
{
    static const char namespace[] = "xmlns=\"urn:ietf:params:xml:ns:dmarc-2.0\"";
    b->part = (struct outgoing_part){.number = b->part.number + 1};
    b->part.report_id = outgoing_id(b->o, b->period, b->part.number, b->arena);
    for (size_t i = 0; i < b->n; i++) {
        struct xml *x = &b->writers[i].xml;
        xml_begin(x);
        xml_open(x, "feedback", b->writers[i].form == FORM_LEGACY ? NULL : namespace);
        xml_text(x, "version", STR("1.0"));
        write_metadata(b, x);
        write_policy(&b->period->policy, x);
    }
}

static void end_part(struct building *b)
{
    for (size_t i = 0; i < b->n; i++) {
        struct writer *w = &b->writers[i];
        xml_close(&w->xml, "feedback");
        b->part.gz[w->form] = gzip_finish(w->gzip);
    }
    b->stopped = !b->each(b->context, &b->part);
    for (size_t i = 0; i < b->n; i++)
        gzip_begin_again(b->writers[i].gzip);
    b->part.rows = 0;
}

static bool is_full(const struct building *b)
{
    for (size_t i = 0; i < b->n; i++)
        if (gzip_taken(b->writers[i].gzip) >= b->o->xml_bytes ||
            gzip_given(b->writers[i].gzip) + ROW_MARGIN >= b->o->gz_bytes)
            return true;
    return false;
}

static bool add_row(void *building, const struct row *row, uint64_t messages)
{
    struct building *b = building;
    if (!row->source.family || !row->header_from.n) {
        b->left_out++;
        return true;
    }
    if (b->part.rows && is_full(b))
        end_part(b);
    if (b->stopped)
        return false;
    if (!b->part.rows)
        begin_part(b);
    for (size_t i = 0; i < b->n; i++)
        write_record(row, messages, b->writers[i].form, &b->writers[i].xml);
    b->part.rows++;
    b->part.messages += messages;
    return true;
}

static void begin_writers(struct building *b, unsigned forms)
{
    for (unsigned form = 0; form < FORM_COUNT; form++)
        if (forms & 1U << form) {
            struct writer *w = &b->writers[b->n++];
            w->form = (enum outgoing_form)form;
            w->gzip = gzip_new();
            w->xml = (struct xml){.context = w->gzip, .write = add_to_gzip};
        }
}

bool outgoing_build(const struct outgoing *o, struct rows_reader *reader,
                    const struct rows_period *period, unsigned forms, outgoing_part_fn *each,
                    void *context, uint64_t *left_out)
{
    struct building b = {
        .o = o, .period = period, .arena = arena_new(0), .each = each, .context = context};
    begin_writers(&b, forms);
    bool good = rows_read(reader, period, add_row, &b);
    if (good && b.part.rows && !b.stopped)
        end_part(&b);
    for (size_t i = 0; i < b.n; i++)
        gzip_free(b.writers[i].gzip);
    arena_free(b.arena);
    *left_out = b.left_out;
    return good;
}
