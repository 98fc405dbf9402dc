/* report/in/failure: the forms of reports about single messages. */
#include "test.h"

#include "report/in/failure.h"

#define GATEWAY "A message claiming to be from you has failed the published DMARC policy.\n\n"
#define ARF     "This is an authentication failure report for an email message\n"

static struct str shown(struct arena *a, const struct failure_report *r)
{
    char source[NETADDR_TEXT] = "-";
    if (r->source.family)
        netaddr_format(&r->source, source);
    return str_printf(a, "%.*s %s %lld %.*s %.*s %.*s", STR_ARG(r->domain), source,
                      (long long)r->arrival, STR_ARG(r->result), STR_ARG(r->header_from),
                      STR_ARG(r->subject));
}

static void read_one(struct arena *a, const char *feedback, const char *text, const char *original,
                     struct failure_report *out)
{
    struct header_list mail;
    struct str other;
    header_list_init(&mail, a);
    header_list_add(&mail, STR("From"), STR(" Reports <r@reporter.example>"));
    if (!failure_read(a, &mail, feedback ? at_page_end(str_of(feedback)) : STR_NONE,
                      text ? at_page_end(str_of(text)) : STR_NONE,
                      original ? str_of(original) : STR_NONE, out, &other))
        fail_msg("not read: %s", feedback ? feedback : text);
}

static void fields(void **state)
{
    static const struct {
        const char *feedback, *shown;
    } cases[] = {
        {"Feedback-Type: auth-failure\r\nVersion: 1.0\r\nOriginal-Mail-From:\r\nSource-IP: "
         "192.0.2.9\r\n"
         "Arrival-Date: Tue, 30 Apr 2019 02:09:00 +0200\r\nDelivery-Result: Delivered\r\n"
         "Reported-Domain: Example.org\r\n",
         "example.org 192.0.2.9 1556582940 delivered a.example Hi"},
        {"\n \nReported-Domain: example.org\nSource-IP: 192.0.2.9 (mx.example)\n",
         "example.org 192.0.2.9 1556582941  a.example Hi"},
        {"Source-IP: [IPv6:2001:db8::1]\n", "a.example 2001:db8::1 1556582941  a.example Hi"},
        {"Source-IP: [192.0.2.7]\n", "a.example 192.0.2.7 1556582941  a.example Hi"},
        {"Source-IP: none\n", "a.example - 1556582941  a.example Hi"},
    };
    (void)state;
    struct arena *a = arena_new(0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct failure_report report;
        read_one(a, cases[i].feedback, NULL,
                 "From: A <x@a.example>\nSubject: Hi\nDate: 30 Apr 2019 00:09:01 GMT\n\n", &report);
        assert_str(shown(a, &report), cases[i].shown);
        assert_str(report.reporter, "reporter.example");
    }
    arena_free(a);
}

/* What the reporter says counts, and not what stands in the header that it copies. */
static void texts(void **state)
{
    static const struct {
        const char *text, *shown;
    } cases[] = {
        {GATEWAY
         "  Sender Domain: example.org\n  Sender IP Address: 192.0.2.68\n"
         "  Received date: Mon, 07 Apr 2025 23:16:09 +0200\n  DMARC Results: None, Accept\n\n"
         "------ This is a copy of the headers that were received before the error\n"
         "       was detected.\n\nReceived: from x\n\tby y\nFrom: <u@b.example>\nSubject: Payment\n"
         "Source-IP: 198.51.100.1\nReported-Domain: other.example\nDelivery-Result: x\n",
         "example.org 192.0.2.68 1744060569 none, accept b.example Payment"},
        {GATEWAY "Sender Domain: example.org\nSender IP Address: 192.0.2.68\n"
                 "Sender Domain: other.example\nSender IP Address: 198.51.100.1\n",
         "example.org 192.0.2.68 0   "},
        {GATEWAY "Sender Domain: example.org\n--- Headers:", "example.org - 0   "},
        {ARF "received from IP 192.0.2.45 on Mon, 01 Jan 2025 14:23:15 +0000.\r\n\r\n"
             "Feedback-Type: auth-failure\r\nAuthentication-Results: r.example;\r\n  dkim=fail\r\n"
             "Source-IP: 192.0.2.46\r\nReported-Domain: example.org\r\n"
             "Arrival-Date: Mon, 01 Jan 2025 14:23:15 +0000\r\nDelivery-Result: reject\r\n\r\n"
             "--- BEGIN ORIGINAL MESSAGE HEADERS ---\r\n\r\nFrom: u@b.example\r\nSubject: "
             "Urgent\r\n\r\n"
             "--- END ---\r\n",
         "example.org 192.0.2.45 1735741395 reject b.example Urgent"},
    };
    (void)state;
    struct arena *a = arena_new(0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct failure_report report;
        read_one(a, NULL, cases[i].text, NULL, &report);
        assert_str(shown(a, &report), cases[i].shown);
    }
    arena_free(a);
}

static void dates(void **state)
{
    static const struct {
        const char *text;
        long long seconds;
    } cases[] = {
        {"Thu, 8 Mar 2005 14:00:00 +0000", 1110290400},
        {"Thu, 8 Mar 2005 14:00:00 EDT", 1110290400 + 4 * 3600},
        {"8 Mar 2005 14:00:00 PST (x)", 1110290400 + 8 * 3600},
        {"8 Mar 2005 14:00:00 EST", 1110290400 + 5 * 3600},
        {"8 Mar 2005 14:00:00 CST", 1110290400 + 6 * 3600},
        {"8 Mar 2005 14:00:00 CDT", 1110290400 + 5 * 3600},
        {"8 Mar 2005 14:00:00 MST", 1110290400 + 7 * 3600},
        {"8 Mar 2005 14:00:00 MDT", 1110290400 + 6 * 3600},
        {"8 Mar 2005 14:00:00 PDT", 1110290400 + 7 * 3600},
        {"8 Mar 2005 14:00:00 GMT", 1110290400},
        {"8 Mar 2005 14:00:00", 1110290400},
        {"8 Mar 2005 14:00 -0100", 1110290400 + 3600},
        {"Tue Mar  8 14:00:00 2005", 1110290400},
        {"2005-03-08T14:00:00Z", 1110290400},
        {"2005-03-08T14:00:00.5+01:00", 1110290400 - 3600},
        {"yesterday", 0},
        {"1 Jan 1960 00:00:00 +0000", 0},
        {"", 0},
    };
    (void)state;
    struct arena *a = arena_new(0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (failure_date(a, at_page_end(str_of(cases[i].text))) != cases[i].seconds)
            fail_msg("%s", cases[i].text);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(fields), cmocka_unit_test(texts),
                                       cmocka_unit_test(dates)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
