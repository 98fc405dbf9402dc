/* reference messages: everything that is said arrives; nothing that is cut short or wrong does. */
#include "test.h"

#include <stdlib.h>

#include "reference/messages.h"

static struct arena *a;
static struct strbuf out;

static int make_arena(void **state)
{
    (void)state;
    a = arena_new(0);
    sb_init(&out, a);
    return 0;
}

static int free_arena(void **state)
{
    (void)state;
    arena_free(a);
    return 0;
}

/* The payload of the only frame in `out`. */
static struct str payload_of(enum frame_source from, enum frame_type type)
{
    struct frame frame;
    size_t need;
    assert_int_equal(frame_take(from, sb_str(&out), &frame, &need), FRAME_WHOLE);
    assert_int_equal(frame.type, type);
    assert_int_equal(need, out.n);
    return frame.payload;
}

typedef bool read_fn(struct str payload);

/* Neither a payload that ends early nor one with something behind it is read. */
static void assert_exact(struct str payload, read_fn *read)
{
    assert_true(read(payload));
    for (size_t n = 0; n < payload.n; n++) {
        char *cut = malloc(n ? n : 1); /* of this very size: a step beyond shows under ASan */
        assert_non_null(cut);
        memcpy(cut, payload.p, n);
        if (read((struct str){cut, n}))
            fail_msg("read although cut to %zu of %zu bytes", n, payload.n);
        free(cut);
    }
    assert_false(read(STR("x")));
    struct strbuf longer;
    sb_init(&longer, a);
    sb_add(&longer, payload);
    sb_addc(&longer, '\0');
    assert_false(read(sb_str(&longer)));
}

static struct netaddr address(const char *text)
{
    struct netaddr addr;
    assert_true(netaddr_parse(str_of(text), &addr));
    return addr;
}

static void frames(void **state)
{
    (void)state;
    struct frame frame;
    size_t need;
    assert_true(question_write(&out, &(struct question){STR("a.example"), DNS_TXT}));
    struct str whole = sb_str(&out);
    for (size_t n = 0; n < whole.n; n++) {
        assert_int_equal(frame_take(FRAME_FROM_WORKER, str_sub(whole, 0, n), &frame, &need),
                         FRAME_PARTIAL);
        assert_int_equal(need, n < FRAME_HEAD ? FRAME_HEAD : whole.n);
    }
    assert_int_equal(frame_take(FRAME_FROM_ASSAY, whole, &frame, &need), FRAME_BAD);
    refusal_write(&out, STR("no"));
    assert_int_equal(frame_take(FRAME_FROM_WORKER, sb_str(&out), &frame, &need), FRAME_WHOLE);
    assert_int_equal(frame.type, FRAME_QUESTION);
    assert_true(need < out.n);
}

static void bad_heads(void **state)
{
    (void)state;
    static const struct {
        enum frame_source from;
        unsigned char head[FRAME_HEAD];
        enum frame_status want;
    } cases[] = {
        {FRAME_FROM_WORKER, {0, 0, 0, 0, FRAME_HELLO}, FRAME_BAD},
        {FRAME_FROM_WORKER, {0, 0, 0, 9, 0}, FRAME_BAD},
        {FRAME_FROM_WORKER, {0, 0, 0, 9, FRAME_TYPE_COUNT}, FRAME_BAD},
        {FRAME_FROM_WORKER, {0, 0, 0, 9, 255}, FRAME_BAD},
        {FRAME_FROM_WORKER, {0, 0, 0, 9, FRAME_JOB}, FRAME_BAD},
        {FRAME_FROM_ASSAY, {0, 0, 0, 9, FRAME_HELLO}, FRAME_BAD},
        {FRAME_FROM_WORKER, {0xFF, 0xFF, 0xFF, 0xFF, FRAME_RESULT}, FRAME_BAD},
        {FRAME_FROM_WORKER, {0, 0, 2, 1, FRAME_QUESTION}, FRAME_PARTIAL},
        {FRAME_FROM_WORKER, {0, 0, 2, 2, FRAME_QUESTION}, FRAME_BAD},
        {FRAME_FROM_ASSAY, {0, 0, 0, 1, FRAME_BODY_END}, FRAME_WHOLE},
        {FRAME_FROM_ASSAY, {0, 0, 0, 2, FRAME_BODY_END}, FRAME_BAD},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct frame frame;
        size_t need;
        struct str data = {(const char *)cases[i].head, FRAME_HEAD};
        assert_int_equal(frame_take(cases[i].from, data, &frame, &need), cases[i].want);
    }
}

static void frame_too_large(void **state)
{
    (void)state;
    static char big[8U << 20];
    memset(big, 'x', sizeof big);
    struct header_list headers;
    header_list_init(&headers, a);
    refusal_write(&out, STR("before"));
    size_t before = out.n;
    header_list_add(&headers, STR("Subject"), (struct str){big, sizeof big});
    assert_false(job_write_dkim(&out, &(struct dkim_verify_settings){0}, &headers));
    assert_int_equal(out.n, before);
    struct dns_rr rr = {.text = {big, sizeof big}};
    answer_write(&out, &(struct dns_answer){.status = DNS_ANSWER, .n = 1, .rr = &rr});
    struct frame frame;
    size_t need;
    struct dns_answer answer;
    assert_int_equal(
        frame_take(FRAME_FROM_ASSAY, str_sub(sb_str(&out), before, out.n), &frame, &need),
        FRAME_WHOLE);
    assert_true(answer_read(a, frame.payload, &answer));
    assert_int_equal(answer.status, DNS_SERVFAIL);
}

/* Many fields that fit one by one and not together. */
static void header_too_large(void **state)
{
    (void)state;
    static char kilobyte[1024];
    struct header_list headers;
    header_list_init(&headers, a);
    for (size_t i = 0; i < 4096; i++)
        header_list_add(&headers, STR("X"), (struct str){kilobyte, sizeof kilobyte});
    assert_false(job_write_dkim(&out, &(struct dkim_verify_settings){0}, &headers));
    headers.n = 4000;
    assert_true(job_write_dkim(&out, &(struct dkim_verify_settings){0}, &headers));
}

static bool read_hello(struct str payload)
{
    struct hello hello;
    return hello_read(a, payload, &hello);
}

static void hellos(void **state)
{
    (void)state;
    struct hello hello = {{STR("libspf2 1.2.10"), STR("libopendkim 2.11\n"), STR("libopendmarc")}};
    assert_true(hello_write(&out, &hello));
    struct str payload = payload_of(FRAME_FROM_WORKER, FRAME_HELLO);
    assert_exact(payload, read_hello);
    assert_true(hello_read(a, payload, &hello));
    assert_str(hello.versions[REFERENCE_LIBSPF2], "libspf2 1.2.10");
    assert_str(hello.versions[REFERENCE_LIBOPENDKIM], "libopendkim 2.11\\x0a");
    char *other = arena_copy(a, payload.p, payload.n);
    other[3]++;
    assert_false(read_hello((struct str){other, payload.n}));
}

static bool read_job(struct str payload)
{
    struct job job;
    return job_read(a, payload, &job);
}

static void job_spf(void **state)
{
    (void)state;
    struct spf_request request = {.client = address("2001:db8::1"),
                                  .helo = STR("mail.example"),
                                  .local = STR(""),
                                  .domain = STR("b.example"),
                                  .receiver = STR_NONE,
                                  .now = -5,
                                  .want_explanation = true};
    struct job job;
    assert_true(job_write_spf(&out, &request));
    struct str payload = payload_of(FRAME_FROM_ASSAY, FRAME_JOB);
    assert_exact(payload, read_job);
    assert_true(job_read(a, payload, &job));
    assert_int_equal(job.library, REFERENCE_LIBSPF2);
    assert_true(netaddr_eq(&job.spf.client, &request.client));
    assert_str(job.spf.helo, "mail.example");
    assert_str(job.spf.domain, "b.example");
    assert_non_null(job.spf.local.p);
    assert_int_equal(job.spf.local.n, 0);
    assert_null(job.spf.receiver.p);
    assert_int_equal(job.spf.now, -5);
    assert_true(job.spf.want_explanation);
}

static void job_dkim(void **state)
{
    (void)state;
    struct dkim_verify_settings settings = {
        .max_signatures = 7,
        .min_key_bits = 2048,
        .partial_body = true,
        .clock_skew_s = 300,
        .now = INT64_MAX,
    };
    struct header_list headers;
    struct job job;
    header_list_init(&headers, a);
    header_list_add(&headers, STR("From"), STR(" a@example.org"));
    header_list_add(&headers, STR("Subject"), STR("\0\xff\r\n x"));
    assert_true(job_write_dkim(&out, &settings, &headers));
    struct str payload = payload_of(FRAME_FROM_ASSAY, FRAME_JOB);
    assert_exact(payload, read_job);
    assert_true(job_read(a, payload, &job));
    assert_int_equal(job.library, REFERENCE_LIBOPENDKIM);
    assert_int_equal(job.dkim.max_signatures, 7);
    assert_int_equal(job.dkim.min_key_bits, 2048);
    assert_true(job.dkim.partial_body);
    assert_int_equal(job.dkim.clock_skew_s, 300);
    assert_int_equal(job.dkim.now, INT64_MAX);
    assert_int_equal(job.headers.n, 2);
    assert_str(job.headers.fields[0].value, " a@example.org");
    assert_true(str_eq(job.headers.fields[1].value, STR("\0\xff\r\n x")));
}

static void job_dmarc(void **state)
{
    (void)state;
    static const struct dmarc_identifier ids[] = {
        {STR_INIT("example.org"), DMARC_AUTH_PASS, true},
        {STR_INIT("mail.example.org"), DMARC_AUTH_UNKNOWN, false},
    };
    struct dmarc_request request = {.author_domain = STR("example.org"), .ids = ids, .n_ids = 2};
    struct job job;
    assert_true(job_write_dmarc(&out, &request));
    struct str payload = payload_of(FRAME_FROM_ASSAY, FRAME_JOB);
    assert_exact(payload, read_job);
    assert_true(job_read(a, payload, &job));
    assert_int_equal(job.library, REFERENCE_LIBOPENDMARC);
    assert_str(job.dmarc.author_domain, "example.org");
    assert_int_equal(job.dmarc.n_ids, 2);
    assert_true(job.dmarc.ids[0].spf && !job.dmarc.ids[1].spf);
    assert_int_equal(job.dmarc.ids[1].auth, DMARC_AUTH_UNKNOWN);
    assert_str(job.dmarc.ids[1].domain, "mail.example.org");
}

static bool read_question(struct str payload)
{
    struct question question;
    return question_read(payload, &question);
}

static void questions(void **state)
{
    (void)state;
    struct question question = {STR("sel._domainkey.example.org"), DNS_TXT};
    assert_true(question_write(&out, &question));
    struct str payload = payload_of(FRAME_FROM_WORKER, FRAME_QUESTION);
    assert_exact(payload, read_question);
    assert_true(question_read(payload, &question));
    assert_str(question.name, "sel._domainkey.example.org");
    assert_int_equal(question.type, DNS_TXT);
    out.n = 0;
    question.type = (enum dns_type)255;
    assert_true(question_write(&out, &question));
    assert_false(read_question(payload_of(FRAME_FROM_WORKER, FRAME_QUESTION)));
    out.n = 0;
    static const char name[256];
    assert_true(question_write(&out, &(struct question){{name, sizeof name}, DNS_A}));
    assert_false(read_question(payload_of(FRAME_FROM_WORKER, FRAME_QUESTION)));
}

static bool read_answer(struct str payload)
{
    struct dns_answer answer;
    return answer_read(a, payload, &answer);
}

static void answers(void **state)
{
    (void)state;
    struct dns_rr rr[] = {
        {.addr = address("192.0.2.7")},
        {.text = STR("mx.example"), .preference = 65535},
    };
    struct dns_answer answer = {DNS_ANSWER, DNS_SECURE, 4000000000, 2, rr};
    answer_write(&out, &answer);
    struct str payload = payload_of(FRAME_FROM_ASSAY, FRAME_ANSWER);
    assert_exact(payload, read_answer);
    assert_true(answer_read(a, payload, &answer));
    assert_int_equal(answer.security, DNS_SECURE);
    assert_true(answer.ttl == 4000000000);
    assert_int_equal(answer.n, 2);
    assert_true(netaddr_eq(&answer.rr[0].addr, &rr[0].addr));
    assert_str(answer.rr[1].text, "mx.example");
    assert_int_equal(answer.rr[1].preference, 65535);
}

/* No answer without records is DNS_ANSWER, and none is under way for a worker. */
static void answers_without_records(void **state)
{
    (void)state;
    struct dns_answer answer = {.status = DNS_ANSWER};
    answer_write(&out, &answer);
    assert_false(read_answer(payload_of(FRAME_FROM_ASSAY, FRAME_ANSWER)));
    out.n = 0;
    answer.status = DNS_PENDING;
    answer_write(&out, &answer);
    assert_true(answer_read(a, payload_of(FRAME_FROM_ASSAY, FRAME_ANSWER), &answer));
    assert_int_equal(answer.status, DNS_TIMEOUT);
}

static const struct spf_request spf_asked = {.domain = STR_INIT("Example.ORG.")};

static bool read_spf(struct str payload)
{
    struct spf_outcome outcome;
    return result_read_spf(a, payload, &spf_asked, &outcome);
}

static void result_spf(void **state)
{
    (void)state;
    struct spf_outcome outcome = {.result = SPF_FAIL,
                                  .mechanism = STR("-all"),
                                  .problem = STR("not\r\nclean"),
                                  .explanation = STR("go\naway"),
                                  .lookup_terms = 3};
    assert_true(result_write_spf(&out, &outcome));
    struct str payload = payload_of(FRAME_FROM_WORKER, FRAME_RESULT);
    assert_exact(payload, read_spf);
    assert_true(result_read_spf(a, payload, &spf_asked, &outcome));
    assert_int_equal(outcome.result, SPF_FAIL);
    assert_str(outcome.domain, "example.org");
    assert_str(outcome.mechanism, "-all");
    assert_str(outcome.problem, "not\\x0d\\x0aclean");
    assert_str(outcome.explanation, "go\naway");
    assert_int_equal(outcome.lookup_terms, 3);
    out.n = 0;
    assert_true(result_write_spf(&out, &(struct spf_outcome){.result = SPF_RESULT_COUNT}));
    assert_false(read_spf(payload_of(FRAME_FROM_WORKER, FRAME_RESULT)));
}

static const struct dkim_verify_settings dkim_asked = {.max_signatures = 2};

static bool read_dkim(struct str payload)
{
    const struct dkim_signature *s;
    size_t n, skipped;
    return result_read_dkim(a, payload, &dkim_asked, &s, &n, &skipped);
}

static const struct dkim_signature signatures_said[3] = {
    {.result = DKIM_PASS,
     .domain = STR_INIT("EXAMPLE.org"),
     .selector = STR_INIT("S1"),
     .identity = STR_INIT("A@example.org"),
     .algorithm = STR_INIT("ed25519-sha256"),
     .b_start = STR_INIT("AbCdEfGh"),
     .key_type = KEY_ED25519,
     .key_bits = 256,
     .testing = true,
     .security = DNS_SECURE},
    {.result = DKIM_PASS, .domain = STR_INIT("no domain"), .selector = STR_INIT("s")},
};

static void result_dkim(void **state)
{
    (void)state;
    const struct dkim_signature *s;
    size_t n, skipped;
    assert_true(result_write_dkim(&out, signatures_said, 2, 4));
    struct str payload = payload_of(FRAME_FROM_WORKER, FRAME_RESULT);
    assert_exact(payload, read_dkim);
    assert_false(read_spf(payload));
    assert_true(result_read_dkim(a, payload, &dkim_asked, &s, &n, &skipped));
    assert_int_equal(n, 2);
    assert_int_equal(skipped, 4);
    assert_int_equal(s[0].result, DKIM_PASS);
    assert_str(s[0].domain, "example.org");
    assert_str(s[0].selector, "s1");
    assert_str(s[0].identity, "A@example.org");
    assert_str(s[0].algorithm, "ed25519-sha256");
    assert_str(s[0].b_start, "AbCdEfGh");
    assert_int_equal(s[0].key_type, KEY_ED25519);
    assert_int_equal(s[0].key_bits, 256);
    assert_true(s[0].testing);
    assert_int_equal(s[0].security, DNS_SECURE);
    assert_int_equal(s[1].result, DKIM_PERMERROR);
    assert_true(s[1].reason.n > 0 && s[1].domain.n == 0);
    out.n = 0;
    assert_true(result_write_dkim(&out, signatures_said, 3, 0)); /* one more than was asked for */
    assert_false(read_dkim(payload_of(FRAME_FROM_WORKER, FRAME_RESULT)));
}

/* What a message can make a worker say is cut by the worker, and not refused by us. */
static void long_texts(void **state)
{
    (void)state;
    static const char endless[40000] = "x";
    const struct str text = {endless, sizeof endless};
    const struct dkim_signature said = {.reason = text,
                                        .domain = text,
                                        .selector = text,
                                        .identity = text,
                                        .algorithm = text,
                                        .b_start = text};
    assert_true(result_write_dkim(&out, &said, 1, 0));
    assert_true(read_dkim(payload_of(FRAME_FROM_WORKER, FRAME_RESULT)));
    out.n = 0;
    const struct spf_outcome outcome = {.mechanism = text, .problem = text, .explanation = text};
    assert_true(result_write_spf(&out, &outcome));
    assert_true(read_spf(payload_of(FRAME_FROM_WORKER, FRAME_RESULT)));
}

static const struct dmarc_request dmarc_asked = {.author_domain = STR_INIT("mail.example.org")};

static bool read_dmarc(struct str payload)
{
    struct dmarc_outcome outcome;
    return result_read_dmarc(a, payload, &dmarc_asked, &outcome);
}

static void result_dmarc(void **state)
{
    (void)state;
    struct dmarc_outcome outcome = {.result = DMARC_FAIL,
                                    .reason = STR("nothing aligned"),
                                    .record_domain = STR("example.org"),
                                    .organizational_domain = STR("example.org"),
                                    .record = {.p = DMARC_P_REJECT,
                                               .sp = DMARC_P_QUARANTINE,
                                               .has_sp = true,
                                               .adkim = DMARC_STRICT},
                                    .policy = DMARC_P_QUARANTINE,
                                    .policy_tag = 's',
                                    .dkim_aligned = true};
    assert_true(result_write_dmarc(&out, &outcome));
    struct str payload = payload_of(FRAME_FROM_WORKER, FRAME_RESULT);
    assert_exact(payload, read_dmarc);
    assert_true(result_read_dmarc(a, payload, &dmarc_asked, &outcome));
    assert_int_equal(outcome.result, DMARC_FAIL);
    assert_int_equal(outcome.discovery, DMARC_PSL);
    assert_str(outcome.author_domain, "mail.example.org");
    assert_str(outcome.record_domain, "example.org");
    assert_int_equal(outcome.record.p, DMARC_P_REJECT);
    assert_int_equal(outcome.record.sp, DMARC_P_QUARANTINE);
    assert_int_equal(outcome.record.adkim, DMARC_STRICT);
    assert_int_equal(outcome.record.aspf, DMARC_RELAXED);
    assert_int_equal(outcome.policy, DMARC_P_QUARANTINE);
    assert_int_equal(outcome.policy_tag, 's');
    assert_true(outcome.dkim_aligned && !outcome.spf_aligned && outcome.record.has_sp);
}

static void result_dmarc_elsewhere(void **state)
{
    (void)state;
    static const char *const elsewhere[] = {"example.net", "a.mail.example.org", "ample.org", ""};
    struct dmarc_outcome outcome = {.policy_tag = 'p'};
    for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++) {
        out.n = 0;
        outcome.record_domain = outcome.organizational_domain = str_of(elsewhere[i]);
        assert_true(result_write_dmarc(&out, &outcome));
        assert_true(result_read_dmarc(a, payload_of(FRAME_FROM_WORKER, FRAME_RESULT), &dmarc_asked,
                                      &outcome));
        assert_int_equal(outcome.record_domain.n + outcome.organizational_domain.n, 0);
    }
}

/* What a worker may not say. */
static void result_dmarc_wrong(void **state)
{
    (void)state;
    const struct dmarc_outcome wrong[] = {
        {.policy_tag = 'x'},
        {.result = DMARC_RESULT_COUNT, .policy_tag = '-'},
        {.record = {.p = 3}, .policy_tag = '-'},
        {.policy = 3, .policy_tag = '-'},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        out.n = 0;
        assert_true(result_write_dmarc(&out, &wrong[i]));
        assert_false(read_dmarc(payload_of(FRAME_FROM_WORKER, FRAME_RESULT)));
    }
}

static bool read_refusal(struct str payload)
{
    struct str reason;
    return refusal_read(a, payload, &reason);
}

static void refusals(void **state)
{
    (void)state;
    static const char endless[FRAME_PHRASE_MAX * 2] = "\n";
    struct str reason;
    refusal_write(&out, (struct str){endless, sizeof endless});
    struct str payload = payload_of(FRAME_FROM_WORKER, FRAME_REFUSAL);
    assert_exact(payload, read_refusal);
    assert_true(refusal_read(a, payload, &reason));
    assert_true(reason.n <= FRAME_PHRASE_MAX);
    assert_true(str_starts(reason, STR("\\x0a\\x00")));
}

/* Counts that promise more than there is take no memory. */
static void hostile_counts(void **state)
{
    (void)state;
    static const unsigned char counts[][4] = {{0xFF, 0xFF, 0xFF, 0xFF}, {0, 0xFF, 0xFF, 0xFF}};
    for (size_t i = 0; i < 2; i++) {
        struct frame_reader r = frame_reader((struct str){(const char *)counts[i], 4});
        size_t used = arena_used(a);
        assert_int_equal(frame_get_count(&r, SIZE_MAX, 1), 0);
        assert_true(r.bad);
        assert_int_equal(frame_get_u8(&r, 255), 0);
        assert_null(frame_get_str(&r, SIZE_MAX).p);
        assert_int_equal(arena_used(a), used);
    }
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, make_arena, free_arena)
    const struct CMUnitTest tests[] = {
        TEST(frames),
        TEST(bad_heads),
        TEST(frame_too_large),
        TEST(hellos),
        TEST(header_too_large),
        TEST(job_spf),
        TEST(job_dkim),
        TEST(job_dmarc),
        TEST(questions),
        TEST(answers),
        TEST(answers_without_records),
        TEST(result_spf),
        TEST(result_dkim),
        TEST(result_dmarc),
        TEST(refusals),
        TEST(result_dmarc_elsewhere),
        TEST(result_dmarc_wrong),
        TEST(long_texts),
        TEST(hostile_counts),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
