/* test_senders.c - the file senders-must-match, and fields that are never signed. */
#include "test.h"

#include "conf/senders.h"
#include "mail/neversigned.h"

static struct arena *arena;
static struct conf_problems problems;

static int setup(void **state)
{
    (void)state;
    arena = arena_new(0);
    conf_problems_init(&problems, arena);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static const char map_text[] = "# who may be whom\n"
                               "\n"
                               "alice  alice@example.org Alice@Example.net  # both\n"
                               "bob\t@example.org\r\n"
                               "Alice@x carol+*@example.org\n"
                               "team#1 #no address\n"
                               "alice  a#b@example.org\n"
                               "* shared@example.org\n"
                               "root *\n"
                               "bob *@*.lab.example";

static bool may(const struct senders *map, const char *user, const char *local, const char *domain)
{
    struct mailbox author = {
        .local = str_of(local), .domain = str_of(domain), .domain_ok = *domain != '\0'};
    return senders_allow(map, str_of(user), &author, arena);
}

static void test_map(void **state)
{
    (void)state;
    const struct senders *map = senders_parse(str_of(map_text), "map", arena, &problems);
    assert_int_equal(problems.n, 1);
    assert_str(problems.v[0], "map:6: the line has one word; wanted is a user and the addresses "
                              "that it may use");
    static const struct {
        const char *user, *local, *domain;
        bool want;
    } cases[] = {
        {"alice", "alice", "example.org", true},
        {"alice", "ALICE", "example.net", true},
        {"alice", "a#b", "example.org", true},
        {"alice", "bob", "example.org", false},
        {"alice", "alice", "sub.example.org", false},
        {"alice", "xalice", "example.org", false},
        {"Alice", "alice", "example.org", false},
        {"alice", "shared", "example.org", true},
        {"bob", "anyone", "example.org", true},
        {"bob", "anyone", "sub.example.org", false},
        {"bob", "x", "a.lab.example", true},
        {"bob", "x", "lab.example", false},
        {"Alice@x", "carol+list", "example.org", true},
        {"Alice@x", "carol", "example.org", false},
        {"root", "who", "ever.example", true},
        {"root", "local", "", true},
        {"bob", "local", "", false},
        {"", "shared", "example.org", true},
        {"", "alice", "example.org", false},
        {"nobody", "shared", "example.org", true},
        {"nobody", "alice", "example.org", false},
        {"alic", "alice", "example.org", false},
        {"alicea", "alice", "example.org", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (may(map, cases[i].user, cases[i].local, cases[i].domain) != cases[i].want)
            fail_msg("%s as %s@%s", cases[i].user, cases[i].local, cases[i].domain);
}

static void test_complaints(void **state)
{
    (void)state;
    struct str text = STR("alice\nbob example.org\n\ncarol ok@example.org x@a..b # y\n");
    senders_parse(text, "/etc/map", arena, &problems);
    assert_int_equal(problems.n, 3);
    assert_str(problems.v[0], "/etc/map:1: the line has one word; wanted is a user and the "
                              "addresses that it may use");
    assert_str(problems.v[1], "/etc/map:2: \"example.org\" has no @: wanted is an address, "
                              "@example.org for all of a domain, or a pattern");
    assert_str(problems.v[2], "/etc/map:4: \"x@a..b\" has no domain name behind its @");
    conf_problems_init(&problems, arena);
    senders_parse(STR("a b@c\n\0"), "/etc/map", arena, &problems);
    assert_int_equal(problems.n, 1);
    assert_str(problems.v[0], "/etc/map: holds a NUL byte: it is no text file");
}

static void test_empty_map_allows_nobody(void **state)
{
    (void)state;
    const struct senders *map = senders_parse(STR(""), "map", arena, &problems);
    assert_int_equal(problems.n, 0);
    assert_false(may(map, "alice", "alice", "example.org"));
    assert_false(may(map, "*", "alice", "example.org"));
}

static void test_large_map(void **state)
{
    (void)state;
    struct strbuf b;
    sb_init(&b, arena);
    for (unsigned i = 0; i < 100000; i++)
        sb_printf(&b, "u%u u%u@example.org\n", i * 7919 % 100000, i * 7919 % 100000);
    const struct senders *map = senders_parse(sb_str(&b), "map", arena, &problems);
    assert_int_equal(problems.n, 0);
    assert_true(may(map, "u99999", "u99999", "example.org"));
    assert_true(may(map, "u0", "u0", "example.org"));
    assert_false(may(map, "u0", "u1", "example.org"));
    assert_false(may(map, "u100000", "u100000", "example.org"));
}

static void test_never_signed(void **state)
{
    (void)state;
    static const char *const never[] = {"Return-Path",   "received",       "BCC",
                                        "Resent-Bcc",    "Content-Length", "Authentication-Results",
                                        "DKIM-Signature"};
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++)
        assert_non_null(never_signed(str_of(never[i])));
    assert_null(never_signed(STR("From")));
    assert_null(never_signed(STR("Received-SPF")));
    assert_null(never_signed(STR("")));
    assert_non_null(never_signed(STR("x;y")));
    assert_non_null(never_signed(STR(";")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_map, setup, teardown),
        cmocka_unit_test_setup_teardown(test_complaints, setup, teardown),
        cmocka_unit_test_setup_teardown(test_empty_map_allows_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(test_large_map, setup, teardown),
        cmocka_unit_test_setup_teardown(test_never_signed, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
