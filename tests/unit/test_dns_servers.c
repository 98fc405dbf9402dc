/* dns/servers: the texts that name a resolver, and those that do not. */
#include "test.h"

#include "dns/servers.h"

static void texts(void **state)
{
    static const struct {
        const char *text, *address; /* NULL: no resolver */
        unsigned port;
        bool loopback;
    } cases[] = {
        {"127.0.0.1", "127.0.0.1", 53, true},
        {"127.0.0.53@5353", "127.0.0.53", 5353, true},
        {"192.0.2.1:54", "192.0.2.1", 54, false},
        {"::1", "::1", 53, true},
        {"::1@5353", "::1", 5353, true},
        {"[::1]:53", "::1", 53, true},
        {"[2001:db8::1]@54", "2001:db8::1", 54, false},
        {"[2001:db8::1]", "2001:db8::1", 53, false},
        {"::2", "::2", 53, false},
        {"128.0.0.1", "128.0.0.1", 53, false},
        {"", NULL, 0, false},
        {"ns.example", NULL, 0, false},
        {"127.0.0.1@", NULL, 0, false},
        {"127.0.0.1@0", NULL, 0, false},
        {"127.0.0.1@65536", NULL, 0, false},
        {"127.0.0.1@x", NULL, 0, false},
        {"127.0.0.1:", NULL, 0, false},
        {"[::1", NULL, 0, false},
        {"[::1]53", NULL, 0, false},
        {"[::1]:", NULL, 0, false},
        {"::1]:53", NULL, 0, false},
        {"@53", NULL, 0, false},
        {"IPv6:::1", NULL, 0, false},
        {"127.0.0.1 ", NULL, 0, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct netaddr addr;
        uint16_t port = 0;
        char text[NETADDR_TEXT];
        bool ok = dns_server_parse(str_of(cases[i].text), &addr, &port);
        if (ok != (cases[i].address != NULL))
            fail_msg("\"%s\" is%s a resolver", cases[i].text, ok ? "" : " not");
        if (!ok)
            continue;
        assert_string_equal(netaddr_format(&addr, text), cases[i].address);
        assert_int_equal(port, cases[i].port);
        assert_int_equal(dns_server_is_loopback(&addr), cases[i].loopback);
    }
}

static void the_wrong_one_is_named(void **state)
{
    struct arena *a = arena_new(0);
    struct str servers[] = {STR_INIT("127.0.0.1"), STR_INIT("reso\nlver")}, problem = STR_NONE;
    struct dns_settings settings = {.servers = servers, .n_servers = 2};
    struct dns_server *read;
    (void)state;
    assert_false(dns_servers_read(&settings, a, &read, &problem));
    assert_str(problem, "\"reso\\x0alver\" is not a resolver such as 127.0.0.1@53 or [::1]:53");
    assert_null(dns_open(&settings, a, &problem));
    settings.n_servers = 1;
    assert_true(dns_servers_read(&settings, a, &read, &problem));
    assert_int_equal(read[0].port, 53);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),
        cmocka_unit_test(the_wrong_one_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
