/* keys: public keys in every wrapping and with every flaw, private keys from PEM, the cache. */
#include "test.h"

#include <pthread.h>
#include <stdio.h>

#include "base/counters.h"
#include "crypto/canon.h"
#include "crypto/keys.h"

static struct arena *arena;

static int setup(void **state)
{
    (void)state;
    arena = arena_new(0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

/* RFC 8463 A.1, A.2 */
#define RSA_PUBLIC                                                                                 \
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J1" \
    "6JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2" \
    "EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB"
#define ED25519_PUBLIC "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

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

/* The same secret as RFC 8463 A.1 in PKCS#8 (RFC 8410 7). */
static const char ed25519_pem[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
    "-----END PRIVATE KEY-----\n";

static const unsigned char digest[32] = "0123456789abcdef0123456789abcde";
static const unsigned char other[32] = "0123456789abcdef0123456789abcdf";

static struct str der(const char *base64)
{
    struct str bytes = base64_decode(arena, str_of(base64));
    assert_non_null(bytes.p);
    return bytes;
}

static struct private_key *private_key(const char *pem)
{
    struct str problem = STR_NONE;
    struct private_key *key = private_key_decode(str_of(pem), arena, &problem);
    assert_non_null(key);
    return key;
}

static void round_trip(struct private_key *secret, struct str public, unsigned bits)
{
    const char *problem = NULL;
    struct public_key *key = public_key_decode(private_key_type(secret), public, &problem);
    assert_non_null(key);
    assert_int_equal(public_key_type(key), private_key_type(secret));
    assert_int_equal(public_key_bits(key), bits);
    assert_int_equal(private_key_bits(secret), bits);
    struct str signature = private_key_sign(secret, digest, arena);
    assert_non_null(signature.p);
    assert_true(public_key_verify(key, digest, signature));
    assert_false(public_key_verify(key, other, signature));
    assert_false(public_key_verify(key, digest, str_sub(signature, 0, signature.n - 1)));
    assert_false(public_key_verify(key, digest, STR("")));
    ((char *)(uintptr_t)signature.p)[3] ^= 1;
    assert_false(public_key_verify(key, digest, signature));
    public_key_hold(key);
    public_key_release(key);
    public_key_release(key);
}

static void known_keys(void **state)
{
    (void)state;
    struct private_key *rsa = private_key(rsa_pem), *ed25519 = private_key(ed25519_pem);
    assert_str(base64_encode(arena, private_key_public(rsa, arena)), RSA_PUBLIC);
    assert_str(base64_encode(arena, private_key_public(ed25519, arena)), ED25519_PUBLIC);
    round_trip(rsa, der(RSA_PUBLIC), 1024);
    round_trip(ed25519, der(ED25519_PUBLIC), 256);
    /* The 22 bytes before it wrap the RSAPublicKey. */
    round_trip(rsa, str_sub(der(RSA_PUBLIC), 22, SIZE_MAX), 1024);
    private_key_hold(rsa);
    private_key_release(rsa);
    private_key_release(rsa);
    private_key_release(ed25519);
}

static void made_keys(void **state)
{
    (void)state;
    static const struct {
        enum key_type type;
        unsigned bits;
    } cases[] = {{KEY_RSA, 1024}, {KEY_RSA, 2048}, {KEY_ED25519, 256}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str problem = STR_NONE;
        struct private_key *made =
            private_key_generate(cases[i].type, cases[i].bits, arena, &problem);
        assert_non_null(made);
        struct str pem = private_key_pem(made, arena);
        assert_true(str_starts(pem, STR("-----BEGIN PRIVATE KEY-----\n")));
        struct private_key *read = private_key_decode(pem, arena, &problem);
        assert_non_null(read);
        round_trip(read, private_key_public(made, arena), cases[i].bits);
        private_key_release(made);
        private_key_release(read);
    }
    struct str problem = STR_NONE;
    assert_null(private_key_generate(KEY_RSA, 1023, arena, &problem));
    assert_str(problem, "an RSA key has 1024 to 8192 bits, not 1023");
    assert_null(private_key_generate(KEY_RSA, 8193, arena, &problem));
}

static void refuse_private(const char *pem, const char *want)
{
    struct str problem = STR_NONE;
    assert_null(private_key_decode(str_of(pem), arena, &problem));
    assert_str(problem, want);
}

static void bad_private_keys(void **state)
{
    (void)state;
    const char *no_pem = "no private key in PEM form without a passphrase";
    refuse_private("", no_pem);
    refuse_private("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", no_pem);
    refuse_private("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
                   "MIIC3TBXBgkqhkiG9w0BBQ0wSjApBgkqhkiG9w0BBQwwHAQIy3++8HWg9tgCAggA\n"
                   "-----END ENCRYPTED PRIVATE KEY-----\n",
                   no_pem);
    refuse_private("-----BEGIN PRIVATE KEY-----\n"
                   "MIIBVAIBADANBgkqhkiG9w0BAQEFAASCAT4wggE6AgEAAkEA5REYjNIzj4h5KUrG\n"
                   "rhjshRc08Jy1Kz6hLdsvbCtXJXsd1SOph5mD0WfJBRq0UIvW5Ra4Cv1bksb9a3Tt\n"
                   "prapDQIDAQABAkAuwI6CL2TWpsQT6W8jmXKst0/WzCUt7lp3QYUsTqw6ucMetqcK\n"
                   "TKeisqA+AM7DxJN/CKV7neRnSWe0Jr2VgGABAiEA/4uKD9Bx5sgrVu3dzMnvqTki\n"
                   "jUypYEuBQHkASs1NeCECIQDleX1RbeW9M5q0h0tbzUhw+JUm/Lt7yq7Kd7Dto44j\n"
                   "bQIgP2naJdh9G17a2mSGoNYPofeqqlO2yE2UUnJ0bxuJOOECIQCw3mgB6FOn9etq\n"
                   "89DYrCwGrwK/LxMOghUhBwn+0A5RLQIgNIfKCgYN7n3QnHgiH1MIw1PXPxaUgLm3\n"
                   "cT/MuUahtEo=\n"
                   "-----END PRIVATE KEY-----\n",
                   "the RSA key has 512 bits; at least 1024 are needed (RFC 8301 3.2)");
    refuse_private("-----BEGIN EC PRIVATE KEY-----\n"
                   "MHcCAQEEIMqMzX4pFgRMANrxtamW6RdMGHLVa65Qt3lxUX7MbW5eoAoGCCqGSM49\n"
                   "AwEHoUQDQgAEsBEJgcV3lxLqFO8v4ySrQ8hyH+uGj27isBkmCT9Qu6VSsJY3CR7J\n"
                   "HaE7lz3ua5sE2qLG3bAmgIruE/OjXRC3WQ==\n"
                   "-----END EC PRIVATE KEY-----\n",
                   "the key is neither RSA nor Ed25519");
    /* One letter of the modulus differs. */
    char *damaged = str_cstr(arena, str_of(rsa_pem));
    char *letter = strstr(damaged, "W91y3FutAC");
    assert_non_null(letter);
    letter[9] = 'D';
    refuse_private(damaged, "the key is damaged: what it signs does not verify");
}

/* A DER element: tag, length, the parts' bytes. */
static struct str element(unsigned char tag, struct str a, struct str b)
{
    struct strbuf out;
    size_t n = a.n + b.n;
    sb_init(&out, arena);
    sb_addc(&out, (char)tag);
    sb_addc(&out, (char)0x82);
    sb_addc(&out, (char)(n >> 8));
    sb_addc(&out, (char)n);
    sb_add(&out, a);
    sb_add(&out, b);
    return sb_str(&out);
}

static struct str rsa_der(struct str n, struct str e)
{
    return element(0x30, element(0x02, n, STR("")), element(0x02, e, STR("")));
}

/* An odd number of this many bytes whose first one is `first`. */
static struct str modulus(size_t bytes, unsigned char first)
{
    char *p = arena_alloc(arena, bytes);
    memset(p, 0x55, bytes);
    p[0] = (char)first;
    return (struct str){p, bytes};
}

static void refuse_public(enum key_type type, struct str bytes, const char *want)
{
    const char *problem = NULL;
    assert_null(public_key_decode(type, bytes, &problem));
    assert_string_equal(problem, want);
}

static void bad_public_keys(void **state)
{
    (void)state;
    const char *no_rsa = "p= holds no RSA key";
    const struct str e = STR("\x01\x00\x01");
    struct str good = der(RSA_PUBLIC);
    for (size_t n = 0; n < good.n; n++)
        refuse_public(KEY_RSA, str_copy(arena, str_sub(good, 0, n)), no_rsa);
    refuse_public(KEY_RSA, str_printf(arena, "%.*s", STR_ARG(STR("\x30\x80"))), no_rsa);
    refuse_public(KEY_RSA, element(0x30, str_sub(good, 3, good.n), STR("\x05")), no_rsa);
    refuse_public(KEY_RSA, der(ED25519_PUBLIC), no_rsa);
    refuse_public(KEY_RSA, rsa_der(modulus(128, 0x80), e), no_rsa); /* negative */
    refuse_public(KEY_RSA, rsa_der(STR("\0"), e), no_rsa);
    refuse_public(KEY_RSA, rsa_der(modulus(1025, 0x01), e), "the RSA key has more than 8192 bits");
    refuse_public(KEY_RSA, rsa_der(modulus(65000, 0x01), e), "the RSA key has more than 8192 bits");
    refuse_public(KEY_RSA, rsa_der(STR("\x7f\xfe"), e), "the RSA modulus is even");
    refuse_public(KEY_RSA, rsa_der(modulus(128, 0x7f), STR("\x01")),
                  "the RSA exponent is 1 or even");
    refuse_public(KEY_RSA, rsa_der(modulus(128, 0x7f), STR("\x02")),
                  "the RSA exponent is 1 or even");
    refuse_public(KEY_RSA, rsa_der(modulus(128, 0x7f), modulus(9, 0x01)),
                  "the RSA exponent has more than 64 bits");
    refuse_public(KEY_ED25519, str_sub(der(ED25519_PUBLIC), 0, 31),
                  "p= holds no Ed25519 key (32 bytes)");
    refuse_public(KEY_ED25519, good, "p= holds no Ed25519 key (32 bytes)");
}

static void odd_public_keys(void **state)
{
    (void)state;
    static const struct {
        size_t bytes;
        unsigned char first;
        unsigned bits;
    } cases[] = {{64, 0x40, 511}, {128, 0x7f, 1023}, {1024, 0x7f, 8191}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *problem = NULL;
        struct public_key *key = public_key_decode(
            KEY_RSA, rsa_der(modulus(cases[i].bytes, cases[i].first), STR("\x03")), &problem);
        assert_non_null(key);
        assert_int_equal(public_key_bits(key), cases[i].bits);
        assert_false(public_key_verify(key, digest, modulus(cases[i].bytes, 0x11)));
        public_key_release(key);
    }
}

static void cache_decodes_once(void **state)
{
    (void)state;
    struct key_cache *cache = key_cache_new(1 << 20);
    const char *problem = NULL;
    uint64_t misses = counter_get(CTR_KEY_CACHE_MISSES), hits = counter_get(CTR_KEY_CACHE_HITS);
    struct public_key *one = key_cache_get(cache, KEY_RSA, der(RSA_PUBLIC), &problem);
    struct public_key *two = key_cache_get(cache, KEY_RSA, der(RSA_PUBLIC), &problem);
    struct public_key *ed = key_cache_get(cache, KEY_ED25519, der(ED25519_PUBLIC), &problem);
    assert_ptr_equal(one, two);
    assert_ptr_not_equal(one, ed);
    assert_int_equal(counter_get(CTR_KEY_CACHE_MISSES) - misses, 2);
    assert_int_equal(counter_get(CTR_KEY_CACHE_HITS) - hits, 1);
    assert_null(key_cache_get(cache, KEY_RSA, STR("rubbish"), &problem));
    assert_string_equal(problem, "p= holds no RSA key");
    assert_null(
        key_cache_get(cache, KEY_RSA, (struct str){arena_alloc(arena, 9999), 9999}, &problem));
    key_cache_free(cache);
    assert_int_equal(public_key_bits(two), 1024); /* outlives the cache */
    public_key_release(one);
    public_key_release(two);
    public_key_release(ed);
    struct public_key *none = key_cache_get(NULL, KEY_RSA, der(RSA_PUBLIC), &problem);
    assert_non_null(none);
    public_key_release(none);
    key_cache_free(NULL);
}

struct worker {
    pthread_t thread;
    struct key_cache *cache;
    struct str der, signature;
    unsigned good;
};

static void *work(void *context)
{
    struct worker *w = context;
    for (int i = 0; i < 200; i++) {
        const char *problem = NULL;
        struct public_key *key = key_cache_get(w->cache, KEY_ED25519, w->der, &problem);
        if (key && public_key_verify(key, digest, w->signature))
            w->good++;
        public_key_release(key);
    }
    return NULL;
}

/* A cache too small for anything and one that fits, used by several threads. */
static void cache_is_shared(void **state)
{
    (void)state;
    struct private_key *secret = private_key(ed25519_pem);
    struct str signature = private_key_sign(secret, digest, arena);
    for (size_t size = 1; size <= 1 << 20; size <<= 20) {
        struct key_cache *cache = key_cache_new(size);
        struct worker workers[4];
        for (size_t i = 0; i < 4; i++) {
            workers[i] =
                (struct worker){.cache = cache, .der = der(ED25519_PUBLIC), .signature = signature};
            assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
        }
        for (size_t i = 0; i < 4; i++) {
            pthread_join(workers[i].thread, NULL);
            assert_int_equal(workers[i].good, 200);
        }
        key_cache_free(cache);
    }
    private_key_release(secret);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_keys),       cmocka_unit_test(made_keys),
        cmocka_unit_test(bad_private_keys), cmocka_unit_test(bad_public_keys),
        cmocka_unit_test(odd_public_keys),  cmocka_unit_test(cache_decodes_once),
        cmocka_unit_test(cache_is_shared),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
