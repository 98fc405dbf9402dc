/* receivedspf: fields written, receiver= read. */
#include "test.h"

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
               " permerror (a\\) \\(\\\\x5c b\\\\x0d\\\\x0aX: y) client-ip=\"2001:db8::1\";\n"
               "\tenvelope-from=\"\\\"a;b\\\"@x\"; helo=\"[192.0.2.1]\"; mechanism=-all;\n"
               "\tproblem=\"a\\\\x0ab\\\\xff\"");
    arena_free(a);
}

struct quoting_case {
    struct str value;
    const char *written;
};

static const struct quoting_case quoting_cases[] = {
    {STR_INIT("a.b-c"), "a.b-c"},     {STR_INIT("default"), "default"},
    {STR_INIT("a..b"), "\"a..b\""},   {STR_INIT(".a"), "\".a\""},
    {STR_INIT("a."), "\"a.\""},       {STR_INIT("a b"), "\"a b\""},
    {STR_INIT("a/24"), "\"a/24\""},   {STR_INIT("exists:%{i}.x"), "\"exists:%{i}.x\""},
    {STR_INIT("a=b"), "\"a=b\""},     {STR_INIT("\xc3\xbc.x"), "\"\xc3\xbc.x\""},
    {STR_INIT("a\"b"), "\"a\\\"b\""}, {STR_INIT("a,b"), "\"a,b\""},
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
    const char *receiver; /* NULL: absent */
};

static const struct receiver_case receiver_cases[] = {
    {STR_INIT(" pass receiver=mx.example.org; client-ip=192.0.2.1"), "mx.example.org"},
    {STR_INIT(" pass (a; receiver=x.test) client-ip=192.0.2.1;\r\n\treceiver=mx.example.org;"),
     "mx.example.org"},
    {STR_INIT(" fail client-ip=192.0.2.1; RECEIVER (c) = (d) \"mx.\\example.org\""),
     "mx.example.org"},
    {STR_INIT(" pass (c) receiver=mx.example.org(d)"), "mx.example.org"},
    {STR_INIT(" pass mechanism=ip4:192.0.2.1/32; receiver=mx.example.org"), "mx.example.org"},
    {STR_INIT(" pass envelope-from=\"receiver=x.test; a\"; receiver=mx.example.org"),
     "mx.example.org"},
    {STR_INIT(" pass envelope-from=a=b@x.test; receiver=mx.example.org"), "mx.example.org"},
    {STR_INIT(" pass ;; = receiver receiver=mx.example.org"), "mx.example.org"},
    {STR_INIT(" pass \x01 receiver=mx.example.org"), "mx.example.org"},
    {STR_INIT(" pass receiver=mx.example.org helo=x.test"), "mx.example.org"},
    {STR_INIT(" pass receiver=mx.example.org\r\n\thelo=x.test"), "mx.example.org"},
    {STR_INIT(" pass receiver="), ""},
    {STR_INIT(" pass receiver=;"), ""},
    {STR_INIT(" pass client-ip=192.0.2.1"), NULL},
    {STR_INIT(" pass x-receiver=x.test"), NULL},
    {STR_INIT(" pass (receiver=x.test"), NULL},
    {STR_INIT(" pass helo=\"receiver=x.test"), NULL},
    {STR_INIT(" receiver"), NULL},
    {STR_INIT(""), NULL},
};

static void receivers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof receiver_cases / sizeof *receiver_cases; i++) {
        struct arena *a = arena_new(0);
        struct str got = received_spf_receiver(a, receiver_cases[i].value);
        if ((got.p != NULL) != (receiver_cases[i].receiver != NULL))
            fail_msg("case %zu: %s", i, receiver_cases[i].value.p);
        if (got.p)
            assert_str(got, receiver_cases[i].receiver);
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
    assert_str(received_spf_receiver(a, received_spf_format(a, &r)), "mx \"1\"; b");
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written),   cmocka_unit_test(hostile),
        cmocka_unit_test(quoting),   cmocka_unit_test(nothing_but_a_result),
        cmocka_unit_test(receivers), cmocka_unit_test(what_is_written_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
