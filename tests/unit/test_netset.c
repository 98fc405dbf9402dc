/* netset: addresses read and written, networks, sets. */
#include "test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "base/netset.h"

struct address_case {
    struct str text;
    const char *written; /* NULL: no address */
};

static const struct address_case address_cases[] = {
    {STR_INIT("192.0.2.1"), "192.0.2.1"},
    {STR_INIT("0.0.0.0"), "0.0.0.0"},
    {STR_INIT("::"), "::"},
    {STR_INIT("2001:DB8:0:0:0:0:0:1"), "2001:db8::1"},
    {STR_INIT("IPv6:2001:db8:0:0:0:0:0:10"), "2001:db8::10"}, /* Sendmail */
    {STR_INIT("ipv6:::1"), "::1"},
    {STR_INIT("::ffff:192.0.2.1"), "192.0.2.1"},
    {STR_INIT("::ffff:c000:201"), "192.0.2.1"},
    {STR_INIT("::192.0.2.1"), "::192.0.2.1"},
    {STR_INIT(""), NULL},
    {STR_INIT("unknown"), NULL},
    {STR_INIT("192.0.2"), NULL},
    {STR_INIT("192.0.2.256"), NULL},
    {STR_INIT("192.0.2.1 "), NULL},
    {STR_INIT("192.0.2.01"), NULL},
    {STR_INIT("192.0.2.1\0"), NULL},
    {STR_INIT("1::2::3"), NULL},
    {STR_INIT("[::1]"), NULL},
    {STR_INIT("fe80::1%eth0"), NULL},
    {STR_INIT("0000:0000:0000:0000:0000:0000:0000:0000:0000:0000"), NULL},
};

static void addresses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof address_cases / sizeof *address_cases; i++) {
        struct netaddr addr;
        char text[NETADDR_TEXT];
        bool ok = netaddr_parse(at_page_end(address_cases[i].text), &addr);
        if (ok != (address_cases[i].written != NULL))
            fail_msg("case %zu: %s", i, address_cases[i].text.p);
        assert_int_equal(addr.family != 0, ok);
        assert_string_equal(netaddr_format(&addr, text), ok ? address_cases[i].written : "unknown");
    }
}

static void sockaddrs(void **state)
{
    (void)state;
    struct netaddr addr;
    char text[NETADDR_TEXT];
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    inet_pton(AF_INET, "192.0.2.1", &v4.sin_addr);
    assert_true(netaddr_from_sockaddr((const struct sockaddr *)&v4, &addr));
    assert_string_equal(netaddr_format(&addr, text), "192.0.2.1");
    inet_pton(AF_INET6, "2001:db8::1", &v6.sin6_addr);
    assert_true(netaddr_from_sockaddr((const struct sockaddr *)&v6, &addr));
    assert_string_equal(netaddr_format(&addr, text), "2001:db8::1");
    inet_pton(AF_INET6, "::ffff:192.0.2.1", &v6.sin6_addr);
    assert_true(netaddr_from_sockaddr((const struct sockaddr *)&v6, &addr));
    assert_int_equal(addr.family, 4);
    assert_false(netaddr_from_sockaddr((const struct sockaddr *)&local, &addr));
    assert_false(netaddr_from_sockaddr(NULL, &addr));
    assert_int_equal(addr.family, 0);
}

static struct netaddr address(const char *text)
{
    struct netaddr addr;
    assert_true(netaddr_parse(str_of(text), &addr));
    return addr;
}

static bool in(const char *addr, const char *net, unsigned bits)
{
    struct netaddr a = address(addr), n = address(net);
    return netaddr_in(&a, &n, bits);
}

static void networks(void **state)
{
    (void)state;
    assert_true(in("192.0.2.255", "192.0.2.0", 24));
    assert_false(in("192.0.3.0", "192.0.2.0", 24));
    assert_true(in("192.0.3.255", "192.0.2.0", 23));
    assert_false(in("192.0.4.0", "192.0.2.0", 23));
    assert_true(in("192.0.2.1", "192.0.2.1", 32));
    assert_false(in("192.0.2.0", "192.0.2.1", 32));
    assert_true(in("203.0.113.1", "0.0.0.0", 0));
    assert_false(in("203.0.113.1", "0.0.0.0", 33));
    assert_false(in("203.0.113.1", "::", 0)); /* one family */
    assert_true(in("2001:db8:8000::1", "2001:db8:8000::", 33));
    assert_false(in("2001:db8:7fff::1", "2001:db8:8000::", 33));
    assert_true(in("2001:db8::1", "2001:db8::1", 128));
    assert_false(in("2001:db8::", "2001:db8::1", 128));
    assert_false(in("2001:db8::1", "2001:db8::1", 129));
    struct netaddr none = {0}, a = address("192.0.2.1"), mapped = address("::ffff:192.0.2.1");
    assert_false(netaddr_in(&none, &none, 0));
    assert_true(netaddr_eq(&a, &mapped));
    a = address("192.0.2.2");
    assert_false(netaddr_eq(&a, &mapped));
}

static bool has(const struct netset *set, const char *text)
{
    struct netaddr addr = address(text);
    return netset_has(set, &addr);
}

static void sets(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct netset set;
    struct netaddr none = {0};
    netset_init(&set, a);
    assert_false(has(&set, "127.0.0.1"));
    assert_null(netset_add(&set, STR("127.0.0.0/8")));
    assert_null(netset_add(&set, STR("::1")));
    assert_null(netset_add(&set, STR("192.0.2.1")));
    for (int i = 0; i < 100; i++)
        assert_null(netset_add(&set, str_printf(a, "10.%d.0.0/16", i)));
    assert_true(has(&set, "127.255.255.255"));
    assert_true(has(&set, "::ffff:127.0.0.1"));
    assert_true(has(&set, "::1"));
    assert_true(has(&set, "192.0.2.1"));
    assert_true(has(&set, "10.99.1.2"));
    assert_false(has(&set, "10.100.1.2"));
    assert_false(has(&set, "192.0.2.2"));
    assert_false(has(&set, "::2"));
    assert_false(netset_has(&set, &none));
    arena_free(a);
}

static void fill(struct netset *set, struct arena *a, const char *list)
{
    struct str rest = str_of(list), entry;
    netset_init(set, a);
    while (str_split(&rest, ' ', &entry))
        assert_null(netset_add(set, entry));
    netset_finish(set);
}

/* The first entry that an address is in decides, as in Postfix. */
static void exceptions(void **state)
{
    (void)state;
    static const struct {
        const char *list, *address;
        bool in;
    } cases[] = {
        {"!192.0.2.7 192.0.2.0/24", "192.0.2.6", true},
        {"!192.0.2.7 192.0.2.0/24", "192.0.2.7", false},
        {"!192.0.2.7 192.0.2.0/24", "::ffff:192.0.2.7", false},
        {"192.0.2.0/24 !192.0.2.7", "192.0.2.7", true},
        {"192.0.2.7 !192.0.2.0/24 192.0.0.0/16", "192.0.2.7", true},
        {"192.0.2.7 !192.0.2.0/24 192.0.0.0/16", "192.0.2.8", false},
        {"192.0.2.7 !192.0.2.0/24 192.0.0.0/16", "192.0.3.8", true},
        {"!192.0.2.0/24 192.0.2.7", "192.0.2.7", false},
        {"!2001:db8::/48 2001:db8::/32", "2001:db8:0:1::1", false},
        {"!2001:db8::/48 2001:db8::/32", "2001:db8:1::1", true},
        {"!192.0.2.7 192.0.2.0/24", "198.51.100.1", false},
        {"!192.0.2.7", "198.51.100.1", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena *a = arena_new(0);
        struct netset set;
        fill(&set, a, cases[i].list);
        if (has(&set, cases[i].address) != cases[i].in)
            fail_msg("%s in %s", cases[i].address, cases[i].list);
        arena_free(a);
    }
}

/* Exceptions that can never decide. */
static void idle_exceptions(void **state)
{
    (void)state;
    static const struct {
        const char *list;
        size_t found[3]; /* then the number of entries */
    } cases[] = {
        {"!192.0.2.7 192.0.2.0/24", {2}},
        {"192.0.2.0/24 !192.0.2.7", {1, 2}},
        {"192.0.2.7 !192.0.2.7 192.0.2.0/24", {1, 3}},
        {"192.0.2.7 !192.0.2.0/24 !192.0.2.7", {2, 3}},
        {"!192.0.2.0/24 !192.0.2.7 192.0.0.0/16", {3}},
        {"10.0.0.0/8 !10.1.1.1 !11.1.1.1 !10.2.0.0/16 11.0.0.0/8", {1, 3, 5}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena *a = arena_new(0);
        struct netset set;
        size_t from = 0;
        fill(&set, a, cases[i].list);
        for (size_t k = 0; k < 3 && from <= set.n; k++) {
            size_t found = netset_idle_exception(&set, from);
            if (found != cases[i].found[k])
                fail_msg("%s: %zu is %zu", cases[i].list, k, found);
            from = found + 1;
        }
        arena_free(a);
    }
}

static unsigned draw(unsigned *seed, unsigned below)
{
    *seed = *seed * 1103515245 + 12345;
    return (*seed >> 16) % below;
}

/* Few addresses and lengths, so that much lies in something else. */
static struct str random_network(struct arena *a, unsigned *seed)
{
    unsigned bits = 24 + draw(seed, 9), last = draw(seed, 256) & (0xFF00U >> (bits - 24)) & 0xFF;
    const char *except = draw(seed, 3) ? "" : "!";
    if (draw(seed, 4))
        return str_printf(a, "%s192.0.%u.%u/%u", except, draw(seed, 3), last, bits);
    return str_printf(a, "%s2001:db8:%x::%x/%u", except, draw(seed, 3), last, bits + 96);
}

static bool same_answers(const struct netset *set, const struct netset *plain, struct arena *a)
{
    bool same = true;
    for (unsigned net = 0; net < 4; net++) {
        for (unsigned i = 0; same && i < 256; i++) {
            const char *v4 = str_printf(a, "192.0.%u.%u", net, i).p;
            const char *v6 = str_printf(a, "2001:db8:%x::%x", net, i).p;
            same = has(set, v4) == has(plain, v4) && has(set, v6) == has(plain, v6);
        }
    }
    return same;
}

/* Long lists are looked up in another way, and answer the same. */
static void long_lists(void **state)
{
    (void)state;
    unsigned seed = 1;
    for (int round = 0; round < 60; round++) {
        struct arena *a = arena_new(0);
        struct netset set, plain;
        netset_init(&set, a);
        for (unsigned n = 17 + draw(&seed, 60); n > 0; n--)
            assert_null(netset_add(&set, random_network(a, &seed)));
        plain = set;
        netset_finish(&set);
        assert_non_null(set.tree);
        if (!same_answers(&set, &plain, a))
            fail_msg("round %d", round);
        netset_finish(&plain);
        struct netset bare = set;
        bare.tree = NULL;
        for (size_t i = 0; i <= set.n; i++)
            assert_int_equal(netset_idle_exception(&set, i), netset_idle_exception(&bare, i));
        arena_free(a);
    }
}

static void mistakes(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",
                                        "example.org",
                                        "192.0.2.0/33",
                                        "192.0.2.0/",
                                        "192.0.2.0/x",
                                        "192.0.2.0/-1",
                                        "192.0.2/24",
                                        "192.0.2.1/24",
                                        "2001:db8::/129",
                                        "2001:db8::1/64",
                                        "/8",
                                        "!",
                                        "!!192.0.2.1",
                                        "! 192.0.2.1",
                                        "192.0.2.0/24/8"};
    struct arena *a = arena_new(0);
    struct netset set;
    netset_init(&set, a);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_non_null(netset_add(&set, str_of(wrong[i])));
    assert_int_equal(set.n, 0);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses),  cmocka_unit_test(sockaddrs),
        cmocka_unit_test(networks),   cmocka_unit_test(sets),
        cmocka_unit_test(exceptions), cmocka_unit_test(idle_exceptions),
        cmocka_unit_test(long_lists), cmocka_unit_test(mistakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
