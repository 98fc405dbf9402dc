/* spf_command.c - `assay spf check`: may this client send for this domain, and why?
 *
 * Errors: exit status 64 and a line that says what is missing; those of ask.c. */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "base/json.h"
#include "mail/address.h"
#include "milter/commands/ask.h"
#include "milter/commands/commands.h"
#include "spf/spf.h"

static const char usage[] =
    "usage: assay spf check --ip ADDRESS --from SENDER [--helo NAME] [OPTION...]\n"
    "\n"
    "Checks SPF (RFC 7208) as the milter would for a client that sends mail.\n"
    "\n"
    "      --ip ADDRESS    the client's address, IPv4 or IPv6\n"
    "      --from SENDER   MAIL FROM: an address, or a domain; empty for a bounce\n"
    "      --helo NAME     what the client says in HELO; checked alone for a bounce\n" ASK_HELP "\n"
    "Exit status: 0 pass; 1 fail, softfail, neutral or none; 2 permerror; 75 temperror.\n";

enum { OPT_IP = 256, OPT_FROM, OPT_HELO };

struct words {
    const char *ip, *from, *helo;
};

/* Exit status 0 and *help false: go on. */
static int read_words(struct ask *ask, int argc, char **argv, struct words *w, bool *help)
{
    static const struct option options[] = {{"ip", required_argument, NULL, OPT_IP},
                                            {"from", required_argument, NULL, OPT_FROM},
                                            {"helo", required_argument, NULL, OPT_HELO},
                                            ASK_OPTIONS,
                                            {0}};
    int c;
    optind = 0; /* glibc: begin anew */
    while ((c = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        if (c == OPT_IP)
            w->ip = optarg;
        else if (c == OPT_FROM)
            w->from = optarg;
        else if (c == OPT_HELO)
            w->helo = optarg;
        else if (c == 'h')
            *help = true;
        else if (!ask_option(ask, c, optarg))
            return EX_USAGE;
    }
    return optind == argc ? EX_OK : EX_USAGE;
}

static int wrong(const struct ask *ask, const char *why)
{
    fprintf(stderr, "%s: %s\n", ask->command, why);
    return EX_USAGE;
}

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

static int make_request(struct ask *ask, const struct words *w, struct spf_request *r)
{
    const char *from = w->from ? w->from : "";
    *r = (struct spf_request){
        .helo = str_of(w->helo ? w->helo : ""),
        .receiver = ask->conf->authserv_id,
        .now = time(NULL),
        .limits = spf_limits_default,
        .want_explanation = true,
        .step = ask->explain && !ask->json ? ask_print_step : NULL,
    };
    r->limits.void_lookups = (unsigned)ask->conf->spf_void_lookups;
    if (!w->ip || !netaddr_parse(str_of(w->ip), &r->client))
        return wrong(ask, "--ip wants the client's address, such as 192.0.2.1 or 2001:db8::1");
    if (!w->from && !w->helo)
        return wrong(ask, "--from is missing: an address or a domain (empty for a bounce)");
    if (!r->helo.n && (!*from || !strcmp(from, "<>")))
        return wrong(ask, "a bounce (--from '') is checked by --helo, which is missing");
    choose_sender(from, r);
    return EX_OK;
}

static void print_json(struct ask *ask, const struct spf_request *r, const struct spf_outcome *o)
{
    char address[NETADDR_TEXT];
    struct json j;
    json_begin(&j, ask->arena);
    json_text(&j, "result", str_of(spf_result_name(o->result)));
    json_text(&j, "client", str_of(netaddr_format(&r->client, address)));
    json_text(&j, "domain", o->domain);
    json_text(&j, "mechanism", o->mechanism.n ? o->mechanism : STR_NONE);
    json_text(&j, "problem", o->problem.n ? o->problem : STR_NONE);
    json_text(&j, "explanation", o->explanation);
    json_number(&j, "lookup_terms", o->lookup_terms);
    json_number(&j, "void_lookups", o->void_lookups);
    json_number(&j, "dns_queries", ask->asker.queries);
    json_end(&j, '}');
    struct str text = json_str(&j);
    fwrite(text.p, 1, text.n, stdout);
}

static void print(struct ask *ask, const struct spf_request *r, const struct spf_outcome *o)
{
    struct arena *a = ask->arena;
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
           r->limits.lookup_terms, o->void_lookups, ask->asker.queries);
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

static int check(struct ask *ask, const struct words *w)
{
    struct spf_request request;
    struct spf_outcome outcome;
    int status = ask_open(ask);
    if (status == EX_OK)
        status = make_request(ask, w, &request);
    if (status != EX_OK)
        return status;
    spf_check(&request, &ask->asker, &outcome);
    if (ask->json)
        print_json(ask, &request, &outcome);
    else
        print(ask, &request, &outcome);
    return exit_status(outcome.result);
}

int command_spf(int argc, char **argv)
{
    struct words words = {0};
    bool help = argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"));
    if (argc < 2 || strcmp(argv[1], "check") != 0) {
        fputs(usage, help ? stdout : stderr);
        return help ? EX_OK : EX_USAGE;
    }
    struct ask ask = {.arena = arena_new(0), .command = "assay spf check"};
    int status = read_words(&ask, argc - 1, argv + 1, &words, &help);
    if (status != EX_OK || help)
        fputs(usage, help ? stdout : stderr);
    else
        status = check(&ask, &words);
    ask_close(&ask);
    return status;
}
