/* How DMARC is told to people and programs: each author domain, and the verdict on the one that
 * decides. */
#include "test.h"

#include "stage_rig.h"
#include "telling_util.h"

static const struct dmarc_outcome outcomes[] = {
    {.result = DMARC_FAIL,
     .author_domain = STR_INIT("a.example"),
     .reason = STR_INIT("nothing passes"),
     .record_domain = STR_INIT("a.example"),
     .record = {.p = DMARC_P_REJECT, .testing = true},
     .policy = DMARC_P_QUARANTINE,
     .policy_tag = 'p',
     .spf_aligned = true},
    {.result = DMARC_NONE,
     .author_domain = STR_INIT("b.example"),
     .reason = STR_INIT("no record"),
     .organizational_domain = STR_INIT("example"),
     .policy_tag = '-',
     .dkim_aligned = true},
    {.result = DMARC_PASS,
     .author_domain = STR_INIT("c.b.example"),
     .reason = STR_INIT("SPF is aligned"),
     .record_domain = STR_INIT("b.example"),
     .policy = DMARC_P_NONE,
     .policy_tag = 's'},
};

static void people(void **state)
{
    struct arena *a = arena_new(0);
    struct evidence e = {.dmarc = {.checked = true, .n = 3, .outcomes = outcomes}};
    struct verdict v = {0};
    const struct telling t = {.evidence = &e, .verdict = &v, .arena = a};
#define OUTCOMES                                                                                   \
    "  DMARC    fail for From: a.example: nothing passes\n"                                        \
    "           policy quarantine, from the record of a.example, lowered by t=y\n"                 \
    "  DMARC    none for From: b.example: no record\n"                                             \
    "  DMARC    pass for From: c.b.example: SPF is aligned\n"                                      \
    "           policy none, from the record of b.example\n"
    (void)state;
    assert_str(told_to_people(&stage_dmarc, &t), OUTCOMES);
    v.override = OVERRIDE_LOCAL_POLICY;
    v.override_comment = STR("dmarc.on-reject");
    assert_str(told_to_people(&stage_dmarc, &t),
               OUTCOMES "           handled as local_policy instead (dmarc.on-reject)\n");
    v.override = OVERRIDE_NONE;
    e.dmarc = (struct evidence_dmarc){
        .checked = true, .result = DMARC_PERMERROR, .reason = STR("From is missing")};
    assert_str(told_to_people(&stage_dmarc, &t), "  DMARC    permerror: From is missing\n");
    e.dmarc.checked = false;
    assert_str(told_to_people(&stage_dmarc, &t), "");
    arena_free(a);
}

static void is_told(const struct telling *t, const char *want)
{
    assert_str(told_to_programs(&stage_dmarc, t),
               str_cstr(t->arena, str_printf(t->arena, "\"dmarc\": %s", want)));
}

static void programs(void **state)
{
    struct arena *a = arena_new(0);
    struct evidence e = {.dmarc = {.checked = true, .n = 3, .outcomes = outcomes}};
    struct verdict v = {.disposition = DMARC_P_REJECT};
    const struct telling t = {.evidence = &e, .verdict = &v, .arena = a};
    (void)state;
    is_told(&t, "{\"result\": \"fail\",\"reason\": \"nothing passes\","
                "\"author_domain\": \"a.example\",\"record_domain\": \"a.example\","
                "\"organizational_domain\": null,\"policy\": \"quarantine\","
                "\"spf_aligned\": true,\"dkim_aligned\": false,\"disposition\": \"reject\","
                "\"override\": null,\"override_reason\": null}");
    v = (struct verdict){.author = 1,
                         .override = OVERRIDE_MAILING_LIST,
                         .override_comment = STR("dmarc.on-mailing-list")};
    is_told(&t, "{\"result\": \"none\",\"reason\": \"no record\","
                "\"author_domain\": \"b.example\",\"record_domain\": null,"
                "\"organizational_domain\": \"example\",\"policy\": null,"
                "\"spf_aligned\": false,\"dkim_aligned\": true,\"disposition\": \"none\","
                "\"override\": \"mailing_list\",\"override_reason\": \"dmarc.on-mailing-list\"}");
    v = (struct verdict){0};
    e.dmarc = (struct evidence_dmarc){
        .checked = true, .result = DMARC_PERMERROR, .reason = STR("From is missing")};
    is_told(&t, "{\"result\": \"permerror\",\"reason\": \"From is missing\","
                "\"author_domain\": null,\"record_domain\": null,"
                "\"organizational_domain\": null,\"policy\": null,"
                "\"spf_aligned\": false,\"dkim_aligned\": false,\"disposition\": \"none\","
                "\"override\": null,\"override_reason\": null}");
    e.dmarc.checked = false;
    is_told(&t, "null");
    arena_free(a);
}

/* With an asker, what passes and is not aligned is told with both organizational domains, where
 * alignment is relaxed and found by the tree walk. */
static void misalignments(void **state)
{
#define HEAD(result) "  DMARC    " result " for From: www.a.example: x\n"
#define SPF_WORDS                                                                                  \
    "           MAIL FROM m.b.example and From www.a.example have different organizational "       \
    "domains: b.example, a.example\n"
#define DKIM_LINE(first)                                                                           \
    "           d=" first ".c.example and From www.a.example have different organizational "       \
    "domains: c.example, a.example\n"
#define DKIM_WORDS DKIM_LINE("m") DKIM_LINE("n")
    static const struct {
        const char *conf;
        enum dmarc_result result;
        enum dmarc_alignment aspf, adkim;
        enum spf_result spf;
        enum dkim_result dkim;
        bool asks, spf_checked;
        const char *text;
    } cases[] = {
        {"", DMARC_FAIL, DMARC_RELAXED, DMARC_RELAXED, SPF_PASS, DKIM_PASS, true, true,
         HEAD("fail") SPF_WORDS DKIM_WORDS},
        {"", DMARC_FAIL, DMARC_STRICT, DMARC_RELAXED, SPF_PASS, DKIM_PASS, true, true,
         HEAD("fail") DKIM_WORDS},
        {"", DMARC_FAIL, DMARC_RELAXED, DMARC_STRICT, SPF_PASS, DKIM_PASS, true, true,
         HEAD("fail") SPF_WORDS},
        {"", DMARC_FAIL, DMARC_RELAXED, DMARC_RELAXED, SPF_FAIL, DKIM_PASS, true, true,
         HEAD("fail") DKIM_WORDS},
        {"", DMARC_FAIL, DMARC_RELAXED, DMARC_RELAXED, SPF_PASS, DKIM_PASS, true, false,
         HEAD("fail") DKIM_WORDS},
        {"", DMARC_FAIL, DMARC_RELAXED, DMARC_RELAXED, SPF_PASS, DKIM_FAIL, true, true,
         HEAD("fail") SPF_WORDS},
        {"", DMARC_FAIL, DMARC_RELAXED, DMARC_RELAXED, SPF_PASS, DKIM_PASS, false, true,
         HEAD("fail")},
        {"", DMARC_NONE, DMARC_RELAXED, DMARC_RELAXED, SPF_PASS, DKIM_PASS, true, true,
         HEAD("none")},
        {"dmarc = { discovery = \"psl\"; };", DMARC_FAIL, DMARC_RELAXED, DMARC_RELAXED, SPF_PASS,
         DKIM_PASS, true, true, HEAD("fail")},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct dmarc_outcome outcome = {
            .result = cases[i].result,
            .author_domain = STR("www.a.example"),
            .reason = STR("x"),
            .record = {.aspf = cases[i].aspf, .adkim = cases[i].adkim}};
        const struct dkim_signature signatures[] = {
            {.result = cases[i].dkim, .domain = STR("m.c.example")},
            {.result = cases[i].dkim, .domain = STR("n.c.example")}};
        const struct verdict v = {0};
        struct rig r;
        rig_begin(&r, cases[i].conf,
                  "_dmarc.a.example TXT \"v=DMARC1; p=none\"\n"
                  "_dmarc.b.example TXT \"v=DMARC1; p=none\"\n"
                  "_dmarc.c.example TXT \"v=DMARC1; p=none\"\n"
                  "_dmarc.down.example SERVFAIL\n");
        r.asker.patience_us = 1000000;
        r.evidence.dmarc = (struct evidence_dmarc){.checked = true, .n = 1, .outcomes = &outcome};
        r.evidence.spf.mail_from = (struct evidence_spf_identity){
            cases[i].spf_checked, {.result = cases[i].spf, .domain = STR("m.b.example")}};
        r.evidence.dkim = (struct evidence_dkim){.checked = true, .n = 2, .signatures = signatures};
        const struct telling t = {.conf = r.conf,
                                  .evidence = &r.evidence,
                                  .verdict = &v,
                                  .arena = r.arena,
                                  .asker = cases[i].asks ? &r.asker : NULL};
        assert_str(told_to_people(&stage_dmarc, &t), cases[i].text);
        /* Of what cannot be known nothing is told. */
        r.evidence.spf.mail_from.outcome.domain = STR("m.down.example");
        bool by_spf = strstr(cases[i].text, "MAIL FROM");
        bool by_dkim = strstr(cases[i].text, "d=m.c");
        assert_str(told_to_people(&stage_dmarc, &t),
                   by_spf ? (by_dkim ? HEAD("fail") DKIM_WORDS : HEAD("fail")) : cases[i].text);
        rig_end(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(misalignments),
        cmocka_unit_test(people),
        cmocka_unit_test(programs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
