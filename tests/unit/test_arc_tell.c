/* How a chain is told to people and programs: what it is, since when nothing was changed, and with
 * --explain each of its sets; and whether it was sealed. */
#include "test.h"

#include "telling_util.h"

static const struct dkim_signature good = {.result = DKIM_PASS,
                                           .domain = STR_INIT("list.example"),
                                           .selector = STR_INIT("s"),
                                           .algorithm = STR_INIT("rsa-sha256"),
                                           .key_bits = 2048};
static const struct dkim_signature broken = {.result = DKIM_FAIL,
                                             .reason = STR_INIT("body hash differs"),
                                             .domain = STR_INIT("first.example"),
                                             .selector = STR_INIT("t")};
static const struct dkim_signature unseen = {.domain = STR_INIT("first.example"),
                                             .selector = STR_INIT("u")};

static const struct arc_set sets[] = {
    {.instance = 1,
     .has_results = true,
     .has_message = true,
     .has_seal = true,
     .results = STR_INIT(" mx.first.example;\r\n dmarc=pass"),
     .cv = ARC_CV_NONE,
     .message = &broken,
     .seal = &unseen},
    {.instance = 2, .has_seal = true, .cv = ARC_CV_PASS, .seal = &good},
    {.instance = 3},
};

struct chain_case {
    enum arc_result result;
    struct arc_outcome outcome;
    struct str reason;
    const char *text;
};

static void chains(void **state)
{
    static const struct chain_case cases[] = {
        {ARC_NONE, {.n = 0}, STR_INIT(""), ""},
        {ARC_PASS,
         {.n = 2, .sets = sets, .has_oldest_pass = true},
         STR_INIT(""),
         "  ARC      pass: set 2, sealed by list.example\n"},
        {ARC_PASS,
         {.n = 2, .sets = sets, .has_oldest_pass = true, .oldest_pass = 2},
         STR_INIT(""),
         "  ARC      pass: set 2, sealed by list.example, unchanged since set 2\n"},
        {ARC_PASS,
         {.n = 2, .sets = sets},
         STR_INIT(""),
         "  ARC      pass: set 2, sealed by list.example\n"},
        {ARC_FAIL,
         {.n = 2, .sets = sets, .has_oldest_pass = true, .oldest_pass = 2},
         STR_INIT("so it was when it came in"),
         "  ARC      fail: set 2, sealed by list.example: so it was when it came in\n"},
        {ARC_FAIL,
         {.n = 3, .sets = sets},
         STR_INIT("a field is missing"),
         "  ARC      fail: a field is missing\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena *a = arena_new(0);
        struct evidence e = {.arc = {.checked = true,
                                     .result = cases[i].result,
                                     .outcome = cases[i].outcome,
                                     .reason = cases[i].reason}};
        const struct telling t = {.evidence = &e, .arena = a};
        assert_str(told_to_people(&stage_arc, &t), cases[i].text);
        e.arc.checked = false;
        assert_str(told_to_people(&stage_arc, &t), "");
        assert_str(told_to_programs(&stage_arc, &t), "\"arc\": null");
        arena_free(a);
    }
}

static const bool trusted[] = {true, false, false};
static const struct evidence whole = {.arc = {.checked = true,
                                              .result = ARC_FAIL,
                                              .reason = STR_INIT("a field is missing"),
                                              .trusted = trusted,
                                              .outcome = {.n = 3, .sets = sets}}};

static void sets_explained(void **state)
{
    struct arena *a = arena_new(0);
    struct evidence e = whole;
    const struct telling t = {.evidence = &e, .arena = a, .explain = true};
    (void)state;
    assert_str(told_to_people(&stage_arc, &t),
               "  ARC      fail: a field is missing\n"
               "           set 3, cv=unknown\n"
               "             seal: missing\n"
               "             message: missing\n"
               "             results: missing\n"
               "           set 2, cv=pass, sealed by list.example, not trusted\n"
               "             seal: pass d=list.example s=s\n"
               "             message: missing\n"
               "             results: missing\n"
               "           set 1, cv=none, sealed by first.example, trusted\n"
               "             seal: not looked at d=first.example s=u\n"
               "             message: fail d=first.example s=t: body hash differs\n"
               "             results: mx.first.example; dmarc=pass\n");
    e.arc.trusted = NULL; /* of mail that was forwarded before */
    assert_non_null(strstr(told_to_people(&stage_arc, &t).p, "first.example, not trusted\n"));
    arena_free(a);
}

#define GOOD                                                                                       \
    "{\"result\": \"pass\",\"reason\": null,\"domain\": \"list.example\",\"selector\": \"s\","     \
    "\"algorithm\": \"rsa-sha256\",\"key_bits\": 2048}"
#define FIRST(result, reason, selector)                                                            \
    "{\"result\": \"" result "\",\"reason\": " reason                                              \
    ",\"domain\": \"first.example\",\"selector\": \"" selector                                     \
    "\",\"algorithm\": null,\"key_bits\": 0}"

static void sets_for_programs(void **state)
{
    struct arena *a = arena_new(0);
    struct evidence e = whole;
    const struct telling t = {.evidence = &e, .arena = a};
    (void)state;
    assert_str(
        told_to_programs(&stage_arc, &t),
        "\"arc\": {\"result\": \"fail\",\"reason\": \"a field is missing\","
        "\"oldest_pass\": null,\"sets\": ["
        "{\"instance\": 1,\"cv\": \"none\",\"trusted\": true,"
        "\"results\": \"mx.first.example; dmarc=pass\","
        "\"message_signature\": " FIRST(
            "fail", "\"body hash differs\"",
            "t") ","
                 "\"seal\": " FIRST(
                     "none", "null",
                     "u") "},"
                          "{\"instance\": 2,\"cv\": \"pass\",\"trusted\": false,\"results\": null,"
                          "\"message_signature\": null,\"seal\": " GOOD "},"
                          "{\"instance\": 3,\"cv\": null,\"trusted\": false,\"results\": null,"
                          "\"message_signature\": null,\"seal\": null}],\"sealed\": null}");
    e.arc.outcome = (struct arc_outcome){.has_oldest_pass = true, .oldest_pass = 2};
    e.arc.trusted = NULL;
    e.arc.reason = STR("");
    e.arc.result = ARC_PASS;
    assert_str(told_to_programs(&stage_arc, &t),
               "\"arc\": {\"result\": \"pass\",\"reason\": null,\"oldest_pass\": 2,\"sets\": [],"
               "\"sealed\": null}");
    arena_free(a);
}

/* Of what others wrote people see 400 bytes and programs 1000; letters beyond ASCII stay. */
static void results_cut(void **state)
{
    static const struct {
        size_t given, people, programs;
    } cases[] = {{400, 400, 400}, {401, 397, 401}, {1000, 397, 1000}, {1001, 397, 997}};
    char letters[1001];
    (void)state;
    memset(letters, 'q', sizeof letters);
    memcpy(letters, "\xC3\xA9", 2);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena *a = arena_new(0);
        const struct arc_set set = {
            .instance = 1, .has_results = true, .results = {letters, cases[i].given}};
        const struct evidence e = {
            .arc = {.checked = true, .result = ARC_FAIL, .outcome = {.n = 1, .sets = &set}}};
        const struct telling t = {.evidence = &e, .arena = a, .explain = true};
        bool cut = cases[i].people < cases[i].given;
        struct str want =
            str_printf(a, " results: %.*s%s\n", (int)cases[i].people, letters, cut ? "..." : "");
        assert_non_null(strstr(told_to_people(&stage_arc, &t).p, want.p));
        cut = cases[i].programs < cases[i].given;
        want = str_printf(a, "\"results\": \"%.*s%s\"", (int)cases[i].programs, letters,
                          cut ? "..." : "");
        assert_non_null(strstr(told_to_programs(&stage_arc, &t).p, want.p));
        arena_free(a);
    }
}

struct seal_case {
    struct evidence_seal seal;
    const char *text, *json;
};

static void seals(void **state)
{
    static const struct seal_case cases[] = {
        {{.why = STR_INIT("not asked")}, "", "null"},
        {{.tried = true, .why = STR_INIT("the chain has been closed")},
         "  sealing  not sealed: the chain has been closed\n",
         "{\"instance\": 0,\"cv\": null,\"domain\": null,\"selector\": null,"
         "\"reason\": \"the chain has been closed\"}"},
        {{.tried = true,
          .instance = 3,
          .cv = ARC_CV_PASS,
          .domain = STR_INIT("ours.example"),
          .selector = STR_INIT("r")},
         "  sealing  set 3, cv=pass, d=ours.example s=r\n",
         "{\"instance\": 3,\"cv\": \"pass\",\"domain\": \"ours.example\",\"selector\": \"r\","
         "\"reason\": null}"},
        {{.tried = true, .cv = ARC_CV_PASS, .problem = STR_INIT("OpenSSL cannot sign")},
         "  sealing  not sealed: OpenSSL cannot sign\n",
         "{\"instance\": 0,\"cv\": null,\"domain\": null,\"selector\": null,"
         "\"reason\": \"OpenSSL cannot sign\"}"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena *a = arena_new(0);
        const struct evidence e = {.arc = {.checked = true, .seal = cases[i].seal}};
        const struct telling t = {.evidence = &e, .arena = a};
        assert_str(told_to_people(&stage_arc, &t), cases[i].text);
        struct str want = str_printf(a,
                                     "\"arc\": {\"result\": \"none\",\"reason\": null,"
                                     "\"oldest_pass\": null,\"sets\": [],\"sealed\": %s}",
                                     cases[i].json);
        assert_str(told_to_programs(&stage_arc, &t), str_cstr(a, want));
        arena_free(a);
    }
}

static void counts(void **state)
{
    static const struct {
        struct evidence_arc arc;
        enum origin origin;
        const char *counted;
    } cases[] = {
        {{.checked = false, .result = ARC_PASS}, ORIGIN_INBOUND, ""},
        {{.checked = true, .result = ARC_NONE}, ORIGIN_INBOUND, "arc-none=1"},
        {{.checked = true, .result = ARC_PASS}, ORIGIN_INBOUND, "arc-pass=1"},
        {{.checked = true, .result = ARC_FAIL}, ORIGIN_INBOUND, "arc-fail=1"},
        {{.checked = true, .result = ARC_UNKNOWN}, ORIGIN_INBOUND, "arc-temperror=1"},
        {{.checked = true, .result = ARC_PASS}, ORIGIN_FORWARDED, ""},
        {{.seal = {.instance = 1, .cv = ARC_CV_NONE}}, ORIGIN_INBOUND, "arc-sealed=1"},
        {{.seal = {.instance = 2, .cv = ARC_CV_PASS}}, ORIGIN_FORWARDED, "arc-sealed=1"},
        {{.seal = {.instance = 2, .cv = ARC_CV_FAIL}}, ORIGIN_INBOUND, "arc-sealed-fail=1"},
        {{.seal = {.problem = STR_INIT("OpenSSL")}}, ORIGIN_INBOUND, "arc-seal-failed=1"},
        {{.seal = {.why = STR_INIT("no key")}}, ORIGIN_INBOUND, ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena *a = arena_new(0);
        const struct message message = {.origin = cases[i].origin};
        const struct evidence e = {.arc = cases[i].arc};
        counted(a);
        stage_arc.telling->count(&(struct telling){.message = &message, .evidence = &e});
        assert_str(counted(a), cases[i].counted);
        arena_free(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chains),
        cmocka_unit_test(sets_explained),
        cmocka_unit_test(sets_for_programs),
        cmocka_unit_test(results_cut),
        cmocka_unit_test(seals),
        cmocka_unit_test(counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
