/* header: lists, unfolding, whole messages, folding. */
#include "test.h"

#include "mail/header.h"

static void lists(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct header_list h;
    header_list_init(&h, a);
    for (int i = 0; i < 100; i++)
        header_list_add(&h, i % 2 ? STR("To") : STR("FROM"), str_printf(a, " %d", i));
    header_list_add(&h, STR("From \t"), STR("odd"));
    assert_int_equal(h.n, 101);
    assert_int_equal(header_count(&h, STR("from")), 51);
    assert_int_equal(header_count(&h, STR("Fro")), 0);
    assert_str(header_get(&h, STR("From"), 0)->value, " 0");
    assert_str(header_get(&h, STR("to"), 2)->value, " 5");
    assert_str(header_get(&h, STR("From"), 50)->value, "odd");
    assert_str(header_get(&h, STR("From"), 50)->name, "From");
    assert_str(header_written_name(header_get(&h, STR("From"), 50)), "From \t");
    assert_null(header_get(&h, STR("From"), 51));
    const struct header_list *view = header_list_view(a, &h);
    assert_int_equal(view->n, 101);
    for (size_t i = 0; i < 101; i++)
        assert_ptr_equal(view->fields[i].value.p, h.fields[i].value.p);
    h.n = 100; /* what stands behind the last one is none */
    assert_int_equal(header_count(&h, STR("From")), 50);
    assert_null(header_get(&h, STR("From"), 50));
    h.n = 0;
    assert_int_equal(header_list_view(a, &h)->n, 0);
    arena_free(a);
}

/* An estimate from above, which is exact but for the rounding of two texts. */
static void what_a_field_costs(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct header_list h;
    struct str name = STR("A-Name-of-15-By");
    header_list_init(&h, a);
    for (size_t i = 0; i < 300; i++) {
        struct str value = {arena_alloc(a, 100 + i), 100 + i};
        size_t before = arena_used(a), cost = header_list_cost(&h, name.n + value.n);
        header_list_add(&h, name, value);
        size_t used = arena_used(a) - before;
        assert_in_range(cost, used, used + 4 * sizeof(max_align_t) - 2);
    }
    arena_free(a);
}

/* A text that begins within another one. */
static void message_within_a_text(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct header_list h;
    struct str text = STR("\r\nA:1\n"), body;
    header_list_init(&h, a);
    header_parse_message(&h, str_sub(text, 1, text.n), &body);
    assert_int_equal(h.n, 0);
    assert_str(body, "A:1\n");
    header_parse_message(&h, STR_NONE, &body);
    assert_int_equal(h.n, 0);
    assert_int_equal(body.n, 0);
    arena_free(a);
}

/* RFC 5322 3.6.8 */
static void names(void **state)
{
    (void)state;
    assert_true(header_is_name(STR("X")));
    assert_true(header_is_name(STR("!~")));
    assert_true(header_is_name(STR("X-Spam.Flag_1")));
    assert_false(header_is_name(STR("")));
    assert_false(header_is_name(STR(":")));
    assert_false(header_is_name(STR("X Y")));
    assert_false(header_is_name(STR("X\x7f")));
    assert_false(header_is_name(STR("X\xc3\xa9")));
    assert_false(header_is_name(STR("X\0")));
}

static void copies(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct header_list h;
    char text[] = "value";
    header_list_init(&h, a);
    header_list_add(&h, STR("X"), str_of(text));
    text[0] = 'V';
    assert_str(h.fields[0].value, "value");
    arena_free(a);
}

static void unfolding(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    assert_str(header_unfold(a, STR(" plain text ")), "plain text");
    assert_str(header_unfold(a, STR(" a\n b\r\n\tc")), "a b\tc");
    assert_str(header_unfold(a, STR("a\rb\nc\n")), "abc");
    assert_str(header_unfold(a, STR("a\rb")), "ab");
    assert_str(header_unfold(a, STR("a\nb")), "ab");
    assert_str(header_unfold(a, STR(" \r\n ")), "");
    assert_str(header_unfold(a, STR("")), "");
    arena_free(a);
}

struct message_case {
    struct str message;
    const char *fields; /* "name|value;" for each */
    const char *body;
};

static const struct message_case message_cases[] = {
    {STR_INIT("A: 1\nB:2\n\nbody\n"), "A| 1;B|2;", "body\n"},
    {STR_INIT("A: 1\r\nB:2\r\n\r\nbody\r\n"), "A| 1;B|2;", "body\r\n"},
    {STR_INIT("A: 1\r\n 2\r\n\t\r\nB:2\r\n\r\n"), "A| 1\r\n 2\r\n\t;B|2;", ""},
    {STR_INIT("A : 1\nB\t:2\n"), "A| 1;B|2;", ""},
    {STR_INIT("A:1\nno field\nB:2\n"), "A|1;", "no field\nB:2\n"},
    {STR_INIT("A:1\nb c: 2\n\n"), "A|1;", "b c: 2\n\n"},
    {STR_INIT("A:1\n:2\n"), "A|1;", ":2\n"},
    {STR_INIT(" A:1\nB:2\n\nx"), "", " A:1\nB:2\n\nx"},
    {STR_INIT("\nA:1\n"), "", "A:1\n"},
    {STR_INIT("\r\nA:1\n"), "", "A:1\n"},
    {STR_INIT("A:1"), "A|1;", ""},
    {STR_INIT("A:1\n b"), "A|1\n b;", ""},
    {STR_INIT("A:"), "A|;", ""},
    {STR_INIT("A:1\n\n\nx"), "A|1;", "\nx"},
    {STR_INIT("A:x\ry\n\n"), "A|x\ry;", ""}, /* a bare CR ends no line */
    {STR_INIT("A:x\r"), "A|x\r;", ""},
    {STR_INIT("A:x\n "), "A|x\n ;", ""},
    {STR_INIT("A:x\n\r"), "A|x;", "\r"},
    {STR_INIT("A:x\ny"), "A|x;", "y"},
    {STR_INIT("A \t"), "", "A \t"},
    {STR_INIT("A"), "", "A"},
    {STR_INIT("A\x7f: 1\n"), "", "A\x7f: 1\n"},
    {STR_INIT("!~: 1\n"), "!~| 1;", ""},
    {STR_INIT("caf\xc3\xa9: 1\n"), "", "caf\xc3\xa9: 1\n"},
    {STR_INIT(""), "", ""},
};

static void messages(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof message_cases / sizeof *message_cases; i++) {
        struct arena *a = arena_new(0);
        struct header_list h;
        struct str body;
        struct strbuf fields;
        header_list_init(&h, a);
        header_parse_message(&h, at_page_end(message_cases[i].message), &body);
        sb_init(&fields, a);
        for (size_t k = 0; k < h.n; k++) {
            sb_add(&fields, h.fields[k].name);
            sb_addc(&fields, '|');
            sb_add(&fields, h.fields[k].value);
            sb_addc(&fields, ';');
        }
        assert_str(sb_str(&fields), message_cases[i].fields);
        assert_str(body, message_cases[i].body);
        arena_free(a);
    }
}

static void folds(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct header_folder f;
    char seventy[70];
    memset(seventy, 'x', sizeof seventy);
    folder_init(&f, a, 2); /* "N:" */
    folder_add(&f, true, STR("a"));
    folder_add(&f, false, STR(";"));
    folder_add(&f, true, (struct str){seventy, 70});
    folder_add(&f, true, STR("b")); /* column 78: still on the line */
    folder_add(&f, true, STR("c"));
    folder_break(&f);
    folder_add(&f, false, (struct str){seventy, 70});
    folder_add(&f, true, STR("123456")); /* 1 + 70 + 7 = 78 */
    folder_add(&f, false, STR("glued past the limit"));
    struct str s = folder_str(&f);
    struct str line;
    assert_true(str_split(&s, '\n', &line));
    assert_int_equal(line.n, 76);
    assert_true(str_ends_nocase(line, STR("x b")));
    assert_true(str_split(&s, '\n', &line));
    assert_str(line, "\tc");
    assert_true(str_split(&s, '\n', &line));
    assert_int_equal(line.n, 78 + 20);
    folder_init(&f, a, 0);
    folder_break(&f);
    folder_add(&f, false, (struct str){seventy, 70});
    folder_add(&f, true, STR("1234567")); /* and 79 */
    assert_true(str_ends_nocase(folder_str(&f), STR("x\n\t1234567")));
    arena_free(a);
}

static void folds_exactly_behind_78(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    for (size_t n = 60; n < 90; n++) {
        struct header_folder f;
        char atom[90];
        memset(atom, 'x', n);
        folder_init(&f, a, 5);
        folder_add(&f, true, (struct str){atom, n});
        assert_int_equal(folder_str(&f).p[0], 5 + 1 + n <= 78 ? ' ' : '\n');
    }
    arena_free(a);
}

static void folds_within_an_atom(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct header_folder f;
    folder_init(&f, a, 60);
    f.reserve = 1;
    folder_add_piece(&f, STR("\"12345678901234567")); /* 60 + 18 */
    assert_int_equal(f.column, 1 + 18);
    folder_add_piece(&f, STR(" x\""));
    folder_add(&f, false, STR(";"));
    assert_str(folder_str(&f), "\n\t\"12345678901234567 x\";");
    folder_init(&f, a, 60);
    folder_add_piece(&f, STR("\"12345678901234567"));
    folder_add_piece(&f, STR(" x\""));
    assert_int_equal(f.column, 3);
    assert_str(folder_str(&f), "\"12345678901234567\n x\"");
    folder_init(&f, a, 78);
    folder_add_piece(&f, STR(" "));
    assert_str(folder_str(&f), "\n ");
    char atom[78];
    memset(atom, 'x', sizeof atom);
    assert_true(folder_fits_line(&f, (struct str){atom, 77}));
    assert_false(folder_fits_line(&f, (struct str){atom, 78}));
    f.reserve = 1;
    assert_false(folder_fits_line(&f, (struct str){atom, 77}));
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists),
        cmocka_unit_test(what_a_field_costs),
        cmocka_unit_test(names),
        cmocka_unit_test(copies),
        cmocka_unit_test(unfolding),
        cmocka_unit_test(messages),
        cmocka_unit_test(message_within_a_text),
        cmocka_unit_test(folds),
        cmocka_unit_test(folds_exactly_behind_78),
        cmocka_unit_test(folds_within_an_atom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
