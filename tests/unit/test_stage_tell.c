/* How client, sender, greylisting, SRS and SPF are told: in header, log, JSON and text, and what is
 * counted. */
#include "test.h"

#include "telling_util.h"

struct tell_case {
    struct evidence e;
    const char *header, *log, *json, *text, *counted; /* header NULL: it has none */
};

static void play(const struct stage *stage, const struct tell_case *cases, size_t n)
{
    const struct session session = {.client = {4, {192, 0, 2, 1}}, .helo = STR("helo.example")};
    const struct message message = {.origin = ORIGIN_INBOUND};
    for (size_t i = 0; i < n; i++) {
        const struct tell_case *c = &cases[i];
        struct arena *a = arena_new(0);
        const struct telling t = {
            .session = &session, .message = &message, .evidence = &c->e, .arena = a};
        if (c->header)
            assert_str(told_in_header(stage, &t), c->header);
        assert_str(told_in_log(stage, &t), c->log);
        assert_str(told_to_programs(stage, &t), c->json);
        assert_str(told_to_people(stage, &t), c->text);
        counted(a);
        stage->telling->count(&t);
        assert_str(counted(a), c->counted);
        arena_free(a);
    }
}

#define PLAY(stage, cases) play(&(stage), cases, sizeof(cases) / sizeof *(cases))

static const struct tell_case client_cases[] = {
    {{.client.iprev = IPREV_NONE}, "none", "", "\"iprev\": null,\"helo_check\": null", "", ""},
    {{.client = {.iprev = IPREV_PASS, .capped = true, .name = STR_INIT("a.example")}},
     "iprev=pass policy.iprev=192.0.2.1",
     " iprev=pass",
     "\"iprev\": \"pass\",\"helo_check\": null",
     "  client   iprev pass: it leads back from a.example\n",
     "iprev-pass=1"},
    {{.client = {.iprev = IPREV_FAIL, .capped = true}},
     "iprev=fail policy.iprev=192.0.2.1",
     " iprev=fail(capped)",
     "\"iprev\": \"fail\",\"helo_check\": null",
     "  client   iprev fail: its name does not lead back to it\n",
     "iprev-fail=1"},
    {{.client = {.iprev = IPREV_TEMPERROR}},
     "iprev=temperror policy.iprev=192.0.2.1",
     " iprev=temperror",
     "\"iprev\": \"temperror\",\"helo_check\": null",
     "  client   iprev temperror: DNS gave no answer\n",
     "iprev-temperror=1"},
    {{.client = {.iprev = IPREV_PERMERROR}},
     "iprev=permerror policy.iprev=192.0.2.1",
     " iprev=permerror",
     "\"iprev\": \"permerror\",\"helo_check\": null",
     "  client   iprev permerror: the address has no name\n",
     "iprev-permerror=1"},
    {{.client.helo = HELO_OURS},
     "none",
     " helo-check=ours",
     "\"iprev\": null,\"helo_check\": \"ours\"",
     "  client   HELO is our own name or address, and a stranger said it\n",
     "helo-ours=1"},
    {{.client.helo = HELO_OTHER},
     "none",
     " helo-check=other-address",
     "\"iprev\": null,\"helo_check\": \"other-address\"",
     "  client   HELO is an address that is not the client's\n",
     ""},
};

static const struct tell_case sender_cases[] = {
    {{.sender.domain = SENDER_UNCHECKED}, NULL, "", "\"sender\": null", "", ""},
    {{.sender.domain = SENDER_FINE},
     NULL,
     " sender-domain=pass",
     "\"sender\": {\"domain\": \"pass\",\"no_address\": false}",
     "  sender   its domain receives mail\n",
     ""},
    {{.sender.domain = SENDER_UNKNOWN},
     NULL,
     " sender-domain=unknown-domain",
     "\"sender\": {\"domain\": \"unknown-domain\",\"no_address\": false}",
     "  sender   its domain receives no mail: it has neither MX nor address\n",
     "sender-unknown-domain=1"},
    {{.sender.domain = SENDER_NULL_MX},
     NULL,
     " sender-domain=null-mx",
     "\"sender\": {\"domain\": \"null-mx\",\"no_address\": false}",
     "  sender   its domain says that it receives no mail (RFC 7505)\n",
     "sender-null-mx=1"},
    {{.sender.domain = SENDER_LOCAL_MX},
     NULL,
     " sender-domain=local-mx",
     "\"sender\": {\"domain\": \"local-mx\",\"no_address\": false}",
     "  sender   its domain receives no mail: it leads to loopback or private addresses alone\n",
     "sender-local-mx=1"},
    {{.sender.domain = SENDER_TEMPERROR},
     NULL,
     " sender-domain=temperror",
     "\"sender\": {\"domain\": \"temperror\",\"no_address\": false}",
     "  sender   its domain cannot be checked now: DNS gave no answer\n",
     "sender-temperror=1"},
    {{.sender.no_address = true},
     NULL,
     " header-sender=none",
     "\"sender\": {\"domain\": null,\"no_address\": true}",
     "  sender   a bounce that nobody can answer: no usable address in From, Sender and "
     "Reply-To\n",
     "sender-no-address=1"},
};

static const struct tell_case greylist_cases[] = {
    {{.greylist.result = GREYLIST_NOT_ASKED}, NULL, "", "\"greylist\": null", "", ""},
    {{.greylist = {.result = GREYLIST_EXEMPT, .why = STR_INIT("recipient")}},
     NULL,
     " greylist=exempt(recipient)",
     "\"greylist\": {\"result\": \"exempt\",\"why\": \"recipient\",\"wait\": 0}",
     "  greylist exempt: recipient\n",
     "greylist-exempt=1"},
    {{.greylist = {.result = GREYLIST_UNKNOWN, .wait_s = 30}},
     NULL,
     " greylist=unknown",
     "\"greylist\": {\"result\": \"unknown\",\"why\": null,\"wait\": 0}",
     "  greylist unknown\n",
     "greylist-unknown=1"},
    {{.greylist = {.result = GREYLIST_PASS, .why = STR_INIT("network 192.0.2.0/24")}},
     NULL,
     " greylist=pass(network 192.0.2.0/24)",
     "\"greylist\": {\"result\": \"pass\",\"why\": \"network 192.0.2.0/24\",\"wait\": 0}",
     "  greylist pass: network 192.0.2.0/24\n",
     "greylist-pass=1"},
    {{.greylist = {.result = GREYLIST_NEW, .wait_s = 30}},
     NULL,
     " greylist=new",
     "\"greylist\": {\"result\": \"new\",\"why\": null,\"wait\": 30}",
     "  greylist new\n",
     "greylist-new=1"},
    {{.greylist = {.result = GREYLIST_WAIT, .wait_s = 7}},
     NULL,
     " greylist=wait(7s)",
     "\"greylist\": {\"result\": \"wait\",\"why\": null,\"wait\": 7}",
     "  greylist wait\n",
     "greylist-wait=1"},
};

static const struct tell_case srs_cases[] = {
    {{.srs.others = 3}, NULL, "", "\"srs_no_bounce\": 0", "", ""},
    {{.srs.no_bounce = 1},
     NULL,
     " srs-no-bounce=1",
     "\"srs_no_bounce\": 1",
     "  SRS      1 recipient is an SRS address of ours for bounces, and this is none\n",
     "srs-no-bounce=1"},
    {{.srs.no_bounce = 2},
     NULL,
     " srs-no-bounce=2",
     "\"srs_no_bounce\": 2",
     "  SRS      2 recipients are SRS addresses of ours for bounces, and this is none\n",
     "srs-no-bounce=2"},
};

#define SPF(...) .spf.mail_from = {true, {__VA_ARGS__}}

static const struct tell_case spf_cases[] = {
    {{.spf.mail_from.checked = false}, "none", "", "\"spf\": null", "", ""},
    {{.spf.skipped = STR_INIT("spf.mode is off")},
     "none",
     "",
     "\"spf\": null",
     "  SPF      not checked: spf.mode is off\n",
     ""},
    {{SPF(.result = SPF_PASS, .domain = STR_INIT("a.example"), .mechanism = STR_INIT("mx"))},
     "spf=pass smtp.mailfrom=a.example",
     " spf=pass",
     "\"spf\": {\"result\": \"pass\",\"domain\": \"a.example\",\"mechanism\": \"mx\","
     "\"problem\": null}",
     "  SPF      pass for a.example, by mx\n",
     "spf-pass=1"},
    {{SPF(.result = SPF_NONE, .problem = STR_INIT("no domain"))},
     "spf=none reason=\"no domain\"",
     " spf=none",
     "\"spf\": {\"result\": \"none\",\"domain\": null,\"mechanism\": null,"
     "\"problem\": \"no domain\"}",
     "  SPF      none: no domain\n",
     "spf-none=1"},
    {{SPF(.result = SPF_NONE, .domain = STR_INIT("a.example"), .problem = STR_INIT("no record"))},
     "spf=none smtp.mailfrom=a.example",
     " spf=none",
     "\"spf\": {\"result\": \"none\",\"domain\": \"a.example\",\"mechanism\": null,"
     "\"problem\": \"no record\"}",
     "  SPF      none for a.example: no record\n",
     "spf-none=1"},
    {{SPF(.result = SPF_TEMPERROR, .domain = STR_INIT("a.example"), .problem = STR_INIT("DNS"))},
     "spf=temperror reason=DNS smtp.mailfrom=a.example",
     " spf=temperror",
     "\"spf\": {\"result\": \"temperror\",\"domain\": \"a.example\",\"mechanism\": null,"
     "\"problem\": \"DNS\"}",
     "  SPF      temperror for a.example: DNS\n",
     "spf-temperror=1"},
    {{SPF(.result = SPF_PERMERROR, .domain = STR_INIT("a.example"), .problem = STR_INIT("loop"))},
     "spf=permerror reason=loop smtp.mailfrom=a.example",
     " spf=permerror",
     "\"spf\": {\"result\": \"permerror\",\"domain\": \"a.example\",\"mechanism\": null,"
     "\"problem\": \"loop\"}",
     "  SPF      permerror for a.example: loop\n",
     "spf-permerror=1"},
    {{.spf = {.mail_from = {true, {.result = SPF_FAIL, .domain = STR_INIT("a.example")}},
              .helo = {true, {.result = SPF_SOFTFAIL}}}},
     "spf=fail smtp.mailfrom=a.example; spf=softfail smtp.helo=helo.example",
     " spf=fail spf-helo=softfail",
     "\"spf\": {\"result\": \"fail\",\"domain\": \"a.example\",\"mechanism\": null,"
     "\"problem\": null}",
     "  SPF      fail for a.example\n           softfail for HELO\n",
     "spf-fail=1"},
    {{SPF(.result = SPF_NEUTRAL, .domain = STR_INIT("a.example"))},
     "spf=neutral smtp.mailfrom=a.example",
     " spf=neutral",
     "\"spf\": {\"result\": \"neutral\",\"domain\": \"a.example\",\"mechanism\": null,"
     "\"problem\": null}",
     "  SPF      neutral for a.example\n",
     "spf-neutral=1"},
};

static void stages(void **state)
{
    (void)state;
    PLAY(stage_client, client_cases);
    PLAY(stage_sender, sender_cases);
    PLAY(stage_greylist, greylist_cases);
    PLAY(stage_srs, srs_cases);
    PLAY(stage_spf, spf_cases);
}

/* The mechanism is as long as its record: 400 bytes of it are shown, in ASCII. */
static void a_long_mechanism(void **state)
{
    static const struct {
        size_t given, shown;
        const char *end;
    } cases[] = {{400, 400, "\n"}, {401, 397, "...\n"}};
    char letters[401];
    (void)state;
    memset(letters, 'm', sizeof letters);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena *a = arena_new(0);
        const struct evidence e = {SPF(.result = SPF_PASS, .domain = STR_INIT("\xc3\xbc.example"),
                                       .mechanism = {letters, cases[i].given})};
        assert_str(told_to_people(&stage_spf, &(struct telling){.evidence = &e, .arena = a}),
                   str_printf(a, "  SPF      pass for \xc3\xbc.example, by %.*s%s",
                              (int)cases[i].shown, letters, cases[i].end)
                       .p);
        arena_free(a);
    }
    struct arena *a = arena_new(0);
    const struct evidence e = {SPF(.result = SPF_PASS, .mechanism = STR_INIT("a:\xc3\xbc"))};
    assert_str(told_to_people(&stage_spf, &(struct telling){.evidence = &e, .arena = a}),
               "  SPF      pass, by a:\\xc3\\xbc\n");
    arena_free(a);
}

/* A sender's domain may be no domain: it is told as it was given. */
static void received_spf(void **state)
{
    const struct conf conf = {.received_spf = true, .authserv_id = STR("mx")};
    const struct session session = {.client = {4, {192, 0, 2, 1}}, .helo = STR("h.example")};
    const struct message message = {.origin = ORIGIN_INBOUND, .from.whole = STR("x@y")};
    const struct evidence e = {SPF(.result = SPF_NONE, .domain = STR_INIT("\xc3\xbc..example"))};
    struct arena *a = arena_new(0);
    struct edit_list out = {0};
    (void)state;
    stage_spf.telling->edits(
        &(struct telling){
            .conf = &conf, .session = &session, .message = &message, .evidence = &e, .arena = a},
        &out);
    assert_int_equal(out.n, 1);
    assert_true(
        str_starts(out.v[0].value, STR(" none (mx: \xc3\xbc..example publishes no SPF record)")));
    arena_free(a);
}

/* Forged fields: how many go, and which, from below. */
static void forged(void **state)
{
    static const unsigned ordinals[] = {1, 4, 6};
    static const struct {
        struct evidence_forged forged;
        const char *log, *counted, *edits;
    } cases[] = {
        {{.n = 0}, "", "", ""},
        {{.n = 1, .ordinals = ordinals},
         " forged-removed=1",
         "forged-removed=1",
         " Authentication-Results/1"},
        {{.n = 2,
          .ordinals = ordinals,
          .n_received_spf = 1,
          .received_spf = ordinals,
          .n_gate = 3,
          .gate = ordinals},
         " forged-removed=6",
         "forged-removed=6",
         " Authentication-Results/4 Authentication-Results/1 Received-SPF/1 X-Assay-Gate/6"
         " X-Assay-Gate/4 X-Assay-Gate/1"},
        {{.n_gate = 1, .gate = ordinals},
         " forged-removed=1",
         "forged-removed=1",
         " X-Assay-Gate/1"},
        {{.too_many = true}, " over-limit=forged", "forged-refused=1", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena *a = arena_new(0);
        const struct evidence e = {.forged = cases[i].forged};
        const struct telling t = {.evidence = &e, .arena = a};
        struct edit_list out = {0};
        struct strbuf b;
        assert_str(told_in_log(&stage_forged, &t), cases[i].log);
        counted(a);
        stage_forged.telling->count(&t);
        assert_str(counted(a), cases[i].counted);
        stage_forged.telling->edits(&t, &out);
        sb_init(&b, a);
        for (size_t k = 0; k < out.n; k++) {
            assert_int_equal(out.v[k].kind, EDIT_DELETE);
            sb_printf(&b, " %.*s/%u", STR_ARG(out.v[k].name), out.v[k].ordinal);
        }
        assert_str(sb_str(&b), cases[i].edits);
        arena_free(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stages),
        cmocka_unit_test(a_long_mechanism),
        cmocka_unit_test(received_spf),
        cmocka_unit_test(forged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
