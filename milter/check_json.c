/* check_json.c - the account of one message for programs: the schema of assay-check(1).
 *
 * Errors: none. */
#include "core/engine.h"
#include "milter/check.h"

static void text_or_null(struct json *j, const char *name, struct str text)
{
    json_text(j, name, text.n ? text : STR_NONE);
}

static void facts(struct json *j, const struct check_case *c)
{
    char address[NETADDR_TEXT];
    json_text(j, "origin", str_of(origin_name(c->t->message.origin)));
    json_text(j, "origin_reason", c->t->message.origin_why);
    json_text(j, "client",
              c->t->session->client.family ? str_of(netaddr_format(&c->t->session->client, address))
                                           : STR_NONE);
    json_text(j, "helo", c->t->session->helo);
    json_text(j, "mail_from", c->t->message.from.whole);
    json_array(j, "assumed");
    for (size_t i = 0; i < c->n_assumed; i++)
        json_text(j, NULL, c->assumed[i]);
    json_end(j, ']');
}

static void engines(struct json *j, const struct check_case *c)
{
    const struct engines *e = c->t->snapshot->engines;
    json_text(j, "spf_engine", str_of(e->spf->name));
    json_text(j, "dkim_engine", str_of(e->dkim->name));
}

static void spf(struct json *j, const struct evidence_spf *e)
{
    const struct spf_outcome *o = &e->mail_from.outcome;
    if (!e->mail_from.checked) {
        json_text(j, "spf", STR_NONE);
        return;
    }
    json_object(j, "spf");
    json_text(j, "result", str_of(spf_result_name(o->result)));
    json_text(j, "domain", o->domain);
    text_or_null(j, "mechanism", o->mechanism);
    text_or_null(j, "problem", o->problem);
    json_end(j, '}');
}

static void dkim(struct json *j, const struct check_case *c)
{
    const struct evidence_dkim *e = &c->t->evidence.dkim;
    json_array(j, "dkim");
    for (size_t i = 0; i < e->n; i++) {
        const struct dkim_signature *s = &e->signatures[i];
        json_object(j, NULL);
        json_text(j, "result", str_of(dkim_result_name(s->result)));
        text_or_null(j, "reason", s->reason);
        text_or_null(j, "domain", s->domain);
        text_or_null(j, "selector", s->selector);
        text_or_null(j, "identity", s->identity);
        text_or_null(j, "algorithm", s->algorithm);
        json_number(j, "key_bits", s->key_bits);
        json_bool(j, "testing", s->testing);
        struct check_body body = {0};
        if (s->result == DKIM_FAIL)
            check_body(c, i, &body);
        text_or_null(j, "canonicalization", body.canonicalization);
        text_or_null(j, "body_change", body.change);
        json_end(j, '}');
    }
    json_end(j, ']');
}

static void dmarc(struct json *j, const struct evidence_dmarc *e, const struct verdict *v)
{
    if (!e->checked) {
        json_text(j, "dmarc", STR_NONE);
        return;
    }
    const struct dmarc_outcome *o = e->n ? &e->outcomes[v->author] : NULL;
    json_object(j, "dmarc");
    json_text(j, "result", str_of(dmarc_result_name(o ? o->result : e->result)));
    text_or_null(j, "reason", o ? o->reason : e->reason);
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
    text_or_null(j, "override_reason", v->override_comment);
    json_end(j, '}');
}

static void signing(struct json *j, const struct evidence_signing *e)
{
    json_array(j, "signed_with");
    for (size_t i = 0; i < e->n; i++) {
        json_object(j, NULL);
        json_text(j, "domain", e->keys[i].domain);
        json_text(j, "selector", e->keys[i].selector);
        json_end(j, '}');
    }
    json_end(j, ']');
    text_or_null(j, "signing_reason", e->problem.n ? e->problem : e->why);
    json_array(j, "signing_risks");
    for (unsigned risk = 1; e->n && risk <= e->risks; risk *= 2)
        if (e->risks & risk)
            json_text(j, NULL, str_of(dkim_risk_name(risk)));
    json_end(j, ']');
}

/* The folds of our writers are LF TAB. */
static struct str on_one_line(struct arena *a, struct str value)
{
    char *text = str_cstr(a, header_unfold(a, value));
    for (char *p = text; *p; p++)
        if (*p == '\t')
            *p = ' ';
    return str_of(text);
}

static void edits(struct json *j, const struct edit_list *list)
{
    static const char *const kinds[] = {
        [EDIT_DELETE] = "delete", [EDIT_CHANGE] = "change", [EDIT_INSERT] = "insert"};
    json_array(j, "edits");
    for (size_t i = 0; i < list->n; i++) {
        const struct edit *e = &list->v[i];
        json_object(j, NULL);
        json_text(j, "kind", str_of(kinds[e->kind]));
        json_text(j, "name", e->name);
        if (e->kind != EDIT_INSERT)
            json_number(j, "ordinal", e->ordinal);
        if (e->kind != EDIT_DELETE)
            json_text(j, "value", on_one_line(j->out.arena, e->value));
        json_end(j, '}');
    }
    json_end(j, ']');
}

static void dns(struct json *j, const struct check_case *c)
{
    json_array(j, "dns");
    for (size_t i = 0; i < c->n_own; i++) {
        const struct dns_event *e = &c->events[i];
        json_object(j, NULL);
        json_text(j, "name", e->name);
        json_text(j, "type", str_of(dns_type_name(e->type)));
        json_text(j, "status", str_of(dns_status_name(e->answer->status)));
        json_bool(j, "secure", e->answer->security == DNS_SECURE);
        json_number(j, "ttl", e->answer->ttl);
        json_array(j, "records");
        for (size_t k = 0; k < e->answer->n; k++) {
            struct strbuf data;
            sb_init(&data, c->arena);
            check_record_data(&data, e->type, &e->answer->rr[k]);
            json_text(j, NULL, sb_str(&data));
        }
        json_end(j, ']');
        json_end(j, '}');
    }
    json_end(j, ']');
}

void check_json(struct json *j, const struct check_case *c)
{
    const struct verdict *v = &c->t->verdict;
    json_object(j, NULL);
    json_text(j, "message", c->input.label);
    json_text(j, "action", str_of(action_name(v->action)));
    json_text(j, "would", str_of(action_name(v->wanted)));
    json_text(j, "cause", str_of(v->cause));
    json_text(j, "reply",
              v->code.n ? str_printf(j->out.arena, "%.*s %.*s %.*s", STR_ARG(v->code),
                                     STR_ARG(v->enhanced), STR_ARG(v->text))
                        : STR_NONE);
    facts(j, c);
    engines(j, c);
    spf(j, &c->t->evidence.spf);
    dkim(j, c);
    dmarc(j, &c->t->evidence.dmarc, v);
    if (c->reference)
        check_reference_json(j, c->reference);
    else
        json_text(j, "reference", STR_NONE);
    signing(j, &c->t->evidence.signing);
    edits(j, &c->t->edits);
    dns(j, c);
    json_end(j, '}');
}
