/* address: the From parser and envelope paths. */
#include "test.h"

#include "base/clock.h"
#include "mail/address.h"

/* "local@domain|" for each mailbox; "local@!|" where there is no domain name. */
static struct str dump(struct arena *a, const struct from_parsed *from)
{
    struct strbuf b;
    sb_init(&b, a);
    for (size_t i = 0; i < from->n; i++) {
        const struct mailbox *m = &from->mailboxes[i];
        sb_add(&b, m->local);
        sb_addc(&b, '@');
        sb_add(&b, m->domain_ok ? m->domain : STR("!"));
        sb_addc(&b, '|');
        assert_true(m->domain_ok || m->domain.n == 0);
    }
    return sb_str(&b);
}

struct from_case {
    struct str value;
    const char *boxes; /* NULL: not FROM_OK; what then is made of it has its cases in test_from.c */
};

static const struct from_case from_cases[] = {
    /* RFC 5322 3.4 and its appendix A.1, A.5, A.6.1 */
    {STR_INIT(" a@example.org"), "a@example.org|"},
    {STR_INIT(" John Doe <jdoe@machine.example>"), "jdoe@machine.example|"},
    {STR_INIT(" \"Joe Q. Public\" <john.q.public@example.com>"), "john.q.public@example.com|"},
    {STR_INIT(" <boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <sysservices@example.net>"),
     "boss@nil.test|sysservices@example.net|"},
    {STR_INIT(" A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;"),
     "c@a.test|joe@where.test|jdoe@one.test|"},
    {STR_INIT(" Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>"),
     "pete@silly.test|"},
    {STR_INIT(" Joe Q. Public <john.q.public@example.com>"), "john.q.public@example.com|"},
    {STR_INIT(" Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example"),
     "mary@example.net|jdoe@test.example|"},

    /* white space, folding, comments */
    {STR_INIT("a@example.org"), "a@example.org|"},
    {STR_INIT("a@example.org\r\n"), "a@example.org|"},
    {STR_INIT("\r\n\ta@example.org"), "a@example.org|"},
    {STR_INIT(" a\n @\r\n\texample\n .\n org\n "), "a@example.org|"},
    {STR_INIT(" a \r\n \r\n b <a@example.org>"), "a@example.org|"}, /* obs-FWS */
    {STR_INIT(" (x) a (x) . (x) b (x) @ (x) c (x) . (x) d (x)"), "a.b@c.d|"},
    {STR_INIT(" (a (b (c \\( \\) d) e) f) a@example.org"), "a@example.org|"},
    {STR_INIT(" a@example.org (Joe <joe@evil.example>)"), "a@example.org|"},
    {STR_INIT(" (joe@evil.example,) a@example.org"), "a@example.org|"},
    {STR_INIT(" x (folded\r\n comment) <a@example.org>"), "a@example.org|"},
    {STR_INIT(" < a@example.org >"), "a@example.org|"},

    /* what looks like an address and is none */
    {STR_INIT(" \"joe@evil.example\" <a@example.org>"), "a@example.org|"},
    {STR_INIT(" \"<joe@evil.example>\" <a@example.org>"), "a@example.org|"},
    {STR_INIT(" \"a\\\"<joe@evil.example>,\" <a@example.org>"), "a@example.org|"},
    {STR_INIT(" =?utf-8?q?joe=40evil.example?= <a@example.org>"), "a@example.org|"},
    {STR_INIT(" =?utf-8?q?=3Cjoe=40evil.example=3E,?= <a@example.org>"), NULL},
    {STR_INIT(" =?utf-8?b?PGpvZUBldmlsPg==?= <a@example.org>"), "a@example.org|"},
    {STR_INIT(" \"x\r\n <joe@evil.example>\" <a@example.org>"), "a@example.org|"},

    /* local parts */
    {STR_INIT(" \"a b\"@example.org"), "\"a b\"@example.org|"},
    {STR_INIT(" \"a\\\"@b\"@example.org"), "\"a\\\"@b\"@example.org|"},
    {STR_INIT(" \"\"@example.org"), "\"\"@example.org|"},
    {STR_INIT(" <\"a\" . b.\"c d\"@example.org>"), "\"a\".b.\"c d\"@example.org|"},
    {STR_INIT(" a.@example.org"), "a.@example.org|"},
    {STR_INIT(" <a..b . @example.org>"), "a..b.@example.org|"},
    {STR_INIT(" a+b=c/d{e}@example.org"), "a+b=c/d{e}@example.org|"},
    {STR_INIT(" gr\xc3\xbc\xc3\x9f@example.org"), "gr\xc3\xbc\xc3\x9f@example.org|"},

    /* domains */
    {STR_INIT(" a@EXAMPLE.Org."), "a@example.org|"},
    {STR_INIT(" a@example.org. (x)"), "a@example.org|"},
    {STR_INIT(" a@b\xc3\xbc"
              "cher.example"),
     "a@xn--bcher-kva.example|"},
    {STR_INIT(" a@b\xc3\xbc"
              "cher (x) .example"),
     "a@xn--bcher-kva.example|"},
    {STR_INIT(" a@localhost"), "a@localhost|"},
    {STR_INIT(" azAZ09@azAZ09.test"), "azAZ09@azaz09.test|"},
    {STR_INIT(" a@[192.0.2.1], b@c.test"), "a@!|b@c.test|"},
    {STR_INIT(" b@c.test, <a@ [IPv6:2001:db8::1] >"), "b@c.test|a@!|"},
    {STR_INIT(" a@[a\\]b], b@c.test"), "a@!|b@c.test|"},
    {STR_INIT(" a@[192.0.2.1]"), NULL},
    {STR_INIT(" a@_x.example"), "a@_x.example|"},
    {STR_INIT(" a@"
              "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example"),
     "a@!|"},
    {STR_INIT(" a@xn--bcher-kva.example"), "a@xn--bcher-kva.example|"},

    /* routes */
    {STR_INIT(" <@a.test,@b.test:c@d.test>"), "c@d.test|"},
    {STR_INIT(" <,, @a.test ,, , @b.test , : c@d.test>"), "c@d.test|"},
    {STR_INIT(" x <@[192.0.2.1]:c@d.test>"), "c@d.test|"},

    /* lists and groups */
    {STR_INIT(" a@b.test, c@d.test"), "a@b.test|c@d.test|"},
    {STR_INIT(" ,,a@b.test,,c@d.test,"), "a@b.test|c@d.test|"},
    {STR_INIT(" g:a@b.test;"), "a@b.test|"},
    {STR_INIT(" g : , a@b.test , ; (x), c@d.test"), "a@b.test|c@d.test|"},
    {STR_INIT(" g:;, c@d.test"), "c@d.test|"},
    {STR_INIT(" a@b.test, a@b.test"), "a@b.test|a@b.test|"},

    /* 8-bit names of old mail */
    {STR_INIT(" J\xf6rg M\xfcller <a@example.org>"), "a@example.org|"},
    {STR_INIT(" \"J\xf6rg\" (\xfc) <a@example.org>"), "a@example.org|"},
    {STR_INIT(" \xe6\x97\xa5\xe6\x9c\xac <a@example.org>"), "a@example.org|"},

    /* RFC 5322 4.1: control characters in quotes and comments */
    {STR_INIT(" \"x\x1b\" <a@b.test>"), "a@b.test|"},
    {STR_INIT(" \"\\\x01\x7f\" (\x02\\\x03) <a@b.test>"), "a@b.test|"},

    /* outside of the grammar */
    {STR_INIT(""), NULL},
    {STR_INIT(" "), NULL},
    {STR_INIT(" (only a comment)"), NULL},
    {STR_INIT(" ,,,"), NULL},
    {STR_INIT(" a"), NULL},
    {STR_INIT(" a@"), NULL},
    {STR_INIT(" @b.test"), NULL},
    {STR_INIT(" a@.test"), NULL},
    {STR_INIT(" a@b..test"), NULL},
    {STR_INIT(" a@b.test.."), NULL},
    {STR_INIT(" a@b@c.test"), NULL},
    {STR_INIT(" a b@c.test"), NULL},
    {STR_INIT(" .a@b.test"), NULL},
    {STR_INIT(" \"a\"b@c.test"), NULL},
    {STR_INIT(" a@b c.test"), NULL},
    {STR_INIT(" a@exam(x)ple.test"), NULL},
    {STR_INIT(" a@\"b\".test"), NULL},
    {STR_INIT(" a@[192.0.2.1"), NULL},
    {STR_INIT(" a@[[192.0.2.1]]"), NULL},
    {STR_INIT(" a@[192.0.2.1].test"), NULL},
    {STR_INIT(" <>"), NULL},
    {STR_INIT(" x <>"), NULL},
    {STR_INIT(" <a>"), NULL},
    {STR_INIT(" <a@b.test"), NULL},
    {STR_INIT(" a@b.test>"), NULL},
    {STR_INIT(" <<a@b.test>>"), NULL},
    {STR_INIT(" <a@b.test> x"), NULL},
    {STR_INIT(" <a@b.test> <c@d.test>"), NULL},
    {STR_INIT(" a@b.test <c@d.test>"), NULL},
    {STR_INIT(" a@b.test c@d.test"), NULL},
    {STR_INIT(" a@b.test; c@d.test"), NULL},
    {STR_INIT(" .x <a@b.test>"), NULL},
    {STR_INIT(" [x] y <a@b.test>"), NULL},
    {STR_INIT(" \"x <a@b.test>"), NULL},
    {STR_INIT(" (x <a@b.test>"), NULL},
    {STR_INIT(" x) <a@b.test>"), NULL},
    {STR_INIT(" <a@b.test\\>"), NULL},
    {STR_INIT(" g:a@b.test"), NULL},
    {STR_INIT(" g:;"), NULL},
    {STR_INIT(" g:h:a@b.test;;"), NULL},
    {STR_INIT(" :a@b.test;"), NULL},
    {STR_INIT(" g:a@b.test;;"), NULL},
    {STR_INIT(" <@a.test:>"), NULL},
    {STR_INIT(" <@a.test c@d.test>"), NULL},
    {STR_INIT(" <@a.test@b.test:c@d.test>"), NULL},
    {STR_INIT(" <,:c@d.test>"), NULL},
    {STR_INIT(" <:c@d.test>"), NULL},
    {STR_INIT(" \xf6@b.test"), NULL},
    {STR_INIT(" a@b\xf6.test"), NULL},
    {STR_INIT(" a@b.test\0"), NULL},
    {STR_INIT(" x\0y <a@b.test>"), NULL},
    {STR_INIT(" \"x\0\" <a@b.test>"), NULL},
    {STR_INIT(" (x\0) <a@b.test>"), NULL},
    {STR_INIT(" \"x\\\0\" <a@b.test>"), NULL},
    {STR_INIT(" x\x01 <a@b.test>"), NULL},
    {STR_INIT(" x\x7f <a@b.test>"), NULL},
    {STR_INIT(" a\r@b.test"), NULL},
    {STR_INIT(" a@b.test\r"), NULL},
    {STR_INIT(" x\n<a@b.test>"), NULL}, /* a line end that folds nothing */
    {STR_INIT(" x\r\n<a@b.test>"), NULL},
    {STR_INIT(" \"x\ny\" <a@b.test>"), NULL},
    {STR_INIT(" (x"), NULL},
    {STR_INIT(" (x\\"), NULL},
    {STR_INIT(" a@b.test (x\\"), NULL},
    {STR_INIT(" a@b.test, \"x\\"), NULL},
    {STR_INIT(" a@b.test, \"x"), NULL},
    {STR_INIT(" a@b.test, <c"), NULL},
    {STR_INIT(" a@b.test, <@x"), NULL},
    {STR_INIT(" a@b.test, <c@d.test (x"), NULL},
    {STR_INIT(" a@b.test, c@"), NULL},
    {STR_INIT(" a@b.test, g:c@d.test"), NULL},
    {STR_INIT(" b@c.test, a@[x\\"), NULL},
    {STR_INIT(" b@c.test, a@[x\0]"), NULL},
    {STR_INIT(" a@b.test (x\n)"), NULL},
    {STR_INIT(" \"x\\"), NULL},
};

static void from_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof from_cases / sizeof *from_cases; i++) {
        const struct from_case *c = &from_cases[i];
        struct arena *a = arena_new(0);
        struct from_parsed from;
        from_parse_value(a, at_page_end(c->value), &from);
        if ((from.status == FROM_OK) != (c->boxes != NULL))
            fail_msg("case %zu (%s): status %d, %.*s", i, c->value.p, (int)from.status,
                     STR_ARG(from.problem));
        if (c->boxes)
            assert_str(dump(a, &from), c->boxes);
        assert_int_equal(from.problem.n > 0, !c->boxes);
        arena_free(a);
    }
}

static void reasons(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct from_parsed from;
    from_parse_value(a, STR("joe@evil.example <a@b.test>"), &from);
    assert_str(from.problem, "a display name with an unquoted @");
    from_parse_value(a, STR("g:;"), &from);
    assert_str(from.problem, "From names no domain");
    from_parse_value(a, STR("\"a@b.test\":;"), &from);
    assert_str(from.problem, "From holds no address with a domain name, but shows one");
    from_parse_value(a, STR(","), &from);
    assert_str(from.problem, "From holds no address");
    from_parse_value(a, STR("MAILER-DAEMON (Mail Delivery System)"), &from);
    assert_str(from.problem, "an address without a domain");
    from_parse_value(a, STR("<>"), &from);
    assert_str(from.problem, "an empty address");
    from_parse_value(a, STR("<>, a@b.test"), &from);
    assert_str(from.problem, "an empty address");
    from_parse_value(a, STR("A <a@b.test>;"), &from);
    assert_str(from.problem, "something behind an address that does not belong there");
    from_parse_value(a, STR("a\x01@b.test"), &from);
    assert_str(from.problem, "control character");
    arena_free(a);
}

static void nested_comments(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct from_parsed from;
    char text[200];
    for (size_t depth = 60; depth <= 70; depth++) {
        memset(text, '(', depth);
        memset(text + depth, ')', depth);
        memcpy(text + 2 * depth, "a@b.test", 8);
        from_parse_value(a, (struct str){text, 2 * depth + 8}, &from);
        assert_int_equal(from.status, depth <= 64 ? FROM_OK : FROM_UNPARSED);
    }
    arena_free(a);
}

static struct str repeat(struct arena *a, const char *part, size_t times)
{
    struct strbuf b;
    sb_init(&b, a);
    for (size_t i = 0; i < times; i++)
        sb_add(&b, str_of(part));
    return sb_str(&b);
}

static void many_addresses(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct from_parsed from;
    from_parse_value(a, repeat(a, "a@b.test,", FROM_MAX_MAILBOXES), &from);
    assert_int_equal(from.status, FROM_OK);
    assert_int_equal(from.n, FROM_MAX_MAILBOXES);
    from_parse_value(a, repeat(a, "a@b.test,", FROM_MAX_MAILBOXES + 1), &from);
    assert_int_equal(from.status, FROM_TOO_MANY);
    assert_int_equal(from.n, FROM_MAX_MAILBOXES);
    assert_true(from.problem.n > 0);
    arena_free(a);
}

/* 1 MB of each of these, alone and behind and before an address: a parser that looks at bytes again
 * and again would need minutes. */
static void linear_time(void **state)
{
    (void)state;
    static const char *const parts[] = {
        "(",  ")",  ",",   "\"", "\"\"",   "\\",  "<",    ">",       "@", ":",
        ";",  ".",  "a.",  "a ", "()",     "g:;", "a@b,", "(\\)",    "[", "\"\" .",
        "a@", "a:", "<@a", "<,", "\r\n\t", " ",   "\xc3", "\xc3\xbc"};
    int64_t start = clock_us();
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        struct arena *a = arena_new(0);
        struct from_parsed from;
        struct str many = repeat(a, parts[i], (1 << 20) / strlen(parts[i]));
        from_parse_value(a, many, &from);
        from_parse_value(a, str_printf(a, "a@%.*s", STR_ARG(many)), &from);
        from_parse_value(a, str_printf(a, "%.*s@b.test", STR_ARG(many)), &from);
        from_parse_value(a, str_printf(a, "x <@%.*s:a@b.test>", STR_ARG(many)), &from);
        from_parse_value(a, str_printf(a, "x <%.*s@b.test>", STR_ARG(many)), &from);
        assert_true(arena_used(a) < 200 << 20);
        arena_free(a);
    }
    assert_true(clock_us() - start < 60 * 1000000);
}

static void from_fields(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct header_list h;
    struct from_parsed from;
    header_list_init(&h, a);
    header_list_add(&h, STR("To"), STR(" a@b.test"));
    header_list_add(&h, STR("X-From"), STR(" a@b.test"));
    from_parse(a, &h, &from);
    assert_int_equal(from.status, FROM_MISSING);
    assert_true(from.problem.n > 0);
    header_list_add(&h, STR("FROM"), STR(" a@b.test"));
    from_parse(a, &h, &from);
    assert_int_equal(from.status, FROM_OK);
    assert_int_equal(from.problem.n, 0);
    assert_str(dump(a, &from), "a@b.test|");
    header_list_add(&h, STR("From "), STR(" x@y.test, broken"));
    from_parse(a, &h, &from);
    assert_int_equal(from.status, FROM_SEVERAL);
    assert_int_equal(from.n, 0);
    assert_true(from.problem.n > 0);
    arena_free(a);
}

struct path_case {
    struct str text;
    const char *whole;          /* "": the null path */
    const char *local, *domain; /* NULL: not understood */
};

static const struct path_case path_cases[] = {
    {STR_INIT("<a@b.test>"), "a@b.test", "a", "b.test"},
    {STR_INIT(" <a@b.test> "), "a@b.test", "a", "b.test"},
    {STR_INIT("a@B.test"), "a@B.test", "a", "B.test"},
    {STR_INIT("<@x,@y:a@b>"), "a@b", "a", "b"},
    {STR_INIT("<@[IPv6:::1],@y:a@b>"), "a@b", "a", "b"},
    {STR_INIT("<\"a b\"@c>"), "\"a b\"@c", "\"a b\"", "c"},
    {STR_INIT("<\"a@b\\\"@\"@c>"), "\"a@b\\\"@\"@c", "\"a@b\\\"@\"", "c"},
    {STR_INIT("<\"a@b\">"), "\"a@b\"", "\"a@b\"", ""},
    {STR_INIT("<>"), "", "", ""},
    {STR_INIT("< >"), "", "", ""},
    {STR_INIT("<bob>"), "bob", "bob", ""},
    {STR_INIT("<postmaster>"), "postmaster", "postmaster", ""},
    {STR_INIT("<a@[192.0.2.1]>"), "a@[192.0.2.1]", "a", "[192.0.2.1]"},
    {STR_INIT("<a@[IPv6:2001:db8::1]>"), "a@[IPv6:2001:db8::1]", "a", "[IPv6:2001:db8::1]"},
    {STR_INIT("<a@b.>"), "a@b.", "a", "b."},
    {STR_INIT("<gr\xc3\xbc\xc3\x9f@b\xc3\xbc"
              "cher.example>"),
     "gr\xc3\xbc\xc3\x9f@b\xc3\xbc"
     "cher.example",
     "gr\xc3\xbc\xc3\x9f",
     "b\xc3\xbc"
     "cher.example"},
    {STR_INIT("<a\\@b@c>"), "a\\@b@c", "a\\@b", "c"},
    {STR_INIT("<a@b@c>"), "a@b@c", "a@b", "c"},
    {STR_INIT("<a:b@c>"), "a:b@c", "a:b", "c"},
    {STR_INIT("<b+u=x.test@c.test>"), "b+u=x.test@c.test", "b+u=x.test", "c.test"},
    {STR_INIT(""), "", NULL, NULL},
    {STR_INIT("<"), "<", NULL, NULL},
    {STR_INIT("<a@b"), "<a@b", NULL, NULL},
    {STR_INIT("<a@b.test"), "<a@b.test", NULL, NULL},
    {STR_INIT("<@>"), "@", NULL, NULL},
    {STR_INIT("<@b>"), "@b", NULL, NULL},
    {STR_INIT("<@b:>"), "@b:", NULL, NULL},
    {STR_INIT("<a@>"), "a@", NULL, NULL},
    {STR_INIT("<\"a@b>"), "\"a@b", NULL, NULL},
    {STR_INIT("<\"\">"), "\"\"", "\"\"", ""},
    {STR_INIT("<@x,@y:bob>"), "bob", "bob", ""},
    {STR_INIT("@b.test"), "@b.test", NULL, NULL},
    {STR_INIT("@x:a@b"), "a@b", "a", "b"},
};

static void paths(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof path_cases / sizeof *path_cases; i++) {
        const struct path_case *c = &path_cases[i];
        struct mail_path path;
        bool ok = mail_path_parse(at_page_end(c->text), &path);
        if (ok != (c->local != NULL))
            fail_msg("case %zu: %s", i, c->text.p);
        assert_str(path.whole, c->whole);
        assert_str(path.local, ok ? c->local : "");
        assert_str(path.domain, ok ? c->domain : "");
        assert_int_equal(path.null, ok && !*c->whole);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(from_values),     cmocka_unit_test(reasons),
        cmocka_unit_test(nested_comments), cmocka_unit_test(many_addresses),
        cmocka_unit_test(linear_time),     cmocka_unit_test(from_fields),
        cmocka_unit_test(paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
