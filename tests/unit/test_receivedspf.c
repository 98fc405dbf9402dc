/* receivedspf: fields written, receiver= read. */
#include "test.h"

#include <time.h>

#include "mail/header.h"
#include "mail/lex.h"
#include "mail/receivedspf.h"

static void written(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct received_spf r = {
        .result = STR("pass"),
        .comment = STR("mx.example.org: domain of a@example.net designates 192.0.2.1 as "
                       "permitted sender"),
        .client_ip = STR("192.0.2.1"),
        .envelope_from = STR("a@example.net"),
        .helo = STR("mail.example.net"),
        .identity = STR("mailfrom"),
        .receiver = STR("mx.example.org"),
        .mechanism = STR("ip4:192.0.2.0/24"),
    };
    assert_str(received_spf_format(a, &r),
               " pass (mx.example.org: domain of a@example.net designates\n"
               "\t192.0.2.1 as permitted sender) client-ip=192.0.2.1;\n"
               "\tenvelope-from=\"a@example.net\"; helo=mail.example.net; identity=mailfrom;\n"
               "\treceiver=mx.example.org; mechanism=\"ip4:192.0.2.0/24\"");
    arena_free(a);
}

static void hostile(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct received_spf r = {
        .result = STR("permerror"),
        .comment = STR("a) (\\ b\r\nX: y"),
        .client_ip = STR("2001:db8::1"),
        .envelope_from = STR("\"a;b\"@x"),
        .helo = STR("[192.0.2.1]"),
        .mechanism = STR("-all"),
        .problem = STR("a\nb\xff"),
    };
    assert_str(received_spf_format(a, &r),
               " permerror (a\\) \\(\\\\ b\\\\x0d\\\\x0aX: y) client-ip=\"2001:db8::1\";\n"
               "\tenvelope-from=\"\\\"a;b\\\"@x\"; helo=\"[192.0.2.1]\"; mechanism=-all;\n"
               "\tproblem=\"a\\\\x0ab\\\\xff\"");
    arena_free(a);
}

struct quoting_case {
    struct str value;
    const char *written;
};

static const struct quoting_case quoting_cases[] = {
    {STR_INIT("a.b-c"), "a.b-c"},
    {STR_INIT("default"), "default"},
    {STR_INIT("a"), "a"},
    {STR_INIT("="), "\"=\""},
    {STR_INIT("a..b"), "\"a..b\""},
    {STR_INIT(".a"), "\".a\""},
    {STR_INIT("a."), "\"a.\""},
    {STR_INIT("a b"), "\"a b\""},
    {STR_INIT("a/24"), "\"a/24\""},
    {STR_INIT("exists:%{i}.x"), "\"exists:%{i}.x\""},
    {STR_INIT("a=b"), "\"a=b\""},
    {STR_INIT("\xc3\xbc.x"), "\"\xc3\xbc.x\""},
    {STR_INIT("a\"b"), "\"a\\\"b\""},
    {STR_INIT("a,b"), "\"a,b\""},
};

static void quoting(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof quoting_cases / sizeof *quoting_cases; i++) {
        struct arena *a = arena_new(0);
        struct received_spf r = {.result = STR("none"), .mechanism = quoting_cases[i].value};
        struct str want = str_printf(a, " none mechanism=%s", quoting_cases[i].written);
        assert_str(received_spf_format(a, &r), want.p);
        arena_free(a);
    }
}

/* RFC 7208 9.1: what stands in the field is the mailbox of the envelope, however it is quoted. */
static const struct quoting_case mailbox_cases[] = {
    {STR_INIT("a@b.test"), "\"a@b.test\""},
    {STR_INIT("\"a\"@b.test"), "\"\\\"a\\\"@b.test\""},
    {STR_INIT("\"a\\\"b\"@b.test"), "\"\\\"a\\\\\\\"b\\\"@b.test\""},
    {STR_INIT("\"a\\\\b\"@b.test"), "\"\\\"a\\\\\\\\b\\\"@b.test\""},
    {STR_INIT("a\\@b@b.test"), "\"a\\\\@b@b.test\""},
    {STR_INIT("\\"), "\"\\\\\""},
    {STR_INIT("\"\\x5c\"@b.test"), "\"\\\"\\\\x5c\\\"@b.test\""},
    {STR_INIT("\"a;b c()\"@b.test"), "\"\\\"a;b c()\\\"@b.test\""},
    {STR_INIT("gr\xc3\xbc\xc3\x9f\\@b.test"), "\"gr\xc3\xbc\xc3\x9f\\\\@b.test\""},
};

static void mailboxes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof mailbox_cases / sizeof *mailbox_cases; i++) {
        struct arena *a = arena_new(0);
        struct received_spf r = {.result = STR("none"), .envelope_from = mailbox_cases[i].value};
        struct str field = received_spf_format(a, &r),
                   want = str_printf(a, " none envelope-from=%s", mailbox_cases[i].written),
                   value = str_sub(field, str_find(field, 0, '=') + 1, field.n);
        assert_str(field, want.p);
        assert_str(lex_unquote(a, value), str_cstr(a, mailbox_cases[i].value));
        arena_free(a);
    }
}

/* As many backslashes as a path can have; with more, the value is cut as any other is. */
static void many_backslashes(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    for (size_t n = 250; n < 260; n++) {
        struct strbuf b;
        sb_init(&b, a);
        for (size_t i = 0; i < n; i++)
            sb_addc(&b, '\\');
        struct received_spf r = {.result = STR("none"), .envelope_from = sb_str(&b)};
        struct str field = header_unfold(a, received_spf_format(a, &r)),
                   value = lex_unquote(a, str_sub(field, str_find(field, 0, '"'), field.n));
        assert_int_equal(str_eq(value, sb_str(&b)), n <= 256);
        assert_true(value.n <= 256);
    }
    arena_free(a);
}

/* 78 columns with the name of the field and the ';' of a pair that may follow, and one more. */
static void folded(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    char value[] = "0123456789012345678901234567890123456789012345678";
    struct received_spf r = {.result = STR("none"), .mechanism = {value, 48}};
    assert_str(received_spf_format(a, &r), str_printf(a, " none mechanism=%.48s", value).p);
    r.mechanism.n = 49;
    assert_str(received_spf_format(a, &r), str_printf(a, " none\n\tmechanism=%s", value).p);
    arena_free(a);
}

static void nothing_but_a_result(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct received_spf r = {.result = STR("none")};
    assert_str(received_spf_format(a, &r), " none");
    arena_free(a);
}

struct receiver_case {
    struct str value;
    bool forged; /* for mx.example.org, xn--bcher-kva.example and "!~" */
};

static const struct receiver_case receiver_cases[] = {
    {STR_INIT(" pass receiver=mx.example.org; client-ip=192.0.2.1"), true},
    {STR_INIT(" pass (a; receiver=mx.example.org) client-ip=192.0.2.1;\r\n\treceiver=x.test;"),
     false},
    {STR_INIT(" pass (a; receiver=x.test) client-ip=192.0.2.1;\r\n\treceiver=mx.example.org;"),
     true},
    {STR_INIT(" fail client-ip=192.0.2.1; RECEIVER (c) = (d) \"mx.\\example.org\""), true},
    {STR_INIT(" pass (c) receiver=mx.example.org(d)"), true},
    {STR_INIT(" pass mechanism=ip4:192.0.2.1/32; receiver=mx.example.org"), true},
    {STR_INIT(" pass envelope-from=\"receiver=mx.example.org; a\"; receiver=x.test"), false},
    {STR_INIT(" pass envelope-from=a=b@x.test; receiver=mx.example.org"), true},
    {STR_INIT(" pass ;; = receiver receiver=mx.example.org"), true},
    {STR_INIT(" pass \x01 receiver=mx.example.org"), true},
    {STR_INIT(" pass receiver=mx.example.org helo=x.test"), true},
    {STR_INIT(" pass receiver=mx.example.org\r\n\thelo=x.test"), true},
    {STR_INIT(" pass receiver="), false},
    {STR_INIT(" pass receiver=;"), false},
    {STR_INIT(" pass client-ip=192.0.2.1"), false},
    {STR_INIT(" pass x-receiver=mx.example.org"), false},
    {STR_INIT(" pass (receiver=mx.example.org"), true}, /* no comment: it has no end */
    {STR_INIT(" pass (((receiver=mx.example.org"), true},
    {STR_INIT(" pass helo=\"; receiver=mx.example.org"), true}, /* nor the string */
    {STR_INIT(" pass receiver=\"mx.example.org"), true},
    {STR_INIT(" receiver"), false},
    {STR_INIT(" pass receiver mx.example.org"), false},
    {STR_INIT(" pass ;=receiver=mx.example.org"), true},
    {STR_INIT(" pass receiver=\"x.test"), false},
    {STR_INIT(" pass receiver=!~"), true},
    {STR_INIT(" pass receiver=mx.example.org\x7fx"), true},
    /* A second receiver counts for readers who take the last. */
    {STR_INIT(" pass receiver=x.test; receiver=mx.example.org"), true},
    {STR_INIT(" pass receiver=x.test; receiver=y.test"), false},
    {STR_INIT(" pass receiver=MX.Example.ORG."), true},
    {STR_INIT(" pass receiver=b\xc3\xbc"
              "cher.example"),
     true},
    {STR_INIT(" pass receiver=\"b\xc3\xbc"
              "cher.example\""),
     true},
    {STR_INIT(" pass receiver=\xc3\xbc"
              "cher.example"),
     false},
    {STR_INIT(" pass receiver=m\xc3\xbcller.example"), false},
    /* White space of Unicode and bytes that are no UTF-8. */
    {STR_INIT(" pass receiver=\xc2\xa0mx.example.org"), true},
    {STR_INIT(" pass receiver=mx.example.org\xe3\x80\x80"), true},
    {STR_INIT(" pass receiver=\xa0mx.example.org"), true},
    {STR_INIT(" pass receiver=x.test\x85"), true},
    {STR_INIT(" pass receiver=\"mx.example.org\xe2\x80\x83\""), true},
    {STR_INIT(" pass receiver=\xe2\x80\xa8\"mx.example.org\""), true},
    {STR_INIT(" pass receiver\xc2\xa0=mx.example.org"), true},
    {STR_INIT(" pass receiver \xe2\x80\x89 = mx.example.org"), true},
    {STR_INIT(" pass\xc2\xa0receiver=mx.example.org"), true},
    {STR_INIT(" pass \xa0receiver\xa0=x.test"), false},
    {STR_INIT(" pass receiver\x0b=\x0cmx.example.org"), true},
    {STR_INIT(" pass receiver=\xef\xbd\x8d\xef\xbd\x98.example.org"), true}, /* full width */
    /* Encoded words. */
    {STR_INIT(" pass receiver=\"=?utf-8?q?mx=2Eexample=2Eorg?=\""), true},
    {STR_INIT(" =?utf-8?q?pass_receiver=3Dmx.example.org?="), true},
    {STR_INIT(" pass (=?us-ascii?B?KSByZWNlaXZlcj1teC5leGFtcGxlLm9yZyAo?=)"), true},
    {STR_INIT(" pass envelope-from=\"a=?b?c?=@x.test\""), false},
    {STR_INIT(""), false},
};

static const struct str our_ids[] = {STR_INIT("mx.example.org"), STR_INIT("xn--bcher-kva.example"),
                                     STR_INIT("!~")};

static void receivers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof receiver_cases / sizeof *receiver_cases; i++) {
        struct arena *a = arena_new(0);
        const struct receiver_case *c = &receiver_cases[i];
        if (received_spf_is_forged(a, at_page_end(c->value), our_ids, 3) != c->forged)
            fail_msg("case %zu:%s", i, c->value.p);
        arena_free(a);
    }
}

/* 60 KB of what invites a reader to begin again and again. */
static void linear_time(void **state)
{
    (void)state;
    static const char *const pieces[] = {"(",     "(()", " ",      "=\"",      "\x01",
                                         "=\"\\", "( x", "=?a?q?", "receiver="};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        struct arena *a = arena_new(0);
        struct strbuf b;
        sb_init(&b, a);
        while (b.n < 60000)
            sb_add(&b, str_of(pieces[i]));
        clock_t begin = clock();
        received_spf_is_forged(a, sb_str(&b), our_ids, 2);
        assert_true(clock() - begin < CLOCKS_PER_SEC);
        arena_free(a);
    }
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct received_spf r = {.result = STR("pass"),
                             .comment = STR("(receiver=x.test"),
                             .helo = STR("\"; receiver=x.test"),
                             .receiver = STR("mx \"1\"; b")};
    struct str field = received_spf_format(a, &r);
    static const struct str ours = STR_INIT("mx \"1\"; b"), not_ours = STR_INIT("x.test");
    assert_true(received_spf_is_forged(a, field, &ours, 1));
    assert_false(received_spf_is_forged(a, field, &not_ours, 1));
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written),
        cmocka_unit_test(hostile),
        cmocka_unit_test(quoting),
        cmocka_unit_test(mailboxes),
        cmocka_unit_test(many_backslashes),
        cmocka_unit_test(folded),
        cmocka_unit_test(nothing_but_a_result),
        cmocka_unit_test(receivers),
        cmocka_unit_test(linear_time),
        cmocka_unit_test(what_is_written_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
