/* dns/name: text to wire and back, what is no name, bytes that must not be mistaken. */
#include "test.h"

#include "dns/name.h"

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

static struct str repeat(char c, size_t n, const char *tail)
{
    struct strbuf b;
    sb_init(&b, arena);
    while (n--)
        sb_addc(&b, c);
    sb_add(&b, str_of(tail));
    return sb_str(&b);
}

static void names_to_text(void **state)
{
    static const struct {
        const char *text, *want; /* NULL: no name */
    } cases[] = {
        {"example.com", "example.com"},
        {"Example.COM.", "example.com"},
        {"a", "a"},
        {"_dmarc.x-1.example", "_dmarc.x-1.example"},
        {"sp ace.example", "sp\\032ace.example"},
        {"back\\slash.example", "back\\092slash.example"},
        {"\xC3\xA4.example", "\\195\\164.example"},
        {"", NULL},
        {".", NULL},
        {"..", NULL},
        {".example", NULL},
        {"a..example", NULL},
        {"example..", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct dns_name name;
        bool ok = dns_name_parse(str_of(cases[i].text), &name);
        if (ok != (cases[i].want != NULL))
            fail_msg("\"%s\" is%s a name", cases[i].text, ok ? "" : " not");
        if (ok)
            assert_str(dns_name_text(arena, &name), cases[i].want);
    }
}

static void bounds(void **state)
{
    struct dns_name name;
    struct str label63 = repeat('a', 63, "."), text;
    struct strbuf b;
    (void)state;
    assert_true(dns_name_parse(repeat('a', 63, ".example"), &name));
    assert_false(dns_name_parse(repeat('a', 64, ".example"), &name));
    /* 3 * 64 + 61 = 253 bytes of text are the most, with and without the last dot. */
    sb_init(&b, arena);
    for (int i = 0; i < 3; i++)
        sb_add(&b, label63);
    sb_add(&b, repeat('b', 61, ""));
    text = sb_str(&b);
    assert_int_equal(text.n, 253);
    assert_true(dns_name_parse(text, &name));
    assert_int_equal(name.n, 255);
    sb_addc(&b, '.');
    assert_true(dns_name_parse(sb_str(&b), &name));
    b.n--;
    sb_addc(&b, 'b');
    assert_false(dns_name_parse(sb_str(&b), &name));
    assert_false(dns_name_parse(repeat('a', 5000, ""), &name));
}

static void a_dot_in_a_label_is_escaped(void **state)
{
    struct dns_name name = {.n = 0};
    (void)state;
    assert_true(dns_name_add_label(&name, "A.b", 3));
    assert_true(dns_name_add_label(&name, "example", 7));
    assert_true(dns_name_end(&name));
    assert_str(dns_name_text(arena, &name), "a\\046b.example");
}

static void parents(void **state)
{
    struct dns_name name;
    (void)state;
    assert_true(dns_name_parse(STR("a.b.c"), &name));
    dns_name_parent(&name, &name);
    assert_str(dns_name_text(arena, &name), "b.c");
    dns_name_parent(&name, &name);
    dns_name_parent(&name, &name);
    assert_str(dns_name_text(arena, &name), ".");
    dns_name_parent(&name, &name);
    assert_int_equal(name.n, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_to_text),
        cmocka_unit_test(bounds),
        cmocka_unit_test(a_dot_in_a_label_is_escaped),
        cmocka_unit_test(parents),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
