/* check_json.c - the account of one message for programs: the schema of assay-check(1).
 *
 * Errors: none. */
#include "core/engine.h"
#include "milter/commands/check.h"

static void facts_json(struct json *j, const struct check_case *c)
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

static void engines_json(struct json *j, const struct check_case *c)
{
    const struct engines *e = c->t->snapshot->engines;
    json_text(j, "spf_engine", str_of(e->spf->name));
    json_text(j, "dkim_engine", str_of(e->dkim->name));
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

static void edits_json(struct json *j, const struct edit_list *list)
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

static void advice_json(struct json *j, const struct check_case *c)
{
    struct check_advice advice;
    check_advice(c, &advice);
    json_array(j, "advice");
    for (size_t i = 0; i < advice.n; i++) {
        json_object(j, NULL);
        json_text(j, "by", str_of(advice.v[i].by));
        json_text(j, "text", advice.v[i].text);
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
    json_text(j, "would", str_of(action_name(v->if_enforced)));
    json_text(j, "cause", str_of(v->cause));
    json_text(j, "at", str_of(point_name(c->t->point)));
    json_text(j, "reply",
              v->code.n ? str_printf(j->out.arena, "%.*s %.*s %.*s", STR_ARG(v->code),
                                     STR_ARG(v->enhanced), STR_ARG(v->text))
                        : STR_NONE);
    facts_json(j, c);
    engines_json(j, c);
    const struct telling telling = check_telling(c);
    for (const struct stage *const *s = telling.stages; *s; s++)
        if ((*s)->telling->json)
            (*s)->telling->json(&telling, j);
    if (c->reference)
        check_reference_json(j, c->reference);
    else
        json_text(j, "reference", STR_NONE);
    advice_json(j, c);
    edits_json(j, &c->t->edits);
    dns(j, c);
    json_end(j, '}');
}
