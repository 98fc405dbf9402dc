/* dmarc_command.c - `assay dmarc check`: what does a domain ask for, and what would its mail get?
 *
 * Errors: exit status 64 and a line that says what is missing; those of command.c. */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/json.h"
#include "mail/domain.h"
#include "milter/commands/commands.h"
#include "milter/commands/dmarc_advice.h"

#define IDS_MAX      16
#define RECORD_SHOWN 2000 /* bytes */

/* The command's own. */
struct dmarc_words {
    struct dmarc_ids {
        size_t n;
        struct dmarc_identifier v[IDS_MAX];
    } ids; /* what passed */
    struct str domain;
};

static const char *domain_problem(struct command *c, const char *text, struct str *out)
{
    return conf_domain_problem(c->arena, str_of(text), CONF_DOMAIN_NAMED, out);
}

static const char *take_identifier(struct command *c, const char *text, struct dmarc_ids *ids,
                                   bool spf)
{
    if (ids->n == IDS_MAX)
        return "is one domain too many: 16 are asked about at once";
    struct dmarc_identifier *id = &ids->v[ids->n];
    const char *problem = domain_problem(c, text, &id->domain);
    id->auth = DMARC_AUTH_PASS;
    id->spf = spf;
    ids->n += !problem;
    return problem;
}

static const char *take_spf(struct command *c, const char *text, void *to)
{
    return take_identifier(c, text, to, true);
}

static const char *take_dkim(struct command *c, const char *text, void *to)
{
    return take_identifier(c, text, to, false);
}

static const struct command_option dmarc_options[] = {
    OPTION("spf", "DOMAIN", take_spf, struct dmarc_words, ids,
           "SPF passed for this MAIL FROM domain"),
    OPTION("dkim", "DOMAIN", take_dkim, struct dmarc_words, ids,
           "a signature with this d= passed; may be given again"),
    {0},
};

static const char *tag_words(char tag)
{
    return tag == 'n' ? "np" : tag == 's' ? "sp" : "p";
}

static void print_text(const struct command *c, const struct dmarc_outcome *o,
                       const struct advice *tips)
{
    const struct dmarc_words *w = c->own;
    struct arena *a = c->arena;
    if (o->record_domain.n) {
        printf("policy for From: %.*s is %s (%s= of _dmarc.%.*s)\n", STR_ARG(w->domain),
               dmarc_policy_name(o->policy), tag_words(o->policy_tag),
               STR_ARG(str_safe(a, o->record_domain, DOMAIN_MAX, false)));
        printf("record: %.*s\n", STR_ARG(str_safe(a, tips->record, RECORD_SHOWN, false)));
        if (o->organizational_domain.n)
            printf("organizational domain: %.*s\n", STR_ARG(o->organizational_domain));
        printf("alignment: SPF %s, DKIM %s\n",
               o->record.aspf == DMARC_STRICT ? "strict" : "relaxed",
               o->record.adkim == DMARC_STRICT ? "strict" : "relaxed");
    }
    if (o->discovery != DMARC_TREEWALK)
        printf("discovery: %s\n", dmarc_discovery_name(o->discovery));
    if (w->ids.n || !o->record_domain.n)
        printf("%s: %.*s\n", dmarc_result_name(o->result), STR_ARG(o->reason));
    for (size_t i = 0; i < tips->n; i++)
        printf("advice: %.*s\n", STR_ARG(tips->v[i]));
    printf("%u look-ups, %u queries\n", o->queries, c->asker.queries);
}

static void print_json(const struct command *c, const struct dmarc_outcome *o,
                       const struct advice *tips)
{
    const struct dmarc_words *w = c->own;
    bool found = o->record_domain.n > 0;
    struct json j;
    json_begin(&j, c->arena);
    json_text(&j, "author_domain", w->domain);
    json_text(&j, "result", w->ids.n || !found ? str_of(dmarc_result_name(o->result)) : STR_NONE);
    json_text(&j, "reason", o->reason);
    json_text(&j, "record_domain", found ? o->record_domain : STR_NONE);
    json_text(&j, "record", found ? tips->record : STR_NONE);
    json_text(&j, "organizational_domain",
              o->organizational_domain.n ? o->organizational_domain : STR_NONE);
    json_text(&j, "discovery_method", str_of(dmarc_discovery_name(o->discovery)));
    json_text(&j, "policy", found ? str_of(dmarc_policy_name(o->policy)) : STR_NONE);
    json_text(&j, "policy_tag", found ? str_of(tag_words(o->policy_tag)) : STR_NONE);
    json_bool(&j, "testing", o->record.testing);
    json_text(&j, "aspf", str_of(o->record.aspf == DMARC_STRICT ? "strict" : "relaxed"));
    json_text(&j, "adkim", str_of(o->record.adkim == DMARC_STRICT ? "strict" : "relaxed"));
    json_array(&j, "rua");
    for (size_t i = 0; i < o->record.n_rua; i++)
        json_text(&j, NULL, o->record.rua[i]);
    json_end(&j, ']');
    json_array(&j, "advice");
    for (size_t i = 0; i < tips->n; i++)
        json_text(&j, NULL, tips->v[i]);
    json_end(&j, ']');
    json_number(&j, "look_ups", o->queries);
    json_number(&j, "dns_queries", c->asker.queries);
    command_print_json(&j);
}

static int exit_status(const struct dmarc_words *w, const struct dmarc_outcome *o)
{
    if (o->result == DMARC_TEMPERROR)
        return EX_TEMPFAIL;
    return w->ids.n ? o->result != DMARC_PASS : !o->record_domain.n;
}

static int dmarc_check(struct command *c)
{
    struct dmarc_words *w = c->own;
    struct dmarc_request request = {
        .ids = w->ids.v,
        .n_ids = w->ids.n,
        .step = c->explain && !c->json ? command_print_step : NULL,
    };
    struct dmarc_outcome outcome;
    struct advice tips;
    const char *problem = domain_problem(c, c->words[0], &w->domain);
    if (problem)
        return command_fail(c, EX_USAGE, "DOMAIN: \"%.*s\" %s",
                            STR_ARG(str_safe(c->arena, str_of(c->words[0]), DOMAIN_MAX, true)),
                            problem);
    int status = command_open(c);
    if (status != EX_OK)
        return status;
    request.author_domain = w->domain;
    request.psl = c->conf->psl;
    dmarc_evaluate(&request, &c->asker, &outcome);
    dmarc_advise(&outcome, &c->asker, &tips);
    if (c->json)
        print_json(c, &outcome, &tips);
    else
        print_text(c, &outcome, &tips);
    return exit_status(w, &outcome);
}

const struct command_row dmarc_check_command = {
    .name = "check",
    .brief = "what does a domain ask for, and what would its mail get",
    .words = "DOMAIN",
    .options = dmarc_options,
    .common = COMMON_QUESTION,
    .size = sizeof(struct dmarc_words),
    .run = dmarc_check,
    .about =
        "Finds the DMARC policy (RFC 9989) for mail with DOMAIN in From, says what a message would "
        "get that passed SPF or DKIM for the domains given, and what could be better in the "
        "record.",
    .status =
        "0 a policy applies (with --spf or --dkim: pass); 1 none applies (or: fail); 75 it cannot "
        "be known now.",
};
