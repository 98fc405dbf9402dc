/* reference/vet: what the libraries are given, and what they are not. */
#include "test.h"

#include "reference/vet.h"

static struct arena *a;

static int begin(void **state)
{
    (void)state;
    a = arena_new(0);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_free(a);
    return 0;
}

static struct str repeated(char c, size_t n)
{
    char *p = arena_alloc(a, n);
    memset(p, c, n);
    return (struct str){p, n};
}

/* ---- facts ---- */

static struct spf_request spf_request(void)
{
    struct spf_request request = {
        .helo = STR("mail.example.org"), .local = STR("user"), .domain = STR("Example.ORG.")};
    assert_true(netaddr_parse(STR("192.0.2.1"), &request.client));
    return request;
}

static void spf_facts_are_normalised(void **state)
{
    (void)state;
    struct spf_request request = spf_request(), out;
    struct str why;
    request.local = STR("");
    request.helo = STR("b\xc3\xbc.example");
    assert_true(vet_spf(a, &request, &out, &why));
    assert_str(out.domain, "example.org");
    assert_str(out.local, "postmaster");
    assert_str(out.helo, "xn--b-eha.example");
}

static void refuse_spf(struct spf_request request, const char *want)
{
    struct spf_request out;
    struct str why = STR("nothing");
    assert_false(vet_spf(a, &request, &out, &why));
    assert_str(why, want);
}

static void spf_facts_are_refused(void **state)
{
    (void)state;
    struct spf_request r = spf_request();
    r.client.family = 0;
    refuse_spf(r, "the client has no IP address");
    r = spf_request();
    r.domain = STR("a..b");
    refuse_spf(r, "the sender's domain is no domain name");
    r = spf_request();
    r.local = STR("a\0b");
    refuse_spf(r, "libspf2 is not given the local part: it is not printable ASCII");
    r.local = STR("b\xc3\xbc");
    refuse_spf(r, "libspf2 is not given the local part: it is not printable ASCII");
    r.local = repeated('a', 257);
    refuse_spf(r, "libspf2 is not given the local part: it is longer than 256 bytes");
    r = spf_request();
    r.helo = STR("a\r\nb");
    refuse_spf(r, "libspf2 is not given the HELO name: it is not printable ASCII");
    r.helo = STR("\xff");
    refuse_spf(r, "libspf2 is not given the HELO name: it is no domain name");
    r = spf_request();
    r.receiver = STR("mx\n");
    refuse_spf(r, "libspf2 is not given the receiver's name: it is not printable ASCII");
}

static void only_the_newest_signatures(void **state)
{
    (void)state;
    struct header_list headers, out;
    struct str why;
    header_list_init(&headers, a);
    header_list_add(&headers, STR("DKIM-Signature"), STR("newest"));
    header_list_add(&headers, STR("From"), STR(" \x01\xff <a@b>"));
    header_list_add(&headers, STR("dkim-SIGNATURE"), STR("a\r\n\tb"));
    header_list_add(&headers, STR("no name"), STR("x"));
    header_list_add(&headers, STR("DKIM-Signature"), STR("oldest\0"));
    assert_true(vet_dkim(a, &headers, 2, &out, &why));
    assert_int_equal(out.n, 3);
    assert_str(out.fields[0].value, "newest");
    assert_str(out.fields[1].name, "From");
    assert_str(out.fields[2].value, "a\r\n\tb");
    assert_false(vet_dkim(a, &headers, 3, &out, &why));
    assert_str(why, "libopendkim is not given a header field with a NUL");
}

static void refuse_signature(struct str value, const char *want)
{
    struct header_list headers, out;
    struct str why = STR("nothing");
    header_list_init(&headers, a);
    header_list_add(&headers, STR("DKIM-Signature"), value);
    assert_false(vet_dkim(a, &headers, 1, &out, &why));
    assert_str(why, want);
}

static void signatures_are_refused(void **state)
{
    (void)state;
    refuse_signature(STR("a=\x1b"),
                     "libopendkim is not given a DKIM-Signature with control characters");
    refuse_signature(repeated('a', VET_FIELD_MAX + 1),
                     "libopendkim is not given a DKIM-Signature of more than 65536 bytes");
}

static void dmarc_facts(void **state)
{
    (void)state;
    const struct dmarc_identifier ids[] = {{.domain = STR("a.example")},
                                           {.domain = STR("")},
                                           {.domain = STR("b c")},
                                           {.domain = STR("d.example"), .spf = true}};
    struct dmarc_request request = {.author_domain = STR("example.org"), .ids = ids, .n_ids = 4};
    struct dmarc_request out;
    struct str why;
    assert_true(vet_dmarc(a, &request, &out, &why));
    assert_int_equal(out.n_ids, 2);
    assert_str(out.ids[1].domain, "d.example");
    assert_true(out.ids[1].spf);
    request.author_domain = STR("a\nb");
    assert_false(vet_dmarc(a, &request, &out, &why));
    assert_str(why, "the author domain is no domain name");
    request =
        (struct dmarc_request){.author_domain = STR("example.org"), .ids = ids, .n_ids = 1000000};
    assert_false(vet_dmarc(a, &request, &out, &why));
}

/* ---- answers ---- */

/* The records given to the library, joined by '|'; or "refused: " and why. */
static struct str given(enum reference_library library, enum dns_type type, const struct dns_rr *rr,
                        size_t n)
{
    const struct dns_answer answer = {.status = DNS_ANSWER, .n = n, .rr = rr};
    const struct question question = {STR("example.org"), type};
    struct dns_answer out;
    struct str why;
    struct strbuf b;
    if (!vet_answer(a, library, &question, &answer, &out, &why))
        return str_printf(a, "refused: %.*s", STR_ARG(why));
    assert_int_equal(out.status, out.n ? DNS_ANSWER : DNS_NODATA);
    sb_init(&b, a);
    for (size_t i = 0; i < out.n; i++) {
        sb_add(&b, i ? STR("|") : STR(""));
        sb_add(&b, out.rr[i].text);
    }
    return sb_str(&b);
}

static void spf_records_are_printed_anew(void **state)
{
    (void)state;
    const struct dns_rr rr[] = {{.text = STR("google-site-verification=1")},
                                {.text = STR("v=spf1  +MX x=%{c} -ALL a")},
                                {.text = STR("v=spf1 exp=e.%{d} ?all")}};
    assert_str(given(REFERENCE_LIBSPF2, DNS_TXT, rr, 3), "v=spf1 mx -all|v=spf1 ?all exp=e.%{d}");
    assert_str(given(REFERENCE_LIBSPF2, DNS_TXT, rr, 1), "");
}

static void spf_records_are_refused(void **state)
{
    (void)state;
    struct dns_rr rr = {.text = STR("v=spf1 a:\x01.example -all")};
    assert_str(given(REFERENCE_LIBSPF2, DNS_TXT, &rr, 1),
               "refused: libspf2 is not given the record of example.org: \"a:\\x01.example\" has a "
               "character that is not visible ASCII");
    struct strbuf b;
    sb_init(&b, a);
    sb_add(&b, STR("v=spf1"));
    for (unsigned i = 0; i < 300; i++)
        sb_add(&b, STR(" ip4:198.51.100.1"));
    rr.text = sb_str(&b);
    assert_str(given(REFERENCE_LIBSPF2, DNS_TXT, &rr, 1),
               "refused: libspf2 is not given the record of example.org: it is longer than 4096 "
               "bytes");
}

static void key_records(void **state)
{
    (void)state;
    struct dns_rr rr = {.text = STR("v=DKIM1; p=\r\n\tAAAA; n=\xc3\xbc")};
    assert_str(given(REFERENCE_LIBOPENDKIM, DNS_TXT, &rr, 1), "v=DKIM1; p=\r\n\tAAAA; n=\xc3\xbc");
    rr.text = STR("p=\0");
    assert_str(given(REFERENCE_LIBOPENDKIM, DNS_TXT, &rr, 1),
               "refused: libopendkim is not given the record at example.org: it has control "
               "characters");
    rr.text = repeated('a', VET_TEXT_MAX + 1);
    assert_str(given(REFERENCE_LIBOPENDKIM, DNS_TXT, &rr, 1),
               "refused: libopendkim is not given the record at example.org: it is longer than "
               "4096 bytes");
}

static void policy_records(void **state)
{
    (void)state;
    const struct dns_rr rr[] = {{.text = STR("v=DMARC1; p=reject")},
                                {.text = STR("v=DMARC1; p=whatever")},
                                {.text = STR("v=spf1 -all")},
                                {.text = STR("v=DMARC1; p=none; x=\x01")}};
    assert_str(given(REFERENCE_LIBOPENDMARC, DNS_TXT, rr, 4), "v=DMARC1; p=reject");
}

static void names(void **state)
{
    (void)state;
    const struct dns_rr rr[] = {{.text = STR("a.example")},
                                {.text = STR(".")},
                                {.text = STR("b\\046c.example")},
                                {.text = STR("_d.example")}};
    assert_str(given(REFERENCE_LIBSPF2, DNS_MX, rr, 4), "a.example|_d.example");
    assert_str(given(REFERENCE_LIBSPF2, DNS_PTR, rr, 4), "a.example|_d.example");
}

static void answers_are_bounded(void **state)
{
    (void)state;
    struct dns_rr *rr = arena_array(a, struct dns_rr, VET_RECORDS_MAX + 1);
    assert_str(given(REFERENCE_LIBSPF2, DNS_A, rr, VET_RECORDS_MAX + 1),
               "refused: example.org has more than 1000 records");
    for (size_t i = 0; i <= VET_RECORDS_MAX; i++)
        rr[i].text = STR("a.b");
    assert_str(given(REFERENCE_LIBSPF2, DNS_MX, rr, VET_RECORDS_MAX + 1),
               "refused: example.org has more than 1000 records");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spf_facts_are_normalised),
        cmocka_unit_test(spf_facts_are_refused),
        cmocka_unit_test(only_the_newest_signatures),
        cmocka_unit_test(signatures_are_refused),
        cmocka_unit_test(dmarc_facts),
        cmocka_unit_test(spf_records_are_printed_anew),
        cmocka_unit_test(spf_records_are_refused),
        cmocka_unit_test(key_records),
        cmocka_unit_test(policy_records),
        cmocka_unit_test(names),
        cmocka_unit_test(answers_are_bounded),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
