/* dmarc evaluate: what stands beside result and policy: reasons, steps, budgets, security.
 * The rules themselves are in tests/conformance/dmarc_cases. */
#include "dmarc_rig.h"

#define ZONE                                                                                       \
    "_dmarc.example.com. TXT \"v=DMARC1; p=reject; sp=quarantine; np=none\"\n"                     \
    "www.example.com. A 192.0.2.1\n"                                                               \
    "_dmarc.strict.example. TXT \"v=DMARC1; p=reject; adkim=s; aspf=s\"\n"                         \
    "_dmarc.two.example. TXT \"v=DMARC1; p=reject\"\n"                                             \
    "_dmarc.two.example. TXT \"v=DMARC1; p=none\"\n"                                               \
    "_dmarc.bad.example. TXT \"v=DMARC1; p=\\\"\\\\x\\\"\"\n"                                      \
    "_dmarc.broken.example. SERVFAIL\n"                                                            \
    "$SECURE yes\n"                                                                                \
    "_dmarc.signed.example. TXT \"v=DMARC1; p=none\"\n"

static void rfc_examples(void **state)
{
    (void)state;
    /* RFC 9989 B.4.3 */
    struct setting *s = open_zone("_dmarc.bank.example. TXT \"v=DMARC1; p=reject; psd=y\"\n"
                                  "_dmarc.giant.bank.example. TXT \"v=DMARC1; p=quarantine\"\n",
                                  "giant.bank.example");
    add(s, true, DMARC_AUTH_PASS, "mail.giant.bank.example");
    add(s, false, DMARC_AUTH_PASS, "mail.mega.bank.example");
    evaluate(s);
    assert_int_equal(s->outcome.result, DMARC_PASS);
    assert_true(s->outcome.spf_aligned);
    assert_false(s->outcome.dkim_aligned);
    assert_int_equal(s->outcome.aligned_index, 0);
    assert_int_equal(s->outcome.policy, DMARC_P_QUARANTINE);
    assert_int_equal(s->outcome.policy_tag, 'p');
    assert_str(s->outcome.record_domain, "giant.bank.example");
    assert_str(s->outcome.organizational_domain, "giant.bank.example");
    /* giant, bank, mail.giant; mega is not below giant, so its walk is not made. */
    assert_int_equal(s->outcome.queries, 3);
    close_zone(s);
}

struct reason_case {
    const char *author;
    struct dmarc_identifier ids[6];
    const char *reason;
};

static void reasons(void **state)
{
    (void)state;
    static const struct reason_case cases[] = {
        {"example.com",
         {{STR_INIT("example.com"), DMARC_AUTH_PASS, false}},
         "d=example.com passed and is aligned with example.com"},
        {"example.com", /* of two that are aligned, the first */
         {{STR_INIT("example.com"), DMARC_AUTH_PASS, false},
          {STR_INIT("example.com"), DMARC_AUTH_PASS, true}},
         "d=example.com passed and is aligned with example.com"},
        {"example.com",
         {{STR_INIT("example.com"), DMARC_AUTH_PASS, true},
          {STR_INIT("example.com"), DMARC_AUTH_PASS, false}},
         "example.com (SPF) passed and is aligned with example.com"},
        {"www.example.com",
         {{STR_INIT("mail.example.com"), DMARC_AUTH_PASS, true}},
         "mail.example.com (SPF) passed and is aligned with www.example.com"},
        {"example.com",
         {{STR_INIT("example.com"), DMARC_AUTH_FAIL, true}},
         "neither SPF nor a DKIM signature passed"},
        {"example.com",
         {{STR_INIT("example.net"), DMARC_AUTH_PASS, true}},
         "example.net (SPF) passed but is not aligned with example.com"},
        {"signed.example",
         {{STR_INIT("other.example"), DMARC_AUTH_PASS, true}},
         "other.example (SPF) passed but is not aligned with signed.example"},
        {"strict.example",
         {{STR_INIT("mail.strict.example"), DMARC_AUTH_PASS, false}},
         "d=mail.strict.example passed, but adkim=s wants strict.example itself"},
        {"strict.example",
         {{STR_INIT("mail.strict.example"), DMARC_AUTH_PASS, true}},
         "mail.strict.example (SPF) passed, but aspf=s wants strict.example itself"},
        {"example.com",
         {{STR_INIT("a.net"), DMARC_AUTH_PASS, true},
          {STR_INIT("b.net"), DMARC_AUTH_PASS, false},
          {STR_INIT("b.net"), DMARC_AUTH_PASS, false},
          {STR_INIT("c.net"), DMARC_AUTH_FAIL, false}},
         "a.net (SPF), d=b.net passed, but none of them is aligned with example.com"},
        {"example.com",
         {{STR_INIT("a.net"), DMARC_AUTH_PASS, false},
          {STR_INIT("b.net"), DMARC_AUTH_PASS, false},
          {STR_INIT("c.net"), DMARC_AUTH_PASS, false},
          {STR_INIT("d.net"), DMARC_AUTH_PASS, false},
          {STR_INIT("e.net"), DMARC_AUTH_PASS, false},
          {STR_INIT("f.net"), DMARC_AUTH_PASS, false}},
         "d=a.net, d=b.net, d=c.net, d=d.net and 2 more passed, but none of them is aligned with "
         "example.com"},
        {"example.com",
         {{STR_INIT("a.net"), DMARC_AUTH_PASS, false},
          {STR_INIT("b.net"), DMARC_AUTH_PASS, false},
          {STR_INIT("c.net"), DMARC_AUTH_PASS, false},
          {STR_INIT("d.net"), DMARC_AUTH_PASS, true}},
         "d=a.net, d=b.net, d=c.net, d.net (SPF) passed, but none of them is aligned with "
         "example.com"},
        {"example.com", /* what repeats is named once: the same kind, with the same result */
         {{STR_INIT("a.net"), DMARC_AUTH_PASS, false},
          {STR_INIT("a.net"), DMARC_AUTH_PASS, false},
          {STR_INIT("a.net"), DMARC_AUTH_PASS, true},
          {STR_INIT("b.net"), DMARC_AUTH_FAIL, false},
          {STR_INIT("b.net"), DMARC_AUTH_PASS, false}},
         "d=a.net, a.net (SPF), d=b.net passed, but none of them is aligned with example.com"},
        {"example.com",
         {{STR_INIT("a.net"), DMARC_AUTH_UNKNOWN, true},
          {STR_INIT("b.net"), DMARC_AUTH_FAIL, true},
          {STR_INIT("example.com"), DMARC_AUTH_UNKNOWN, false}},
         "whether d=example.com passes cannot be known now, and it could align with example.com"},
        {"example.com",
         {{STR_INIT("example.com"), DMARC_AUTH_UNKNOWN, true}},
         "whether example.com (SPF) passes cannot be known now, and it could align with "
         "example.com"},
        {"none.example", {{{NULL, 0}, 0, 0}}, "no DMARC record at _dmarc.none.example or above"},
        {"localhost", {{{NULL, 0}, 0, 0}}, "no DMARC record at _dmarc.localhost"},
        {"bad.example",
         {{{NULL, 0}, 0, 0}},
         "the DMARC record at _dmarc.bad.example has no valid p, or an invalid sp or np, and no "
         "valid rua"},
        {"www.broken.example",
         {{{NULL, 0}, 0, 0}},
         "the policy cannot be known now: the look-up of _dmarc.broken.example gave servfail"},
        {"a\\\"b.none.example",
         {{{NULL, 0}, 0, 0}},
         "no DMARC record at _dmarc.a\\x5c\"b.none.example or above"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct setting *s = open_zone(ZONE, cases[i].author);
        for (size_t k = 0; k < 6 && cases[i].ids[k].domain.p; k++)
            s->ids[s->request.n_ids++] = cases[i].ids[k];
        evaluate(s);
        assert_str(s->outcome.reason, cases[i].reason);
        assert_str(s->outcome.author_domain, cases[i].author);
        close_zone(s);
    }
}

/* What stands behind the last identifier is none. */
static void no_identifier_too_many(void **state)
{
    (void)state;
    struct setting *s = open_zone(ZONE, "example.com");
    add(s, true, DMARC_AUTH_FAIL, "example.com");
    add(s, false, DMARC_AUTH_PASS, "mail.example.com");
    s->request.n_ids = 1;
    evaluate(s);
    assert_int_equal(s->outcome.result, DMARC_FAIL);
    s->ids[1] = (struct dmarc_identifier){STR("example.com"), DMARC_AUTH_PASS, false};
    evaluate(s);
    assert_int_equal(s->outcome.result, DMARC_FAIL);
    assert_str(s->outcome.reason, "neither SPF nor a DKIM signature passed");
    s->ids[1].auth = DMARC_AUTH_UNKNOWN;
    evaluate(s);
    assert_int_equal(s->outcome.result, DMARC_FAIL);
    assert_null(strstr(str_cstr(s->arena, sb_str(&s->steps)), "may pass yet"));
    close_zone(s);
}

static void different_organizations(void **state)
{
    (void)state;
    struct setting *s = open_zone("_dmarc.example.com. TXT \"v=DMARC1; p=none\"\n"
                                  "_dmarc.sub.example.com. TXT \"v=DMARC1; p=none; psd=n\"\n",
                                  "example.com");
    add(s, true, DMARC_AUTH_PASS, "mail.sub.example.com");
    evaluate(s);
    assert_str(s->outcome.reason,
               "mail.sub.example.com (SPF) and example.com (From) have different "
               "organizational domains: sub.example.com, example.com");
    close_zone(s);
}

static void unknown_alignment(void **state)
{
    (void)state;
    struct setting *s = open_zone("_dmarc.example.com. TXT \"v=DMARC1; p=none\"\n"
                                  "_dmarc.sub.example.com. TIMEOUT\n",
                                  "example.com");
    add(s, true, DMARC_AUTH_PASS, "mail.sub.example.com");
    evaluate(s);
    assert_int_equal(s->outcome.result, DMARC_TEMPERROR);
    assert_str(s->outcome.reason,
               "mail.sub.example.com (SPF) passed, but whether it is aligned with "
               "example.com cannot be known now");
    close_zone(s);
}

static void unknown_existence(void **state)
{
    (void)state;
    struct setting *s = open_zone("_dmarc.example.com. TXT \"v=DMARC1; p=reject; np=none\"\n"
                                  "a.example.com. SERVFAIL\n",
                                  "a.example.com");
    evaluate(s);
    assert_int_equal(s->outcome.result, DMARC_TEMPERROR);
    assert_str(s->outcome.reason, "the policy cannot be known now: it depends on whether "
                                  "a.example.com exists, and that look-up gave servfail");
    close_zone(s);
}

static void steps(void **state)
{
    (void)state;
    struct setting *s = open_zone(ZONE, "www.example.com");
    add(s, false, DMARC_AUTH_PASS, "mail.example.com");
    add(s, true, DMARC_AUTH_UNKNOWN, "example.net");
    evaluate(s);
    assert_str(sb_str(&s->steps),
               "1 _dmarc.www.example.com: no record (nxdomain)\n"
               "1 _dmarc.example.com: \"v=DMARC1; p=reject; sp=quarantine; np=none\"\n"
               "1 _dmarc.com: no record (nxdomain)\n"
               "0 organizational domain of the author domain: example.com\n"
               "0 does www.example.com exist: yes\n"
               "0 policy: quarantine, from sp of example.com\n"
               "1 _dmarc.mail.example.com: no record (nxdomain)\n"
               "0 d=mail.example.com passed: aligned\n"
               "0 pass: d=mail.example.com passed and is aligned with www.example.com\n");
    close_zone(s);

    s = open_zone(ZONE, "two.example");
    evaluate(s);
    assert_str(sb_str(&s->steps),
               "1 _dmarc.two.example: several DMARC records, so none counts (RFC 9989 "
               "4.10)\n"
               "1 _dmarc.example: no record (nxdomain)\n"
               "0 organizational domain of the author domain: two.example\n"
               "0 none: no DMARC record at _dmarc.two.example or above\n");
    close_zone(s);

    s = open_zone(ZONE, "bad.example");
    evaluate(s);
    assert_str(str_sub(sb_str(&s->steps), 0, 111),
               "1 _dmarc.bad.example: \"v=DMARC1; p=\"\\x5cx\"\": no policy can be taken from it "
               "(RFC 9989 4.10.1)\n0 none: the DMARC");
    close_zone(s);
}

#define STEPS_ZONE                                                                                 \
    ZONE "_dmarc.txt.example. TXT \"hello\"\n"                                                     \
         "_dmarc.t.example. TXT \"v=DMARC1; p=reject; sp=quarantine; np=reject; t=y\"\n"           \
         "a.t.example. SERVFAIL\n"                                                                 \
         "_dmarc.utf.example. TXT \"v=DMARC1; p=none; x=\\195\\188\"\n"

/* One step of an evaluation each, which it ends or goes on behind. */
static void single_steps(void **state)
{
    static const struct {
        const char *author;
        struct dmarc_identifier id;
        const char *suffixes; /* the public suffix list; or NULL */
        const char *step;
    } cases[] = {
        {"www.broken.example",
         {STR_INIT(""), 0, 0},
         NULL,
         "1 _dmarc.broken.example: cannot be known now (servfail)\n"},
        {"txt.example",
         {STR_INIT(""), 0, 0},
         NULL,
         "1 _dmarc.txt.example: TXT, but no DMARC record\n"},
        {"utf.example",
         {STR_INIT(""), 0, 0},
         NULL,
         "1 _dmarc.utf.example: \"v=DMARC1; p=none; x=\\xc3\\xbc\"\n"},
        {"example.com",
         {STR_INIT("example.com"), DMARC_AUTH_UNKNOWN, true},
         NULL,
         "0 example.com (SPF) may pass yet: aligned\n"},
        {"example.com",
         {STR_INIT("example.net"), DMARC_AUTH_UNKNOWN, false},
         NULL,
         "0 d=example.net may pass yet: not aligned\n"},
        {"example.com",
         {STR_INIT("a.broken.example.com"), DMARC_AUTH_PASS, false},
         NULL,
         "0 d=a.broken.example.com: no DNS query is left for its walk (dns.max-queries)\n"},
        {"signed.example",
         {STR_INIT("broken.example"), DMARC_AUTH_PASS, true},
         "com\nexample",
         "0 broken.example (SPF) passed: not aligned\n"},
        {"a.signed.example",
         {STR_INIT(""), 0, 0},
         "com\nexample",
         "0 organizational domain of the author domain, by the public suffix list: "
         "signed.example\n"},
        {"b.t.example", {STR_INIT(""), 0, 0}, NULL, "0 does b.t.example exist: no\n"},
        {"a.t.example",
         {STR_INIT(""), 0, 0},
         NULL,
         "0 does a.t.example exist: cannot be known now\n"},
        {"b.t.example",
         {STR_INIT(""), 0, 0},
         NULL,
         "0 policy: reject, from np of t.example, lowered by t=y\n"},
        {"t.example",
         {STR_INIT(""), 0, 0},
         NULL,
         "0 policy: reject, from p of t.example, lowered by t=y\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct setting *s = open_zone(STEPS_ZONE, cases[i].author);
        unsigned left = 1;
        struct str problem;
        if (cases[i].suffixes)
            s->request.psl = psl_parse(s->arena, str_of(cases[i].suffixes), &problem);
        assert_int_equal(s->request.psl != NULL, cases[i].suffixes != NULL);
        s->request.identifier_queries = &left;
        s->ids[s->request.n_ids++] = cases[i].id;
        evaluate(s);
        const char *told = str_cstr(s->arena, sb_str(&s->steps));
        const char *at = strstr(told, cases[i].step);
        if (!at || (at > told && at[-1] != '\n'))
            fail_msg("%s is not in\n%s", cases[i].step, told);
        close_zone(s);
    }
}

/* An answer holds thousands of records; a message may meet a hundred such answers. */
static void many_records(void **state)
{
    (void)state;
    struct strbuf zone;
    struct arena *a = arena_new(0);
    sb_init(&zone, a);
    for (int i = 0; i < 2000; i++)
        sb_printf(&zone, "_dmarc.many.example. TXT \"v=DMARC1; p=reject; x=%d\"\n", i);
    struct setting *s = open_zone(sb_str(&zone).p, "many.example");
    s->request.step = NULL;
    size_t before = arena_used(s->arena);
    evaluate(s);
    assert_int_equal(s->outcome.result, DMARC_NONE);
    assert_true(arena_used(s->arena) - before < 16384);
    close_zone(s);
    arena_free(a);
}

static void security(void **state)
{
    (void)state;
    struct setting *s = open_zone(ZONE, "signed.example");
    evaluate(s);
    assert_int_equal(s->outcome.security, DNS_SECURE);
    close_zone(s);
    s = open_zone(ZONE, "strict.example");
    evaluate(s);
    assert_int_equal(s->outcome.security, DNS_UNCHECKED);
    close_zone(s);
}

/* The author domain's look-ups are made in any case; an identifier whose walk would cost more than
 * is left is not aligned, and one that needs no walk is. */
static void identifiers_have_a_budget(void **state)
{
    static const struct {
        unsigned left;
        enum dmarc_result result;
        size_t index;
        unsigned then;
    } cases[] = {
        {5, DMARC_PASS, 0, 0},
        {4, DMARC_PASS, 1, 3},
        {1, DMARC_PASS, 1, 0},
        {0, DMARC_FAIL, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned left = cases[i].left;
        struct setting *s = open_zone(ZONE, "www.example.com");
        s->request.identifier_queries = &left;
        add(s, true, DMARC_AUTH_PASS, "e.d.c.b.a.example.com");
        add(s, false, DMARC_AUTH_PASS, "x.example.com");
        add(s, false, DMARC_AUTH_PASS, "other.net");
        evaluate(s);
        assert_int_equal(s->outcome.result, cases[i].result);
        assert_int_equal(s->outcome.aligned_index, cases[i].index);
        assert_int_equal(s->outcome.policy, DMARC_P_QUARANTINE);
        assert_int_equal(left, cases[i].then);
        close_zone(s);
    }
    unsigned none = 0;
    struct setting *s = open_zone(ZONE, "www.example.com");
    s->request.identifier_queries = &none;
    add(s, false, DMARC_AUTH_PASS, "www.example.com");
    add(s, true, DMARC_AUTH_UNKNOWN, "x.example.com");
    evaluate(s);
    assert_int_equal(s->outcome.result, DMARC_PASS);
    s->ids[0].auth = DMARC_AUTH_FAIL;
    evaluate(s);
    assert_int_equal(s->outcome.result, DMARC_FAIL); /* never temperror for that */
    close_zone(s);
}

static void cost_of_an_author(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct str problem;
    const struct psl *psl = psl_parse(a, STR("com"), &problem);
    assert_int_equal(dmarc_author_cost(STR("a.b.example.com"), psl), 3);
    arena_free(a);
    assert_int_equal(dmarc_author_cost(STR("example.com"), NULL), 3);
    assert_int_equal(dmarc_author_cost(STR("com"), NULL), 2);
    assert_int_equal(dmarc_author_cost(STR("a.b.c.d.e.example.com"), NULL), 8);
    assert_int_equal(dmarc_author_cost(STR("a.b.c.d.e.f.example.com"), NULL), 9);
    assert_int_equal(dmarc_author_cost(STR("x.y.z.a.b.c.d.e.f.example.com"), NULL), 9);
}

static void organizational(void **state)
{
    (void)state;
    struct setting *s = open_zone("_dmarc.example.com. TXT \"v=DMARC1; p=reject\"\n"
                                  "_dmarc.bank.example. TXT \"v=DMARC1; p=none; psd=y\"\n"
                                  "_dmarc.broken.example. SERVFAIL\n"
                                  "_dmarc.unknown.example.com. SERVFAIL\n",
                                  "x");
    struct str out;
    assert_true(dmarc_organizational_domain(STR("a.mail.example.com"), &s->asker, &out));
    assert_str(out, "example.com");
    assert_true(dmarc_organizational_domain(STR("a.giant.bank.example"), &s->asker, &out));
    assert_str(out, "giant.bank.example");
    assert_true(dmarc_organizational_domain(STR("a.b.example.net"), &s->asker, &out));
    assert_str(out, "a.b.example.net");
    assert_false(dmarc_organizational_domain(STR("a.broken.example"), &s->asker, &out));
    /* psd=n may stand there. */
    assert_false(dmarc_organizational_domain(STR("unknown.example.com"), &s->asker, &out));
    assert_null(out.p);
    /* Whatever stands there, it is its own organizational domain. */
    assert_true(dmarc_organizational_domain(STR("broken.example"), &s->asker, &out));
    assert_str(out, "broken.example");
    close_zone(s);
}

/* Who waits asks for all names at once; who does not, for as many as the walk has. */
static void walks_ask_at_once(void **state)
{
    static const struct {
        int64_t patience_us;
        unsigned queries;
    } cases[] = {{1000000, 4}, {1, 4}, {0, 1}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct setting *s = open_zone("_dmarc.a.b.example.com. TXT \"v=DMARC1; psd=n\"\n", "x");
        struct str out;
        s->asker.patience_us = cases[i].patience_us;
        assert_true(dmarc_organizational_domain(STR("a.b.example.com"), &s->asker, &out));
        assert_str(out, "a.b.example.com");
        assert_int_equal(s->asker.queries, cases[i].queries);
        assert_int_equal(s->asker.lookups, 1);
        close_zone(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_examples),
        cmocka_unit_test(reasons),
        cmocka_unit_test(no_identifier_too_many),
        cmocka_unit_test(different_organizations),
        cmocka_unit_test(unknown_alignment),
        cmocka_unit_test(unknown_existence),
        cmocka_unit_test(steps),
        cmocka_unit_test(single_steps),
        cmocka_unit_test(many_records),
        cmocka_unit_test(security),
        cmocka_unit_test(identifiers_have_a_budget),
        cmocka_unit_test(cost_of_an_author),
        cmocka_unit_test(organizational),
        cmocka_unit_test(walks_ask_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
