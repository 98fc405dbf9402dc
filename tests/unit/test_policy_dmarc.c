/* decide/policy: what the operator's rules make of a DMARC policy, and which of several author
 * domains is told. Whole messages have their cases in tests/scenarios. */
#include "test.h"

#include <stdio.h>

#include "policy_util.h"

#define REJECT "dmarc = { on-reject = \"reject\"; "
#define FAILED                                                                                     \
    "DMARC policy of a.example (p=reject): neither SPF nor DKIM authenticated this message for it"
#define QUARANTINED                                                                                \
    "DMARC policy of a.example (p=quarantine): neither SPF nor DKIM authenticated this message "   \
    "for it"
#define DOUBT "DMARC of a.example cannot be checked now (DNS trouble), try again later"

struct dmarc_case {
    const char *what, *conf;
    enum dmarc_result result;
    enum dmarc_policy policy;
    enum dmarc_auth list, chain;
    const char *said;
    const char *override; /* "local_policy(dmarc.on-reject)" */
};

static const struct dmarc_case cases[] = {
    {"refused", REJECT "};", DMARC_FAIL, DMARC_P_REJECT, DMARC_AUTH_FAIL, DMARC_AUTH_FAIL,
     "reject dmarc: 550 5.7.1 " FAILED, "none()"},
    {"tagged", "", DMARC_FAIL, DMARC_P_REJECT, DMARC_AUTH_FAIL, DMARC_AUTH_FAIL,
     "tag dmarc: ", "local_policy(dmarc.on-reject)"},
    {"held", "dmarc = { on-quarantine = \"quarantine\"; };", DMARC_FAIL, DMARC_P_QUARANTINE,
     DMARC_AUTH_FAIL, DMARC_AUTH_FAIL, "quarantine dmarc: " QUARANTINED, "none()"},
    {"refused for less", "dmarc = { on-quarantine = \"reject\"; };", DMARC_FAIL, DMARC_P_QUARANTINE,
     DMARC_AUTH_FAIL, DMARC_AUTH_FAIL, "reject dmarc: 550 5.7.1 " QUARANTINED,
     "local_policy(dmarc.on-quarantine)"},
    {"p=none", REJECT "};", DMARC_FAIL, DMARC_P_NONE, DMARC_AUTH_FAIL, DMARC_AUTH_FAIL, "accept",
     "none()"},
    {"no doubt where the operator enforces", REJECT "enforce-domains = [ \"a.example\" ]; };",
     DMARC_FAIL, DMARC_P_QUARANTINE, DMARC_AUTH_FAIL, DMARC_AUTH_FAIL,
     "reject dmarc: 550 5.7.1 " QUARANTINED, "local_policy(dmarc.enforce-domains)"},
    {"nor where he quarantines",
     REJECT "on-quarantine = \"quarantine\"; on-temperror = \"tag\"; "
            "quarantine-domains = [ \"a.example\" ]; };",
     DMARC_FAIL, DMARC_P_REJECT, DMARC_AUTH_FAIL, DMARC_AUTH_FAIL, "quarantine dmarc: " FAILED,
     "local_policy(dmarc.quarantine-domains)"},
    {"nor about a list whose signature holds",
     REJECT "on-mailing-list = \"quarantine\"; on-temperror = \"tag\"; "
            "mailing-lists = [ \"l.example\" ]; };",
     DMARC_FAIL, DMARC_P_REJECT, DMARC_AUTH_PASS, DMARC_AUTH_FAIL, "quarantine dmarc: " FAILED,
     "mailing_list(dmarc.on-mailing-list)"},
    {"a list whose signature is not known",
     REJECT "on-mailing-list = \"quarantine\"; mailing-lists = [ \"l.example\" ]; };", DMARC_FAIL,
     DMARC_P_REJECT, DMARC_AUTH_UNKNOWN, DMARC_AUTH_FAIL, "tempfail dmarc: 451 4.7.1 " DOUBT,
     "local_policy(dmarc.on-temperror)"},
    {"a list that is not treated milder",
     "dmarc = { on-reject = \"quarantine\"; on-mailing-list = \"quarantine\"; "
     "on-temperror = \"tag\"; mailing-lists = [ \"l.example\" ]; };",
     DMARC_FAIL, DMARC_P_REJECT, DMARC_AUTH_UNKNOWN, DMARC_AUTH_FAIL, "quarantine dmarc: " FAILED,
     "local_policy(dmarc.on-reject)"},
    {"a chain that excuses", REJECT "};", DMARC_FAIL, DMARC_P_REJECT, DMARC_AUTH_FAIL,
     DMARC_AUTH_PASS, "accept", "local_policy(arc=pass)"},
    {"a chain that may", REJECT "};", DMARC_FAIL, DMARC_P_REJECT, DMARC_AUTH_FAIL,
     DMARC_AUTH_UNKNOWN, "tempfail dmarc: 451 4.7.1 " DOUBT, "local_policy(dmarc.on-temperror)"},
    {"a chain that may, and is no milder", REJECT "on-temperror = \"reject\"; };", DMARC_FAIL,
     DMARC_P_REJECT, DMARC_AUTH_FAIL, DMARC_AUTH_UNKNOWN, "reject dmarc: 550 5.7.1 " FAILED,
     "none()"},
    {"not known", "", DMARC_TEMPERROR, DMARC_P_NONE, DMARC_AUTH_FAIL, DMARC_AUTH_FAIL,
     "tempfail dmarc: 451 4.7.1 " DOUBT, "none()"},
    {"not known, tagged", "dmarc = { on-temperror = \"tag\"; };", DMARC_TEMPERROR, DMARC_P_NONE,
     DMARC_AUTH_FAIL, DMARC_AUTH_FAIL, "tag dmarc: ", "none()"},
    {"not known, and excused", "", DMARC_TEMPERROR, DMARC_P_NONE, DMARC_AUTH_FAIL, DMARC_AUTH_PASS,
     "accept", "none()"},
    {"in shadow", "dmarc = { on-reject = \"reject\"; mode = \"shadow\"; };", DMARC_FAIL,
     DMARC_P_REJECT, DMARC_AUTH_FAIL, DMARC_AUTH_FAIL, "reject(shadow) dmarc: 550 5.7.1 " FAILED,
     "none()"},
    {"a domain in shadow", REJECT "shadow-domains = [ \"a.example\" ]; };", DMARC_FAIL,
     DMARC_P_REJECT, DMARC_AUTH_FAIL, DMARC_AUTH_FAIL, "reject(shadow) dmarc: 550 5.7.1 " FAILED,
     "none()"},
};

static void one_author(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct dmarc_case *c = &cases[i];
        const struct dmarc_outcome outcome = {
            .result = c->result, .policy = c->policy, .author_domain = STR("a.example")};
        const struct arc_excuse excuse = {.granted = c->chain, .comment = STR("arc=pass")};
        struct rig r;
        struct verdict v;
        rig_begin(&r, c->conf, "");
        r.evidence.dmarc = (struct evidence_dmarc){.checked = true,
                                                   .result = c->result,
                                                   .n = 1,
                                                   .outcomes = &outcome,
                                                   .list_signature = c->list};
        r.evidence.arc.excuses = &excuse;
        r.evidence.arc.n_excuses = 1;
        policy_decide(r.conf, POINT_EOM, &r.session, &r.message, &r.evidence, r.arena, &v);
        struct str got = said(&r, POINT_EOM);
        struct str why =
            str_printf(r.arena, "%s(%.*s)", override_name(v.override), STR_ARG(v.override_comment));
        if (!str_eq(got, str_of(c->said)) || !str_eq(why, str_of(c->override)))
            fail_msg("%s: %.*s, %.*s", c->what, STR_ARG(got), STR_ARG(why));
        rig_end(&r);
    }
}

/* The strictest one is in shadow: of the others the next is told, and each has its verdict. */
static void several_authors(void **state)
{
    const struct dmarc_outcome outcomes[] = {
        {.result = DMARC_FAIL, .policy = DMARC_P_REJECT, .author_domain = STR("a.example")},
        {.result = DMARC_FAIL, .policy = DMARC_P_REJECT, .author_domain = STR("b.example")},
        {.result = DMARC_FAIL, .policy = DMARC_P_REJECT, .author_domain = STR("c.example")},
    };
    static const char *const shadow[] = {"a.example", "b.example", "c.example"};
    static const size_t told[] = {1, 2, 0};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct rig r;
        struct verdict v;
        char conf[100];
        snprintf(conf, sizeof conf, REJECT "shadow-domains = [ \"%s\" ]; };", shadow[i]);
        rig_begin(&r, conf, "");
        r.evidence.dmarc = (struct evidence_dmarc){
            .checked = true, .result = DMARC_FAIL, .n = 3, .outcomes = outcomes, .decisive = i};
        policy_decide(r.conf, POINT_EOM, &r.session, &r.message, &r.evidence, r.arena, &v);
        assert_int_equal(v.author, told[i]);
        assert_int_equal(v.action, ACTION_REJECT);
        assert_int_equal(v.disposition, DMARC_P_REJECT);
        for (size_t k = 0; k < 3; k++) {
            assert_int_equal(v.authors[k].disposition, k == i ? DMARC_P_NONE : DMARC_P_REJECT);
            assert_str(v.authors[k].comment, k == i ? "dmarc.shadow-domains" : "");
        }
        rig_end(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_author),
        cmocka_unit_test(several_authors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
