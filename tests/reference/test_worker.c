/* assay-reference: each library's conclusions, in our words, from canned DNS answers. What they are
 * is the libraries' own business; that they arrive as they are is tested here. */
#include "worker_rig.h"

#include "../unit/dkim_util.h"

static struct talk talk;

/* Answers the worker's questions from the zone until it has concluded. */
static struct frame converse(struct dns *dns)
{
    struct frame frame;
    struct question question;
    struct dns_asker asker = {.dns = dns, .arena = talk.arena, .patience_us = 1000000};
    while (talk_hear(&talk, &frame) && frame.type == FRAME_QUESTION) {
        struct strbuf out;
        assert_true(question_read(frame.payload, &question));
        talk.questions++;
        sb_init(&out, talk.arena);
        answer_write(&out, dns_lookup(&asker, question.name, question.type));
        talk_send(&talk, sb_str(&out));
    }
    return frame;
}

/* The worker's last word on the job, with this zone. */
static struct frame conclude(const struct strbuf *job, const char *zone)
{
    struct str problem = STR("");
    struct dns *dns = dns_open_zone(str_of(zone), arena, &problem);
    if (!dns)
        fail_msg("%.*s", STR_ARG(problem));
    talk_send(&talk, (struct str){job->p, job->n});
    struct frame frame = converse(dns);
    dns_close(dns);
    return frame;
}

static void hellos(void **state)
{
    (void)state;
    struct talk other;
    struct hello hello = talk_begin(&other);
    for (size_t i = 0; i < REFERENCE_LIBRARY_COUNT; i++) {
        static const char *const names[] = {"libspf2 1.", "libopendkim 2.", "libopendmarc "};
        assert_true(str_starts(hello.versions[i], str_of(names[i])));
    }
    assert_exit(talk_end(&other), 0);
}

/* ---- SPF ---- */

static const char spf_zone[] = "ip4.test. TXT \"v=spf1 ip4:192.0.2.0/24 -all\"\n"
                               "ip6.test. TXT \"v=spf1 ip6:2001:db8::/32 ~all\"\n"
                               "a.test. TXT \"v=spf1 a mx ptr include:ip4.test ?all\"\n"
                               "a.test. A 198.51.100.1\n"
                               "a.test. MX 10 mx.a.test.\n"
                               "mx.a.test. A 198.51.100.2\n"
                               "mx.a.test. AAAA 2001:db8:1::2\n"
                               "3.100.51.198.in-addr.arpa. PTR host.a.test.\n"
                               "host.a.test. A 198.51.100.3\n"
                               "exp.test. TXT \"v=spf1 -all exp=why.exp.test\"\n"
                               "why.exp.test. TXT \"%{i}.is.not.%{d}\"\n"
                               "time.test. TXT \"v=spf1 -all exp=why.time.test\"\n"
                               "why.time.test. TXT \"%{t}.%{r}\"\n"
                               "broken.test. TXT \"v=spf1 ip4:192.0.2.0/33 -all\"\n"
                               "two.test. TXT \"v=spf1 -all\"\n"
                               "two.test. TXT \"v=spf1 +all\"\n"
                               "dead.test. SERVFAIL\n"
                               "inner.test. TXT \"v=spf1 include:dead.test -all\"\n"
                               "other.test. TXT \"something else\"\n";

static struct spf_outcome spf(const char *client, const char *local, const char *domain)
{
    struct spf_request request = {.helo = STR("mail.helo.test"),
                                  .local = str_of(local),
                                  .domain = str_of(domain),
                                  .receiver = STR("mx.receiver.test"),
                                  .now = 1234567890,
                                  .want_explanation = true};
    struct strbuf job;
    struct spf_outcome outcome;
    talk_reset(&talk);
    sb_init(&job, arena);
    assert_true(netaddr_parse(str_of(client), &request.client));
    assert_true(job_write_spf(&job, &request));
    struct frame frame = conclude(&job, spf_zone);
    assert_int_equal(frame.type, FRAME_RESULT);
    assert_true(result_read_spf(talk.arena, frame.payload, &request, &outcome));
    return outcome;
}

static const struct {
    const char *client, *domain;
    enum spf_result want;
} spf_cases[] = {
    {"192.0.2.9", "ip4.test", SPF_PASS},         {"192.0.3.9", "ip4.test", SPF_FAIL},
    {"2001:db8::9", "ip6.test", SPF_PASS},       {"2001:db9::9", "ip6.test", SPF_SOFTFAIL},
    {"198.51.100.1", "a.test", SPF_PASS},        {"198.51.100.2", "a.test", SPF_PASS},
    {"2001:db8:1::2", "a.test", SPF_PASS},       {"198.51.100.3", "a.test", SPF_PASS},
    {"192.0.2.1", "a.test", SPF_PASS},           {"198.51.100.4", "a.test", SPF_NEUTRAL},
    {"192.0.2.1", "broken.test", SPF_PERMERROR}, {"192.0.2.1", "two.test", SPF_PERMERROR},
    {"192.0.2.1", "dead.test", SPF_TEMPERROR},   {"192.0.2.1", "inner.test", SPF_TEMPERROR},
    {"192.0.2.1", "other.test", SPF_NONE},       {"192.0.2.1", "nowhere.test", SPF_NONE},
};

static void spf_results(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof spf_cases / sizeof *spf_cases; i++) {
        struct spf_outcome got = spf(spf_cases[i].client, "a", spf_cases[i].domain);
        if (got.result != spf_cases[i].want)
            fail_msg("%s %s: %s (%.*s)", spf_cases[i].client, spf_cases[i].domain,
                     spf_result_name(got.result), STR_ARG(got.problem));
        assert_str(got.domain, spf_cases[i].domain);
        bool is_error =
            got.result == SPF_PERMERROR || got.result == SPF_TEMPERROR || got.result == SPF_NONE;
        assert_int_equal(got.problem.n > 0, is_error);
    }
}

static void spf_explains(void **state)
{
    (void)state;
    struct spf_outcome got = spf("192.0.2.1", "a", "exp.test");
    assert_str(got.explanation, "192.0.2.1.is.not.exp.test");
    assert_true(talk.questions >= 2);
    got = spf("192.0.3.1", "a", "ip4.test");
    assert_int_equal(got.result, SPF_FAIL);
    assert_null(got.explanation.p);
    got = spf("192.0.2.1", "a", "time.test");
    assert_str(got.explanation, "1234567890.mx.receiver.test");
}

static void spf_counts(void **state)
{
    (void)state;
    struct spf_outcome got = spf("198.51.100.4", "a", "a.test");
    assert_int_equal(got.lookup_terms, 4);
}

static void spf_refuses(void **state)
{
    (void)state;
    struct spf_request request = {
        .helo = STR("h"), .local = STR("a\0b"), .domain = STR("ip4.test")};
    struct str reason;
    for (size_t i = 0; i < 2; i++) {
        struct strbuf job;
        talk_reset(&talk);
        sb_init(&job, arena);
        assert_true(job_write_spf(&job, &request));
        struct frame frame = conclude(&job, spf_zone);
        assert_int_equal(frame.type, FRAME_REFUSAL);
        assert_true(refusal_read(talk.arena, frame.payload, &reason));
        assert_true(str_starts(reason, STR("libspf2 ")));
        request.client.family = 4; /* was missing; the second time, the NUL is wrong */
    }
    assert_int_equal(spf("192.0.2.9", "", "ip4.test").result, SPF_PASS); /* and it lives on */
}

/* ---- DKIM ---- */

#define MESSAGE                                                                                    \
    "From: <a@example.com>\r\n"                                                                    \
    "Subject: test\r\n"                                                                            \
    "To: <b@example.net>\r\n"                                                                      \
    "\r\n"                                                                                         \
    "A body\r\n with white space \r\n\r\n"

#define RSA_TAGS                                                                                   \
    "v=1; a=rsa-sha256; d=example.com; s=rsa; h=from:subject; c=relaxed/relaxed; bh=*; "
#define ED_TAGS                                                                                    \
    "v=1; a=ed25519-sha256; d=example.com; s=ed; h=from:subject; c=relaxed/relaxed; bh=*; "

#define RSA_AT(selector)                                                                           \
    selector "._domainkey.example.com. TXT \"v=DKIM1; k=rsa; p=" RSA_PUBLIC "\"\n"

static const char dkim_zone[] = RSA_AT("rsa") RSA_AT("twice")
    RSA_AT("twice") "ed._domainkey.example.com. TXT \"v=DKIM1; k=ed25519; p=" ED25519_PUBLIC "\"\n"
                    "test._domainkey.example.com. TXT \"v=DKIM1; k=rsa; t=y; p=" RSA_PUBLIC "\"\n"
                    "other._domainkey.example.com. TXT \"v=DKIM1; k=rsa; p=" OTHER_PUBLIC "\"\n"
                    "revoked._domainkey.example.com. TXT \"v=DKIM1; k=rsa; p=\"\n"
                    "dead._domainkey.example.com. SERVFAIL\n"
                    "$SECURE yes\n" RSA_AT("secure");

static struct verified ask_dkim(const struct dkim_verify_settings *settings, struct str message)
{
    struct verified v;
    struct header_list headers;
    struct str body;
    struct strbuf job;
    struct frame_writer w;
    talk_reset(&talk);
    sb_init(&job, arena);
    header_list_init(&headers, arena);
    header_parse_message(&headers, message, &body);
    assert_true(job_write_dkim(&job, settings, &headers));
    for (size_t at = 0; at < body.n; at += 60000) {
        struct str piece = str_sub(body, at, at + 60000);
        char head[FRAME_HEAD];
        frame_head(head, FRAME_BODY, piece.n);
        sb_add(&job, (struct str){head, sizeof head});
        sb_add(&job, piece);
    }
    frame_begin(&w, &job, FRAME_BODY_END);
    assert_true(frame_end(&w));
    struct frame frame = conclude(&job, dkim_zone);
    assert_int_equal(frame.type, FRAME_RESULT);
    assert_true(
        result_read_dkim(talk.arena, frame.payload, settings, &v.signatures, &v.n, &v.skipped));
    return v;
}

static struct str replaced(struct str text, const char *old, const char *new)
{
    const char *at = memmem(text.p, text.n, old, strlen(old));
    assert_non_null(at);
    size_t n = (size_t)(at - text.p);
    return str_printf(arena, "%.*s%s%.*s", (int)n, text.p, new,
                      STR_ARG(str_sub(text, n + strlen(old), text.n)));
}

static struct str sign_rsa(const char *tags)
{
    return sign_by_hand(rsa_key, CANON_RELAXED, CANON_RELAXED, UINT64_MAX, STR(MESSAGE),
                        "from subject", tags);
}

static struct str with(struct str signature, struct str message)
{
    return str_printf(arena, "DKIM-Signature: %.*s\r\n%.*s", STR_ARG(signature), STR_ARG(message));
}

static const struct {
    const char *selector, *tags; /* more tags, behind RSA_TAGS with this selector */
    enum dkim_result want;
    const char *reason;
} dkim_cases[] = {
    {"rsa", "b=", DKIM_PASS, ""},
    {"rsa", "x=1699990000; b=", DKIM_PERMERROR, "signature expired"},
    {"rsa", "t=1699980000; x=1700000100; b=", DKIM_PASS, ""},
    {"rsa", "t=1700001000; b=", DKIM_PERMERROR, "signature timestamp in the future"},
    {"none", "b=", DKIM_FAIL, NULL},
    {"revoked", "b=", DKIM_FAIL, NULL},
    {"other", "b=", DKIM_FAIL, NULL},
    {"dead", "b=", DKIM_TEMPERROR, NULL},
    {"twice", "b=", DKIM_TEMPERROR, NULL},
    {"rsa", "q=dns/txt; i=@other.example; b=", DKIM_PERMERROR, NULL},
};

static void dkim_results(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof dkim_cases / sizeof *dkim_cases; i++) {
        struct str tags =
            replaced(STR(RSA_TAGS), "s=rsa;", str_printf(arena, "s=%s;", dkim_cases[i].selector).p);
        tags = str_printf(arena, "%.*s%s", STR_ARG(tags), dkim_cases[i].tags);
        struct verified v = ask_dkim(&default_settings, with(sign_rsa(tags.p), STR(MESSAGE)));
        assert_int_equal(v.n, 1);
        if (v.signatures[0].result != dkim_cases[i].want)
            fail_msg("%s %s: %s (%.*s)", dkim_cases[i].selector, dkim_cases[i].tags,
                     dkim_result_name(v.signatures[0].result), STR_ARG(v.signatures[0].reason));
        if (dkim_cases[i].reason)
            assert_str(v.signatures[0].reason, dkim_cases[i].reason);
        else
            assert_true(v.signatures[0].reason.n > 0);
        assert_str(v.signatures[0].selector, dkim_cases[i].selector);
    }
}

static void dkim_details(void **state)
{
    (void)state;
    struct verified v = ask_dkim(&default_settings, with(sign_rsa(RSA_TAGS "b="), STR(MESSAGE)));
    const struct dkim_signature *s = v.signatures;
    assert_int_equal(v.n, 1);
    assert_str(s->domain, "example.com");
    assert_str(s->identity, "@example.com");
    assert_str(s->algorithm, "rsa-sha256");
    assert_int_equal(s->key_type, KEY_RSA);
    assert_int_equal(s->key_bits, 1024);
    assert_int_equal(s->b_start.n, 8);
    assert_int_equal(s->security, DNS_UNCHECKED);
    assert_false(s->testing);
    v = ask_dkim(&default_settings,
                 with(sign_rsa("v=1; a=rsa-sha256; d=example.com; s=secure; h=from:subject; "
                               "c=relaxed/relaxed; bh=*; b="),
                      STR(MESSAGE)));
    assert_int_equal(v.signatures->result, DKIM_PASS);
    assert_int_equal(v.signatures->security, DNS_SECURE);
    v = ask_dkim(&default_settings,
                 with(sign_rsa("v=1; a=rsa-sha256; d=example.com; s=test; h=from:subject; "
                               "c=relaxed/relaxed; bh=*; b="),
                      STR(MESSAGE)));
    assert_int_equal(v.signatures->result, DKIM_PASS);
    assert_true(v.signatures->testing);
}

static void dkim_ed25519(void **state)
{
    (void)state;
    struct str signature = sign_by_hand(ed25519_key, CANON_RELAXED, CANON_RELAXED, UINT64_MAX,
                                        STR(MESSAGE), "from subject", ED_TAGS "b=");
    struct verified v = ask_dkim(&default_settings, with(signature, STR(MESSAGE)));
    assert_int_equal(v.signatures->result, DKIM_PASS);
    assert_int_equal(v.signatures->key_type, KEY_ED25519);
}

static void dkim_changed(void **state)
{
    (void)state;
    struct str whole = with(sign_rsa(RSA_TAGS "b="), STR(MESSAGE));
    struct verified v = ask_dkim(&default_settings, replaced(whole, "A body", "Another body"));
    assert_int_equal(v.signatures->result, DKIM_FAIL);
    assert_str(v.signatures->reason, "body hash mismatch");
    v = ask_dkim(&default_settings, replaced(whole, "Subject: test", "Subject: toast"));
    assert_int_equal(v.signatures->result, DKIM_FAIL);
    v = ask_dkim(&default_settings, replaced(whole, "To: <b@", "To: <c@")); /* not signed */
    assert_int_equal(v.signatures->result, DKIM_PASS);
}

static void dkim_settings(void **state)
{
    (void)state;
    struct dkim_verify_settings settings = default_settings;
    struct str whole = with(sign_rsa(RSA_TAGS "b="), STR(MESSAGE));
    settings.min_key_bits = 2048;
    assert_int_equal(ask_dkim(&settings, whole).signatures->result, DKIM_POLICY);
    settings = default_settings;
    struct str expired = with(sign_rsa(RSA_TAGS "x=1699999900; b="), STR(MESSAGE));
    assert_int_equal(ask_dkim(&settings, expired).signatures->result, DKIM_PASS);
    settings.clock_skew_s = 10;
    assert_int_equal(ask_dkim(&settings, expired).signatures->result, DKIM_PERMERROR);
    settings.now -= 100000; /* the worker's clock is the message's */
    assert_int_equal(ask_dkim(&settings, expired).signatures->result, DKIM_PASS);
}

/* Several: in the order of the message, also those that libopendkim cannot parse; the newest. */
static void dkim_several(void **state)
{
    (void)state;
    struct dkim_verify_settings settings = default_settings;
    struct str good = sign_rsa(RSA_TAGS "b=");
    struct str message = with(good, STR(MESSAGE));
    message = with(STR("v=1; this is none"), message);
    message = with(replaced(good, "s=rsa", "s=none"), message);
    struct verified v = ask_dkim(&settings, message);
    assert_int_equal(v.n, 3);
    assert_int_equal(v.signatures[0].result, DKIM_FAIL);
    assert_int_equal(v.signatures[1].result, DKIM_PERMERROR);
    assert_int_equal(v.signatures[1].domain.n, 0);
    assert_int_equal(v.signatures[2].result, DKIM_PASS);
    settings.max_signatures = 2;
    v = ask_dkim(&settings, message);
    assert_int_equal(v.n, 2);
    assert_int_equal(v.skipped, 1);
    settings.max_signatures = 0;
    v = ask_dkim(&settings, message);
    assert_int_equal(v.n, 0);
    v = ask_dkim(&default_settings, with(STR("nonsense"), STR(MESSAGE)));
    assert_int_equal(v.n, 1);
    assert_int_equal(v.signatures->result, DKIM_PERMERROR);
    assert_int_equal(ask_dkim(&default_settings, STR(MESSAGE)).n, 0);
}

static void dkim_large_body(void **state)
{
    (void)state;
    struct strbuf message;
    sb_init(&message, arena);
    sb_add(&message, STR("From: <a@example.com>\r\nSubject: test\r\n\r\n"));
    for (size_t i = 0; i < 20000; i++)
        sb_printf(&message, "line %zu of a body that is larger than the socket's buffers\r\n", i);
    struct str text = sb_str(&message);
    struct str signature = sign_by_hand(rsa_key, CANON_RELAXED, CANON_RELAXED, UINT64_MAX, text,
                                        "from subject", RSA_TAGS "b=");
    struct str whole = str_printf(arena, "DKIM-Signature: %.*s\r\n", STR_ARG(signature));
    struct strbuf all;
    sb_init(&all, arena);
    sb_add(&all, whole);
    sb_add(&all, text);
    assert_int_equal(ask_dkim(&default_settings, sb_str(&all)).signatures->result, DKIM_PASS);
}

/* As much header as a frame holds, in many fields and in one. */
static void dkim_large_header(void **state)
{
    (void)state;
    static char large[4000000];
    struct strbuf message;
    struct str whole = with(sign_rsa(RSA_TAGS "b="), STR(MESSAGE));
    sb_init(&message, arena);
    for (size_t i = 0; i < 300000; i++)
        sb_add(&message, STR("A: b\r\n"));
    sb_add(&message, whole);
    assert_int_equal(ask_dkim(&default_settings, sb_str(&message)).signatures->result, DKIM_PASS);
    memset(large, 'x', sizeof large);
    sb_init(&message, arena);
    sb_add(&message, STR("A: "));
    sb_add(&message, (struct str){large, sizeof large});
    sb_add(&message, STR("\r\n"));
    sb_add(&message, whole);
    assert_int_equal(ask_dkim(&default_settings, sb_str(&message)).signatures->result, DKIM_PASS);
}

/* What opendkim gives a message up for is refused, whatever follows. */
static void dkim_refuses(void **state)
{
    (void)state;
    struct header_list headers;
    struct strbuf job;
    struct frame_writer w;
    struct str reason;
    talk_reset(&talk);
    sb_init(&job, arena);
    header_list_init(&headers, arena);
    header_list_add(&headers, STR("DKIM-Signature"), sign_rsa(RSA_TAGS "b="));
    header_list_add(&headers, STR("Subject"), STR(" no author"));
    assert_true(job_write_dkim(&job, &default_settings, &headers));
    frame_begin(&w, &job, FRAME_BODY);
    sb_add(&job, STR("body\r\n"));
    assert_true(frame_end(&w));
    frame_begin(&w, &job, FRAME_BODY_END);
    assert_true(frame_end(&w));
    struct frame frame = conclude(&job, dkim_zone);
    assert_int_equal(frame.type, FRAME_REFUSAL);
    assert_true(refusal_read(talk.arena, frame.payload, &reason));
    assert_str(reason, "libopendkim does not take the header: no from header field detected");
}

/* ---- DMARC ---- */

/* Under real public suffixes: libopendmarc has no organizational domain under one that its list
 * does not know. */
static const char dmarc_zone[] = "_dmarc.example.com. TXT \"v=DMARC1; p=reject; adkim=s\"\n"
                                 "_dmarc.example.net. TXT \"v=DMARC1; p=reject; sp=quarantine\"\n"
                                 "_dmarc.example.co.uk. TXT \"v=DMARC1; p=none\"\n"
                                 "_dmarc.co.uk. TXT \"v=DMARC1; p=reject\"\n"
                                 "_dmarc.bad.example.org. TXT \"v=DMARC1; p=nonsense\"\n"
                                 "_dmarc.example.edu. TXT \"something else\"\n"
                                 "_dmarc.example.edu. TXT \"v=DMARC1; p=quarantine\"\n"
                                 "_dmarc.example.info. SERVFAIL\n"
                                 "_dmarc.mail.example.net. SERVFAIL\n"
                                 "_dmarc.example.test. TXT \"v=DMARC1; p=reject\"\n";

static struct dmarc_outcome dmarc(const char *author, const struct dmarc_identifier *ids, size_t n)
{
    struct dmarc_request request = {.author_domain = str_of(author), .ids = ids, .n_ids = n};
    struct dmarc_outcome outcome;
    struct strbuf job;
    talk_reset(&talk);
    sb_init(&job, arena);
    assert_true(job_write_dmarc(&job, &request));
    struct frame frame = conclude(&job, dmarc_zone);
    assert_int_equal(frame.type, FRAME_RESULT);
    assert_true(result_read_dmarc(talk.arena, frame.payload, &request, &outcome));
    assert_str(outcome.author_domain, author);
    return outcome;
}

static const struct {
    const char *author, *spf, *dkim; /* what passed */
    enum dmarc_result want;
    char policy, tag;
    const char *record, *organizational;
} dmarc_cases[] = {
    {"example.com", "example.com", NULL, DMARC_PASS, 'r', 'p', "example.com", "example.com"},
    {"example.com", NULL, "example.com", DMARC_PASS, 'r', 'p', "example.com", "example.com"},
    {"example.com", "other.org", "other.org", DMARC_FAIL, 'r', 'p', "example.com", "example.com"},
    {"example.com", NULL, NULL, DMARC_FAIL, 'r', 'p', "example.com", "example.com"},
    {"a.example.net", NULL, NULL, DMARC_FAIL, 'q', 's', "example.net", "example.net"},
    {"a.example.net", "example.net", NULL, DMARC_PASS, 'q', 's', "example.net", "example.net"},
    {"mail.example.net", NULL, NULL, DMARC_FAIL, 'q', 's', "example.net", "example.net"},
    {"a.example.co.uk", NULL, "b.example.co.uk", DMARC_PASS, 'n', 'p', "example.co.uk",
     "example.co.uk"},
    {"a.other.co.uk", NULL, NULL, DMARC_NONE, 'n', '-', "", "other.co.uk"},
    {"bad.example.org", NULL, NULL, DMARC_PERMERROR, 'n', '-', "bad.example.org", "example.org"},
    {"example.edu", NULL, NULL, DMARC_FAIL, 'q', 'p', "example.edu", "example.edu"},
    {"example.info", NULL, NULL, DMARC_NONE, 'n', '-', "", "example.info"},
    {"example.org", "example.org", NULL, DMARC_NONE, 'n', '-', "", "example.org"},
    {"example.test", NULL, NULL, DMARC_FAIL, 'r', 'p', "example.test", ""},
    {"a.example.test", NULL, NULL, DMARC_NONE, 'n', '-', "", ""},
};

static void dmarc_results(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof dmarc_cases / sizeof *dmarc_cases; i++) {
        struct dmarc_identifier ids[3] = {{STR("never.test"), DMARC_AUTH_FAIL, false}};
        size_t n = 1;
        if (dmarc_cases[i].spf)
            ids[n++] = (struct dmarc_identifier){str_of(dmarc_cases[i].spf), DMARC_AUTH_PASS, true};
        if (dmarc_cases[i].dkim)
            ids[n++] =
                (struct dmarc_identifier){str_of(dmarc_cases[i].dkim), DMARC_AUTH_PASS, false};
        struct dmarc_outcome got = dmarc(dmarc_cases[i].author, ids, n);
        if (got.result != dmarc_cases[i].want ||
            *dmarc_policy_name(got.policy) != dmarc_cases[i].policy ||
            got.policy_tag != dmarc_cases[i].tag)
            fail_msg("%s (case %zu): %s, %s of %c (%.*s)", dmarc_cases[i].author, i,
                     dmarc_result_name(got.result), dmarc_policy_name(got.policy), got.policy_tag,
                     STR_ARG(got.reason));
        assert_str(got.record_domain, dmarc_cases[i].record);
        assert_str(got.organizational_domain, dmarc_cases[i].organizational);
        assert_int_equal(got.spf_aligned, got.result == DMARC_PASS && dmarc_cases[i].spf);
        assert_int_equal(got.dkim_aligned, got.result == DMARC_PASS && dmarc_cases[i].dkim);
    }
}

/* Nothing of one message is left for the next. */
static void dmarc_forgets(void **state)
{
    (void)state;
    const struct dmarc_identifier id = {STR("example.com"), DMARC_AUTH_PASS, true};
    struct dmarc_outcome got = dmarc("example.com", &id, 1);
    assert_int_equal(got.result, DMARC_PASS);
    assert_int_equal(got.record.adkim, DMARC_STRICT);
    assert_int_equal(got.record.aspf, DMARC_RELAXED);
    got = dmarc("example.com", NULL, 0);
    assert_int_equal(got.result, DMARC_FAIL);
    got = dmarc("example.net", NULL, 0);
    assert_int_equal(got.record.adkim, DMARC_RELAXED);
    assert_int_equal(got.record.sp, DMARC_P_QUARANTINE);
    assert_true(got.record.has_sp);
    assert_int_equal(got.policy_tag, 'p');
    got = dmarc("example.edu", NULL, 0);
    assert_false(got.record.has_sp);
}

static int setup(void **state)
{
    talk_begin(&talk);
    return dkim_setup(state);
}

static int teardown(void **state)
{
    int status = talk_end(&talk);
    dkim_teardown(state);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hellos),
        cmocka_unit_test(spf_results),
        cmocka_unit_test(spf_explains),
        cmocka_unit_test(spf_counts),
        cmocka_unit_test(spf_refuses),
        cmocka_unit_test(dkim_results),
        cmocka_unit_test(dkim_details),
        cmocka_unit_test(dkim_ed25519),
        cmocka_unit_test(dkim_changed),
        cmocka_unit_test(dkim_settings),
        cmocka_unit_test(dkim_several),
        cmocka_unit_test(dkim_large_body),
        cmocka_unit_test(dkim_large_header),
        cmocka_unit_test(dkim_refuses),
        cmocka_unit_test(dmarc_results),
        cmocka_unit_test(dmarc_forgets),
    };
    if (argc != 2)
        return 64;
    program = argv[1];
    return cmocka_run_group_tests(tests, setup, teardown);
}
