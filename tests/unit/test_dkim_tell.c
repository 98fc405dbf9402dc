/* How signatures are told to people: what others chose is cut. */
#include "test.h"

#include <string.h>

#include "telling_util.h"

/* The algorithm is what a= says, whatever that is: forty bytes of it are shown. */
static void algorithms(void **state)
{
    static const struct {
        size_t given, shown;
        const char *end;
    } cases[] = {{10, 10, "\n"}, {40, 40, "\n"}, {41, 37, "...\n"}, {400, 37, "...\n"}};
    struct arena *a = arena_new(0);
    char letters[400];
    (void)state;
    memset(letters, 'q', sizeof letters);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct dkim_signature s = {.result = DKIM_NEUTRAL,
                                         .domain = STR("a.example"),
                                         .selector = STR("s"),
                                         .algorithm = {letters, cases[i].given}};
        const struct evidence e = {.dkim = {.checked = true, .n = 1, .signatures = &s}};
        struct strbuf b;
        sb_init(&b, a);
        stage_dkim_verify.telling->text(&(struct telling){.evidence = &e, .arena = a}, &b);
        struct str want = str_printf(a, "  DKIM     neutral d=a.example s=s %.*s%s",
                                     (int)cases[i].shown, letters, cases[i].end);
        assert_str(sb_str(&b), want.p);
    }
    arena_free(a);
}

/* A field is delivered in another form only with the signature that was made of that form. */
static void edits(void **state)
{
    static const struct str values[] = {STR_INIT(" v=1; d=a.example")};
    static const struct dkim_rewritten rewritten[] = {
        {.name = STR_INIT("To"), .ordinal = 1, .value = STR_INIT(" b@mx.example")}};
    static const struct {
        const struct str *values;
        size_t n, edits;
    } cases[] = {{values, 1, 2}, {values, 0, 0}, {NULL, 0, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena *a = arena_new(0);
        const struct evidence e = {.signing = {.tried = true,
                                               .values = cases[i].values,
                                               .n = cases[i].n,
                                               .n_rewritten = 1,
                                               .rewritten = rewritten}};
        struct edit_list out = {0};
        stage_dkim_sign.telling->edits(&(struct telling){.evidence = &e, .arena = a}, &out);
        assert_int_equal(out.n, cases[i].edits);
        arena_free(a);
    }
}

struct signing_case {
    struct evidence_signing signing;
    const char *text, *json;
};

static const struct dkim_signing_key told_keys[] = {
    {STR_INIT("a.example"), STR_INIT("s1"), NULL},
    {STR_INIT("b.example"), STR_INIT("s2"), NULL},
};

static const struct signing_case signing_cases[] = {
    {{.why = STR_INIT("not ours")},
     "",
     "\"signed_with\": [],\"signing_reason\": \"not ours\",\"signing_risks\": []"},
    {{.tried = true, .why = STR_INIT("no key for a.example"), .risks = DKIM_RISK_8BIT},
     "  signing  not signed: no key for a.example\n",
     "\"signed_with\": [],\"signing_reason\": \"no key for a.example\",\"signing_risks\": []"},
    {{.tried = true, .why = STR_INIT("SMTP AUTH ann"), .problem = STR_INIT("OpenSSL cannot")},
     "  signing  not signed: OpenSSL cannot\n",
     "\"signed_with\": [],\"signing_reason\": \"OpenSSL cannot\",\"signing_risks\": []"},
    {{.tried = true,
      .why = STR_INIT("SMTP AUTH ann"),
      .n = 2,
      .keys = told_keys,
      .risks = DKIM_RISK_FROM | DKIM_RISK_8BIT},
     "  signing  d=a.example s=s1: SMTP AUTH ann\n"
     "  signing  d=b.example s=s2: SMTP AUTH ann\n"
     "  signing  risk: from\n"
     "  signing  risk: 8bit\n",
     "\"signed_with\": [{\"domain\": \"a.example\",\"selector\": \"s1\"},"
     "{\"domain\": \"b.example\",\"selector\": \"s2\"}],"
     "\"signing_reason\": \"SMTP AUTH ann\",\"signing_risks\": [\"from\",\"8bit\"]"},
    {{.tried = true,
      .why = STR_INIT("SMTP AUTH ann"),
      .n = 1,
      .keys = told_keys,
      .risks = DKIM_RISK_LONG_LINE},
     "  signing  d=a.example s=s1: SMTP AUTH ann\n  signing  risk: long-line\n",
     "\"signed_with\": [{\"domain\": \"a.example\",\"selector\": \"s1\"}],"
     "\"signing_reason\": \"SMTP AUTH ann\",\"signing_risks\": [\"long-line\"]"},
};

/* Each key that signed and each risk is told, to people and to programs. */
static void signing(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof signing_cases / sizeof *signing_cases; i++) {
        struct arena *a = arena_new(0);
        const struct evidence e = {.signing = signing_cases[i].signing};
        const struct telling t = {.evidence = &e, .arena = a};
        assert_str(told_to_people(&stage_dkim_sign, &t), signing_cases[i].text);
        assert_str(told_to_programs(&stage_dkim_sign, &t), signing_cases[i].json);
        arena_free(a);
    }
}

/* --- what was verified --- */

#define SIGNED(r, ...)                                                                             \
    {                                                                                              \
        .result = (r), .domain = STR_INIT("a.example"), .selector = STR_INIT("s"), __VA_ARGS__     \
    }

struct verified_case {
    struct evidence_dkim dkim;
    const char *header, *log, *text, *counted;
};

static const struct dkim_signature rsa[] = {
    SIGNED(DKIM_PASS, .algorithm = STR_INIT("rsa-sha256"), .identity = STR_INIT("@a.example"),
           .b_start = STR_INIT("abcdefgh"), .key_type = KEY_RSA, .key_bits = 2048)};
static const struct dkim_signature ed25519[] = {
    SIGNED(DKIM_PASS, .algorithm = STR_INIT("ed25519-sha256"), .key_type = KEY_ED25519,
           .key_bits = 256, .testing = true, .security = DNS_SECURE)};
static const struct dkim_signature odd[] = {
    SIGNED(DKIM_PERMERROR, .algorithm = STR_INIT("r\xc3\xa4"))};
static const struct dkim_signature failed[] = {
    SIGNED(DKIM_FAIL, .reason = STR_INIT("body hash differs"))};
static const struct dkim_signature broken[] = {
    {.result = DKIM_PERMERROR, .reason = STR_INIT("no tags")}};
static const struct dkim_signature six[] = {
    SIGNED(DKIM_PASS, .key_bits = 0),      SIGNED(DKIM_FAIL, .key_bits = 0),
    SIGNED(DKIM_POLICY, .key_bits = 0),    SIGNED(DKIM_NEUTRAL, .key_bits = 0),
    SIGNED(DKIM_TEMPERROR, .key_bits = 0), SIGNED(DKIM_PERMERROR, .key_bits = 0)};

#define LINE(word) "  DKIM     " word " d=a.example s=s \n"

static const struct verified_case verified_cases[] = {
    {{.checked = false}, "none", "", "", ""},
    {{.checked = true}, "dkim=none", " dkim=none", "  DKIM     no signature\n", "dkim-none=1"},
    {{.checked = true, .n = 1, .signatures = rsa},
     "dkim=pass (2048-bit rsa) header.d=a.example header.i=@a.example header.s=s "
     "header.a=rsa-sha256 header.b=abcdefgh",
     " dkim=pass(a.example/s)",
     "  DKIM     pass d=a.example s=s rsa-sha256, key of 2048 bits\n",
     "dkim-pass=1"},
    {{.checked = true, .n = 1, .signatures = ed25519},
     "dkim=pass (256-bit ed25519, dnssec, testing) header.d=a.example header.s=s "
     "header.a=ed25519-sha256",
     " dkim=pass(a.example/s)",
     "  DKIM     pass d=a.example s=s ed25519-sha256, key of 256 bits in testing mode\n",
     "dkim-pass=1"},
    {{.checked = true, .n = 1, .signatures = failed},
     "dkim=fail reason=\"body hash differs\" header.d=a.example header.s=s",
     " dkim=fail(a.example/s)",
     "  DKIM     fail d=a.example s=s : body hash differs\n",
     "dkim-fail=1"},
    {{.checked = true, .n = 1, .signatures = odd},
     "dkim=permerror header.d=a.example header.s=s header.a=\"r\xc3\xa4\"",
     " dkim=permerror(a.example/s)",
     "  DKIM     permerror d=a.example s=s r\xc3\xa4\n",
     "dkim-permerror=1"},
    {{.checked = true, .n = 1, .signatures = broken},
     "dkim=permerror reason=\"no tags\"",
     " dkim=permerror",
     "  DKIM     permerror d= s= : no tags\n",
     "dkim-permerror=1"},
    {{.checked = true, .n = 5, .signatures = six},
     "dkim=pass header.d=a.example header.s=s; dkim=fail header.d=a.example header.s=s; "
     "dkim=policy header.d=a.example header.s=s; dkim=neutral header.d=a.example header.s=s; "
     "dkim=temperror header.d=a.example header.s=s",
     " dkim=pass(a.example/s),fail(a.example/s),policy(a.example/s),neutral(a.example/s),"
     "temperror(a.example/s)",
     LINE("pass") LINE("fail") LINE("policy") LINE("neutral") LINE("temperror"),
     "dkim-pass=1 dkim-fail=1 dkim-policy=1 dkim-neutral=1 dkim-temperror=1"},
    {{.checked = true, .n = 6, .skipped = 3, .signatures = six},
     "dkim=pass header.d=a.example header.s=s; dkim=fail header.d=a.example header.s=s; "
     "dkim=policy header.d=a.example header.s=s; dkim=neutral header.d=a.example header.s=s; "
     "dkim=temperror header.d=a.example header.s=s; dkim=permerror header.d=a.example header.s=s",
     " dkim=pass(a.example/s),fail(a.example/s),policy(a.example/s),neutral(a.example/s),"
     "temperror(a.example/s),+4",
     LINE("pass") LINE("fail") LINE("policy") LINE("neutral") LINE("temperror") LINE(
         "permerror") "           3 older signatures were not evaluated (dkim.max-signatures)\n",
     "dkim-pass=1 dkim-fail=1 dkim-policy=1 dkim-neutral=1 dkim-temperror=1 dkim-permerror=1 "
     "dkim-signatures-skipped=3"},
    {{.checked = true, .n = 1, .skipped = 2, .signatures = failed},
     "dkim=fail reason=\"body hash differs\" header.d=a.example header.s=s",
     " dkim=fail(a.example/s),+2",
     "  DKIM     fail d=a.example s=s : body hash differs\n"
     "           2 older signatures were not evaluated (dkim.max-signatures)\n",
     "dkim-fail=1 dkim-signatures-skipped=2"},
};

static void verified(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof verified_cases / sizeof *verified_cases; i++) {
        const struct verified_case *c = &verified_cases[i];
        struct arena *a = arena_new(0);
        const struct evidence e = {.dkim = c->dkim};
        const struct telling t = {.evidence = &e, .arena = a};
        assert_str(told_in_header(&stage_dkim_verify, &t), c->header);
        assert_str(told_in_log(&stage_dkim_verify, &t), c->log);
        assert_str(told_to_people(&stage_dkim_verify, &t), c->text);
        counted(a);
        stage_dkim_verify.telling->count(&t);
        assert_str(counted(a), c->counted);
        arena_free(a);
    }
}

/* Where the body does not fit, assay check tells what explains it. */
static void bodies(void **state)
{
    static const struct dkim_signature two[] = {SIGNED(DKIM_FAIL, .key_bits = 0),
                                                SIGNED(DKIM_PASS, .testing = true)};
    static const struct told_body told[] = {
        {.canonicalization = STR_INIT("simple/simple"), .differs = true},
        {.canonicalization = STR_INIT("relaxed/relaxed"), .change = STR_INIT("a footer")}};
    const struct evidence e = {.dkim = {.checked = true, .n = 2, .signatures = two}};
    struct arena *a = arena_new(0);
    struct told_body changed[2] = {told[0], told[1]};
    const struct telling t = {.evidence = &e, .arena = a, .bodies = changed};
    (void)state;
    assert_str(
        told_to_people(&stage_dkim_verify, &t),
        LINE("fail") "           the body was signed with c=simple/simple; no footer, transfer "
                     "encoding, quoting or white space explains the difference\n" LINE("pass"));
    changed[1].differs = true;
    assert_str(
        told_to_people(&stage_dkim_verify, &t),
        LINE("fail") "           the body was signed with c=simple/simple; no footer, transfer "
                     "encoding, quoting or white space explains the difference\n" LINE(
                         "pass") "           the body was signed with c=relaxed/relaxed; a "
                                 "footer\n");
#define PROGRAM(result, testing, canon, change)                                                    \
    "{\"result\": \"" result "\",\"reason\": null,\"domain\": \"a.example\",\"selector\": \"s\","  \
    "\"algorithm\": null,\"key_bits\": 0,\"identity\": null,\"testing\": " testing                 \
    ",\"canonicalization\": " canon ",\"body_change\": " change "}"
    assert_str(told_to_programs(&stage_dkim_verify, &t),
               "\"dkim\": [" PROGRAM("fail", "false", "\"simple/simple\"", "null") "," PROGRAM(
                   "pass", "true", "\"relaxed/relaxed\"", "\"a footer\"") "]");
    assert_str(told_to_programs(&stage_dkim_verify, &(struct telling){.evidence = &e, .arena = a}),
               "\"dkim\": [" PROGRAM("fail", "false", "null",
                                     "null") "," PROGRAM("pass", "true", "null", "null") "]");
    arena_free(a);
}

/* A word of the log has no blank, wherever it was. */
static void words(void **state)
{
    struct arena *a = arena_new(0);
    (void)state;
    assert_str(telling_word(a, STR("x")), "x");
    assert_str(telling_word(a, STR(" x")), "\\x20x");
    assert_str(telling_word(a, STR("x y ")), "x\\x20y\\x20");
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(algorithms), cmocka_unit_test(edits),  cmocka_unit_test(signing),
        cmocka_unit_test(verified),   cmocka_unit_test(bodies), cmocka_unit_test(words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
