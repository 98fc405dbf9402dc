/* report/in/country, outcome: countries of addresses by text files; what a row's messages are. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "report/in/country.h"
#include "report/in/outcome.h"

static const char ipv4[] =
    "# a comment, and another one\n# INTERVALS\n16777216,16777471,AU\n"
    "16777472,16778239,CN\n3221225984,3221226239,US\n3405803776,3405804031,??\n";
static const char ipv6[] = "# comment\n2001:200::,2001:200:ffff:ffff:ffff:ffff:ffff:ffff,JP\n"
                           "2001:db8::,2001:db8:ffff:ffff:ffff:ffff:ffff:ffff,DE\n";

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    assert_int_equal(fputs(text, f) < 0, 0);
    assert_int_equal(fclose(f), 0);
}

static void countries(void **state)
{
    static const struct {
        const char *address, *country;
    } cases[] = {
        {"1.0.0.0", "AU"},     {"1.0.0.255", "AU"},  {"1.0.1.0", "CN"},
        {"1.0.3.255", "CN"},   {"1.0.4.0", ""},      {"0.255.255.255", ""},
        {"192.0.2.77", "US"},  {"203.0.113.1", ""},  {"255.255.255.255", ""},
        {"2001:200::1", "JP"}, {"2001:db8::", "DE"}, {"2001:db9::", ""},
        {"::1", ""},
    };
    (void)state;
    struct arena *a = arena_new(0);
    char dir[] = "/tmp/assay-country-XXXXXX", four[64], six[64];
    assert_non_null(mkdtemp(dir));
    snprintf(four, sizeof four, "%s/geoip", dir);
    snprintf(six, sizeof six, "%s/geoip6", dir);
    assert_null(countries_open(str_of(four), a));
    write_file(four, ipv4);
    write_file(six, ipv6);
    const struct countries *c = countries_open(str_of(four), a);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct netaddr address;
        assert_true(netaddr_parse(str_of(cases[i].address), &address));
        assert_str(country_of(c, &address, a), cases[i].country);
        assert_str(country_of(NULL, &address, a), "");
    }
    assert_str(country_of(c, &(struct netaddr){0}, a), "");
    unlink(four);
    unlink(six);
    rmdir(dir);
    arena_free(a);
}

struct row_case {
    bool dkim, spf;
    const char *dkim_domain, *dkim_result, *spf_domain, *spf_result, *reason, *comment;
    enum message_kind kind;
    enum dkim_cause dkim_cause;
    enum spf_cause spf_cause;
};

static void outcomes(void **state)
{
    static const struct row_case cases[] = {
        {true, true, "example.org", "pass", "example.org", "pass", NULL, NULL, KIND_BOTH, DKIM_GOOD,
         SPF_GOOD},
        {true, false, "sub.example.org", "pass", "list.example", "pass", NULL, NULL, KIND_DKIM,
         DKIM_GOOD, SPF_OTHER_DOMAIN},
        {false, true, NULL, NULL, "example.org", "pass", NULL, NULL, KIND_SPF, DKIM_NO_SIGNATURE,
         SPF_GOOD},
        {false, false, "example.org", "fail", "list.example", "pass", NULL, NULL, KIND_MODIFIED,
         DKIM_BROKEN, SPF_OTHER_DOMAIN},
        {false, false, "example.org", "fail", "list.example", "pass", "local_policy",
         "arc=pass as[1].d=x", KIND_FORWARDED, DKIM_BROKEN, SPF_OTHER_DOMAIN},
        {false, false, NULL, NULL, "example.org", "fail", "mailing_list", "", KIND_FORWARDED,
         DKIM_NO_SIGNATURE, SPF_FAILS},
        {false, false, NULL, NULL, "example.org", "fail", "local_policy", "whitelist", KIND_NOTHING,
         DKIM_NO_SIGNATURE, SPF_FAILS},
        {false, false, "esp.example", "pass", "esp.example", "pass", NULL, NULL, KIND_FOREIGN,
         DKIM_OTHER_DOMAIN, SPF_OTHER_DOMAIN},
        {false, false, "esp.example", "fail", "evil.example", "none", NULL, NULL, KIND_NOTHING,
         DKIM_OTHER_DOMAIN, SPF_FAILS},
        {false, false, "sub.example.org", "pass", "sub.example.org", "pass", NULL, NULL,
         KIND_MODIFIED, DKIM_STRICT, SPF_STRICT},
        {false, false, "org", "pass", "badexample.org", "pass", NULL, NULL, KIND_FOREIGN,
         DKIM_OTHER_DOMAIN, SPF_OTHER_DOMAIN},
    };
    (void)state;
    struct arena *a = arena_new(0);
    const struct aggregate_policy policy = {.domain = STR("example.org")};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct row_case *c = &cases[i];
        struct aggregate_row *row = arena_make(a, struct aggregate_row);
        row->dkim = c->dkim;
        row->spf = c->spf;
        row->disposition = AGGREGATE_REJECT;
        row->n_dkim = c->dkim_domain != NULL;
        row->auth_dkim[0] =
            (struct aggregate_dkim){str_of(c->dkim_domain), STR("s"), str_of(c->dkim_result)};
        row->n_spf = 1;
        row->auth_spf[0] =
            (struct aggregate_spf){str_of(c->spf_domain), STR_NONE, str_of(c->spf_result)};
        row->n_reasons = c->reason != NULL;
        row->reasons[0] = (struct aggregate_reason){str_of(c->reason), str_of(c->comment)};
        const struct outcome made = outcome_of(row, &policy);
        const struct outcome o = outcome_unpack(outcome_pack(&made));
        assert_int_equal(o.kind, c->kind);
        assert_int_equal(o.dkim_cause, c->dkim_cause);
        assert_int_equal(o.spf_cause, c->spf_cause);
        assert_int_equal(o.disposition, AGGREGATE_REJECT);
        assert_int_equal(o.overridden, c->reason != NULL);
        assert_true(o.dkim == c->dkim && o.spf == c->spf);
    }
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(countries),
        cmocka_unit_test(outcomes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
