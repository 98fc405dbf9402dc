/* bodyrisk: lines that MTAs break and bytes that they encode, however the body is cut. */
#include "test.h"

#include "dkim/bodyrisk.h"

static struct body_risk whole(const char *body, size_t n)
{
    struct body_risk r = {0};
    body_risk_update(&r, body, n);
    return r;
}

/* Cut into pieces of `size` bytes. */
static struct body_risk in_pieces(const char *body, size_t n, size_t size)
{
    struct body_risk r = {0};
    for (size_t at = 0; at < n; at += size)
        body_risk_update(&r, body + at, n - at < size ? n - at : size);
    return r;
}

static const size_t sizes[] = {1, 2, 7, 63, 64, 65, 990, 991, 992, 993, 4096};

static void expect_long(const char *body, size_t n, bool want)
{
    struct body_risk r = whole(body, n);
    assert_int_equal(body_risk_long_line(&r), want);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        r = in_pieces(body, n, sizes[i]);
        assert_int_equal(body_risk_long_line(&r), want);
    }
}

/* before, a line of `length` bytes, behind. */
static void expect_line(const char *before, size_t length, const char *behind, bool want)
{
    struct arena *a = arena_new(0);
    struct strbuf b;
    sb_init(&b, a);
    sb_add(&b, str_of(before));
    for (size_t i = 0; i < length; i++)
        sb_addc(&b, 'x');
    sb_add(&b, str_of(behind));
    expect_long(b.p, b.n, want);
    arena_free(a);
}

static void long_lines(void **state)
{
    static const char *const before[] = {"", "\r\n", "a\r\n", "a\r\n\r\nb\r\nc\r\n"};
    static const char *const behind[] = {"\r\n", "\r\n\r\n", "\r\nb\r\n", "\r\nb", ""};
    (void)state;
    for (size_t i = 0; i < sizeof before / sizeof *before; i++)
        for (size_t k = 0; k < sizeof behind / sizeof *behind; k++) {
            expect_line(before[i], 0, behind[k], false);
            expect_line(before[i], 76, behind[k], false);
            expect_line(before[i], 990, behind[k], false);
            expect_line(before[i], 991, behind[k], true);
            expect_line(before[i], 5000, behind[k], true);
        }
}

static void many_lines(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct strbuf b;
    sb_init(&b, a);
    for (size_t length = 0; length <= 990; length += 9) {
        for (size_t i = 0; i < length; i++)
            sb_addc(&b, 'y');
        sb_add(&b, STR("\r\n"));
    }
    expect_long(b.p, b.n, false);
    for (size_t i = 0; i < 991; i++)
        sb_addc(&b, 'y');
    sb_add(&b, STR("\r\nend\r\n"));
    expect_long(b.p, b.n, true);
    arena_free(a);
}

/* Wherever the byte is. */
static void eight_bit(void **state)
{
    char body[200];
    (void)state;
    memset(body, 0x7F, sizeof body);
    assert_false(whole(body, sizeof body).is_8bit);
    assert_false(whole(body, 0).is_8bit);
    for (size_t at = 0; at < sizeof body; at++) {
        body[at] = (char)(at % 2 ? 0x80 : 0xFF);
        for (size_t n = 1; n <= sizeof body; n++)
            assert_int_equal(whole(body, n).is_8bit, n > at);
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            assert_true(in_pieces(body, sizeof body, sizes[i]).is_8bit);
        body[at] = 0x7F;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_lines),
        cmocka_unit_test(many_lines),
        cmocka_unit_test(eight_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
