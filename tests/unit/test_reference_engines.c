/* test_reference_engines.c - when a library's result counts, and when our own: with libraries that
 * say what a case wants them to. */
#include "test.h"

#include "base/counters.h"
#include "reference/engines.h"

/* --- The libraries -----------------------------------------------------------------------------*/

static struct {
    enum reference_status status;
    bool unknown;
    struct spf_outcome spf;
    size_t n;
    struct dkim_signature signatures[3];
    unsigned asked;
    struct str body; /* that libopendkim was given */
} library;

const char *reference_library_name(enum reference_library which)
{
    static const char *const names[] = {"libspf2", "libopendkim", "libopendmarc"};
    return names[which];
}

const char *reference_status_name(enum reference_status status)
{
    (void)status;
    return "in this test";
}

struct reference_report reference_spf(struct reference *r, const struct spf_request *request,
                                      struct dns_asker *asker, struct spf_outcome *out)
{
    (void)r, (void)request, (void)asker;
    library.asked++;
    *out = library.spf;
    return (struct reference_report){
        .status = library.status, .reason = STR("why"), .unknown = library.unknown};
}

struct reference_report reference_dkim(struct reference *r,
                                       const struct dkim_verify_settings *settings,
                                       const struct header_list *headers,
                                       const struct reference_body *body, struct dns_asker *asker,
                                       const struct dkim_signature **signatures, size_t *n,
                                       size_t *skipped)
{
    (void)r, (void)settings, (void)headers;
    library.asked++;
    struct strbuf b;
    sb_init(&b, asker->arena);
    for (size_t i = 0; i < body->n; i++)
        sb_add(&b, body->pieces[i]);
    library.body = sb_str(&b);
    *signatures = library.signatures;
    *n = library.n;
    *skipped = 0;
    return (struct reference_report){.status = library.status, .reason = STR("why")};
}

static void library_says(enum reference_status status)
{
    memset(&library, 0, sizeof library);
    library.status = status;
}

/* --- SPF ---------------------------------------------------------------------------------------*/

static struct arena *arena;
static struct dns *dns;

static int setup(void **state)
{
    (void)state;
    struct str problem;
    log_open(LOG_TO_STDERR, "test", LOG_LEVEL_ERROR);
    arena = arena_new(0);
    dns = dns_open_zone(STR("pass.test. 60 IN TXT \"v=spf1 +all\"\n"
                            "fail.test. 60 IN TXT \"v=spf1 -all\"\n"
                            "doubt.test. 60 IN TXT \"v=spf1 a:gone.test -all\"\n"
                            "gone.test. 60 IN SERVFAIL\n"),
                        arena, &problem);
    if (!dns)
        print_error("%.*s\n", STR_ARG(problem));
    return dns ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    dns_close(dns);
    return 0;
}

static uint64_t counted(enum counter c)
{
    static uint64_t before[COUNTER_COUNT];
    uint64_t more = counter_get(c) - before[c];
    before[c] += more;
    return more;
}

static struct spf_outcome check_spf(const char *domain, struct dns_asker *asker)
{
    struct spf_outcome out;
    const struct spf_engine *engine = reference_spf_engine(NULL, arena);
    const struct spf_request request = {.client = {.family = 4},
                                        .helo = STR("client.test"),
                                        .local = STR("a"),
                                        .domain = str_of(domain),
                                        .receiver = STR("mx.test"),
                                        .limits = spf_limits_default};
    asker->dns = dns;
    asker->arena = arena;
    engine->check(engine, &request, asker, &out);
    return out;
}

static void libspf2_decides(void **state)
{
    (void)state;
    static const struct {
        const char *domain;
        enum reference_status status;
        enum spf_result theirs, want;
        enum counter counted;
        unsigned asked;
    } cases[] = {
        {"pass.test", REFERENCE_ANSWERED, SPF_FAIL, SPF_FAIL, CTR_ENGINE_RESULTS, 1},
        {"fail.test", REFERENCE_ANSWERED, SPF_PASS, SPF_PASS, CTR_ENGINE_RESULTS, 1},
        {"pass.test", REFERENCE_ANSWERED, SPF_PERMERROR, SPF_PERMERROR, CTR_ENGINE_RESULTS, 1},
        {"pass.test", REFERENCE_ANSWERED, SPF_TEMPERROR, SPF_PASS, CTR_ENGINE_FALLBACKS, 1},
        {"doubt.test", REFERENCE_ANSWERED, SPF_FAIL, SPF_TEMPERROR, CTR_ENGINE_NOT_ASKED, 0},
        {"pass.test", REFERENCE_REFUSED, SPF_FAIL, SPF_PASS, CTR_ENGINE_FALLBACKS, 1},
        {"pass.test", REFERENCE_CRASHED, SPF_FAIL, SPF_PASS, CTR_ENGINE_FALLBACKS, 1},
        {"pass.test", REFERENCE_TIMED_OUT, SPF_FAIL, SPF_PASS, CTR_ENGINE_FALLBACKS, 1},
        {"pass.test", REFERENCE_BUSY, SPF_FAIL, SPF_PASS, CTR_ENGINE_FALLBACKS, 1},
        {"pass.test", REFERENCE_ABSENT, SPF_FAIL, SPF_PASS, CTR_ENGINE_FALLBACKS, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dns_asker asker = {.patience_us = 10000000};
        library_says(cases[i].status);
        library.spf.result = cases[i].theirs;
        counted(cases[i].counted);
        struct spf_outcome out = check_spf(cases[i].domain, &asker);
        assert_int_equal(out.result, cases[i].want);
        assert_str(out.domain, cases[i].domain);
        assert_int_equal(library.asked, cases[i].asked);
        assert_int_equal(counted(cases[i].counted), 1);
    }
}

/* Whatever libspf2 made of it: a fail may rest on the answer that did not come. */
static void a_lookup_of_libspf2_was_not_answered(void **state)
{
    (void)state;
    struct dns_asker asker = {.patience_us = 10000000};
    library_says(REFERENCE_ANSWERED);
    library.spf.result = SPF_FAIL;
    library.unknown = true;
    counted(CTR_ENGINE_FALLBACKS);
    assert_int_equal(check_spf("pass.test", &asker).result, SPF_PASS);
    assert_int_equal(counted(CTR_ENGINE_FALLBACKS), 1);
}

static void libspf2_is_not_asked_by_who_cannot_wait(void **state)
{
    (void)state;
    struct dns_asker hasty = {.may_pend = true}, patient = {.patience_us = 1000000};
    library_says(REFERENCE_ANSWERED);
    library.spf.result = SPF_PASS;
    assert_true(check_spf("fail.test", &hasty).pending);
    assert_int_equal(library.asked, 0);
    struct spf_outcome out = check_spf("fail.test", &patient);
    assert_false(out.pending);
    assert_int_equal(out.result, SPF_PASS);
}

/* --- DKIM --------------------------------------------------------------------------------------*/

static struct dkim_signature theirs(enum dkim_result result, const char *domain)
{
    return (struct dkim_signature){.result = result,
                                   .domain = str_of(domain),
                                   .selector = STR("s"),
                                   .reason = STR("so it is"),
                                   .key_bits = 4096};
}

/* Signatures that ours finds wanting for reasons of its own: no key (permerror), a key that cannot
 * be fetched (temperror), an expiry in the past (policy). */
#define SIGNATURE(domain, tags)                                                                    \
    " v=1; a=rsa-sha256; c=simple/simple; d=" domain "; s=s; h=from; " tags                        \
    "bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAABBBBCCCC"

struct signed_message {
    struct message message;
    void *check;
    struct dns_asker asker;
    const struct dkim_engine *engine;
};

static void sign(struct signed_message *m, const char *value)
{
    header_list_add(&m->message.headers, STR("DKIM-Signature"), str_of(value));
}

static void new_message(struct signed_message *m)
{
    *m = (struct signed_message){.message = {.arena = arena, .now = 1700000000}};
    m->asker = (struct dns_asker){.dns = dns, .arena = arena, .patience_us = 10000000};
    header_list_init(&m->message.headers, arena);
    header_list_add(&m->message.headers, STR("From"), STR(" a@example.org"));
}

static const struct dkim_signature *verify(struct signed_message *m, bool whole, size_t *n)
{
    static const struct str pieces[] = {STR_INIT("one\r\n"), STR_INIT("two\r\n")};
    static const struct dkim_verify_settings settings = {
        .max_signatures = 10, .min_key_bits = 1024, .now = 1700000000};
    struct key_cache *keys = key_cache_new(65536);
    size_t skipped;
    m->engine = reference_dkim_engine(NULL, arena);
    assert_true(m->engine->whole_body);
    void *check = m->engine->begin(m->engine, &settings, &m->message, keys, &m->asker);
    for (size_t i = 0; i < 2; i++)
        if (m->engine->wants_body(check))
            m->engine->body(check, pieces[i].p, pieces[i].n);
    m->message.body = (struct kept_body){.whole = whole, .n = 2, .pieces = pieces};
    const struct dkim_signature *results = m->engine->finish(check, &m->asker, n, &skipped);
    key_cache_free(keys);
    return results;
}

static void libopendkim_decides(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        const char *domain;
        enum dkim_result theirs, want;
    } cases[] = {
        {SIGNATURE("no-key.test", ""), "no-key.test", DKIM_PASS, DKIM_PASS},
        {SIGNATURE("no-key.test", ""), "no-key.test", DKIM_FAIL, DKIM_FAIL},
        {SIGNATURE("no-key.test", ""), "no-key.test", DKIM_TEMPERROR, DKIM_PERMERROR},
        {SIGNATURE("no-key.test", "x=1600000000; "), "no-key.test", DKIM_PASS, DKIM_POLICY},
        {SIGNATURE("no-key.test", "x=1600000000; "), "no-key.test", DKIM_FAIL, DKIM_FAIL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct signed_message m;
        size_t n;
        new_message(&m);
        sign(&m, cases[i].value);
        library_says(REFERENCE_ANSWERED);
        library.n = 1;
        library.signatures[0] = theirs(cases[i].theirs, cases[i].domain);
        const struct dkim_signature *got = verify(&m, true, &n);
        assert_int_equal(n, 1);
        assert_int_equal(got[0].result, cases[i].want);
        assert_str(got[0].domain, "no-key.test");
        assert_str(got[0].b_start, "AAAABBBB");
        assert_str(library.body, "one\r\ntwo\r\n");
    }
}

static void without_libopendkim_ours_decides(void **state)
{
    (void)state;
    for (enum reference_status s = REFERENCE_REFUSED; s < REFERENCE_STATUS_COUNT; s++) {
        struct signed_message m;
        size_t n;
        new_message(&m);
        sign(&m, SIGNATURE("no-key.test", ""));
        library_says(s);
        library.n = 1;
        library.signatures[0] = theirs(DKIM_PASS, "no-key.test");
        counted(CTR_ENGINE_FALLBACKS);
        assert_int_equal(verify(&m, true, &n)[0].result, DKIM_PERMERROR);
        assert_int_equal(counted(CTR_ENGINE_FALLBACKS), 1);
    }
}

static void libopendkim_needs_the_whole_body(void **state)
{
    (void)state;
    struct signed_message m;
    size_t n;
    new_message(&m);
    sign(&m, SIGNATURE("no-key.test", ""));
    library_says(REFERENCE_ANSWERED);
    counted(CTR_ENGINE_NOT_ASKED);
    assert_int_equal(verify(&m, false, &n)[0].result, DKIM_PERMERROR);
    assert_int_equal(library.asked, 0);
    assert_int_equal(counted(CTR_ENGINE_NOT_ASKED), 1);
}

static void libopendkim_needs_a_signature(void **state)
{
    (void)state;
    struct signed_message m;
    size_t n;
    new_message(&m);
    library_says(REFERENCE_ANSWERED);
    verify(&m, true, &n);
    assert_int_equal(n, 0);
    assert_int_equal(library.asked, 0);
}

static void other_signatures_are_no_answer(void **state)
{
    (void)state;
    struct signed_message m;
    size_t n;
    new_message(&m);
    sign(&m, SIGNATURE("no-key.test", ""));
    sign(&m, SIGNATURE("example.org", ""));
    library_says(REFERENCE_ANSWERED);
    library.n = 1;
    library.signatures[0] = theirs(DKIM_PASS, "no-key.test");
    counted(CTR_ENGINE_FALLBACKS);
    assert_int_equal(verify(&m, true, &n)[0].result, DKIM_PERMERROR);
    assert_int_equal(n, 2);
    assert_int_equal(counted(CTR_ENGINE_FALLBACKS), 1);
}

/* A key that we cannot fetch, and libopendkim's word on it. */
static void dns_trouble_stays_unknown(void **state)
{
    (void)state;
    static const enum dkim_result words[] = {DKIM_PASS, DKIM_FAIL, DKIM_PERMERROR};
    struct str problem;
    struct dns *broken =
        dns_open_zone(STR("s._domainkey.example.org. 60 IN SERVFAIL\n"), arena, &problem);
    assert_non_null(broken);
    for (size_t i = 0; i < 3; i++) {
        struct signed_message m;
        size_t n;
        new_message(&m);
        m.asker.dns = broken;
        /* The digest is that of the body, so that only the key is in doubt. */
        sign(&m, " v=1; a=rsa-sha256; c=simple/simple; d=example.org; s=s; h=from; "
                 "bh=b0eSsmX+cnkLNE/T71KUcB2dCHvtn86BXA9LutbS7Yc=; b=AAAABBBBCCCC");
        library_says(REFERENCE_ANSWERED);
        library.n = 1;
        library.signatures[0] = theirs(words[i], "example.org");
        assert_int_equal(verify(&m, true, &n)[0].result, DKIM_TEMPERROR);
    }
    dns_close(broken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(libspf2_decides),
        cmocka_unit_test(a_lookup_of_libspf2_was_not_answered),
        cmocka_unit_test(libspf2_is_not_asked_by_who_cannot_wait),
        cmocka_unit_test(libopendkim_decides),
        cmocka_unit_test(without_libopendkim_ours_decides),
        cmocka_unit_test(libopendkim_needs_the_whole_body),
        cmocka_unit_test(libopendkim_needs_a_signature),
        cmocka_unit_test(other_signatures_are_no_answer),
        cmocka_unit_test(dns_trouble_stays_unknown),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
