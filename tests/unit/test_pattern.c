/* pattern: addresses with asterisks in them, and what they match. */
#include "test.h"

#include "mail/pattern.h"

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

#define NO_AT     "has no @: wanted is an address, @example.org for all of a domain, or a pattern"
#define NO_DOMAIN "has no domain name behind its @"
#define NO_NAME   "has an asterisk and letters beyond ASCII in one label, which DNS writes as xn--..."

/* What people write, and what it becomes, or what is wrong. */
static void for_senders(void **state)
{
    (void)state;
    static const struct {
        const char *text, *pattern, *problem;
    } cases[] = {
        {"Ann@Example.ORG", "ann@example.org", NULL},
        {"@Example.org.", "*@example.org", NULL},
        {"*", "*", NULL},
        {"*@*.Example.org", "*@*.example.org", NULL},
        {"*@*.B\xc3\xbc"
         "cher.Example.",
         "*@*.xn--bcher-kva.example", NULL},
        {"ann@*", "ann@*", NULL},
        {"ann@a*", "ann@a*", NULL},
        {"b\xc3\xbc@b\xc3\xbc"
         "cher.example",
         "b\xc3\xbc@xn--bcher-kva.example", NULL},
        {"\"a@b\"@example.org", "\"a@b\"@example.org", NULL},
        {"a@b", "a@b", NULL},
        {"example.org", NULL, NO_AT},
        {"ann", NULL, NO_AT},
        {"a*", NULL, NO_AT},
        {"", NULL, NO_AT},
        {"@", NULL, NO_DOMAIN},
        {"ann@", NULL, NO_DOMAIN},
        {"ann@a..b", NULL, NO_DOMAIN},
        {"ann@*..b", NULL, NO_DOMAIN},
        {"ann@a/b", NULL, NO_DOMAIN},
        {"ann@b\xc3\xbc*.example", NULL, NO_NAME},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str pattern = STR_NONE;
        const char *problem =
            sender_pattern_parse(arena, at_page_end(str_of(cases[i].text)), &pattern);
        assert_str(str_of(problem), cases[i].problem ? cases[i].problem : "");
        assert_str(pattern, cases[i].pattern ? cases[i].pattern : "");
    }
}

/* Any text; the domain as all others have it, unless there are asterisks in it. */
static void normal_forms(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", ""},
        {"Ann", "ann"},
        {"Example.ORG.", "example.org"},
        {"\xc3\xbc.Example", "xn--tda.example"},
        {"Ann@\xc3\xbc.Example.", "ann@xn--tda.example"},
        {"@Example.", "@example"},
        {"A@B@C.", "a@b@c"},
        {"*", "*"},
        {"*@*.Example.", "*@*.example"},
        {"A@Ex*.", "a@ex*"},
        {"A@*", "a@*"},
        {"A@*..", "a@*."},
        {"*@*.\xc3\xbc.*\xc3\xbc.Example", "*@*.xn--tda.*\xc3\xbc.example"},
        {"*@\xc3\xbc.*.\xff.", "*@xn--tda.*.\xff"},
        {"A@b..C", "a@b..c"},
        {"A@", "a@"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_str(pattern_normalize(arena, at_page_end(str_of(cases[i][0]))), cases[i][1]);
}

static void domains(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"*@example.org", "example.org"}, /* and NULL: none */
        {"a@b@c", "c"},
        {"@c", "c"},
        {"a@", ""},
        {"*@*.example.org", NULL},
        {"*@ex*", NULL},
        {"*", NULL},
        {"example.org", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str domain = pattern_domain(str_of(cases[i][0]));
        assert_int_equal(domain.p != NULL, cases[i][1] != NULL);
        assert_str(domain, cases[i][1] ? cases[i][1] : "");
    }
}

static void subjects(void **state)
{
    (void)state;
    struct mailbox ann = {.local = STR("Ann"), .domain = STR("example.org"), .domain_ok = true},
                   bob = {.local = STR("Bob")};
    assert_str(pattern_subject(arena, &ann), "ann@example.org");
    assert_str(pattern_subject(arena, &bob), "bob@");
}

static void matches(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *text;
        bool match;
    } cases[] = {
        {"", "", true},
        {"*", "", true},
        {"*", "abc", true},
        {"a*c", "abc", true},
        {"a*c", "ac", true},
        {"a*c", "acb", false},
        {"*@x", "a@b@x", true},
        {"*ab", "aab", true},
        {"*a*b", "xaxxb", true},
        {"*a*b", "xbxxa", false},
        {"**", "x", true},
        {"a", "ab", false},
        {"ab", "a", false},
        {"*.x@*", "q.x@y", true},
        {"*aab*", "aaab", true},
        {"ab", "ab", true},
        {"a*", "a", true},
        {"a**", "a", true},
        {"ab", "bb", false},
        {"", "a", false},
        {"a*b", "a", false},
        {"*ab", "abaab", true},
        {"*ab*cd", "xcdcd", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (pattern_match(at_page_end(str_of(cases[i].pattern)),
                          at_page_end(str_of(cases[i].text))) != cases[i].match)
            fail_msg("%s and %s", cases[i].pattern, cases[i].text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(for_senders, setup, teardown),
        cmocka_unit_test_setup_teardown(normal_forms, setup, teardown),
        cmocka_unit_test_setup_teardown(domains, setup, teardown),
        cmocka_unit_test_setup_teardown(subjects, setup, teardown),
        cmocka_unit_test(matches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
