/* client_story.h - one signed message with its DNS, and the three questions about it: what the test
 * and the bench of lib/reference ask the real libraries. Trouble in making it ends the program. */
#ifndef ASSAY_TESTS_REFERENCE_CLIENT_STORY_H
#define ASSAY_TESTS_REFERENCE_CLIENT_STORY_H

#include <stdio.h>
#include <stdlib.h>

#include "reference/reference.h"

#define STORY_NOW 1700000000

struct story {
    struct arena *arena; /* of what stays */
    struct dns *dns;
    struct reference *reference;
    struct header_list headers;
    struct str body;
};

static inline _Noreturn void story_fail(struct str problem)
{
    fprintf(stderr, "%.*s\n", STR_ARG(problem));
    exit(1);
}

static inline struct str story_zone(struct arena *a, const struct private_key *key)
{
    struct str p = base64_encode(a, private_key_public(key, a));
    return str_printf(a,
                      "example.org. TXT \"other\"\n"
                      "example.org. TXT \"v=spf1  +MX a:out.example.org/24 x=y -ALL\"\n"
                      "example.org. MX 10 mx.example.org\n"
                      "mx.example.org. A 192.0.2.1\nout.example.org. A 198.51.100.1\n"
                      "broken.example. TXT \"v=spf1 nonsense\"\n"
                      "s1._domainkey.example.org. TXT \"v=DKIM1; k=rsa; p=%.*s\"\n"
                      "_dmarc.example.org. TXT \"v=DMARC1; p=reject; adkim=s\"\n",
                      STR_ARG(p));
}

static inline void story_sign(struct story *s, struct private_key *key)
{
    const struct dkim_sign_settings settings = {
        .header_canon = CANON_RELAXED, .body_canon = CANON_RELAXED, .now = STORY_NOW};
    const struct dkim_signing_key signing = {STR("example.org"), STR("s1"), key};
    struct str value, problem;
    struct dkim_signer *signer = dkim_signer_new(s->arena, &settings, &s->headers);
    dkim_signer_body(signer, s->body.p, s->body.n);
    if (!dkim_signer_finish(signer, &signing, 1, &value, &problem))
        story_fail(problem);
    header_list_add(&s->headers, STR("DKIM-Signature"), value);
}

/* With a body of so many lines of 78 bytes. */
static inline struct story story_open(const char *program, unsigned workers, int64_t limit_ms,
                                      size_t lines)
{
    const struct reference_settings settings = {program, workers, limit_ms};
    struct story s = {.arena = arena_new(0)};
    struct str problem;
    struct private_key *key = private_key_generate(KEY_RSA, 2048, s.arena, &problem);
    if (!key)
        story_fail(problem);
    char *text = arena_alloc(s.arena, lines * 78);
    for (size_t i = 0; i < lines * 78; i++)
        text[i] = i % 78 == 76 ? '\r' : i % 78 == 77 ? '\n' : (char)('a' + i % 7);
    s.body = (struct str){text, lines * 78};
    header_list_init(&s.headers, s.arena);
    header_list_add(&s.headers, STR("From"), STR(" A <a@example.org>"));
    header_list_add(&s.headers, STR("Subject"), STR(" a story"));
    header_list_add(&s.headers, STR("Date"), STR(" Tue, 14 Nov 2023 22:13:20 +0000"));
    story_sign(&s, key);
    s.dns = dns_open_zone(story_zone(s.arena, key), s.arena, &problem);
    private_key_release(key);
    if (!s.dns)
        story_fail(problem);
    s.reference = reference_open(&settings, s.arena, &problem);
    if (!s.reference)
        story_fail(problem);
    return s;
}

static inline void story_close(struct story *s)
{
    reference_close(s->reference);
    arena_free(s->arena);
    dns_close(s->dns);
}

static inline struct dns_asker story_asker(const struct story *s, struct arena *a)
{
    return (struct dns_asker){.dns = s->dns, .arena = a, .patience_us = 10000000};
}

static inline struct reference_report ask_spf(const struct story *s, const char *client,
                                              const char *domain, struct dns_asker *asker,
                                              struct spf_outcome *out)
{
    struct spf_request request = {.helo = STR("mx.example.org"),
                                  .local = STR("a"),
                                  .domain = str_of(domain),
                                  .receiver = STR("mx.example.net"),
                                  .now = STORY_NOW,
                                  .limits = spf_limits_default};
    netaddr_parse(str_of(client), &request.client);
    return reference_spf(s->reference, &request, asker, out);
}

static inline struct reference_report ask_dkim(const struct story *s, struct str body,
                                               struct dns_asker *asker,
                                               const struct dkim_signature **signatures, size_t *n)
{
    const struct dkim_verify_settings settings = {
        .max_signatures = 10, .min_key_bits = 1024, .clock_skew_s = 300, .now = STORY_NOW};
    const struct reference_body pieces = {1, &body};
    size_t skipped;
    return reference_dkim(s->reference, &settings, &s->headers, &pieces, asker, signatures, n,
                          &skipped);
}

/* By a signature of this domain. */
static inline struct reference_report ask_dmarc(const struct story *s, const char *domain,
                                                struct dns_asker *asker, struct dmarc_outcome *out)
{
    const struct dmarc_identifier id = {.domain = str_of(domain), .auth = DMARC_AUTH_PASS};
    const struct dmarc_request request = {
        .author_domain = STR("example.org"), .ids = &id, .n_ids = 1};
    return reference_dmarc(s->reference, &request, asker, out);
}

#endif
