/* authres: results read, and written once more. */
#include "test.h"

#include "mail/authres.h"

struct reading_case {
    const char *value;
    const char *result; /* NULL: nothing is said of DMARC that can be relied on */
    const char *from;
};

static const struct reading_case reading_cases[] = {
    {" mx.example.org;\n\tspf=pass smtp.mailfrom=example.net;\n\tdkim=pass (2048-bit rsa) "
     "header.d=example.net header.i=@example.net\n\theader.s=r2026 header.b=\"hR8/llOs\";\n\t"
     "dmarc=pass (p=reject dis=none) header.from=example.net policy.dmarc=reject",
     "pass", "example.net"},
    {"mx 1; dmarc = fail header.from = \"example.net\"", "fail", "example.net"},
    {"mx; DMARC/1=Pass HEADER.FROM=example.net", "Pass", "example.net"},
    {"mx; DMARC / 1 = Pass HEADER.FROM=example.net", "Pass", "example.net"},
    {"mx; x=y; dmarc=pass header.from=x", "pass", "x"},
    {"mx; dmarc=pass policy.dmarc=none header.from=x", "pass", "x"},
    {"mx.b\xc3\xbc.test; dkim-atps=pass header.b=hR8/llOs; dmarc=pass header.from=b\xc3\xbc.test",
     "pass", "b\xc3\xbc.test"},
    {"\"m;x\"; dmarc=none reason=\"a;b dmarc=pass\"", "none", ""},
    {"(; dmarc=pass) mx; dmarc=none (; dmarc=pass) header.from=x (header.from=y)", "none", "x"},
    {"mx; spf=pass smtp.mailfrom=\"x; dmarc=pass\"; dmarc=fail header.from=x", "fail", "x"},
    {"mx; spf=pass header.from=y; dmarc=pass header.from=x; dkim=none header.from=z", "pass", "x"},
    {"mx; dmarc=fail header.from=x; dmarc=pass header.from=x", NULL, ""},
    {"mx; dmarc=fail; dmarc=pass header.from=x", NULL, ""},
    {"mx; dmarc=pass header.from=x header.from=y", NULL, ""},
    {"mx; dmarc=pass header.from=x (y", NULL, ""},
    {"mx; dmarc=pass header.from=x; spf", NULL, ""},
    {"mx; dmarc=pass header.from=x; spf=pass smtp.mailfrom=(x", NULL, ""},
    {"mx; dmarc=pass header.from=x\x01", NULL, ""},
    {"mx; =pass; dmarc=pass header.from=x", NULL, ""},
    {"mx; /1=pass; dmarc=pass header.from=x", NULL, ""},
    {"mx; dmarc/2=pass header.from=x", NULL, ""},
    {"mx; dmarc/2 header.from=x", NULL, ""},
    {"mx; dmarc header.from=x", NULL, ""},
    {"mx; dmarc=pass header.from", NULL, ""},
    {"mx; dmarc=pass =x", NULL, ""},
    {"mx; dmarc=\"pass", NULL, ""},
    {"mx; dmarc (x", NULL, ""},
    {"mx; dmarc/ (x", NULL, ""},
    {"mx; dmarc=pass header.from=\"x", NULL, ""},
    {"mx; dmarc=pass header.from=x;", "pass", "x"},
    {"mx; dmarc=pass header.from=x; (y)\r\n\t", "pass", "x"},
    {"mx; dmarc=pass header.from=x; (y", NULL, ""},
    {"mx; dmarc=pass header.from=x;;", NULL, ""},
    {"mx;; dmarc=pass header.from=x", NULL, ""},
    {"; dmarc=pass header.from=x", NULL, ""},
    {"mx 1; dmarc=pass header.from=x", "pass", "x"},
    {"mx 2; dmarc=pass header.from=x", NULL, ""},
    {"mx one; dmarc=pass header.from=x", NULL, ""},
    {"\"\"; dmarc=pass header.from=x", "pass", "x"},
    {"mx; dmarc= header.from=x", NULL, ""},
    {"mx; spf=pass dmarc=pass header.from=x", NULL, ""},
    /* forms of others, which our own fields do not have */
    {"mx; dmarc=pass header.from=<x>", NULL, ""},
    {"mx; dmarc=pass header.from=\"a\"@x", NULL, ""},
    {"mx; dmarc=pass header.from=x policy.x=", NULL, ""},
    {"mx; spf=pass smtp.mailfrom=a=b@x; dmarc=pass header.from=x", NULL, ""},
    {"mx; iprev=pass smtp.remote-ip=2001:db8::1; dmarc=pass header.from=x", NULL, ""},
    {"mx; gateway.spf=pass; dmarc=pass header.from=x", NULL, ""},
    {"mx; none", NULL, ""},
    {"mx", NULL, ""},
    {"mx = x; dmarc=pass", NULL, ""},
    {"\"mx; dmarc=pass", NULL, ""},
    {"dmarc=pass header.from=x", NULL, ""},
    {"", NULL, ""},
};

static void results_read(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    for (size_t i = 0; i < sizeof reading_cases / sizeof *reading_cases; i++) {
        const struct reading_case *c = &reading_cases[i];
        struct authres_said said;
        if (authres_read(a, at_page_end(str_of(c->value)), STR("dmarc"), "header.from", &said) !=
            (c->result != NULL))
            fail_msg("%s", c->value);
        assert_str(said.result, c->result ? c->result : "");
        assert_str(said.property, c->from);
        assert_false(authres_read(a, str_of(c->value), STR(""), "header.from", &said));
    }
    arena_free(a);
}

/* A list of results: "method=result name=value ..." for each, with "|" between them. */
static struct str shown(struct arena *a, const struct authres_results *results)
{
    struct strbuf b;
    sb_init(&b, a);
    for (size_t i = 0; i < results->n; i++) {
        const struct authres_resinfo *r = &results->v[i];
        sb_printf(&b, "%s%.*s=%.*s", i ? "|" : "", STR_ARG(r->method), STR_ARG(r->result));
        for (size_t k = 0; k < r->n; k++)
            sb_printf(&b, " %.*s=%.*s", STR_ARG(r->properties[k].name),
                      STR_ARG(r->properties[k].value));
    }
    return sb_str(&b);
}

/* Forms that were seen in fields of mail services and filters; none of them is ours. */
static void foreign_forms(void **state)
{
    static const struct {
        const char *said;
        const char *shown; /* NULL: not read */
    } cases[] = {
        /* values */
        {"mx; spf=none smtp.mailfrom=<>; dmarc=none action=none header.from=;",
         "spf=none smtp.mailfrom=|dmarc=none action=none header.from="},
        {"mx; dmarc=pass header.from=<a@x.test> header.from=<a@x.test>",
         "dmarc=pass header.from=a@x.test header.from=a@x.test"},
        {"mx; spf=pass smtp.mailfrom=prvs=1=a@x.test;\r\n\tdmarc=pass (p=NONE dis=NONE) "
         "header.from=x.test",
         "spf=pass smtp.mailfrom=prvs=1=a@x.test|dmarc=pass header.from=x.test"},
        {"mx; iprev=pass (mx.test) smtp.remote-ip=2001:db8::2; arc=pass (i=1) "
         "arc.chain=a.test:b.test",
         "iprev=pass smtp.remote-ip=2001:db8::2|arc=pass arc.chain=a.test:b.test"},
        {"mx; spf=pass smtp.helo=[192.0.2.4]", "spf=pass smtp.helo=[192.0.2.4]"},
        {"mx; bimi=skipped policy.authority-uri=https://x.test/a?b=c",
         "bimi=skipped policy.authority-uri=https://x.test/a?b=c"},
        {"mx; x=y a.b=\n\tc d.e=\r\n f g.h=(i) j=k l.m=n(o)p=q\nr=s", NULL},
        {"mx; x=y a.b=\n\tc d.e=\r\n f g.h=(i) j k.l=m(n)o.p=q\n r=s\r\n\tt=u",
         "x=y a.b=c d.e=f g.h=j k.l=m o.p=q r=s t=u"},
        {"mx; x=y a.b=\"c\"d.e=f g.h=i", "x=y a.b=c d.e=f g.h=i"},
        /* local parts in quotes */
        {"mx; spf=pass smtp.mailfrom=\"; dmarc=pass header.from=v.test; \"@x.test; dmarc=fail",
         "spf=pass smtp.mailfrom=; dmarc=pass header.from=v.test; @x.test|dmarc=fail"},
        {"mx; dmarc=pass header.from=<\"a>;b\\\"@v.test\"@x.test>",
         "dmarc=pass header.from=a>;b\"@v.test@x.test"},
        /* results that cannot be read, among others */
        {"mx; gateway.spf=pass (y) smtp.mailfrom=a@x.test; dmarc=pass header.from=x.test",
         "dmarc=pass header.from=x.test"},
        {"mx; dmarc=pass header.from=x.test; spf=pass smtp.mailfrom=a@x.test for b@y.test",
         "dmarc=pass header.from=x.test"},
        {"mx; dkim=none (not signed) header.d=none;x.test; dmarc=none action=none;compauth=pass "
         "reason=109",
         "dkim=none header.d=none|dmarc=none action=none|compauth=pass reason=109"},
        {"mx; x-ptr=fail x-ptr-lookup= x-ptr-helo=y.test; dmarc=pass header.from=x.test",
         "dmarc=pass header.from=x.test"},
        {"mx; spf=pass (y) client-ip=2001:db8::1; envelope-from=SRS0=a=b=x.test=c@y.test; "
         "dkim=pass",
         "spf=pass client-ip=2001:db8::1|dkim=pass"},
        {"mx; x y \"; dmarc=pass\" (; dmarc=pass) z=\"; dmarc=pass\" <\";\"; spf=none", "spf=none"},
        {"mx; x=y o.p=\n q=r; dkim=pass", "dkim=pass"},
        {"mx; x=y o.p=(s)q=r; dkim=pass", "dkim=pass"},
        {"mx; x=y o.p=q=r; dkim=pass", "x=y o.p=q=r|dkim=pass"},
        {"mx; ; dkim=pass;; (x) ; spf=none;", "dkim=pass|spf=none"},
        {"mx; spf/2=pass; dkim=pass", "dkim=pass"},
        {"mx; spf=pass x=<a; dkim=pass", "dkim=pass"},
        {"mx; spf=pass x=<a b>; dkim=pass", "dkim=pass"},
        {"mx; spf=pass smtp.mailfrom=noreply-dmarc@x.test for y; dkim=pass", "dkim=pass"},
        /* nothing to rely on */
        {"mx; none", NULL},
        {"mx; x y; z", NULL},
        {"spf=pass smtp.mailfrom=x.test; dmarc=pass header.from=x.test", NULL},
        {"mx 2; dmarc=pass", NULL},
        {"mx; dkim=pass; dmarc=fail header.from=x y", NULL},
        {"mx; dkim=pass; x (y) DMARC=fail header.from=x", NULL},
        {"mx; dkim=pass; x=y,dmarc=fail header.from=x", NULL},
        {"mx; dkim=pass; x y=\"z\"=\"; spf=pass\"", "dkim=pass"},
        {"mx; dkim=pass; x y=\"z\"\"; spf=pass\"", NULL},
        {"mx; dkim=pass; \"\"dmarc=fail header.from=x", NULL},
        {"mx; dkim=pass; dmarc/2=fail header.from=x", NULL},
        {"mx; dkim=pass; dmarc=fail=x header.from=x", NULL},
        {"mx; dmarc=pass header.from= header.x=@v.test", NULL},
        {"mx; dmarc=pass header.from= (a) header.x=@v.test", NULL},
        {"mx; dmarc=pass header.from=\"\"v.test", NULL},
        {"mx; dmarc=pass header.from=<v.test", NULL},
        {"mx; spf=pass x=a\"; dmarc=pass; spf=pass x=b\"", NULL},
        {"mx; x y\"; dmarc=pass; z\"; spf=pass", NULL},
        {"mx; x y=\"; dmarc=pass", NULL},
        {"mx; x y); dmarc=pass", NULL},
        {"mx; x y\\; dmarc=pass", NULL},
        {"mx; x (y; dmarc=pass", NULL},
        {"mx; x y\x01; dmarc=pass", NULL},
        {"mx; dmarc=pass x=a\x01", NULL},
    };
    (void)state;
    struct arena *a = arena_new(0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct authres_results results;
        struct str said = at_page_end(str_of(cases[i].said));
        if (authres_parse_foreign(a, said, &results) != (cases[i].shown != NULL))
            fail_msg("%s", cases[i].said);
        assert_str(shown(a, &results), cases[i].shown ? cases[i].shown : "");
    }
    arena_free(a);
}

/* A field without results is not read, whether it says so or ends behind its authserv-id. */
static void results_are_wanted(void **state)
{
    static const struct {
        const char *value;
        bool parsed;
        size_t n;
    } cases[] = {
        {"mx", false, 0},
        {"mx 1", false, 0},
        {"mx (x", false, 0},
        {"mx;", false, 0},
        {"mx; (x)", false, 0},
        {"mx; spf=pass; dkim", false, 0},
        {"mx; none", false, 0},
        {"mx; spf=none", true, 1},
        {"", false, 0},
        {"mx = x; spf=pass", false, 0},
        {"\"mx; spf=pass", false, 0},
        {"mx (x; spf=pass", false, 0},
        {"mx\x01; spf=pass", false, 0},
        {"\"a;b\" 1 (c;d); spf=pass; dkim=none", true, 2},
    };
    (void)state;
    struct arena *a = arena_new(0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct authres_results results;
        if (authres_parse(a, at_page_end(str_of(cases[i].value)), &results) != cases[i].parsed ||
            results.n != cases[i].n)
            fail_msg("%s", cases[i].value);
    }
    arena_free(a);
}

/* What is no keyword is left out: a result, or a property of one. */
static void results_copied(void **state)
{
    static const struct {
        const char *said, *copied;
    } cases[] = {
        {"id; spf=pass smtp.mailfrom=a.test", " id;\n\tspf=pass smtp.mailfrom=a.test"},
        {"id; x_y=pass; spf=pass", " id;\n\tspf=pass"},
        {"id; x-=pass; spf=pass", " id;\n\tspf=pass"},
        {"id; _x=pass; x=_p; spf=\"\"; spf=pass", " id;\n\tspf=pass"},
        {"id; x=p_s header.d=a.test; spf=pass", " id;\n\tspf=pass"},
        {"id; x_y=pass", " id; none"},
        {"id; spf=pass smtp.mail_from=a.test smtp.helo=b.test",
         " id;\n\tspf=pass smtp.helo=b.test"},
        {"id; spf=pass _smtp.helo=a.test smtp._helo=a.test smtp=a.test .helo=a.test smtp.=a.test "
         "s.h=a",
         " id;\n\tspf=pass s.h=a"},
    };
    (void)state;
    struct arena *a = arena_new(0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct authres_results results;
        struct authres w;
        if (!authres_parse(a, str_of(cases[i].said), &results))
            fail_msg("%s", cases[i].said);
        authres_begin(&w, a, STR("id"));
        authres_copy(&w, &results);
        assert_str(authres_end(&w), cases[i].copied);
    }
    arena_free(a);
}

/* What stands behind the last result, or behind the last property of one, is none. */
static void no_more_is_copied(void **state)
{
    static const struct authres_property_said properties[] = {
        {STR_INIT("smtp.helo"), STR_INIT("a.test")},
        {STR_INIT("smtp.mailfrom"), STR_INIT("b.test")},
    };
    static const struct authres_resinfo all[] = {
        {STR_INIT("spf"), STR_INIT("pass"), 1, properties},
        {STR_INIT("dkim"), STR_INIT("none"), 0, NULL},
    };
    (void)state;
    struct arena *a = arena_new(0);
    struct authres w;
    authres_begin(&w, a, STR("id"));
    authres_copy(&w, &(struct authres_results){1, all});
    assert_str(authres_end(&w), " id;\n\tspf=pass smtp.helo=a.test");
    assert_str(authres_property_of(all, "smtp.helo"), "a.test");
    assert_str(authres_property_of(all, "SMTP.mailfrom"), "");
    arena_free(a);
}

/* So many results are read or stepped over, and no more; with those of them that were read count
 * the properties of the others. */
static void many_foreign_results(void **state)
{
    static const struct {
        size_t results, strange, properties;
        bool parsed;
    } cases[] = {{1, 99, 0, true},  {1, 100, 0, false}, {99, 1, 0, true},  {100, 1, 0, false},
                 {1, 1, 499, true}, {1, 1, 501, false}, {1, 3, 167, false}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena *a = arena_new(0);
        struct authres_results results;
        struct strbuf b;
        sb_init(&b, a);
        sb_add(&b, STR("id"));
        for (size_t k = 0; k < cases[i].strange; k++) {
            sb_add(&b, STR("; x=y"));
            for (size_t m = 0; m < cases[i].properties; m++)
                sb_printf(&b, " p.v%zu=%zu", m, k);
            sb_add(&b, STR(" z"));
        }
        for (size_t k = 0; k < cases[i].results; k++)
            sb_add(&b, STR("; x=y"));
        if (authres_parse_foreign(a, sb_str(&b), &results) != cases[i].parsed)
            fail_msg("case %zu", i);
        assert_int_equal(results.n, cases[i].parsed ? cases[i].results : 0);
        arena_free(a);
    }
}

/* So many results and properties are read, and no more. */
static void many_results(void **state)
{
    static const struct {
        size_t results, properties; /* of each result */
        bool parsed;
    } cases[] = {{100, 0, true}, {101, 0, false}, {2, 250, true}, {1, 500, true}, {3, 167, false}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena *a = arena_new(0);
        struct authres_results results;
        struct strbuf b;
        sb_init(&b, a);
        sb_add(&b, STR("id"));
        for (size_t k = 0; k < cases[i].results; k++) {
            sb_printf(&b, "; x=r%zu", k);
            for (size_t m = 0; m < cases[i].properties; m++)
                sb_printf(&b, " p.v%zu=%zu", m, k);
        }
        if (authres_parse(a, sb_str(&b), &results) != cases[i].parsed)
            fail_msg("case %zu", i);
        assert_int_equal(results.n, cases[i].parsed ? cases[i].results : 0);
        for (size_t k = 0; k < results.n; k++) {
            assert_str(results.v[k].result, str_printf(a, "r%zu", k).p);
            assert_int_equal(results.v[k].n, cases[i].properties);
        }
        arena_free(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_read),         cmocka_unit_test(results_are_wanted),
        cmocka_unit_test(results_copied),       cmocka_unit_test(no_more_is_copied),
        cmocka_unit_test(many_results),         cmocka_unit_test(foreign_forms),
        cmocka_unit_test(many_foreign_results),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
