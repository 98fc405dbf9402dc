/* psl: lists read and refused, and organizational domains. */
#include "test.h"

#include <pthread.h>

#include "mail/psl.h"

#define L63 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg"

#define L57 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeefffffff"

static const char rules[] = "// comment\n"
                            "com\n"
                            "uk\n"
                            "co.uk\n"
                            "*.ck\n"
                            "!www.ck\n"
                            "host.io\n"
                            "\xd1\x80\xd1\x84\n" /* xn--p1ai */
                            "  \n";

static const struct {
    const char *domain, *organizational;
} cases[] = {
    {"example.com", "example.com"},
    {"a.b.example.com", "example.com"},
    {"com", "com"},
    {"co.uk", "co.uk"},
    {"uk", "uk"},
    {"shop.uk", "shop.uk"},
    {"www.shop.co.uk", "shop.co.uk"},
    {"a.b.c.ck", "b.c.ck"},
    {"c.ck", "c.ck"},
    {"a.www.ck", "www.ck"},
    {"a.user.host.io", "user.host.io"},
    {"a.b.xn--p1ai", "b.xn--p1ai"},
    {"a.b.unknown", "b.unknown"},
    {"localhost", "localhost"},
    {"a_b.example.com", "example.com"},
    {"x." L63 "." L63 "." L63 ".com", L63 ".com"},
    {L57 "." L63 "." L63 "." L63 ".com", L63 ".com"}, /* 253 bytes: no name is longer */
};
#define CASES (sizeof cases / sizeof *cases)

static void check_cases(const struct psl *psl)
{
    for (size_t i = 0; i < CASES; i++)
        assert_str(psl_organizational(psl, str_of(cases[i].domain)), cases[i].organizational);
}

/* Names that a registry sells names below; not those of a hoster, and not unknown ones. */
static void suffixes(void **state)
{
    (void)state;
    static const char text[] = "// ===BEGIN ICANN DOMAINS===\ncom\nuk\nco.uk\n*.ck\n!www.ck\n"
                               "xn--p1ai\n// ===END ICANN DOMAINS===\n"
                               "// ===BEGIN PRIVATE DOMAINS===\nhost.com\n"
                               "// ===END PRIVATE DOMAINS===\n";
    static const struct {
        const char *domain;
        bool suffix;
    } table[] = {
        {"com", true},      {"co.uk", true}, {"uk", true},           {"xn--p1ai", true},
        {"a.ck", true},     {"ck", true},    {"www.ck", false},      {"host.com", false},
        {"a.co.uk", false}, {"lan", false},  {"example.com", false}, {"", false},
    };
    struct arena *a = arena_new(0);
    struct str problem = STR_NONE;
    const struct psl *psl = psl_parse(a, str_of(text), &problem);
    assert_non_null(psl);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (psl_is_suffix(psl, str_of(table[i].domain)) != table[i].suffix)
            fail_msg("%s", table[i].domain);
    assert_false(psl_is_suffix(psl, STR("x" L57 "." L63 "." L63 "." L63 ".com")));
    arena_free(a);
}

static void organizational(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct str problem = STR_NONE, domain = STR("www.shop.co.uk");
    const struct psl *psl = psl_parse(a, str_of(rules), &problem);
    assert_non_null(psl);
    check_cases(psl);
    assert_ptr_equal(psl_organizational(psl, domain).p, domain.p + 4); /* a part, not a copy */
    struct str longer = STR("x" L57 "." L63 "." L63 "." L63 ".com");
    assert_ptr_equal(psl_organizational(psl, longer).p, longer.p); /* no domain */
    arena_free(a);
}

static void the_systems_list(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "",
        "/usr/share/publicsuffix/public_suffix_list.dat",
        "/usr/share/publicsuffix/public_suffix_list.dafsa",
    };
    for (size_t i = 0; i < 3; i++) {
        struct arena *a = arena_new(0);
        struct str problem = STR_NONE;
        const struct psl *psl = psl_open(a, str_of(paths[i]), &problem);
        assert_str(problem, "");
        assert_non_null(psl);
        assert_str(psl_organizational(psl, STR("a.example.co.uk")), "example.co.uk");
        assert_str(psl_organizational(psl, STR("a.b.github.io")), "b.github.io");
        assert_str(psl_organizational(psl, STR("a.b.xn--55qx5d.cn")), "b.xn--55qx5d.cn");
        arena_free(a);
    }
}

static void refused(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct str problem = STR_NONE;
    assert_null(psl_open(a, STR("/nonexistent/list"), &problem));
    assert_str(problem, "No such file or directory");
    assert_null(psl_open(a, STR("/"), &problem));
    assert_str(problem, "it cannot be read");
    assert_null(psl_open(a, STR("/etc/passwd"), &problem));
    assert_str(problem, "it is no public suffix list: com is missing");
    assert_null(psl_parse(a, STR("\n"), &problem));
    assert_str(problem, "it is no public suffix list: com is missing");
    arena_free(a);
}

static void *use(void *psl)
{
    for (int i = 0; i < 200; i++)
        check_cases(psl);
    return NULL;
}

static void shared_by_threads(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct str problem = STR_NONE;
    const struct psl *psl = psl_parse(a, str_of(rules), &problem);
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use, (void *)(uintptr_t)psl), 0);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(suffixes),          cmocka_unit_test(organizational),
        cmocka_unit_test(the_systems_list),  cmocka_unit_test(refused),
        cmocka_unit_test(shared_by_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
