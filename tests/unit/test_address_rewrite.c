/* settled: the form in which header fields are delivered, as measured with Sendmail 8.17 and
 * Postfix 3.7. The e2e ring asks both again (tests/e2e/sweep.py). */
#include "test.h"

#include "mail/address_rewrite.h"

/* Lists that are seen to be settled without being written. */
static const struct str settled[] = {
    STR_INIT(" a@far.example"),
    STR_INIT(" a@far.example, b@far.example"),
    STR_INIT(" a@far.example,\n b@far.example,\n\tc@far.example"),
    STR_INIT(" \"A B\"<a@far.example>"),
    STR_INIT(" \"A B\" <a@far.example>"),
    STR_INIT(" A B <a@far.example>, C<c@far.example>"),
    STR_INIT(" A \"B\" C <a@far.example>"),
    STR_INIT(" <A@FAR.Example>"),
    STR_INIT(" \"Doe, John O'Doe\" <a@far.example>"),
    STR_INIT(" \"x\\\"y\" <a@far.example>"),
    STR_INIT(" \"a b\"@far.example"),
    STR_INIT(" a%b@far.example, x!y@far.example, o'brien@far.example"),
    STR_INIT(" <o'brien@far.example>"),
    STR_INIT(" =?utf-8?q?J=C3=BCrgen?= <a@far.example>"),
    STR_INIT(" J\xC3\xBCrgen \x80 <a@far.example>"),
    STR_INIT(" b\xC3\xBC@far.example"),
    STR_INIT(" undisclosed-recipients:;"),
    STR_INIT(" Undisclosed-Recipients: ;"),
};

static void sees_what_is_settled(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof settled / sizeof *settled; i++)
        if (!address_list_is_stable(settled[i]))
            fail_msg("%.*s: not settled", STR_ARG(settled[i]));
}

#define MAY_CHANGE "may change"
#define AS_IT_IS   "as it is"

struct form {
    const char *given, *want; /* MAY_CHANGE, AS_IT_IS, or the value that is settled */
};

/* What is not seen at once. */
static const struct form lists[] = {
    {"", AS_IT_IS},
    {" ", AS_IT_IS},
    /* commas */
    {" a@x.example,b@x.example", " a@x.example, b@x.example"},
    {" a@x.example ,b@x.example", " a@x.example, b@x.example"},
    {" a@x.example , b@x.example", " a@x.example, b@x.example"},
    {" a@x.example\n\t,b@x.example", " a@x.example, b@x.example"},
    {" a@x.example, ", " a@x.example"},
    {" , a@x.example", " a@x.example"},
    {" a@x.example ,", " a@x.example"},
    {" ,,a@x.example,,b@x.example,", " a@x.example, b@x.example"},
    {" \"Doe, J\" <a@x.example>,B <b@x.example>", " \"Doe, J\" <a@x.example>, B <b@x.example>"},
    {" \"a\\\",b\" <a@x.example>,b@x.example", " \"a\\\",b\" <a@x.example>, b@x.example"},
    {" ,", MAY_CHANGE},
    /* display names */
    {" Conan O'Brien <c@x.example>", " \"Conan O'Brien\" <c@x.example>"},
    {" Dr. Alice <a@x.example>", " \"Dr. Alice\" <a@x.example>"},
    {" A.B. <a@x.example>", " \"A.B.\" <a@x.example>"},
    {" A . B <a@x.example>", " \"A . B\" <a@x.example>"},
    {" 'a b' <a@x.example>", " \"'a b'\" <a@x.example>"},
    {" 'a <a@x.example>", " \"'a\" <a@x.example>"},
    {" Alice\n\t O'Brien <a@x.example>", " \"Alice O'Brien\" <a@x.example>"},
    {" \"A\\\\\" O'B <a@x.example>", " \"A\\\\ O'B\" <a@x.example>"},
    {" \"A \\\"x\\\"\" O'B <a@x.example>", " \"A \\\"x\\\" O'B\" <a@x.example>"},
    {" \"A\\b\" C. <a@x.example>", " \"Ab C.\" <a@x.example>"},
    {" O'B\xE9 <a@x.example>", " \"O'B\xE9\" <a@x.example>"},
    {" O'B\"a\" <a@x.example>", " \"O'Ba\" <a@x.example>"},
    {" o'brien", MAY_CHANGE},
    {" .<a@x.example>", " \".\" <a@x.example>"},
    {" Dr. A<a@x.example>", " \"Dr. A\" <a@x.example>"},
    {" A B<a@x.example>,<b@x.example>", " A B <a@x.example>, <b@x.example>"},
    {" =?ab= O'B <a@x.example>", " =?ab= \"O'B\" <a@x.example>"},
    {" =?utf-8?q?a?= O'?t <a@x.example>", " =?utf-8?q?a?= \"O'?t\" <a@x.example>"},
    /* encoded words are none in quotes */
    {" =?utf-8?q?J=C3=BCrgen?= O'Brien Jr. <a@x.example>",
     " =?utf-8?q?J=C3=BCrgen?= \"O'Brien\" \"Jr.\" <a@x.example>"},
    {" =?utf-8?Q?J=C3=BCr.gen_O'B?= X <a@x.example>",
     " =?utf-8?Q?J=C3=BCr=2Egen_O=27B?= X <a@x.example>"},
    {" =?utf-8?b?SsO8cmdlbg==?= \"a\"b. <a@x.example>",
     " =?utf-8?b?SsO8cmdlbg==?= \"ab.\" <a@x.example>"},
    {" =?utf-8?b?Ss.8?= <a@x.example>", MAY_CHANGE},
    {" =?utf-8?q?J=C3?=. <a@x.example>", MAY_CHANGE},
    {" =?utf-8?q?a.b= <a@x.example>", MAY_CHANGE},
    {" =?utf-8?q?a.b? <a@x.example>", MAY_CHANGE},
    {" =?utf-8?qx?a.b?= <a@x.example>", MAY_CHANGE},
    {" =?x?q?a.b?= <a@x.example>", " =?x?q?a=2Eb?= <a@x.example>"},
    {" =??q?a.b?= <a@x.example>", MAY_CHANGE},
    {" =??q?q?a.b?= <a@x.example>", MAY_CHANGE},
    {" =?u.f-8?q?a?= <a@x.example>", MAY_CHANGE},
    {" =?utf-8.?q?a?= <a@x.example>", MAY_CHANGE},
    {" =?utf-8'?q?a?= <a@x.example>", MAY_CHANGE},
    {" =?utf-8?q?.......................................................?= <a@x.example>",
     MAY_CHANGE}, /* more than 75 */
    {" =?.?= <a@x.example>", MAY_CHANGE},
    {" =?utf-8?q?a,b?= <a@x.example>", MAY_CHANGE},
    /* addresses */
    {" < a @ x . example >", " <a@x.example>"},
    {" a @ x.example", " a@x.example"},
    {" x . \"y\" . z@x.example", " x.\"y\".z@x.example"},
    {" x..y.@x.example", AS_IT_IS},
    {" a@x.example.", " a@x.example"},
    {" a @ x.y", " a@x.y"},
    {" A <a@x.example.>", " A <a@x.example>"},
    {" <@y.example,@z.example.:a@x.example>", " <a@x.example>"},
    {" A <@y.example:a@x.example>", " A <a@x.example>"},
    {" <@y:a@x.example>", " <a@x.example>"},
    {" <@y.:a@x.example>", " <a@x.example>"},
    {" < @y . example , @z.example : a@x.example>", " <a@x.example>"},
    {" <@y.example a@x.example>", MAY_CHANGE},
    {" <@y.example,a@x.example>", MAY_CHANGE},
    {" <@:a@x.example>", MAY_CHANGE},
    {" <@\"a\"@x.example>", MAY_CHANGE},
    {" <@y.example", MAY_CHANGE},
    {" @y.example:a@x.example", MAY_CHANGE},
    {" bob", MAY_CHANGE},
    {" bob,a@x.example", MAY_CHANGE},
    {" Bob <bob>", MAY_CHANGE},
    {" a!b", MAY_CHANGE},
    {" a@localhost", MAY_CHANGE},
    {" a@localhost.", MAY_CHANGE},
    {" a@[192.0.2.1]", MAY_CHANGE},
    {" a@b@x.example", MAY_CHANGE},
    {" a b@x.example", MAY_CHANGE},
    {" \"a\"b@x.example", MAY_CHANGE},
    {" \xE2\x82\xAC@x.example", MAY_CHANGE},
    {" a@\xE2\x82\xAC.example", MAY_CHANGE},
    {" A <\xFF@x.example>", MAY_CHANGE},
    {" a\x9F@x.example", MAY_CHANGE},
    {" a@x.\x9F", MAY_CHANGE},
    {" A <a@x.example\xFF>", MAY_CHANGE},
    {" \xA0@x.example", AS_IT_IS},
    {" @x.example", MAY_CHANGE},
    {" <>", MAY_CHANGE},
    {" A <>", MAY_CHANGE},
    /* comments */
    {" a@x.example (A B)", AS_IT_IS},
    {" a@x.example (A) (B), b@x.example (a (b) \\) c)", AS_IT_IS},
    {" A <a@x.example> (c)", AS_IT_IS},
    {" a@x.example(A B)", " a@x.example (A B)"},
    {" (A)(B)a@x.example", " a@x.example (A) (B)"},
    {" (c) <a@x.example>", " <a@x.example> (c)"},
    {" A (c) B. <a(d)@(e)x(f).example>(g)", " \"A B.\" <a@x.example> (c) (d) (e) (f) (g)"},
    {" a@x.example (c\n\td),b@x.example", " a@x.example (c\td), b@x.example"},
    {" a@x.example, (c) b@x.example", " a@x.example, b@x.example (c)"},
    {" A(c) <a@x.example>", " A <a@x.example> (c)"},
    {" A (c) <a@x.example>", " A <a@x.example> (c)"},
    {" a@x.example, (c)", MAY_CHANGE},
    {" (no end", MAY_CHANGE},
    {" a@x.example (no end", MAY_CHANGE},
    {" a@x.example, (no end", MAY_CHANGE},
    {" a@x.example.(no end", MAY_CHANGE},
    /* groups */
    {" g:;", AS_IT_IS},
    {" g: ;", " g:;"},
    {" g: a@x.example, B <b@x.example>;", AS_IT_IS},
    {" g: a@x.example, \t b@x.example;\t", AS_IT_IS},
    /* folded as it is written, which is white space */
    {" g: aaaaaaaaaaaaaaaaaaaaaaaaaaaa@far.example, bbbbbbbbbbbbbbbbbbbbbbbbbbbb@far.example;",
     AS_IT_IS},
    {" c@x.example, g: a@x.example (c);, b@x.example", AS_IT_IS},
    {" friends:a@x.example,b@x.example;", " friends: a@x.example, b@x.example;"},
    {" a.b :;", " \"a.b\":;"},
    {" o'b: O'C <a@x.example>;", " \"o'b\": \"O'C\" <a@x.example>;"},
    {" undisclosed-recipients:", MAY_CHANGE},
    {" g: a@x.example", MAY_CHANGE},
    {" g: (c);", MAY_CHANGE},
    {" g: (c);, b@x.example", MAY_CHANGE},
    {" g (c): a@x.example;", MAY_CHANGE},
    {" g: a@x.example; (c)", MAY_CHANGE},
    {" g: a@x.example,;", MAY_CHANGE},
    {" g: h: a@x.example;;", MAY_CHANGE},
    {" g: h: a@x.example;", MAY_CHANGE},
    {" g: a@x.example, h: b@x.example;", MAY_CHANGE},
    {" g: a@x.example; (c), b@x.example", MAY_CHANGE},
    {" :;", MAY_CHANGE},
    {" :", MAY_CHANGE},
    {" :, a@x.example", MAY_CHANGE},
    /* no lists */
    {" a@x.example;", MAY_CHANGE},
    {" a@x.example;b@x.example", MAY_CHANGE},
    {" \"no end <a@x.example>", MAY_CHANGE},
    {" <a@x.example", MAY_CHANGE},
    {" <a@x.example> b", MAY_CHANGE},
    {" a@x.example b@x.example", MAY_CHANGE},
    {" A [b] <a@x.example>", MAY_CHANGE},
    {" Re: Ann <a@x.example>", MAY_CHANGE},
    {" a\x01@x.example", MAY_CHANGE},
    {" A, B <a@x.example>", MAY_CHANGE},
};

static void check_form(struct arena *a, const char *name, bool exact, const struct form *form)
{
    struct header_field field = {.name = str_of(name), .value = at_page_end(str_of(form->given))};
    struct str out = STR_NONE, again;
    enum address_rewrite got = field_rewrite(a, &field, exact, &out);
    const char *said = got == FIELD_IS_STABLE    ? AS_IT_IS
                       : got == FIELD_MAY_CHANGE ? MAY_CHANGE
                                                 : str_cstr(a, out);
    if (strcmp(said, form->want) != 0)
        fail_msg("%s:%s\n  wanted:%s\n  got:   %s", name, form->given, form->want, said);
    field.value = out;
    if (got == FIELD_IS_REWRITTEN && field_rewrite(a, &field, exact, &again) != FIELD_IS_STABLE)
        fail_msg("%s:%s is not settled", name, said);
}

static void settles_lists(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        check_form(a, "To", false, &lists[i]);
        check_form(a, "fROM", false, &lists[i]);
    }
    arena_free(a);
}

/* What simple canonicalisation sees is white space, too. */
static void settles_exactly(void **state)
{
    static const struct form exact[] = {
        {"a@x.example", " a@x.example"},
        {" a@x.example ", " a@x.example"},
        {"\ta@x.example", " a@x.example"},
        {" a@x.example,  b@x.example", " a@x.example, b@x.example"},
        {" a@x.example,\n b@x.example", " a@x.example, b@x.example"},
        {" a@x.example, b@x.example", AS_IT_IS},
        {" A  B <a@x.example>", " A B <a@x.example>"},
        {" \"A  B\" <a@x.example>", AS_IT_IS},
        {" a@[192.0.2.1]", MAY_CHANGE},
        {"", AS_IT_IS},
    };
    (void)state;
    struct arena *a = arena_new(0);
    for (size_t i = 0; i < sizeof exact / sizeof *exact; i++)
        check_form(a, "Cc", true, &exact[i]);
    arena_free(a);
}

static void knows_address_fields(void **state)
{
    static const char *const names[] = {
        "From",
        "Sender",
        "Reply-To",
        "To",
        "Cc",
        "Resent-From",
        "Resent-Sender",
        "Resent-To",
        "Resent-Cc",
        "Errors-To",
        "Resent-Reply-To",
        "Apparently-To",
        "Disposition-Notification-To",
    };
    static const char *const others[] = {"Subject", "Return-Receipt-To", "List-Post", "Bcc", "X"};
    (void)state;
    struct arena *a = arena_new(0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        check_form(a, names[i], false, &(struct form){" bob", MAY_CHANGE});
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        check_form(a, others[i], true, &(struct form){" bob", AS_IT_IS});
    arena_free(a);
}

/* Sendmail folds where a member would end behind column 78. */
static void folds_as_sendmail_does(void **state)
{
    static const struct form cases[] = {
        /* 78 columns, and 79 */
        {" aaaaaaaaaaaaaaaaaaaaaaaa@far.example ,bbbbbbbbbbbbbbbbbbbbbbbb@far.example",
         " aaaaaaaaaaaaaaaaaaaaaaaa@far.example, bbbbbbbbbbbbbbbbbbbbbbbb@far.example"},
        {" aaaaaaaaaaaaaaaaaaaaaaaa@far.example ,bbbbbbbbbbbbbbbbbbbbbbbbb@far.example",
         " aaaaaaaaaaaaaaaaaaaaaaaa@far.example,\n        bbbbbbbbbbbbbbbbbbbbbbbbb@far.example"},
        {" x@far.example,bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb@far.example"
         ",c@far.example",
         " x@far.example,\n"
         "        bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb@far.example,\n"
         "        c@far.example"},
        {" aaaaaaaaaaaa@far.example,bbbbbbbbbbbb@far.example,cccccccccc@far.example",
         " aaaaaaaaaaaa@far.example, bbbbbbbbbbbb@far.example, cccccccccc@far.example"},
        {" aaaaaaaaaaaa@far.example,bbbbbbbbbbbb@far.example,ccccccccccc@far.example",
         " aaaaaaaaaaaa@far.example, bbbbbbbbbbbb@far.example,\n"
         "        ccccccccccc@far.example"},
        /* 78 columns behind a fold, and 79 */
        {" x@far.example,bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb@far.example"
         ",c@y.test",
         " x@far.example,\n"
         "        bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb@far.example, c@y.test"},
        {" x@far.example,bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb@far.example"
         ",c@xy.test",
         " x@far.example,\n"
         "        bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb@far.example,\n"
         "        c@xy.test"},
    };
    (void)state;
    struct arena *a = arena_new(0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_form(a, "To", true, &cases[i]);
    arena_free(a);
}

static struct str repeated(struct arena *a, const char *before, const char *piece, size_t n,
                           const char *behind)
{
    struct strbuf b;
    sb_init(&b, a);
    sb_add(&b, str_of(before));
    for (size_t i = 0; i < n; i++)
        sb_add(&b, str_of(piece));
    sb_add(&b, str_of(behind));
    return sb_str(&b);
}

static enum address_rewrite fate(struct arena *a, const char *name, struct str value,
                                 struct str *out)
{
    struct header_field field = {.name = str_of(name), .value = value};
    return field_rewrite(a, &field, false, out);
}

/* A member of 240 bytes, and of 241; seen at once, and written. */
static void knows_long_members(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct str out;
    assert_int_equal(fate(a, "To", repeated(a, " ", "n", 230, "@x.example"), &out),
                     FIELD_IS_STABLE);
    assert_int_equal(fate(a, "To", repeated(a, " ", "n", 231, "@x.example"), &out),
                     FIELD_MAY_CHANGE);
    assert_true(address_list_is_stable(repeated(a, " ", "n", 230, "@x.example")));
    assert_false(address_list_is_stable(repeated(a, " ", "n", 231, "@x.example")));
    assert_int_equal(fate(a, "To", repeated(a, " O'", "n", 222, " <x@x.example>"), &out),
                     FIELD_IS_REWRITTEN);
    assert_int_equal(out.n, 1 + 240);
    assert_int_equal(fate(a, "To", repeated(a, " O'", "n", 223, " <x@x.example>"), &out),
                     FIELD_MAY_CHANGE);
    assert_int_equal(
        fate(a, "To", repeated(a, " a@x.example, \"", "n ", 150, "\" <b@x.example>"), &out),
        FIELD_MAY_CHANGE);
    assert_int_equal(fate(a, "To", repeated(a, " a@x.example (", "n ", 120, ")"), &out),
                     FIELD_MAY_CHANGE);
    arena_free(a);
}

/* An encoded word of 75 bytes, once its dot is written as three, and of 76. */
static void knows_long_encoded_words(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct str out;
    assert_int_equal(fate(a, "To", repeated(a, " =?utf-8?q?.", "n", 60, "?= <x@x.example>"), &out),
                     FIELD_IS_REWRITTEN);
    assert_int_equal(
        fate(a, "To", repeated(a, " A =?utf-8?q?.", "n", 60, "?= <x@x.example>"), &out),
        FIELD_IS_REWRITTEN);
    assert_int_equal(fate(a, "To", repeated(a, " =?utf-8?q?.", "n", 61, "?= <x@x.example>"), &out),
                     FIELD_MAY_CHANGE);
    arena_free(a);
}

static void expect_lines(struct str text, size_t used, size_t longest)
{
    struct str line;
    for (; str_split(&text, '\n', &line); used = 0)
        assert_true(used + line.n <= longest);
}

static void settles_long_lists_in_folds(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct str out;
    assert_int_equal(fate(a, "To", repeated(a, " ", "person@far.example,", 2000, ""), &out),
                     FIELD_IS_REWRITTEN);
    expect_lines(out, 3, 79);
    /* settled but for its length */
    struct str given = repeated(a, " a@far.example", ", person@far.example", 60, "");
    assert_true(address_list_is_stable(given));
    assert_int_equal(fate(a, "To", given, &out), FIELD_IS_REWRITTEN);
    expect_lines(out, 3, 79);
    assert_int_equal(fate(a, "To", out, &given), FIELD_IS_STABLE);
    arena_free(a);
}

/* A line of 990 bytes with the name passes, one of 991 does not; wherever it is in the field. */
static void measures_lines(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct str out;
    assert_int_equal(fate(a, "Subject", repeated(a, " ", "x", 981, ""), &out), FIELD_IS_STABLE);
    assert_int_equal(fate(a, "Subject", repeated(a, " ", "x", 982, ""), &out), FIELD_MAY_CHANGE);
    assert_int_equal(fate(a, "Subject", repeated(a, " a\r\n ", "x", 989, "\r\n b"), &out),
                     FIELD_IS_STABLE);
    assert_int_equal(fate(a, "Subject", repeated(a, " a\n ", "x", 990, ""), &out),
                     FIELD_MAY_CHANGE);
    arena_free(a);
}

static void folds_long_lines(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct str out, given = repeated(a, " Re:", " <0123456789@far.example>", 100, "  ");
    assert_int_equal(fate(a, "References", given, &out), FIELD_IS_REWRITTEN);
    expect_lines(out, 11, 78);
    assert_true(str_eq(header_unfold(a, out), str_trim(given)));
    /* other lines stay as they are, white space too */
    given = repeated(a, " a  b\r\n\tc", " word\t\t", 150, "\n d");
    assert_int_equal(fate(a, "X-Y", given, &out), FIELD_IS_REWRITTEN);
    assert_true(str_starts(out, STR(" a  b\n\tc word")));
    assert_true(str_ends_nocase(out, STR("word\t\t\n d")));
    assert_true(str_eq(header_unfold(a, out), header_unfold(a, given)));
    expect_lines(out, 4, 80);
    /* words that end at column 78 stay on their line, and a line of 990 bytes stays one */
    given = repeated(a, repeated(a, " a\n", " yyyyyyyy", 110, "\n ").p, "123456789 ", 100, "x");
    assert_int_equal(fate(a, "X", given, &out), FIELD_IS_REWRITTEN);
    assert_true(str_find(out, 3, '\n') == 3 + 990);
    given = repeated(a, " ", "12345 ", 200, "x");
    assert_int_equal(fate(a, "Subj", given, &out), FIELD_IS_REWRITTEN);
    assert_int_equal(str_find(out, 0, '\n'), 6 * 12);
    assert_int_equal(fate(a, "Subject123", given, &out), FIELD_IS_REWRITTEN);
    assert_int_equal(str_find(out, 0, '\n') + 11, 77);
    assert_int_equal(fate(a, "Subject1234", given, &out), FIELD_IS_REWRITTEN);
    assert_int_equal(str_find(out, 0, '\n') + 12, 78);
    assert_int_equal(fate(a, "Subject12345", given, &out), FIELD_IS_REWRITTEN);
    assert_int_equal(str_find(out, 0, '\n') + 13, 73);
    /* one word too long for a line, others not */
    assert_int_equal(fate(a, "Subject", repeated(a, " a b ", "x", 989, ""), &out),
                     FIELD_IS_REWRITTEN);
    assert_true(str_starts(out, STR(" a b\n xxx")));
    assert_int_equal(fate(a, "Subject", repeated(a, " a b ", "x", 990, " c"), &out),
                     FIELD_MAY_CHANGE);
    arena_free(a);
}

/* A line of white space alone would end the header for some. */
static void makes_no_blank_lines(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct str out;
    assert_int_equal(fate(a, "X", repeated(a, " a", " ", 1000, ""), &out), FIELD_MAY_CHANGE);
    assert_int_equal(fate(a, "X", repeated(a, "", " ", 1000, "a"), &out), FIELD_MAY_CHANGE);
    assert_int_equal(
        fate(a, "X", repeated(a, " a", " ", 900, repeated(a, "b", " c", 80, "").p), &out),
        FIELD_IS_REWRITTEN);
    struct str line;
    while (str_split(&out, '\n', &line))
        assert_true(str_trim(line).n > 0 && line.n <= 990);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sees_what_is_settled),     cmocka_unit_test(settles_lists),
        cmocka_unit_test(settles_exactly),          cmocka_unit_test(knows_address_fields),
        cmocka_unit_test(folds_as_sendmail_does),   cmocka_unit_test(knows_long_members),
        cmocka_unit_test(knows_long_encoded_words), cmocka_unit_test(settles_long_lists_in_folds),
        cmocka_unit_test(measures_lines),           cmocka_unit_test(folds_long_lines),
        cmocka_unit_test(makes_no_blank_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
