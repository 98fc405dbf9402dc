/* core/edit: the header that edits make of another. */
#include "test.h"

#include "core/edit.h"

static void edits(void **state)
{
    static const struct {
        struct edit edit;
        const char *want; /* "name=value " for each field */
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
    header_list_init(&h, a);
    header_list_add(&h, STR("A"), STR("1"));
    header_list_add(&h, STR("B"), STR("2"));
    header_list_add(&h, STR("A"), STR("3"));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct edit_list list = {0};
        struct strbuf b;
        sb_init(&b, a);
        edit_push(&list, a, cases[i].edit);
        struct header_list out = edits_apply(a, &h, &list);
        for (size_t k = 0; k < out.n; k++)
            sb_printf(&b, "%.*s=%.*s ", STR_ARG(out.fields[k].name), STR_ARG(out.fields[k].value));
        assert_str(sb_str(&b), cases[i].want);
    }
    assert_int_equal(h.n, 3); /* the list itself stays */
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
