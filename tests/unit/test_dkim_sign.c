/* dkim/sign: what is signed and how it is written; what we sign verifies, and breaks when it
 * should.
 */
#include "dkim_util.h"

#include <stdio.h>
#include <stdlib.h>

static const char zone[] =
    "rsa._domainkey.example.org. TXT \"v=DKIM1; p=" RSA_PUBLIC "\"\n"
    "ed._domainkey.example.org. TXT \"v=DKIM1; k=ed25519; p=" ED25519_PUBLIC "\"\n";

static struct dkim_signing_key keys[2];

static int setup(void **state)
{
    if (dkim_setup(state))
        return -1;
    keys[0] = (struct dkim_signing_key){STR("example.org"), STR("rsa"), rsa_key};
    keys[1] = (struct dkim_signing_key){STR("example.org"), STR("ed"), ed25519_key};
    return 0;
}

static const struct dkim_sign_settings relaxed = {
    .header_canon = CANON_RELAXED, .body_canon = CANON_RELAXED, .now = 1700000000};

static void parse(struct str text, struct header_list *headers, struct str *body)
{
    header_list_init(headers, arena);
    header_parse_message(headers, text, body);
}

/* The values of both signatures over the message. */
static void sign(const struct dkim_sign_settings *settings, struct str text, struct str values[2])
{
    struct header_list headers;
    struct str body, problem = STR_NONE;
    parse(text, &headers, &body);
    struct dkim_signer *s = dkim_signer_new(arena, settings, &headers);
    size_t half = body.n / 2;
    dkim_signer_body(s, body.p, half);
    dkim_signer_body(s, body.p + half, body.n - half);
    assert_true(dkim_signer_finish(s, keys, 2, values, &problem));
}

/* Verifies with the signatures on top as an MTA inserts them. */
static struct verified verify(struct str values[2], struct str text)
{
    struct str whole = str_printf(arena, "DKIM-Signature:%.*s\r\nDKIM-Signature:%.*s\r\n%.*s",
                                  STR_ARG(values[0]), STR_ARG(values[1]), STR_ARG(text));
    struct verified v = verify_message(&default_settings, whole, zone);
    assert_int_equal(v.n, 2);
    return v;
}

static void assert_both(struct verified v, enum dkim_result want)
{
    for (size_t i = 0; i < 2; i++) {
        if (v.signatures[i].result != want)
            print_error("%.*s\n", STR_ARG(v.signatures[i].reason));
        assert_int_equal(v.signatures[i].result, want);
    }
}

/* A tag's value without white space, or "-". */
static struct str tag(struct str value, const char *name)
{
    struct str rest = value, part;
    while (str_split(&rest, ';', &part)) {
        size_t equals = str_find(part, 0, '=');
        if (str_eq(str_trim(str_sub(part, 0, equals)), str_of(name))) {
            struct strbuf b;
            sb_init(&b, arena);
            for (size_t i = equals + 1; i < part.n; i++)
                if (!strchr(" \t\r\n", part.p[i]))
                    sb_addc(&b, part.p[i]);
            return sb_str(&b);
        }
    }
    return STR("-");
}

static void assert_folded(struct str value)
{
    struct str line;
    bool first = true;
    assert_int_equal(value.p[0], ' ');
    while (str_split(&value, '\n', &line)) {
        assert_true(line.n + (first ? strlen("DKIM-Signature:") : 0) <= 78);
        assert_true(first || (line.n > 1 && line.p[0] == '\t' && line.p[1] != '\t'));
        first = false;
    }
}

#define MESSAGE                                                                                    \
    "Received: from x\r\nFrom: a@example.org\r\nTo: b@example.net\r\nSubject: one\r\nX-Other: "    \
    "y\r\n"                                                                                        \
    "Subject: two\r\nDate: now\r\nBcc: c@example.com\r\n\r\nHello\r\n"

#define MIDDLE                                                                                     \
    "\tt=1700000000; h=from:from:to:subject:subject:date;\n"                                       \
    "\tbh=Ba3gj8+xBPQLJTahTfzW6RbWQ/XPgESxkCi2B66PSQg=;\n"                                         \
    "\tb="

static void what_is_written(void **state)
{
    (void)state;
    struct str values[2];
    sign(&relaxed, STR(MESSAGE), values);
    /* Both algorithms make one signature of the same message. */
    assert_str(values[0],
               " v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=rsa;\n" MIDDLE
               "ghenVrOknINEm22wyDPrMDMDdjR8c2yrWGWLPdbai4Y89HfFbmnijBkZ2gLi9ghIemF6aFSqQfe"
               "\n\tUckbGUDGGcMq+Lm3x19Y2hOwiBWRX5jb5cBvTMOJLaBCJMx/FLnko0NMAtgHBDYJAH4BZycR"
               "F+mj5\n\tyC39zQAWG2pNvrLitEI=");
    assert_str(values[1],
               " v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.org; s=ed;\n" MIDDLE
               "mdI9N1/hTRoluMvTYkyKWqalEysyOTFx+FJeRTqrgxEPCGVlXs0McWEew29/1L3XT/YtSdQLdjL"
               "\n\tyhMGBaFSiDg==");
    assert_folded(values[1]);
    assert_folded(values[0]);
    assert_both(verify(values, STR(MESSAGE)), DKIM_PASS);
}

static void tags_on_request(void **state)
{
    (void)state;
    struct dkim_sign_settings s = relaxed;
    struct str values[2];
    s.lifetime_s = 86400;
    s.identity = STR("j\xc3\xb6rg+a=b;c@example.org");
    s.header_canon = CANON_SIMPLE;
    sign(&s, STR(MESSAGE), values);
    assert_str(tag(values[0], "t"), "1700000000");
    assert_str(tag(values[0], "x"), "1700086400");
    assert_str(tag(values[0], "i"), "j=C3=B6rg+a=3Db=3Bc@example.org");
    assert_str(tag(values[0], "c"), "simple/relaxed");
}

/* x= is there where a signature is to end, be it after a second. */
static void lifetimes(void **state)
{
    static const struct {
        int64_t lifetime_s;
        const char *want;
    } cases[] = {{0, "-"}, {1, "1700000001"}, {86400, "1700086400"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dkim_sign_settings s = relaxed;
        struct str values[2];
        s.lifetime_s = cases[i].lifetime_s;
        sign(&s, STR(MESSAGE), values);
        assert_str(tag(values[0], "x"), cases[i].want);
    }
}

/* RFC 6376 2.11 and 3.5: what is no dkim-safe-char is encoded, in upper case. */
static void identities(void **state)
{
    static const struct {
        struct str identity;
        const char *want;
    } cases[] = {
        {STR_INIT(""), "-"},
        {STR_INIT("@example.org"), "@example.org"},
        {STR_INIT("!:<>~@example.org"), "!:<>~@example.org"},
        {STR_INIT(" ;=\x7f@example.org"), "=20=3B=3D=7F@example.org"},
        {STR_INIT("\t\x01\x80\xff@example.org"), "=09=01=80=FF@example.org"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dkim_sign_settings s = relaxed;
        struct str values[2];
        s.identity = cases[i].identity;
        sign(&s, STR(MESSAGE), values);
        assert_str(tag(values[0], "i"), cases[i].want);
    }
}

static void canonicalizations(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct dkim_sign_settings s = relaxed;
        struct str values[2];
        s.header_canon = i & 1 ? CANON_SIMPLE : CANON_RELAXED;
        s.body_canon = i & 2 ? CANON_SIMPLE : CANON_RELAXED;
        s.lifetime_s = 100;
        s.identity = STR("@mail.example.org");
        sign(&s, STR(MESSAGE), values);
        assert_both(verify(values, STR(MESSAGE)), DKIM_PASS);
        assert_both(verify(values, STR("From: x\r\n" MESSAGE)), DKIM_FAIL);
        assert_both(verify(values, STR(MESSAGE "more\r\n")), DKIM_FAIL);
        assert_both(verify(values, STR("Received: more\r\nX-Other: z\r\n" MESSAGE)), DKIM_PASS);
        /* Signed, not oversigned. */
        assert_both(verify(values, STR("To: x\r\n" MESSAGE)), DKIM_PASS);
    }
}

struct list_case {
    const char *sign, *oversign; /* names with spaces between; NULL: the defaults */
    struct str message;
    const char *h;
};

static void split(const char *text, struct str out[8], size_t *n)
{
    struct str rest = str_of(text), part;
    for (*n = 0; str_split(&rest, ' ', &part);)
        out[(*n)++] = part;
}

static void header_lists(void **state)
{
    (void)state;
    static const struct list_case cases[] = {
        {NULL, NULL, STR_INIT(MESSAGE), "from:from:to:subject:subject:date"},
        /* Without From its absence is signed: RFC 6376 5.4 wants it in h=. */
        {NULL, NULL, STR_INIT("X: y\r\n\r\n"), "from"},
        {NULL, NULL, STR_INIT(""), "from"},
        {"to", "", STR_INIT("X: y\r\n\r\n"), "from"},
        /* An address list that an MTA may write anew is left out, From never. */
        {NULL, NULL,
         STR_INIT("From: a@b,c@d\r\nTo: a@example.net,c@example.net\r\nCc: a@example.net\r\n\r\n"),
         "from:from:cc"},
        {NULL, NULL, STR_INIT("From: a\r\nTo: a@example.net\r\nTo: bob\r\nSubject: a,b\r\n\r\n"),
         "from:from:subject"},
        {"x-other", NULL, STR_INIT(MESSAGE), "from:from:x-other"},
        {"to: x;y \xff", "", STR_INIT(MESSAGE), "from"},
        {"to", "x;y to: \xff", STR_INIT(MESSAGE), "from:to"},
        {"from to from to", "", STR_INIT(MESSAGE), "from:to"},
        {"subject", "subject cc subject", STR_INIT(MESSAGE), "from:subject:subject:subject:cc"},
        {"to", "from to reply-to", STR_INIT(MESSAGE), "from:from:to:to:reply-to"},
        {"to", "x-other", STR_INIT(MESSAGE), "from:to:x-other:x-other"},
        {"to", "x-other", STR_INIT("From: a\r\n\r\n"), "from:x-other"},
        /* Added by MTAs where absent. */
        {"date message-id", "date message-id", STR_INIT(MESSAGE), "from:date:date"},
        /* Address lists that Sendmail would write anew. */
        {NULL, NULL,
         STR_INIT("To: a@x.example,b@x.example\r\nCc: c@x.example\r\nFrom: a@x.example\r\n\r\n"),
         "from:from:cc"},
        {"to", "to", STR_INIT("To: a@x.example\r\nTo: bob\r\nFrom: a@x.example\r\n\r\n"), "from"},
        /* Never, whoever asks for it. */
        {"received bcc Return-Path", "bcc authentication-results content-length dkim-signature",
         STR_INIT(MESSAGE), "from"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dkim_sign_settings s = relaxed;
        struct str values[2], list[8], over[8];
        if (cases[i].sign) {
            split(cases[i].sign, list, &s.n_sign_headers);
            s.sign_headers = list;
        }
        if (cases[i].oversign) {
            split(cases[i].oversign, over, &s.n_oversign_headers);
            s.oversign_headers = over;
            if (!*cases[i].oversign)
                s.n_oversign_headers = 0;
        }
        sign(&s, cases[i].message, values);
        assert_str(tag(values[0], "h"), cases[i].h);
        assert_str(tag(values[1], "h"), cases[i].h);
        if (cases[i].message.n)
            assert_both(verify(values, cases[i].message), DKIM_PASS);
    }
}

/* The second name of h= does not fit behind the first. */
static void long_name(void **state)
{
    (void)state;
    const char *name = "x-a-name-as-long-as-a-line-can-be-when-nothing-but-a-colon-follows-it-yes";
    struct dkim_sign_settings s = relaxed;
    struct str values[2], list[2] = {STR("from"), str_of(name)};
    s.sign_headers = list;
    s.n_sign_headers = 2;
    s.oversign_headers = list; /* none of it */
    s.n_oversign_headers = 0;
    struct str message = str_printf(arena, "%s: 1\r\nFrom: a@example.org\r\n\r\nHello\r\n", name);
    sign(&s, message, values);
    assert_str(tag(values[0], "h"), str_cstr(arena, str_printf(arena, "from:%s", name)));
    assert_folded(values[0]);
    assert_folded(values[1]);
    assert_both(verify(values, message), DKIM_PASS);
}

/* A name fills its line to the last of 78 columns; one that is longer begins another. */
static void full_lines(void **state)
{
    (void)state;
    const char *const names[] = {"x-a-name-that-fills-a-line-to-its-end-behind-the-first1",
                                 "x-a-name-that-is-one-too-long-to-stand-behind-the-first1"};
    static const char head[] = " v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.org; s=ed;\n"
                               "\tt=1700000000; h=from:";
    for (size_t i = 0; i < 2; i++) {
        struct dkim_sign_settings s = relaxed;
        struct str values[2], list[1] = {str_of(names[i])};
        s.sign_headers = list;
        s.n_sign_headers = 1;
        s.oversign_headers = list; /* none of it */
        s.n_oversign_headers = 0;
        sign(&s, str_printf(arena, "%.*s: 1\r\nFrom: a@example.org\r\n\r\n", STR_ARG(list[0])),
             values);
        struct str want =
            str_printf(arena, "%s%s%.*s;\n\tbh=", head, i ? "\n\t" : "", STR_ARG(list[0]));
        assert_str(str_sub(values[1], 0, want.n), str_cstr(arena, want));
    }
}

static void long_headers(void **state)
{
    (void)state;
    struct strbuf text;
    struct str values[2];
    sb_init(&text, arena);
    for (int i = 0; i < 100; i++)
        sb_printf(&text, "References: %d\r\n\t  <a@b>\r\n", i);
    sb_printf(&text, "From: a@example.org\r\n\r\n");
    sign(&relaxed, sb_str(&text), values);
    assert_folded(values[0]);
    assert_folded(values[1]);
    assert_both(verify(values, sb_str(&text)), DKIM_PASS);
}

/* The first line is as long as the others may be, with the name of the field. */
static void first_lines(void **state)
{
    (void)state;
    const char letters[] = "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq";
    size_t longest = 0;
    for (int n = 1; n <= 40; n++) {
        const struct dkim_signing_key key = {str_printf(arena, "%.*s.example", n, letters),
                                             STR("s"), ed25519_key};
        struct str value, problem, body;
        struct header_list headers;
        parse(STR(MESSAGE), &headers, &body);
        struct dkim_signer *s = dkim_signer_new(arena, &relaxed, &headers);
        assert_true(dkim_signer_finish(s, &key, 1, &value, &problem));
        assert_folded(value);
        size_t line = strlen("DKIM-Signature:") + str_find(value, 0, '\n');
        longest = line > longest ? line : longest;
    }
    assert_int_equal(longest, 78);
}

/* Any body, cut as the milter gets it, and header fields folded with LF as the MTA gives them. */
static void random_messages(void **state)
{
    (void)state;
    static const char letters[] = "ab \t\r\n\r\n:;=\xff\0";
    unsigned seed = 8463;
    for (int round = 0; round < 200; round++) {
        struct dkim_sign_settings s = relaxed;
        struct header_list headers, received;
        struct strbuf value, body;
        struct str values[2], problem;
        s.header_canon = round & 1 ? CANON_SIMPLE : CANON_RELAXED;
        s.body_canon = round & 2 ? CANON_SIMPLE : CANON_RELAXED;
        sb_init(&value, arena);
        sb_init(&body, arena);
        for (int i = rand_r(&seed) % 100; i > 0; i--)
            sb_addc(&value, letters[(size_t)rand_r(&seed) % (sizeof letters - 1)]);
        for (int i = rand_r(&seed) % 1000; i > 0; i--)
            sb_addc(&body, letters[(size_t)rand_r(&seed) % (sizeof letters - 1)]);
        header_list_init(&headers, arena);
        header_list_add(&headers, STR("From"), STR(" a@example.org"));
        header_list_add(&headers, STR("Subject"), sb_str(&value));
        struct dkim_signer *signer = dkim_signer_new(arena, &s, &headers);
        dkim_signer_body(signer, body.p, body.n);
        assert_true(dkim_signer_finish(signer, keys, 2, values, &problem));
        header_list_init(&received, arena);
        header_list_add(&received, STR("DKIM-Signature"), values[1]);
        header_list_add(&received, STR("DKIM-Signature"), values[0]);
        header_list_add(&received, headers.fields[0].name, headers.fields[0].value);
        header_list_add(&received, headers.fields[1].name, headers.fields[1].value);
        struct verified v = verify_fields(&default_settings, &received, sb_str(&body), zone);
        assert_int_equal(v.n, 2);
        assert_both(v, DKIM_PASS);
    }
}

static struct dkim_signer *signer_of(const struct dkim_sign_settings *settings, const char *text)
{
    static struct header_list headers; /* must outlive the signer */
    struct str body;
    parse(str_of(text), &headers, &body);
    struct dkim_signer *s = dkim_signer_new(arena, settings, &headers);
    dkim_signer_body(s, body.p, body.n);
    return s;
}

#define UNSETTLED                                                                                  \
    "Cc: d@x.example\r\nX-Other: O'B <o@x.example>,b\r\nTo: O'B <b@x.example>\r\nCc: e@x.example," \
    "f@x.example\r\nFrom: O'A <a@example.org>\r\nReply-To: g\r\nTo: c@x.example\r\n\r\nHello\r\n"

/* In the form that is delivered: what was changed is told, and what is delivered verifies. */
static void signs_what_is_delivered(void **state)
{
    static const char delivered[] =
        "Cc: d@x.example\r\nX-Other: O'B <o@x.example>,b\r\nTo: \"O'B\" <b@x.example>\r\n"
        "Cc: e@x.example, f@x.example\r\nFrom: \"O'A\" <a@example.org>\r\nReply-To: g\r\n"
        "To: c@x.example\r\n\r\nHello\r\n";
    (void)state;
    struct dkim_sign_settings s = relaxed;
    struct str values[2], problem;
    size_t n;
    s.may_rewrite = true;
    struct dkim_signer *signer = signer_of(&s, UNSETTLED);
    const struct dkim_rewritten *rewritten = dkim_signer_rewritten(signer, &n);
    assert_int_equal(n, 3);
    for (size_t i = 0; i < n; i++)
        assert_true(str_eq(rewritten[i].name, STR("Cc")) ? rewritten[i].ordinal == 2
                                                         : rewritten[i].ordinal == 1);
    assert_str(rewritten[0].value, " \"O'A\" <a@example.org>");
    assert_int_equal(dkim_signer_risks(signer), 0);
    assert_true(dkim_signer_finish(signer, keys, 2, values, &problem));
    assert_str(tag(values[0], "h"), "from:from:to:to:cc:cc");
    assert_both(verify(values, str_of(delivered)), DKIM_PASS);
    assert_both(verify(values, STR(UNSETTLED)), DKIM_FAIL);
}

/* Where nothing may be written anew it is left out, but for From. */
static void leaves_out_what_may_change(void **state)
{
    (void)state;
    struct str values[2], problem;
    size_t n;
    struct dkim_signer *signer = signer_of(&relaxed, UNSETTLED);
    dkim_signer_rewritten(signer, &n);
    assert_int_equal(n, 0);
    assert_int_equal(dkim_signer_risks(signer), DKIM_RISK_FROM);
    assert_true(dkim_signer_finish(signer, keys, 2, values, &problem));
    assert_str(tag(values[0], "h"), "from:from");
    assert_both(verify(values, STR(UNSETTLED)), DKIM_PASS);
}

/* One of several that cannot be settled: none is signed, none is changed. */
static void all_of_a_name_or_none(void **state)
{
    (void)state;
    struct dkim_sign_settings s = relaxed;
    struct str values[2], problem;
    size_t n;
    s.may_rewrite = true;
    struct dkim_signer *signer =
        signer_of(&s, "From: a@example.org\r\nTo: b@x.example,c@x.example\r\nTo: bob\r\n\r\n");
    dkim_signer_rewritten(signer, &n);
    assert_int_equal(n, 0);
    assert_true(dkim_signer_finish(signer, keys, 2, values, &problem));
    assert_str(tag(values[0], "h"), "from:from");
}

/* DKIM_REWRITTEN_MAX fields of a message, and one more. */
static void rewrites_so_many(void **state)
{
    (void)state;
    struct dkim_sign_settings s = relaxed;
    s.may_rewrite = true;
    for (size_t more = 0; more < 2; more++) {
        struct header_list headers;
        size_t n;
        header_list_init(&headers, arena);
        header_list_add(&headers, STR("From"), STR(" O'A <a@example.org>"));
        for (size_t i = 1; i < DKIM_REWRITTEN_MAX + more; i++)
            header_list_add(&headers, STR("To"), STR(" a@x.example,b@x.example"));
        dkim_signer_rewritten(dkim_signer_new(arena, &s, &headers), &n);
        assert_int_equal(n, more ? 1 : DKIM_REWRITTEN_MAX);
    }
}

/* Simple canonicalisation sees blanks, too. */
static void simple_sees_blanks(void **state)
{
    static const char text[] = "From:  a@example.org\r\nTo: b@x.example,\r\n c@x.example\r\n\r\n";
    (void)state;
    struct dkim_sign_settings s = relaxed;
    size_t n;
    s.may_rewrite = true;
    dkim_signer_rewritten(signer_of(&s, text), &n);
    assert_int_equal(n, 0);
    s.header_canon = CANON_SIMPLE;
    dkim_signer_rewritten(signer_of(&s, text), &n);
    assert_int_equal(n, 2);
}

static void tells_risks_of_the_body(void **state)
{
    (void)state;
    struct strbuf b;
    sb_init(&b, arena);
    sb_add(&b, STR("From: a@example.org\r\n\r\n"));
    assert_int_equal(dkim_signer_risks(signer_of(&relaxed, b.p)), 0);
    for (int i = 0; i < 991; i++)
        sb_addc(&b, 'x');
    assert_int_equal(dkim_signer_risks(signer_of(&relaxed, b.p)), DKIM_RISK_LONG_LINE);
    sb_add(&b, STR("\xE9\r\n"));
    assert_int_equal(dkim_signer_risks(signer_of(&relaxed, b.p)),
                     DKIM_RISK_LONG_LINE | DKIM_RISK_8BIT);
}

static void names_of_risks(void **state)
{
    (void)state;
    assert_string_equal(dkim_risk_name(DKIM_RISK_FROM), "from");
    assert_string_equal(dkim_risk_name(DKIM_RISK_LONG_LINE), "long-line");
    assert_string_equal(dkim_risk_name(DKIM_RISK_8BIT), "8bit");
    assert_string_equal(dkim_risk_name((enum dkim_risk)0), "unknown");
}

/* "pass fail": what the own keys say of the signatures of a message; "-": there are none of them.
 */
static struct str own_results(const struct dkim_signing_key *own, size_t n_own, struct str message,
                              int64_t now)
{
    struct dkim_verify_settings settings = default_settings;
    struct header_list headers;
    struct str body;
    struct strbuf b;
    size_t n, skipped;
    settings.now = now;
    parse(message, &headers, &body);
    struct dkim_verifier *v = dkim_verifier_new_own(arena, &settings, &headers, NULL, own, n_own);
    if (!v)
        return STR("-");
    assert_true(dkim_verifier_wants_body(v));
    dkim_verifier_body(v, body.p, body.n);
    const struct dkim_signature *found = dkim_verifier_finish(v, NULL, &n, &skipped);
    sb_init(&b, arena);
    for (size_t i = 0; i < n; i++)
        sb_printf(&b, "%s%s", i ? " " : "", dkim_result_name(found[i].result));
    return sb_str(&b);
}

/* Judged by the keys themselves: no DNS is there to ask. */
static void own_signatures(void **state)
{
    (void)state;
    struct dkim_sign_settings settings = relaxed;
    const struct dkim_signing_key swapped[] = {{keys[0].domain, keys[0].selector, keys[1].key},
                                               {keys[1].domain, keys[1].selector, keys[0].key}};
    const struct dkim_signing_key elsewhere = {STR("example.net"), keys[0].selector, keys[0].key};
    struct str values[2], text = STR("From: a@example.org\r\nSubject: x\r\n\r\nbody\r\n");
    settings.lifetime_s = 1000;
    sign(&settings, text, values);
    struct str message = str_printf(arena, "DKIM-Signature:%.*s\r\nDKIM-Signature:%.*s\r\n%.*s",
                                    STR_ARG(values[0]), STR_ARG(values[1]), STR_ARG(text));
    int64_t now = settings.now;
    assert_str(own_results(keys, 2, message, now), "pass pass");
    assert_str(own_results(&keys[0], 1, message, now), "pass none");
    assert_str(own_results(&keys[1], 1, message, now), "none pass");
    assert_str(own_results(swapped, 2, message, now), "-"); /* a= is of the other type */
    assert_str(own_results(&elsewhere, 1, message, now), "-");
    assert_str(own_results(keys, 2, text, now), "-");
    assert_str(own_results(keys, 2, message, now + 2000), "-"); /* expired */
    assert_str(own_results(keys, 2, message, now - 2000),
               "temperror temperror"); /* of the future */
    assert_str(own_results(keys, 2, str_printf(arena, "%.*smore\r\n", STR_ARG(message)), now),
               "fail fail");
    assert_str(own_results(keys, 2,
                           str_printf(arena, "From: b@example.org\r\n%.*s", STR_ARG(message)), now),
               "fail fail"); /* From is oversigned */
    assert_str(
        own_results(keys, 2, str_printf(arena, "To: b@example.org\r\n%.*s", STR_ARG(message)), now),
        "pass pass");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signs_what_is_delivered),
        cmocka_unit_test(leaves_out_what_may_change),
        cmocka_unit_test(all_of_a_name_or_none),
        cmocka_unit_test(rewrites_so_many),
        cmocka_unit_test(simple_sees_blanks),
        cmocka_unit_test(tells_risks_of_the_body),
        cmocka_unit_test(names_of_risks),
        cmocka_unit_test(what_is_written),
        cmocka_unit_test(tags_on_request),
        cmocka_unit_test(lifetimes),
        cmocka_unit_test(identities),
        cmocka_unit_test(canonicalizations),
        cmocka_unit_test(header_lists),
        cmocka_unit_test(long_name),
        cmocka_unit_test(full_lines),
        cmocka_unit_test(first_lines),
        cmocka_unit_test(long_headers),
        cmocka_unit_test(random_messages),
        cmocka_unit_test(own_signatures),
    };
    return cmocka_run_group_tests(tests, setup, dkim_teardown);
}
