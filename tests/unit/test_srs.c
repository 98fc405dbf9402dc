/* srs: addresses there and back. The vectors are those of Mail::SRS for the secret "tops3cr3t" on
 * day 20000; tests/conformance has more of them. */
#include "test.h"

#include <string.h>

#include "srs/srs.h"

#define DAY   INT64_C(86400)
#define DAY_0 (20000 * DAY + 43210)

static const struct str secrets[] = {STR_INIT("tops3cr3t"), STR_INIT("0ld"), STR_INIT("")};

static bool is_local(const void *context, struct str domain)
{
    return str_eq(domain, str_of(context));
}

static struct srs_scheme scheme(void)
{
    return (struct srs_scheme){
        .domain = STR("srs.example.org"),
        .n_secrets = 1,
        .secrets = secrets,
        .hash_length = 4,
        .hash_minimum = 4,
        .validity_days = 21,
        .is_local = is_local,
        .context = "example.org",
    };
}

/* "" where the address stays, and *why says so. */
static struct str forward(const struct srs_scheme *s, const char *sender, int64_t now,
                          struct arena *a)
{
    struct srs_outcome o = srs_forward(s, str_of(sender), now, a);
    if (o.status == SRS_DONE)
        return o.address;
    assert_non_null(o.why);
    return o.status == SRS_UNTOUCHED  ? STR("untouched")
           : o.status == SRS_TOO_LONG ? STR("too long")
                                      : STR("unknown");
}

static struct str reverse(const struct srs_scheme *s, struct str recipient, int64_t now,
                          struct arena *a)
{
    static const char *const words[] = {
        [SRS_UNTOUCHED] = "untouched", [SRS_REFUSED] = "refused", [SRS_UNKNOWN] = "unknown"};
    struct srs_outcome o = srs_reverse(s, recipient, now, a);
    if (o.status == SRS_DONE)
        return o.address;
    assert_non_null(o.why);
    return str_of(words[o.status]);
}

/* --- Forward -----------------------------------------------------------------------------------*/

static const struct {
    const char *sender, *address;
} forwarded[] = {
    {"alice@example.com", "SRS0=71em=RA=example.com=alice@srs.example.org"},
    {"<alice@example.com>", "SRS0=71em=RA=example.com=alice@srs.example.org"},
    {"alice@example.com.", "SRS0=71em=RA=example.com=alice@srs.example.org"},
    {"Alice@Example.COM", "SRS0=71em=RA=Example.COM=Alice@srs.example.org"},
    {"\"alice\"@example.com", "SRS0=71em=RA=example.com=alice@srs.example.org"},
    /* Another server has forwarded it before us, with any separator and in any case. */
    {"SRS0=71em=RA=example.com=alice@fwd.example",
     "SRS1=mM++=fwd.example==71em=RA=example.com=alice@srs.example.org"},
    {"srs0+71em=ra=example.com=alice@fwd.example",
     "SRS1=DgHb=fwd.example=+71em=ra=example.com=alice@srs.example.org"},
    {"SRS0=x@fwd.example", "SRS1=GW1D=fwd.example==x@srs.example.org"},
    {"SRS1=h=host1==x@fwd2", "SRS1=/YA7=host1==x@srs.example.org"},
    {"SRS1-h=host1=-x@fwd2", "SRS1=qvfA=host1=-x@srs.example.org"},
    /* Nobody could undo these: a sender like any other. */
    {"SRS1=x@fwd2", "SRS0=+Zmq=RA=fwd2=SRS1=x@srs.example.org"},
    {"SRS1=h=host1=x@fwd2", "SRS0=/3SZ=RA=fwd2=SRS1=h=host1=x@srs.example.org"},
    {"SRS1=h=host1==@fwd2", "SRS0=WRcr=RA=fwd2=SRS1=h=host1==@srs.example.org"},
    {"SRS1=h=ho+st==x@fwd2", "SRS0=zmlY=RA=fwd2=SRS1=h=ho+st==x@srs.example.org"},
    {"SRS1=h===x@fwd2", "SRS0=QTRO=RA=fwd2=SRS1=h===x@srs.example.org"},
    {"SRS2=h=a=b@fwd2", "SRS0=LWI6=RA=fwd2=SRS2=h=a=b@srs.example.org"},
    {"SRS0=@fwd2", "SRS0=OVFj=RA=fwd2=SRS0=@srs.example.org"},
    {"srs0@fwd2", "SRS0=aX4d=RA=fwd2=srs0@srs.example.org"},
    /* What is quoted stays so. */
    {"\"a@b\"@example.com", "\"SRS0=rl7K=RA=example.com=a@b\"@srs.example.org"},
    {"\"a\\\"b\\\\ c\"@example.com", "\"SRS0=vEQ0=RA=example.com=a\\\"b\\\\ c\"@srs.example.org"},
    {"a=b@example.com", "SRS0=XWnV=RA=example.com=a=b@srs.example.org"},
    {"a..b.@example.com", "SRS0=huqL=RA=example.com=a..b.@srs.example.org"},
    {"b\xC3\xBC@example.com", "SRS0=ILHh=RA=example.com=b\xC3\xBC@srs.example.org"},
    /* Ours, and nobody's. */
    {"bob@example.org", "untouched"},
    {"bob@EXAMPLE.org.", "untouched"},
    {"SRS0=71em=RA=example.com=alice@srs.example.org", "untouched"},
    {"bob@SRS.example.org", "untouched"},
    {"<>", "untouched"},
    {"", "untouched"},
    {"bob", "untouched"},
    {"bob@", "untouched"},
    {"@example.com", "untouched"},
    {"bob@[192.0.2.1]", "untouched"},
    {"bob@a=b.example", "untouched"},
    {"bob@a..b", "untouched"},
    {"a@b@example.com", "untouched"},
    {"a b@example.com", "untouched"},
    {"a\"b@example.com", "untouched"},
    {"\"a\x01\"@example.com", "untouched"},
    {"\"\x01\"@example.com", "untouched"},
    {"\xFF@example.com", "untouched"},
    {"\"\"@example.com", "untouched"},
    {"a\xFF@example.com", "untouched"},
};

static void forwards(void **state)
{
    struct arena *a = arena_new(0);
    const struct srs_scheme s = scheme();
    (void)state;
    for (size_t i = 0; i < sizeof forwarded / sizeof *forwarded; i++)
        assert_str(forward(&s, forwarded[i].sender, DAY_0, a), forwarded[i].address);
    arena_free(a);
}

/* RFC 5321 4.5.3.1.1: 64 octets, quotes counted; 4.5.3.1.3: 254 for all of it. */
static void knows_how_long_a_local_part_is(void **state)
{
    struct arena *a = arena_new(0);
    const struct srs_scheme s = scheme();
    char user[64] = {0};
    (void)state;
    for (size_t n = 1; n < sizeof user - 1; n++) {
        memset(user, 'x', n);
        const char *plain = str_printf(a, "%s@example.com", user).p;
        const char *quoted = str_printf(a, "\" %s\"@example.com", user).p;
        /* SRS0=71em=RA=example.com= */
        assert_int_equal(str_eq(forward(&s, plain, DAY_0, a), STR("too long")), 25 + n > 64);
        assert_int_equal(str_eq(forward(&s, quoted, DAY_0, a), STR("too long")), 28 + n > 64);
    }
    /* SRS0=hash=RA=fwd.example=x@ are 27 */
    struct srs_scheme far = scheme();
    char domain[254] = {0};
    for (size_t n = 220; n < sizeof domain; n++) {
        memset(domain, 'a', n);
        far.domain = str_of(domain);
        assert_int_equal(str_eq(forward(&far, "x@fwd.example", DAY_0, a), STR("too long")),
                         27 + n > 254);
    }
    arena_free(a);
}

static void says_unknown_without_a_secret(void **state)
{
    struct arena *a = arena_new(0);
    struct srs_scheme s = scheme();
    s.n_secrets = 0;
    (void)state;
    assert_str(forward(&s, "alice@example.com", DAY_0, a), "unknown");
    assert_str(forward(&s, "SRS0=x@fwd.example", DAY_0, a), "unknown");
    assert_str(forward(&s, "bob@example.org", DAY_0, a), "untouched");
    assert_str(reverse(&s, STR("SRS0=71em=RA=example.com=alice@srs.example.org"), DAY_0, a),
               "unknown");
    assert_str(reverse(&s, STR("SRS1=mM++=fwd.example==x@srs.example.org"), DAY_0, a), "unknown");
    assert_str(reverse(&s, STR("bob@srs.example.org"), DAY_0, a), "untouched");
    arena_free(a);
}

/* --- Back --------------------------------------------------------------------------------------*/

static const struct {
    const char *recipient, *address;
} reversed[] = {
    {"SRS0=71em=RA=example.com=alice@srs.example.org", "alice@example.com"},
    {"srs0=71em=ra=example.com=alice@srs.example.org", "alice@example.com"},
    {"SRS0=71EM=RA=EXAMPLE.COM=ALICE@SRS.EXAMPLE.ORG", "ALICE@EXAMPLE.COM"},
    {"<SRS0=71em=RA=example.com=alice@srs.example.org>", "alice@example.com"},
    {"SRS0+71em=RA=example.com=alice@srs.example.org", "alice@example.com"},
    {"SRS0-71em=RA=example.com=alice@srs.example.org", "alice@example.com"},
    {"SRS0=XWnV=RA=example.com=a=b@srs.example.org", "a=b@example.com"},
    {"SRS0=XWnV=RA=example.com=a=b@srs.example.org", "a=b@example.com"},
    {"\"SRS0=rl7K=RA=example.com=a@b\"@srs.example.org", "\"a@b\"@example.com"},
    {"\"SRS0=71em=RA=example.com=alice\"@srs.example.org", "alice@example.com"},
    {"SRS1=mM++=fwd.example==71em=RA=example.com=alice@srs.example.org",
     "SRS0=71em=RA=example.com=alice@fwd.example"},
    {"srs1+mm++=fwd.example==71em=ra=example.com=alice@srs.example.org",
     "SRS0=71em=ra=example.com=alice@fwd.example"},
    {"SRS1=/YA7=host1==x@srs.example.org", "SRS0=x@host1"},
    {"SRS1=_YA7=host1==x@srs.example.org", "SRS0=x@host1"},
    {"SRS1=qvfA=host1=-x@srs.example.org", "SRS0-x@host1"},
    /* Not ours, or not of our making. */
    {"SRS0=71em=RA=example.com=alice@other.example", "untouched"},
    {"SRS0=71em=RA=example.com=alice@example.org", "untouched"},
    {"bob@srs.example.org", "untouched"},
    {"srs0@srs.example.org", "untouched"},
    {"SRS0", "untouched"},
    {"SRS0:71em=RA=example.com=alice@srs.example.org", "untouched"},
    {"<>", "untouched"},
    {"SRS0=71en=RA=example.com=alice@srs.example.org", "refused"},
    {"SRS0=71em=RB=example.com=alice@srs.example.org", "refused"},
    {"SRS0=71em=RA=example.net=alice@srs.example.org", "refused"},
    {"SRS0=71em=RA=example.com=alicf@srs.example.org", "refused"},
    {"SRS0=71e=RA=example.com=alice@srs.example.org", "refused"},
    {"SRS0==RA=example.com=alice@srs.example.org", "refused"},
    {"SRS0=71em=RA=example.com@srs.example.org", "refused"},
    {"SRS0=71em=RA=example.com=@srs.example.org", "refused"},
    {"SRS0=71em@srs.example.org", "refused"},
    {"SRS0=@srs.example.org", "refused"},
    {"SRS1=mM+a=fwd.example==71em=RA=example.com=alice@srs.example.org", "refused"},
    {"SRS1=mM++=fwe.example==71em=RA=example.com=alice@srs.example.org", "refused"},
    {"SRS1=mM++@srs.example.org", "refused"},
    {"SRS1=mM++=fwd.example@srs.example.org", "refused"},
    {"SRS1=mM++=fwd.example==@srs.example.org", "refused"},
    {"SRS1=mM++===x@srs.example.org", "refused"},
    {"SRS1=@srs.example.org", "refused"},
};

static void reverses(void **state)
{
    struct arena *a = arena_new(0);
    const struct srs_scheme s = scheme();
    (void)state;
    for (size_t i = 0; i < sizeof reversed / sizeof *reversed; i++)
        assert_str(reverse(&s, str_of(reversed[i].recipient), DAY_0, a), reversed[i].address);
    arena_free(a);
}

/* Every hash that is made is read back in both alphabets and in either case; some have each of the
 * characters that differ. */
static void reads_every_alphabet_and_case(void **state)
{
    struct arena *a = arena_new(0);
    struct srs_scheme s = scheme(), other = scheme();
    unsigned odd = 0;
    (void)state;
    s.hash_length = other.hash_length = SRS_HASH_MAX;
    other.alphabet = SRS_BASE64URL;
    for (int i = 0; i < 50; i++) {
        const char *sender = str_printf(a, "u%d@a.example", i).p;
        struct str one = forward(&s, sender, DAY_0, a), two = forward(&other, sender, DAY_0, a);
        odd += str_find(one, 5, '/') < one.n && str_find(one, 0, '+') < one.n;
        assert_int_equal(str_find(two, 0, '/'), two.n);
        assert_int_equal(str_find(two, 0, '+'), two.n);
        assert_str(reverse(&s, two, DAY_0, a), sender);
        assert_str(reverse(&other, one, DAY_0, a), sender);
        assert_str(reverse(&s, str_lower(a, two), DAY_0, a), sender);
    }
    assert_true(odd > 0);
    arena_free(a);
}

static void knows_several_secrets(void **state)
{
    struct arena *a = arena_new(0);
    struct srs_scheme old = scheme(), both = scheme(), fresh = scheme();
    (void)state;
    old.secrets = secrets + 1;
    both.n_secrets = 3;
    struct str address = forward(&old, "alice@example.com", DAY_0, a);
    assert_str(reverse(&both, address, DAY_0, a), "alice@example.com");
    assert_str(reverse(&fresh, address, DAY_0, a), "refused");
    assert_str(forward(&both, "alice@example.com", DAY_0, a),
               "SRS0=71em=RA=example.com=alice@srs.example.org");
    arena_free(a);
}

static void wants_a_hash_of_some_length(void **state)
{
    struct arena *a = arena_new(0);
    struct srs_scheme s = scheme();
    (void)state;
    s.hash_length = 6;
    assert_str(forward(&s, "alice@example.com", DAY_0, a),
               "SRS0=71emZf=RA=example.com=alice@srs.example.org");
    assert_str(reverse(&s, STR("SRS0=71em=RA=example.com=alice@srs.example.org"), DAY_0, a),
               "alice@example.com");
    s.hash_minimum = 5;
    assert_str(reverse(&s, STR("SRS0=71em=RA=example.com=alice@srs.example.org"), DAY_0, a),
               "refused");
    /* Longer than any hash, and right as far as it goes. */
    s.hash_length = SRS_HASH_MAX;
    struct str longest = forward(&s, "alice@example.com", DAY_0, a);
    assert_str(reverse(&s, longest, DAY_0, a), "alice@example.com");
    struct str longer = str_printf(a, "%.*sA%.*s", 5 + SRS_HASH_MAX, longest.p,
                                   (int)longest.n - 5 - SRS_HASH_MAX, longest.p + 5 + SRS_HASH_MAX);
    assert_str(reverse(&s, longer, DAY_0, a), "refused");
    arena_free(a);
}

/* --- Days --------------------------------------------------------------------------------------*/

static void expires(void **state)
{
    struct arena *a = arena_new(0);
    struct srs_scheme s = scheme();
    struct str address = STR("SRS0=71em=RA=example.com=alice@srs.example.org");
    (void)state;
    assert_str(reverse(&s, address, DAY_0 + 21 * DAY, a), "alice@example.com");
    assert_str(reverse(&s, address, 20021 * DAY + DAY - 1, a), "alice@example.com");
    assert_str(reverse(&s, address, 20022 * DAY, a), "refused");
    assert_str(reverse(&s, address, 20000 * DAY, a), "alice@example.com");
    assert_int_equal(srs_reverse(&s, address, 20000 * DAY - 1, a).status, SRS_UNKNOWN);
    s.validity_days = 1;
    assert_str(reverse(&s, address, DAY_0 + DAY, a), "alice@example.com");
    assert_str(reverse(&s, address, DAY_0 + 2 * DAY, a), "refused");
    arena_free(a);
}

/* The clock steps back, or that of another host is ahead: the bounce comes again. */
static void puts_off_what_a_clock_that_was_ahead_has_made(void **state)
{
    struct arena *a = arena_new(0);
    const struct srs_scheme s = scheme();
    (void)state;
    struct str address = forward(&s, "alice@example.com", DAY_0, a);
    assert_int_equal(srs_reverse(&s, address, DAY_0 - DAY, a).status, SRS_UNKNOWN);
    assert_int_equal(srs_reverse(&s, address, DAY_0 - 7 * DAY, a).status, SRS_UNKNOWN);
    assert_int_equal(srs_reverse(&s, address, DAY_0 - 8 * DAY, a).status, SRS_REFUSED);
    arena_free(a);
}

/* Day 1023 of a round is 77 of base32, and day 0 comes after it. */
static void goes_on_when_days_begin_anew(void **state)
{
    struct arena *a = arena_new(0);
    const struct srs_scheme s = scheme();
    int64_t last = (1024 * 20 - 1) * DAY;
    (void)state;
    struct str address = forward(&s, "alice@example.com", last, a);
    assert_str(str_sub(address, 10, 12), "77");
    assert_str(reverse(&s, address, last + DAY, a), "alice@example.com");
    assert_str(reverse(&s, address, last + 21 * DAY, a), "alice@example.com");
    assert_str(reverse(&s, address, last + 22 * DAY, a), "refused");
    assert_str(str_sub(forward(&s, "alice@example.com", last + DAY, a), 10, 12), "AA");
    assert_str(str_sub(forward(&s, "alice@example.com", -5 * DAY, a), 10, 12), "AA");
    arena_free(a);
}

/* Hashes that hold over stamps that are none: whoever has the secret can make them. */
static void refuses_what_is_no_stamp(void **state)
{
    static const char *const addresses[] = {
        "SRS0=3B9a=R0=example.com=alice@srs.example.org",
        "SRS0=CAUV=1A=example.com=alice@srs.example.org",
        "SRS0=t7cc=8A=example.com=alice@srs.example.org",
        "SRS0=27uV=RAA=example.com=alice@srs.example.org",
        "SRS0=/F9d=R=example.com=alice@srs.example.org",
        "SRS0=sAg6==example.com=alice@srs.example.org",
    };
    struct arena *a = arena_new(0);
    const struct srs_scheme s = scheme();
    (void)state;
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        struct srs_outcome o = srs_reverse(&s, str_of(addresses[i]), DAY_0, a);
        assert_int_equal(o.status, SRS_REFUSED);
        assert_string_equal(o.why, "its time stamp is none");
    }
    arena_free(a);
}

/* Hashes that hold over what leads nowhere: likewise. */
static void refuses_what_leads_nowhere(void **state)
{
    static const char *const addresses[] = {
        "SRS0=+vvE=RA==alice@srs.example.org",
        "SRS0=y33N=RA=example.com=@srs.example.org",
        "SRS0=B896=RA=ex+mple.com=alice@srs.example.org",
        "SRS1=DJR+===x@srs.example.org",
        "SRS1=8wfb=ho+st==x@srs.example.org",
        "SRS1=sQYr=host1=x=y@srs.example.org",
        "SRS1=JhJu=host1==@srs.example.org",
    };
    struct arena *a = arena_new(0);
    const struct srs_scheme s = scheme();
    (void)state;
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        struct srs_outcome o = srs_reverse(&s, str_of(addresses[i]), DAY_0, a);
        assert_int_equal(o.status, SRS_REFUSED);
        assert_string_equal(o.why, "it is cut short");
    }
    arena_free(a);
}

/* What we had forwarded was forwarded back to us: an MTA asks once for an address. */
static void undoes_both_of_its_own_steps(void **state)
{
    struct arena *a = arena_new(0);
    struct srs_scheme s = scheme(), they = scheme();
    (void)state;
    they.domain = STR("fwd.example");
    they.secrets = secrets + 1;
    struct str first = forward(&s, "alice@example.com", DAY_0, a);
    struct str second = forward(&they, first.p, DAY_0, a);
    struct str third = forward(&s, second.p, DAY_0, a);
    assert_true(str_starts(third, STR("SRS1=")));
    assert_str(reverse(&s, third, DAY_0, a), "alice@example.com");
    assert_str(reverse(&s, third, DAY_0 + 22 * DAY, a), "refused");
    arena_free(a);
}

/* However a client writes it: the MTA takes all of these for the same recipient. */
static void knows_its_own(void **state)
{
    static const struct {
        const char *address;
        bool ours;
    } cases[] = {
        {"SRS0=hash=tt=example.com=bob@srs.example.org", true},
        {"srs1+HASH=h==x=tt=example.com=bob@SRS.Example.Org", true},
        {"\"SRS0=hash=tt=example.com=b ob\"@srs.example.org", true},
        {"SRS0=hash=tt=example.com=bob@srs.example.org.", true},
        {"@relay.example:SRS0=hash=tt=example.com=bob@srs.example.org", true},
        {"@a.example,@b.example:SRS0=hash=tt=example.com=bob@srs.example.org", true},
        {"\"SRS0\\=hash=tt=example.com=bob\"@srs.example.org", true},
        {"SRS0\\=@srs.example.org", true},
        {"\\S\\R\\S0=hash=tt=example.com=bob@srs.example.org", true},
        {"SR\"S0=\"hash=tt=example.com=bob@srs.example.org", true},
        {"SRS0=hash=tt=example.com=bob@example.org", false},
        {"SRS0=hash=tt=example.com=bob@srs.example.org..", false},
        {"SRS0@srs.example.org", false},
        {"xSRS0=hash@srs.example.org", false},
        {"bob@srs.example.org", false},
        {"SRS0=hash", false},
        {"\"SRS0=hash@srs.example.org", false},
        {"@srs.example.org", false},
        {"", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (srs_is_of(STR("srs.example.org"), str_of(cases[i].address)) != cases[i].ours)
            fail_msg("%s", cases[i].address);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forwards),
        cmocka_unit_test(knows_how_long_a_local_part_is),
        cmocka_unit_test(says_unknown_without_a_secret),
        cmocka_unit_test(reverses),
        cmocka_unit_test(reads_every_alphabet_and_case),
        cmocka_unit_test(knows_several_secrets),
        cmocka_unit_test(wants_a_hash_of_some_length),
        cmocka_unit_test(expires),
        cmocka_unit_test(goes_on_when_days_begin_anew),
        cmocka_unit_test(puts_off_what_a_clock_that_was_ahead_has_made),
        cmocka_unit_test(refuses_what_is_no_stamp),
        cmocka_unit_test(refuses_what_leads_nowhere),
        cmocka_unit_test(undoes_both_of_its_own_steps),
        cmocka_unit_test(knows_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
