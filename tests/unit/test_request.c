/* core/request: what SPF, DKIM and DMARC are asked about a message, and with how many queries. */
#include "test.h"

#include "core/request.h"

static struct dmarc_request asked(struct arena *a, const struct evidence *evidence)
{
    static const struct conf conf;
    const struct message message = {.arena = a};
    return request_dmarc(&conf, &message, evidence);
}

static void spf_says_something_or_nothing(void **state)
{
    static const struct {
        bool checked;
        const char *domain;
        enum spf_result result;
        size_t n;
        enum dmarc_auth auth;
    } cases[] = {
        {true, "example.org", SPF_PASS, 1, DMARC_AUTH_PASS},
        {true, "example.org", SPF_TEMPERROR, 1, DMARC_AUTH_UNKNOWN},
        {true, "example.org", SPF_FAIL, 1, DMARC_AUTH_FAIL},
        {true, "example.org", SPF_NONE, 1, DMARC_AUTH_FAIL},
        {true, "", SPF_NONE, 0, 0},
        {false, "example.org", SPF_PASS, 0, 0}, /* not known yet */
        {false, "", SPF_NONE, 0, 0},
    };
    struct arena *a = arena_new(0);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct evidence evidence = {0};
        evidence.spf.mail_from.checked = cases[i].checked;
        evidence.spf.mail_from.outcome.result = cases[i].result;
        evidence.spf.mail_from.outcome.domain = str_of(cases[i].domain);
        struct dmarc_request request = asked(a, &evidence);
        assert_int_equal(request.n_ids, cases[i].n);
        if (!request.n_ids)
            continue;
        assert_true(request.ids[0].spf);
        assert_str(request.ids[0].domain, "example.org");
        assert_int_equal(request.ids[0].auth, cases[i].auth);
    }
    arena_free(a);
}

static void signatures_with_a_domain(void **state)
{
    static const struct dkim_signature signatures[] = {
        {.domain = STR_INIT("a.example"), .result = DKIM_PASS},
        {.result = DKIM_NEUTRAL}, /* d= could not be read */
        {.domain = STR_INIT("b.example"), .result = DKIM_TEMPERROR},
        {.domain = STR_INIT("c.example"), .result = DKIM_POLICY},
    };
    static const struct dmarc_identifier want[] = {
        {STR_INIT("a.example"), DMARC_AUTH_PASS, false},
        {STR_INIT("b.example"), DMARC_AUTH_UNKNOWN, false},
        {STR_INIT("c.example"), DMARC_AUTH_FAIL, false},
    };
    struct arena *a = arena_new(0);
    struct evidence evidence = {.dkim = {.n = 4, .signatures = signatures}};
    (void)state;
    evidence.dmarc.identifier_queries = 7;
    struct dmarc_request request = asked(a, &evidence);
    assert_int_equal(request.n_ids, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_str(request.ids[i].domain, want[i].domain.p);
        assert_int_equal(request.ids[i].auth, want[i].auth);
        assert_false(request.ids[i].spf);
    }
    assert_int_equal(*request.identifier_queries, 7);
    arena_free(a);
}

/* Each part has its own; together they are no more than dns.max-queries where that is possible. */
static void queries_are_shared_out(void **state)
{
    static const struct {
        int all;
        struct request_shares shares;
    } cases[] = {
        {20, {.dmarc = 10, .keys = 2, .spare = 2, .spf = 6}},
        {49, {.dmarc = 10, .keys = 4, .spare = 4, .spf = 31}},
        {55, {.dmarc = 11, .keys = 5, .spare = 5, .spf = 34}},
        {100, {.dmarc = 20, .keys = 10, .spare = 10, .spf = 60}},
        {1000, {.dmarc = 200, .keys = 100, .spare = 100, .spf = 600}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct conf conf = {.dns_max_queries = cases[i].all};
        struct request_shares got = request_shares(&conf), want = cases[i].shares;
        assert_int_equal(got.dmarc, want.dmarc);
        assert_int_equal(got.keys, want.keys);
        assert_int_equal(got.spare, want.spare);
        assert_int_equal(got.spf, want.spf);
    }
}

/* About MAIL FROM, or HELO for a null sender; libspf2 gets half of the queries, and ours the other.
 */
static void what_spf_is_asked(void **state)
{
    static const struct {
        bool null;
        enum spf_evaluator engine;
        enum action on_fail;
        const char *local, *domain;
        unsigned queries;
    } cases[] = {
        {false, SPF_BY_OWN, ACTION_TAG, "ann", "from.example", 60},
        {false, SPF_BY_OWN, ACTION_REJECT, "ann", "from.example", 60},
        {false, SPF_BY_LIBSPF2, ACTION_QUARANTINE, "ann", "from.example", 30},
        {true, SPF_BY_OWN, ACTION_REJECT, "postmaster", "helo.example", 60},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct conf conf = {.dns_max_queries = 100,
                                  .spf_engine = cases[i].engine,
                                  .spf_void_lookups = 7,
                                  .spf_on_fail = cases[i].on_fail,
                                  .authserv_id = STR("mx.example")};
        const struct session session = {.client = {.family = 4, .bytes = {192, 0, 2, 1}},
                                        .helo = STR("helo.example")};
        struct message m = {.now = 1700000000};
        if (!cases[i].null)
            m.from = (struct mail_path){.local = STR("ann"), .domain = STR("from.example")};
        m.from.null = cases[i].null;
        const struct spf_request r = request_spf(&conf, &session, &m);
        assert_str(r.local, cases[i].local);
        assert_str(r.domain, cases[i].domain);
        assert_str(r.helo, "helo.example");
        assert_str(r.receiver, "mx.example");
        assert_true(netaddr_eq(&r.client, &session.client));
        assert_int_equal(r.now, 1700000000);
        assert_int_equal(r.want_explanation, cases[i].on_fail == ACTION_REJECT);
        assert_int_equal(r.limits.void_lookups, 7);
        assert_int_equal(r.limits.queries, cases[i].queries);
        assert_int_equal(r.limits.lookup_terms, 10);
    }
}

/* Half is for what a sender publishes, and half for so many keys and policies as there may be. */
static void memory_set_aside(void **state)
{
    struct conf conf = {.limits_dns_memory = 512 * 1024, .dns_max_queries = 100};
    (void)state;
    assert_int_equal(request_memory(&conf).common, 256 * 1024);
    assert_int_equal(request_memory(&conf).set_aside, 256 * 1024 / 40);
    conf.dns_max_queries = 20;
    assert_int_equal(request_memory(&conf).set_aside, 256 * 1024 / 14);
}

/* Times are milliseconds in the configuration, and seconds in signatures. */
static void what_signatures_are_held_to(void **state)
{
    const struct conf conf = {
        .dkim_max_signatures = 7,
        .dkim_min_key_bits = 1536,
        .dkim_max_key_bits = 3072,
        .dkim_partial_body = true,
        .dkim_clock_skew = 86400000,
        .dns_max_queries = 40,
    };
    const struct message message = {.now = 1700000000};
    (void)state;
    const struct dkim_verify_settings s = request_dkim(&conf, &message);
    assert_int_equal(s.max_signatures, 7);
    assert_int_equal(s.max_queries, 4);
    assert_int_equal(s.min_key_bits, 1536);
    assert_int_equal(s.max_key_bits, 3072);
    assert_true(s.partial_body);
    assert_int_equal(s.clock_skew_s, 86400);
    assert_int_equal(s.now, 1700000000);
}

/* A chain has the queries that signatures leave over. */
static void what_chains_are_left(void **state)
{
    const struct conf conf = {.dns_max_queries = 40, .dkim_max_signatures = 10};
    const struct message message = {0};
    struct dkim_verify_settings s;
    (void)state;
    for (size_t n = 0; n < 6; n++) {
        assert_int_equal(request_arc(&conf, &message, n, &s), n < 4);
        assert_int_equal(s.max_queries, n < 4 ? 4 - n : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spf_says_something_or_nothing),
        cmocka_unit_test(signatures_with_a_domain),
        cmocka_unit_test(queries_are_shared_out),
        cmocka_unit_test(what_spf_is_asked),
        cmocka_unit_test(memory_set_aside),
        cmocka_unit_test(what_signatures_are_held_to),
        cmocka_unit_test(what_chains_are_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
