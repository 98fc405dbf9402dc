/* How the gate is told to programs and people: what does not count has no weight, who does not wait
 * has no seconds. */
#include "test.h"

#include <string.h>

#include "core/stage.h"
#include "core/telling.h"

static void is_told(const struct stage_telling *telling, const struct evidence *evidence,
                    const char *with, const char *without)
{
    struct arena *a = arena_new(0);
    struct json j;
    const struct telling t = {.evidence = evidence, .arena = a};
    json_begin(&j, a);
    telling->json(&t, &j);
    json_end(&j, '}');
    const char *text = str_cstr(a, json_str(&j));
    if (!strstr(text, with) || (without && strstr(text, without)))
        fail_msg("%s", text);
    arena_free(a);
}

static void test_lists(void **state)
{
    const struct conf_list conf = {
        .weight = 7, .label = STR("L"), .public_zone = STR("bl.example")};
    struct evidence_list list = {.list = &conf, .answer = {.result = DNSBL_CLEAR}};
    struct evidence e = {.lists = {.checked = true, .n = 1, .v = &list}};
    (void)state;
    is_told(stage_lists.telling, &e, "\"weight\": 0", NULL);
    list.answer = (struct dnsbl_answer){.result = DNSBL_LISTED, .counts = true};
    is_told(stage_lists.telling, &e, "\"weight\": 7", "\"weight\": 0");
}

static void test_lists_text(void **state)
{
    const struct conf conf_of_all = {.dnsbl_reject_at = 8, .dnsbl_tag_at = 5};
    const struct conf_list conf = {
        .weight = 7, .label = STR("L"), .public_zone = STR("bl.example")};
    struct evidence_list list = {.list = &conf, .about = STR("192.0.2.1")};
    const struct evidence e = {.lists = {.checked = true, .n = 1, .v = &list}};
    (void)state;
    for (int counts = 0; counts < 2; counts++) {
        struct arena *a = arena_new(0);
        struct strbuf b;
        sb_init(&b, a);
        list.answer = (struct dnsbl_answer){.result = DNSBL_LISTED, .counts = counts};
        netaddr_parse(STR("127.0.0.9"), &list.answer.code);
        stage_lists.telling->text(
            &(struct telling){.conf = &conf_of_all, .evidence = &e, .arena = a}, &b);
        assert_str(sb_str(&b),
                   counts ? "  list     L (bl.example): listed 192.0.2.1 as 127.0.0.9, weight 7\n"
                            "  lists    sum 0; rejected from 8, tagged from 5\n"
                          : "  list     L (bl.example): listed 192.0.2.1 as 127.0.0.9, weight 0: "
                            "codes does not have it\n"
                            "  lists    sum 0; rejected from 8, tagged from 5\n");
        arena_free(a);
    }
}

static void test_greylist(void **state)
{
    struct evidence e = {.greylist = {.wait_s = 30}};
    (void)state;
    for (int r = GREYLIST_EXEMPT; r <= GREYLIST_WAIT; r++) {
        e.greylist.result = (enum greylist_result)r;
        bool waits = r == GREYLIST_NEW || r == GREYLIST_WAIT;
        is_told(stage_greylist.telling, &e, waits ? "\"wait\": 30" : "\"wait\": 0", NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_lists_text),
        cmocka_unit_test(test_greylist),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
