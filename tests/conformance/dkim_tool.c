/* dkim_tool.c - lib/dkim as one of the implementations that dkim_interop.py lets meet.
 *
 *     dkim_tool ZONEFILE NOW DIRECTORY
 *
 * NOW is the time in seconds, DIRECTORY has the private keys. Commands come on standard input, one
 * a line, with the length of the message that follows:
 *
 *     verify LENGTH
 *         answers, for each signature from the top: result bits testing reason; then "end"
 *     sign KEYFILE DOMAIN SELECTOR CANON LIFETIME IDENTITY LENGTH
 *         answers "signature LENGTH" and the field with CRLF, or "failed" and a reason; CANON is
 *         header/body, IDENTITY may be "-"
 *     arc-verify LENGTH
 *         answers "RESULT OLDEST-PASS REASON"
 *     arc-seal KEYFILE DOMAIN SELECTOR CV LENGTH
 *         answers "sealed LENGTH" and the three fields, or "failed" and a reason; its results are
 * those of the topmost Authentication-Results, whose authserv-id is DOMAIN
 *
 * The message is given to the engine as an MTA would: header fields one by one, values with LF, the
 * body in pieces. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arc/arc.h"
#include "dkim/dkim.h"
#include "mail/authres.h"

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "dkim_tool: %s\n", what);
    exit(2);
}

static struct str read_file(struct arena *a, const char *path)
{
    struct strbuf b;
    char block[4096];
    size_t n;
    FILE *f = fopen(path, "rb");
    if (!f)
        fail(path);
    sb_init(&b, a);
    while ((n = fread(block, 1, sizeof block, f)) > 0)
        sb_add(&b, (struct str){block, n});
    fclose(f);
    return sb_str(&b);
}

static struct str read_message(struct arena *a, const char *length)
{
    size_t n = strtoul(length, NULL, 10);
    char *p = arena_alloc(a, n);
    if (fread(p, 1, n, stdin) != n)
        fail("a message is cut short");
    return (struct str){p, n};
}

/* Folding as MTAs hand it over. */
static struct str without_cr(struct arena *a, struct str value)
{
    struct strbuf b;
    sb_init(&b, a);
    for (size_t i = 0; i < value.n; i++)
        if (value.p[i] != '\r' || i + 1 == value.n || value.p[i + 1] != '\n')
            sb_addc(&b, value.p[i]);
    return sb_str(&b);
}

static void split_message(struct arena *a, struct str message, struct header_list *headers,
                          struct str *body)
{
    header_list_init(headers, a);
    header_parse_message(headers, message, body);
    for (size_t i = 0; i < headers->n; i++)
        headers->fields[i].value = without_cr(a, headers->fields[i].value);
}

#define PIECE 61 /* cuts lines and line ends in many places */

struct tool {
    struct dns *dns;
    struct key_cache *cache;
    int64_t now;
    const char *directory;
};

static void verify(struct tool *t, struct arena *a, struct str message)
{
    const struct dkim_verify_settings settings = {
        .max_signatures = 10, .min_key_bits = 1024, .clock_skew_s = 300, .now = t->now};
    struct dns_asker asker = {.dns = t->dns, .arena = a, .patience_us = 1000000};
    struct header_list headers;
    struct str body;
    size_t n, skipped;
    split_message(a, message, &headers, &body);
    struct dkim_verifier *v = dkim_verifier_new(&settings, &headers, t->cache, &asker);
    for (size_t at = 0; at < body.n && dkim_verifier_wants_body(v); at += PIECE) {
        struct str part = str_sub(body, at, at + PIECE);
        dkim_verifier_body(v, part.p, part.n);
    }
    const struct dkim_signature *s = dkim_verifier_finish(v, &asker, &n, &skipped);
    for (size_t i = 0; i < n; i++)
        printf("%s %u %d %.*s\n", dkim_result_name(s[i].result), s[i].key_bits, s[i].testing,
               STR_ARG(s[i].reason));
    puts("end");
}

static void print_field(struct str value)
{
    static const char name[] = "DKIM-Signature:";
    size_t lines = 1;
    for (size_t i = 0; i < value.n; i++)
        lines += value.p[i] == '\n';
    printf("signature %zu\n%s", sizeof name - 1 + value.n + lines + 1, name);
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] == '\n')
            putchar('\r');
        putchar(value.p[i]);
    }
    fputs("\r\n", stdout);
}

struct sign_words {
    char file[64], domain[256], selector[64], canon[16], lifetime[16], identity[256], length[16];
};

static void sign(struct tool *t, struct arena *a, const struct sign_words *w)
{
    struct header_list headers;
    struct str body, value, problem, message = read_message(a, w->length);
    struct dkim_sign_settings settings = {.now = t->now};
    settings.header_canon = strncmp(w->canon, "relaxed/", 8) == 0 ? CANON_RELAXED : CANON_SIMPLE;
    settings.body_canon = strstr(w->canon, "/relaxed") ? CANON_RELAXED : CANON_SIMPLE;
    settings.lifetime_s = strtol(w->lifetime, NULL, 10);
    if (strcmp(w->identity, "-") != 0)
        settings.identity = str_of(w->identity);
    struct str path = str_printf(a, "%s/%s", t->directory, w->file);
    struct dkim_signing_key key = {str_of(w->domain), str_of(w->selector),
                                   private_key_decode(read_file(a, path.p), a, &problem)};
    if (!key.key)
        fail("a private key cannot be read");
    split_message(a, message, &headers, &body);
    struct dkim_signer *s = dkim_signer_new(a, &settings, &headers);
    for (size_t at = 0; at < body.n; at += PIECE) {
        struct str part = str_sub(body, at, at + PIECE);
        dkim_signer_body(s, part.p, part.n);
    }
    if (dkim_signer_finish(s, &key, 1, &value, &problem))
        print_field(value);
    else
        printf("failed %.*s\n", STR_ARG(problem));
    private_key_release(key.key);
}

static const struct arc_outcome *validate(struct tool *t, struct arena *a,
                                          const struct header_list *headers, struct str body)
{
    static const struct arc_outcome none = {.reason = STR_INIT("")};
    const struct dkim_verify_settings settings = {
        .min_key_bits = 1024, .now = t->now, .bodies = body_digests_new(a)};
    struct dns_asker asker = {.dns = t->dns, .arena = a, .patience_us = 1000000};
    struct arc_chain *chain = arc_chain_new(&settings, headers, t->cache, &asker);
    for (size_t at = 0; at < body.n; at += PIECE) {
        struct str part = str_sub(body, at, at + PIECE);
        body_digests_update(settings.bodies, part.p, part.n);
    }
    return chain ? arc_chain_finish(chain, &asker) : &none;
}

static void arc_verify(struct tool *t, struct arena *a, struct str message)
{
    struct header_list headers;
    struct str body;
    split_message(a, message, &headers, &body);
    const struct arc_outcome *o = validate(t, a, &headers, body);
    printf("%s %u %.*s\n", arc_result_name(o->result), o->oldest_pass, STR_ARG(o->reason));
}

static struct str with_crlf(struct arena *a, struct str name, struct str value)
{
    struct strbuf b;
    sb_init(&b, a);
    sb_add(&b, name);
    sb_addc(&b, ':');
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] == '\n')
            sb_addc(&b, '\r');
        sb_addc(&b, value.p[i]);
    }
    sb_add(&b, STR("\r\n"));
    return sb_str(&b);
}

static struct str results_of(struct arena *a, const struct header_list *headers, const char *domain,
                             unsigned instance)
{
    struct authres_results said;
    struct authres w;
    const struct header_field *field = header_get(headers, STR("Authentication-Results"), 0);
    authres_begin_sealed(&w, a, str_of(domain), instance);
    if (field && authres_parse(a, field->value, &said))
        authres_copy(&w, &said);
    return authres_end(&w);
}

static void arc_seal_message(struct tool *t, struct arena *a, const struct sign_words *w)
{
    struct header_list headers;
    struct str body, problem, message = read_message(a, w->length);
    struct str path = str_printf(a, "%s/%s", t->directory, w->file);
    const struct dkim_sign_settings settings = {.now = t->now};
    struct dkim_signing_key key = {str_of(w->domain), str_of(w->selector),
                                   private_key_decode(read_file(a, path.p), a, &problem)};
    struct body_hash *hash = body_hash_new(a, CANON_RELAXED, UINT64_MAX);
    struct arc_sealed set;
    if (!key.key)
        fail("a private key cannot be read");
    split_message(a, message, &headers, &body);
    body_hash_update(hash, body.p, body.n);
    unsigned instance = arc_chain_read(a, &headers)->highest + 1;
    const struct arc_seal_request request = {
        .instance = instance,
        .cv = !strcmp(w->canon, "none")   ? ARC_CV_NONE
              : !strcmp(w->canon, "pass") ? ARC_CV_PASS
                                          : ARC_CV_FAIL,
        .results = results_of(a, &headers, w->domain, instance),
        .headers = &headers,
        .body = hash,
        .key = &key,
        .settings = &settings,
    };
    if (arc_seal(a, &request, &set, &problem)) {
        struct str seal = with_crlf(a, ARC_SEAL_FIELD, set.seal);
        struct str ams = with_crlf(a, ARC_MESSAGE_FIELD, set.message);
        struct str aar = with_crlf(a, ARC_RESULTS_FIELD, set.results);
        printf("sealed %zu\n%.*s%.*s%.*s", seal.n + ams.n + aar.n, STR_ARG(seal), STR_ARG(ams),
               STR_ARG(aar));
    } else {
        printf("failed %.*s\n", STR_ARG(problem));
    }
    private_key_release(key.key);
}

int main(int argc, char **argv)
{
    char line[1024], length[16];
    struct sign_words w;
    struct str problem;
    if (argc != 4)
        fail("usage: dkim_tool ZONEFILE NOW DIRECTORY");
    struct arena *a = arena_new(0), *message = arena_new(0);
    struct tool t = {.dns = dns_open_zone(read_file(a, argv[1]), a, &problem),
                     .cache = key_cache_new(1 << 20),
                     .now = strtoll(argv[2], NULL, 10),
                     .directory = argv[3]};
    if (!t.dns)
        fail(problem.p);
    while (fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "verify %15s", length) == 1)
            verify(&t, message, read_message(message, length));
        else if (sscanf(line, "sign %63s %255s %63s %15s %15s %255s %15s", w.file, w.domain,
                        w.selector, w.canon, w.lifetime, w.identity, w.length) == 7)
            sign(&t, message, &w);
        else if (sscanf(line, "arc-verify %15s", length) == 1)
            arc_verify(&t, message, read_message(message, length));
        else if (sscanf(line, "arc-seal %63s %255s %63s %15s %15s", w.file, w.domain, w.selector,
                        w.canon, w.length) == 5)
            arc_seal_message(&t, message, &w);
        else
            fail("no such command");
        fflush(stdout);
        arena_reset(message);
    }
    arena_free(message);
    key_cache_free(t.cache);
    dns_close(t.dns);
    arena_free(a);
    return 0;
}
