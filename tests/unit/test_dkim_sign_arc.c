/* dkim/sign: what an ARC-Message-Signature covers (RFC 8617 4.1.2). */
#include "dkim_util.h"

#include "dkim/signer.h"

#define MESSAGE                                                                                    \
    "ARC-Seal: 1\r\nARC-Message-Signature: 1\r\nARC-Authentication-Results: 1\r\n"                 \
    "DKIM-Signature: 1\r\nDKIM-Signature: 2\r\nAuthentication-Results: x\r\nReceived: x\r\n"       \
    "X-Arc: 1\r\nFrom: a@example.org\r\nTo: b@example.net\r\n\r\nHello\r\n"

static void split(const char *text, struct str out[8], size_t *n)
{
    struct str rest = str_of(text), part;
    for (*n = 0; str_split(&rest, ' ', &part);)
        out[(*n)++] = part;
}

/* The value of the field with these names to sign and to oversign, where they are given. */
static struct str signed_with(const char *sign, const char *oversign)
{
    struct dkim_sign_settings settings = {
        .header_canon = CANON_RELAXED, .body_canon = CANON_RELAXED, .now = 1700000000};
    const struct dkim_signing_key key = {STR("example.org"), STR("s"), ed25519_key};
    struct str signs[8], oversigns[8], body, value, problem;
    struct header_list headers;
    if (sign) {
        split(sign, signs, &settings.n_sign_headers);
        settings.sign_headers = signs;
    }
    if (oversign) {
        split(oversign, oversigns, &settings.n_oversign_headers);
        settings.oversign_headers = oversigns;
    }
    header_list_init(&headers, arena);
    header_parse_message(&headers, STR(MESSAGE), &body);
    struct body_hash *hash = body_hash_new(arena, CANON_RELAXED, UINT64_MAX);
    body_hash_update(hash, body.p, body.n);
    struct dkim_signer *s = signer_new_arc(arena, &settings, &headers, 7, hash);
    assert_true(dkim_signer_finish(s, &key, 1, &value, &problem));
    return value;
}

/* The signatures that the message came with, each once; nothing of ARC, whoever asks for it. */
static void what_is_covered(void **state)
{
    static const struct {
        const char *sign, *oversign, *h;
    } cases[] = {
        {NULL, NULL, "from:from:to:dkim-signature:dkim-signature"},
        {"to", "", "from:to:dkim-signature:dkim-signature"},
        {"dkim-signature", "", "from:dkim-signature:dkim-signature"},
        {"arc-seal ARC-Message-Signature arc-authentication-results arc-other", "arc-seal arc-next",
         "from:dkim-signature:dkim-signature"},
        {"authentication-results received bcc", "received", "from:dkim-signature:dkim-signature"},
        {"x-arc", "x-none", "from:x-arc:x-none:dkim-signature:dkim-signature"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str value = signed_with(cases[i].sign, cases[i].oversign);
        const char *at = memmem(value.p, value.n, " h=", 3);
        struct strbuf b;
        sb_init(&b, arena);
        for (at += 3; *at != ';'; at++)
            if (!strchr(" \n\t", *at))
                sb_addc(&b, *at);
        assert_str(sb_str(&b), cases[i].h);
    }
}

/* With the field's own name before it, the first line is no longer than the others. */
static void what_is_written(void **state)
{
    (void)state;
    struct str value = signed_with(NULL, NULL);
    assert_str(value,
               " i=7; a=ed25519-sha256; c=relaxed/relaxed;\n"
               "\td=example.org; s=s; t=1700000000; h=from:from:to:dkim-signature:\n"
               "\tdkim-signature; bh=Ba3gj8+xBPQLJTahTfzW6RbWQ/XPgESxkCi2B66PSQg=;\n"
               "\tb=OtKMku0AY3SLQlqPkZzWN/mWh7rnDZQKyc/2QS/M5mKpnhfx6EFMYxHROj+wpA8pMngxVcKR4sn\n"
               "\tEpqgQqIHBDA==");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_covered),
        cmocka_unit_test(what_is_written),
    };
    return cmocka_run_group_tests(tests, dkim_setup, dkim_teardown);
}
