/* dkim/fields: each field of a name once, from the bottom up. */
#include "test.h"

#include "dkim/fields.h"

static struct fields *three_fields(struct arena *a)
{
    struct header_list *h = arena_make(a, struct header_list);
    header_list_init(h, a);
    header_list_add(h, STR("To"), STR(" 1"));
    header_list_add(h, STR("From"), STR(" 2"));
    header_list_add(h, STR("TO"), STR(" 3"));
    return fields_new(a, h);
}

static void from_the_bottom_up(void **state)
{
    struct arena *a = arena_new(0);
    struct fields *f = three_fields(a);
    (void)state;
    for (int round = 0; round < 2; round++) {
        assert_str(fields_take(f, STR("to"))->value, " 3");
        assert_str(fields_take(f, STR("to"))->value, " 1");
        assert_null(fields_take(f, STR("to")));
        assert_str(fields_take(f, STR("from"))->value, " 2");
        assert_null(fields_take(f, STR("cc")));
        fields_rewind(f);
    }
    arena_free(a);
}

static void all_of_a_name(void **state)
{
    struct arena *a = arena_new(0);
    struct fields *f = three_fields(a);
    size_t n;
    (void)state;
    const struct header_field *const *found = fields_take_all(f, STR("to"), &n);
    assert_int_equal(n, 2);
    assert_str(found[0]->value, " 1");
    assert_str(found[1]->value, " 3");
    assert_null(fields_take(f, STR("to")));
    fields_take_all(f, STR("to"), &n);
    assert_int_equal(n, 0);
    fields_take_all(f, STR("cc"), &n);
    assert_int_equal(n, 0);
    fields_rewind(f);
    fields_take(f, STR("to"));
    found = fields_take_all(f, STR("to"), &n);
    assert_int_equal(n, 1);
    assert_str(found[0]->value, " 1");
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(from_the_bottom_up),
        cmocka_unit_test(all_of_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
