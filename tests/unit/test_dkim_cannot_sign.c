/* dkim/sign: OpenSSL cannot sign any more. */
#include "dkim_util.h"

#include <dlfcn.h>
#include <openssl/evp.h>

static bool broken;

/* In the place of OpenSSL's. */
int EVP_PKEY_sign(EVP_PKEY_CTX *ctx, unsigned char *sig, size_t *siglen, const unsigned char *tbs,
                  size_t tbslen)
{
    int (*real)(EVP_PKEY_CTX *, unsigned char *, size_t *, const unsigned char *, size_t);
    *(void **)&real = dlsym(RTLD_NEXT, "EVP_PKEY_sign");
    return broken ? 0 : real(ctx, sig, siglen, tbs, tbslen);
}

static bool signs(struct str *problem)
{
    static const struct dkim_sign_settings settings = {.now = 1700000000};
    const struct dkim_signing_key keys[] = {{STR("example.org"), STR("ed"), ed25519_key},
                                            {STR("example.org"), STR("rsa"), rsa_key}};
    struct header_list headers;
    struct str values[2];
    header_list_init(&headers, arena);
    header_list_add(&headers, STR("From"), STR(" a@example.org"));
    struct dkim_signer *s = dkim_signer_new(arena, &settings, &headers);
    *problem = STR_NONE;
    return dkim_signer_finish(s, keys, 2, values, problem);
}

/* The key is named that it was about. */
static void one_key_of_two(void **state)
{
    struct str problem;
    (void)state;
    broken = false;
    assert_true(signs(&problem));
    assert_str(problem, "");
    broken = true;
    assert_false(signs(&problem));
    assert_str(problem, "OpenSSL cannot sign with the key of selector rsa");
    broken = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_key_of_two),
    };
    return cmocka_run_group_tests(tests, dkim_setup, dkim_teardown);
}
