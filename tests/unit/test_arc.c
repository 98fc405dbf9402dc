/* arc: chains in all shapes, made by hand and by our sealer; RFC 8617 says what each is. */
#include "arc_util.h"

static const char zone[] =
    "rsa._domainkey.one.example. TXT \"v=DKIM1; p=" RSA_PUBLIC "\"\n"
    "ed._domainkey.one.example. TXT \"v=DKIM1; k=ed25519; p=" ED25519_PUBLIC "\"\n"
    "rsa._domainkey.two.example. TXT \"v=DKIM1; p=" RSA_PUBLIC "\"\n"
    "gone._domainkey.one.example. TXT \"v=DKIM1; p=\"\n"
    "other._domainkey.one.example. TXT \"v=DKIM1; p=" OTHER_PUBLIC "\"\n"
    "down._domainkey.one.example. SERVFAIL\n";

static const struct str body = STR_INIT("Hello  there \r\n\r\n");
static const struct str other_body = STR_INIT("Hello there\r\n-- \r\na list\r\n");

static struct header_list header(void)
{
    struct header_list h;
    struct str none;
    header_list_init(&h, arena);
    header_parse_message(&h, STR("From: a@author.example\r\nSubject: one\r\nTo: b@c.example\r\n"),
                         &none);
    return h;
}

static struct header_list chain_of(unsigned n)
{
    struct header_list h = header();
    for (unsigned i = 1; i <= n; i++)
        seal_by_hand(&h, body, i, NULL);
    return h;
}

static void assert_outcome(struct arc_outcome o, enum arc_result want, const char *reason)
{
    if (o.result != want)
        print_error("%s (%.*s), not %s\n", arc_result_name(o.result), STR_ARG(o.reason),
                    arc_result_name(want));
    assert_int_equal(o.result, want);
    assert_str(o.reason, reason);
}

static void assert_chain(const struct header_list *h, struct str text, enum arc_result want,
                         const char *reason)
{
    assert_outcome(validate(h, text, zone, 0), want, reason);
}

static void assert_oldest_pass(const struct header_list *h, struct str text, unsigned want)
{
    struct arc_outcome o = validate(h, text, zone, 0);
    assert_outcome(o, ARC_PASS, "");
    assert_true(o.has_oldest_pass);
    assert_int_equal(o.oldest_pass, want);
}

static void drop(struct header_list *h, const char *name, unsigned k)
{
    const struct header_field *f = header_get(h, str_of(name), k);
    size_t at = (size_t)(f - h->fields);
    memmove(&h->fields[at], &h->fields[at + 1], (h->n - at - 1) * sizeof *f);
    h->n--;
}

static void no_chain(void **state)
{
    (void)state;
    struct header_list h = header();
    assert_chain(&h, body, ARC_NONE, "");
    assert_false(chain_begun); /* it costs nothing */
    push(&h, "ARC-Something", STR(" i=1; a"));
    assert_chain(&h, body, ARC_NONE, "");
    assert_int_equal(arc_chain_read(arena, &h)->result, ARC_NONE);
}

static void good_chains(void **state)
{
    (void)state;
    static const unsigned sizes[] = {1, 2, 3, 9, 10, 50};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct header_list h = chain_of(sizes[i]);
        assert_oldest_pass(&h, body, 0);
        struct arc_outcome o = validate(&h, body, zone, 0);
        assert_int_equal(o.n, sizes[i]);
        assert_int_equal(o.highest, sizes[i]);
        assert_false(o.closed);
        assert_str(o.sets[0].seal->domain, "one.example");
        assert_int_equal(o.sets[0].cv, ARC_CV_NONE);
        assert_str(o.sets[0].results, " mx.one.example; dmarc=pass header.from=author.example");
    }
}

/* Everything that a list may do to a message, and each set behind it holds for what it made. */
static void changed_on_the_way(void **state)
{
    (void)state;
    struct header_list h = chain_of(2);
    seal_by_hand(&h, other_body, 3, NULL);
    assert_oldest_pass(&h, other_body, 3);
    seal_by_hand(&h, other_body, 4, NULL);
    assert_oldest_pass(&h, other_body, 3);
    assert_chain(&h, body, ARC_FAIL,
                 "the message signature of set 4: body hash differs: the message was changed after "
                 "signing");
    h = chain_of(1);
    drop(&h, "Subject", 0);
    push(&h, "Subject", STR(" [list] one"));
    assert_chain(&h, body, ARC_FAIL,
                 "the message signature of set 1: signature does not verify: a signed header field "
                 "was changed, or another key was used");
    seal_by_hand(&h, body, 2, NULL);
    assert_oldest_pass(&h, body, 2);
}

/* Of three sets, one field is missing. */
static void fields_missing(void **state)
{
    (void)state;
    static const struct {
        const char *name, *what;
    } kinds[] = {{"ARC-Authentication-Results", "ARC-Authentication-Results"},
                 {"ARC-Message-Signature", "ARC-Message-Signature"},
                 {"ARC-Seal", "ARC-Seal"}};
    for (unsigned kind = 0; kind < 3; kind++) {
        for (unsigned k = 0; k < 3; k++) {
            struct header_list h = chain_of(3);
            drop(&h, kinds[kind].name, k);
            struct str reason = str_printf(arena, "set %u has no %s", 3 - k, kinds[kind].what);
            assert_chain(&h, body, ARC_FAIL, reason.p);
        }
    }
}

static void fields_doubled(void **state)
{
    (void)state;
    static const char *const kinds[] = {"ARC-Authentication-Results", "ARC-Message-Signature",
                                        "ARC-Seal"};
    for (unsigned kind = 0; kind < 3; kind++) {
        struct header_list h = chain_of(2);
        push(&h, kinds[kind], header_get(&h, str_of(kinds[kind]), 1)->value);
        struct str reason =
            str_printf(arena, "an instance has two %s%s", kinds[kind], kind == 0 ? "" : "s");
        assert_chain(&h, body, ARC_FAIL, reason.p);
    }
}

static void sets_missing_and_too_many(void **state)
{
    (void)state;
    struct header_list h = header();
    seal_by_hand(&h, body, 1, NULL);
    seal_by_hand(&h, body, 3, NULL);
    assert_chain(&h, body, ARC_FAIL, "set 2 has no ARC-Authentication-Results");
    h = header();
    seal_by_hand(&h, body, 2, NULL);
    assert_chain(&h, body, ARC_FAIL, "set 1 has no ARC-Authentication-Results");
    h = header();
    seal_by_hand(&h, body, 51, NULL);
    assert_chain(&h, body, ARC_FAIL, "an instance is above 50");
    assert_int_equal(validate(&h, body, zone, 0).highest, 51);
    h = chain_of(50);
    seal_by_hand(&h, body, 51, NULL);
    assert_chain(&h, body, ARC_FAIL, "there are more than 50 sets");
    assert_int_equal(validate(&h, body, zone, 0).highest, 99);
    h = header();
    push(&h, "ARC-Authentication-Results", STR(" i=1; a.example; none"));
    assert_chain(&h, body, ARC_FAIL, "set 1 has no ARC-Message-Signature");
}

/* The order of the fields in the header is nobody's business. */
static void sets_swapped(void **state)
{
    (void)state;
    struct header_list h = chain_of(3), turned;
    header_list_init(&turned, arena);
    for (size_t i = h.n; i-- > 0;)
        header_list_add(&turned, h.fields[i].name, h.fields[i].value);
    assert_oldest_pass(&turned, body, 0);
    /* Two sets with each other's numbers. */
    struct header_list swapped = header();
    seal_by_hand(&swapped, body, 2, &(struct recipe){.cv = "pass"});
    seal_by_hand(&swapped, body, 1, &(struct recipe){.cv = "none"});
    assert_outcome(validate(&swapped, body, zone, 0), ARC_FAIL,
                   "the seal of set 2: signature does not verify: a signed header field was "
                   "changed, or another key was used");
}

static void instances(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned instance;
    } cases[] = {
        {" i=1; a", 1},
        {"i=50;", 50},
        {" (c;) i (=) = (x) 7 (y) ; a", 7},
        {" i=007; a", 0},
        {" i=01; a", 1},
        {" i=0; a", 0},
        {" i=51; a", 51},
        {" i=100; a", 0},
        {" I=1; a", 0},
        {" i=1 a", 0},
        {" a.example; i=1", 0},
        {"", 0},
        {" i=", 0},
        {" i=1", 0},
        {" i=-1; a", 0},
        {" i=\n\t2\n ; a", 2},
        {" i=(", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct header_list h = header();
        push(&h, "ARC-Authentication-Results", str_of(cases[i].text));
        if (arc_chain_read(arena, &h)->highest != cases[i].instance)
            print_error("%s\n", cases[i].text);
        assert_int_equal(arc_chain_read(arena, &h)->highest, cases[i].instance);
    }
    static const char *const tags[] = {" i=0;", " i=x;", "", " i=1; i=1;", " i=+1;", " i=1(c);"};
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
        struct header_list h = header();
        push(&h, "ARC-Seal",
             str_printf(arena, "%s a=rsa-sha256; cv=none; d=one.example; s=rsa; b=AAAA", tags[i]));
        assert_int_equal(arc_chain_read(arena, &h)->result, ARC_FAIL);
    }
}

static void chain_status(void **state)
{
    (void)state;
    static const struct {
        const char *first, *second, *reason;
    } cases[] = {
        {"pass", "pass", "set 1 is sealed with another cv= than none"},
        {"pass", "none", "set 1 is sealed with another cv= than none"},
        {"none", "none", "set 2 is sealed with another cv= than pass"},
        {"fail", "pass", "set 1 is sealed with another cv= than none"},
        {"none", "fail", "its newest seal says that it has failed (cv=fail)"},
        {"none", "maybe", "set 2 is sealed with another cv= than pass"},
        {"none", "", "set 2 is sealed with another cv= than pass"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct header_list h = header();
        seal_by_hand(&h, body, 1, &(struct recipe){.cv = cases[i].first});
        seal_by_hand(&h, body, 2, &(struct recipe){.cv = cases[i].second});
        struct arc_outcome o = validate(&h, body, zone, 0);
        assert_outcome(o, ARC_FAIL, cases[i].reason);
        assert_int_equal(o.closed, strcmp(cases[i].first, "fail") == 0 ||
                                       strcmp(cases[i].second, "fail") == 0);
    }
    struct header_list h = header();
    seal_by_hand(&h, body, 1, &(struct recipe){.cv = "NONE"});
    assert_chain(&h, body, ARC_PASS, "");
}

#define MESSAGE_WITH(tags) " i=#; a=rsa-sha256; c=relaxed/relaxed; d=one.example; " tags " bh=*; b="
#define SEAL_WITH(tags)    " i=#; a=rsa-sha256; cv=!; d=one.example; " tags " b="
#define MESSAGE_1          "the message signature of set 1: "
#define SEAL_1             "the seal of set 1: "

/* One set, made like this. */
static void single_sets(void **state)
{
    (void)state;
    static const struct {
        struct recipe recipe;
        enum arc_result result;
        const char *reason;
    } cases[] = {
        /* Tags in any order, and some that are not known. */
        {{.message = " bh=*; b=; s=rsa; h=from:subject; d=one.example; c=relaxed/relaxed; "
                     "a=rsa-sha256; i=#"},
         ARC_PASS,
         ""},
        {{.seal = " b=; s=rsa; d=one.example; cv=!; a=rsa-sha256; i=#;"}, ARC_PASS, ""},
        {{.message = MESSAGE_WITH("v=1; s=rsa; h=from:subject;")}, ARC_PASS, ""},
        {{.message = MESSAGE_WITH("v=2; q=dns/txt; unheard=of; s=rsa; h=from:subject;")},
         ARC_PASS,
         ""},
        {{.seal = SEAL_WITH("s=rsa; c=simple/simple; l=0; bh=x; x=1; q=other; v=9; new=tag;")},
         ARC_PASS,
         ""},
        {{.message = " i=#; a=rsa-sha256; c=simple/relaxed; d=one.example; s=rsa; h=from:subject; "
                     "bh=*; b=",
          .simple = true},
         ARC_PASS,
         ""},
        /* h= */
        {{.seal = SEAL_WITH("s=rsa; h=from;")}, ARC_FAIL, SEAL_1 "h= is not allowed in a seal"},
        {{.message = MESSAGE_WITH("s=rsa; h=arc-seal:from;"), .names = "from"},
         ARC_FAIL,
         MESSAGE_1 "ARC-Seal is signed by it"},
        {{.message = MESSAGE_WITH("s=rsa; h=from:arc-seal;"), .names = "from"},
         ARC_FAIL,
         MESSAGE_1 "ARC-Seal is signed by it"},
        {{.message = MESSAGE_WITH("s=rsa; h=from:ARC-Authentication-Results:arc-message-signature:"
                                  "authentication-results;"),
          .names = "from"},
         ARC_FAIL,
         MESSAGE_1 "signature does not verify: a signed header field was changed, or another key "
                   "was used"}, /* they came after it */
        {{.message = MESSAGE_WITH("s=rsa; h=subject;"), .names = "subject"},
         ARC_FAIL,
         MESSAGE_1 "From is not signed"},
        /* Times: of the past and the future, and none. */
        {{.message = MESSAGE_WITH("s=rsa; t=4000000000; h=from:subject;")}, ARC_PASS, ""},
        {{.seal = SEAL_WITH("s=rsa; t=4000000000;")}, ARC_PASS, ""},
        {{.seal = SEAL_WITH("s=rsa; t=yesterday;")}, ARC_FAIL, SEAL_1 "t= is no number"},
        {{.message = MESSAGE_WITH("s=rsa; t=yesterday; h=from:subject;")},
         ARC_FAIL,
         MESSAGE_1 "t= is no number"},
        {{.message = MESSAGE_WITH("s=rsa; x=1600000000; h=from:subject;")},
         ARC_FAIL,
         MESSAGE_1 "the signature has expired"},
        /* Algorithms and keys. */
        {{.message = " i=#; a=ed25519-sha256; c=relaxed/relaxed; d=one.example; s=ed; "
                     "h=from:subject; bh=*; b=",
          .seal = " i=#; a=ed25519-sha256; cv=!; d=one.example; s=ed; b=",
          .key = NULL /* set below */},
         ARC_PASS,
         ""},
        {{.seal = " i=#; a=rsa-sha1; cv=!; d=one.example; s=rsa; b="},
         ARC_FAIL,
         SEAL_1 "rsa-sha1 is no longer a valid algorithm (RFC 8301)"},
        {{.seal = " i=#; a=rsa-sha512; cv=!; d=one.example; s=rsa; b="},
         ARC_FAIL,
         SEAL_1 "the algorithm in a= is unknown"},
        {{.seal = SEAL_WITH("s=gone;")}, ARC_FAIL, SEAL_1 "the key is revoked (p= is empty)"},
        {{.seal = SEAL_WITH("s=absent;")},
         ARC_FAIL,
         SEAL_1 "no key is published at absent._domainkey.one.example"},
        {{.seal = SEAL_WITH("s=other;")},
         ARC_FAIL,
         SEAL_1 "signature does not verify: a signed header field was changed, or another key was "
                "used"},
        {{.message = MESSAGE_WITH("s=gone; h=from:subject;")},
         ARC_FAIL,
         MESSAGE_1 "the key is revoked (p= is empty)"},
        {{.seal = SEAL_WITH("s=down;")},
         ARC_UNKNOWN,
         "the key at down._domainkey.one.example cannot be fetched now: DNS servfail"},
        {{.message = MESSAGE_WITH("s=down; h=from:subject;")},
         ARC_UNKNOWN,
         "the key at down._domainkey.one.example cannot be fetched now: DNS servfail"},
        /* What cannot be known now counts for nothing beside what is known. */
        {{.message = MESSAGE_WITH("s=down; h=from:subject;"), .seal = SEAL_WITH("s=gone;")},
         ARC_FAIL,
         SEAL_1 "the key is revoked (p= is empty)"},
        /* l= */
        {{.message = MESSAGE_WITH("s=rsa; l=4; h=from:subject;")},
         ARC_FAIL,
         MESSAGE_1 "body hash differs: the message was changed after signing"},
        /* Missing and malformed. */
        {{.seal = " i=#; a=rsa-sha256; cv=!; d=one.example; b="}, ARC_FAIL, SEAL_1 "s= is missing"},
        {{.seal = " i=#; a=rsa-sha256; cv=!; s=rsa; b="}, ARC_FAIL, SEAL_1 "d= is missing"},
        {{.message = " i=#; a=rsa-sha256; d=one.example; s=rsa; h=from:subject; b="},
         ARC_FAIL,
         MESSAGE_1 "bh= is missing"},
        /* Results that nobody can read are nobody's trouble. */
        {{.results = " i=#; mx.microsoft.com 1; spf=pass (sender ip is 192.0.2.1) action=none;"},
         ARC_PASS,
         ""},
        {{.results = " i=#; a.example; spf=pass (see; there) smtp.mailfrom=\"x"}, ARC_PASS, ""},
        {{.results = " i=#;"}, ARC_PASS, ""},
        {{.results = " i=#; \xFF\x01 ((((("}, ARC_PASS, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct header_list h = header();
        struct recipe r = cases[i].recipe;
        if (r.message && strstr(r.message, "ed25519"))
            r.key = ed25519_key;
        seal_by_hand(&h, body, 1, &r);
        struct arc_outcome o = validate(&h, body, zone, 0);
        if (o.result != cases[i].result)
            print_error("case %zu\n", i);
        assert_outcome(o, cases[i].result, cases[i].reason);
    }
}

/* One that covers results or message signatures of earlier sets verifies like any other. */
static void message_signature_over_arc_fields(void **state)
{
    (void)state;
    struct header_list h = chain_of(1);
    seal_by_hand(&h, body, 2,
                 &(struct recipe){.message = MESSAGE_WITH("s=rsa; h=from:arc-message-signature:"
                                                          "arc-authentication-results;"),
                                  .names = "from arc-message-signature "
                                           "arc-authentication-results"});
    assert_oldest_pass(&h, body, 0);
}

/* Older message signatures tell where a message was changed, and decide nothing. */
static void older_message_signatures(void **state)
{
    (void)state;
    static const char *const bad[] = {
        MESSAGE_WITH("s=gone; h=from:subject;"), MESSAGE_WITH("s=rsa; l=4; h=from:subject;"),
        MESSAGE_WITH("s=rsa; h=from:subject:arc-seal;"), MESSAGE_WITH("s=absent; h=from:subject;")};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct header_list h = header();
        seal_by_hand(&h, body, 1, &(struct recipe){.message = bad[i]});
        seal_by_hand(&h, body, 2, NULL);
        struct arc_outcome o = validate(&h, body, zone, 0);
        assert_outcome(o, ARC_PASS, "");
        assert_int_equal(o.oldest_pass, 2);
    }
    struct header_list h = header();
    seal_by_hand(&h, body, 1, &(struct recipe){.message = MESSAGE_WITH("s=down; h=from:subject;")});
    seal_by_hand(&h, body, 2, NULL);
    struct arc_outcome o = validate(&h, body, zone, 0);
    assert_outcome(o, ARC_PASS, "");
    assert_false(o.has_oldest_pass);
}

/* A field of an older set was written anew between hops. */
static void header_rewritten_between_hops(void **state)
{
    (void)state;
    static const char *const kinds[] = {"ARC-Authentication-Results", "ARC-Message-Signature",
                                        "ARC-Seal"};
    for (unsigned kind = 0; kind < 3; kind++) {
        struct header_list h = chain_of(3);
        struct header_field *f =
            &h.fields[header_get(&h, str_of(kinds[kind]), 1) - h.fields]; /* of set 2 */
        struct str kept = f->value;
        f->value = str_printf(arena, "%.*s  ", STR_ARG(kept)); /* relaxed does not mind */
        assert_oldest_pass(&h, body, 0);
        f->value = kind == 0 ? str_printf(arena, "%.*s; x=y", STR_ARG(kept))
                             : str_printf(arena, "%.*s; new=1", STR_ARG(kept));
        struct arc_outcome o = validate(&h, body, zone, 0);
        assert_int_equal(o.result, ARC_FAIL);
        assert_str(o.reason, "the seal of set 3: signature does not verify: a signed header field "
                             "was changed, or another key was used");
    }
}

/* Each key is asked for once, and no more of them than there is room for. */
static void queries(void **state)
{
    (void)state;
    struct header_list h = chain_of(20);
    assert_int_equal(validate(&h, body, zone, 1).result, ARC_PASS);
    h = chain_of(1);
    seal_by_hand(&h, body, 2,
                 &(struct recipe){.seal = " i=#; a=rsa-sha256; cv=!; d=two.example; s=rsa; b="});
    struct arc_outcome o = validate(&h, body, zone, 1);
    assert_outcome(o, ARC_FAIL,
                   "the seal of set 2: no DNS query is left for its key (dns.max-queries)");
    assert_true(o.out_of_queries);
    assert_outcome(validate(&h, body, zone, 2), ARC_PASS, "");
}

/* What only options of ours object to is told from what fails for everybody. */
static void options_of_ours(void **state)
{
    (void)state;
    static const struct recipe partial = {.message = MESSAGE_WITH("s=rsa; l=6; h=from:subject;")};
    static const struct recipe expired = {.message = MESSAGE_WITH("s=rsa; x=1; h=from:subject;")};
    static const struct {
        const struct recipe *recipe;
        unsigned min_key_bits, max_key_bits;
        bool whole; /* nothing was added to the body */
        const char *reason;
        bool by_option;
    } cases[] = {
        {NULL, 2048, 0, true, MESSAGE_1 "the RSA key is shorter than we accept", true},
        {NULL, 1024, 1023, true, MESSAGE_1 "the RSA key is longer than we accept", true},
        {&partial, 1024, 0, false,
         MESSAGE_1 "the signature covers only the beginning of the body (l=)", true},
        {&partial, 1024, 0, true, "", false},
        {&expired, 1024, 0, true, MESSAGE_1 "the signature has expired", false},
        {NULL, 2048, 1023, false,
         MESSAGE_1 "body hash differs: the message was changed after signing", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct header_list h = header();
        struct dkim_verify_settings settings = default_settings;
        settings.min_key_bits = cases[i].min_key_bits;
        settings.max_key_bits = cases[i].max_key_bits;
        seal_by_hand(&h, STR("text\r\n"), 1, cases[i].recipe);
        struct arc_outcome o = validate_by(
            settings, &h, cases[i].whole ? STR("text\r\n") : STR("text\r\nadded\r\n"), zone);
        assert_outcome(o, *cases[i].reason ? ARC_FAIL : ARC_PASS, cases[i].reason);
        assert_int_equal(o.by_option, cases[i].by_option);
    }
}

/* Behind a message signature that says nothing of all of the body no older one is looked at. */
static void no_queries_for_what_is_not_looked_at(void **state)
{
    (void)state;
    static const struct recipe elsewhere = {
        .message = " i=#; a=rsa-sha256; c=relaxed/relaxed; d=two.example; s=rsa; "
                   "h=from:subject; bh=*; b="};
    static const struct recipe limited = {
        .message = MESSAGE_WITH("s=rsa; l=4; h=from:subject;"),
    };
    struct header_list h = header();
    seal_by_hand(&h, body, 1, &elsewhere);
    seal_by_hand(&h, body, 2, NULL);
    assert_oldest_pass(&h, body, 0);
    assert_int_equal(queries_made, 2);
    h = header();
    seal_by_hand(&h, body, 1, &elsewhere);
    seal_by_hand(&h, body, 2, &limited);
    seal_by_hand(&h, body, 3, NULL);
    assert_oldest_pass(&h, body, 3);
    assert_int_equal(queries_made, 1);
}

/* What a chain of three sets costs at most: RFC 8617 5.2 steps 4 and 6 take four verifications, and
 * step 5 two more; none where the digest of the body tells. */
static void verifications(void **state)
{
    (void)state;
    struct header_list h = chain_of(3);
    struct arc_outcome o = validate(&h, body, zone, 0);
    unsigned looked_at = 0;
    for (unsigned i = 0; i < o.n; i++)
        looked_at += (o.sets[i].seal->result != DKIM_NONE ? 1U : 0U) +
                     (o.sets[i].message->result != DKIM_NONE ? 1U : 0U);
    assert_int_equal(looked_at, 6);
    h = chain_of(2);
    seal_by_hand(&h, other_body, 3, NULL);
    o = validate(&h, other_body, zone, 0);
    assert_outcome(o, ARC_PASS, "");
    assert_int_equal(o.sets[1].message->result, DKIM_FAIL);
    assert_str(o.sets[1].message->reason,
               "body hash differs: the message was changed after signing");
    assert_int_equal(o.sets[0].message->result, DKIM_NONE); /* not looked at any more */
    /* A newest message signature that does not hold ends it. */
    h = chain_of(3);
    o = validate(&h, other_body, zone, 0);
    for (unsigned i = 0; i < o.n; i++)
        assert_int_equal(o.sets[i].seal->result, DKIM_NONE);
}

static struct arc_sealed seal(struct header_list *h, struct str text, unsigned instance,
                              enum arc_cv cv)
{
    const struct dkim_sign_settings settings = {.now = 1700000000,
                                                .lifetime_s = 10,
                                                .identity = STR_INIT("@one.example"),
                                                .may_rewrite = true};
    const struct dkim_signing_key key = {STR("one.example"), STR("rsa"), rsa_key};
    struct body_hash *hash = body_hash_new(arena, CANON_RELAXED, UINT64_MAX);
    body_hash_update(hash, text.p, text.n);
    const struct arc_seal_request request = {
        .instance = instance,
        .cv = cv,
        .results = str_printf(arena, " i=%u; mx.one.example; none", instance),
        .headers = h,
        .body = hash,
        .key = &key,
        .settings = &settings,
    };
    struct arc_sealed sealed;
    struct str problem = STR_NONE;
    if (!arc_seal(arena, &request, &sealed, &problem))
        print_error("%.*s\n", STR_ARG(problem));
    assert_null(problem.p);
    push(h, "ARC-Authentication-Results", sealed.results);
    push(h, "ARC-Message-Signature", sealed.message);
    push(h, "ARC-Seal", sealed.seal);
    return sealed;
}

static void sealed_by_us(void **state)
{
    (void)state;
    struct header_list h = header();
    push(&h, "Cc", STR(" a@c.example ,b@c.example")); /* stays as it is: see address_rewrite */
    push(&h, "DKIM-Signature", STR(" v=1; b=x"));
    push(&h, "Authentication-Results", STR(" x; none"));
    struct arc_sealed s = seal(&h, body, 1, ARC_CV_NONE);
    assert_true(
        str_starts(s.message, STR(" i=1; a=rsa-sha256; c=relaxed/relaxed; d=one.example;")));
    assert_non_null(memmem(s.message.p, s.message.n, "dkim-signature", 14));
    assert_null(memmem(s.message.p, s.message.n, "authentication-results", 22));
    assert_null(memmem(s.message.p, s.message.n, "x=", 2));
    assert_true(str_starts(
        s.seal, STR(" i=1; a=rsa-sha256; t=1700000000; cv=none; d=one.example; s=rsa;\n")));
    assert_oldest_pass(&h, body, 0);
    drop(&h, "Subject", 0);
    push(&h, "Subject", STR(" [list] one"));
    seal(&h, other_body, 2, ARC_CV_PASS);
    assert_oldest_pass(&h, other_body, 2);
    seal(&h, other_body, 3, ARC_CV_PASS);
    assert_oldest_pass(&h, other_body, 2);
    /* What the message signature covers. */
    drop(&h, "DKIM-Signature", 0);
    assert_int_equal(validate(&h, other_body, zone, 0).result, ARC_FAIL);
}

/* The seal of a failed chain covers its own set, and its message signature all the same holds. */
static void failed_chain_closed(void **state)
{
    (void)state;
    struct header_list h = chain_of(2), alone;
    drop(&h, "ARC-Seal", 1);
    assert_int_equal(arc_chain_read(arena, &h)->result, ARC_FAIL);
    seal(&h, body, 3, ARC_CV_FAIL);
    struct arc_outcome o = validate(&h, body, zone, 0);
    assert_outcome(o, ARC_FAIL, "its newest seal says that it has failed (cv=fail)");
    assert_true(o.closed);
    /* As if it were the only one: the same bytes under i=1 and cv=none would have to verify, so the
     * hash is compared with one made here. */
    header_list_init(&alone, arena);
    for (size_t i = 0; i < 3; i++)
        header_list_add(&alone, h.fields[i].name, h.fields[i].value);
    struct header_hash *hash = header_hash_new(arena, CANON_RELAXED);
    unsigned char digest[32];
    header_hash_field(hash, alone.fields[2].name, alone.fields[2].value);
    header_hash_field(hash, alone.fields[1].name, alone.fields[1].value);
    header_hash_signature(hash, alone.fields[0].name, alone.fields[0].value);
    header_hash_finish(hash, digest);
    const char *problem;
    struct public_key *key =
        key_cache_get(NULL, KEY_RSA, base64_decode(arena, STR(RSA_PUBLIC)), &problem);
    assert_true(public_key_verify(
        key, digest,
        base64_decode(arena,
                      str_sub(alone.fields[0].value,
                              (size_t)((const char *)memmem(alone.fields[0].value.p,
                                                            alone.fields[0].value.n, "b=", 2) -
                                       alone.fields[0].value.p) +
                                  2,
                              alone.fields[0].value.n))));
    public_key_release(key);
}

/* Older sets have to be there for a seal over them. */
static void assert_not_sealed(const struct header_list *h)
{
    const struct dkim_sign_settings settings = {.now = 1700000000};
    const struct dkim_signing_key key = {STR("one.example"), STR("rsa"), rsa_key};
    const struct arc_seal_request request = {.instance = 3,
                                             .cv = ARC_CV_PASS,
                                             .results = STR(" i=3; x; none"),
                                             .headers = h,
                                             .body =
                                                 body_hash_new(arena, CANON_RELAXED, UINT64_MAX),
                                             .key = &key,
                                             .settings = &settings};
    struct arc_sealed sealed;
    struct str problem;
    assert_false(arc_seal(arena, &request, &sealed, &problem));
    assert_str(problem, "the older sets are not complete");
}

static void not_sealed_over_gaps(void **state)
{
    (void)state;
    struct header_list h = chain_of(2);
    drop(&h, "ARC-Seal", 0);
    assert_not_sealed(&h);
    h = chain_of(2);
    push(&h, "ARC-Seal", header_get(&h, STR("ARC-Seal"), 0)->value);
    assert_not_sealed(&h);
    h = header();
    assert_not_sealed(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_chain),
        cmocka_unit_test(good_chains),
        cmocka_unit_test(changed_on_the_way),
        cmocka_unit_test(fields_missing),
        cmocka_unit_test(fields_doubled),
        cmocka_unit_test(sets_missing_and_too_many),
        cmocka_unit_test(sets_swapped),
        cmocka_unit_test(instances),
        cmocka_unit_test(chain_status),
        cmocka_unit_test(single_sets),
        cmocka_unit_test(message_signature_over_arc_fields),
        cmocka_unit_test(older_message_signatures),
        cmocka_unit_test(header_rewritten_between_hops),
        cmocka_unit_test(queries),
        cmocka_unit_test(options_of_ours),
        cmocka_unit_test(no_queries_for_what_is_not_looked_at),
        cmocka_unit_test(verifications),
        cmocka_unit_test(sealed_by_us),
        cmocka_unit_test(failed_chain_closed),
        cmocka_unit_test(not_sealed_over_gaps),
    };
    return cmocka_run_group_tests(tests, dkim_setup, dkim_teardown);
}
