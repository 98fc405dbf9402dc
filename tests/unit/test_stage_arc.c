/* stages/arc: which set of a chain excuses which author domain, and in what words; when the chain
 * is evaluated. How chains are evaluated has its cases in unit_arc, whole messages in scenarios. */
#include "test.h"

#include "stage_rig.h"

#define CONF "arc = { trusted-sealers = [ \"list.example\", \"first.example\" ]; };"
#define SEAL                                                                                       \
    "arc = { mode = \"seal\"; sealing-domain = \"ours.example\"; }; signing = ( { domain = "       \
    "\"ours.example\"; keys = ( { selector = \"r\"; file = \"/none\"; } ); } );"
#define OUR  "ours.example"
#define ZONE "_dmarc.author.example TXT \"v=DMARC1; p=reject\"\n_dmarc.down.example SERVFAIL\n"

static const struct dkim_signature by_list = {.domain = STR_INIT("list.example"),
                                              .selector = STR_INIT("s")};
static const struct dkim_signature by_first = {.domain = STR_INIT("first.example"),
                                               .selector = STR_INIT("t")};
static const struct dkim_signature by_stranger = {.domain = STR_INIT("stranger.example"),
                                                  .selector = STR_INIT("u")};
static const struct dkim_signature by_nobody = {.selector = STR_INIT("v")};

#define SET(by, says)                                                                              \
    {                                                                                              \
        .has_seal = true, .seal = &(by), .results = STR_INIT(says)                                 \
    }
#define VOUCHES " mx.x.example; dmarc=pass header.from=author.example"
#define SILENT  " mx.x.example; spf=none"
#define DENIES  " mx.x.example; dmarc=fail header.from=author.example"
#define DOUBTS  " mx.x.example; spf=pass smtp.mailfrom=a@down.example"

/* A message whose authors have these results of DMARC, with a chain that was evaluated. */
static void judge_chain(struct rig *r, enum arc_result result, const struct arc_set *sets,
                        unsigned n, const struct dmarc_outcome *outcomes, size_t n_outcomes)
{
    r->evidence.arc = (struct evidence_arc){
        .checked = true, .result = result, .outcome = {.result = result, .n = n, .sets = sets}};
    r->evidence.dmarc.n = n_outcomes;
    r->evidence.dmarc.identifier_queries = 20;
    r->evidence.dmarc.outcomes = outcomes;
    r->asker.patience_us = 1000000;
    r->asker.may_pend = false;
    stage_arc.eom(&r->run);
}

struct excuse_case {
    const char *what;
    enum arc_result result;
    unsigned n;
    struct arc_set sets[3]; /* from the oldest */
    enum dmarc_auth granted;
    unsigned believed;
    const char *why_not, *comment;
};

static const struct excuse_case excuse_cases[] = {
    {"one set",
     ARC_PASS,
     1,
     {SET(by_list, VOUCHES)},
     DMARC_AUTH_PASS,
     1,
     "",
     "arc=pass as[1].d=list.example as[1].s=s"},
    {"the newest",
     ARC_PASS,
     2,
     {SET(by_first, SILENT), SET(by_list, VOUCHES)},
     DMARC_AUTH_PASS,
     2,
     "",
     "arc=pass as[2].d=list.example as[2].s=s as[1].d=first.example as[1].s=t"},
    {"an older one",
     ARC_PASS,
     2,
     {SET(by_first, VOUCHES), SET(by_list, SILENT)},
     DMARC_AUTH_PASS,
     1,
     "",
     "arc=pass as[2].d=list.example as[2].s=s as[1].d=first.example as[1].s=t"},
    {"the newest of two",
     ARC_PASS,
     2,
     {SET(by_first, VOUCHES), SET(by_list, VOUCHES)},
     DMARC_AUTH_PASS,
     2,
     "",
     "arc=pass as[2].d=list.example as[2].s=s as[1].d=first.example as[1].s=t"},
    {"an older one, of three",
     ARC_PASS,
     3,
     {SET(by_first, SILENT), SET(by_first, VOUCHES), SET(by_list, DENIES)},
     DMARC_AUTH_PASS,
     2,
     "",
     "arc=pass as[3].d=list.example as[3].s=s as[2].d=first.example as[2].s=t "
     "as[1].d=first.example as[1].s=t"},
    {"none",
     ARC_PASS,
     2,
     {SET(by_first, SILENT), SET(by_list, DENIES)},
     DMARC_AUTH_FAIL,
     0,
     "",
     ""},
    {"a stranger's",
     ARC_PASS,
     1,
     {SET(by_stranger, VOUCHES)},
     DMARC_AUTH_FAIL,
     1,
     "stranger.example is not in arc.trusted-sealers",
     ""},
    {"behind a stranger's",
     ARC_PASS,
     2,
     {SET(by_list, VOUCHES), SET(by_stranger, SILENT)},
     DMARC_AUTH_FAIL,
     1,
     "stranger.example is not in arc.trusted-sealers",
     ""},
    {"behind two strangers'",
     ARC_PASS,
     3,
     {SET(by_list, VOUCHES), SET(by_nobody, SILENT), SET(by_stranger, SILENT)},
     DMARC_AUTH_FAIL,
     1,
     "stranger.example is not in arc.trusted-sealers",
     ""},
    {"before a stranger's",
     ARC_PASS,
     2,
     {SET(by_stranger, SILENT), SET(by_list, VOUCHES)},
     DMARC_AUTH_PASS,
     2,
     "",
     "arc=pass as[2].d=list.example as[2].s=s as[1].d=stranger.example as[1].s=u"},
    {"a stranger who says nothing",
     ARC_PASS,
     1,
     {SET(by_stranger, SILENT)},
     DMARC_AUTH_FAIL,
     0,
     "",
     ""},
    {"a chain that is not known",
     ARC_UNKNOWN,
     1,
     {SET(by_list, VOUCHES)},
     DMARC_AUTH_UNKNOWN,
     1,
     "",
     ""},
    {"a set that is not known", ARC_PASS, 1, {SET(by_list, DOUBTS)}, DMARC_AUTH_UNKNOWN, 1, "", ""},
    {"a seal without domain",
     ARC_PASS,
     1,
     {SET(by_nobody, VOUCHES)},
     DMARC_AUTH_FAIL,
     1,
     " is not in arc.trusted-sealers",
     ""},
};

static void excuses(void **state)
{
    static const struct dmarc_outcome author = {.result = DMARC_FAIL,
                                                .author_domain = STR_INIT("author.example")};
    static const struct dmarc_outcome doubtful = {.result = DMARC_FAIL,
                                                  .author_domain = STR_INIT("down.example")};
    (void)state;
    for (size_t i = 0; i < sizeof excuse_cases / sizeof *excuse_cases; i++) {
        const struct excuse_case *c = &excuse_cases[i];
        bool doubts = str_eq(c->sets[0].results, STR(DOUBTS));
        struct rig r;
        rig_begin(&r, CONF, ZONE);
        judge_chain(&r, c->result, c->sets, c->n, doubts ? &doubtful : &author, 1);
        assert_int_equal(r.evidence.arc.n_excuses, 1);
        const struct arc_excuse *e = r.evidence.arc.excuses;
        if (e->granted != c->granted || e->believed != c->believed ||
            !str_eq(e->why_not, str_of(c->why_not)) || !str_eq(e->comment, str_of(c->comment)))
            fail_msg("%s: %d, %u, \"%.*s\", \"%.*s\"", c->what, (int)e->granted, e->believed,
                     STR_ARG(e->why_not), STR_ARG(e->comment));
        rig_end(&r);
    }
}

/* Each author has an excuse of its own; a pass needs none, and of a chain that fails there is none.
 */
static void authors(void **state)
{
    static const struct arc_set set =
        SET(by_list, VOUCHES "; dmarc=pass header.from=second.example");
    static const struct dmarc_outcome outcomes[] = {
        {.result = DMARC_FAIL, .author_domain = STR_INIT("author.example")},
        {.result = DMARC_PASS, .author_domain = STR_INIT("author.example")},
        {.result = DMARC_TEMPERROR, .author_domain = STR_INIT("second.example")},
        {.result = DMARC_FAIL, .author_domain = STR_INIT("third.example")},
        {.result = DMARC_NONE, .author_domain = STR_INIT("author.example")},
    };
    static const unsigned believed[] = {1, 0, 1, 0, 0};
    struct rig r;
    (void)state;
    rig_begin(&r, CONF, ZONE);
    judge_chain(&r, ARC_PASS, &set, 1, outcomes, 5);
    assert_int_equal(r.evidence.arc.n_excuses, 5);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(r.evidence.arc.excuses[i].believed, believed[i]);
    rig_end(&r);
    for (int result = ARC_NONE; result < ARC_RESULT_COUNT; result++) {
        bool looked = result == ARC_PASS || result == ARC_UNKNOWN;
        rig_begin(&r, CONF, ZONE);
        judge_chain(&r, (enum arc_result)result, &set, 1, outcomes, 5);
        assert_int_equal(r.evidence.arc.n_excuses, looked ? 5 : 0);
        assert_true(r.evidence.arc.trusted[0]);
        rig_end(&r);
    }
}

/* What one set says, of author.example. */
static void what_vouches(void **state)
{
    static const struct {
        const char *results;
        enum dmarc_auth says;
        bool asks; /* for the policy, as something may be aligned */
    } cases[] = {
        {VOUCHES, DMARC_AUTH_PASS, false},
        {" mx; DMARC=Pass header.from=AUTHOR.example", DMARC_AUTH_PASS, false},
        {DENIES, DMARC_AUTH_FAIL, false},
        {VOUCHES "; dmarc=fail header.from=author.example", DMARC_AUTH_FAIL, false},
        {DENIES "; dmarc=pass header.from=author.example", DMARC_AUTH_FAIL, false},
        {VOUCHES "; dmarc=fail header.from=other.example", DMARC_AUTH_PASS, false},
        {VOUCHES "; dmarc=none header.from=author.example", DMARC_AUTH_PASS, false},
        {" mx; dmarc=none header.from=author.example", DMARC_AUTH_FAIL, false},
        {" mx; dmarc=none header.from=author.example; dkim=pass header.d=author.example",
         DMARC_AUTH_PASS, true},
        {DENIES "; dkim=pass header.d=author.example", DMARC_AUTH_FAIL, false},
        {" mx; dmarc=pass header.from=other.example", DMARC_AUTH_FAIL, false},
        {" mx; dmarc=pass", DMARC_AUTH_FAIL, false},
        {" mx; other=pass header.from=author.example", DMARC_AUTH_FAIL, false},
        {" mx; spf=pass smtp.mailfrom=a@author.example", DMARC_AUTH_PASS, true},
        {" mx; SPF=PASS smtp.mailfrom=author.example", DMARC_AUTH_PASS, true},
        {" mx; spf=pass smtp.mailfrom=@sub.author.example", DMARC_AUTH_PASS, true},
        {" mx; spf=softfail smtp.mailfrom=author.example", DMARC_AUTH_FAIL, false},
        {" mx; spf=pass smtp.helo=author.example", DMARC_AUTH_FAIL, false},
        {" mx; spf=pass header.d=author.example", DMARC_AUTH_FAIL, false},
        {" mx; dkim=pass header.d=author.example", DMARC_AUTH_PASS, true},
        {" mx; dkim=pass header.i=x@author.example", DMARC_AUTH_PASS, true},
        {" mx; dkim=pass header.d=other.example header.i=x@author.example", DMARC_AUTH_FAIL, true},
        {" mx; dkim=fail header.d=author.example", DMARC_AUTH_FAIL, false},
        {" mx; dkim=pass", DMARC_AUTH_FAIL, false},
        {" mx; auth=pass header.d=author.example", DMARC_AUTH_FAIL, false},
        {" mx; dkim=fail header.d=other.example; spf=pass smtp.mailfrom=other.example; "
         "dkim=pass header.d=author.example",
         DMARC_AUTH_PASS, true},
        {" mx; dkim=pass header.d=author.example; spf=pass smtp.mailfrom=other.example",
         DMARC_AUTH_PASS, true},
        {" mx; none", DMARC_AUTH_FAIL, false},
        {" mx; ((((", DMARC_AUTH_FAIL, false},
        {"", DMARC_AUTH_FAIL, false},
    };
    static const struct dmarc_outcome author = {.result = DMARC_FAIL,
                                                .author_domain = STR_INIT("author.example")};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct arc_set set = {
            .has_seal = true, .seal = &by_list, .results = str_of(cases[i].results)};
        struct rig r;
        rig_begin(&r, CONF, ZONE);
        judge_chain(&r, ARC_PASS, &set, 1, &author, 1);
        if (r.evidence.arc.excuses[0].granted != cases[i].says)
            fail_msg("%s: %d", cases[i].results, (int)r.evidence.arc.excuses[0].granted);
        assert_int_equal(rig_asked(&r).n > 0, cases[i].asks);
        rig_end(&r);
    }
}

/* An identifier has the queries of DMARC: 20 of 100. */
static void queries(void **state)
{
    static const struct arc_set set =
        SET(by_list, " mx; spf=pass smtp.mailfrom=a.b.c.d.e.f.g.other.example");
    static const struct dmarc_outcome author = {.result = DMARC_FAIL,
                                                .author_domain = STR_INIT("author.example")};
    struct rig r;
    (void)state;
    rig_begin(&r, CONF, "");
    judge_chain(&r, ARC_PASS, &set, 1, &author, 1);
    assert_int_equal(r.evidence.arc.excuses[0].granted, DMARC_AUTH_FAIL);
    rig_end(&r);
}

static unsigned count_of(struct str text, char c)
{
    unsigned n = 0;
    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == c;
    return n;
}

/* And all sets together have no more, whatever they name: domains below the author's that say they
 * are none of its. */
static void queries_of_many_sets(void **state)
{
    struct arena *arena = arena_new(0);
    static const struct dmarc_outcome author = {.result = DMARC_FAIL,
                                                .author_domain = STR_INIT("author.example")};
    struct arc_set sets[50];
    struct strbuf zone;
    struct rig r;
    (void)state;
    sb_init(&zone, arena);
    sb_add(&zone, STR(ZONE));
    for (unsigned i = 0; i < 50; i++)
        sb_printf(&zone, "_dmarc.d%u.author.example TXT \"v=DMARC1; psd=n\"\n", i);
    rig_begin(&r, CONF, str_cstr(arena, sb_str(&zone)));
    for (unsigned i = 0; i < 50; i++)
        sets[i] = (struct arc_set){
            .has_seal = true,
            .seal = &by_stranger,
            .results = str_printf(
                r.arena, " mx; spf=pass smtp.mailfrom=a%u.b%u.c%u.d%u.author.example", i, i, i, i)};
    judge_chain(&r, ARC_PASS, sets, 50, &author, 1);
    struct str asked = rig_asked(&r);
    assert_int_equal(r.evidence.arc.excuses[0].granted, DMARC_AUTH_FAIL);
    assert_in_range(count_of(asked, ',') + 1, 4, 20 + 2); /* with those about the author domain */
    rig_end(&r);
    arena_free(arena);
}

/* The ten newest sets are named, and the client of the first one. */
static void comments(void **state)
{
    static const struct dmarc_outcome author = {.result = DMARC_FAIL,
                                                .author_domain = STR_INIT("author.example")};
    static const struct {
        const char *first; /* set's results */
        unsigned n;
        const char *comment;
    } cases[] = {
        {" mx; spf=none smtp.remote-ip=\"2001:DB8::1\"", 2,
         "arc=pass as[2].d=list.example as[2].s=s as[1].d=list.example as[1].s=s "
         "remote-ip[1]=2001:db8::1"},
        {" mx; spf=none smtp.remote-ip=nowhere; arc=none smtp.remote-ip=192.0.2.9; "
         "x=none smtp.remote-ip=192.0.2.10",
         2,
         "arc=pass as[2].d=list.example as[2].s=s as[1].d=list.example as[1].s=s "
         "remote-ip[1]=192.0.2.9"},
        {" mx; spf=none smtp.remote-ip=nowhere", 2,
         "arc=pass as[2].d=list.example as[2].s=s as[1].d=list.example as[1].s=s"},
        {" ((((", 2, "arc=pass as[2].d=list.example as[2].s=s as[1].d=list.example as[1].s=s"},
        {" mx; spf=none smtp.remote-ip=192.0.2.9", 12,
         "arc=pass as[12].d=list.example as[12].s=s as[11].d=list.example as[11].s=s "
         "as[10].d=list.example as[10].s=s as[9].d=list.example as[9].s=s "
         "as[8].d=list.example as[8].s=s as[7].d=list.example as[7].s=s "
         "as[6].d=list.example as[6].s=s as[5].d=list.example as[5].s=s "
         "as[4].d=list.example as[4].s=s as[3].d=list.example as[3].s=s "
         "remote-ip[1]=192.0.2.9"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arc_set sets[12];
        struct rig r;
        for (unsigned k = 0; k < 12; k++)
            sets[k] = (struct arc_set)SET(by_list, VOUCHES);
        sets[0].results = str_of(cases[i].first);
        rig_begin(&r, CONF, ZONE);
        judge_chain(&r, ARC_PASS, sets, cases[i].n, &author, 1);
        assert_str(r.evidence.arc.excuses[0].comment, cases[i].comment);
        rig_end(&r);
    }
}

/* --- when --- */

static void add_set(struct rig *r, const char *domain, const char *results)
{
    struct arena *a = r->arena;
    rig_header(r, "ARC-Seal",
               str_printf(a, " i=1; a=rsa-sha256; cv=none; d=%s; s=s; b=AAAA", domain).p);
    rig_header(r, "ARC-Message-Signature",
               str_printf(a,
                          " i=1; a=rsa-sha256; c=relaxed/relaxed; d=%s; s=s; h=from; bh=AAAA; "
                          "b=AAAA",
                          domain)
                   .p);
    rig_header(r, "ARC-Authentication-Results", str_printf(a, " i=1; mx; %s", results).p);
    rig_header(r, "From", " a@author.example");
}

static void add_chain(struct rig *r)
{
    add_set(r, "list.example", "none");
}

static void when_it_is_evaluated(void **state)
{
    static const struct {
        const char *what, *conf;
        enum origin origin;
        bool chain, over_limit;
        size_t n_claimed;
        const char *asked; /* at the end of the header */
        bool checked;
        enum arc_result result;
        const char *reason;
    } cases[] = {
        {"no chain", "", ORIGIN_INBOUND, false, false, 0, "", true, ARC_NONE, ""},
        {"a chain", "", ORIGIN_INBOUND, true, false, 0, "TXT s._domainkey.list.example", true,
         ARC_FAIL, "*"},
        {"off", "arc = { mode = \"off\"; };", ORIGIN_INBOUND, true, false, 0, "", false, ARC_NONE,
         ""},
        {"forwarded, and nothing is sealed", "", ORIGIN_FORWARDED, true, false, 0, "", false,
         ARC_NONE, ""},
        {"over the limits", "", ORIGIN_INBOUND, true, true, 0, "", true, ARC_FAIL,
         "the header exceeds our limits"},
        {"over the limits without a chain", "", ORIGIN_INBOUND, false, true, 0, "", true, ARC_NONE,
         ""},
        {"one key is left", "", ORIGIN_INBOUND, true, false, 9, "TXT s._domainkey.list.example",
         true, ARC_FAIL, "*"},
        {"no key is left", "", ORIGIN_INBOUND, true, false, 10, "", true, ARC_FAIL,
         "no DNS query is left for its keys (dns.max-queries)"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r;
        rig_begin(&r, cases[i].conf, "");
        r.run.keys = key_cache_new(1 << 20);
        r.run.bodies = body_digests_new(r.arena);
        r.message.origin = cases[i].origin;
        r.message.over_limit = cases[i].over_limit;
        r.evidence.dkim.n_claimed = cases[i].n_claimed;
        if (cases[i].chain)
            add_chain(&r);
        stage_arc.eoh(&r.run);
        assert_str(rig_asked(&r), cases[i].asked);
        stage_arc.eom(&r.run);
        const struct evidence_arc *e = &r.evidence.arc;
        bool said = cases[i].reason[0] == '*' ? e->reason.n > 0
                                              : str_eq(e->reason, str_of(cases[i].reason));
        if (e->checked != cases[i].checked || e->result != cases[i].result || !said ||
            e->outcome.out_of_queries != (cases[i].n_claimed == 10))
            fail_msg("%s: %d, %d, %.*s", cases[i].what, e->checked, (int)e->result,
                     STR_ARG(e->reason));
        key_cache_free(r.run.keys);
        rig_end(&r);
    }
}

/* Forwarded: what our own field told is not looked up again, and excuses nothing. */
static void told_before(void **state)
{
    static const struct {
        const char *results, *sealer, *sealed;
        bool told;
        enum arc_result result;
        size_t n_believed;
    } cases[] = {
        {" mx.recv.example; arc=pass", OUR, "dmarc=fail; arc=pass", true, ARC_PASS, 2},
        {" mx.recv.example; arc=none", OUR, "arc=none", true, ARC_NONE, 1},
        {" mx.recv.example; dkim=pass header.d=x.example; ARC=Fail", "list.example", "none", true,
         ARC_FAIL, 0},
        {" mx.recv.example; arc=temperror", "list.example", "none", true, ARC_UNKNOWN, 0},
        {" mx.recv.example; arc=temperror", OUR, "dmarc=pass; arc=none", true, ARC_UNKNOWN, 0},
        {" mx.recv.example; arc=maybe", "list.example", "none", false, ARC_FAIL, 0},
        {" mx.recv.example; dkim=pass header.d=x.example", "list.example", "none", false, ARC_FAIL,
         0},
        /* A field that is not beside our set may be anybody's on this host. */
        {" mx.recv.example; dmarc=pass; arc=pass", "list.example", "dmarc=pass", false, ARC_FAIL,
         0},
        {" mx.recv.example; dmarc=pass; arc=none", "list.example", "arc=none", false, ARC_FAIL, 0},
        {" mx.recv.example; dmarc=pass; arc=none", OUR, "dmarc=((", false, ARC_FAIL, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r;
        rig_begin(&r, SEAL, "");
        r.run.keys = key_cache_new(1 << 20);
        r.run.bodies = body_digests_new(r.arena);
        r.message.origin = ORIGIN_FORWARDED;
        rig_header(&r, "Authentication-Results", cases[i].results);
        r.message.entry_fields = 1;
        add_set(&r, cases[i].sealer, cases[i].sealed);
        stage_arc.eoh(&r.run);
        assert_str(rig_asked(&r),
                   cases[i].told ? ""
                                 : str_printf(r.arena, "TXT s._domainkey.%s", cases[i].sealer).p);
        stage_arc.eom(&r.run);
        const struct evidence_arc *e = &r.evidence.arc;
        assert_true(e->checked);
        assert_int_equal(e->told_before, cases[i].told && cases[i].n_believed);
        assert_int_equal(e->believed.n, cases[i].n_believed);
        assert_int_equal(e->result, cases[i].result);
        assert_int_equal(e->outcome.n, 1);
        assert_int_equal(e->n_excuses, 0);
        if (cases[i].told)
            assert_str(e->reason, "so it was when it came in");
        key_cache_free(r.run.keys);
        rig_end(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(excuses),
        cmocka_unit_test(authors),
        cmocka_unit_test(what_vouches),
        cmocka_unit_test(queries),
        cmocka_unit_test(queries_of_many_sets),
        cmocka_unit_test(comments),
        cmocka_unit_test(when_it_is_evaluated),
        cmocka_unit_test(told_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
