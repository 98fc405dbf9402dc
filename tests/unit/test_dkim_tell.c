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
        cmocka_unit_test(algorithms),
        cmocka_unit_test(edits),
        cmocka_unit_test(signing),
        cmocka_unit_test(words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
