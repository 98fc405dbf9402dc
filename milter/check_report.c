/* check_report.c - the account of one message for people.
 *
 * Errors: none. */
#include <stdio.h>

#include "core/engine.h"
#include "mail/domain.h"
#include "milter/check.h"

#define SHOWN 400 /* bytes of a text from the network */

static const char *const action_words[ACTION_COUNT] = {
    [ACTION_ACCEPT] = "delivered",       [ACTION_TAG] = "delivered, tagged",
    [ACTION_QUARANTINE] = "quarantined", [ACTION_TEMPFAIL] = "asked to come again",
    [ACTION_REJECT] = "rejected",
};

const char *check_verdict_words(const struct verdict *verdict)
{
    return action_words[verdict->action];
}

static void headline(const struct check_case *c, bool colour)
{
    static const char *const colours[ACTION_COUNT] = {
        [ACTION_ACCEPT] = "\033[1;32m",     [ACTION_TAG] = "\033[1;33m",
        [ACTION_QUARANTINE] = "\033[1;33m", [ACTION_TEMPFAIL] = "\033[1;35m",
        [ACTION_REJECT] = "\033[1;31m",
    };
    const struct verdict *v = &c->t->verdict;
    printf("%s%.*s: %s%s", colour ? colours[v->action] : "", STR_ARG(c->input.label),
           check_verdict_words(v), colour ? "\033[0m" : "");
    if (v->code.n)
        printf("%s: %.*s %.*s %.*s", v->action == v->wanted ? "" : " (shadow mode; else",
               STR_ARG(v->code), STR_ARG(v->enhanced), STR_ARG(v->text));
    else if (v->text.n)
        printf(": %.*s", STR_ARG(v->text));
    printf("%s\n", v->code.n && v->action != v->wanted ? ")" : "");
}

static void facts(const struct check_case *c)
{
    char address[NETADDR_TEXT];
    const struct message *m = &c->t->message;
    struct arena *a = c->arena;
    printf("  facts    origin %s: %.*s\n", origin_name(m->origin), STR_ARG(m->origin_why));
    printf("           client %s, HELO %.*s, MAIL FROM <%.*s>\n",
           netaddr_format(&c->t->session->client, address),
           STR_ARG(str_safe(a, c->t->session->helo, SHOWN, true)),
           STR_ARG(str_safe(a, m->from.whole, SHOWN, true)));
    for (size_t i = 0; i < c->n_assumed; i++)
        printf("           assumed: %.*s\n", STR_ARG(c->assumed[i]));
}

/* Whose results these are, where they are not our own. */
static void engines(const struct check_case *c)
{
    const struct engines *e = c->t->snapshot->engines;
    if (e->spf != engines_own.spf)
        printf("           SPF is evaluated by %s (spf.engine)\n", e->spf->name);
    if (e->dkim != engines_own.dkim)
        printf("           DKIM is evaluated by %s (dkim.engine)\n", e->dkim->name);
}

static void spf(const struct check_case *c)
{
    const struct evidence_spf *e = &c->t->evidence.spf;
    const struct spf_outcome *o = &e->mail_from.outcome;
    struct arena *a = c->arena;
    if (!e->mail_from.checked) {
        if (e->skipped.n)
            printf("  SPF      not checked: %.*s\n", STR_ARG(e->skipped));
        return;
    }
    printf("  SPF      %s", spf_result_name(o->result));
    if (o->domain.n)
        printf(" for %.*s", STR_ARG(str_safe(a, o->domain, DOMAIN_MAX, true)));
    if (o->mechanism.n)
        printf(", by %.*s", STR_ARG(str_safe(a, o->mechanism, SHOWN, false)));
    if (o->problem.n)
        printf(": %.*s", STR_ARG(o->problem));
    printf("\n");
    if (e->helo.checked)
        printf("           %s for HELO\n", spf_result_name(e->helo.outcome.result));
}

static void body_of(const struct check_case *c, size_t index)
{
    struct check_body body;
    check_body(c, index, &body);
    if (!body.differs)
        return;
    printf("           the body was signed with c=%.*s; %.*s\n", STR_ARG(body.canonicalization),
           STR_ARG(body.change.n ? body.change
                                 : STR("no footer, transfer encoding, quoting or white space "
                                       "explains the difference")));
}

static void signature(const struct check_case *c, size_t index)
{
    const struct dkim_signature *s = &c->t->evidence.dkim.signatures[index];
    struct arena *a = c->arena;
    printf("  DKIM     %s d=%.*s s=%.*s %.*s", dkim_result_name(s->result),
           STR_ARG(str_safe(a, s->domain, DOMAIN_MAX, true)),
           STR_ARG(str_safe(a, s->selector, DOMAIN_MAX, true)),
           STR_ARG(str_safe(a, s->algorithm, 40, true)));
    if (s->key_bits)
        printf(", key of %u bits%s", s->key_bits, s->testing ? " in testing mode" : "");
    if (s->reason.n)
        printf(": %.*s", STR_ARG(s->reason));
    printf("\n");
    if (s->result == DKIM_FAIL)
        body_of(c, index);
}

static void dkim(const struct check_case *c)
{
    const struct evidence_dkim *e = &c->t->evidence.dkim;
    if (e->checked && !e->n)
        printf("  DKIM     no signature\n");
    for (size_t i = 0; i < e->n; i++)
        signature(c, i);
    if (e->skipped)
        printf("           %zu older signatures were not evaluated (dkim.max-signatures)\n",
               e->skipped);
}

/* Relaxed alignment spelled out; strict alignment is in the reason already (RFC 9989 4.10.2). */
static void misalignment(const struct check_case *c, const struct dmarc_outcome *o,
                         const char *what, struct str domain, enum dmarc_alignment mode)
{
    struct dns_asker asker = c->t->asker; /* what this asks is no part of the account */
    struct str there, here;
    asker.trace = NULL;
    if (mode == DMARC_RELAXED && !c->t->snapshot->conf->psl &&
        dmarc_organizational_domain(domain, &asker, &there) &&
        dmarc_organizational_domain(o->author_domain, &asker, &here))
        printf("           %s%.*s and From %.*s have different organizational domains: "
               "%.*s, %.*s\n",
               what, STR_ARG(domain), STR_ARG(o->author_domain), STR_ARG(there), STR_ARG(here));
}

static void misalignments(const struct check_case *c, const struct dmarc_outcome *o)
{
    const struct evidence *e = &c->t->evidence;
    if (o->result != DMARC_FAIL)
        return;
    if (e->spf.mail_from.checked && e->spf.mail_from.outcome.result == SPF_PASS)
        misalignment(c, o, "MAIL FROM ", e->spf.mail_from.outcome.domain, o->record.aspf);
    for (size_t i = 0; i < e->dkim.n; i++)
        if (e->dkim.signatures[i].result == DKIM_PASS)
            misalignment(c, o, "d=", e->dkim.signatures[i].domain, o->record.adkim);
}

static void dmarc_outcome(const struct check_case *c, const struct dmarc_outcome *o)
{
    struct arena *a = c->arena;
    printf("  DMARC    %s for From: %.*s: %.*s\n", dmarc_result_name(o->result),
           STR_ARG(str_safe(a, o->author_domain, DOMAIN_MAX, true)), STR_ARG(o->reason));
    if (o->record_domain.n)
        printf("           policy %s, from the record of %.*s%s\n", dmarc_policy_name(o->policy),
               STR_ARG(str_safe(a, o->record_domain, DOMAIN_MAX, true)),
               o->record.testing ? ", lowered by t=y" : "");
    misalignments(c, o);
}

static void dmarc(const struct check_case *c)
{
    const struct evidence_dmarc *e = &c->t->evidence.dmarc;
    const struct verdict *v = &c->t->verdict;
    if (!e->checked)
        return;
    if (!e->n)
        printf("  DMARC    %s: %.*s\n", dmarc_result_name(e->result), STR_ARG(e->reason));
    for (size_t i = 0; i < e->n; i++)
        dmarc_outcome(c, &e->outcomes[i]);
    if (v->override != OVERRIDE_NONE)
        printf("           handled as %s instead (%.*s)\n", override_name(v->override),
               STR_ARG(v->override_comment));
}

static void signing(const struct check_case *c)
{
    const struct evidence_signing *e = &c->t->evidence.signing;
    if (!e->tried)
        return;
    if (e->problem.n || !e->n)
        printf("  signing  not signed: %.*s\n", STR_ARG(e->problem.n ? e->problem : e->why));
    for (size_t i = 0; i < e->n; i++)
        printf("  signing  d=%.*s s=%.*s: %.*s\n", STR_ARG(e->keys[i].domain),
               STR_ARG(e->keys[i].selector), STR_ARG(e->why));
    for (unsigned risk = 1; e->n && risk <= e->risks; risk *= 2)
        if (e->risks & risk)
            printf("  signing  risk: %s\n", dkim_risk_name(risk));
}

static void edits(const struct check_case *c)
{
    const struct edit_list *list = &c->t->edits;
    for (size_t i = 0; i < list->n; i++) {
        const struct edit *e = &list->v[i];
        if (e->kind == EDIT_DELETE)
            printf("  headers  remove %.*s %u: it speaks in our name\n", STR_ARG(e->name),
                   e->ordinal);
        else
            printf("  headers  %s%.*s:%.*s\n", e->kind == EDIT_CHANGE ? "written anew: " : "",
                   STR_ARG(e->name), STR_ARG(e->value));
    }
}

static bool told_before(const struct check_case *c, size_t index)
{
    const struct dns_event *e = &c->events[index];
    for (size_t i = 0; i < index; i++)
        if (c->events[i].type == e->type && str_eq_nocase(c->events[i].name, e->name))
            return true;
    return false;
}

/* What the verdict rests on. */
static void records(const struct check_case *c)
{
    struct arena *a = c->arena;
    for (size_t i = 0; i < c->n_own; i++) {
        const struct dns_event *e = &c->events[i];
        bool answered = e->answer->status == DNS_ANSWER && !told_before(c, i);
        for (size_t k = 0; answered && k < e->answer->n; k++) {
            struct strbuf data;
            sb_init(&data, a);
            check_record_data(&data, e->type, &e->answer->rr[k]);
            printf("  record   %.*s %s %.*s\n", STR_ARG(str_safe(a, e->name, DOMAIN_MAX, false)),
                   dns_type_name(e->type), STR_ARG(str_safe(a, sb_str(&data), SHOWN, false)));
        }
    }
}

static void trace(const struct check_case *c)
{
    for (size_t i = 0; c->trace && i < c->n_own; i++) {
        const struct dns_event *e = &c->events[i];
        printf("  DNS      %s %.*s: %s", dns_type_name(e->type),
               STR_ARG(str_safe(c->arena, e->name, DOMAIN_MAX, false)),
               dns_status_name(e->answer->status));
        if (e->answer->status == DNS_ANSWER)
            printf(", %zu record%s, TTL %u", e->answer->n, e->answer->n == 1 ? "" : "s",
                   e->answer->ttl);
        printf(", %lld ms%s\n", (long long)(e->waited_us / 1000), e->from_cache ? " (known)" : "");
    }
}

void check_report(const struct check_case *c, bool colour)
{
    headline(c, colour);
    facts(c);
    engines(c);
    trace(c);
    spf(c);
    dkim(c);
    dmarc(c);
    if (c->reference)
        check_reference_report(c->reference);
    signing(c);
    records(c);
    edits(c);
}
