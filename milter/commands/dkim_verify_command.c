/* dkim_verify_command.c - `assay dkim verify`: what the signatures of a message are worth.
 *
 * Errors: those of command.c; a result of DNS trouble is temperror. */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/json.h"
#include "core/telling.h"
#include "dkim/dkim.h"
#include "mail/domain.h"
#include "milter/commands/commands.h"
#include "milter/commands/mailfile.h"

#define SHOWN_MAX 255

struct results {
    const struct dkim_signature *v;
    size_t n, skipped;
};

static struct str shown_text(struct command *c, struct str text)
{
    return str_safe(c->arena, text, SHOWN_MAX, true);
}

static const char *security_word(enum dns_security security)
{
    return security == DNS_SECURE           ? "secure"
           : security == DNS_INSECURE       ? "insecure"
           : security == DNS_SECURITY_BOGUS ? "bogus"
                                            : "unchecked";
}

static void print_one(struct command *c, const struct dkim_signature *s)
{
    printf("%s: ", dkim_result_name(s->result));
    if (s->domain.n)
        printf("d=%.*s s=%.*s a=%.*s", STR_ARG(shown_text(c, s->domain)),
               STR_ARG(shown_text(c, s->selector)), STR_ARG(shown_text(c, s->algorithm)));
    else
        printf("a signature that cannot be read");
    if (s->key_bits)
        printf(" (%u-bit key%s)", s->key_bits, s->testing ? ", testing" : "");
    if (s->reason.n)
        printf(": %.*s", STR_ARG(s->reason));
    printf("\n");
}

static void print_text(struct command *c, const struct results *r)
{
    for (size_t i = 0; i < r->n; i++)
        print_one(c, &r->v[i]);
    if (r->n == 0)
        printf("none: the message has no DKIM-Signature\n");
    if (r->skipped)
        printf("%zu more were not evaluated (dkim.max-signatures)\n", r->skipped);
}

static void print_json(struct command *c, const struct results *r)
{
    struct json j;
    json_begin(&j, c->arena);
    json_array(&j, "signatures");
    for (size_t i = 0; i < r->n; i++) {
        const struct dkim_signature *s = &r->v[i];
        json_object(&j, NULL);
        telling_signature_json(&j, s);
        json_text_or_null(&j, "identity", s->identity);
        json_bool(&j, "testing", s->testing);
        json_text(&j, "dnssec", str_of(security_word(s->security)));
        json_end(&j, '}');
    }
    json_end(&j, ']');
    json_number(&j, "skipped", (int64_t)r->skipped);
    json_number(&j, "dns_queries", c->asker.queries);
    command_print_json(&j);
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

static int dkim_verify(struct command *c)
{
    struct mail_file m;
    struct results r;
    int status = command_open(c);
    if (status != EX_OK)
        return status;
    if (!mail_file_read(c, c->n_words ? c->words[0] : "-", &m))
        return EX_NOINPUT;
    const struct conf *conf = c->conf;
    const struct dkim_verify_settings settings = {
        .max_signatures = (unsigned)conf->dkim_max_signatures,
        .min_key_bits = (unsigned)conf->dkim_min_key_bits,
        .max_key_bits = (unsigned)conf->dkim_max_key_bits,
        .partial_body = conf->dkim_partial_body,
        .clock_skew_s = conf->dkim_clock_skew / 1000,
        .now = c->now,
    };
    command_trace(c);
    struct dkim_verifier *v = dkim_verifier_new(&settings, &m.headers, NULL, &c->asker);
    dkim_verifier_body(v, m.body.p, m.body.n);
    r.v = dkim_verifier_finish(v, &c->asker, &r.n, &r.skipped);
    if (c->json)
        print_json(c, &r);
    else
        print_text(c, &r);
    return exit_status(&r);
}

const struct command_row dkim_verify_command = {
    .name = "verify",
    .brief = "verify the signatures of a message",
    .words = "[MESSAGE]",
    .common = COMMON_QUESTION | COMMON_AT,
    .run = dkim_verify,
    .about =
        "Verifies the DKIM-Signatures of a message (default: standard input), as the milter would.",
    .notes = "A message with Unix line ends is verified as if it had CRLF.",
    .status = "0 a signature passes; 1 none does; 75 that cannot be known now.",
};
