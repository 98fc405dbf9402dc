/* How signatures are told to people: what others chose is cut. */
#include "test.h"

#include <string.h>

#include "core/stage.h"
#include "core/telling.h"

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
        cmocka_unit_test(words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
