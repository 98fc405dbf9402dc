/* test_engine.c - the stages ask the engines that they are given, and DMARC goes by their answers.
 */
#include "test.h"

#include "session/play.h"

#define ZONE                                                                                       \
    "example.org. 60 IN TXT \"v=spf1 -all\"\n_dmarc.example.org. 60 IN TXT \"v=DMARC1; "           \
    "p=reject\"\n"

static const struct str text = STR_INIT("one\r\ntwo\r\n");
static size_t body_bytes_seen;

static void lenient_spf(const struct spf_engine *engine, const struct spf_request *request,
                        struct dns_asker *asker, struct spf_outcome *out)
{
    (void)engine, (void)asker;
    *out = (struct spf_outcome){.result = SPF_SOFTFAIL, .domain = request->domain};
}

static void *begin(const struct dkim_engine *engine, const struct dkim_verify_settings *settings,
                   const struct message *message, struct key_cache *keys, struct dns_asker *asker)
{
    (void)engine, (void)settings, (void)keys, (void)asker;
    body_bytes_seen = 0;
    return message->arena;
}

static const struct str *domains(const void *check, size_t *n)
{
    static const struct str claimed[] = {STR_INIT("example.org")};
    (void)check;
    *n = 1;
    return claimed;
}

static bool wants_body(const void *check)
{
    (void)check;
    return body_bytes_seen < 6;
}

static void body(void *check, const void *data, size_t n)
{
    (void)check, (void)data;
    body_bytes_seen += n;
}

static const struct dkim_signature *finish(void *check, struct dns_asker *asker, size_t *n,
                                           size_t *skipped)
{
    static const struct dkim_signature signature = {.result = DKIM_PASS,
                                                    .domain = STR_INIT("example.org")};
    (void)check, (void)asker;
    *n = 1;
    *skipped = 3;
    return &signature;
}

static const struct spf_engine fake_spf = {.name = "lenient", .check = lenient_spf};
static const struct dkim_engine fake_dkim = {.name = "believer",
                                             .begin = begin,
                                             .domains = domains,
                                             .wants_body = wants_body,
                                             .body = body,
                                             .finish = finish};

struct play {
    struct arena *arena;
    struct fixed_host host;
    struct conf *conf;
    struct budget copies;
    struct dialogue *dialogue;
    const struct transaction *t;
};

/* A message whose client SPF does not allow. NULL: our own engines. */
static void play(struct play *p, const struct engines *engines, const char *signature)
{
    static const struct session_peer nobody;
    struct str problem;
    struct conf_problems problems;
    struct header_list headers;
    struct letter letter = {.client = {.smtp = true},
                            .helo = STR("mail.example.org"),
                            .envelope = {.from = STR("<a@example.org>")},
                            .headers = &headers,
                            .body = text,
                            .chunk = 5};
    *p = (struct play){.arena = arena_new(0)};
    conf_problems_init(&problems, p->arena);
    p->conf = conf_parse(STR("authserv-id = \"mx.example.net\";"), &problems);
    fixed_host_init(&p->host);
    p->host.now = 1700000000;
    p->host.host.copies = &p->copies;
    p->host.snapshot.conf = p->conf;
    p->host.snapshot.dns = dns_open_zone(STR(ZONE), p->arena, &problem);
    p->host.snapshot.key_cache = key_cache_new(65536);
    if (engines)
        p->host.snapshot.engines = engines;
    assert_true(netaddr_parse(STR("192.0.2.1"), &letter.client.address));
    header_list_init(&headers, p->arena);
    header_list_add(&headers, STR("From"), STR(" a@example.org"));
    if (signature)
        header_list_add(&headers, STR("DKIM-Signature"), str_of(signature));
    p->dialogue = dialogue_new(&p->host.host, &nobody);
    play_letter(p->dialogue, &letter);
    p->t = p->dialogue->transaction;
    assert_non_null(p->t);
}

static void drop(struct play *p)
{
    dialogue_free(p->dialogue);
    key_cache_free(p->host.snapshot.key_cache);
    arena_free(p->arena);
    dns_close(p->host.snapshot.dns);
    conf_free(p->conf);
}

static void without_engines_our_own_evaluate(void **state)
{
    (void)state;
    struct play p;
    play(&p, NULL, NULL);
    assert_int_equal(p.t->evidence.spf.mail_from.outcome.result, SPF_FAIL);
    assert_int_equal(p.t->evidence.dkim.n, 0);
    assert_int_equal(p.t->evidence.dmarc.result, DMARC_FAIL);
    drop(&p);
}

static void given_engines_evaluate(void **state)
{
    (void)state;
    const struct engines engines = {.spf = &fake_spf, .dkim = &fake_dkim};
    struct play p;
    play(&p, &engines, NULL);
    assert_int_equal(p.t->evidence.spf.mail_from.outcome.result, SPF_SOFTFAIL);
    assert_int_equal(p.t->evidence.dkim.n, 1);
    assert_int_equal(p.t->evidence.dkim.skipped, 3);
    assert_int_equal(p.t->evidence.dkim.n_claimed, 1);
    assert_int_equal(p.t->evidence.dmarc.result, DMARC_PASS);
    assert_true(p.t->evidence.dmarc.outcomes[0].dkim_aligned);
    assert_int_equal(body_bytes_seen, 10); /* two pieces, and then no more was wanted */
    drop(&p);
}

static void an_engine_may_want_the_whole_body(void **state)
{
    (void)state;
    struct dkim_engine whole = fake_dkim;
    const struct engines engines = {.spf = &fake_spf, .dkim = &whole};
    struct play p;
    whole.whole_body = true;
    play(&p, &engines, " v=1");
    assert_true(p.t->message.body.whole);
    assert_int_equal(p.t->message.body.n, 2);
    assert_str(p.t->message.body.pieces[0], "one\r\n");
    assert_str(p.t->message.body.pieces[1], "two\r\n");
    assert_in_range(atomic_load(&p.copies.taken), 10, 1000);
    drop(&p);
    assert_int_equal(atomic_load(&p.copies.taken), 0);
    play(&p, &engines, NULL); /* without a signature it has no use for it */
    assert_false(p.t->message.body.whole);
    drop(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_engines_our_own_evaluate),
        cmocka_unit_test(given_engines_evaluate),
        cmocka_unit_test(an_engine_may_want_the_whole_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
