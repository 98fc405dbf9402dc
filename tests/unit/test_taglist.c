/* taglist: the strict form of RFC 6376 3.2 and the forgiving one for DMARC. */
#include "test.h"

#include "mail/taglist.h"

/* "name=value|" for each tag. */
static struct str dump(struct arena *a, const struct taglist *list)
{
    struct strbuf b;
    sb_init(&b, a);
    for (size_t i = 0; i < list->n; i++) {
        sb_add(&b, list->tags[i].name);
        sb_addc(&b, '=');
        sb_add(&b, list->tags[i].value);
        sb_addc(&b, '|');
    }
    return sb_str(&b);
}

struct strict_case {
    struct str text;
    enum taglist_status status;
    const char *tags;
};

static const struct strict_case strict_cases[] = {
    {STR_INIT("v=1; a=rsa-sha256"), TAGLIST_OK, "v=1|a=rsa-sha256|"},
    {STR_INIT("v=1;a=b;"), TAGLIST_OK, "v=1|a=b|"},
    {STR_INIT("v=1;"), TAGLIST_OK, "v=1|"},
    {STR_INIT("v=1;\r\n a=~\n\t"), TAGLIST_OK, "v=1|a=~|"},
    {STR_INIT(" v = 1 ;\r\n\ta\r\n = \r\n b c ; "), TAGLIST_OK, "v=1|a=b c|"},
    {STR_INIT("b=ab\n cd\n\tef"), TAGLIST_OK, "b=ab\n cd\n\tef|"},
    {STR_INIT("p="), TAGLIST_OK, "p=|"},
    {STR_INIT("p= ;v=x"), TAGLIST_OK, "p=|v=x|"},
    {STR_INIT("b=a=b=="), TAGLIST_OK, "b=a=b==|"},
    {STR_INIT("V=1;v=2"), TAGLIST_OK, "V=1|v=2|"},
    {STR_INIT("x_1y=1"), TAGLIST_OK, "x_1y=1|"},
    {STR_INIT("i=gr\xc3\xbc\xc3\x9f@example"), TAGLIST_OK, "i=gr\xc3\xbc\xc3\x9f@example|"},
    {STR_INIT(""), TAGLIST_SYNTAX, NULL},
    {STR_INIT("  "), TAGLIST_SYNTAX, NULL},
    {STR_INIT(";"), TAGLIST_SYNTAX, NULL},
    {STR_INIT("v=1;;a=b"), TAGLIST_SYNTAX, NULL},
    {STR_INIT("v=1;;"), TAGLIST_SYNTAX, NULL},
    {STR_INIT(";v=1"), TAGLIST_SYNTAX, NULL},
    {STR_INIT("v"), TAGLIST_SYNTAX, NULL},
    {STR_INIT("v=1; foo"), TAGLIST_SYNTAX, NULL},
    {STR_INIT("=1"), TAGLIST_SYNTAX, NULL},
    {STR_INIT("1v=1"), TAGLIST_SYNTAX, NULL},
    {STR_INIT("_v=1"), TAGLIST_SYNTAX, NULL},
    {STR_INIT("v w=1"), TAGLIST_SYNTAX, NULL},
    {STR_INIT("v-w=1"), TAGLIST_SYNTAX, NULL},
    {STR_INIT("vw-=1"), TAGLIST_SYNTAX, NULL},
    {STR_INIT("v=a\0b"), TAGLIST_SYNTAX, NULL},
    {STR_INIT("v=a\x7f"), TAGLIST_SYNTAX, NULL},
    {STR_INIT("v=a\rb"), TAGLIST_SYNTAX, NULL},
    {STR_INIT("v=a\nb"), TAGLIST_SYNTAX, NULL}, /* a line end that folds nothing */
    {STR_INIT("v=a\r\nb"), TAGLIST_SYNTAX, NULL},
    {STR_INIT("v=1;\na=b"), TAGLIST_SYNTAX, NULL},
    {STR_INIT("v=1;\ra=b"), TAGLIST_SYNTAX, NULL},
    {STR_INIT("v=a\r b"), TAGLIST_SYNTAX, NULL},
    {STR_INIT("v=a\r"), TAGLIST_SYNTAX, NULL},
    {STR_INIT("v=a\n"), TAGLIST_SYNTAX, NULL},
    {STR_INIT("v=a\r\n"), TAGLIST_SYNTAX, NULL},
    {STR_INIT("v=a\xff\n b"), TAGLIST_SYNTAX, NULL},
    {STR_INIT("v=\xc3\xbc\x01"), TAGLIST_SYNTAX, NULL},
    {STR_INIT("v=a\xff"), TAGLIST_SYNTAX, NULL},
    {STR_INIT("v=a\xc3"), TAGLIST_SYNTAX, NULL},
    {STR_INIT("v=1; a=b; v=1"), TAGLIST_DUPLICATE, NULL},
};

static void strict(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof strict_cases / sizeof *strict_cases; i++) {
        struct arena *a = arena_new(0);
        struct taglist list;
        struct str problem;
        enum taglist_status status =
            taglist_parse(a, at_page_end(strict_cases[i].text), &list, &problem);
        if (status != strict_cases[i].status)
            fail_msg("case %zu: status %d", i, (int)status);
        assert_int_equal(problem.n > 0, status != TAGLIST_OK);
        if (status == TAGLIST_OK)
            assert_str(dump(a, &list), strict_cases[i].tags);
        arena_free(a);
    }
}

static struct str many_tags(struct arena *a, int n)
{
    struct strbuf b;
    sb_init(&b, a);
    for (int i = 0; i < n; i++)
        sb_printf(&b, "t%d=%d;", i, i);
    return sb_str(&b);
}

static void many(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct taglist list;
    struct str problem;
    assert_int_equal(taglist_parse(a, many_tags(a, TAGLIST_MAX), &list, &problem), TAGLIST_OK);
    assert_int_equal(list.n, TAGLIST_MAX);
    assert_int_equal(taglist_parse(a, many_tags(a, TAGLIST_MAX + 1), &list, &problem),
                     TAGLIST_TOO_MANY);
    taglist_parse_lenient(a, many_tags(a, 100000), TAGLIST_EXACT, &list);
    assert_int_equal(list.n, TAGLIST_MAX);
    assert_str(taglist_get(&list, STR("t255")), "255");
    arena_free(a);
}

struct lenient_case {
    struct str text;
    const char *tags;
};

static const struct lenient_case lenient_cases[] = {
    {STR_INIT("v=DMARC1; p=none"), "v=DMARC1|p=none|"},
    {STR_INIT("v = DMARC1 ;\tp\t=\tnone ;"), "v=DMARC1|p=none|"},
    {STR_INIT("v=DMARC1;;p=none;;"), "v=DMARC1|p=none|"},
    {STR_INIT("v=DMARC1; nonsense; p=none; 1=2; sp"), "v=DMARC1|p=none|"},
    {STR_INIT("v=DMARC1; p=none; p=reject"), "v=DMARC1|p=none|"},
    {STR_INIT("v=DMARC1; p=; p=reject"), "v=DMARC1|p=|"},
    {STR_INIT("v=DMARC1; rua=mailto:a@b?x=y"), "v=DMARC1|rua=mailto:a@b?x=y|"},
    {STR_INIT("nonsense; v=DMARC1"), "=|v=DMARC1|"}, /* v is not the first */
    {STR_INIT("; v=DMARC1"), "=|v=DMARC1|"},
    {STR_INIT("v=spf1 -all"), "v=spf1 -all|"},
    {STR_INIT(""), "=|"},
};

static void lenient(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof lenient_cases / sizeof *lenient_cases; i++) {
        struct arena *a = arena_new(0);
        struct taglist list;
        taglist_parse_lenient(a, at_page_end(lenient_cases[i].text), TAGLIST_EXACT, &list);
        assert_str(dump(a, &list), lenient_cases[i].tags);
        arena_free(a);
    }
}

static void names_of_either_case(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct taglist list;
    struct str text = STR("V=DMARC1; sP=none; Sp=reject; p=none; P=reject");
    taglist_parse_lenient(a, text, TAGLIST_ANY_CASE, &list);
    assert_str(dump(a, &list), "V=DMARC1|sP=none|p=none|");
    assert_str(taglist_get(&list, STR("v")), "DMARC1");
    assert_str(taglist_get(&list, STR("SP")), "none");
    taglist_parse_lenient(a, text, TAGLIST_EXACT, &list);
    assert_str(dump(a, &list), "V=DMARC1|sP=none|Sp=reject|p=none|P=reject|");
    assert_null(taglist_get(&list, STR("v")).p);
    assert_str(taglist_get(&list, STR("P")), "reject");
    arena_free(a);
}

static void reading(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct taglist list;
    struct str problem;
    taglist_parse(a, STR("h=From :\r\n\tTo; p="), &list, &problem);
    assert_null(taglist_get(&list, STR("P")).p);
    assert_non_null(taglist_get(&list, STR("p")).p);
    assert_int_equal(taglist_get(&list, STR("p")).n, 0);
    assert_str(taglist_strip(a, taglist_get(&list, STR("h"))), "From:To");
    assert_str(taglist_strip(a, STR_NONE), "");
    assert_int_equal(taglist_parse(a, STR_NONE, &list, &problem), TAGLIST_SYNTAX);
    assert_str(problem, "the tag list is empty");
    assert_int_equal(taglist_parse(a, STR(""), &list, &problem), TAGLIST_SYNTAX);
    assert_str(problem, "the tag list has a part that is no tag=value");
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strict),  cmocka_unit_test(many),
        cmocka_unit_test(lenient), cmocka_unit_test(names_of_either_case),
        cmocka_unit_test(reading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
