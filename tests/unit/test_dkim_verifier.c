/* dkim/verify: what is known of signatures before the body comes, and who feeds it. */
#include "dkim_util.h"

#define MESSAGE "From: a@example.org\r\n\r\nHello\r\n"
#define HEAD    " v=1; a=rsa-sha256; c=relaxed/relaxed; h=from; s=rsa; "

static const struct str message = STR_INIT(MESSAGE);
static const char zone[] = "rsa._domainkey.example.org. TXT \"p=" RSA_PUBLIC "\"\n"
                           "rsa._domainkey.other.example. TXT \"p=" RSA_PUBLIC "\"\n";

/* A header with these signatures on top of From. */
static void with_signatures(struct header_list *headers, const struct str *values, size_t n)
{
    header_list_init(headers, arena);
    for (size_t i = 0; i < n; i++)
        header_list_add(headers, STR("DKIM-Signature"), values[i]);
    header_list_add(headers, STR("From"), STR(" a@example.org"));
}

static const struct str four[] = {
    STR_INIT(HEAD "d=example.org; bh=AAAA; b=abcdefghij"),
    STR_INIT(HEAD "d=broken.example; bh=AAAA; b=abcdefgh++; x=1"),
    STR_INIT(HEAD "d=other.example; bh=AAAA; b=abcdefgh//"),
    STR_INIT(HEAD "d=last.example; bh=AAAA; b=AAAA"),
};

/* Of those that may pass yet, the newest first. */
static void domains_that_may_pass(void **state)
{
    struct dkim_verify_settings settings = default_settings;
    struct header_list headers;
    struct str problem;
    struct dns_asker asker = {.dns = dns_open_zone(str_of(zone), arena, &problem),
                              .arena = arena_new(0)};
    size_t n = 77;
    (void)state;
    settings.max_signatures = 3;
    with_signatures(&headers, four, 4);
    const struct dkim_verifier *v = dkim_verifier_new(&settings, &headers, NULL, &asker);
    const struct str *domains = dkim_verifier_domains(v, &n);
    assert_int_equal(n, 2);
    assert_str(domains[0], "example.org");
    assert_str(domains[1], "other.example");
    assert_int_equal(asker.queries, 2);
    arena_free(asker.arena);
    dns_close(asker.dns);
}

/* Named as they are, and nothing is verified. */
static void read_alone(void **state)
{
    static const struct {
        enum dkim_result result;
        const char *domain, *b_start;
    } want[] = {
        {DKIM_NONE, "example.org", "abcdefghi"},
        {DKIM_POLICY, "broken.example", "abcdefgh+"},
        {DKIM_NONE, "other.example", "abcdefgh/"},
    };
    struct dkim_verify_settings settings = default_settings;
    struct header_list headers;
    size_t n = 77, skipped = 77;
    (void)state;
    settings.max_signatures = 3;
    with_signatures(&headers, four, 4);
    const struct dkim_signature *got =
        dkim_signatures_read(arena, &settings, &headers, &n, &skipped);
    assert_int_equal(n, 3);
    assert_int_equal(skipped, 1);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(got[i].result, want[i].result);
        assert_str(got[i].domain, want[i].domain);
        assert_str(got[i].b_start, want[i].b_start);
    }
}

/* Where digests of the body are given, they alone are fed. */
static void bodies_of_the_caller(void **state)
{
    struct dkim_verify_settings settings = default_settings;
    struct header_list headers;
    struct str problem, value;
    struct dns_asker asker = {.dns = dns_open_zone(str_of(zone), arena, &problem),
                              .arena = arena_new(0),
                              .patience_us = INT64_C(10000000)};
    size_t n, skipped;
    (void)state;
    settings.bodies = body_digests_new(asker.arena);
    value = sign_by_hand(rsa_key, CANON_RELAXED, CANON_RELAXED, UINT64_MAX, message, "from",
                         HEAD "d=example.org; bh=*; b=");
    with_signatures(&headers, &value, 1);
    struct dkim_verifier *v = dkim_verifier_new(&settings, &headers, NULL, &asker);
    assert_true(dkim_verifier_wants_body(v));
    dkim_verifier_body(v, "Bye\r\n", 5);
    body_digests_update(settings.bodies, "Hello\r\n", 7);
    assert_int_equal(dkim_verifier_finish(v, &asker, &n, &skipped)[0].result, DKIM_PASS);
    assert_int_equal(n, 1);
    assert_int_equal(skipped, 0);
    struct dns *dns = asker.dns;
    arena_free(asker.arena);
    dns_close(dns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(domains_that_may_pass),
        cmocka_unit_test(read_alone),
        cmocka_unit_test(bodies_of_the_caller),
    };
    return cmocka_run_group_tests(tests, dkim_setup, dkim_teardown);
}
