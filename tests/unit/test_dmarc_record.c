/* dmarc record: the grammar of RFC 9989 4.7 and 4.8, what counts as a record, and what it says. */
#include "test.h"

#include "dmarc/dmarc.h"
#include "dmarc/uri.h"

static const char *letter(enum dmarc_alignment alignment)
{
    return alignment == DMARC_STRICT ? "s" : "r";
}

static void add_uris(struct strbuf *b, const char *name, const struct str *uris, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        sb_printf(b, i ? "," : " %s=", name);
        sb_add(b, uris[i]);
    }
}

/* A record in one line: what differs from the defaults, and the policies. */
static struct str describe(struct arena *a, const char *text)
{
    struct dmarc_record r;
    struct strbuf b;
    bool usable;
    sb_init(&b, a);
    if (!dmarc_record_parse(a, at_page_end(str_of(text)), &r, &usable)) {
        assert_false(usable);
        return STR("no record");
    }
    if (!usable)
        return STR("unusable");
    sb_printf(&b, "%s/%s/%s", dmarc_policy_name(r.p), dmarc_policy_name(r.sp),
              dmarc_policy_name(r.np));
    if (r.has_sp || r.has_np)
        sb_printf(&b, " has:%s%s", r.has_sp ? "sp" : "", r.has_np ? "np" : "");
    if (r.adkim != DMARC_RELAXED || r.aspf != DMARC_RELAXED)
        sb_printf(&b, " adkim=%s aspf=%s", letter(r.adkim), letter(r.aspf));
    if (r.psd != 'u')
        sb_printf(&b, " psd=%c", r.psd);
    if (r.testing)
        sb_printf(&b, " t=y");
    if (!str_eq(r.fo, STR("0")))
        sb_printf(&b, " fo=%.*s", STR_ARG(r.fo));
    add_uris(&b, "rua", r.rua, r.n_rua);
    add_uris(&b, "ruf", r.ruf, r.n_ruf);
    return sb_str(&b);
}

struct row {
    const char *text, *want;
};

static void check(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct arena *a = arena_new(0);
        struct str got = describe(a, rows[i].text);
        if (!str_eq(got, str_of(rows[i].want)))
            print_error("record \"%s\"\n", rows[i].text);
        assert_str(got, rows[i].want);
        arena_free(a);
    }
}
#define CHECK(rows) check((rows), sizeof(rows) / sizeof *(rows))

static void version(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"v=DMARC1;p=none", "none/none/none"},
        {"v=DMARC1; p=reject", "reject/reject/reject"},
        {"v=DMARC1; p=reject;", "reject/reject/reject"},
        {"v=DMARC1 ; p=reject ; ", "reject/reject/reject"},
        {"v = DMARC1;p=reject", "reject/reject/reject"},
        {"v\t=\tDMARC1\t;\tp=reject", "reject/reject/reject"},
        {"V=DMARC1; p=reject", "reject/reject/reject"},
        {"v=DMARC1", "unusable"},
        {"v=DMARC1;", "unusable"},
        {"v=DMARC1; ", "unusable"},
        {"", "no record"},
        {";", "no record"},
        {"v", "no record"},
        {"=DMARC1", "no record"},
        {"v=", "no record"},
        {"v=DMARC", "no record"},
        {"v=DMARC11; p=reject", "no record"},
        {"v=DMARC2; p=reject", "no record"},
        {"v=dmarc1; p=reject", "no record"},
        {"v=Dmarc1; p=reject", "no record"},
        {"v=DMARC1 p=reject", "no record"},
        {"v=DMARC1, p=reject", "no record"},
        {"v=DMARC1: p=reject", "no record"},
        {"v=\"DMARC1\"; p=reject", "no record"},
        {"\"v=DMARC1; p=reject\"", "no record"},
        {" v=DMARC1; p=reject", "no record"},
        {"\tv=DMARC1; p=reject", "no record"},
        {";v=DMARC1; p=reject", "no record"},
        {"p=reject; v=DMARC1", "no record"},
        {"p=reject", "no record"},
        {"v=spf1 -all", "no record"},
        {"v=DKIM1; p=abc", "no record"},
        {"dmarc=v=DMARC1; p=reject", "no record"},
        {"v=DMARC1; v=DMARC2; p=reject", "reject/reject/reject"},
    };
    CHECK(rows);
}

static void policies(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"v=DMARC1; p=none", "none/none/none"},
        {"v=DMARC1; p=quarantine", "quarantine/quarantine/quarantine"},
        {"v=DMARC1; p=REJECT", "reject/reject/reject"},
        {"v=DMARC1; p = Reject ", "reject/reject/reject"},
        {"v=DMARC1; rua=mailto:a@example.com; p=reject",
         "reject/reject/reject rua=mailto:a@example.com"},
        {"v=DMARC1; sp=none; p=reject", "reject/none/none has:sp"},
        {"v=DMARC1; p=none; np=reject", "none/none/reject has:np"},
        {"v=DMARC1; p=none; sp=quarantine; np=reject", "none/quarantine/reject has:spnp"},
        {"v=DMARC1; p=reject; sp=quarantine", "reject/quarantine/quarantine has:sp"},
        /* RFC 9989 4.10.1: no valid p, or an invalid sp or np. */
        {"v=DMARC1; p=", "unusable"},
        {"v=DMARC1; p=drop", "unusable"},
        {"v=DMARC1; p", "unusable"},
        {"v=DMARC1; p=reject none", "unusable"},
        {"v=DMARC1; sp=reject", "unusable"},
        {"v=DMARC1; p=reject; sp=drop", "unusable"},
        {"v=DMARC1; p=reject; sp=", "unusable"},
        {"v=DMARC1; p=reject; np=drop", "unusable"},
        {"v=DMARC1; p=reject; sp=drop; rua=", "unusable"},
        {"v=DMARC1; p=drop; rua=a@example.com", "unusable"},
        {"v=DMARC1; p=drop; ruf=mailto:a@example.com", "unusable"},
        {"v=DMARC1; rua=mailto:a@example.com", "none/none/none rua=mailto:a@example.com"},
        {"v=DMARC1; p=drop; rua=mailto:a@example.com", "none/none/none rua=mailto:a@example.com"},
        {"v=DMARC1; p=reject; sp=drop; rua=mailto:a@example.com",
         "none/none/none rua=mailto:a@example.com"},
        {"v=DMARC1; p=reject; np=drop; sp=reject; rua=mailto:a@example.com",
         "none/none/none rua=mailto:a@example.com"},
        {"v=DMARC1; p=drop; rua=nonsense,https://example.com/r",
         "none/none/none rua=https://example.com/r"},
        /* A part that is no tag says nothing about sp. */
        {"v=DMARC1; p=reject; sp", "reject/reject/reject"},
        /* RFC 9989 4.8: what repeats is ignored; names are literals, so of either case. */
        {"v=DMARC1; p=none; p=reject", "none/none/none"},
        {"v=DMARC1; p=drop; p=reject", "unusable"},
        {"v=DMARC1; P=reject", "reject/reject/reject"},
        {"V=DMARC1; P=REJECT; SP=None; Np=quarantine", "reject/none/quarantine has:spnp"},
        {"v=DMARC1; P=none; p=reject", "none/none/none"},
        {"v=DMARC1; RUA=mailto:a@example.com", "none/none/none rua=mailto:a@example.com"},
    };
    CHECK(rows);
}

static void options(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"v=DMARC1; p=none; adkim=s", "none/none/none adkim=s aspf=r"},
        {"v=DMARC1; p=none; aspf=S", "none/none/none adkim=r aspf=s"},
        {"v=DMARC1; p=none; adkim=r; aspf=r", "none/none/none"},
        {"v=DMARC1; p=none; adkim=strict; aspf=", "none/none/none"},
        {"v=DMARC1; p=none; psd=y", "none/none/none psd=y"},
        {"v=DMARC1; p=none; psd=N", "none/none/none psd=n"},
        {"v=DMARC1; p=none; psd=u", "none/none/none"},
        {"v=DMARC1; p=none; psd=yes", "none/none/none"},
        {"v=DMARC1; p=none; t=y", "none/none/none t=y"},
        {"v=DMARC1; p=none; t=Y", "none/none/none t=y"},
        {"v=DMARC1; p=none; t=n", "none/none/none"},
        {"v=DMARC1; p=none; t=1", "none/none/none"},
        {"v=DMARC1; p=none; fo=1", "none/none/none fo=1"},
        {"v=DMARC1; p=none; fo=0:d:s", "none/none/none fo=0:d:s"},
        {"v=DMARC1; p=none; fo=d:1:s", "none/none/none fo=d:1:s"},
        {"v=DMARC1; p=none; fo=d", "none/none/none fo=d"},
        {"v=DMARC1; p=none; fo=0:1", "none/none/none"},
        {"v=DMARC1; p=none; fo=d:d", "none/none/none"},
        {"v=DMARC1; p=none; fo=x", "none/none/none"},
        {"v=DMARC1; p=none; fo=1:", "none/none/none"},
        {"v=DMARC1; p=none; fo=", "none/none/none"},
        /* Removed tags (RFC 9989 C.5.2) and unknown ones, whatever their value. */
        {"v=DMARC1; p=reject; pct=0; rf=afrf; ri=86400", "reject/reject/reject"},
        {"v=DMARC1; p=reject; pct=nonsense; ri=-1; rf=", "reject/reject/reject"},
        {"v=DMARC1; p=reject; new=thing; x_1=2", "reject/reject/reject"},
        {"v=DMARC1;; ;p=reject;;", "reject/reject/reject"},
        {"v=DMARC1; junk; =; 1=2; p=reject", "reject/reject/reject"},
        {"v=DMARC1; \xff\xfe; x=\xc3\xa9; p=reject", "reject/reject/reject"},
    };
    CHECK(rows);
}

static void uris(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"rua=mailto:a@example.com", "mailto:a@example.com"},
        {"rua=mailto:a@example.com!10m", "mailto:a@example.com"},
        {"rua=mailto:a@example.com!10k", "mailto:a@example.com"},
        {"rua=mailto:a@example.com!10T", "mailto:a@example.com"},
        {"rua=mailto:a@example.com!10", "mailto:a@example.com"},
        {"rua=mailto:a@example.com!1G , mailto:b@example.com",
         "mailto:a@example.com,mailto:b@example.com"},
        {"rua=mailto:a@example.com,mailto:b@example.com,",
         "mailto:a@example.com,mailto:b@example.com"},
        {"rua=,,mailto:a@example.com", "mailto:a@example.com"},
        {"rua=MailTo:A@Example.COM", "MailTo:A@Example.COM"},
        {"rua=mailto:a%2Cb%21@example.com", "mailto:a%2Cb%21@example.com"},
        {"rua=mailto:a+b@example.com?subject=x%20y", "mailto:a+b@example.com?subject=x%20y"},
        {"rua=https://example.com:8080/a/b?c=d#e", "https://example.com:8080/a/b?c=d#e"},
        {"rua=https://u:p@[2001:db8::1]:443/", "https://u:p@[2001:db8::1]:443/"},
        {"rua=https://[2001:db8::1]", "https://[2001:db8::1]"},
        {"rua=https://@example.com/", "https://@example.com/"},
        {"rua=https://:80/", "https://:80/"}, /* a host may be empty (RFC 3986 3.2.2) */
        {"rua=file:///a", "file:///a"},
        {"rua=https://[::1]", "https://[::1]"},
        {"rua=https://[1:2:3:4:5:6:7:8]/", "https://[1:2:3:4:5:6:7:8]/"},
        {"rua=https://[::ffff:192.0.2.1]/", "https://[::ffff:192.0.2.1]/"},
        {"rua=https://192.0.2.1/", "https://192.0.2.1/"},
        {"rua=x:y", "x:y"},
        {"rua=x:", "x:"}, /* RFC 3986 3: a path may be empty, whatever stands behind it */
        {"rua=x:?y", "x:?y"},
        {"rua=x:#y", "x:#y"},
        {"rua=mailto:a@b", "mailto:a@b"},
        {"rua=x-report+1.0:anything/at/all", "x-report+1.0:anything/at/all"},
        {"rua=mailto:a@example.com!", ""},
        {"rua=mailto:a@example.com!m", ""},
        {"rua=mailto:a@example.com!10x", ""},
        {"rua=mailto:a@example.com!10mb", ""},
        {"rua=mailto:a!b@example.com", ""},
        {"rua=a@example.com", ""},
        {"rua=mailto:", ""},
        {"rua=mailto:a", ""},
        {"rua=mailto:@example.com", ""},
        {"rua=mailto:a@", ""},
        {"rua=mailto:a@example..com", ""},
        {"rua=mailto:a@example.com.", ""},
        {"rua=mailto:a@b@example.com", ""},
        {"rua=mailto: a@example.com", ""},
        {"rua=mailto:<a@example.com>", ""},
        {"rua=mailto:a@exam ple.com", ""},
        {"rua=mailto:a%2@example.com", ""},
        {"rua=mailto:a%zz@example.com", ""},
        {"rua=mailto:a%2C<@example.com", ""},
        {"rua=mailto:a@example.com%", ""},
        {"rua=mailto:a@example.com?x=%", ""},
        {"rua=mailto:a@example.com#%g0", ""},
        {"rua=mailto:\xc3\xa9@example.com", ""},
        {"rua=://example.com", ""},
        {"rua=1http://example.com", ""},
        {"rua=ht_tp://example.com", ""},
        {"rua=https://[2001:db8::1", ""},
        {"rua=https://[nonsense]/", ""},
        {"rua=https://[192.0.2.1]/", ""}, /* RFC 3986 3.2.2: only IPv6 has brackets */
        {"rua=https://[IPv6:2001:db8::1]/", ""},
        {"rua=https://[]/", ""},
        {"rua=https://[2001:db8::1]x/", ""},
        {"rua=https://example.com:80a/", ""},
        {"rua=https://example.com:a80/", ""},
        {"rua=https://\"u@example.com/", ""},
        {"rua=h_:y", ""},
        {"rua=https://exa mple.com/", ""},
        {"rua=https://u\"@example.com/", ""},
        {"rua=https://example.com/a[b]", ""},
        {"rua=https://example.com/\\", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena *a = arena_new(0);
        struct str text = str_printf(a, "v=DMARC1; p=none; %s", rows[i].text);
        struct str want = rows[i].want[0] ? str_printf(a, "none/none/none rua=%s", rows[i].want)
                                          : STR("none/none/none");
        const struct row row = {text.p, want.p};
        check(&row, 1);
        arena_free(a);
    }
}

/* RFC 3986 2.1: a percent sign has two digits behind it. */
static void percent_signs(void **state)
{
    static const struct {
        const char *uri;
        bool valid;
    } cases[] = {
        {"x:%4a", true},   {"x:%Fa%00", true}, {"x:%4z", false},       {"x:%z4", false},
        {"x:%4", false},   {"x:%", false},     {"x:%%4a", false},      {"x:%4a%4", false},
        {"x://%4a", true}, {"x://%4", false},  {"x:?%4a", true},       {"x:?%4", false},
        {"x:#%4a", true},  {"x:#%4", false},   {"mailto:%4a@x", true}, {"mailto:%4@ax", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (dmarc_uri_valid(at_page_end(str_of(cases[i].uri))) != cases[i].valid)
            fail_msg("%s", cases[i].uri);
}

static void both_lists(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"v=DMARC1; p=none; rua=mailto:a@example.com; ruf=mailto:b@example.com,bad",
         "none/none/none rua=mailto:a@example.com ruf=mailto:b@example.com"},
    };
    CHECK(rows);
}

static void many_uris(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct strbuf b;
    struct dmarc_record r;
    bool usable;
    sb_init(&b, a);
    sb_printf(&b, "v=DMARC1; p=none; rua=");
    for (int i = 0; i < 1000; i++)
        sb_printf(&b, "mailto:a%d@example.com,", i);
    assert_true(dmarc_record_parse(a, sb_str(&b), &r, &usable));
    assert_int_equal(r.n_rua, DMARC_URIS_MAX);
    assert_str(r.rua[DMARC_URIS_MAX - 1], "mailto:a31@example.com");
    arena_free(a);
}

static void binary(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct dmarc_record r;
    bool usable;
    assert_false(dmarc_record_parse(a, STR("v=DMARC1\0; p=none"), &r, &usable));
    assert_false(dmarc_record_parse(a, STR_NONE, &r, &usable));
    assert_true(dmarc_record_parse(a, STR("v=DMARC1; p=none\0"), &r, &usable));
    assert_false(usable);
    arena_free(a);
}

static void names(void **state)
{
    (void)state;
    assert_string_equal(dmarc_result_name(DMARC_TEMPERROR), "temperror");
    assert_string_equal(dmarc_result_name(DMARC_PERMERROR), "permerror");
    assert_string_equal(dmarc_policy_name(DMARC_P_QUARANTINE), "quarantine");
}

#define LONGEST_LOCAL "a123456789a123456789a123456789a123456789a123456789a123456789a123" /* 64 */

static void mailto(void **state)
{
    static const struct {
        const char *uri, *local, *domain; /* local NULL: no address */
    } cases[] = {
        {"mailto:d@example.org", "d", "example.org"},
        {"MAILTO:A.b@EXAMPLE.org?subject=x", "A.b", "example.org"},
        {"mailto:a%2Bb@example.org#x", "a+b", "example.org"},
        {"mailto:a%21b@example.org", "a!b", "example.org"},
        {"mailto:a.b.c@example.or%67", "a.b.c", "example.org"},
        {"mailto:a!b@example.org", NULL, NULL},
        {"mailto:a..b@example.org", NULL, NULL},
        {"mailto:a%40b@example.org", NULL, NULL},
        {"mailto:a%20b@example.org", NULL, NULL},
        {"mailto:a%0Db@example.org", NULL, NULL},
        {"mailto:.a@example.org", NULL, NULL},
        {"mailto:a.@example.org", NULL, NULL},
        {"mailto:a@localhost", NULL, NULL},
        {"mailto:a@-..example", NULL, NULL},
        {"https://example.org/a@b", NULL, NULL},
        {"https:a@example.org", NULL, NULL},
        {"mailto:", NULL, NULL},
        {"mailto:@example.org", NULL, NULL},
        {"mailto:" LONGEST_LOCAL "@example.org", LONGEST_LOCAL, "example.org"},
        {"mailto:" LONGEST_LOCAL "4@example.org", NULL, NULL},
    };
    (void)state;
    struct arena *a = arena_new(0);
    struct str local, domain;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool good = dmarc_mailto(a, at_page_end(str_of(cases[i].uri)), &local, &domain);
        assert_int_equal(good, cases[i].local != NULL);
        if (good) {
            assert_str(local, cases[i].local);
            assert_str(domain, cases[i].domain);
        }
    }
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version),   cmocka_unit_test(policies),      cmocka_unit_test(options),
        cmocka_unit_test(uris),      cmocka_unit_test(percent_signs), cmocka_unit_test(both_lists),
        cmocka_unit_test(many_uris), cmocka_unit_test(binary),        cmocka_unit_test(names),
        cmocka_unit_test(mailto),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
