/* dkim/evaluate: several records at a key's name, and how many keys are asked for. */
#include "dkim_util.h"

#define MESSAGE "From: a@example.org\r\n\r\nHello\r\n"
#define TAGS    "v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; h=from; "

static const struct str message = STR_INIT(MESSAGE);

/* The value of a signature with these tags more, by the key of RSA_PUBLIC. */
static struct str signature(const char *tags)
{
    char *all = str_cstr(arena, str_printf(arena, TAGS "%s bh=*; b=", tags));
    return sign_by_hand(rsa_key, CANON_RELAXED, CANON_RELAXED, UINT64_MAX, message, "from", all);
}

/* What the verifier says of it with these records at s._domainkey.example.org, in their order. */
static struct dkim_signature judged(const char *tags, const struct str *texts, size_t n)
{
    struct strbuf zone;
    sb_init(&zone, arena);
    for (size_t i = 0; i < n; i++)
        sb_printf(&zone, "s._domainkey.example.org. TXT \"%.*s\"\n", STR_ARG(texts[i]));
    sb_addc(&zone, '\0');
    struct str text =
        str_printf(arena, "DKIM-Signature:%.*s\r\n" MESSAGE, STR_ARG(signature(tags)));
    struct verified v = verify_message(&default_settings, text, zone.p);
    assert_int_equal(v.n, 1);
    return v.signatures[0];
}

/* A key that is longer than is ever decoded: an RSAPublicKey of 8200 bits. */
static struct str long_key(void)
{
    struct strbuf der;
    sb_init(&der, arena);
    sb_add(&der, (struct str){"\x30\x82\x04\x08\x02\x82\x04\x01\x01", 9});
    for (int i = 0; i < 1024; i++)
        sb_addc(&der, '\xff');
    sb_add(&der, (struct str){"\x02\x01\x03", 3});
    return str_printf(arena, "p=%.*s", STR_ARG(base64_encode(arena, sb_str(&der))));
}

/* Whichever comes first: the one decides that the signature gets further with. */
static void the_best_of_two_decides(void **state)
{
    (void)state;
    const struct {
        struct str text;
        const char *tags; /* of a signature that this result needs */
        enum dkim_result result;
        unsigned bits;
    } kinds[] = {
        {STR("v=spf1 -all"), "s=s;", DKIM_PERMERROR, 0},
        {STR("p="), "s=s;", DKIM_PERMERROR, 0},
        {STR("p=" OTHER_PUBLIC), "s=s;", DKIM_FAIL, 1024},
        {long_key(), "s=s;", DKIM_POLICY, 0},
        {STR("p=" RSA_PUBLIC), "s=s; t=1700000301;", DKIM_TEMPERROR, 1024},
        {STR("p=" RSA_PUBLIC), "s=s;", DKIM_PASS, 1024},
    };
    for (size_t best = 1; best < sizeof kinds / sizeof *kinds; best++)
        for (size_t other = 0; other < best; other++)
            for (int turn = 0; turn < 2; turn++) {
                const struct str both[] = {kinds[turn ? best : other].text,
                                           kinds[turn ? other : best].text};
                struct str alone = judged(kinds[best].tags, &kinds[best].text, 1).reason;
                if (str_eq(both[0], both[1]))
                    continue;
                struct dkim_signature got = judged(kinds[best].tags, both, 2);
                if (got.result != kinds[best].result || got.key_bits != kinds[best].bits)
                    fail_msg("%zu and %zu: %s, %u", other, best, dkim_result_name(got.result),
                             got.key_bits);
                assert_str(got.reason, str_cstr(arena, alone));
            }
}

/* Of those that get equally far, the first one. */
static void the_first_of_equals_decides(void **state)
{
    static const struct {
        const char *first, *second, *reason;
    } cases[] = {
        {"v=spf1 -all", "hello", "the key record does not begin with v=DKIM1"},
        {"hello", "v=spf1 -all", "the key record is no tag list"},
        {"p=", "s=x; p=AAAA", "the key is revoked (p= is empty)"},
        {"s=x; p=AAAA", "p=", "the key is not for mail (s=)"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct str both[] = {str_of(cases[i].first), str_of(cases[i].second)};
        struct dkim_signature got = judged("s=s;", both, 2);
        assert_int_equal(got.result, DKIM_PERMERROR);
        assert_str(got.reason, cases[i].reason);
    }
}

/* n records of one kind, and the key behind them. */
static enum dkim_result behind(size_t n, const char *text)
{
    struct str texts[40];
    assert_true(n < 40);
    for (size_t i = 0; i < n; i++)
        texts[i] = str_of(text);
    texts[n] = STR("p=" RSA_PUBLIC);
    return judged("s=s;", texts, n + 1).result;
}

/* Three keys are tried, of 32 records. */
static void records_and_keys_have_a_bound(void **state)
{
    (void)state;
    assert_int_equal(behind(2, "p=" OTHER_PUBLIC), DKIM_PASS);
    assert_int_equal(behind(3, "p=" OTHER_PUBLIC), DKIM_FAIL);
    assert_int_equal(behind(31, "v=spf1 -all"), DKIM_PASS);
    assert_int_equal(behind(32, "v=spf1 -all"), DKIM_PERMERROR);
}

/* --- Queries -----------------------------------------------------------------------------------*/

/* "pass policy!": the results of signatures by these selectors, top first, with "!" where the
 * queries did not suffice; and how many were made. */
static struct str with_queries(unsigned max, const char *selectors, unsigned *queries)
{
    static const char zone[] = "a._domainkey.example.org. TXT \"p=" RSA_PUBLIC "\"\n"
                               "b._domainkey.example.org. TXT \"p=" RSA_PUBLIC "\"\n"
                               "c._domainkey.example.org. TXT \"p=" RSA_PUBLIC "\"\n";
    struct dkim_verify_settings settings = default_settings;
    struct header_list headers;
    struct str problem;
    struct strbuf b;
    size_t n, skipped;
    settings.max_queries = max;
    header_list_init(&headers, arena);
    for (const char *c = selectors; *c; c++)
        header_list_add(&headers, STR("DKIM-Signature"),
                        signature(str_cstr(arena, str_printf(arena, "s=%c;", *c))));
    header_list_add(&headers, STR("From"), STR(" a@example.org"));
    struct arena *a = arena_new(0);
    struct dns_asker asker = {.dns = dns_open_zone(str_of(zone), arena, &problem),
                              .arena = a,
                              .patience_us = INT64_C(10000000)};
    struct dkim_verifier *v = dkim_verifier_new(&settings, &headers, NULL, &asker);
    dkim_verifier_body(v, "Hello\r\n", 7);
    const struct dkim_signature *got = dkim_verifier_finish(v, &asker, &n, &skipped);
    sb_init(&b, arena);
    for (size_t i = 0; i < n; i++)
        sb_printf(&b, "%s%s%s", i ? " " : "", dkim_result_name(got[i].result),
                  got[i].out_of_queries ? "!" : "");
    *queries = asker.queries;
    struct dns *dns = asker.dns;
    arena_free(a);
    dns_close(dns);
    return sb_str(&b);
}

/* Each key is asked for once, and the newest signatures come first. */
static void keys_are_asked_for_once(void **state)
{
    static const struct {
        unsigned max;
        const char *selectors, *want;
        unsigned queries;
    } cases[] = {
        {1, "a", "pass", 1},
        {1, "aaa", "pass pass pass", 1},
        {1, "ab", "pass policy!", 1},
        {1, "aba", "pass policy! pass", 1},
        {2, "abcab", "pass pass policy! pass pass", 2},
        {3, "abcab", "pass pass pass pass pass", 3},
        {0, "abcab", "pass pass pass pass pass", 3}, /* any */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned queries;
        assert_str(with_queries(cases[i].max, cases[i].selectors, &queries), cases[i].want);
        assert_int_equal(queries, cases[i].queries);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_of_two_decides),
        cmocka_unit_test(the_first_of_equals_decides),
        cmocka_unit_test(records_and_keys_have_a_bound),
        cmocka_unit_test(keys_are_asked_for_once),
    };
    return cmocka_run_group_tests(tests, dkim_setup, dkim_teardown);
}
