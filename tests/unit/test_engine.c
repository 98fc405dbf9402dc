/* test_engine.c - the stages ask the engines that they are given, and DMARC goes by their answers.
 */
#include "test.h"

#include "decide/whole.h"

#define ZONE                                                                                       \
    "example.org. 60 IN TXT \"v=spf1 -all\"\n_dmarc.example.org. 60 IN TXT \"v=DMARC1; "           \
    "p=reject\"\n"

static const struct str whole_text = STR_INIT("one\r\ntwo\r\n");
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

/* A message without signature whose client SPF does not allow. */
static struct whole *play(struct arena *a, const struct engines *engines)
{
    struct str problem;
    struct conf_problems problems;
    conf_problems_init(&problems, a);
    struct whole *w = arena_make(a, struct whole);
    struct session *s = arena_make(a, struct session);
    struct message *m = arena_make(a, struct message);
    *s = (struct session){.arena = a, .smtp = true, .helo = STR("mail.example.org")};
    assert_true(netaddr_parse(STR("192.0.2.1"), &s->client));
    *m = (struct message){.arena = a, .now = 1700000000};
    header_list_init(&m->headers, a);
    header_list_add(&m->headers, STR("From"), STR(" a@example.org"));
    mail_path_parse(STR("<a@example.org>"), &m->from);
    *w = (struct whole){.session = s, .message = m, .body = whole_text, .chunk = 5};
    w->conf = conf_parse(STR("authserv-id = \"mx.example.net\";"), &problems);
    w->asker.dns = dns_open_zone(STR(ZONE), a, &problem);
    w->keys = key_cache_new(65536);
    w->engines = engines;
    whole_message(w);
    return w;
}

static void drop(struct whole *w, struct arena *a)
{
    struct conf *conf = (struct conf *)(uintptr_t)w->conf;
    struct dns *dns = w->asker.dns;
    key_cache_free(w->keys);
    arena_free(a);
    dns_close(dns);
    conf_free(conf);
}

static void without_engines_our_own_evaluate(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct whole *w = play(a, NULL);
    assert_int_equal(w->evidence.spf.mail_from.outcome.result, SPF_FAIL);
    assert_int_equal(w->evidence.dkim.n, 0);
    assert_int_equal(w->evidence.dmarc.result, DMARC_FAIL);
    drop(w, a);
}

static void given_engines_evaluate(void **state)
{
    (void)state;
    const struct engines engines = {.spf = &fake_spf, .dkim = &fake_dkim};
    struct arena *a = arena_new(0);
    struct whole *w = play(a, &engines);
    assert_int_equal(w->evidence.spf.mail_from.outcome.result, SPF_SOFTFAIL);
    assert_int_equal(w->evidence.dkim.n, 1);
    assert_int_equal(w->evidence.dkim.skipped, 3);
    assert_int_equal(w->evidence.dkim.n_claimed, 1);
    assert_int_equal(w->evidence.dmarc.result, DMARC_PASS);
    assert_true(w->evidence.dmarc.outcomes[0].dkim_aligned);
    assert_int_equal(body_bytes_seen, 10); /* two pieces, and then no more was wanted */
    drop(w, a);
}

static void the_whole_body_is_a_fact(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct whole *w = play(a, NULL);
    assert_true(w->message->body.whole);
    assert_int_equal(w->message->body.n, 1);
    assert_str(w->message->body.pieces[0], "one\r\ntwo\r\n");
    drop(w, a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_engines_our_own_evaluate),
        cmocka_unit_test(given_engines_evaluate),
        cmocka_unit_test(the_whole_body_is_a_fact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
