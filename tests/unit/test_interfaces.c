/* interfaces: the addresses of this host, as a configuration file is read. */
#include "test.h"

#include "conf/conf.h"
#include "core/message.h"

static bool has(const struct conf *conf, const char *text)
{
    struct netaddr address;
    assert_true(netaddr_parse(str_of(text), &address));
    return message_from_this_host(conf, &address);
}

static void known_with_a_file(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct conf_problems problems;
    conf_problems_init(&problems, a);
    struct conf *conf = conf_load(NULL, &problems);
    assert_non_null(conf);
    struct netaddr loopback;
    assert_true(netaddr_parse(STR("127.0.0.1"), &loopback));
    assert_true(netset_has(&conf->host_addresses, &loopback));
    assert_false(has(conf, "203.0.113.66"));
    conf_free(conf);
    arena_free(a);
}

static void loopback_is_always_this_host(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct conf_problems problems;
    conf_problems_init(&problems, a);
    struct conf *conf = conf_parse(STR("authserv-id = \"mx.example.org\";"), &problems);
    assert_non_null(conf);
    assert_int_equal(conf->host_addresses.n, 0);
    assert_true(has(conf, "127.0.0.1") && has(conf, "127.255.0.9") && has(conf, "::1"));
    assert_true(has(conf, "::ffff:127.0.0.1"));
    assert_false(has(conf, "128.0.0.1") || has(conf, "::2") || has(conf, "::"));
    conf_free(conf);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_with_a_file),
        cmocka_unit_test(loopback_is_always_this_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
