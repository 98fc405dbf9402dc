/* stateurl: Redis servers as they stand in the option state, and what is said of those that are
 * none. */
#include "test.h"

#include "conf/conf.h"

static void servers_are_read(void **state)
{
    static const struct {
        const char *url, *host, *user, *password, *prefix;
        unsigned port, database;
    } cases[] = {
        {"redis://192.0.2.1", "192.0.2.1", "", "", "assay1:", 6379, 0},
        {"redis://redis.example.org:7000/12", "redis.example.org", "", "", "assay1:", 7000, 12},
        {"redis://mx:pa%40s%2Fs%25@h/0", "h", "mx", "pa@s/s%", "assay1:", 6379, 0},
        {"redis://:secret@h:1/", "h", "", "secret", "assay1:", 1, 0},
        {"redis://a:b:c@h", "h", "a", "b:c", "assay1:", 6379, 0},
        {"redis://u:p@w@h", "h", "u", "p@w", "assay1:", 6379, 0},
        {"redis://[2001:db8::1]:6380/3?prefix=mx%3A", "2001:db8::1", "", "", "mx:", 6380, 3},
        {"redis://[::1]", "::1", "", "", "assay1:", 6379, 0},
        {"redis://h?prefix=", "h", "", "", "", 6379, 0},
    };
    struct arena *a = arena_new(0);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct conf_state_server s;
        const char *problem = conf_state_server(a, str_of(cases[i].url), &s);
        if (problem)
            print_error("%s %s\n", cases[i].url, problem);
        assert_null(problem);
        assert_str(s.host, cases[i].host);
        assert_str(s.user, cases[i].user);
        assert_str(s.password, cases[i].password);
        assert_str(s.prefix, cases[i].prefix);
        assert_int_equal(s.port, cases[i].port);
        assert_int_equal(s.database, cases[i].database);
    }
    arena_free(a);
}

static void others_are_not(void **state)
{
    static const char *const urls[] = {
        "",
        "local",
        "redis:",
        "redis://",
        "redis:///0",
        "rediss://h",
        "http://h",
        "redis://h:0",
        "redis://h:65536",
        "redis://h:x",
        "redis://h:",
        "redis://h/x",
        "redis://h/99999",
        "redis://h/0/1",
        "redis://user@h",
        "redis://u:p%@h",
        "redis://u:p%4@h",
        "redis://u:p%zz@h",
        "redis://[::1",
        "redis://[::1]x",
        "redis://[]",
        "redis://a b",
        "redis://h%31",
        "redis://h?x=1",
        "redis://h?prefix=%",
        "redis://h?prefix=0123456789012345678901234567890123456789012345678901234567890",
    };
    struct arena *a = arena_new(0);
    (void)state;
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        struct conf_state_server s;
        if (!conf_state_server(a, at_page_end(str_of(urls[i])), &s)) {
            print_error("%s is taken\n", urls[i]);
            fail();
        }
    }
    arena_free(a);
}

static void passwords_are_masked(void **state)
{
    static const char *const cases[][2] = {
        {"redis://mx:secret@h:1/2?prefix=a:b@c", "redis://mx:***@h:1/2?prefix=a:b@c"},
        {"redis://:secret@[::1]:1", "redis://:***@[::1]:1"},
        {"redis://a:b:c@d@h", "redis://a:***@h"},
        {"redis://a:x@h", "redis://a:***@h"},
        {"redis://a:@h", "redis://a:@h"},
        {"redis://h?prefix=a:b@c", "redis://h?prefix=a:b@c"},
        {"redis://[::1]:6379/0", "redis://[::1]:6379/0"},
        {"local", "local"},
        {"", ""},
    };
    struct arena *a = arena_new(0);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_str(conf_state_masked(a, at_page_end(str_of(cases[i][0]))), cases[i][1]);
    arena_free(a);
}

/* The first complaint about a configuration; empty: there is none. */
static struct str complaint(struct arena *a, const char *text)
{
    struct conf_problems problems;
    conf_problems_init(&problems, a);
    struct conf *conf = conf_parse(str_of(text), &problems);
    conf_free(conf);
    return problems.n ? problems.v[0] : STR("");
}

static void a_configuration_is_checked(void **state)
{
    static const char *const cases[][2] = {
        {"state = \"local\";", ""},
        {"state = [ \"redis://a\", \"redis://b\" ];", ""},
        {"state = [ ];", "text:1: state: is an empty list"},
        {"state = [ \"local\", \"redis://u:secret@b\" ];",
         "text:1: state: entry 1 is neither \"local\" alone nor a server such as "
         "redis://user:password@host:6379/0"},
        {"state = [ \"redis://a\", \"redis://secret@b\" ];",
         "text:1: state: entry 2 has no USER:PASSWORD before its @ (write %40 for an @ in them, "
         "%2F for a /)"},
        {"greylist = { mode = \"enforce\"; delay = \"1h\"; window = \"1h\"; };",
         "text:1: greylist.delay: is not shorter than greylist.window: nobody could pass"},
        {"greylist = { mode = \"shadow\"; window = \"2h\"; lifetime = \"1h\"; };",
         "text:1: greylist.window: is longer than greylist.lifetime"},
        {"exceptions = { recipients = [ \"bob\" ]; };",
         "text:1: exceptions.recipients: \"bob\" has no @: wanted is an address, @example.org for "
         "all of a domain, or a pattern"},
    };
    struct arena *a = arena_new(0);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_str(complaint(a, cases[i][0]), cases[i][1]);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(servers_are_read),
        cmocka_unit_test(passwords_are_masked),
        cmocka_unit_test(others_are_not),
        cmocka_unit_test(a_configuration_is_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
