/* json: what comes out is well-formed whatever goes in. */
#include "test.h"

#include "base/json.h"

static void nesting(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct json j;
    json_begin(&j, a);
    json_text(&j, "name", STR("value"));
    json_array(&j, "list");
    json_number(&j, NULL, -1);
    json_number(&j, NULL, 2);
    json_end(&j, ']');
    json_array(&j, "nothing");
    json_end(&j, ']');
    json_object(&j, "inner");
    json_bool(&j, "yes", true);
    json_text(&j, "absent", STR_NONE);
    json_end(&j, '}');
    json_end(&j, '}');
    assert_str(json_str(&j), "{\n  \"name\": \"value\",\n  \"list\": [\n    -1,\n    2\n  ],\n"
                             "  \"nothing\": [],\n  \"inner\": {\n    \"yes\": true,\n"
                             "    \"absent\": null\n  }\n}\n");
    arena_free(a);
}

static void text(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct json j;
    json_begin(&j, a);
    json_text(&j, "a\"b", STR("\"\\\n\x01\xff gr\xc3\xbc\xc3\x9f"));
    json_end(&j, '}');
    assert_str(json_str(&j),
               "{\n  \"a\\\"b\": \"\\\"\\\\x5c\\\\x0a\\\\x01\\\\xff gr\xc3\xbc\xc3\x9f\"\n}\n");
    arena_free(a);
}

static void lines(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct json j;
    json_begin(&j, a);
    json_lines(&j, "two", STR("a \"b\"\n\tc\n"));
    json_lines(&j, "none", STR(""));
    json_end(&j, '}');
    assert_str(json_str(&j), "{\n  \"two\": \"a \\\"b\\\"\\n\\\\x09c\\n\",\n  \"none\": \"\"\n}\n");
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nesting), cmocka_unit_test(text),
                                       cmocka_unit_test(lines)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
