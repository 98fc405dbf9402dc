/* dmarc_command.c - `assay dmarc check`: what does a domain ask for, and what would its mail get?
 *
 * Errors: exit status 64 and a line that says what is missing; those of ask.c. */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/json.h"
#include "mail/domain.h"
#include "milter/commands/ask.h"
#include "milter/commands/commands.h"
#include "milter/commands/dmarc_advice.h"

static const char usage[] =
    "usage: assay dmarc check DOMAIN [--spf DOMAIN] [--dkim DOMAIN]... [OPTION...]\n"
    "\n"
    "Finds the DMARC policy (RFC 9989) for mail with DOMAIN in From, says what a message would "
    "get\n"
    "that passed SPF or DKIM for the domains given, and what could be better in the record.\n"
    "\n"
    "      --spf DOMAIN    SPF passed for this MAIL FROM domain\n"
    "      --dkim DOMAIN   a signature with this d= passed; may be given again\n" ASK_HELP "\n"
    "Exit status: 0 a policy applies (with --spf or --dkim: pass); 1 none applies (or: fail);\n"
    "75 it cannot be known now.\n";

#define IDS_MAX      16
#define RECORD_SHOWN 2000 /* bytes */

enum { OPT_SPF = 256, OPT_DKIM };

struct question {
    struct ask ask;
    struct str domain;
    size_t n_ids;
    struct dmarc_identifier ids[IDS_MAX];
};

static bool complain(const struct question *q, const char *what, const char *text)
{
    fprintf(stderr, "%s: %s: \"%s\" is no domain name such as example.org\n", q->ask.command, what,
            text);
    return false;
}

static bool add_identifier(struct question *q, const char *option, const char *text, bool spf)
{
    struct dmarc_identifier *id = &q->ids[q->n_ids];
    if (q->n_ids == IDS_MAX || !domain_normalize(q->ask.arena, str_of(text), &id->domain))
        return complain(q, option, text);
    id->auth = DMARC_AUTH_PASS;
    id->spf = spf;
    q->n_ids++;
    return true;
}

static int read_words(struct question *q, int argc, char **argv, bool *help)
{
    static const struct option options[] = {{"spf", required_argument, NULL, OPT_SPF},
                                            {"dkim", required_argument, NULL, OPT_DKIM},
                                            ASK_OPTIONS,
                                            {0}};
    int c;
    optind = 0; /* glibc: begin anew */
    while ((c = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        if (c == 'h')
            *help = true;
        else if (c == OPT_SPF || c == OPT_DKIM) {
            if (!add_identifier(q, c == OPT_SPF ? "--spf" : "--dkim", optarg, c == OPT_SPF))
                return EX_USAGE;
        } else if (!ask_option(&q->ask, c, optarg))
            return EX_USAGE;
    }
    if (*help)
        return EX_OK;
    if (optind + 1 != argc) {
        fputs(usage, stderr);
        return EX_USAGE;
    }
    if (!domain_normalize(q->ask.arena, str_of(argv[optind]), &q->domain)) {
        complain(q, "DOMAIN", argv[optind]);
        return EX_USAGE;
    }
    return EX_OK;
}

static const char *tag_words(char tag)
{
    return tag == 'n' ? "np" : tag == 's' ? "sp" : "p";
}

static void print(const struct question *q, const struct dmarc_outcome *o,
                  const struct advice *tips)
{
    struct arena *a = q->ask.arena;
    if (o->record_domain.n) {
        printf("policy for From: %.*s is %s (%s= of _dmarc.%.*s)\n", STR_ARG(q->domain),
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
    if (q->n_ids || !o->record_domain.n)
        printf("%s: %.*s\n", dmarc_result_name(o->result), STR_ARG(o->reason));
    for (size_t i = 0; i < tips->n; i++)
        printf("advice: %.*s\n", STR_ARG(tips->v[i]));
    printf("%u look-ups, %u queries\n", o->queries, q->ask.asker.queries);
}

static void print_json(const struct question *q, const struct dmarc_outcome *o,
                       const struct advice *tips)
{
    bool found = o->record_domain.n > 0;
    struct json j;
    json_begin(&j, q->ask.arena);
    json_text(&j, "author_domain", q->domain);
    json_text(&j, "result", q->n_ids || !found ? str_of(dmarc_result_name(o->result)) : STR_NONE);
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
    json_number(&j, "dns_queries", q->ask.asker.queries);
    json_end(&j, '}');
    struct str text = json_str(&j);
    fwrite(text.p, 1, text.n, stdout);
}

static int exit_status(const struct question *q, const struct dmarc_outcome *o)
{
    if (o->result == DMARC_TEMPERROR)
        return EX_TEMPFAIL;
    return q->n_ids ? o->result != DMARC_PASS : !o->record_domain.n;
}

static int check(struct question *q)
{
    struct dmarc_request request = {
        .author_domain = q->domain,
        .ids = q->ids,
        .n_ids = q->n_ids,
        .step = q->ask.explain && !q->ask.json ? ask_print_step : NULL,
    };
    struct dmarc_outcome outcome;
    struct advice tips;
    int status = ask_open(&q->ask);
    if (status != EX_OK)
        return status;
    request.psl = q->ask.conf->psl;
    dmarc_evaluate(&request, &q->ask.asker, &outcome);
    dmarc_advise(&outcome, &q->ask.asker, &tips);
    if (q->ask.json)
        print_json(q, &outcome, &tips);
    else
        print(q, &outcome, &tips);
    return exit_status(q, &outcome);
}

int command_dmarc(int argc, char **argv)
{
    bool help = argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"));
    if (argc < 2 || strcmp(argv[1], "check") != 0) {
        fputs(usage, help ? stdout : stderr);
        return help ? EX_OK : EX_USAGE;
    }
    struct question q = {.ask = {.arena = arena_new(0), .command = "assay dmarc check"}};
    int status = read_words(&q, argc - 1, argv + 1, &help);
    if (help)
        fputs(usage, stdout);
    else if (status == EX_OK)
        status = check(&q);
    ask_close(&q.ask);
    return status;
}
