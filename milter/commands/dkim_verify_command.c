/* dkim_verify_command.c - `assay dkim verify`: what the signatures of a message are worth.
 *
 * Errors: those of ask.c; a result of DNS trouble is temperror. */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "base/json.h"
#include "dkim/dkim.h"
#include "mail/domain.h"
#include "milter/commands/dkim_commands.h"
#include "milter/commands/mailfile.h"

static const char usage[] =
    "usage: assay dkim verify [OPTION...] [MESSAGE]\n"
    "\n"
    "Verifies the DKIM-Signatures of a message (default: standard input), as the milter would.\n"
    "\n" ASK_HELP "\n"
    "A message with Unix line ends is verified as if it had CRLF.\n"
    "Exit status: 0 a signature passes; 1 none does; 75 that cannot be known now.\n";

#define SHOWN_MAX 255

struct results {
    const struct dkim_signature *v;
    size_t n, skipped;
};

static struct str safe(struct ask *ask, struct str text)
{
    return str_safe(ask->arena, text, SHOWN_MAX, true);
}

static const char *security_word(enum dns_security security)
{
    return security == DNS_SECURE           ? "secure"
           : security == DNS_INSECURE       ? "insecure"
           : security == DNS_SECURITY_BOGUS ? "bogus"
                                            : "unchecked";
}

static void print_one(struct ask *ask, const struct dkim_signature *s)
{
    printf("%s: ", dkim_result_name(s->result));
    if (s->domain.n)
        printf("d=%.*s s=%.*s a=%.*s", STR_ARG(safe(ask, s->domain)),
               STR_ARG(safe(ask, s->selector)), STR_ARG(safe(ask, s->algorithm)));
    else
        printf("a signature that cannot be read");
    if (s->key_bits)
        printf(" (%u-bit key%s)", s->key_bits, s->testing ? ", testing" : "");
    if (s->reason.n)
        printf(": %.*s", STR_ARG(s->reason));
    printf("\n");
}

static void print(struct ask *ask, const struct results *r)
{
    for (size_t i = 0; i < r->n; i++)
        print_one(ask, &r->v[i]);
    if (r->n == 0)
        printf("none: the message has no DKIM-Signature\n");
    if (r->skipped)
        printf("%zu more were not looked at (dkim.max-signatures)\n", r->skipped);
}

static void print_json(struct ask *ask, const struct results *r)
{
    struct json j;
    json_begin(&j, ask->arena);
    json_array(&j, "signatures");
    for (size_t i = 0; i < r->n; i++) {
        const struct dkim_signature *s = &r->v[i];
        json_object(&j, NULL);
        json_text(&j, "result", str_of(dkim_result_name(s->result)));
        json_text(&j, "reason", s->reason.n ? s->reason : STR_NONE);
        json_text(&j, "domain", s->domain.n ? s->domain : STR_NONE);
        json_text(&j, "selector", s->selector.n ? s->selector : STR_NONE);
        json_text(&j, "identity", s->identity.n ? s->identity : STR_NONE);
        json_text(&j, "algorithm", s->algorithm.n ? s->algorithm : STR_NONE);
        json_number(&j, "key_bits", s->key_bits);
        json_bool(&j, "testing", s->testing);
        json_text(&j, "dnssec", str_of(security_word(s->security)));
        json_end(&j, '}');
    }
    json_end(&j, ']');
    json_number(&j, "skipped", (int64_t)r->skipped);
    json_number(&j, "dns_queries", ask->asker.queries);
    json_end(&j, '}');
    struct str text = json_str(&j);
    fwrite(text.p, 1, text.n, stdout);
}

static int exit_status(const struct results *r)
{
    int status = 1;
    for (size_t i = 0; i < r->n; i++) {
        if (r->v[i].result == DKIM_PASS)
            return EX_OK;
        if (r->v[i].result == DKIM_TEMPERROR)
            status = EX_TEMPFAIL;
    }
    return status;
}

static int verify(struct ask *ask, const char *path)
{
    struct mail_file m;
    struct results r;
    int status = ask_open(ask);
    if (status != EX_OK)
        return status;
    if (!mail_file_read(ask, path, &m))
        return EX_NOINPUT;
    const struct conf *conf = ask->conf;
    const struct dkim_verify_settings settings = {
        .max_signatures = (unsigned)conf->dkim_max_signatures,
        .min_key_bits = (unsigned)conf->dkim_min_key_bits,
        .max_key_bits = (unsigned)conf->dkim_max_key_bits,
        .partial_body = conf->dkim_partial_body,
        .clock_skew_s = conf->dkim_clock_skew / 1000,
        .now = time(NULL),
    };
    ask_trace(ask);
    struct dkim_verifier *v = dkim_verifier_new(&settings, &m.headers, NULL, &ask->asker);
    dkim_verifier_body(v, m.body.p, m.body.n);
    r.v = dkim_verifier_finish(v, &ask->asker, &r.n, &r.skipped);
    if (ask->json)
        print_json(ask, &r);
    else
        print(ask, &r);
    return exit_status(&r);
}

static int read_words(struct ask *ask, int argc, char **argv, bool *help)
{
    static const struct option options[] = {ASK_OPTIONS, {0}};
    int c;
    optind = 0; /* glibc: begin anew */
    while ((c = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        if (c == 'h')
            *help = true;
        else if (!ask_option(ask, c, optarg))
            return EX_USAGE;
    }
    return optind >= argc - 1 ? EX_OK : EX_USAGE;
}

int dkim_verify_command(int argc, char **argv)
{
    struct ask ask = {.arena = arena_new(0), .command = "assay dkim verify"};
    bool help = false;
    int status = read_words(&ask, argc, argv, &help);
    if (status != EX_OK || help)
        fputs(usage, help ? stdout : stderr);
    else
        status = verify(&ask, optind < argc ? argv[optind] : "-");
    ask_close(&ask);
    return status;
}
