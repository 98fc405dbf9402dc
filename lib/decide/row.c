/* row.c - from evidence and verdict to rows.
 *
 * Errors: none. */
#include "decide/row.h"

#include "core/evidence.h"
#include "core/message.h"
#include "core/verdict.h"
#include "mail/domain.h"

/* --- The policy --------------------------------------------------------------------------------*/

static struct str policy_word(enum dmarc_policy policy)
{
    return str_of(dmarc_policy_name(policy));
}

static struct str alignment_word(enum dmarc_alignment alignment)
{
    return alignment == DMARC_STRICT ? STR("s") : STR("r");
}

static struct str destinations(const struct dmarc_record *r, struct arena *a)
{
    struct strbuf b;
    sb_init(&b, a);
    for (size_t i = 0; i < r->n_rua && b.n + r->rua[i].n < ROWS_RUA_MAX; i++)
        sb_printf(&b, "%s%.*s", i ? "," : "", STR_ARG(r->rua[i]));
    return sb_str(&b);
}

static struct row_policy policy_of(const struct dmarc_outcome *o, struct arena *a)
{
    const struct dmarc_record *r = &o->record;
    return (struct row_policy){
        .domain = o->record_domain,
        .p = policy_word(r->p),
        .sp = r->has_sp ? policy_word(r->sp) : STR(""),
        .np = r->has_np ? policy_word(r->np) : STR(""),
        .adkim = alignment_word(r->adkim),
        .aspf = alignment_word(r->aspf),
        .fo = r->fo,
        .testing = r->testing ? STR("y") : STR("n"),
        .discovery = str_of(dmarc_discovery_name(o->discovery)),
        .destinations = destinations(r, a),
    };
}

/* --- Signatures and SPF ------------------------------------------------------------------------*/

/* RFC 9990 3.1.3: those that say most for the author domain come first. Whether a signature of a
 * failing message would have been aligned does not matter. */
static int rank_of(const struct dkim_signature *s, const struct dmarc_outcome *o)
{
    struct str org = o->organizational_domain;
    if (s->result != DKIM_PASS)
        return 3;
    if (str_eq(s->domain, o->author_domain))
        return 0;
    return org.n && domain_is_at_or_below(s->domain, org) ? 1 : 2;
}

static void add_signatures(const struct evidence_dkim *dkim, const struct dmarc_outcome *o,
                           struct arena *a, struct row *row)
{
    struct row_signature *v = arena_array(a, struct row_signature, dkim->n);
    row->signatures = v;
    for (int rank = 0; rank <= 3; rank++)
        for (size_t i = 0; i < dkim->n && row->n_signatures < ROWS_SIGNATURES_MAX; i++) {
            const struct dkim_signature *s = &dkim->signatures[i];
            if (s->domain.n && s->selector.n && rank_of(s, o) == rank)
                v[row->n_signatures++] = (struct row_signature){
                    s->domain, s->selector, str_of(dkim_result_name(s->result))};
        }
}

/* A domain of the envelope; what is no domain name is left as it was given. */
static struct str envelope_domain(struct arena *a, struct str domain)
{
    struct str name;
    return domain_normalize(a, domain, &name) ? name : domain;
}

static void add_spf(const struct telling *t, struct row *row)
{
    const struct evidence_spf_identity *spf = &t->evidence->spf.mail_from;
    row->spf_domain = spf->checked && spf->outcome.domain.n ? spf->outcome.domain
                      : row->envelope_from.n                ? row->envelope_from
                                             : envelope_domain(t->arena, t->session->helo);
    row->spf_scope = STR("mfrom");
    row->spf_result = spf->checked ? str_of(spf_result_name(spf->outcome.result)) : STR("none");
}

/* --- A row -------------------------------------------------------------------------------------*/

/* The domain that all recipients have, or none. */
static struct str recipients_domain(const struct message *m)
{
    struct str found = STR("");
    struct mail_path to;
    for (size_t i = 0; i < m->recipients_kept; i++) {
        if (!mail_path_parse(m->recipients[i].address, &to))
            continue;
        struct str domain = envelope_domain(m->arena, to.domain);
        if (found.n && domain.n && !str_eq(found, domain))
            return STR("");
        found = domain.n ? domain : found;
    }
    return found;
}

static enum row_disposition disposition_of(const struct dmarc_outcome *o,
                                           const struct author_verdict *v)
{
    static const enum row_disposition words[] = {
        [DMARC_P_NONE] = ROW_NONE,
        [DMARC_P_QUARANTINE] = ROW_QUARANTINE,
        [DMARC_P_REJECT] = ROW_REJECT,
    };
    if (o->result == DMARC_PASS)
        return o->policy == DMARC_P_NONE ? ROW_NONE : ROW_PASS;
    return words[v->disposition];
}

static void add_reason(const struct author_verdict *v, struct arena *a, struct row *row)
{
    struct row_reason *reason = arena_make(a, struct row_reason);
    if (v->override == OVERRIDE_NONE)
        return;
    *reason = (struct row_reason){str_of(override_name(v->override)), v->comment};
    row->reasons = reason;
    row->n_reasons = 1;
}

static struct row row_of(const struct telling *t, const struct dmarc_outcome *o,
                         const struct author_verdict *v)
{
    struct row row = {
        .policy = policy_of(o, t->arena),
        .source = t->session->client,
        .header_from = o->author_domain,
        .envelope_from = envelope_domain(t->arena, t->message->from.domain),
        .envelope_to = recipients_domain(t->message),
        .disposition = disposition_of(o, v),
        .dkim_aligned = o->dkim_aligned,
        .spf_aligned = o->spf_aligned,
    };
    add_reason(v, t->arena, &row);
    add_signatures(&t->evidence->dkim, o, t->arena, &row);
    add_spf(t, &row);
    return row;
}

/* --- The account -------------------------------------------------------------------------------*/

static void add_rows(const struct telling *t, struct row_account *out)
{
    const struct evidence_dmarc *dmarc = &t->evidence->dmarc;
    struct row *rows = arena_array(t->arena, struct row, dmarc->n);
    out->rows = rows;
    for (size_t i = 0; t->verdict->authors && i < dmarc->n; i++)
        if (dmarc->outcomes[i].record_domain.n)
            rows[out->n++] = row_of(t, &dmarc->outcomes[i], &t->verdict->authors[i]);
}

/* A policy service counts what it refuses; the rest meets the milter. */
static bool row_counts(enum policy_point point, const struct telling *t)
{
    enum action action = t->verdict->action;
    bool ends_here = point == POINT_EOM && !t->message->checks;
    return t->conf->reports_record && t->message->origin == ORIGIN_INBOUND &&
           action != ACTION_TEMPFAIL && (ends_here || action == ACTION_REJECT) &&
           !t->evidence->reports.exempt;
}

void row_account(enum policy_point point, const struct telling *t, struct row_account *out)
{
    const struct evidence_dmarc *dmarc = &t->evidence->dmarc;
    const char *action = action_name(t->verdict->action);
    *out = (struct row_account){.tally = STR("")};
    if (!row_counts(point, t))
        return;
    if (point != POINT_EOM) {
        out->tally = str_printf(t->arena, "at-%s/%s", point_name(point), action);
        return;
    }
    add_rows(t, out);
    if (!out->n)
        out->tally =
            str_printf(t->arena, "%s/%s",
                       dmarc->checked ? dmarc_result_name(dmarc->result) : "unchecked", action);
}
