/* dkim/verify: the RFCs' examples, and every reason for which a signature does not pass. */
#include "dkim_util.h"

#include <stdio.h>

/* Key records; names are below example.org. */
static const struct {
    const char *selector, *text;
} records[] = {
    {"rsa", "v=DKIM1; p=" RSA_PUBLIC},
    {"rsa.two", "v=DKIM1; p=" RSA_PUBLIC},
    {"ed", "v=DKIM1; k=ed25519; p=" ED25519_PUBLIC},
    {"edrsa", "v=DKIM1; k=rsa; p=" ED25519_PUBLIC},
    {"other", "v=DKIM1; p=" OTHER_PUBLIC},
    {"testing", "v=DKIM1; t=y; p=" RSA_PUBLIC},
    {"othertesting", "v=DKIM1; t=x:y; p=" OTHER_PUBLIC},
    {"strict", "v=DKIM1; t=y : s; p=" RSA_PUBLIC},
    {"revoked", "v=DKIM1; p="},
    {"sha1", "v=DKIM1; h=sha1; p=" RSA_PUBLIC},
    {"sha256", "v=DKIM1; h=sha1 : sha256; s=other:email; g=; n=a note; p=" RSA_PUBLIC},
    {"notmail", "v=DKIM1; s=tlsrpt; p=" RSA_PUBLIC},
    {"anykind", "v=DKIM1; k=frob; p=" RSA_PUBLIC},
    {"spf", "v=spf1 -all"},
    {"badkey", "v=DKIM1; p=AAAA"},
    /* Only its bare form; 512 bits; 1024 bits with an exponent that is even. */
    {"bare", "p=MIGJAoGBAOQeU5CgFPNZGIazlXo2k/eJ1jpaTTxrmqF1HrDLlt04pvaMtCJj8nXoliLRC/H9vJjMI1vdb3X"
             "LcW60AIN/PBD8EL97/y4GwJH7LPUvGP48vqUe+owqszesbiGy1PlCO8c70/OjFnJVgvMF87YR4Lcincb7aSvI"
             "5MgpP6X8rjDdAgMBAAE="},
    {"short", "v=DKIM1; p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAOURGIzSM4+IeSlKxq4Y7IUXNPCctSs+oS3bL2wrV"
              "yV7HdUjqYeZg9FnyQUatFCL1uUWuAr9W5LG/Wt07aa2qQ0CAwEAAQ=="},
    /* The order in DNS must not matter. */
    {"several", "v=spf1 -all"},
    {"several", "v=DKIM1; p=" OTHER_PUBLIC},
    {"several", "v=DKIM1; p=" RSA_PUBLIC},
    {"severalbad", "v=DKIM1; p="},
    {"severalgone", "v=spf1 -all"},
    {"severalgone", "v=DKIM1; p="},
    {"severalgone", "hello"},
    {"severalbad", "v=DKIM1; p=" OTHER_PUBLIC},
    {"many", "v=DKIM1; p=" OTHER_PUBLIC},
    {"many", "v=DKIM1; t=y; p=" OTHER_PUBLIC},
    {"many", "v=DKIM1; t=x; p=" OTHER_PUBLIC},
    {"many", "v=DKIM1; p=" RSA_PUBLIC},
    {"xn--4dbrk0ce", "v=DKIM1; p=" RSA_PUBLIC},
};

static const char *zone;

static int setup(void **state)
{
    struct strbuf b;
    if (dkim_setup(state))
        return -1;
    sb_init(&b, arena);
    for (size_t i = 0; i < sizeof records / sizeof *records; i++)
        sb_printf(&b, "%s._domainkey.example.org. TXT \"%s\"\n", records[i].selector,
                  records[i].text);
    sb_printf(&b, "nodata._domainkey.example.org. A 192.0.2.1\n"
                  "servfail._domainkey.example.org. SERVFAIL\n"
                  "timeout._domainkey.example.org. TIMEOUT\n"
                  "bogus._domainkey.example.org. BOGUS\n"
                  "$SECURE yes\n"
                  "secure._domainkey.example.org. TXT \"p=" RSA_PUBLIC "\"\n"
                  "rsa._domainkey.xn--bcher-kva.example. TXT \"p=" RSA_PUBLIC "\"\n");
    zone = sb_str(&b).p;
    return 0;
}

#define MESSAGE                                                                                    \
    "From: a@example.org\r\nTo: b@example.net\r\nSubject: one\r\n two\r\nSubject: last\r\n\r\n"    \
    "Hello  there \r\n\r\n\r\n"

static const struct str message = STR_INIT(MESSAGE);

/* The message with this field on top. */
static struct str with_signature(struct str value, struct str text)
{
    return str_printf(arena, "DKIM-Signature:%.*s\r\n%.*s", STR_ARG(value), STR_ARG(text));
}

static struct dkim_signature verify_one(const struct dkim_verify_settings *settings,
                                        struct str value, struct str text)
{
    struct verified v = verify_message(settings, with_signature(value, text), zone);
    assert_int_equal(v.n, 1);
    assert_int_equal(v.skipped, 0);
    return v.signatures[0];
}

static const char rfc8463_zone[] =
    "brisbane._domainkey.football.example.com. IN TXT \"v=DKIM1; k=ed25519; p=" ED25519_PUBLIC
    "\"\n"
    "test._domainkey.football.example.com. IN TXT \"v=DKIM1; k=rsa; p=" RSA_PUBLIC "\"\n";

#define RFC_MESSAGE                                                                                \
    "From: Joe SixPack <joe@football.example.com>\r\n"                                             \
    "To: Suzie Q <suzie@shopping.example.net>\r\n"                                                 \
    "Subject: Is dinner ready?\r\n"                                                                \
    "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"                                              \
    "Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n\r\n"

static void rfc8463_example(void **state)
{
    (void)state;
    static const struct str text =
        STR_INIT("DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
                 " d=football.example.com; i=@football.example.com;\r\n"
                 " q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
                 " subject : date : message-id : from : subject : date;\r\n"
                 " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
                 " b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n"
                 " Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n"
                 "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"
                 " d=football.example.com; i=@football.example.com;\r\n"
                 " q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n"
                 " date : message-id : from : subject : date;\r\n"
                 " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
                 " b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\r\n"
                 " DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\r\n"
                 " dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=\r\n" RFC_MESSAGE
                 "Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n\r\n");
    struct verified v = verify_message(&default_settings, text, rfc8463_zone);
    assert_int_equal(v.n, 2);
    assert_result(v.signatures[0], DKIM_PASS, "");
    assert_int_equal(v.signatures[0].key_type, KEY_ED25519);
    assert_int_equal(v.signatures[0].key_bits, 256);
    assert_str(v.signatures[0].algorithm, "ed25519-sha256");
    assert_str(v.signatures[0].b_start, "/gCrinpc");
    assert_result(v.signatures[1], DKIM_PASS, "");
    assert_int_equal(v.signatures[1].key_bits, 1024);
    assert_str(v.signatures[1].domain, "football.example.com");
    assert_str(v.signatures[1].identity, "@football.example.com");
    assert_str(v.signatures[1].selector, "test");
}

static void rfc6376_example(void **state)
{
    (void)state;
    static const char key[] =
        "brisbane._domainkey.example.com. IN TXT \"v=DKIM1; p=" OTHER_PUBLIC "\"\n";
    static const struct str text =
        STR_INIT("DKIM-Signature: v=1; a=rsa-sha256; s=brisbane; d=example.com;\r\n"
                 "      c=simple/simple; q=dns/txt; i=joe@football.example.com;\r\n"
                 "      h=Received : From : To : Subject : Date : Message-ID;\r\n"
                 "      bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
                 "      b=AuUoFEfDxTDkHlLXSZEpZj79LICEps6eda7W3deTVFOk4yAUoqOB\r\n"
                 "      4nujc7YopdG5dWLSdNg6xNAZpOPr+kHxt1IrE+NahM6L/LbvaHut\r\n"
                 "      KVdkLLkpVaVVQPzeRDI009SO2Il5Lu7rDNH6mZckBdrIx0orEtZV\r\n"
                 "      4bmp/YzhwvcubU4=;\r\n"
                 "Received: from client1.football.example.com  [192.0.2.1]\r\n"
                 "      by submitserver.example.com with SUBMISSION;\r\n"
                 "      Fri, 11 Jul 2003 21:01:54 -0700 (PDT)\r\n" RFC_MESSAGE
                 "Hi.\r\n\r\nWe lost the game. Are you hungry yet?\r\n\r\nJoe.\r\n");
    struct verified v = verify_message(&default_settings, text, key);
    assert_int_equal(v.n, 1);
    assert_result(v.signatures[0], DKIM_PASS, "");
    assert_str(v.signatures[0].identity, "joe@football.example.com");
}

/* Signed by hand with the RSA key, relaxed/relaxed, over From and To unless tags says otherwise. */
struct field_case {
    const char *tags; /* "*" stands for the body digest, "b=" for the signature */
    enum dkim_result result;
    const char *reason;
};

static void run_cases(const struct field_case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct str value = sign_by_hand(rsa_key, CANON_RELAXED, CANON_RELAXED, UINT64_MAX, message,
                                        "from to", cases[i].tags);
        struct dkim_signature got = verify_one(&default_settings, value, message);
        if (got.result != cases[i].result)
            print_error("%s\n", cases[i].tags);
        assert_result(got, cases[i].result, cases[i].reason);
    }
}

#define RUN(cases) run_cases((cases), sizeof(cases) / sizeof *(cases))

#define HEAD "v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; h=from:to; "
#define KEY  HEAD "s=rsa; "
#define TAIL "bh=*; b="

static void tags_that_pass(void **state)
{
    (void)state;
    static const struct field_case cases[] = {
        {KEY TAIL, DKIM_PASS, ""},
        {KEY TAIL ";", DKIM_PASS, ""},
        {KEY "bh=*; b=; x_y=unknown; z=From:x", DKIM_PASS, ""},
        {"v = 1;a\r\n\t=\r\n rsa-sha256 ; c = relaxed/relaxed; d = example.org ; h = from\r\n "
         ":\r\n "
         "to ;s=rsa ;bh=*;\r\n b=",
         DKIM_PASS, ""},
        {HEAD "s=rsa.two; " TAIL, DKIM_PASS, ""},
        {HEAD "s=RSA; " TAIL, DKIM_PASS, ""},
        {HEAD "s=bare; " TAIL, DKIM_PASS, ""},
        {HEAD "s=sha256; " TAIL, DKIM_PASS, ""},
        {HEAD "s=several; " TAIL, DKIM_PASS, ""},
        {KEY "i=@example.org; " TAIL, DKIM_PASS, ""},
        {KEY "i=joe=2Bx@mail.Example.ORG; " TAIL, DKIM_PASS, ""},
        {KEY "i=\"joe=20x\"@\r\n example.org; " TAIL, DKIM_PASS, ""},
        {KEY "i=j=C3=BCrgen=F0=9F=98=BD=E2=AD=9A=D0=AF=E9=8E=AB=DC=AE@example.org; " TAIL,
         DKIM_PASS, ""},
        {KEY "i=\"@\"@e=78ample=2Eor=67; " TAIL, DKIM_PASS, ""},
        {KEY "i=ex=41mple=4Forg=40=4Dail=2EExample=2E=6Frg; " TAIL, DKIM_PASS, ""},
        {KEY "i=.a..b.~!@example.org; " TAIL, DKIM_PASS, ""},
        {KEY "i==41=42@example.org; " TAIL, DKIM_PASS, ""},
        {KEY "i=\"\"@example.org; " TAIL, DKIM_PASS, ""},
        {KEY "q=http/x : dns/txt; " TAIL, DKIM_PASS, ""},
        {KEY "t=1700000300; " TAIL, DKIM_PASS, ""},
        {KEY "t=1; x=1699999700; " TAIL, DKIM_PASS, ""},
        {KEY "x=9999999999999999999999; " TAIL, DKIM_PASS, ""},
        /* RFC 8616: U-labels are looked up as A-labels. */
        {"v=1; a=rsa-sha256; c=relaxed/relaxed; d=b\xc3\xbc"
         "cher.example; s=rsa; h=from:to; "
         "i=j\xc3\xb6rg@mail.xn--bcher-kva.example; " TAIL,
         DKIM_PASS, ""},
        {HEAD "s=\xd7\x99\xd7\xa9\xd7\xa8\xd7\x90\xd7\x9c; " TAIL, DKIM_PASS, ""},
    };
    RUN(cases);
}

static void tags_that_are_wrong(void **state)
{
    (void)state;
    static const struct field_case cases[] = {
        {"", DKIM_NEUTRAL, "the tag list has a part that is no tag=value"},
        {"rubbish", DKIM_NEUTRAL, "the tag list has a part that is no tag=value"},
        {KEY "t=5; t=5; " TAIL, DKIM_NEUTRAL, "a tag occurs twice"},
        {KEY "; " TAIL, DKIM_NEUTRAL, "the tag list has a part that is no tag=value"},
        {"a=rsa-sha256; d=example.org; s=rsa; h=from; " TAIL, DKIM_NEUTRAL, "v= is missing"},
        {"v=1; d=example.org; s=rsa; h=from; " TAIL, DKIM_NEUTRAL, "a= is missing"},
        {"v=1; a=rsa-sha256; s=rsa; h=from; " TAIL, DKIM_NEUTRAL, "d= is missing"},
        {"v=1; a=rsa-sha256; d=example.org; h=from; " TAIL, DKIM_NEUTRAL, "s= is missing"},
        {"v=1; a=rsa-sha256; d=example.org; s=rsa; " TAIL, DKIM_NEUTRAL, "h= is missing"},
        {"v=1; a=rsa-sha256; d=example.org; s=rsa; h=from; b=", DKIM_NEUTRAL, "bh= is missing"},
        {"v=1; a=rsa-sha256; d=example.org; s=rsa; h=from; bh=%", DKIM_NEUTRAL, "b= is missing"},
        {KEY "bh=*; b=; B=", DKIM_PASS, ""}, /* names have a case */
        {KEY "bh=; b=", DKIM_NEUTRAL, "bh= is empty or no base64"},
        {KEY "bh=A; b=", DKIM_NEUTRAL, "bh= is empty or no base64"},
        {"v=2; a=rsa-sha256; d=example.org; s=rsa; h=from; " TAIL, DKIM_NEUTRAL, "v= is not 1"},
        {"v=1; a=rsa-sha512; d=example.org; s=rsa; h=from; " TAIL, DKIM_NEUTRAL,
         "the algorithm in a= is unknown"},
        {"v=1; a=RSA-SHA256; d=example.org; s=rsa; h=from; " TAIL, DKIM_NEUTRAL,
         "the algorithm in a= is unknown"},
        {"v=1; a=rsa-sha1; d=example.org; s=rsa; h=from; " TAIL, DKIM_PERMERROR,
         "rsa-sha1 is no longer a valid algorithm (RFC 8301)"},
        {"v=1; a=rsa-sha256; c=nowsp; d=example.org; s=rsa; h=from; " TAIL, DKIM_NEUTRAL,
         "the canonicalization in c= is unknown"},
        {"v=1; a=rsa-sha256; c=/relaxed; d=example.org; s=rsa; h=from; " TAIL, DKIM_NEUTRAL,
         "the canonicalization in c= is unknown"},
        {"v=1; a=rsa-sha256; c=relaxed/; d=example.org; s=rsa; h=from; " TAIL, DKIM_NEUTRAL,
         "the canonicalization in c= is unknown"},
        {"v=1; a=rsa-sha256; d=org; s=rsa; h=from; " TAIL, DKIM_NEUTRAL,
         "d= is a top-level domain"},
        {"v=1; a=rsa-sha256; d=example.org.; s=rsa; h=from; " TAIL, DKIM_NEUTRAL,
         "d= is no domain name"},
        {"v=1; a=rsa-sha256; d=exa mple.org; s=rsa; h=from; " TAIL, DKIM_NEUTRAL,
         "d= is no domain name"},
        {"v=1; a=rsa-sha256; d=; s=rsa; h=from; " TAIL, DKIM_NEUTRAL, "d= is no domain name"},
        {"v=1; a=rsa-sha256; d=[192.0.2.1]; s=rsa; h=from; " TAIL, DKIM_NEUTRAL,
         "d= is no domain name"},
        {"v=1; a=rsa-sha256; d=example.org; s=; h=from; " TAIL, DKIM_NEUTRAL, "s= is no selector"},
        {"v=1; a=rsa-sha256; d=example.org; s=a..b; h=from; " TAIL, DKIM_NEUTRAL,
         "s= is no selector"},
        {"v=1; a=rsa-sha256; d=example.org; s=rsa; h=; " TAIL, DKIM_NEUTRAL,
         "h= is no list of field names"},
        {"v=1; a=rsa-sha256; d=example.org; s=rsa; h=from:; " TAIL, DKIM_NEUTRAL,
         "h= is no list of field names"},
        {"v=1; a=rsa-sha256; d=example.org; s=rsa; h=fr om; " TAIL, DKIM_NEUTRAL,
         "h= is no list of field names"},
        {"v=1; a=rsa-sha256; d=example.org; s=rsa; h=to; " TAIL, DKIM_PERMERROR,
         "From is not signed"},
        {KEY "i=joe; " TAIL, DKIM_NEUTRAL, "i= is no address"},
        {KEY "i=joe=3b@example.org; " TAIL, DKIM_NEUTRAL, "i= is no address"},
        {KEY "i=joe=3Bx@example.org; " TAIL, DKIM_NEUTRAL, "i= is no address"},
        {KEY "i=a=b@example.org; " TAIL, DKIM_NEUTRAL, "i= is no address"},
        {KEY "i=a@b@example.org; " TAIL, DKIM_NEUTRAL, "i= is no address"},
        {KEY "i=@example.org.; " TAIL, DKIM_NEUTRAL, "i= is no address"},
        {KEY "i=a=4@example.org; " TAIL, DKIM_NEUTRAL, "i= is no address"},
        {KEY "i=a=G0@example.org; " TAIL, DKIM_NEUTRAL, "i= is no address"},
        {KEY "i=a=0G@example.org; " TAIL, DKIM_NEUTRAL, "i= is no address"},
        {KEY "i=a=4/@example.org; " TAIL, DKIM_NEUTRAL, "i= is no address"},
        {KEY "i=a=4:@example.org; " TAIL, DKIM_NEUTRAL, "i= is no address"},
        {KEY "i=a=@0@example.org; " TAIL, DKIM_NEUTRAL, "i= is no address"},
        {KEY "i=a@example.or=6; " TAIL, DKIM_NEUTRAL, "i= is no address"},
        {KEY "i=a@example.or=; " TAIL, DKIM_NEUTRAL, "i= is no address"},
        {KEY "i=a=20b@example.org; " TAIL, DKIM_NEUTRAL, "i= is no address"},
        {KEY "i=\"a=1Fb\"@example.org; " TAIL, DKIM_NEUTRAL, "i= is no address"},
        {KEY "i=\"a=7Fb\"@example.org; " TAIL, DKIM_NEUTRAL, "i= is no address"},
        {KEY "i=\"@example.org; " TAIL, DKIM_NEUTRAL, "i= is no address"},
        {KEY "i=\"a@example.org; " TAIL, DKIM_NEUTRAL, "i= is no address"},
        {KEY "i=a\"@example.org; " TAIL, DKIM_NEUTRAL, "i= is no address"},
        {KEY "i=(a)@example.org; " TAIL, DKIM_NEUTRAL, "i= is no address"},
        {KEY "i=a(b@example.org; " TAIL, DKIM_NEUTRAL, "i= is no address"},
        {KEY "i=@org; " TAIL, DKIM_PERMERROR, "i= is not within d="},
        {KEY "i=@badexample.org; " TAIL, DKIM_PERMERROR, "i= is not within d="},
        {KEY "l=-1; " TAIL, DKIM_NEUTRAL, "l= is no number"},
        {KEY "l=; " TAIL, DKIM_NEUTRAL, "l= is no number"},
        {KEY "q=dns; " TAIL, DKIM_NEUTRAL, "q= names no query method but unknown ones"},
        {KEY "t=now; " TAIL, DKIM_NEUTRAL, "t= is no number"},
        {KEY "x=1 2; " TAIL, DKIM_NEUTRAL, "x= is no number"},
        {KEY "t=1700000000; x=1700000000; " TAIL, DKIM_NEUTRAL, "x= is not after t="},
        {KEY "x=1699999699; " TAIL, DKIM_POLICY, "the signature has expired"},
    };
    RUN(cases);
}

/* RFC 6376 3.5: b= is base64, with white space anywhere, and not empty. */
static void signatures_of_no_bytes(void **state)
{
    static const char *const values[] = {"", " ", "A", "AAA!", "=", "AAAA="};
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct str value = str_printf(arena, " " KEY "bh=AAAA; b=%s", values[i]);
        assert_result(verify_one(&default_settings, value, message), DKIM_NEUTRAL,
                      "b= is empty or no base64");
    }
}

static void keys_that_do_not_fit(void **state)
{
    (void)state;
    static const struct field_case cases[] = {
        {HEAD "s=none; " TAIL, DKIM_PERMERROR,
         "no key is published at none._domainkey.example.org"},
        {HEAD "s=nodata; " TAIL, DKIM_PERMERROR,
         "no key is published at nodata._domainkey.example.org"},
        {HEAD "s=servfail; " TAIL, DKIM_TEMPERROR,
         "the key at servfail._domainkey.example.org cannot be fetched now: DNS servfail"},
        {HEAD "s=timeout; " TAIL, DKIM_TEMPERROR,
         "the key at timeout._domainkey.example.org cannot be fetched now: DNS timeout"},
        {HEAD "s=bogus; " TAIL, DKIM_TEMPERROR,
         "the key at bogus._domainkey.example.org cannot be fetched now: DNS bogus"},
        {HEAD "s=revoked; " TAIL, DKIM_PERMERROR, "the key is revoked (p= is empty)"},
        {HEAD "s=sha1; " TAIL, DKIM_PERMERROR, "the key does not allow sha256 (h=)"},
        {HEAD "s=notmail; " TAIL, DKIM_PERMERROR, "the key is not for mail (s=)"},
        {HEAD "s=anykind; " TAIL, DKIM_PERMERROR, "the key's type (k=) is unknown"},
        {HEAD "s=ed; " TAIL, DKIM_PERMERROR,
         "the key's type (k=) does not fit the signature's algorithm (a=)"},
        {HEAD "s=edrsa; " TAIL, DKIM_PERMERROR, "p= holds no RSA key"},
        {HEAD "s=badkey; " TAIL, DKIM_PERMERROR, "p= holds no RSA key"},
        {HEAD "s=spf; " TAIL, DKIM_PERMERROR, "the key record does not begin with v=DKIM1"},
        {HEAD "s=short; " TAIL, DKIM_PERMERROR, "the RSA key has less than 1024 bits (RFC 8301)"},
        {HEAD "s=strict; i=@mail.example.org; " TAIL, DKIM_PERMERROR,
         "i= is a subdomain of d=, which the key forbids (t=s)"},
        {HEAD "s=other; " TAIL, DKIM_FAIL,
         "signature does not verify: a signed header field was changed, or another key was used"},
        {HEAD "s=severalgone; " TAIL, DKIM_PERMERROR, "the key is revoked (p= is empty)"},
        {HEAD "s=severalbad; " TAIL, DKIM_FAIL,
         "signature does not verify: a signed header field was changed, or another key was used"},
        {HEAD "s=many; " TAIL, DKIM_FAIL,
         "signature does not verify: a signed header field was changed, or another key was used"},
    };
    RUN(cases);
}

static struct str signed_with(const char *tags)
{
    return sign_by_hand(rsa_key, CANON_RELAXED, CANON_RELAXED, UINT64_MAX, message, "from to",
                        tags);
}

static struct str replaced(struct str text, const char *from, const char *to)
{
    const char *at = memmem(text.p, text.n, from, strlen(from));
    assert_non_null(at);
    size_t i = (size_t)(at - text.p);
    return str_printf(arena, "%.*s%s%.*s", (int)i, text.p, to, (int)(text.n - i - strlen(from)),
                      at + strlen(from));
}

static void facts_of_the_key(void **state)
{
    (void)state;
    struct dkim_signature s = verify_one(&default_settings, signed_with(KEY TAIL), message);
    assert_int_equal(s.key_bits, 1024);
    assert_false(s.testing);
    assert_int_equal(s.security, DNS_UNCHECKED);
    s = verify_one(&default_settings, signed_with(HEAD "s=secure; " TAIL), message);
    assert_int_equal(s.security, DNS_SECURE);
    s = verify_one(&default_settings, signed_with(HEAD "s=testing; " TAIL), message);
    assert_result(s, DKIM_PASS, "");
    assert_true(s.testing);
    s = verify_one(&default_settings, signed_with(HEAD "s=othertesting; " TAIL), message);
    assert_int_equal(s.result, DKIM_FAIL);
    assert_true(s.testing);
    s = verify_one(&default_settings, signed_with(HEAD "s=strict; i=@example.org; " TAIL), message);
    assert_result(s, DKIM_PASS, "");
    assert_true(s.testing);
    struct dkim_verify_settings demanding = default_settings;
    demanding.min_key_bits = 2048;
    s = verify_one(&demanding, signed_with(KEY TAIL), message);
    assert_result(s, DKIM_POLICY, "the RSA key is shorter than we accept");
    s = verify_one(&demanding, signed_with(HEAD "s=other; " TAIL), message);
    assert_int_equal(s.result, DKIM_FAIL);
    s = verify_one(&demanding,
                   sign_by_hand(ed25519_key, CANON_RELAXED, CANON_RELAXED, UINT64_MAX, message,
                                "from to",
                                "v=1; a=ed25519-sha256; c=relaxed/relaxed; "
                                "d=example.org; h=from:to; s=ed; " TAIL),
                   message);
    assert_result(s, DKIM_PASS, "");
}

#define AHEAD "the signature verifies, but is dated in the future: is a clock wrong?"

/* Our clock may be slow: a good signature is then neither good nor bad. A bad one is bad. */
static void dated_in_the_future(void **state)
{
    (void)state;
    static const struct field_case cases[] = {
        {KEY "t=1700000300; " TAIL, DKIM_PASS, ""},
        {KEY "t=1700000301; " TAIL, DKIM_TEMPERROR, AHEAD},
        {KEY "t=99999999999999999999; " TAIL, DKIM_TEMPERROR, AHEAD},
        {KEY "t=1700000301; x=1700000400; " TAIL, DKIM_TEMPERROR, AHEAD},
        {HEAD "s=several; t=1700000301; " TAIL, DKIM_TEMPERROR, AHEAD},
        {HEAD "s=other; t=4102444800; " TAIL, DKIM_FAIL,
         "signature does not verify: a signed header field was changed, or another key was used"},
        {HEAD "s=revoked; t=4102444800; " TAIL, DKIM_PERMERROR, "the key is revoked (p= is empty)"},
        {HEAD "s=none; t=4102444800; " TAIL, DKIM_PERMERROR,
         "no key is published at none._domainkey.example.org"},
        {KEY "t=4102444800; d=org; " TAIL, DKIM_NEUTRAL, "a tag occurs twice"},
        {KEY "l=1; t=4102444800; " TAIL, DKIM_FAIL,
         "body hash differs: the message was changed after signing"},
    };
    RUN(cases);
    struct str value = signed_with(KEY "t=1700000301; " TAIL);
    assert_int_equal(verify_one(&default_settings, value, message).ahead_s, 301);
    assert_int_equal(
        verify_one(&default_settings, value, replaced(message, "Hello", "Bye")).ahead_s, 0);
    assert_int_equal(verify_one(&default_settings, value, replaced(message, "Hello", "Bye")).result,
                     DKIM_FAIL);
    struct dkim_verify_settings demanding = default_settings;
    demanding.clock_skew_s = 0;
    value = signed_with(KEY "t=1700000001; " TAIL);
    assert_int_equal(verify_one(&demanding, value, message).ahead_s, 1);
    value = signed_with(KEY "t=1700000000; " TAIL);
    assert_int_equal(verify_one(&demanding, value, message).result, DKIM_PASS);
    value = signed_with(KEY "x=1700000000; " TAIL);
    assert_int_equal(verify_one(&demanding, value, message).result, DKIM_PASS);
    value = signed_with(KEY "x=1699999999; " TAIL);
    assert_result(verify_one(&demanding, value, message), DKIM_POLICY, "the signature has expired");
    /* With another fault it is not the clock's. */
    value = signed_with(KEY "t=1700000301; " TAIL);
    demanding = default_settings;
    demanding.min_key_bits = 2048;
    struct dkim_signature s = verify_one(&demanding, value, message);
    assert_result(s, DKIM_POLICY, "the RSA key is shorter than we accept");
    assert_int_equal(s.ahead_s, 0);
    value = sign_by_hand(rsa_key, CANON_RELAXED, CANON_RELAXED, 5, message, "from to",
                         KEY "l=5; t=1700000301; " TAIL);
    assert_int_equal(verify_one(&default_settings, value, message).result, DKIM_POLICY);
    demanding = default_settings;
    demanding.partial_body = true;
    assert_int_equal(verify_one(&demanding, value, message).result, DKIM_TEMPERROR);
}

/* To the second, with little tolerance, and by a clock that begins anew in 1970. */
static void seconds_count(void **state)
{
    static const struct {
        int64_t now, skew;
        const char *tags;
        enum dkim_result result;
        int64_t ahead;
    } cases[] = {
        {1700000000, 1, "t=1700000001; ", DKIM_PASS, 0},
        {1700000000, 1, "t=1700000002; ", DKIM_TEMPERROR, 2},
        {1700000000, 1, "x=1699999999; ", DKIM_PASS, 0},
        {1700000000, 1, "x=1699999998; ", DKIM_POLICY, 0},
        {1, 0, "t=1; ", DKIM_PASS, 0},
        {1, 0, "t=2; ", DKIM_TEMPERROR, 1},
        {1, 0, "x=1; ", DKIM_PASS, 0},
        {1, 0, "x=0; ", DKIM_POLICY, 0},
        {0, 0, "t=0; ", DKIM_PASS, 0},
        {0, 0, "t=1; ", DKIM_TEMPERROR, 1},
        {0, 0, "x=0; ", DKIM_PASS, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dkim_verify_settings settings = default_settings;
        char *tags = str_cstr(arena, str_printf(arena, KEY "%s" TAIL, cases[i].tags));
        settings.now = cases[i].now;
        settings.clock_skew_s = cases[i].skew;
        struct dkim_signature s = verify_one(&settings, signed_with(tags), message);
        if (s.result != cases[i].result || s.ahead_s != cases[i].ahead)
            fail_msg("case %zu: %s, %lld", i, dkim_result_name(s.result), (long long)s.ahead_s);
    }
}

/* Nothing is verified with a key that is too long: that is what costs. */
static void keys_that_are_too_long(void **state)
{
    (void)state;
    struct dkim_verify_settings modest = default_settings;
    const char *why = "the RSA key is longer than we accept";
    modest.max_key_bits = 1024;
    assert_result(verify_one(&modest, signed_with(KEY TAIL), message), DKIM_PASS, "");
    modest.max_key_bits = 1023;
    struct dkim_signature s = verify_one(&modest, signed_with(KEY TAIL), message);
    assert_result(s, DKIM_POLICY, why);
    assert_int_equal(s.key_bits, 1024);
    assert_result(verify_one(&modest, signed_with(HEAD "s=other; " TAIL), message), DKIM_POLICY,
                  why);
    assert_result(verify_one(&modest, signed_with(HEAD "s=short; " TAIL), message), DKIM_PERMERROR,
                  "the RSA key has less than 1024 bits (RFC 8301)");
    assert_int_equal(
        verify_one(&modest, signed_with(KEY TAIL), replaced(message, "Hello", "Bye")).result,
        DKIM_FAIL);
    s = verify_one(&modest,
                   sign_by_hand(ed25519_key, CANON_RELAXED, CANON_RELAXED, UINT64_MAX, message,
                                "from to",
                                "v=1; a=ed25519-sha256; c=relaxed/relaxed; "
                                "d=example.org; h=from:to; s=ed; " TAIL),
                   message);
    assert_result(s, DKIM_PASS, "");
}

/* A key that is longer than can be decoded at all: the same, whatever the setting. */
static void keys_beyond_all_bounds(void **state)
{
    (void)state;
    struct strbuf der, text;
    sb_init(&der, arena);
    sb_init(&text, arena);
    sb_add(&der, (struct str){"\x30\x82\x04\x08\x02\x82\x04\x01\x01", 9});
    for (int i = 0; i < 1024; i++)
        sb_addc(&der, '\xff');
    sb_add(&der, (struct str){"\x02\x01\x03", 3});
    sb_printf(&text, "rsa._domainkey.example.org. TXT \"p=%.*s\"\n",
              STR_ARG(base64_encode(arena, sb_str(&der))));
    sb_addc(&text, '\0');
    struct verified v = verify_message(
        &default_settings, with_signature(signed_with(KEY TAIL), message), sb_str(&text).p);
    assert_result(v.signatures[0], DKIM_POLICY, "the RSA key has more than 8192 bits");
    v = verify_message(&default_settings,
                       with_signature(signed_with(KEY TAIL), replaced(message, "Hello", "Bye")),
                       sb_str(&text).p);
    assert_int_equal(v.signatures[0].result, DKIM_FAIL);
}

/* What can be read of a broken field is there for logs and headers. */
static void broken_but_named(void **state)
{
    (void)state;
    struct str value = STR(" v=1; a=rsa-sha256; d=B\xc3\xbc"
                           "cher.Example; s=S1; h=from; h=to; "
                           "i=joe@b\xc3\xbc"
                           "cher.example; b=abc def\x01ghijk; bh=AAAA; rubbish");
    struct dkim_signature s = verify_one(&default_settings, value, message);
    assert_int_equal(s.result, DKIM_NEUTRAL);
    assert_str(s.domain, "xn--bcher-kva.example");
    assert_str(s.selector, "s1");
    assert_str(s.identity, "joe@b\xc3\xbc"
                           "cher.example");
    assert_str(s.algorithm, "rsa-sha256");
    assert_str(s.b_start, "abcdef");
    s = verify_one(&default_settings, STR(" v=1; d=Example.org"), message);
    assert_str(s.identity, "@Example.org");
    s = verify_one(&default_settings, STR(" v=1"), message);
    assert_str(s.identity, "");
}

static void changed_messages(void **state)
{
    (void)state;
    const char *body = "body hash differs: the message was changed after signing";
    const char *header =
        "signature does not verify: a signed header field was changed, or another key was used";
    struct str relaxed = signed_with(KEY TAIL);
    struct str simple =
        sign_by_hand(rsa_key, CANON_SIMPLE, CANON_SIMPLE, UINT64_MAX, message, "from to",
                     "v=1; a=rsa-sha256; d=example.org; h=from:to; s=rsa; " TAIL);
    struct str mixed =
        sign_by_hand(rsa_key, CANON_RELAXED, CANON_SIMPLE, UINT64_MAX, message, "from to",
                     "v=1; a=rsa-sha256; c=relaxed; d=example.org; h=from:to; s=rsa; " TAIL);
    const struct {
        const char *from, *to, *relaxed, *simple, *mixed;
    } cases[] = {
        {"Hello", "Hello", "", "", ""},
        {"Hello", "hello", body, body, body},
        {"  there ", "\tthere", "", body, body},
        {"there \r\n\r\n\r\n", "there \r\n", "", "", ""},
        {"b@example.net", "c@example.net", header, header, header},
        {"To: b", "TO:  b", "", header, ""},
        {"To: b", "To:\r\n b", "", header, ""},
        {"Subject: one", "Subject: other", "", "", ""}, /* not signed */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str text = replaced(message, cases[i].from, cases[i].to);
        const struct {
            struct str value;
            const char *want;
        } three[] = {
            {relaxed, cases[i].relaxed}, {simple, cases[i].simple}, {mixed, cases[i].mixed}};
        for (size_t k = 0; k < 3; k++)
            assert_result(verify_one(&default_settings, three[k].value, text),
                          *three[k].want ? DKIM_FAIL : DKIM_PASS, three[k].want);
    }
    /* A wrong body is known to be wrong without the key. */
    assert_result(verify_one(&default_settings, signed_with(HEAD "s=timeout; " TAIL),
                             replaced(message, "Hello", "hello")),
                  DKIM_FAIL, body);
}

/* RFC 6376 3.4.1: simple canonicalisation leaves the white space before a colon as it came. */
static void space_before_the_colon(void **state)
{
    (void)state;
    static const struct str spaced = STR_INIT("From \t: a@example.org\r\n\r\nHello\r\n"),
                            plain = STR_INIT("From: a@example.org\r\n\r\nHello\r\n");
    for (int canon = CANON_SIMPLE; canon <= CANON_RELAXED; canon++) {
        bool simple = canon == CANON_SIMPLE;
        struct str tags = str_printf(
            arena, "v=1; a=rsa-sha256; c=%s/relaxed; d=example.org; s=rsa; h=from; bh=*; b=",
            simple ? "simple" : "relaxed");
        struct str value = sign_by_hand(rsa_key, (enum canon)canon, CANON_RELAXED, UINT64_MAX,
                                        plain, "", str_cstr(arena, tags)); /* for bh= */
        unsigned char digest[32];
        size_t b = (size_t)((const char *)memmem(value.p, value.n, " b=", 3) - value.p) + 3;
        struct header_hash *whole = header_hash_new(arena, (enum canon)canon);
        header_hash_field(whole, STR("From \t"), STR(" a@example.org"));
        header_hash_signature(whole, STR("DKIM-Signature"), str_sub(value, 0, b));
        header_hash_finish(whole, digest);
        value = str_printf(arena, "%.*s%.*s", (int)b, value.p,
                           STR_ARG(base64_encode(arena, private_key_sign(rsa_key, digest, arena))));
        assert_int_equal(verify_one(&default_settings, value, spaced).result, DKIM_PASS);
        assert_int_equal(verify_one(&default_settings, value, plain).result,
                         simple ? DKIM_FAIL : DKIM_PASS);
    }
}

/* Duplicates are hashed from the bottom up, absent ones are nothing, the signature never is. */
static void repeated_fields(void **state)
{
    (void)state;
    static const char tags[] = "v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=rsa; "
                               "h=Subject:from:SUBJECT:subject:x-none:DKIM-Signature; bh=*; b=";
    struct str value = sign_by_hand(rsa_key, CANON_RELAXED, CANON_RELAXED, UINT64_MAX, message,
                                    "from", tags); /* for bh= */
    /* By hand: Subject: last, From, Subject: one two. */
    struct header_hash *hash = header_hash_new(arena, CANON_RELAXED);
    unsigned char digest[32];
    header_hash_field(hash, STR("Subject"), STR(" last"));
    header_hash_field(hash, STR("From"), STR(" a@example.org"));
    header_hash_field(hash, STR("Subject"), STR(" one two"));
    size_t b = (size_t)((const char *)memmem(value.p, value.n, " b=", 3) - value.p) + 3;
    header_hash_signature(hash, STR("DKIM-Signature"), str_sub(value, 0, b));
    header_hash_finish(hash, digest);
    value = str_printf(arena, "%.*s%.*s", (int)b, value.p,
                       STR_ARG(base64_encode(arena, private_key_sign(rsa_key, digest, arena))));
    assert_result(verify_one(&default_settings, value, message), DKIM_PASS, "");
    struct str added = str_printf(arena, "Subject: zero\r\n%.*s", STR_ARG(message));
    assert_int_equal(verify_one(&default_settings, value, added).result, DKIM_FAIL);
    added = str_printf(arena, "X-None: 1\r\n%.*s", STR_ARG(message));
    assert_int_equal(verify_one(&default_settings, value, added).result, DKIM_FAIL);
    added = str_printf(arena, "Dkim-Signature: x\r\n%.*s", STR_ARG(message));
    assert_int_equal(
        verify_message(&default_settings, with_signature(value, added), zone).signatures[0].result,
        DKIM_FAIL);
}

static void body_lengths(void **state)
{
    (void)state;
    const uint64_t whole = strlen("Hello there\r\n");
    struct dkim_verify_settings lenient = default_settings;
    lenient.partial_body = true;
    for (uint64_t l = 0; l <= whole + 1; l++) {
        char tags[256];
        snprintf(tags, sizeof tags, KEY "l=%d; " TAIL, (int)l);
        struct str value =
            sign_by_hand(rsa_key, CANON_RELAXED, CANON_RELAXED, l, message, "from to", tags);
        struct dkim_signature s = verify_one(&default_settings, value, message);
        struct dkim_signature t = verify_one(&lenient, value, message);
        if (l < whole) {
            assert_result(s, DKIM_POLICY,
                          "the signature covers only the beginning of the body (l=)");
            assert_result(t, DKIM_PASS, "");
        } else if (l == whole) {
            assert_result(s, DKIM_PASS, "");
        } else {
            assert_result(s, DKIM_PERMERROR, "l= is longer than the body");
            assert_result(t, DKIM_PERMERROR, "l= is longer than the body");
        }
    }
    static const struct field_case cases[] = {
        {KEY "l=18446744073709551615; " TAIL, DKIM_PERMERROR, "l= is longer than the body"},
        {KEY "l=18446744073709551616; " TAIL, DKIM_PERMERROR, "l= is longer than the body"},
        {KEY
         "l=0000000000000000000000000000000000000000000000000000000000000000000000000013; " TAIL,
         DKIM_PASS, ""},
        {KEY
         "l=00000000000000000000000000000000000000000000000000000000000000000000000000013; " TAIL,
         DKIM_NEUTRAL, "l= is no number"},
        /* The digest is that of the whole body and not of its first octet. */
        {KEY "l=1; " TAIL, DKIM_FAIL, "body hash differs: the message was changed after signing"},
    };
    RUN(cases);
}

static void b_starts(void **state)
{
    static const struct {
        const char *value, *want;
    } cases[] = {
        {" b=abcdefghijklmn", "abcdefghijkl"},
        {" b=abcdefgh ijkxyz", "abcdefghijkx"},
        {" b=abcdefgxijk", "abcdefgx"},
        {" b=abc", "abc"},
        {" v=1", ""},
        {" b=zzzzzzzzzz", "zzzzzzzzzz"},
        {" b=zzzzzzzzzz", "zzzzzzzzzz"},
        {" b=qqqqqqqq1xx", "qqqqqqqq1"},
        {" b=qqqqqqqq2xx", "qqqqqqqq2"},
        {" b=+a/b+cd=xx", "+a/b+cd="},
        {" b=!abcdefgh", ""},
        {" b=1yyyyyyyyyy", "1yyyyyyy"},
        {" b=2yyyyyyyyyy", "2yyyyyyy"},
    };
    const size_t n = sizeof cases / sizeof *cases;
    struct dkim_verify_settings settings = default_settings;
    struct header_list headers;
    (void)state;
    settings.max_signatures = (unsigned)n;
    header_list_init(&headers, arena);
    for (size_t i = 0; i < n; i++)
        header_list_add(&headers, STR("DKIM-Signature"), str_of(cases[i].value));
    struct verified v = verify_fields(&settings, &headers, STR(""), zone);
    assert_int_equal(v.n, n);
    for (size_t i = 0; i < n; i++)
        assert_str(v.signatures[i].b_start, cases[i].want);
}

static void no_signature(void **state)
{
    (void)state;
    struct verified v = verify_message(&default_settings, message, zone);
    assert_int_equal(v.n, 0);
    assert_int_equal(v.skipped, 0);
    v = verify_message(&default_settings, STR(""), zone);
    assert_int_equal(v.n, 0);
}

static void newest_first(void **state)
{
    (void)state;
    struct str text = message;
    struct str good = signed_with(KEY TAIL);
    for (int i = 0; i < 15; i++)
        text = with_signature(i == 5 ? good : STR(" v=1"), text);
    struct verified v = verify_message(&default_settings, text, zone);
    assert_int_equal(v.n, 10);
    assert_int_equal(v.skipped, 5);
    for (size_t i = 0; i < 10; i++)
        assert_int_equal(v.signatures[i].result, i == 9 ? DKIM_PASS : DKIM_NEUTRAL);
}

static void names_of_results(void **state)
{
    (void)state;
    static const char *const names[] = {"none",    "pass",      "fail",     "policy",
                                        "neutral", "temperror", "permerror"};
    for (int i = 0; i < DKIM_RESULT_COUNT; i++)
        assert_string_equal(dkim_result_name((enum dkim_result)i), names[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc8463_example),
        cmocka_unit_test(rfc6376_example),
        cmocka_unit_test(tags_that_pass),
        cmocka_unit_test(tags_that_are_wrong),
        cmocka_unit_test(signatures_of_no_bytes),
        cmocka_unit_test(keys_that_do_not_fit),
        cmocka_unit_test(facts_of_the_key),
        cmocka_unit_test(dated_in_the_future),
        cmocka_unit_test(seconds_count),
        cmocka_unit_test(keys_that_are_too_long),
        cmocka_unit_test(keys_beyond_all_bounds),
        cmocka_unit_test(broken_but_named),
        cmocka_unit_test(changed_messages),
        cmocka_unit_test(space_before_the_colon),
        cmocka_unit_test(repeated_fields),
        cmocka_unit_test(body_lengths),
        cmocka_unit_test(b_starts),
        cmocka_unit_test(no_signature),
        cmocka_unit_test(newest_first),
        cmocka_unit_test(names_of_results),
    };
    return cmocka_run_group_tests(tests, setup, dkim_teardown);
}
