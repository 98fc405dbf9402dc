/* core/telling, core/verdict: texts of the network as log fields, and the words of a verdict. */
#include "test.h"

#include "core/telling.h"

/* Neither a space nor a quote may look like the end of a field. */
static void log_fields(void **state)
{
    static const struct {
        struct str text;
        const char *word, *quoted;
    } cases[] = {
        {STR_INIT(""), "", ""},
        {STR_INIT("mx.example"), "mx.example", "mx.example"},
        {STR_INIT(" a  b "), "\\x20a\\x20\\x20b\\x20", " a  b "},
        {STR_INIT("\"a\"b\""), "\"a\"b\"", "\\x22a\\x22b\\x22"},
        {STR_INIT("x action=\"reject\""), "x\\x20action=\"reject\"", "x action=\\x22reject\\x22"},
        {STR_INIT("a\nb\\"), "a\\x0ab\\x5c", "a\\x0ab\\x5c"},
        {STR_INIT("J\xC3\xB6rg"), "J\xC3\xB6rg", "J\xC3\xB6rg"},
    };
    struct arena *a = arena_new(0);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_str(telling_word(a, cases[i].text), cases[i].word);
        assert_str(telling_quoted(a, cases[i].text), cases[i].quoted);
    }
    arena_free(a);
}

static void queue_ids(void **state)
{
    struct arena *a = arena_new(0);
    const struct message known = {.arena = a, .queue_id = STR("4X Y")}, unknown = {.arena = a};
    (void)state;
    assert_str(telling_id(&known), "4X\\x20Y");
    assert_str(telling_id(&unknown), "NOQUEUE");
    arena_free(a);
}

static void signatures_for_programs(void **state)
{
    static const struct dkim_signature some = {
        .result = DKIM_FAIL,
        .reason = STR_INIT("why"),
        .domain = STR_INIT("example.org"),
        .selector = STR_INIT("s"),
        .algorithm = STR_INIT("rsa-sha256"),
        .key_bits = 1024,
    };
    struct arena *a = arena_new(0);
    struct json j;
    (void)state;
    json_begin(&j, a);
    telling_signature_json(&j, &some);
    json_end(&j, '}');
    assert_str(json_str(&j), "{\n"
                             "  \"result\": \"fail\",\n"
                             "  \"reason\": \"why\",\n"
                             "  \"domain\": \"example.org\",\n"
                             "  \"selector\": \"s\",\n"
                             "  \"algorithm\": \"rsa-sha256\",\n"
                             "  \"key_bits\": 1024\n"
                             "}\n");
    arena_free(a);
}

static void words_of_a_verdict(void **state)
{
    static const char *const points[] = {"mail", "rcpt", "data", "end"};
    static const char *const reasons[] = {"none", "local_policy", "mailing_list",
                                          "trusted_forwarder", "policy_test_mode"};
    (void)state;
    for (int i = POINT_MAIL; i <= POINT_EOM; i++)
        assert_string_equal(point_name((enum policy_point)i), points[i]);
    for (int i = OVERRIDE_NONE; i <= OVERRIDE_TEST_MODE; i++)
        assert_string_equal(override_name((enum override_reason)i), reasons[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(log_fields),
        cmocka_unit_test(queue_ids),
        cmocka_unit_test(signatures_for_programs),
        cmocka_unit_test(words_of_a_verdict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
