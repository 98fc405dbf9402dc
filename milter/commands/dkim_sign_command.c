/* dkim_sign_command.c - `assay dkim sign`: a message with a signature on top.
 *
 * Errors: exit status 64 for a wrong call, 66 for a file that cannot be read, 77 for a key that
 * cannot be used, 70 if OpenSSL cannot sign. */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "dkim/dkim.h"
#include "keys/keyfile.h"
#include "milter/commands/commands.h"
#include "milter/commands/mailfile.h"

#define NAMES_MAX 200

/* The header fields to sign. */
struct sign_names {
    size_t n;
    struct str v[NAMES_MAX];
};

/* The command's own. */
struct sign_words {
    struct str domain, selector;
    const char *key;
    struct sign_names names;
    struct sign_canons {
        bool given;
        enum canon header, body;
    } canons;
};

static bool parse_canon(struct str word, enum canon *out)
{
    *out = str_eq(word, STR("simple")) ? CANON_SIMPLE : CANON_RELAXED;
    return *out == CANON_SIMPLE || str_eq(word, STR("relaxed"));
}

static const char *take_canons(struct command *c, const char *text, void *to)
{
    struct sign_canons *canons = to;
    struct str body = str_of(text), header;
    (void)c;
    canons->given = true;
    if (str_split(&body, '/', &header) && parse_canon(header, &canons->header) &&
        parse_canon(body, &canons->body))
        return NULL;
    return "is no pair such as relaxed/simple";
}

/* From is signed in any case (RFC 6376 5.4). */
static const char *take_names(struct command *c, const char *text, void *to)
{
    struct sign_names *names = to;
    struct str rest = str_of(text), name;
    names->n = 0;
    while (str_split(&rest, ':', &name)) {
        if (names->n == NAMES_MAX || !str_trim(name).n)
            return "is no list of names such as from:to:subject";
        names->v[names->n++] = str_lower(c->arena, str_trim(name));
    }
    return NULL;
}

static const struct command_option sign_options[] = {
    OPTION_REQUIRED("domain", "DOMAIN", take_domain, struct sign_words, domain,
                    "d=: the domain that takes responsibility, such as example.org"),
    OPTION_REQUIRED("selector", "SELECTOR", take_selector, struct sign_words, selector,
                    "s=: the name of the key's record"),
    OPTION_REQUIRED("key", "FILE", take_text, struct sign_words, key, "the private key, PEM"),
    OPTION("headers", "LIST", take_names, struct sign_words, names,
           "header fields to sign, such as from:to:subject; default: those of RFC 6376 5.4.1 that "
           "are present, and From once more"),
    OPTION("canonicalization", "C", take_canons, struct sign_words, canons,
           "of header and body: relaxed/relaxed (default), relaxed/simple, simple/relaxed, "
           "simple/simple"),
    {0},
};

static struct dkim_sign_settings sign_settings(const struct command *c)
{
    const struct sign_words *w = c->own;
    static const struct str none;
    struct dkim_sign_settings settings = {
        .header_canon = w->canons.given ? w->canons.header : CANON_RELAXED,
        .body_canon = w->canons.given ? w->canons.body : CANON_RELAXED,
        .now = c->now,
    };
    if (w->names.n) {
        settings.sign_headers = w->names.v;
        settings.n_sign_headers = w->names.n;
        settings.oversign_headers = &none; /* what is listed, and nothing else */
    }
    return settings;
}

/* A value that we folded with LF, with the line ends of the message. */
static void print_signature(const struct mail_file *m, struct str value)
{
    const char *end = m->crlf ? "\r\n" : "\n", *between = "";
    struct str line;
    printf("DKIM-Signature:");
    while (str_split(&value, '\n', &line)) {
        printf("%s%.*s", between, STR_ARG(line));
        between = end;
    }
    printf("%s", end);
}

static int sign_message(struct command *c, const struct dkim_signing_key *key)
{
    struct mail_file m;
    struct str value, problem;
    struct dkim_sign_settings settings = sign_settings(c);
    if (!mail_file_read(c, c->n_words ? c->words[0] : "-", &m))
        return EX_NOINPUT;
    struct dkim_signer *signer = dkim_signer_new(c->arena, &settings, &m.headers);
    dkim_signer_body(signer, m.body.p, m.body.n);
    if (!dkim_signer_finish(signer, key, 1, &value, &problem))
        return command_fail(c, EX_SOFTWARE, "%.*s", STR_ARG(problem));
    print_signature(&m, value);
    fwrite(m.text.p, 1, m.text.n, stdout);
    return EX_OK;
}

static int dkim_sign(struct command *c)
{
    const struct sign_words *w = c->own;
    struct key_reader reader;
    struct str problem;
    key_reader_self(&reader, c->arena);
    struct dkim_signing_key key = {
        .domain = w->domain,
        .selector = w->selector,
        .key = key_file_load(w->key, &reader, c->arena, &problem),
    };
    if (!key.key)
        return command_fail(c, EX_NOPERM, "%.*s", STR_ARG(problem));
    int status = sign_message(c, &key);
    private_key_release(key.key);
    return status;
}

const struct command_row dkim_sign_command = {
    .name = "sign",
    .brief = "sign a message",
    .words = "[MESSAGE]",
    .options = sign_options,
    .common = COMMON_AT,
    .size = sizeof(struct sign_words),
    .run = dkim_sign,
    .about = "Prints the message (default: standard input) with a DKIM-Signature on top.",
    .notes = "A message with Unix line ends is signed as if it had CRLF, and printed as it came.",
    .status = "0; 66 the message cannot be read; 77 the key cannot be used.",
};
