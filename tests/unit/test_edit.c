/* core/edit: the header that edits make of another. */
#include "test.h"

#include "core/edit.h"

/* "A=1 B=2 A=3 " */
static void a_header(struct header_list *h, struct arena *a)
{
    header_list_init(h, a);
    header_list_add(h, STR("A"), STR("1"));
    header_list_add(h, STR("B"), STR("2"));
    header_list_add(h, STR("A"), STR("3"));
}

/* "name=value " for each field */
static struct str written(const struct header_list *h, struct arena *a)
{
    struct strbuf b;
    sb_init(&b, a);
    for (size_t i = 0; i < h->n; i++)
        sb_printf(&b, "%.*s=%.*s ", STR_ARG(h->fields[i].name), STR_ARG(h->fields[i].value));
    return sb_str(&b);
}

static void edits(void **state)
{
    static const struct {
        struct edit edit;
        const char *want;
    } cases[] = {
        {{EDIT_DELETE, 1, STR_INIT("a"), STR_INIT("")}, "B=2 A=3 "},
        {{EDIT_DELETE, 2, STR_INIT("a"), STR_INIT("")}, "A=1 B=2 "},
        {{EDIT_CHANGE, 2, STR_INIT("a"), STR_INIT("4")}, "A=1 B=2 A=4 "},
        {{EDIT_INSERT, 0, STR_INIT("C"), STR_INIT("4")}, "C=4 A=1 B=2 A=3 "},
        /* of fields that are not there */
        {{EDIT_DELETE, 3, STR_INIT("a"), STR_INIT("")}, "A=1 B=2 A=3 "},
        {{EDIT_DELETE, 1, STR_INIT("C"), STR_INIT("")}, "A=1 B=2 A=3 "},
        {{EDIT_CHANGE, 2, STR_INIT("B"), STR_INIT("4")}, "A=1 B=2 A=3 "},
    };
    struct arena *a = arena_new(0);
    struct header_list h;
    (void)state;
    a_header(&h, a);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct edit_list list = {0};
        edit_push(&list, a, cases[i].edit);
        struct header_list out = edits_apply(a, &h, &list);
        assert_str(written(&out, a), cases[i].want);
    }
    assert_int_equal(h.n, 3); /* the list itself stays */
    arena_free(a);
}

/* One after the other: ordinals count what those before have left, and the last one inserted is on
 * top. */
static void many_edits(void **state)
{
    static const struct edit list[] = {
        {EDIT_INSERT, 0, STR_INIT("C"), STR_INIT("4")},
        {EDIT_DELETE, 1, STR_INIT("a"), STR_INIT("")},
        {EDIT_CHANGE, 1, STR_INIT("a"), STR_INIT("5")},
        {EDIT_INSERT, 0, STR_INIT("A"), STR_INIT("6")},
        {EDIT_DELETE, 1, STR_INIT("b"), STR_INIT("")},
        {EDIT_DELETE, 1, STR_INIT("a"), STR_INIT("")},
    };
    static const char *const want[] = {"A=1 B=2 A=3 ", "C=4 A=1 B=2 A=3 ", "C=4 B=2 A=3 ",
                                       "C=4 B=2 A=5 ", "A=6 C=4 B=2 A=5 ", "A=6 C=4 A=5 ",
                                       "A=6 C=4 "};
    struct arena *a = arena_new(0);
    struct header_list h;
    (void)state;
    a_header(&h, a);
    for (size_t n = 0; n < sizeof want / sizeof *want; n++) {
        struct edit_list some = {0};
        for (size_t i = 0; i < n; i++)
            edit_push(&some, a, list[i]);
        struct header_list out = edits_apply(a, &h, &some);
        assert_str(written(&out, a), want[n]);
    }
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edits),
        cmocka_unit_test(many_edits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
