/* How DNS lists are told in header and log, to programs and to people: by their public zone, what
 * does not count without weight. */
#include "test.h"

#include <string.h>

#include "telling_util.h"

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

static const struct conf_list told_lists[] = {
    {.asked = {.zone = STR_INIT("key.bl.example")},
     .weight = 5,
     .label = STR_INIT("A"),
     .public_zone = STR_INIT("bl.example")},
    {.asked = {.zone = STR_INIT("wl.example"), .kind = DNSBL_ALLOW},
     .weight = -4,
     .label = STR_INIT("B"),
     .public_zone = STR_INIT("wl.example")},
    {.asked = {.zone = STR_INIT("wl.example"), .kind = DNSBL_ALLOW},
     .weight = -8,
     .label = STR_INIT("C"),
     .public_zone = STR_INIT("wl.example")},
    {.asked = {.zone = STR_INIT("wl2.example"), .kind = DNSBL_ALLOW},
     .weight = -1,
     .label = STR_INIT("D"),
     .public_zone = STR_INIT("wl2.example")},
};

#define ANSWER(i, ...)                                                                             \
    {                                                                                              \
        .list = &told_lists[i], .answer = { __VA_ARGS__ }                                          \
    }
#define CODE .code = {4, {127, 0, 0, 9}}

static void several_lists(void **state)
{
    static const struct {
        struct evidence_list v[3];
        size_t n;
        const char *header, *log, *counted;
    } cases[] = {
        {{ANSWER(0, .result = DNSBL_CLEAR)}, 1, "none", " dnsbl=3", ""},
        {{ANSWER(0, .result = DNSBL_LISTED, .counts = true, CODE)},
         1,
         "none",
         " dnsbl=3(A)",
         "dnsbl-listed=1"},
        {{ANSWER(1, .result = DNSBL_LISTED, .counts = true, CODE)},
         1,
         "dnswl=pass dns.zone=wl.example policy.ip=127.0.0.9",
         " dnsbl=3(B)",
         "dnswl-listed=1"},
        {{ANSWER(1, .result = DNSBL_LISTED, CODE)},
         1,
         "dnswl=pass dns.zone=wl.example policy.ip=127.0.0.9",
         " dnsbl=3",
         ""},
        {{ANSWER(1, .result = DNSBL_CLEAR, CODE)},
         1,
         "dnswl=none dns.zone=wl.example",
         " dnsbl=3",
         ""},
        {{ANSWER(1, .result = DNSBL_UNKNOWN)},
         1,
         "dnswl=temperror dns.zone=wl.example",
         " dnsbl=3 dnsbl-unknown=1(B)",
         "dnsbl-unknown=1"},
        {{ANSWER(1, .result = DNSBL_REFUSED)},
         1,
         "dnswl=permerror dns.zone=wl.example",
         " dnsbl=3 dnsbl-unknown=1(B)",
         "dnsbl-refused=1"},
        {{ANSWER(1, .result = DNSBL_BROKEN)},
         1,
         "dnswl=permerror dns.zone=wl.example",
         " dnsbl=3 dnsbl-unknown=1(B)",
         "dnsbl-suspended=1"},
        {{ANSWER(1, .result = DNSBL_PENDING)}, 1, "none", " dnsbl=3 dnsbl-unknown=1(B)", ""},
        {{ANSWER(1, .result = DNSBL_NOT_ASKED)}, 1, "none", " dnsbl=3", ""},
        {{ANSWER(0, .result = DNSBL_LISTED, .counts = true), ANSWER(1, .result = DNSBL_CLEAR),
          ANSWER(2, .result = DNSBL_CLEAR)},
         3,
         "dnswl=none dns.zone=wl.example",
         " dnsbl=3(A)",
         "dnsbl-listed=1"},
        {{ANSWER(1, .result = DNSBL_CLEAR), ANSWER(3, .result = DNSBL_CLEAR),
          ANSWER(0, .result = DNSBL_UNKNOWN)},
         3,
         "dnswl=none dns.zone=wl.example; dnswl=none dns.zone=wl2.example",
         " dnsbl=3 dnsbl-unknown=1(A)",
         "dnsbl-unknown=1"},
        {{ANSWER(0, .result = DNSBL_LISTED, .counts = true), ANSWER(3, .result = DNSBL_UNKNOWN),
          ANSWER(2, .result = DNSBL_LISTED, .counts = true, CODE)},
         3,
         "dnswl=temperror dns.zone=wl2.example; dnswl=pass dns.zone=wl.example "
         "policy.ip=127.0.0.9",
         " dnsbl=3(A,C) dnsbl-unknown=1(D)",
         "dnsbl-listed=1 dnswl-listed=1 dnsbl-unknown=1"},
        {{ANSWER(0, .result = DNSBL_UNKNOWN), ANSWER(1, .result = DNSBL_REFUSED)},
         2,
         "dnswl=permerror dns.zone=wl.example",
         " dnsbl=3 dnsbl-unknown=2(A,B)",
         "dnsbl-unknown=1 dnsbl-refused=1"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena *a = arena_new(0);
        struct evidence e = {
            .lists = {.checked = true, .n = cases[i].n, .v = cases[i].v, .sum = 3}};
        const struct telling t = {.evidence = &e, .arena = a};
        assert_str(told_in_header(&stage_lists, &t), cases[i].header);
        assert_str(told_in_log(&stage_lists, &t), cases[i].log);
        counted(a);
        stage_lists.telling->count(&t);
        assert_str(counted(a), cases[i].counted);
        e.lists.checked = false;
        assert_str(told_in_log(&stage_lists, &t), "");
        arena_free(a);
    }
}

static void lists_for_programs(void **state)
{
    static const struct evidence_list v[] = {
        {.list = &told_lists[0],
         .answer = {.result = DNSBL_LISTED, .counts = true, CODE},
         .about = STR_INIT("192.0.2.1")},
        {.list = &told_lists[1], .answer = {.result = DNSBL_BROKEN, .cause = "it is dead"}},
    };
    struct arena *a = arena_new(0);
    const struct conf conf = {.dnsbl_reject_at = 8, .dnsbl_tag_at = 5};
    struct evidence e = {.lists = {.checked = true, .n = 2, .v = v, .sum = 5}};
    const struct telling t = {.conf = &conf, .evidence = &e, .arena = a};
    (void)state;
    assert_str(told_to_programs(&stage_lists, &t),
               "\"dnsbl\": {\"sum\": 5,\"lists\": ["
               "{\"label\": \"A\",\"zone\": \"bl.example\",\"result\": \"listed\","
               "\"weight\": 5,\"code\": \"127.0.0.9\",\"about\": \"192.0.2.1\","
               "\"problem\": null},"
               "{\"label\": \"B\",\"zone\": \"wl.example\",\"result\": \"suspended\","
               "\"weight\": 0,\"code\": null,\"about\": null,\"problem\": \"it is dead\"}]}");
    assert_str(told_to_people(&stage_lists, &t),
               "  list     A (bl.example): listed 192.0.2.1 as 127.0.0.9, weight 5\n"
               "  list     B (wl.example): suspended: it is dead\n"
               "  lists    sum 5; rejected from 8, tagged from 5\n");
    e.lists.checked = false;
    assert_str(told_to_programs(&stage_lists, &t), "\"dnsbl\": null");
    assert_str(told_to_people(&stage_lists, &t), "");
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_lists_text),
        cmocka_unit_test(several_lists),
        cmocka_unit_test(lists_for_programs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
