/* Whole messages: the verifier takes anything, says the same however the body is cut, and passes
 * what the signer has just signed. */
#include "fuzz.h"

#include <string.h>

#include "dkim/dkim.h"

static const char zone[] =
    "ed._domainkey.example.org. TXT \"v=DKIM1; k=ed25519; "
    "p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"\n"
    "rsa._domainkey.example.org. TXT \"v=DKIM1; t=y:s; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHl"
    "OQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR"
    "+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB\"\n"
    "down._domainkey.example.org. SERVFAIL\n";

/* RFC 8463 A.1 */
static const char pem[] = "-----BEGIN PRIVATE KEY-----\n"
                          "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
                          "-----END PRIVATE KEY-----\n";

struct setting {
    struct arena *arena; /* as long as the process */
    struct dns *dns;
    struct private_key *key;
};

static struct setting *setting(void)
{
    static struct setting s;
    struct str problem;
    if (!s.dns) {
        s.arena = arena_new(0);
        s.dns = dns_open_zone(str_of(zone), s.arena, &problem);
        s.key = private_key_decode(str_of(pem), s.arena, &problem);
        require(s.dns && s.key);
    }
    return &s;
}

#define CAP 3

static const struct dkim_signature *verify(struct arena *a, const struct header_list *headers,
                                           struct str body, size_t piece, size_t *n)
{
    const struct dkim_verify_settings settings = {
        .max_signatures = CAP, .min_key_bits = 1024, .clock_skew_s = 300, .now = 1700000000};
    struct dns_asker asker = {.dns = setting()->dns, .arena = a, .patience_us = 1000000};
    struct dkim_verifier *v = dkim_verifier_new(&settings, headers, NULL, &asker);
    size_t skipped;
    for (size_t at = 0; at < body.n && dkim_verifier_wants_body(v); at += piece) {
        struct str part = str_sub(body, at, at + piece);
        dkim_verifier_body(v, part.p, part.n);
    }
    const struct dkim_signature *found = dkim_verifier_finish(v, &asker, n, &skipped);
    require(*n <= CAP && *n + skipped == header_count(headers, STR("DKIM-Signature")));
    return found;
}

static void require_sound(const struct dkim_signature *s)
{
    require(s->result > DKIM_NONE && s->result < DKIM_RESULT_COUNT);
    require((s->result == DKIM_PASS) == (s->reason.n == 0));
    for (size_t i = 0; i < s->reason.n; i++)
        require(s->reason.p[i] >= 0x20 && s->reason.p[i] < 0x7F);
}

static void check_as_it_is(struct arena *a, const struct header_list *headers, struct str body)
{
    size_t n, again;
    const struct dkim_signature *whole = verify(a, headers, body, body.n + 1, &n);
    const struct dkim_signature *bytes = verify(a, headers, body, 1, &again);
    require(n == again);
    for (size_t i = 0; i < n; i++) {
        require_sound(&whole[i]);
        require(whole[i].result == bytes[i].result && str_eq(whole[i].reason, bytes[i].reason));
    }
}

/* NULL: no signature names the key. */
static const struct dkim_signature *verify_own(struct arena *a, const struct header_list *headers,
                                               struct str body, const struct dkim_signing_key *key,
                                               size_t *n)
{
    const struct dkim_verify_settings settings = {
        .max_signatures = 10, .min_key_bits = 1024, .now = 1700000000};
    size_t skipped;
    struct dkim_verifier *v = dkim_verifier_new_own(a, &settings, headers, NULL, key, 1);
    if (!v)
        return NULL;
    dkim_verifier_body(v, body.p, body.n);
    return dkim_verifier_finish(v, NULL, n, &skipped);
}

static void check_signed(struct arena *a, const struct header_list *headers, struct str body,
                         enum canon header_canon, enum canon body_canon)
{
    const struct dkim_sign_settings settings = {
        .header_canon = header_canon, .body_canon = body_canon, .now = 1700000000};
    const struct dkim_signing_key key = {STR("example.org"), STR("ed"), setting()->key};
    struct dkim_signer *s = dkim_signer_new(a, &settings, headers);
    struct header_list with;
    struct str value, problem;
    size_t n;
    dkim_signer_body(s, body.p, body.n);
    require(dkim_signer_finish(s, &key, 1, &value, &problem));
    require_field_lines(value, strlen("DKIM-Signature:"));
    header_list_init(&with, a);
    header_list_add(&with, STR("DKIM-Signature"), value);
    for (size_t i = 0; i < headers->n; i++)
        header_list_add(&with, header_written_name(&headers->fields[i]), headers->fields[i].value);
    const struct dkim_signature *found = verify(a, &with, body, 7, &n);
    require(n > 0 && found[0].result == DKIM_PASS);
    found = verify_own(a, &with, body, &key, &n);
    require(found && n > 0 && found[0].result == DKIM_PASS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(0);
    struct header_list headers;
    struct str body;
    setting();
    header_list_init(&headers, a);
    header_parse_message(&headers, fuzz_text(data, size), &body);
    check_as_it_is(a, &headers, body);
    check_signed(a, &headers, body, CANON_RELAXED, CANON_RELAXED);
    check_signed(a, &headers, body, CANON_SIMPLE, CANON_SIMPLE);
    arena_free(a);
    return 0;
}
