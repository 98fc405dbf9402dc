/* stages/dmarc: what is asked ahead for the author domains and those that may align with them;
 * which of several outcomes holds; whose signature a mailing list's is. */
#include "test.h"

#include "stage_rig.h"

/* --- ahead --- */

#define AUTHOR "TXT _dmarc.org.example, TXT _dmarc.example"

static void asked_ahead(void **state)
{
    static const struct {
        const char *what, *conf, *author, *sender;
        size_t n_claimed;
        const char *asked;
    } cases[] = {
        {"author", "", " a@org.example", "<a@else.example>", 0, AUTHOR},
        {"two authors", "", " a@org.example, b@two.example", "<a@else.example>", 0,
         AUTHOR ", TXT _dmarc.two.example"},
        {"sender", "", " a@org.example", "<a@bounce.org.example>", 0,
         AUTHOR ", TXT _dmarc.bounce.org.example"},
        {"no sender", "", " a@org.example", "<>", 0, AUTHOR},
        {"a signer", "", " a@org.example", "<>", 1, AUTHOR ", TXT _dmarc.s1.org.example"},
        {"three of four signers", "", " a@org.example", "<>", 4,
         AUTHOR ", TXT _dmarc.s1.org.example, TXT _dmarc.s2.org.example, "
                "TXT _dmarc.s3.org.example"},
        {"a list of suffixes", "dmarc = { discovery = \"psl\"; };", " a@www.org.example",
         "<a@bounce.org.example>", 4, "TXT _dmarc.www.org.example, TXT _dmarc.org.example"},
        {"off", "dmarc = { mode = \"off\"; };", " a@org.example", "<a@bounce.org.example>", 4, ""},
        {"no author", "", " a", "<a@bounce.org.example>", 4, ""},
        {"one of two is none", "", " a@org.example, b@[192.0.2.1]", "<a@bounce.org.example>", 4,
         ""},
    };
    static const struct str claimed[] = {STR_INIT("s1.org.example"), STR_INIT("s2.org.example"),
                                         STR_INIT("s3.org.example"), STR_INIT("s4.org.example")};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r;
        rig_begin(&r, cases[i].conf, "");
        rig_header(&r, "From", cases[i].author);
        mail_path_parse(str_of(cases[i].sender), &r.message.from);
        r.evidence.dkim.claimed = claimed;
        r.evidence.dkim.n_claimed = cases[i].n_claimed;
        rig_resolver.holds = true;
        stage_dmarc.eoh(&r.run);
        struct str asked = rig_asked(&r);
        if (!str_eq(asked, str_of(cases[i].asked)))
            fail_msg("%s: %.*s", cases[i].what, STR_ARG(asked));
        rig_end(&r);
    }
}

/* --- several authors: the strictest outcome holds, the first of equals --- */

#define POLICIES                                                                                   \
    "_dmarc.reject.example TXT \"v=DMARC1; p=reject\"\n"                                           \
    "_dmarc.reject2.example TXT \"v=DMARC1; p=reject\"\n"                                          \
    "_dmarc.quarantine.example TXT \"v=DMARC1; p=quarantine\"\n"                                   \
    "_dmarc.p-none.example TXT \"v=DMARC1; p=none\"\n"                                             \
    "_dmarc.pass.example TXT \"v=DMARC1; p=reject\"\n"                                             \
    "_dmarc.doubt.example SERVFAIL\n"                                                              \
    "reject.example A 192.0.2.9\nreject2.example A 192.0.2.9\nquarantine.example A 192.0.2.9\n"    \
    "p-none.example A 192.0.2.9\npass.example A 192.0.2.9\n"

static void strictest(void **state)
{
    static const struct {
        const char *authors;
        size_t decisive;
        enum dmarc_result result;
    } cases[] = {
        {" a@pass.example, a@bare.example", 1, DMARC_NONE},
        {" a@bare.example, a@pass.example", 0, DMARC_NONE},
        {" a@bare.example, a@p-none.example", 1, DMARC_FAIL},
        {" a@p-none.example, a@bare.example", 0, DMARC_FAIL},
        {" a@p-none.example, a@quarantine.example", 1, DMARC_FAIL},
        {" a@quarantine.example, a@p-none.example", 0, DMARC_FAIL},
        {" a@quarantine.example, a@doubt.example", 1, DMARC_TEMPERROR},
        {" a@doubt.example, a@quarantine.example", 0, DMARC_TEMPERROR},
        {" a@doubt.example, a@reject.example", 1, DMARC_FAIL},
        {" a@reject.example, a@doubt.example", 0, DMARC_FAIL},
        {" a@reject.example, a@reject2.example", 0, DMARC_FAIL},
        {" a@pass.example, a@reject.example, a@reject2.example", 1, DMARC_FAIL},
        {" a@pass.example, a@PASS.example", 0, DMARC_PASS},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r;
        rig_begin(&r, "", POLICIES);
        rig_header(&r, "From", cases[i].authors);
        r.evidence.spf.mail_from = (struct evidence_spf_identity){
            true, {.result = SPF_PASS, .domain = STR_INIT("pass.example")}};
        stage_dmarc.eoh(&r.run);
        stage_dmarc.eom(&r.run);
        const struct evidence_dmarc *e = &r.evidence.dmarc;
        if (!e->checked || e->decisive != cases[i].decisive || e->result != cases[i].result)
            fail_msg("%s: %zu, %d", cases[i].authors, e->decisive, (int)e->result);
        assert_int_equal(e->outcomes[e->decisive].result, e->result);
        assert_true(str_eq(e->outcomes[e->decisive].reason, e->reason));
        rig_end(&r);
    }
}

/* --- authors --- */

static void authors(void **state)
{
    static const struct {
        const char *conf, *from;
        bool bounce;
        size_t n;
        enum from_status status;
        enum dmarc_result result;
    } cases[] = {
        {"", " a@one.example", false, 1, FROM_OK, DMARC_NONE},
        {"", " a@one.example, b@one.example", false, 1, FROM_OK, DMARC_NONE},
        {"", " a@a1.example, a@a2.example, a@a3.example", false, 3, FROM_OK, DMARC_NONE},
        {"dmarc = { max-authors = 2; };", " a@a1.example, a@a2.example, a@a1.example", false, 2,
         FROM_OK, DMARC_NONE},
        {"dmarc = { max-authors = 2; };", " a@a1.example, a@a2.example, a@a2.example", false, 2,
         FROM_OK, DMARC_NONE},
        {"dns = { max-queries = 20; };", " a@a1.example, a@a2.example, a@b.a3.example", false, 3,
         FROM_OK, DMARC_NONE},
        {"dns = { max-queries = 20; };", " a@a1.example, a@b.a2.example, a@b.a3.example", false, 0,
         FROM_TOO_MANY, DMARC_PERMERROR},
        {"dmarc = { max-authors = 2; };", " a@a1.example, a@a2.example, a@a3.example", false, 0,
         FROM_TOO_MANY, DMARC_PERMERROR},
        {"", " a@one.example, b@[192.0.2.1]", false, 0, FROM_SYNTAX, DMARC_PERMERROR},
        {"", " group:;", false, 0, FROM_NO_DOMAIN, DMARC_NONE},
        {"", " <>", false, 0, FROM_EMPTY, DMARC_PERMERROR},
        {"", " <>", true, 0, FROM_NO_DOMAIN, DMARC_NONE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r;
        rig_begin(&r, cases[i].conf, "");
        rig_header(&r, "From", cases[i].from);
        if (cases[i].bounce)
            mail_path_parse(STR("<>"), &r.message.from);
        stage_dmarc.eoh(&r.run);
        stage_dmarc.eom(&r.run);
        const struct evidence_dmarc *e = &r.evidence.dmarc;
        if (e->n != cases[i].n || e->from_status != cases[i].status || e->result != cases[i].result)
            fail_msg("%s: %zu, %d, %d", cases[i].from, e->n, (int)e->from_status, (int)e->result);
        rig_end(&r);
    }
}

/* --- mailing lists --- */

static void lists(void **state)
{
#define LISTS "dmarc = { on-mailing-list = \"tag\"; mailing-lists = [ \"lists.example\" ]; };"
#define BY(r, d)                                                                                   \
    {                                                                                              \
        .result = (r), .domain = STR_INIT(d)                                                       \
    }
    static const struct {
        const char *conf, *list_id;
        size_t n;
        struct dkim_signature v[2];
        enum dmarc_auth want;
    } cases[] = {
        {LISTS, " <a.lists.example>", 1, {BY(DKIM_PASS, "lists.example")}, DMARC_AUTH_PASS},
        {LISTS,
         " A list <old> < A.Lists.Example >",
         1,
         {BY(DKIM_PASS, "b.lists.example")},
         DMARC_AUTH_PASS},
        {LISTS, " <a.lists.example>", 1, {BY(DKIM_TEMPERROR, "lists.example")}, DMARC_AUTH_UNKNOWN},
        {LISTS, " <a.lists.example>", 1, {BY(DKIM_FAIL, "lists.example")}, DMARC_AUTH_FAIL},
        {LISTS,
         " <a.lists.example>",
         2,
         {BY(DKIM_PASS, "other.example"), BY(DKIM_PASS, "lists.example")},
         DMARC_AUTH_PASS},
        {LISTS,
         " <a.lists.example>",
         2,
         {BY(DKIM_TEMPERROR, "lists.example"), BY(DKIM_PASS, "lists.example")},
         DMARC_AUTH_PASS},
        {LISTS,
         " <a.lists.example>",
         2,
         {BY(DKIM_TEMPERROR, "lists.example"), BY(DKIM_FAIL, "lists.example")},
         DMARC_AUTH_UNKNOWN},
        {LISTS, " <a.lists.example>", 1, {BY(DKIM_PASS, "other.example")}, DMARC_AUTH_FAIL},
        {LISTS, " <a.other.example>", 1, {BY(DKIM_PASS, "lists.example")}, DMARC_AUTH_FAIL},
        {LISTS, " a.lists.example", 1, {BY(DKIM_PASS, "lists.example")}, DMARC_AUTH_FAIL},
        {LISTS, " <a.lists.example", 1, {BY(DKIM_PASS, "lists.example")}, DMARC_AUTH_PASS},
        {LISTS, NULL, 1, {BY(DKIM_PASS, "lists.example")}, DMARC_AUTH_FAIL},
        {LISTS, " <a.lists.example>", 0, {BY(DKIM_PASS, "lists.example")}, DMARC_AUTH_FAIL},
        {"", " <a.lists.example>", 1, {BY(DKIM_PASS, "lists.example")}, DMARC_AUTH_FAIL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r;
        rig_begin(&r, cases[i].conf, "");
        rig_header(&r, "From", " a@author.example");
        if (cases[i].list_id)
            rig_header(&r, "List-Id", cases[i].list_id);
        struct dkim_signature *v = arena_array(r.arena, struct dkim_signature, cases[i].n);
        memcpy(v, cases[i].v, cases[i].n * sizeof *v); /* nothing stands behind them */
        r.evidence.dkim = (struct evidence_dkim){.checked = true, .n = cases[i].n, .signatures = v};
        stage_dmarc.eoh(&r.run);
        stage_dmarc.eom(&r.run);
        if (r.evidence.dmarc.list_signature != cases[i].want)
            fail_msg("%zu: %d", i, (int)r.evidence.dmarc.list_signature);
        rig_end(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asked_ahead),
        cmocka_unit_test(strictest),
        cmocka_unit_test(authors),
        cmocka_unit_test(lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
