/* dns/servers: the texts that name a resolver, and those that do not. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
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
        {"fe80::53%eth0", "fe80::53", 53, false},
        {"fe80::53%eth0@5353", "fe80::53", 5353, false},
        {"[fe80::53%eth0]:54", "fe80::53", 54, false},
        {"fe80::53", NULL, 0, false}, /* on which network? */
        {"fe80::53%", NULL, 0, false},
        {"fe80::53%an-interface-too-long", NULL, 0, false},
        {"2001:db8::1%eth0", NULL, 0, false},
        {"127.0.0.1%lo", NULL, 0, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct dns_server s;
        char text[NETADDR_TEXT];
        bool ok = dns_server_parse(str_of(cases[i].text), &s);
        if (ok != (cases[i].address != NULL))
            fail_msg("\"%s\" is%s a resolver", cases[i].text, ok ? "" : " not");
        if (!ok)
            continue;
        assert_string_equal(netaddr_format(&s.addr, text), cases[i].address);
        assert_int_equal(s.port, cases[i].port);
        assert_int_equal(dns_server_is_loopback(&s.addr), cases[i].loopback);
    }
}

static void the_wrong_one_is_named(void **state)
{
    struct arena *a = arena_new(0);
    struct str servers[] = {STR_INIT("127.0.0.1"), STR_INIT("reso\nlver")}, problem = STR_NONE;
    struct dns_settings settings = {.servers = servers, .n_servers = 2};
    struct dns_servers read;
    (void)state;
    assert_false(dns_servers_read(&settings, a, &read, &problem));
    assert_str(problem, "\"reso\\x0alver\" is not a resolver such as 127.0.0.1@53 or [::1]:53");
    assert_null(dns_open(&settings, a, &problem));
    settings.n_servers = 1;
    assert_true(dns_servers_read(&settings, a, &read, &problem));
    assert_int_equal(read.list[0].port, 53);
    assert_int_equal(read.n, 1);
    assert_true(read.all_local);
    arena_free(a);
}

/* Reads the servers, and the log meanwhile. */
static struct str logged(const struct dns_settings *settings, struct arena *a,
                         struct dns_servers *servers, bool *ok)
{
    char path[] = "/tmp/assay-servers-XXXXXX", text[4096];
    struct str problem;
    int log = mkstemp(path), before = dup(2);
    assert_true(log >= 0 && dup2(log, 2) == 2);
    log_open(LOG_TO_STDERR, "test", LOG_LEVEL_WARNING);
    *ok = dns_servers_read(settings, a, servers, &problem);
    fflush(stderr);
    dup2(before, 2);
    close(before);
    ssize_t n = pread(log, text, sizeof text, 0);
    close(log);
    unlink(path);
    return str_copy(a, (struct str){text, n > 0 ? (size_t)n : 0});
}

static bool has(struct arena *a, struct str text, const char *part)
{
    return strstr(str_cstr(a, text), part) != NULL;
}

static void what_is_left_out_is_named(void **state)
{
    static const struct {
        const char *text, *servers;
        const char *logged[3];
    } cases[] = {
        {"nameserver 192.0.2.1\nnameserver\t::1 # here\nsearch example.org\n",
         "192.0.2.1@53 ::1@53",
         {NULL}},
        {"nameserver ns.example.org\nnameserver 192.0.2.1\n",
         "192.0.2.1@53",
         {":1: the resolver ns.example.org is left out: it is no address"}},
        {"# a\nnameserver fe80::1\nnameserver fe80::1%no-such-if\nnameserver 192.0.2.1\n"
         "nameserver 192.0.2.1\n",
         "192.0.2.1@53",
         {":2: the resolver fe80::1 is left out",
          ":3: the resolver fe80::1%no-such-if is left out: "
          "there is no such interface",
          ":5: the resolver 192.0.2.1 is left out: it is named twice"}},
        {"nameserver fe80::1%lo\n", "fe80::1%lo@53", {NULL}},
        {"nameserver\nnameservers 192.0.2.1\n nameserver 192.0.2.1\n",
         "127.0.0.1@53",
         {"names no resolver that can be asked: 127.0.0.1 is asked"}},
        {"", "127.0.0.1@53", {"names no resolver"}},
        {"nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\nnameserver 192.0.2.4\n"
         "nameserver 192.0.2.5\nnameserver 192.0.2.6\nnameserver 192.0.2.7\nnameserver 192.0.2.8\n"
         "nameserver 192.0.2.9",
         "192.0.2.1@53 192.0.2.2@53 192.0.2.3@53 192.0.2.4@53 192.0.2.5@53 192.0.2.6@53 "
         "192.0.2.7@53 192.0.2.8@53",
         {":9: the resolver 192.0.2.9 is left out: there are too many"}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena *a = arena_new(0);
        char path[] = "/tmp/assay-resolv-XXXXXX";
        int fd = mkstemp(path);
        assert_true(write(fd, cases[i].text, strlen(cases[i].text)) >= 0);
        close(fd);
        struct dns_settings settings = {.resolv_conf = path};
        struct dns_servers servers;
        struct strbuf b;
        bool ok;
        struct str log = logged(&settings, a, &servers, &ok);
        assert_true(ok);
        assert_int_not_equal(dns_resolv_conf_stamp(&settings), 0);
        unlink(path);
        assert_int_equal(dns_resolv_conf_stamp(&settings), 0);
        sb_init(&b, a);
        for (size_t k = 0; k < servers.n; k++)
            sb_printf(&b, "%s%.*s", k ? " " : "", STR_ARG(dns_server_text(&servers.list[k], a)));
        assert_str(sb_str(&b), cases[i].servers);
        for (size_t k = 0; k < 3 && cases[i].logged[k]; k++)
            if (!has(a, log, cases[i].logged[k]))
                fail_msg("%s: not in %.*s", cases[i].logged[k], STR_ARG(log));
        if (!cases[i].logged[0])
            assert_int_equal(log.n, 0);
        arena_free(a);
    }
}

static void a_given_one_on_no_interface(void **state)
{
    struct arena *a = arena_new(0);
    struct str servers[] = {STR_INIT("fe80::1%no-such-if"), STR_INIT("127.0.0.1")};
    struct dns_settings settings = {.servers = servers, .n_servers = 2};
    struct dns_servers read;
    bool ok;
    (void)state;
    struct str log = logged(&settings, a, &read, &ok);
    assert_true(ok);
    assert_int_equal(read.n, 1);
    assert_true(
        has(a, log, "dns.servers: fe80::1%no-such-if is left out: there is no such interface"));
    settings.n_servers = 1;
    logged(&settings, a, &read, &ok);
    assert_false(ok);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),
        cmocka_unit_test(the_wrong_one_is_named),
        cmocka_unit_test(what_is_left_out_is_named),
        cmocka_unit_test(a_given_one_on_no_interface),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
