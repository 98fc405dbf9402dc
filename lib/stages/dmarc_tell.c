/* dmarc_tell.c - how the results of DMARC are told.
 *
 * Errors: none. */
#include "base/counters.h"
#include "core/stage.h"
#include "mail/domain.h"

/* The published policy that governs the author domain, before t=y lowers it. */
static enum dmarc_policy published(const struct dmarc_outcome *o)
{
    return o->policy_tag == 'n' ? o->record.np : o->policy_tag == 's' ? o->record.sp : o->record.p;
}

static struct str dmarc_comment(const struct dmarc_outcome *o, const struct verdict *verdict,
                                struct arena *a)
{
    if (!o->record_domain.n)
        return STR_NONE;
    struct str text = str_printf(a, "p=%s dis=%s", dmarc_policy_name(published(o)),
                                 dmarc_policy_name(verdict->disposition));
    if (verdict->override == OVERRIDE_NONE)
        return text;
    return str_printf(a, "%.*s override=%s %.*s", STR_ARG(text), override_name(verdict->override),
                      STR_ARG(verdict->override_comment));
}

static void dmarc_header(const struct telling *t, struct authres *w)
{
    const struct evidence_dmarc *dmarc = &t->evidence->dmarc;
    if (!dmarc->checked)
        return;
    const struct dmarc_outcome *o = dmarc->n ? &dmarc->outcomes[t->verdict->author] : NULL;
    enum dmarc_result result = o ? o->result : dmarc->result;
    authres_result(w, STR("dmarc"), str_of(dmarc_result_name(result)),
                   o ? dmarc_comment(o, t->verdict, t->arena) : STR_NONE);
    struct str reason = o ? o->reason : dmarc->reason;
    if (reason.n && (!o || result == DMARC_TEMPERROR || dmarc->from_problem.n))
        authres_reason(w, reason);
    if (!o)
        return;
    authres_property(w, "header.from", o->author_domain);
    if (o->record_domain.n)
        authres_property(w, "policy.dmarc", str_of(dmarc_policy_name(o->policy)));
}

static void dmarc_log(const struct telling *t, struct strbuf *b)
{
    const struct evidence_dmarc *dmarc = &t->evidence->dmarc;
    const struct verdict *verdict = t->verdict;
    if (!dmarc->checked)
        return;
    if (!dmarc->n) {
        sb_printf(b, " dmarc=%s(%.*s)", dmarc_result_name(dmarc->result),
                  STR_ARG(telling_quoted(b->arena, dmarc->reason)));
        return;
    }
    const struct dmarc_outcome *o = &dmarc->outcomes[verdict->author];
    sb_printf(b, " dmarc=%s", dmarc_result_name(o->result));
    if (o->record_domain.n)
        sb_printf(b, "(p=%s)", dmarc_policy_name(o->policy));
    sb_printf(b, " author=%.*s", STR_ARG(telling_word(b->arena, o->author_domain)));
    if (dmarc->from_problem.n)
        sb_printf(b, " from-problem=\"%.*s\"",
                  STR_ARG(telling_quoted(b->arena, dmarc->from_problem)));
    if (o->discovery != DMARC_TREEWALK)
        sb_printf(b, " discovery=%s", dmarc_discovery_name(o->discovery));
    if (verdict->override != OVERRIDE_NONE)
        sb_printf(b, " override=%s(%.*s)", override_name(verdict->override),
                  STR_ARG(verdict->override_comment));
}

static void dmarc_json(const struct telling *t, struct json *j)
{
    const struct evidence_dmarc *e = &t->evidence->dmarc;
    const struct verdict *v = t->verdict;
    if (!e->checked) {
        json_text(j, "dmarc", STR_NONE);
        return;
    }
    const struct dmarc_outcome *o = e->n ? &e->outcomes[v->author] : NULL;
    json_object(j, "dmarc");
    json_text(j, "result", str_of(dmarc_result_name(o ? o->result : e->result)));
    json_text_or_null(j, "reason", o ? o->reason : e->reason);
    json_text(j, "author_domain", o ? o->author_domain : STR_NONE);
    json_text(j, "record_domain", o && o->record_domain.n ? o->record_domain : STR_NONE);
    json_text(j, "organizational_domain",
              o && o->organizational_domain.n ? o->organizational_domain : STR_NONE);
    json_text(j, "policy",
              o && o->record_domain.n ? str_of(dmarc_policy_name(o->policy)) : STR_NONE);
    json_bool(j, "spf_aligned", o && o->spf_aligned);
    json_bool(j, "dkim_aligned", o && o->dkim_aligned);
    json_text(j, "disposition", str_of(dmarc_policy_name(v->disposition)));
    json_text(j, "override",
              v->override == OVERRIDE_NONE ? STR_NONE : str_of(override_name(v->override)));
    json_text_or_null(j, "override_reason", v->override_comment);
    json_end(j, '}');
}

/* Relaxed alignment spelled out; strict alignment is in the reason already (RFC 9989 4.10.2). */
static void misalignment(const struct telling *t, const struct dmarc_outcome *o, const char *what,
                         struct str domain, enum dmarc_alignment mode, struct strbuf *b)
{
    struct str there, here;
    if (mode != DMARC_RELAXED || t->conf->psl || !t->asker)
        return;
    struct dns_asker asker = *t->asker; /* what this asks is no part of the account */
    asker.trace = NULL;
    if (dmarc_organizational_domain(domain, &asker, &there) &&
        dmarc_organizational_domain(o->author_domain, &asker, &here))
        sb_printf(b,
                  "           %s%.*s and From %.*s have different organizational domains: "
                  "%.*s, %.*s\n",
                  what, STR_ARG(domain), STR_ARG(o->author_domain), STR_ARG(there), STR_ARG(here));
}

static void misalignments(const struct telling *t, const struct dmarc_outcome *o, struct strbuf *b)
{
    const struct evidence *e = t->evidence;
    if (o->result != DMARC_FAIL)
        return;
    if (e->spf.mail_from.checked && e->spf.mail_from.outcome.result == SPF_PASS)
        misalignment(t, o, "MAIL FROM ", e->spf.mail_from.outcome.domain, o->record.aspf, b);
    for (size_t i = 0; i < e->dkim.n; i++)
        if (e->dkim.signatures[i].result == DKIM_PASS)
            misalignment(t, o, "d=", e->dkim.signatures[i].domain, o->record.adkim, b);
}

static void outcome_text(const struct telling *t, const struct dmarc_outcome *o, struct strbuf *b)
{
    struct arena *a = t->arena;
    sb_printf(b, "  DMARC    %s for From: %.*s: %.*s\n", dmarc_result_name(o->result),
              STR_ARG(str_safe(a, o->author_domain, DOMAIN_MAX, true)), STR_ARG(o->reason));
    if (o->record_domain.n)
        sb_printf(b, "           policy %s, from the record of %.*s%s\n",
                  dmarc_policy_name(o->policy),
                  STR_ARG(str_safe(a, o->record_domain, DOMAIN_MAX, true)),
                  o->record.testing ? ", lowered by t=y" : "");
    misalignments(t, o, b);
}

static void dmarc_text(const struct telling *t, struct strbuf *b)
{
    const struct evidence_dmarc *e = &t->evidence->dmarc;
    const struct verdict *v = t->verdict;
    if (!e->checked)
        return;
    if (!e->n)
        sb_printf(b, "  DMARC    %s: %.*s\n", dmarc_result_name(e->result), STR_ARG(e->reason));
    for (size_t i = 0; i < e->n; i++)
        outcome_text(t, &e->outcomes[i], b);
    if (v->override != OVERRIDE_NONE)
        sb_printf(b, "           handled as %s instead (%.*s)\n", override_name(v->override),
                  STR_ARG(v->override_comment));
}

static void dmarc_count(const struct telling *t)
{
    static const enum counter counters[] = {
        [DMARC_NONE] = CTR_DMARC_NONE,           [DMARC_PASS] = CTR_DMARC_PASS,
        [DMARC_FAIL] = CTR_DMARC_FAIL,           [DMARC_TEMPERROR] = CTR_DMARC_TEMPERROR,
        [DMARC_PERMERROR] = CTR_DMARC_PERMERROR,
    };
    if (t->evidence->dmarc.checked)
        counter_inc(counters[t->evidence->dmarc.result]);
}

const struct stage_telling telling_dmarc = {.header = dmarc_header,
                                            .log = dmarc_log,
                                            .json = dmarc_json,
                                            .text = dmarc_text,
                                            .count = dmarc_count};
