/* spf/print: records in their shortest form, which mean what they meant. */
#include "test.h"

#include <limits.h>

#include "spf/print.h"

static struct str printed(struct arena *a, struct str text)
{
    struct spf_record record;
    struct str problem = STR("");
    if (!spf_record_parse(a, text, UINT_MAX, NULL, &record, &problem))
        print_error("\"%.*s\": %.*s\n", STR_ARG(text), STR_ARG(problem));
    assert_str(problem, "");
    return spf_record_print(a, &record);
}

static void is_short_and_stable(void **state)
{
    static const struct {
        const char *published, *printed;
    } cases[] = {
        {"v=spf1", "v=spf1"},
        {"V=SPF1   +all  ", "v=spf1 all"},
        {"v=spf1 A -mX ~PTR ?All", "v=spf1 a -mx ~ptr ?all"},
        {"v=spf1 a/24 a/32 a//64 a/24//64 mx:x.Example/0//0 a:x.example/32//128",
         "v=spf1 a/24 a a//64 a/24//64 mx:x.Example/0//0 a:x.example"},
        {"v=spf1 ip4:192.0.2.1 ip4:192.0.2.1/32 -ip4:192.0.2.0/24 ip4:0.0.0.0/0",
         "v=spf1 ip4:192.0.2.1 ip4:192.0.2.1 -ip4:192.0.2.0/24 ip4:0.0.0.0/0"},
        {"v=spf1 IP6:2001:0DB8::0001/128 ip6:2001:db8::/32 ip6:::/0 ip6:::ffff:192.0.2.0/120",
         "v=spf1 ip6:2001:db8::1 ip6:2001:db8::/32 ip6:::/0 ip6:::ffff:192.0.2.0/120"},
        {"v=spf1 redirect=a.b ip4:192.0.2.1", "v=spf1 ip4:192.0.2.1 redirect=a.b"},
        {"v=spf1 exp=%{D}.b -Include:%{L1R-+}.%{d2} eXists:%%%_%-.b",
         "v=spf1 -include:%{L1R-+}.%{d2} exists:%%%_%-.b exp=%{D}.b"},
        {"v=spf1 a:foo:bar/baz.example.com/8 a:%{d}/24 a:a.b.",
         "v=spf1 a:foo:bar/baz.example.com/8 a:%{d}/24 a:a.b."},
        /* What cannot be reached or means nothing. */
        {"v=spf1 -all mx redirect=a.b", "v=spf1 -all"},
        {"v=spf1 x=%{c} ra=postmaster a", "v=spf1 a"},
    };
    (void)state;
    struct arena *a = arena_new(0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str text = printed(a, str_of(cases[i].published));
        assert_str(text, cases[i].printed);
        assert_str(printed(a, text), cases[i].printed);
    }
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_short_and_stable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
