/* spf_check() in words: the steps that --explain shows. */
#include "spf_rig.h"

#include <stdio.h>

static void collect(void *context, unsigned depth, struct str text)
{
    struct strbuf *b = context;
    sb_printf(b, "%*s%.*s\n", (int)depth * 2, "", STR_ARG(text));
}

/* The steps of a check. */
static struct str told(struct rig *r)
{
    struct strbuf *words = arena_make(r->arena, struct strbuf);
    sb_init(words, r->arena);
    r->request.step = collect;
    r->request.step_context = words;
    rig_check(r);
    return sb_str(words);
}

static void steps_tell_the_story(void **state)
{
    (void)state;
    struct rig r = rig_open("example.org. TXT \"v=spf1 a:a.org include:i.org -all\"\n"
                            "example.org. TXT \"other\\010text\"\n"
                            "i.org. TXT \"v=spf1 mx:m.org ip4:192.0.2.0/24\"\n"
                            "a.org. A 198.51.100.1\na.org. A 198.51.100.2\n"
                            "m.org. A 198.51.100.1");
    assert_str(told(&r), "may 192.0.2.1 send for user@example.org?\n"
                         "TXT of example.org: v=spf1 a:a.org include:i.org -all, other\\x0atext\n"
                         "SPF record of example.org: v=spf1 a:a.org include:i.org -all\n"
                         "a:a.org (look-up 1 of 10 allowed)\n"
                         "A of a.org: 198.51.100.1, 198.51.100.2\n"
                         "a:a.org does not match\n"
                         "include:i.org (look-up 2 of 10 allowed)\n"
                         "  TXT of i.org: v=spf1 mx:m.org ip4:192.0.2.0/24\n"
                         "  SPF record of i.org: v=spf1 mx:m.org ip4:192.0.2.0/24\n"
                         "  mx:m.org (look-up 3 of 10 allowed)\n"
                         "  MX of m.org: nodata\n"
                         "  found nothing: void look-up 1 of 2 allowed\n"
                         "  mx:m.org does not match\n"
                         "  ip4:192.0.2.0/24 matches: pass\n"
                         "include:i.org matches: pass\n"
                         "result: pass\n");
    rig_close(&r);
}

/* What other people write appears in ASCII. */
static void steps_are_clean(void **state)
{
    (void)state;
    struct rig r = rig_open("example.org. TXT \"v=spf1 a:\\195\\188.org\"");
    assert_str(told(&r),
               "may 192.0.2.1 send for user@example.org?\n"
               "TXT of example.org: v=spf1 a:\\xc3\\xbc.org\n"
               "SPF record of example.org: v=spf1 a:\\xc3\\xbc.org\n"
               "SPF record of example.org: \"a:\\xc3\\xbc.org\" has a character that is not "
               "visible ASCII\n"
               "result: permerror\n");
    rig_close(&r);
}

static void redirects_and_explanations(void **state)
{
    (void)state;
    struct rig r = rig_open("example.org. TXT \"v=spf1 redirect=r.org\"\n"
                            "r.org. TXT \"v=spf1 exists:%{l}.x.org -all exp=e.org\"\n"
                            "e.org. TXT one\ne.org. TXT two\n");
    assert_str(told(&r), "may 192.0.2.1 send for user@example.org?\n"
                         "TXT of example.org: v=spf1 redirect=r.org\n"
                         "SPF record of example.org: v=spf1 redirect=r.org\n"
                         "redirect=r.org (look-up 1 of 10 allowed)\n"
                         "TXT of r.org: v=spf1 exists:%{l}.x.org -all exp=e.org\n"
                         "SPF record of r.org: v=spf1 exists:%{l}.x.org -all exp=e.org\n"
                         "exists:%{l}.x.org (look-up 2 of 10 allowed)\n"
                         "A of user.x.org: nxdomain\n"
                         "found nothing: void look-up 1 of 2 allowed\n"
                         "exists:%{l}.x.org does not match\n"
                         "-all matches: fail\n"
                         "TXT of e.org: one, two\n"
                         "no explanation: 2 TXT records\n"
                         "result: fail\n");
    rig_close(&r);
}

/* Single steps: what is told behind the record. */
static void odd_steps(void **state)
{
    static const struct {
        const char *record, *local, *helo, *told;
    } cases[] = {
        {"a:%{l}.x.org", "us\xc3\xa9r", "h",
         "a:%{l}.x.org (look-up 1 of 10 allowed)\n"
         "the local part or the HELO name cannot be in a domain name: no match\n"
         "a:%{l}.x.org does not match\n"
         "no term matches: neutral (RFC 7208 4.7)\n"
         "result: neutral\n"},
        {"a:%{l}.x.org", "a..b", "h",
         "a:%{l}.x.org (look-up 1 of 10 allowed)\n"
         "a..b.x.org is no domain name\n"
         "a:%{l}.x.org does not match\n"
         "no term matches: neutral (RFC 7208 4.7)\n"
         "result: neutral\n"},
        {"redirect=%{h}", "user", "",
         "redirect=%{h} (look-up 1 of 10 allowed)\n"
         "the empty name is no domain name\n"
         "redirect=%{h}: the empty name is no domain name (RFC 7208 6.1)\n"
         "result: permerror\n"},
        {"-all exp=e.org", "user", "h",
         "-all matches: fail\n"
         "TXT of e.org: %{x}\n"
         "the explanation has a macro letter that does not exist\n"
         "result: fail\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char zone[200];
        snprintf(zone, sizeof zone, "example.org. TXT \"v=spf1 %s\"\ne.org. TXT \"%%{x}\"",
                 cases[i].record);
        struct rig r = rig_open(zone);
        r.request.local = str_of(cases[i].local);
        r.request.helo = str_of(cases[i].helo);
        const char *all = str_cstr(r.arena, told(&r));
        const char *record = strstr(all, "SPF record of example.org: ");
        assert_non_null(record);
        assert_string_equal(strchr(record, '\n') + 1, cases[i].told);
        rig_close(&r);
    }
}

static void no_domain_is_told(void **state)
{
    (void)state;
    struct rig r = rig_open("");
    r.request.domain = STR("");
    assert_str(told(&r), "the sender has no domain (RFC 7208 2.4)\n");
    rig_close(&r);
}

static void other_family_is_told(void **state)
{
    (void)state;
    struct rig r = rig_open("example.org. TXT \"v=spf1 a:a.org -all\"\na.org. AAAA 2001:db8::1");
    r.request.limits.void_lookups = 0;
    const char *all = str_cstr(r.arena, told(&r));
    assert_non_null(strstr(all, "A of a.org: nodata\nAAAA of a.org: 2001:db8::1\n"
                                "a.org has addresses, of the other family: no void look-up\n"
                                "a:a.org does not match\n"));
    rig_close(&r);
}

/* An answer shows its first ten records, and how many more there are. */
static void many_records_are_counted(void **state)
{
    static const char *const ends[] = {"198.51.100.9, 198.51.100.10\n",
                                       "198.51.100.9, 198.51.100.10 and 1 more\n",
                                       "198.51.100.9, 198.51.100.10 and 2 more\n"};
    (void)state;
    struct arena *a = arena_new(0);
    for (unsigned i = 0; i < 3; i++) {
        struct rig r = rig_open_text(many(a, "example.org. TXT \"v=spf1 a -all\"\n",
                                          "example.org. A 198.51.100.#\n", 10 + i));
        const char *all = str_cstr(r.arena, told(&r));
        assert_non_null(strstr(all, "A of example.org: 198.51.100.1, 198.51.100.2, "));
        assert_non_null(strstr(all, ends[i]));
        rig_close(&r);
    }
    arena_free(a);
}

/* The text of a record of `n` bytes, as a step shows it. */
static struct str shown(struct rig *r, size_t n)
{
    struct strbuf zone;
    sb_init(&zone, r->arena);
    sb_add(&zone, STR("example.org. TXT \"v=spf1 x="));
    for (size_t i = 9; i < n; i++)
        sb_addc(&zone, 'x');
    sb_addc(&zone, '"');
    struct rig other = rig_open_text(sb_str(&zone));
    struct str all = str_copy(r->arena, told(&other));
    rig_close(&other);
    const char *head = "SPF record of example.org: ";
    const char *text = strstr(str_cstr(r->arena, all), head);
    assert_non_null(text);
    text += strlen(head);
    return (struct str){text, (size_t)(strchr(text, '\n') - text)};
}

static void long_records_are_cut(void **state)
{
    (void)state;
    struct rig r = rig_open("");
    struct str whole = shown(&r, 2048);
    assert_int_equal(whole.n, 2048);
    assert_true(str_ends_nocase(whole, STR("xxxx")));
    struct str cut = shown(&r, 2049);
    assert_int_equal(cut.n, 2048);
    assert_true(str_ends_nocase(cut, STR("x...")));
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_tell_the_story),       cmocka_unit_test(steps_are_clean),
        cmocka_unit_test(redirects_and_explanations), cmocka_unit_test(odd_steps),
        cmocka_unit_test(no_domain_is_told),          cmocka_unit_test(other_family_is_told),
        cmocka_unit_test(many_records_are_counted),   cmocka_unit_test(long_records_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
