/* dkim_util.h - what the DKIM tests share: the keys of the RFCs, a zone, and messages signed by
 * hand, so that signatures can be made that our signer would not make. */
#ifndef ASSAY_TESTS_UNIT_DKIM_UTIL_H
#define ASSAY_TESTS_UNIT_DKIM_UTIL_H

#include "test.h"

#include "dkim/dkim.h"

/* RFC 8463 A.1, A.2 */
#define RSA_PUBLIC                                                                                 \
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J1" \
    "6JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2" \
    "EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB"
#define ED25519_PUBLIC "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
/* RFC 6376 C: another key of 1024 bits */
#define OTHER_PUBLIC                                                                               \
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOC" \
    "KG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGj" \
    "aNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB"

static const char rsa_pem[] = "-----BEGIN RSA PRIVATE KEY-----\n"
                              "MIICXQIBAAKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQi\n"
                              "Y/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqM\n"
                              "KrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB\n"
                              "AoGAH0cxOhFZDgzXWhDhnAJDw5s4roOXN4OhjiXa8W7Y3rhX3FJqmJSPuC8N9vQm\n"
                              "6SVbaLAE4SG5mLMueHlh4KXffEpuLEiNp9Ss3O4YfLiQpbRqE7Tm5SxKjvvQoZZe\n"
                              "zHorimOaChRL2it47iuWxzxSiRMv4c+j70GiWdxXnxe4UoECQQDzJB/0U58W7RZy\n"
                              "6enGVj2kWF732CoWFZWzi1FicudrBFoy63QwcowpoCazKtvZGMNlPWnC7x/6o8Gc\n"
                              "uSe0ga2xAkEA8C7PipPm1/1fTRQvj1o/dDmZp243044ZNyxjg+/OPN0oWCbXIGxy\n"
                              "WvmZbXriOWoSALJTjExEgraHEgnXssuk7QJBALl5ICsYMu6hMxO73gnfNayNgPxd\n"
                              "WFV6Z7ULnKyV7HSVYF0hgYOHjeYe9gaMtiJYoo0zGN+L3AAtNP9huqkWlzECQE1a\n"
                              "licIeVlo1e+qJ6Mgqr0Q7Aa7falZ448ccbSFYEPD6oFxiOl9Y9se9iYHZKKfIcst\n"
                              "o7DUw1/hz2Ck4N5JrgUCQQCyKveNvjzkkd8HjYs0SwM0fPjK16//5qDZ2UiDGnOe\n"
                              "uEzxBDAr518Z8VFbR41in3W4Y3yCDgQlLlcETrS+zYcL\n"
                              "-----END RSA PRIVATE KEY-----\n";

static const char ed25519_pem[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
    "-----END PRIVATE KEY-----\n";

static struct arena *arena;
static struct private_key *rsa_key, *ed25519_key;

static int dkim_setup(void **state)
{
    (void)state;
    struct str problem;
    arena = arena_new(0);
    rsa_key = private_key_decode(str_of(rsa_pem), arena, &problem);
    ed25519_key = private_key_decode(str_of(ed25519_pem), arena, &problem);
    return rsa_key && ed25519_key ? 0 : -1;
}

static int dkim_teardown(void **state)
{
    (void)state;
    private_key_release(rsa_key);
    private_key_release(ed25519_key);
    arena_free(arena);
    return 0;
}

static const struct dkim_verify_settings default_settings = {
    .max_signatures = 10,
    .min_key_bits = 1024,
    .clock_skew_s = 300,
    .now = 1700000000,
};

static inline void assert_result(struct dkim_signature got, enum dkim_result want,
                                 const char *reason)
{
    if (got.result != want)
        print_error("%s (%.*s), not %s\n", dkim_result_name(got.result), STR_ARG(got.reason),
                    dkim_result_name(want));
    assert_int_equal(got.result, want);
    assert_str(got.reason, reason);
}

/* What the verifier finds in a whole message. */
struct verified {
    const struct dkim_signature *signatures;
    size_t n, skipped;
};

static inline struct verified verify_fields(const struct dkim_verify_settings *settings,
                                            const struct header_list *headers, struct str body,
                                            const char *zone)
{
    struct verified v;
    struct str problem = STR_NONE;
    struct dns *dns = dns_open_zone(str_of(zone), arena, &problem);
    if (!dns)
        print_error("%.*s\n", STR_ARG(problem));
    assert_non_null(dns);
    struct dns_asker asker = {.dns = dns, .arena = arena_new(0), .patience_us = INT64_C(10000000)};
    struct dkim_verifier *verifier = dkim_verifier_new(settings, headers, NULL, &asker);
    if (dkim_verifier_wants_body(verifier))
        dkim_verifier_body(verifier, body.p, body.n);
    const struct dkim_signature *found = dkim_verifier_finish(verifier, &asker, &v.n, &v.skipped);
    struct dkim_signature *kept = arena_array(arena, struct dkim_signature, v.n);
    for (size_t i = 0; i < v.n; i++) {
        kept[i] = found[i];
        kept[i].reason = str_copy(arena, found[i].reason);
        kept[i].domain = str_copy(arena, found[i].domain);
        kept[i].selector = str_copy(arena, found[i].selector);
        kept[i].identity = str_copy(arena, found[i].identity);
        kept[i].algorithm = str_copy(arena, found[i].algorithm);
        kept[i].b_start = str_copy(arena, found[i].b_start);
    }
    v.signatures = kept;
    arena_free(asker.arena);
    dns_close(dns);
    return v;
}

static inline struct verified verify_message(const struct dkim_verify_settings *settings,
                                             struct str message, const char *zone)
{
    struct header_list headers;
    struct str body;
    header_list_init(&headers, arena);
    header_parse_message(&headers, message, &body);
    return verify_fields(settings, &headers, body, zone);
}

/* The value of a DKIM-Signature field over the message: `tags` has "*" where the base64 of the body
 * digest goes and ends with "b=" or has it emptied; `names` are the fields to hash, with spaces
 * between. */
static inline struct str sign_by_hand(struct private_key *key, enum canon header_canon,
                                      enum canon body_canon, uint64_t limit, struct str message,
                                      const char *names, const char *tags)
{
    struct header_list headers;
    struct str body, rest = str_of(names), name, template = str_of(tags);
    struct strbuf value;
    unsigned char digest[32];
    header_list_init(&headers, arena);
    header_parse_message(&headers, message, &body);
    struct body_hash *bh = body_hash_new(arena, body_canon, limit);
    body_hash_update(bh, body.p, body.n);
    body_hash_finish(bh, digest);
    sb_init(&value, arena);
    size_t star = str_find(template, 0, '*');
    sb_add(&value, str_sub(template, 0, star));
    if (star < template.n)
        sb_add(&value, base64_encode(arena, (struct str){(char *)digest, sizeof digest}));
    sb_add(&value, str_sub(template, star + 1, template.n));

    struct header_hash *hh = header_hash_new(arena, header_canon);
    while (str_split(&rest, ' ', &name)) {
        const struct header_field *field = header_get(&headers, name, 0);
        if (field)
            header_hash_field(hh, field->name, field->value);
    }
    header_hash_signature(hh, STR("DKIM-Signature"), sb_str(&value));
    header_hash_finish(hh, digest);
    struct str b = base64_encode(arena, private_key_sign(key, digest, arena));
    struct str text = sb_str(&value);
    /* b= is where the template has it empty: before a ';' or at the end. */
    const char *at = memmem(text.p, text.n, "b=;", 3);
    size_t split = at ? (size_t)(at - text.p) + 2 : text.n;
    return str_printf(arena, "%.*s%.*s%.*s", STR_ARG(str_sub(text, 0, split)), STR_ARG(b),
                      STR_ARG(str_sub(text, split, text.n)));
}

#endif
