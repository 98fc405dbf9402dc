/* json: what comes out is well-formed whatever goes in. */
#include "test.h"

#include <stdlib.h>

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

struct text_case {
    struct str text;
    const char *json;
};

static const struct text_case text_cases[] = {
    {STR_INIT(""), ""},
    {STR_INIT("a/b '<>&"), "a/b '<>&"},
    {STR_INIT("\"\\"), "\\\"\\\\"},
    {STR_INIT("\\x5c"), "\\\\x5c"},
    {STR_INIT("\b\f\n\r\t"), "\\b\\f\\n\\r\\t"},
    {STR_INIT("a\n\"b\"\n"), "a\\n\\\"b\\\"\\n"},
    {STR_INIT("\0\x01\x1f\x20\x7e\x7f"), "\\u0000\\u0001\\u001f ~\\u007f"},
    {STR_INIT("\xc2\x80\xc2\x9f\xc2\xa0"), "\\u0080\\u009f\xc2\xa0"},
    {STR_INIT("gr\xc3\xbc\xc3\x9f \xf0\x9f\x93\xa7"), "gr\xc3\xbc\xc3\x9f \xf0\x9f\x93\xa7"},
    {STR_INIT("\xff"), "\xef\xbf\xbd"},
    {STR_INIT("a\xc3"), "a\xef\xbf\xbd"},
    {STR_INIT("\xc2"), "\xef\xbf\xbd"},
    {STR_INIT("\xc2\x7f"), "\xef\xbf\xbd\\u007f"},
    {STR_INIT("\xc0\x80\xed\xa0\x80"),
     "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
};

/* The text as JSON, between its quotes. */
static struct str in_json(struct arena *a, struct str text)
{
    struct json j;
    json_begin(&j, a);
    json_text(&j, "t", text);
    json_end(&j, '}');
    struct str out = json_str(&j);
    static const struct str before = STR_INIT("{\n  \"t\": \""), behind = STR_INIT("\"\n}\n");
    assert_true(str_starts(out, before));
    assert_str(str_sub(out, out.n - behind.n, out.n), behind.p);
    return str_sub(out, before.n, out.n - behind.n);
}

static void text(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof text_cases / sizeof *text_cases; i++) {
        struct arena *a = arena_new(0);
        assert_str(in_json(a, text_cases[i].text), text_cases[i].json);
        arena_free(a);
    }
}

static void add_utf8(struct strbuf *b, unsigned code)
{
    if (code < 0x80) {
        sb_addc(b, (char)code);
        return;
    }
    sb_addc(b, (char)(0xC0 | code >> 6));
    sb_addc(b, (char)(0x80 | (code & 0x3F)));
}

/* What a reader of JSON makes of the text between its quotes (RFC 8259 7), for codes below 0x800.
 */
static struct str read_back(struct arena *a, struct str json)
{
    static const char letters[] = "bfnrt\"\\/", codes[] = "\b\f\n\r\t\"\\/";
    struct strbuf b;
    sb_init(&b, a);
    for (size_t i = 0; i < json.n; i++) {
        char c = json.p[i];
        assert_true((unsigned char)c >= 0x20 && c != '"');
        if (c != '\\') {
            sb_addc(&b, c);
            continue;
        }
        const char *found = strchr(letters, json.p[++i]);
        if (found) {
            sb_addc(&b, codes[found - letters]);
        } else {
            assert_true(json.p[i] == 'u' && i + 4 < json.n);
            add_utf8(&b, (unsigned)strtoul(str_cstr(a, str_sub(json, i + 1, i + 5)), NULL, 16));
            i += 4;
        }
    }
    return sb_str(&b);
}

static struct str with_replacements(struct arena *a, struct str text)
{
    struct strbuf b;
    sb_init(&b, a);
    for (size_t i = 0; i < text.n;) {
        bool c1 = i + 1 < text.n && text.p[i] == '\xc2' && (unsigned char)text.p[i + 1] < 0xA0 &&
                  (unsigned char)text.p[i + 1] >= 0x80;
        size_t n = c1 ? 2 : (unsigned char)text.p[i] < 0x80 ? 1 : str_utf8(text, i);
        sb_add(&b, n ? str_sub(text, i, i + n) : STR("\xef\xbf\xbd"));
        i += n ? n : 1;
    }
    return sb_str(&b);
}

/* Every pair of bytes, alone and between others, comes back as it was. */
static void all_bytes(void **state)
{
    (void)state;
    for (unsigned first = 0; first < 256; first++) {
        struct arena *a = arena_new(0);
        for (unsigned second = 0; second < 256; second++) {
            char bytes[] = {'x', (char)first, (char)second, 'y'};
            for (size_t from = 0; from < 2; from++)
                for (size_t to = 3; to <= 4; to++) {
                    struct str given = {bytes + from, to - from};
                    struct str back = read_back(a, in_json(a, given)),
                               wanted = with_replacements(a, given);
                    if (!str_eq(back, wanted))
                        fail_msg("%02x %02x: %.*s", first, second, STR_ARG(back));
                }
        }
        arena_free(a);
    }
}

static void names(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct json j;
    json_begin(&j, a);
    json_text(&j, "a\"b", STR("c"));
    json_end(&j, '}');
    assert_str(json_str(&j), "{\n  \"a\\\"b\": \"c\"\n}\n");
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nesting),
        cmocka_unit_test(text),
        cmocka_unit_test(all_bytes),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
