/* spf_command.c - `assay spf check`: may this client send for this domain, and why?
 *
 * Errors: exit status 64 and a line that says what is missing; those of command.c. */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/json.h"
#include "mail/address.h"
#include "milter/commands/commands.h"
#include "spf/spf.h"

/* The command's own. */
struct spf_words {
    struct netaddr ip;
    const char *from, *helo;
};

static const struct command_option spf_options[] = {
    OPTION_REQUIRED("ip", "ADDRESS", take_address, struct spf_words, ip,
                    "the client's address, IPv4 or IPv6"),
    OPTION("from", "SENDER", take_text, struct spf_words, from,
           "MAIL FROM: an address, or a domain; empty for a bounce"),
    OPTION("helo", "NAME", take_text, struct spf_words, helo,
           "what the client says in HELO; checked alone for a bounce"),
    {0},
};

/* Whom --from means: an address, a domain, or with "" or <> the host that said HELO. An address
 * without a domain leaves none. */
static void choose_sender(const char *text, struct spf_request *r)
{
    struct mail_path from;
    bool understood = mail_path_parse(str_of(*text ? text : "<>"), &from);
    bool is_domain = understood && !from.null && !from.domain.n && *text != '<';
    r->local = from.domain.n ? from.local : STR("postmaster");
    r->domain = from.null ? r->helo : is_domain ? from.local : from.domain;
}

static int make_request(const struct command *c, struct spf_request *r)
{
    const struct spf_words *w = c->own;
    const char *from = w->from ? w->from : "";
    *r = (struct spf_request){
        .client = w->ip,
        .helo = str_of(w->helo ? w->helo : ""),
        .receiver = c->conf->authserv_id,
        .now = c->now,
        .limits = spf_limits_default,
        .want_explanation = true,
        .step = c->explain && !c->json ? command_print_step : NULL,
    };
    r->limits.void_lookups = (unsigned)c->conf->spf_void_lookups;
    if (!w->from && !w->helo)
        return command_fail(c, EX_USAGE,
                            "--from is missing: an address or a domain (empty for a bounce)");
    if (!r->helo.n && (!*from || !strcmp(from, "<>")))
        return command_fail(c, EX_USAGE,
                            "a bounce (--from '') is checked by --helo, which is missing");
    choose_sender(from, r);
    return EX_OK;
}

static void print_json(struct command *c, const struct spf_request *r, const struct spf_outcome *o)
{
    char address[NETADDR_TEXT];
    struct json j;
    json_begin(&j, c->arena);
    json_text(&j, "result", str_of(spf_result_name(o->result)));
    json_text(&j, "client", str_of(netaddr_format(&r->client, address)));
    json_text(&j, "domain", o->domain);
    json_text(&j, "mechanism", o->mechanism.n ? o->mechanism : STR_NONE);
    json_text(&j, "problem", o->problem.n ? o->problem : STR_NONE);
    json_text(&j, "explanation", o->explanation);
    json_number(&j, "lookup_terms", o->lookup_terms);
    json_number(&j, "void_lookups", o->void_lookups);
    json_number(&j, "dns_queries", c->asker.queries);
    command_print_json(&j);
}

static void print_text(struct command *c, const struct spf_request *r, const struct spf_outcome *o)
{
    struct arena *a = c->arena;
    char address[NETADDR_TEXT];
    struct str domain = o->domain.n ? str_safe(a, o->domain, 255, true) : STR("no domain");
    printf("%s: %.*s and %s", spf_result_name(o->result), STR_ARG(domain),
           netaddr_format(&r->client, address));
    if (o->mechanism.n)
        printf(", decided by %.*s", STR_ARG(str_safe(a, o->mechanism, 255, false)));
    if (o->problem.n)
        printf(": %.*s", STR_ARG(o->problem));
    printf("\n");
    if (o->explanation.n)
        printf("explanation of the domain: %.*s\n",
               STR_ARG(str_safe(a, o->explanation, 500, false)));
    printf("%u of %u terms with look-ups, %u void look-ups, %u queries\n", o->lookup_terms,
           r->limits.lookup_terms, o->void_lookups, c->asker.queries);
}

static int exit_status(enum spf_result result)
{
    switch (result) {
    case SPF_PASS:
        return EX_OK;
    case SPF_PERMERROR:
        return 2;
    case SPF_TEMPERROR:
        return EX_TEMPFAIL;
    default:
        return 1;
    }
}

static int spf_check_run(struct command *c)
{
    struct spf_request request;
    struct spf_outcome outcome;
    int status = command_open(c);
    if (status == EX_OK)
        status = make_request(c, &request);
    if (status != EX_OK)
        return status;
    spf_check(&request, &c->asker, &outcome);
    if (c->json)
        print_json(c, &request, &outcome);
    else
        print_text(c, &request, &outcome);
    return exit_status(outcome.result);
}

const struct command_row spf_check_command = {
    .name = "check",
    .brief = "may this client send for this domain, and why",
    .options = spf_options,
    .common = COMMON_QUESTION | COMMON_AT,
    .size = sizeof(struct spf_words),
    .run = spf_check_run,
    .about = "Checks SPF (RFC 7208) as the milter would for a client that sends mail.",
    .status = "0 pass; 1 fail, softfail, neutral or none; 2 permerror; 75 temperror.",
};
