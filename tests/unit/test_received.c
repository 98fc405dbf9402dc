/* received: fields as servers write them, and as nobody should. */
#include "test.h"

#include "mail/received.h"

struct field_case {
    const char *value;
    enum received_source source;
    const char *client, *from, *by, *with, *last_by;
};

/* As Postfix 3.7, Sendmail 8.17 and what stands beside them write them. */
static const struct field_case written[] = {
    {" from mail.sender.example (mx.reject.example [203.0.113.10])\n\tby mx.recv.example (Postfix) "
     "with ESMTP id D6E5A83\n\tfor <alice@recv.example>; Sun, 29 Nov 2026 16:02:16 +0000 (UTC)",
     RECEIVED_ADDRESS, "203.0.113.10", "mail.sender.example", "mx.recv.example", "ESMTP", ""},
    {" from mail.sender.example (unknown [IPv6:2001:db8::10])\r\n\tby mx.recv.example (Postfix) "
     "with "
     "UTF8SMTP id 67274A1;\r\n\tSun, 29 Nov 2026 16:02:17 +0000 (UTC)",
     RECEIVED_ADDRESS, "2001:db8::10", "mail.sender.example", "mx.recv.example", "UTF8SMTP", ""},
    {" from localhost (localhost [IPv6:::1])\n\tby mx.recv.example (Postfix) with ESMTP id 1; x",
     RECEIVED_ADDRESS, "::1", "localhost", "mx.recv.example", "ESMTP", ""},
    {" from x (unknown [203.0.113.9])\n\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 "
     "(256/256 "
     "bits)\n\t key-exchange X25519 server-signature RSA-PSS (2048 bits) server-digest SHA256)\n\t"
     "(No client certificate requested)\n\t(Authenticated sender: alice)\n\tby mx.recv.example "
     "(Postfix) with ESMTPSA id 1; x",
     RECEIVED_ADDRESS, "203.0.113.9", "x", "mx.recv.example", "ESMTPSA", ""},
    {" by mx.recv.example (Postfix, from userid 1000)\n\tid BDA9BB0; Sun, 29 Nov 2026 16:02:17 "
     "+0000",
     RECEIVED_LOCAL, "unknown", "", "mx.recv.example", "", ""},
    {" from mail.sender.example ([IPv6:2001:db8:0:0:0:0:0:10])\n\tby mx.recv.example "
     "(8.17.1.9/8.17.1.9/Debian-2+deb12u2) with ESMTP id 6ATG2QAA000169\n\tfor "
     "<alice@recv.example>; "
     "Sun, 29 Nov 2026 16:02:26 GMT",
     RECEIVED_ADDRESS, "2001:db8::10", "mail.sender.example", "mx.recv.example", "ESMTP", ""},
    {" from x (mx.sender.example [203.0.113.10] (may be forged))\n\tby mx.recv.example "
     "(8.17.1/8.17.1) "
     "with SMTP id 1; x",
     RECEIVED_ADDRESS, "203.0.113.10", "x", "mx.recv.example", "SMTP", ""},
    {" (from mx.sender.example [203.0.113.10])\n\tby mx.recv.example (8.17.1/8.17.1) with SMTP id "
     "1; x",
     RECEIVED_ADDRESS, "203.0.113.10", "", "mx.recv.example", "SMTP", ""},
    {" from mail.sender.example ([203.0.113.99])\n\t(authenticated bits=0)\n\tby mx.recv.example "
     "(8.17.1.9/8.17.1.9) with ESMTPA id 6ATG2RNI000194; x",
     RECEIVED_ADDRESS, "203.0.113.99", "mail.sender.example", "mx.recv.example", "ESMTPA", ""},
    {" (from root@localhost)\n\tby mx.recv.example (8.17.1.9/8.17.1.9/Submit) id "
     "6ATG2RD1000200;\n\tSun",
     RECEIVED_LOCAL, "unknown", "", "mx.recv.example", "", ""},
    {" from mx.recv.example ([127.0.0.1])\n by localhost (mx.recv.example [127.0.0.1]) (amavis, "
     "port "
     "10024)\n with ESMTP id XYZ for <alice@recv.example>; Sun",
     RECEIVED_ADDRESS, "127.0.0.1", "mx.recv.example", "localhost", "ESMTP", ""},
    {" from mx.recv.example\n\tby mx.recv.example with LMTP\n\tid qMXxBw (envelope-from <a@b>)\n\t"
     "for <alice@recv.example>; Sun",
     RECEIVED_NAMED, "unknown", "mx.recv.example", "mx.recv.example", "LMTP", ""},
    {" from [192.168.1.5] ([203.0.113.7])\n by webmail.recv.example\n with HTTP (HTTP/1.1 POST); "
     "Sun",
     RECEIVED_ADDRESS, "203.0.113.7", "[192.168.1.5]", "webmail.recv.example", "HTTP", ""},
    {" from x ([203.0.113.7] helo=y) by mx.recv.example with esmtp (Exim 4.96) id 1; Sun",
     RECEIVED_UNCLEAR, "unknown", "x", "mx.recv.example", "esmtp", ""},
    {" from unknown (HELO y) (203.0.113.7) by mx.recv.example with SMTP; 1 Jan", RECEIVED_UNCLEAR,
     "unknown", "unknown", "mx.recv.example", "SMTP", ""},
    {"from a via tcp by b with SMTP for <\"x y\"@z>", RECEIVED_NAMED, "unknown", "a", "b", "SMTP",
     ""},
    {"FROM a ([1.2.3.4]) BY b WITH SMTP", RECEIVED_ADDRESS, "1.2.3.4", "a", "b", "SMTP", ""},
    {"from \"a b\"c ([1.2.3.4]) by b", RECEIVED_ADDRESS, "1.2.3.4", "\"a b\"c", "b", "", ""},
    {"from a([1.2.3.4])by b with SMTP;by c", RECEIVED_ADDRESS, "1.2.3.4", "a", "b", "SMTP", ""},
    {"(from [1.2.3.4]) by b with SMTP", RECEIVED_ADDRESS, "1.2.3.4", "", "b", "SMTP", ""},
    {"from a (!\xff~ [1.2.3.4]) by b", RECEIVED_ADDRESS, "1.2.3.4", "a", "b", "", ""},
};

/* What a client says never passes for what the server found. */
static const struct field_case hostile[] = {
    {"from [127.0.0.1] (x [203.0.113.66]) by b with SMTP", RECEIVED_ADDRESS, "203.0.113.66",
     "[127.0.0.1]", "b", "SMTP", ""},
    {"from localhost (localhost [127.0.0.1]) (x [203.0.113.66]) by b with SMTP", RECEIVED_UNCLEAR,
     "unknown", "localhost", "b", "SMTP", ""},
    {"from a by x with LMTPA (x [127.0.0.1]) by b with SMTP", RECEIVED_UNCLEAR, "unknown", "a", "x",
     "LMTPA", "b"},
    {"from a b (x [127.0.0.1]) by b with SMTP", RECEIVED_UNCLEAR, "unknown", "a", "b", "SMTP", ""},
    {"from a from b ([127.0.0.1]) by b with SMTP", RECEIVED_UNCLEAR, "unknown", "b", "b", "SMTP",
     ""},
    {"from a (Client CN \"x [127.0.0.1]\", Issuer \"y\" (verified OK)) by b with SMTP",
     RECEIVED_UNCLEAR, "unknown", "a", "b", "SMTP", ""},
    {"from a (x y [127.0.0.1]) by b with SMTP", RECEIVED_UNCLEAR, "unknown", "a", "b", "SMTP", ""},
    {"from a (x(y) [127.0.0.1]) by b", RECEIVED_UNCLEAR, "unknown", "a", "b", "", ""},
    {"from a (x\\y [127.0.0.1]) by b", RECEIVED_UNCLEAR, "unknown", "a", "b", "", ""},
    {"from a (x\"y [127.0.0.1]) by b", RECEIVED_UNCLEAR, "unknown", "a", "b", "", ""},
    {"from a (] [127.0.0.1]) by b", RECEIVED_UNCLEAR, "unknown", "a", "b", "", ""},
    {"x from a ([127.0.0.1]) by b", RECEIVED_UNCLEAR, "unknown", "a", "b", "", ""},
    {"from by b", RECEIVED_UNCLEAR, "unknown", "", "b", "", ""},
    {"from a (word) by b", RECEIVED_UNCLEAR, "unknown", "a", "b", "", ""},
    {"from a ([127.0.0.1] x) by b with SMTP", RECEIVED_UNCLEAR, "unknown", "a", "b", "SMTP", ""},
    {"from a ([127.0.0.1]x) by b with SMTP", RECEIVED_UNCLEAR, "unknown", "a", "b", "SMTP", ""},
    {"from a ([127.0.0.1) by b with SMTP", RECEIVED_UNCLEAR, "unknown", "a", "b", "SMTP", ""},
    {"from a (unknown [unknown]) by b with SMTP", RECEIVED_UNCLEAR, "unknown", "a", "b", "SMTP",
     ""},
    {"([127.0.0.1]) from a by b with SMTP", RECEIVED_UNCLEAR, "unknown", "a", "b", "SMTP", ""},
    {"from a by (x [127.0.0.1]) by b with SMTP", RECEIVED_UNCLEAR, "unknown", "a", "b", "SMTP", ""},
    {"(x y@localhost) by b", RECEIVED_UNCLEAR, "unknown", "", "b", "", ""},
    {"from a by b with SMTP for \x7f (x [1.2.3.4]) by c", RECEIVED_UNCLEAR, "unknown", "a", "b",
     "SMTP", ""},
    {"from a by b with SMTP (x", RECEIVED_UNCLEAR, "unknown", "a", "b", "SMTP", ""},
    {"from a (\x7f [127.0.0.1]) by b with SMTP", RECEIVED_UNCLEAR, "unknown", "a", "", "", ""},
    {"by (x\r by b with SMTP", RECEIVED_UNCLEAR, "unknown", "", "b", "SMTP", ""},
    {"by \x01 id x", RECEIVED_UNCLEAR, "unknown", "", "", "", ""},
    {"from a (x@localhost y) by b with SMTP", RECEIVED_UNCLEAR, "unknown", "a", "b", "SMTP", ""},
    {"from a ([127.0.0.1]) by b with SMTP for <x\" by c with LMTPA \"@z>", RECEIVED_ADDRESS,
     "127.0.0.1", "a", "b", "SMTP", ""},
    {"from a ([127.0.0.1]) by b with SMTP for x by c", RECEIVED_UNCLEAR, "unknown", "a", "b",
     "SMTP", "c"},
    {"from a ([127.0.0.1]) by b with SMTP by", RECEIVED_ADDRESS, "127.0.0.1", "a", "b", "SMTP", ""},
    {"from a ([127.0.0.1]) by b with SMTP by ; by c", RECEIVED_ADDRESS, "127.0.0.1", "a", "b",
     "SMTP", ""},
    {"from a ([127.0.0.1]; by b with SMTP", RECEIVED_UNCLEAR, "unknown", "a", "", "", ""},
    {"from a ([127.0.0.1]) with SMTP", RECEIVED_UNCLEAR, "unknown", "a", "", "", ""},
    {"by b with SMTP", RECEIVED_UNCLEAR, "unknown", "", "b", "SMTP", ""},
    {"from a (no address) by b with SMTP", RECEIVED_UNCLEAR, "unknown", "a", "b", "SMTP", ""},
    {"from a\x01 ([127.0.0.1]) by b", RECEIVED_UNCLEAR, "unknown", "a", "", "", ""},
    {"from \"a by b", RECEIVED_UNCLEAR, "unknown", "\"a by b", "", "", ""},
    {"", RECEIVED_UNCLEAR, "unknown", "", "", "", ""},
    {"from", RECEIVED_UNCLEAR, "unknown", "", "", "", ""},
    {"by", RECEIVED_UNCLEAR, "unknown", "", "", "", ""},
    {";", RECEIVED_UNCLEAR, "unknown", "", "", "", ""},
    {"(((", RECEIVED_UNCLEAR, "unknown", "", "", "", ""},
};

static void check_field(const struct field_case *c)
{
    struct received r;
    char client[NETADDR_TEXT];
    received_parse(at_page_end(str_of(c->value)), &r);
    if (r.source != c->source)
        fail_msg("%s: source %d", c->value, (int)r.source);
    assert_string_equal(netaddr_format(&r.client, client), c->client);
    assert_int_equal(r.client.family != 0, c->source == RECEIVED_ADDRESS);
    assert_str(r.from, c->from);
    assert_str(r.by, c->by);
    assert_str(r.with, c->with);
    assert_str(r.last_by, c->last_by);
}

static void fields_of_servers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof written / sizeof *written; i++)
        check_field(&written[i]);
}

static void fields_of_nobody(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++)
        check_field(&hostile[i]);
}

static void protocols(void **state)
{
    static const struct {
        const char *with;
        bool smtp, authenticated;
    } cases[] = {
        {"SMTP", true, false},   {"ESMTP", true, false},     {"ESMTPA", true, true},
        {"ESMTPS", true, false}, {"ESMTPSA", true, true},    {"LMTP", true, false},
        {"LMTPA", true, true},   {"LMTPS", true, false},     {"LMTPSA", true, true},
        {"esmtpa", true, true},  {"UTF8SMTP", true, false},  {"UTF8SMTPSA", true, true},
        {"SMTPA", true, true},   {"UTF8LMTPA", true, true},  {"HTTP", false, false},
        {"HTTPS", false, false}, {"local", false, false},    {"", false, false},
        {"A", false, false},     {"ESMTPAS", false, false},  {"ESMTPAA", false, false},
        {"XSMTP", false, false}, {"ESMTPSAX", false, false}, {"POP3", false, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool authenticated;
        if (received_with_smtp(str_of(cases[i].with), &authenticated) != cases[i].smtp ||
            authenticated != cases[i].authenticated)
            fail_msg("with %s", cases[i].with);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_of_servers),
        cmocka_unit_test(fields_of_nobody),
        cmocka_unit_test(protocols),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
