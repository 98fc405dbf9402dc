/* stages/srs: which recipients are counted. */
#include "test.h"

#include "stage_rig.h"

#define CONF "srs = { domain = \"srs.example\"; secrets = \"/none\"; };"
#define OURS "SRS0=71em=RA=example.com=alice@srs.example"

static void recipients(void **state)
{
    static const struct {
        const char *what, *conf, *from;
        unsigned checks;
        struct recipient v[3];
        size_t n, no_bounce, others;
    } cases[] = {
        {"one", CONF, "<a@a.example>", 0, {{.address = STR_INIT(OURS)}}, 1, 1, 0},
        {"one behind another",
         CONF,
         "<a@a.example>",
         0,
         {{.address = STR_INIT("b@b.example")}, {.address = STR_INIT(OURS)}},
         2,
         1,
         1},
        {"two, and another",
         CONF,
         "<a@a.example>",
         0,
         {{.address = STR_INIT(OURS)},
          {.address = STR_INIT("b@b.example")},
          {.address = STR_INIT(OURS)}},
         3,
         2,
         1},
        {"refused ones do not count",
         CONF,
         "<a@a.example>",
         0,
         {{.address = STR_INIT(OURS), .refused = true},
          {.address = STR_INIT("b@b.example"), .refused = true},
          {.address = STR_INIT(OURS)}},
         3,
         1,
         0},
        {"a bounce", CONF, "<>", 0, {{.address = STR_INIT(OURS)}}, 1, 0, 0},
        {"a policy service",
         CONF,
         "<a@a.example>",
         SERVICE_SPF,
         {{.address = STR_INIT(OURS)}},
         1,
         0,
         0},
        {"no SRS", "", "<a@a.example>", 0, {{.address = STR_INIT(OURS)}}, 1, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r;
        struct recipient v[3];
        rig_begin(&r, cases[i].conf, "");
        memcpy(v, cases[i].v, sizeof v);
        mail_path_parse(str_of(cases[i].from), &r.message.from);
        r.message.checks = cases[i].checks;
        r.message.recipients = v;
        r.message.n_recipients = r.message.recipients_kept = cases[i].n;
        stage_srs.data(&r.run);
        stage_srs.eom(&r.run); /* counts anew */
        const struct evidence_srs *e = &r.evidence.srs;
        if (e->no_bounce != cases[i].no_bounce || e->others != cases[i].others)
            fail_msg("%s: %zu, %zu", cases[i].what, e->no_bounce, e->others);
        rig_end(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(recipients)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
