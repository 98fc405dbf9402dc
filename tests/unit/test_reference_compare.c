/* test_reference_compare.c - what is a difference, and of which class. */
#include "test.h"

#include "reference/compare.h"

static struct arena *arena;
static struct reference_differences differences;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new(0);
    reference_differences_init(&differences, arena);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

/* The classes that were found, with spaces between. */
static struct str found(void)
{
    struct strbuf b;
    sb_init(&b, arena);
    for (size_t i = 0; i < differences.n; i++)
        sb_printf(&b, "%s%s", i ? " " : "",
                  differences.v[i].class ? differences.v[i].class->id : "unlisted");
    reference_differences_init(&differences, arena);
    return sb_str(&b);
}

static void test_classes_are_well_formed(void **state)
{
    const struct reference_class *c, *other;
    (void)state;
    for (size_t i = 0; (c = reference_class_at(i)) != NULL; i++) {
        static const char *const prefixes[] = {"spf-", "dkim-", "dmarc-"};
        assert_true(str_starts(str_of(c->id), str_of(prefixes[c->library])));
        assert_true(str_starts(str_of(c->section), STR("RFC ")));
        assert_true(strlen(c->words) > 40 && c->words[strlen(c->words) - 1] == '.');
        for (size_t k = 0; k < i && (other = reference_class_at(k)) != NULL; k++)
            assert_string_not_equal(c->id, other->id);
    }
    assert_true(reference_class_at(10) != NULL);
    assert_null(reference_class_at(1000));
}

static void test_agreement_is_no_difference(void **state)
{
    const struct reference_facts facts = {0};
    const struct spf_outcome pass = {.result = SPF_PASS}, also = {.result = SPF_PASS};
    const struct dkim_signature fail[] = {{.result = DKIM_FAIL}};
    const struct dkim_signature permerror[] = {{.result = DKIM_PERMERROR}};
    const struct dmarc_outcome none = {.result = DMARC_NONE};
    const struct dmarc_outcome other = {.result = DMARC_NONE, .policy = DMARC_P_REJECT};
    (void)state;
    reference_compare_spf(&differences, &facts, &pass, &also);
    reference_compare_dkim(&differences, &facts, fail, 1, permerror, 1);
    reference_compare_dmarc(&differences, &facts, &none, &other);
    assert_str(found(), "");
}

static void test_without_facts_a_difference_is_unlisted(void **state)
{
    const struct reference_facts facts = {0};
    const struct spf_outcome pass = {.result = SPF_PASS}, fail = {.result = SPF_FAIL};
    const struct dkim_signature good[] = {{.result = DKIM_PASS}}, bad[] = {{.result = DKIM_FAIL}};
    (void)state;
    reference_compare_spf(&differences, &facts, &pass, &fail);
    reference_compare_dkim(&differences, &facts, good, 1, bad, 1);
    assert_int_equal(differences.n, 2);
    assert_str(differences.v[0].subject, "SPF");
    assert_str(differences.v[0].ours, "pass");
    assert_str(differences.v[0].theirs, "fail");
    assert_str(differences.v[1].subject, "DKIM signature 1");
    assert_str(found(), "unlisted unlisted");
}

static void test_a_signature_that_one_side_lacks(void **state)
{
    const struct reference_facts facts = {0};
    const struct dkim_signature two[] = {{.result = DKIM_FAIL}, {.result = DKIM_PASS}};
    (void)state;
    reference_compare_dkim(&differences, &facts, two, 2, two, 1);
    assert_int_equal(differences.n, 1);
    assert_str(differences.v[0].subject, "DKIM signature 2");
    assert_str(differences.v[0].theirs, "none");
}

static void test_cannot_know_now_is_a_result(void **state)
{
    const struct reference_facts facts = {0};
    const struct dkim_signature unknown[] = {{.result = DKIM_TEMPERROR}};
    const struct dkim_signature bad[] = {{.result = DKIM_FAIL}};
    (void)state;
    reference_compare_dkim(&differences, &facts, unknown, 1, bad, 1);
    assert_int_equal(differences.n, 1);
}

static void test_dmarc_tells_policy_and_alignment_apart(void **state)
{
    const struct reference_facts facts = {0};
    const struct dmarc_outcome ours = {.result = DMARC_PASS,
                                       .policy = DMARC_P_REJECT,
                                       .policy_tag = 'n',
                                       .spf_aligned = true,
                                       .author_domain = STR_INIT("example.org"),
                                       .record_domain = STR_INIT("example.org")};
    struct dmarc_outcome theirs = ours;
    (void)state;
    theirs.policy = DMARC_P_NONE;
    theirs.dkim_aligned = true;
    reference_compare_dmarc(&differences, &facts, &ours, &theirs);
    assert_int_equal(differences.n, 2);
    assert_str(differences.v[0].subject, "DMARC policy");
    assert_str(differences.v[1].subject, "DKIM alignment");
    assert_str(found(), "dmarc-np unlisted");
}

/* One record that was looked up. */
static struct dns_event seen(const char *name, enum dns_type type, const char *text, size_t n)
{
    struct dns_answer *answer = arena_make(arena, struct dns_answer);
    struct dns_rr *rr = arena_array(arena, struct dns_rr, n);
    for (size_t i = 0; i < n; i++)
        rr[i].text = str_of(text);
    *answer = (struct dns_answer){.n = n, .rr = rr};
    return (struct dns_event){.name = str_of(name), .type = type, .answer = answer};
}

static struct str spf_class(struct spf_outcome ours, enum spf_result theirs, const char *client,
                            struct dns_event event)
{
    struct spf_request request = {.limits = spf_limits_default};
    const struct reference_facts facts = {.spf = &request, .events = &event, .n_events = 1};
    const struct spf_outcome other = {.result = theirs};
    netaddr_parse(str_of(client), &request.client);
    reference_compare_spf(&differences, &facts, &ours, &other);
    return found();
}

static void test_spf(void **state)
{
    const struct dns_event zero = seen("example.org", DNS_TXT, "v=spf1 a/0 -all", 1);
    const struct dns_event plain =
        seen("example.org", DNS_TXT, "v=spf1 a/20 ip4:10.0.0.0/8 -all", 1);
    const struct dns_event parts = seen("example.org", DNS_TXT, "v=spf1 a:%{l1}.org -all", 1);
    const struct dns_answer servfail = {.status = DNS_SERVFAIL};
    const struct dns_event names = {
        .name = STR_INIT("1.2.0.192.in-addr.arpa"), .type = DNS_PTR, .answer = &servfail};
    struct spf_outcome voids = {.result = SPF_PERMERROR, .void_lookups = 2};
    struct spf_outcome queries = {
        .result = SPF_PERMERROR, .void_lookups = 2, .out_of_queries = true};
    struct spf_outcome terms = {.result = SPF_PERMERROR, .lookup_terms = 10};
    struct spf_outcome one = {.result = SPF_NONE, .domain = STR_INIT("localhost")};
    struct spf_outcome pass = {.result = SPF_PASS};
    (void)state;
    assert_str(spf_class(pass, SPF_PERMERROR, "192.0.2.1", zero), "spf-prefix-zero");
    assert_str(spf_class(pass, SPF_PERMERROR, "192.0.2.1", plain), "unlisted");
    assert_str(spf_class(pass, SPF_FAIL, "192.0.2.1", zero), "unlisted");
    assert_str(spf_class(voids, SPF_PASS, "192.0.2.1", plain), "spf-void-lookups");
    assert_str(spf_class(queries, SPF_PASS, "192.0.2.1", plain), "spf-queries");
    queries.result = SPF_FAIL;
    assert_str(spf_class(queries, SPF_PASS, "192.0.2.1", plain), "unlisted");
    assert_str(spf_class(terms, SPF_PASS, "192.0.2.1", plain), "spf-lookup-terms");
    assert_str(spf_class(one, SPF_PASS, "192.0.2.1", plain), "spf-single-label");
    assert_str(spf_class(pass, SPF_FAIL, "192.0.2.1", parts), "spf-macro-parts");
    assert_str(spf_class(pass, SPF_TEMPERROR, "192.0.2.1", names), "spf-reverse-failure");
    assert_str(spf_class(pass, SPF_FAIL, "192.0.2.1", names), "unlisted");
    pass.result = SPF_FAIL;
    assert_str(spf_class(pass, SPF_PASS, "127.0.0.1", plain), "spf-loopback");
    assert_str(spf_class(pass, SPF_PASS, "::1", plain), "spf-loopback");
    assert_str(spf_class(pass, SPF_PASS, "128.0.0.1", plain), "unlisted");
    assert_str(spf_class(pass, SPF_PERMERROR, "10.0.0.1", seen("m", DNS_PTR, "x", 11)),
               "spf-many-names");
    assert_str(spf_class(pass, SPF_PERMERROR, "10.0.0.1", seen("m", DNS_PTR, "x", 10)), "unlisted");
    assert_str(spf_class(pass, SPF_PERMERROR, "10.0.0.1", seen("m", DNS_MX, "x", 11)), "unlisted");
    pass.result = SPF_PERMERROR;
    assert_str(spf_class(pass, SPF_PASS, "10.0.0.1", seen("m", DNS_MX, "x", 11)),
               "spf-many-exchanges");
}

#define GOOD_FIELD " v=1; a=rsa-sha256; d=example.org; s=s; h=From; bh=x; b=y"

static struct str dkim_class(enum dkim_result ours, enum dkim_result theirs, const char *field,
                             const char *record, const char *body)
{
    struct header_list headers;
    const struct str pieces[] = {str_sub(str_of(body), 0, 3), str_sub(str_of(body), 3, 1000)};
    const struct reference_body in_pieces = {2, pieces};
    const struct dns_event event = seen("s._domainkey.example.org", DNS_TXT, record, 1);
    const struct reference_facts facts = {
        .headers = &headers, .body = &in_pieces, .events = &event, .n_events = 1};
    const struct dkim_signature a = {
        .result = ours, .domain = STR_INIT("example.org"), .selector = STR_INIT("s")};
    const struct dkim_signature b = {.result = theirs};
    header_list_init(&headers, arena);
    header_list_add(&headers, STR("DKIM-Signature"), str_of(field));
    header_list_add(&headers, STR("From"), STR(" a@example.org"));
    reference_compare_dkim(&differences, &facts, &a, 1, &b, 1);
    return found();
}

static void test_dkim(void **state)
{
    static const struct {
        enum dkim_result ours, theirs;
        const char *field, *record, *body, *want;
    } cases[] = {
        {DKIM_PASS, DKIM_FAIL, GOOD_FIELD, "v=DKIM1; p=x", "line\r\n", "unlisted"},
        {DKIM_PASS, DKIM_FAIL, GOOD_FIELD, "v=DKIM1; p=x", "li\r\nne\n", "dkim-line-ends"},
        {DKIM_FAIL, DKIM_PASS, GOOD_FIELD, "v=DKIM1; p=x", "li\rne\r\n", "dkim-line-ends"},
        {DKIM_PASS, DKIM_FAIL, GOOD_FIELD, "v=DKIM1; p=x", "line\r\nend", "dkim-last-line"},
        {DKIM_PASS, DKIM_NEUTRAL, GOOD_FIELD, "v=DKIM1; p=x", "e", "dkim-last-line"},
        {DKIM_PASS, DKIM_FAIL, GOOD_FIELD, "v=DKIM1; p=x", "", "unlisted"},
        {DKIM_PERMERROR, DKIM_TEMPERROR, GOOD_FIELD, "v=DKIM1", "", "dkim-key-syntax"},
        {DKIM_PASS, DKIM_TEMPERROR, GOOD_FIELD, "v=DKIM1", "", "unlisted"},
        {DKIM_PERMERROR, DKIM_PASS, GOOD_FIELD "; i=@a.example.org", "t=y : s; p=x", "",
         "dkim-strict-key"},
        {DKIM_PERMERROR, DKIM_PASS, GOOD_FIELD "; i=@a.example.org", "t=y; p=x", "", "unlisted"},
        {DKIM_POLICY, DKIM_PASS, GOOD_FIELD "; l=1", "p=x", "line\r\n", "dkim-partial-body"},
        {DKIM_POLICY, DKIM_PASS, GOOD_FIELD, "p=x", "line\r\n", "unlisted"},
        {DKIM_NEUTRAL, DKIM_PASS, GOOD_FIELD "; s=s", "p=x", "line\r\n", "dkim-tag-list"},
        {DKIM_NEUTRAL, DKIM_PASS, GOOD_FIELD "; l=", "p=x", "line\r\n", "dkim-tag-values"},
        {DKIM_PERMERROR, DKIM_PASS, GOOD_FIELD, "p=x; p=x", "line\r\n", "dkim-key-grammar"},
        {DKIM_PERMERROR, DKIM_PASS, GOOD_FIELD, "p=x; v=DKIM1", "line\r\n", "dkim-key-grammar"},
        {DKIM_PERMERROR, DKIM_PASS, GOOD_FIELD, "k=RSA; p=x", "line\r\n", "dkim-key-grammar"},
        {DKIM_PERMERROR, DKIM_PASS, GOOD_FIELD, "k=rsa; p=x", "line\r\n", "unlisted"},
        {DKIM_PASS, DKIM_FAIL, " h=From:DKIM-Signature; d=a; b=", "p=", "",
         "dkim-signed-signature"},
        {DKIM_TEMPERROR, DKIM_PERMERROR, GOOD_FIELD "; x=\xc3\xbc", "p=", "", "dkim-eight-bit"},
        {DKIM_PASS, DKIM_FAIL, GOOD_FIELD "; x=\xc3\xbc", "p=", "", "dkim-eight-bit"},
        {DKIM_PASS, DKIM_FAIL, GOOD_FIELD, "p=MAYCAQECAQM=", "", "dkim-bare-key"},
        {DKIM_PASS, DKIM_FAIL, GOOD_FIELD, "p=MAgwBgIBAQIBAw==", "", "unlisted"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_str(dkim_class(cases[i].ours, cases[i].theirs, cases[i].field, cases[i].record,
                              cases[i].body),
                   cases[i].want);
}

#define NOW 1000000000

/* With a limit of 4096 bits and a tolerance of 300 seconds. */
static struct str dkim_limit_class(enum dkim_result ours, struct dkim_signature theirs,
                                   const char *field)
{
    struct header_list headers;
    const struct str body = STR("line\n"); /* would be dkim-line-ends */
    const struct reference_body whole = {1, &body};
    const struct dkim_verify_settings settings = {
        .now = NOW, .clock_skew_s = 300, .max_key_bits = 4096};
    const struct dkim_verify_settings unlimited = {.now = INT64_MAX};
    struct reference_facts facts = {.dkim = &settings, .headers = &headers, .body = &whole};
    const struct dkim_signature a = {.result = ours};
    struct str class;
    header_list_init(&headers, arena);
    header_list_add(&headers, STR("DKIM-Signature"), str_of(field));
    reference_compare_dkim(&differences, &facts, &a, 1, &theirs, 1);
    class = found();
    facts.body = NULL;
    facts.dkim = &unlimited;
    reference_compare_dkim(&differences, &facts, &a, 1, &theirs, 1);
    assert_str(found(), "unlisted");
    facts.dkim = NULL;
    reference_compare_dkim(&differences, &facts, &a, 1, &theirs, 1);
    assert_str(found(), "unlisted");
    return class;
}

static void test_dkim_future(void **state)
{
    const struct dkim_signature permerror = {.result = DKIM_PERMERROR};
    const struct dkim_signature fail = {.result = DKIM_FAIL};
    static const struct {
        const char *field, *want;
    } cases[] = {
        {GOOD_FIELD "; t=1000000301", "dkim-future"},
        {GOOD_FIELD "; t=99999999999999999999", "dkim-future"},
        {GOOD_FIELD "; t=1000000300", "dkim-line-ends"},
        {GOOD_FIELD, "dkim-line-ends"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_str(dkim_limit_class(DKIM_TEMPERROR, permerror, cases[i].field), cases[i].want);
    assert_str(dkim_limit_class(DKIM_TEMPERROR, fail, cases[0].field), "dkim-line-ends");
    assert_str(dkim_limit_class(DKIM_PASS, permerror, cases[0].field), "dkim-line-ends");
}

static void test_dkim_long_key(void **state)
{
    struct dkim_signature pass = {.result = DKIM_PASS, .key_bits = 4097};
    struct dkim_signature unknown = {.result = DKIM_TEMPERROR, .key_bits = 4097};
    (void)state;
    assert_str(dkim_limit_class(DKIM_POLICY, pass, GOOD_FIELD), "dkim-long-key");
    assert_str(dkim_limit_class(DKIM_FAIL, pass, GOOD_FIELD), "dkim-line-ends");
    assert_str(dkim_limit_class(DKIM_POLICY, unknown, GOOD_FIELD), "dkim-line-ends");
    pass.key_bits = 4096;
    assert_str(dkim_limit_class(DKIM_POLICY, pass, GOOD_FIELD), "dkim-line-ends");
}

static void test_dkim_several_keys(void **state)
{
    const struct dns_event events[] = {seen("s._domainkey.example.org", DNS_TXT, "p=x", 2)};
    const struct reference_facts facts = {.events = events, .n_events = 1};
    const struct dkim_signature a = {
        .result = DKIM_PASS, .domain = STR_INIT("example.org"), .selector = STR_INIT("s")};
    const struct dkim_signature unknown = {.result = DKIM_TEMPERROR}, fail = {.result = DKIM_FAIL};
    (void)state;
    reference_compare_dkim(&differences, &facts, &a, 1, &unknown, 1);
    assert_str(found(), "dkim-several-keys");
    reference_compare_dkim(&differences, &facts, &a, 1, &fail, 1);
    assert_str(found(), "unlisted");
}

static void test_dkim_needless_key(void **state)
{
    const struct dns_answer timeout = {.status = DNS_TIMEOUT}, gone = {.status = DNS_NXDOMAIN};
    struct dns_event event = {
        .name = STR_INIT("s._domainkey.example.org"), .type = DNS_TXT, .answer = &timeout};
    const struct reference_facts facts = {.events = &event, .n_events = 1};
    const struct dkim_signature a = {
        .result = DKIM_FAIL, .domain = STR_INIT("example.org"), .selector = STR_INIT("s")};
    const struct dkim_signature unknown = {.result = DKIM_TEMPERROR};
    (void)state;
    reference_compare_dkim(&differences, &facts, &a, 1, &unknown, 1);
    assert_str(found(), "dkim-needless-key");
    event.answer = &gone;
    reference_compare_dkim(&differences, &facts, &a, 1, &unknown, 1);
    assert_str(found(), "unlisted");
}

static struct str dmarc_class(struct dmarc_outcome ours, struct dmarc_outcome theirs,
                              enum dmarc_auth auth)
{
    const struct dmarc_identifier ids[] = {
        {.auth = DMARC_AUTH_PASS, .domain = STR_INIT("example.org")}, {.auth = auth}};
    const struct dmarc_request request = {.ids = ids, .n_ids = 2};
    const struct dns_answer servfail = {.status = DNS_SERVFAIL};
    const struct dns_event event = {.name = STR_INIT("_dmarc.example.org"), .answer = &servfail};
    const struct reference_facts facts = {.dmarc = &request, .events = &event, .n_events = 1};
    reference_compare_dmarc(&differences, &facts, &ours, &theirs);
    return found();
}

static struct dmarc_outcome outcome(enum dmarc_result result)
{
    return (struct dmarc_outcome){
        .result = result,
        .author_domain = STR("example.org"),
        .record_domain = result == DMARC_NONE ? STR("") : STR("example.org"),
        .organizational_domain = STR("example.org"),
        .dkim_aligned = result == DMARC_PASS,
    };
}

static void test_dmarc(void **state)
{
    const struct dmarc_outcome pass = outcome(DMARC_PASS), fail = outcome(DMARC_FAIL);
    const struct dmarc_outcome none = outcome(DMARC_NONE), temperror = outcome(DMARC_TEMPERROR);
    struct dmarc_outcome o;
    (void)state;
    assert_str(dmarc_class(temperror, fail, DMARC_AUTH_UNKNOWN), "dmarc-unknown-identifier");
    assert_str(dmarc_class(temperror, pass, DMARC_AUTH_PASS), "dmarc-unknown-walk");
    assert_str(dmarc_class(temperror, none, DMARC_AUTH_PASS), "dmarc-failed-lookup");
    assert_str(dmarc_class(fail, none, DMARC_AUTH_PASS), "dmarc-failed-lookup");
    assert_str(dmarc_class(none, fail, DMARC_AUTH_PASS), "dmarc-record");
    assert_str(dmarc_class(fail, outcome(DMARC_PERMERROR), DMARC_AUTH_PASS), "dmarc-record");
    assert_str(dmarc_class(pass, fail, DMARC_AUTH_PASS), "unlisted");
    assert_str(dmarc_class(fail, pass, DMARC_AUTH_PASS), "unlisted");
    o = pass;
    o.organizational_domain = STR("org");
    assert_str(dmarc_class(fail, o, DMARC_AUTH_PASS), "dmarc-discovery");
    o = fail;
    o.organizational_domain = STR("mail.example.org"); /* above it stands ids[0] */
    o.author_domain = o.record_domain = STR("mail.example.org");
    assert_str(dmarc_class(o,
                           (struct dmarc_outcome){.result = DMARC_PASS,
                                                  .dkim_aligned = true,
                                                  .author_domain = o.author_domain,
                                                  .record_domain = o.record_domain,
                                                  .organizational_domain = o.author_domain},
                           DMARC_AUTH_PASS),
               "dmarc-above");
    o = fail;
    o.record.adkim = DMARC_STRICT;
    assert_str(dmarc_class(o, pass, DMARC_AUTH_PASS), "dmarc-strict");
    o = fail;
    o.policy = DMARC_P_REJECT;
    o.record.testing = true;
    assert_str(dmarc_class(o, fail, DMARC_AUTH_PASS), "dmarc-testing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_classes_are_well_formed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_agreement_is_no_difference, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_without_facts_a_difference_is_unlisted, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_signature_that_one_side_lacks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cannot_know_now_is_a_result, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_dmarc_tells_policy_and_alignment_apart, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_spf, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_dkim, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_dkim_future, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_dkim_long_key, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_dkim_several_keys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_dkim_needless_key, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_dmarc, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
