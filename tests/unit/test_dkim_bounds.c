/* dkim/verify: what much of something costs: signatures, records, names and fields. */
#include "dkim_util.h"

#include "base/clock.h"

#define HEAD "v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; h=from:to; "

static const char zone[] = "rsa._domainkey.example.org. TXT \"v=DKIM1; p=" RSA_PUBLIC "\"\n";

/* Signatures beyond the cap cost nothing: not in keys asked for, not in octets hashed. */
static void thousand_signatures(void **state)
{
    (void)state;
    struct header_list headers;
    struct str problem;
    char *body = arena_alloc(arena, 1 << 20);
    memset(body, 'x', 1 << 20);
    header_list_init(&headers, arena);
    for (int i = 0; i < 1000; i++)
        header_list_add(&headers, STR("DKIM-Signature"),
                        str_printf(arena, " " HEAD "s=k%d; l=%d; bh=AAAA; b=AAAA", i, 1000000 + i));
    header_list_add(&headers, STR("From"), STR(" a@example.org"));
    int64_t cost[2];
    for (unsigned round = 0; round < 2; round++) {
        struct dkim_verify_settings settings = default_settings;
        settings.max_signatures = 10;
        struct arena *a = arena_new(0);
        struct dns_asker asker = {.dns = dns_open_zone(str_of(zone), a, &problem), .arena = a};
        size_t n, skipped;
        if (round == 0) /* the same with the first ten alone */
            headers.fields += 990, headers.n -= 990;
        int64_t begin = clock_us();
        struct dkim_verifier *v = dkim_verifier_new(&settings, &headers, NULL, &asker);
        for (size_t at = 0; at < 1 << 20; at += 1 << 16)
            dkim_verifier_body(v, body + at, 1 << 16);
        dkim_verifier_finish(v, &asker, &n, &skipped);
        cost[round] = clock_us() - begin;
        assert_int_equal(n, 10);
        assert_int_equal(skipped, round ? 990 : 0);
        assert_int_equal(asker.lookups, 10);
        if (round == 0)
            headers.fields -= 990, headers.n += 990;
        struct dns *dns = asker.dns;
        arena_free(a);
        dns_close(dns);
    }
    /* Far from both a fair comparison and a thousand times ten. */
    assert_true(cost[1] < 10 * cost[0] + 100000);
}

/* What a signature costs does not grow with the records at its key's name. */
static void thousand_records(void **state)
{
    (void)state;
    struct strbuf many;
    size_t used[2];
    sb_init(&many, arena);
    for (unsigned round = 0; round < 2; round++) {
        struct str problem;
        struct arena *a = arena_new(0);
        struct header_list headers;
        size_t n, skipped;
        for (int i = 0; i < 500; i++)
            sb_printf(&many, "many._domainkey.example.org. TXT \"p=; n=%d\"\n", i);
        struct dns_asker asker = {.dns = dns_open_zone(sb_str(&many), arena, &problem),
                                  .arena = a,
                                  .patience_us = 1000000};
        header_list_init(&headers, a);
        header_list_add(&headers, STR("DKIM-Signature"),
                        str_printf(a, " " HEAD "s=many; bh=AAAA; b=AAAA"));
        struct dkim_verifier *v = dkim_verifier_new(&default_settings, &headers, NULL, &asker);
        size_t before = arena_used(a);
        assert_result(dkim_verifier_finish(v, &asker, &n, &skipped)[0], DKIM_PERMERROR,
                      "the key is revoked (p= is empty)");
        used[round] = arena_used(a) - before;
        struct dns *dns = asker.dns;
        arena_free(a);
        dns_close(dns);
    }
    assert_int_equal(used[0], used[1]);
}

/* Memory for ten signatures over one message: their l= are equal or all different. */
static size_t memory_for(const char *head)
{
    struct header_list headers;
    struct str problem;
    struct dns *dns = dns_open_zone(str_of(zone), arena, &problem);
    struct dns_asker asker = {.dns = dns, .arena = arena_new(0)};
    header_list_init(&headers, arena);
    for (int i = 0; i < 10; i++)
        header_list_add(
            &headers, STR("DKIM-Signature"),
            str_printf(arena, " " HEAD "s=k%d; l=%s%d; bh=AAAA; b=AAAA", i, head, *head ? i : 10));
    dkim_verifier_new(&default_settings, &headers, NULL, &asker);
    size_t used = arena_used(asker.arena);
    arena_free(asker.arena);
    dns_close(dns);
    return used;
}

/* Signatures of one kind share a body digest, which takes more than 512 bytes. */
static void shared_bodies(void **state)
{
    (void)state;
    assert_true(memory_for("1") > memory_for("") + 9 * 512);
}

/* The body is of no interest where no signature can pass, or l= is exceeded. */
static void body_wanted(void **state)
{
    (void)state;
    struct str problem;
    struct dns *dns = dns_open_zone(str_of(zone), arena, &problem);
    struct dns_asker asker = {.dns = dns, .arena = arena_new(0)};
    struct header_list headers;
    header_list_init(&headers, arena);
    header_list_add(&headers, STR("DKIM-Signature"), STR(" v=1"));
    struct dkim_verifier *v = dkim_verifier_new(&default_settings, &headers, NULL, &asker);
    assert_false(dkim_verifier_wants_body(v));
    header_list_add(&headers, STR("DKIM-Signature"), STR(" " HEAD "s=rsa; l=9; bh=AAAA; b=AAAA"));
    v = dkim_verifier_new(&default_settings, &headers, NULL, &asker);
    assert_true(dkim_verifier_wants_body(v));
    char block[1000];
    memset(block, 'x', sizeof block);
    dkim_verifier_body(v, block, sizeof block);
    assert_false(dkim_verifier_wants_body(v));
    arena_free(asker.arena);
    dns_close(dns);
}

/* h= of 10 KB and more, over many fields. */
static void long_lists(void **state)
{
    (void)state;
    struct header_list headers;
    struct strbuf h;
    unsigned char digest[32];
    header_list_init(&headers, arena);
    sb_init(&h, arena);
    sb_add(&h, STR(" v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=rsa; "
                   "bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; h=from"));
    for (int i = 0; i < 2000; i++) {
        header_list_add(&headers, STR("X-A"), str_printf(arena, " %d", i));
        header_list_add(&headers, str_printf(arena, "X-%d", i), STR(" x"));
        sb_add(&h, STR(":x-a:\r\n x-b : from"));
    }
    header_list_add(&headers, STR("From"), STR(" a@example.org"));
    sb_add(&h, STR("; b="));
    struct header_hash *hash = header_hash_new(arena, CANON_RELAXED);
    header_hash_field(hash, STR("From"), STR(" a@example.org"));
    for (int i = 1999; i >= 0; i--)
        header_hash_field(hash, STR("X-A"), str_printf(arena, " %d", i));
    header_hash_signature(hash, STR("DKIM-Signature"), sb_str(&h));
    header_hash_finish(hash, digest);
    sb_add(&h, base64_encode(arena, private_key_sign(rsa_key, digest, arena)));
    header_list_add(&headers, STR("DKIM-Signature"), sb_str(&h));
    struct verified v = verify_fields(&default_settings, &headers, STR(""), zone);
    assert_int_equal(v.n, 1);
    assert_result(v.signatures[0], DKIM_PASS, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thousand_signatures), cmocka_unit_test(thousand_records),
        cmocka_unit_test(shared_bodies),       cmocka_unit_test(body_wanted),
        cmocka_unit_test(long_lists),
    };
    return cmocka_run_group_tests(tests, dkim_setup, dkim_teardown);
}
