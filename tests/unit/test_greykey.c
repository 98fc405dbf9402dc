/* core/greykey: keys of networks as wide as the configuration says, and what people read of them.
 */
#include "test.h"

#include "core/greykey.h"

static void networks(void **state)
{
    static const char v6[] = "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff";
    static const struct {
        const char *client;
        int ipv4, ipv6;
        const char *want;
    } cases[] = {
        {"192.0.2.255", 24, 64, "g:n:192.0.2.0/24"},
        {"192.0.255.255", 23, 64, "g:n:192.0.254.0/23"},
        {"255.255.255.255", 32, 1, "g:n:255.255.255.255/32"},
        {"255.255.255.255", 31, 1, "g:n:255.255.255.254/31"},
        {"255.255.255.255", 25, 1, "g:n:255.255.255.128/25"},
        {"255.255.255.255", 17, 1, "g:n:255.255.128.0/17"},
        {"255.255.255.255", 16, 1, "g:n:255.255.0.0/16"},
        {"255.255.255.255", 9, 1, "g:n:255.128.0.0/9"},
        {"255.255.255.255", 8, 1, "g:n:255.0.0.0/8"},
        {"255.255.255.255", 1, 1, "g:n:128.0.0.0/1"},
        {v6, 24, 64, "g:n:2001:db8:ffff:ffff::/64"},
        {v6, 1, 128, "g:n:2001:db8:ffff:ffff:ffff:ffff:ffff:ffff/128"},
        {v6, 1, 127, "g:n:2001:db8:ffff:ffff:ffff:ffff:ffff:fffe/127"},
        {v6, 1, 121, "g:n:2001:db8:ffff:ffff:ffff:ffff:ffff:ff80/121"},
        {v6, 1, 48, "g:n:2001:db8:ffff::/48"},
        {v6, 1, 33, "g:n:2001:db8:8000::/33"},
    };
    struct arena *a = arena_new(0);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct conf conf = {.greylist_ipv4_prefix = cases[i].ipv4,
                                  .greylist_ipv6_prefix = cases[i].ipv6};
        struct netaddr client;
        assert_true(netaddr_parse(str_of(cases[i].client), &client));
        assert_str(greykey_of_client(&conf, &client, a), cases[i].want);
    }
    arena_free(a);
}

static void domains(void **state)
{
    struct arena *a = arena_new(0);
    (void)state;
    assert_str(greykey_of_domain(STR("example.com"), a), "g:d:example.com");
    arena_free(a);
}

static void words(void **state)
{
    static const struct {
        struct str key;
        const char *want;
    } cases[] = {
        {STR_INIT("g:n:192.0.2.0/24"), "network 192.0.2.0/24"},
        {STR_INIT("g:d:example.com"), "domain example.com"},
        {STR_INIT("g:d:a\nb\\"), "domain a\\x0ab\\x5c"},
        {STR_INIT("g:d:b\xC3\xBC"
                  "cher.example"),
         "domain b\xC3\xBC"
         "cher.example"},
        {STR_INIT("g:d:"), "domain "},
    };
    struct arena *a = arena_new(0);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_str(greykey_words(cases[i].key, a), cases[i].want);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks),
        cmocka_unit_test(domains),
        cmocka_unit_test(words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
