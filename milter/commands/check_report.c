/* check_report.c - the account of one message for people.
 *
 * Errors: none. */
#include <stdio.h>

#include "core/engine.h"
#include "mail/domain.h"
#include "milter/commands/check.h"
#include "milter/commands/terminal.h"

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
    /* The names of files in somebody's mail folder are his. */
    struct str label = terminal_harmless(c->t->arena, c->input.label);
    printf("%s%.*s: %s%s", colour ? colours[v->action] : "", STR_ARG(label), check_verdict_words(v),
           colour ? "\033[0m" : "");
    if (v->code.n)
        printf("%s: %.*s %.*s %.*s", v->action == v->if_enforced ? "" : " (shadow mode; else",
               STR_ARG(v->code), STR_ARG(v->enhanced), STR_ARG(v->text));
    else if (v->text.n)
        printf(": %.*s", STR_ARG(v->text));
    printf("%s\n", v->code.n && v->action != v->if_enforced ? ")" : "");
}

static void print_facts(const struct check_case *c)
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

/* Which engine gave the results, where it is not our own. */
static void print_engines(const struct check_case *c)
{
    const struct engines *e = c->t->snapshot->engines;
    if (e->spf != engines_own.spf)
        printf("           SPF is evaluated by %s (spf.engine)\n", e->spf->name);
    if (e->dkim != engines_own.dkim)
        printf("           DKIM is evaluated by %s (dkim.engine)\n", e->dkim->name);
}

static void stages(const struct check_case *c)
{
    const struct telling telling = check_telling(c);
    struct strbuf text;
    sb_init(&text, c->arena);
    for (const struct stage *const *s = telling.stages; *s; s++)
        if ((*s)->telling->text)
            (*s)->telling->text(&telling, &text);
    fwrite(sb_str(&text).p, 1, text.n, stdout);
}

static void print_edits(const struct check_case *c)
{
    const struct edit_list *list = &c->t->edits;
    for (size_t i = 0; i < list->n; i++) {
        const struct edit *e = &list->v[i];
        if (e->kind == EDIT_DELETE)
            printf("  headers  remove %.*s %u: it has our name\n", STR_ARG(e->name), e->ordinal);
        else
            printf("  headers  %s%.*s:%.*s\n", e->kind == EDIT_CHANGE ? "rewritten: " : "",
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

static void print_advice(const struct check_case *c)
{
    struct check_advice advice;
    check_advice(c, &advice);
    for (size_t i = 0; i < advice.n; i++)
        printf("  advice   %.*s\n", STR_ARG(advice.v[i].text));
}

void check_report(const struct check_case *c, bool colour)
{
    headline(c, colour);
    print_facts(c);
    print_engines(c);
    trace(c);
    stages(c);
    if (c->reference)
        check_reference_report(c->reference);
    print_advice(c);
    records(c);
    print_edits(c);
}
