/* How DMARC is told to people and programs: each author domain, and the verdict on the one that
 * decides. */
#include "test.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(people),
        cmocka_unit_test(programs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
