/* decide/policy: what client, lists, sender and greylisting lead to, at DATA and at the end, and
 * the field that tells of it. Whole messages have their cases in tests/scenarios. */
#include "test.h"

#include "decide/gatefield.h"
#include "policy_util.h"

struct gate_case {
    const char *what, *conf;
    struct evidence evidence;
    const char *at_data, *at_end;
    unsigned checks;
};

static void play(const struct gate_case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct rig r;
        rig_begin(&r, cases[i].conf, "");
        r.evidence = cases[i].evidence;
        r.message.checks = cases[i].checks;
        struct str data = said(&r, POINT_DATA), end = said(&r, POINT_EOM);
        if (!str_eq(data, str_of(cases[i].at_data)) || !str_eq(end, str_of(cases[i].at_end)))
            fail_msg("%s:\ngot  %.*s\n     %.*s\nwant %s\n     %s", cases[i].what, STR_ARG(data),
                     STR_ARG(end), cases[i].at_data, cases[i].at_end);
        rig_end(&r);
    }
}

#define PLAY(cases) play(cases, sizeof(cases) / sizeof *(cases))

/* --- the client --- */

#define IPREV_TEXT "The name of [192.0.2.1] does not lead back to it"
#define HELO_TEXT  "[192.0.2.1] calls itself by a name of this host"

static const struct gate_case client_cases[] = {
    {"iprev", "", {.client.iprev = IPREV_FAIL}, "accept", "tag iprev: " IPREV_TEXT, 0},
    {"iprev, refused",
     "client = { on-iprev-fail = \"reject\"; };",
     {.client.iprev = IPREV_FAIL},
     "reject iprev: 550 5.7.25 " IPREV_TEXT,
     "reject iprev: 550 5.7.25 " IPREV_TEXT,
     0},
    {"iprev, refused for now",
     "client = { on-iprev-fail = \"tempfail\"; };",
     {.client.iprev = IPREV_FAIL},
     "tempfail iprev: 451 4.7.25 " IPREV_TEXT,
     "tempfail iprev: 451 4.7.25 " IPREV_TEXT,
     0},
    {"iprev, held",
     "client = { on-iprev-fail = \"quarantine\"; };",
     {.client.iprev = IPREV_FAIL},
     "accept",
     "quarantine iprev: " IPREV_TEXT,
     0},
    {"a service has no end to hold it at",
     "client = { on-iprev-fail = \"quarantine\"; };",
     {.client.iprev = IPREV_FAIL},
     "quarantine iprev: " IPREV_TEXT,
     "accept",
     SERVICE_CLIENT},
    {"nor to tag it", "", {.client.iprev = IPREV_FAIL}, "accept", "accept", SERVICE_CLIENT},
    {"iprev in shadow",
     "client = { mode = \"shadow\"; on-iprev-fail = \"reject\"; };",
     {.client.iprev = IPREV_FAIL},
     "reject(shadow) iprev: 550 5.7.25 " IPREV_TEXT,
     "reject(shadow) iprev: 550 5.7.25 " IPREV_TEXT,
     0},
    {"no name",
     "client = { on-iprev-fail = \"reject\"; };",
     {.client.iprev = IPREV_PERMERROR},
     "accept",
     "accept",
     0},
    {"not asked",
     "client = { on-iprev-fail = \"reject\"; };",
     {.client.iprev = IPREV_NONE},
     "accept",
     "accept",
     0},
    {"our name", "", {.client.helo = HELO_OURS}, "accept", "tag helo: " HELO_TEXT, 0},
    {"our name, refused",
     "client = { on-own-helo = \"reject\"; };",
     {.client.helo = HELO_OURS},
     "reject helo: 550 5.7.1 " HELO_TEXT,
     "reject helo: 550 5.7.1 " HELO_TEXT,
     0},
    {"our name in shadow",
     "client = { mode = \"shadow\"; on-own-helo = \"reject\"; };",
     {.client.helo = HELO_OURS},
     "reject(shadow) helo: 550 5.7.1 " HELO_TEXT,
     "reject(shadow) helo: 550 5.7.1 " HELO_TEXT,
     0},
    {"another's address",
     "client = { on-own-helo = \"reject\"; };",
     {.client.helo = HELO_OTHER},
     "accept",
     "tag helo: ",
     0},
    {"another's address in shadow",
     "client = { mode = \"shadow\"; };",
     {.client.helo = HELO_OTHER},
     "accept",
     "tag(shadow) helo: ",
     0},
    {"the first of equals",
     "client = { on-own-helo = \"reject\"; on-iprev-fail = \"reject\"; };",
     {.client = {.iprev = IPREV_FAIL, .helo = HELO_OURS}},
     "reject iprev: 550 5.7.25 " IPREV_TEXT,
     "reject iprev: 550 5.7.25 " IPREV_TEXT,
     0},
    {"the gravest",
     "client = { on-own-helo = \"reject\"; on-iprev-fail = \"tempfail\"; };",
     {.client = {.iprev = IPREV_FAIL, .helo = HELO_OURS}},
     "reject helo: 550 5.7.1 " HELO_TEXT,
     "reject helo: 550 5.7.1 " HELO_TEXT,
     0},
};

static void clients(void **state)
{
    (void)state;
    PLAY(client_cases);
}

/* --- lists --- */

static const struct conf_list light = {.weight = 5, .label = STR_INIT("Light")};
static const struct conf_list heavy = {.weight = 7, .label = STR_INIT("Heavy")};
static const struct conf_list heavy_too = {.weight = 7, .label = STR_INIT("Heavy too")};
static const struct conf_list domains = {
    .asked.kind = DNSBL_DOMAIN, .weight = 6, .label = STR_INIT("Domains")};

#define LISTED(l)                                                                                  \
    {                                                                                              \
        .list = &(l), .answer = {.result = DNSBL_LISTED, .counts = true }                          \
    }
#define CLEAR(l)                                                                                   \
    {                                                                                              \
        .list = &(l), .answer = {.result = DNSBL_CLEAR }                                           \
    }

static const struct evidence_list two[] = {LISTED(light), LISTED(heavy)};
static const struct evidence_list twins[] = {LISTED(heavy), LISTED(heavy_too)};
static const struct evidence_list one_counts[] = {CLEAR(heavy), LISTED(light)};
static const struct evidence_list turned[] = {LISTED(heavy), LISTED(light)};
static const struct evidence_list by_domain[] = {
    {.list = &domains,
     .answer = {.result = DNSBL_LISTED, .counts = true},
     .about = STR_INIT("b\xc3\xbc.example")}};

#define LISTS(v_, ...)                                                                             \
    {                                                                                              \
        .lists = {.checked = true, .n = sizeof(v_) / sizeof *(v_), .v = (v_), __VA_ARGS__ }        \
    }
#define AT(tag, reject) "dnsbl = { tag-at = " tag "; reject-at = " reject "; };"
#define LATER           ", and an allow list cannot be asked now; try again later"

static const struct gate_case list_cases[] = {
    {"below both", AT("5", "10"), LISTS(two, .sum = 4), "accept", "accept", 0},
    {"tagged", AT("5", "10"), LISTS(two, .sum = 5), "accept", "tag dnsbl: ", 0},
    {"still tagged", AT("5", "10"), LISTS(two, .sum = 9), "accept", "tag dnsbl: ", 0},
    {"refused, for the gravest", AT("5", "10"), LISTS(two, .sum = 10),
     "reject dnsbl: 550 5.7.1 [192.0.2.1] is listed at Heavy",
     "reject dnsbl: 550 5.7.1 [192.0.2.1] is listed at Heavy", 0},
    {"the gravest comes first", AT("5", "10"), LISTS(turned, .sum = 10),
     "reject dnsbl: 550 5.7.1 [192.0.2.1] is listed at Heavy",
     "reject dnsbl: 550 5.7.1 [192.0.2.1] is listed at Heavy", 0},
    {"the first of equals", AT("5", "10"), LISTS(twins, .sum = 10),
     "reject dnsbl: 550 5.7.1 [192.0.2.1] is listed at Heavy",
     "reject dnsbl: 550 5.7.1 [192.0.2.1] is listed at Heavy", 0},
    {"what does not count is no reason", AT("5", "10"), LISTS(one_counts, .sum = 10),
     "reject dnsbl: 550 5.7.1 [192.0.2.1] is listed at Light",
     "reject dnsbl: 550 5.7.1 [192.0.2.1] is listed at Light", 0},
    {"a domain", AT("5", "10"), LISTS(by_domain, .sum = 10),
     "reject dnsbl: 550 5.7.1 b\\xc3\\xbc.example is listed at Domains",
     "reject dnsbl: 550 5.7.1 b\\xc3\\xbc.example is listed at Domains", 0},
    {"not asked", AT("5", "10"), {.lists = {.n = 2, .v = two, .sum = 10}}, "accept", "accept", 0},
    {"in shadow", "dnsbl = { mode = \"shadow\"; };", LISTS(two, .sum = 10),
     "reject(shadow) dnsbl: 550 5.7.1 [192.0.2.1] is listed at Heavy",
     "reject(shadow) dnsbl: 550 5.7.1 [192.0.2.1] is listed at Heavy", 0},
    {"a doubt that could save it", "", LISTS(two, .sum = 10, .doubt = -1),
     "tempfail dnsbl: 451 4.7.1 [192.0.2.1] is listed at Heavy" LATER,
     "tempfail dnsbl: 451 4.7.1 [192.0.2.1] is listed at Heavy" LATER, 0},
    {"one that could not", "", LISTS(two, .sum = 11, .doubt = -1),
     "reject dnsbl: 550 5.7.1 [192.0.2.1] is listed at Heavy",
     "reject dnsbl: 550 5.7.1 [192.0.2.1] is listed at Heavy", 0},
    {"doubt is refused", "dnsbl = { on-doubt = \"reject\"; };", LISTS(two, .sum = 10, .doubt = -1),
     "reject dnsbl: 550 5.7.1 [192.0.2.1] is listed at Heavy",
     "reject dnsbl: 550 5.7.1 [192.0.2.1] is listed at Heavy", 0},
    {"doubt is held", "dnsbl = { on-doubt = \"quarantine\"; };", LISTS(two, .sum = 10, .doubt = -1),
     "accept", "quarantine dnsbl: [192.0.2.1] is listed at Heavy", 0},
    {"an answer under way could save it", "", LISTS(two, .sum = 10, .pending = -1), "accept",
     "tag dnsbl: [192.0.2.1] is listed at Heavy", 0},
    {"it could not", "", LISTS(two, .sum = 11, .pending = -1),
     "reject dnsbl: 550 5.7.1 [192.0.2.1] is listed at Heavy",
     "reject dnsbl: 550 5.7.1 [192.0.2.1] is listed at Heavy", 0},
    {"both could", "", LISTS(two, .sum = 11, .doubt = -1, .pending = -1), "accept",
     "tag dnsbl: [192.0.2.1] is listed at Heavy", 0},
};

static void lists(void **state)
{
    (void)state;
    PLAY(list_cases);
}

/* --- the sender --- */

#define FROM(d)                                                                                    \
    {                                                                                              \
        .sender.domain = (d)                                                                       \
    }
#define REJECT    "sender = { mode = \"enforce\"; on-unknown-domain = \"reject\"; };"
#define NULL_MX   "sender = { mode = \"enforce\"; on-null-mx = \"reject\"; };"
#define UNKNOWN   "The sender's domain a.example has neither MX nor address"
#define LOCAL     "The sender's domain a.example can receive no mail: its MX is local"
#define NULL_TEXT "The sender's domain a.example says that it receives no mail (RFC 7505)"
#define WITH_SPF(d, known, r)                                                                      \
    {                                                                                              \
        .sender.domain = (d), .spf.mail_from = {(known), {.result = (r)} }                         \
    }

static const struct gate_case sender_cases[] = {
    {"fine", REJECT, FROM(SENDER_FINE), "accept", "accept", 0},
    {"DNS trouble", REJECT, FROM(SENDER_TEMPERROR), "accept", "accept", 0},
    {"an MX that is local", REJECT, FROM(SENDER_LOCAL_MX), "reject sender-domain: 550 5.1.8 " LOCAL,
     "reject sender-domain: 550 5.1.8 " LOCAL, 0},
    {"which no SPF pass excuses", REJECT, WITH_SPF(SENDER_LOCAL_MX, true, SPF_PASS),
     "reject sender-domain: 550 5.1.8 " LOCAL, "reject sender-domain: 550 5.1.8 " LOCAL, 0},
    {"a null MX", NULL_MX, FROM(SENDER_NULL_MX), "reject sender-domain: 550 5.7.27 " NULL_TEXT,
     "reject sender-domain: 550 5.7.27 " NULL_TEXT, 0},
    {"a null MX, tagged", REJECT, FROM(SENDER_NULL_MX), "accept", "tag sender-domain: " NULL_TEXT,
     0},
    {"unknown, without SPF",
     REJECT,
     {.sender.domain = SENDER_UNKNOWN, .spf.skipped = STR_INIT("off")},
     "reject sender-domain: 550 5.1.8 " UNKNOWN,
     "reject sender-domain: 550 5.1.8 " UNKNOWN,
     0},
    {"unknown, and SPF says nothing", REJECT, WITH_SPF(SENDER_UNKNOWN, true, SPF_NONE),
     "reject sender-domain: 550 5.1.8 " UNKNOWN, "reject sender-domain: 550 5.1.8 " UNKNOWN, 0},
    {"unknown, and SPF passes", REJECT, WITH_SPF(SENDER_UNKNOWN, true, SPF_PASS), "accept",
     "accept", 0},
    {"unknown, and SPF is not known yet", REJECT, WITH_SPF(SENDER_UNKNOWN, false, SPF_PASS),
     "accept", "tag sender-domain: " UNKNOWN, 0},
    {"unknown, and SPF cannot be known", REJECT, WITH_SPF(SENDER_UNKNOWN, true, SPF_TEMPERROR),
     "accept", "tag spf: ", 0},
    {"unknown, come again", "sender = { mode = \"enforce\"; on-unknown-domain = \"tempfail\"; };",
     WITH_SPF(SENDER_UNKNOWN, true, SPF_NONE), "tempfail sender-domain: 451 4.1.8 " UNKNOWN,
     "tempfail sender-domain: 451 4.1.8 " UNKNOWN, 0},
    {"in shadow", "sender = { mode = \"shadow\"; on-unknown-domain = \"reject\"; };",
     WITH_SPF(SENDER_UNKNOWN, true, SPF_NONE), "reject(shadow) sender-domain: 550 5.1.8 " UNKNOWN,
     "reject(shadow) sender-domain: 550 5.1.8 " UNKNOWN, 0},
    {"no address",
     "sender = { mode = \"enforce\"; on-no-address = \"reject\"; };",
     {.sender.no_address = true},
     "reject no-address: 550 5.7.1 This message has no usable address in From, Sender or Reply-To",
     "reject no-address: 550 5.7.1 This message has no usable address in From, Sender or Reply-To",
     0},
    {"no address, in shadow",
     "sender = { mode = \"shadow\"; };",
     {.sender.no_address = true},
     "accept",
     "tag(shadow) no-address: This message has no usable address in From, Sender or Reply-To",
     0},
};

static void senders(void **state)
{
    struct rig r;
    (void)state;
    PLAY(sender_cases);
    rig_begin(&r, NULL_MX, ""); /* a reply is ASCII, whatever the domain is */
    mail_path_parse(STR("<x@b\xc3\xbc.example>"), &r.message.from);
    r.evidence.sender.domain = SENDER_NULL_MX;
    assert_str(said(&r, POINT_EOM),
               "reject sender-domain: 550 5.7.27 The sender's domain b\\xc3\\xbc.example says that "
               "it receives no mail (RFC 7505)");
    rig_end(&r);
}

/* --- SRS addresses of ours --- */

#define SRS(action)                                                                                \
    "srs = { domain = \"srs.example\"; secrets = \"/none\"; on-no-bounce = \"" action "\"; };"
#define BOUNCE "This address is for bounces, which have no sender"

static const struct gate_case srs_cases[] = {
    {"no bounce", SRS("tag"), {.srs.no_bounce = 1}, "accept", "tag no-bounce: " BOUNCE, 0},
    {"refused",
     SRS("reject"),
     {.srs.no_bounce = 1},
     "reject no-bounce: 550 5.7.1 " BOUNCE,
     "reject no-bounce: 550 5.7.1 " BOUNCE,
     0},
    {"among others",
     SRS("reject"),
     {.srs = {.no_bounce = 1, .others = 1}},
     "accept",
     "tag no-bounce: " BOUNCE,
     0},
    {"others alone", SRS("reject"), {.srs.others = 1}, "accept", "accept", 0},
};

#define SRS_ADDRESS "SRS0=71em=RA=example.com=alice@srs.example"

static void srs(void **state)
{
    static const struct {
        const char *conf, *from, *address;
        enum origin origin;
        bool may_be_forwarded;
        unsigned checks;
        const char *want;
    } cases[] = {
        {SRS("reject"), "<a@a.example>", SRS_ADDRESS, ORIGIN_INBOUND, false, 0, "550"},
        {SRS("tempfail"), "<a@a.example>", SRS_ADDRESS, ORIGIN_INBOUND, false, 0, "451"},
        {SRS("quarantine"), "<a@a.example>", SRS_ADDRESS, ORIGIN_INBOUND, false, 0, ""},
        {SRS("tag"), "<a@a.example>", SRS_ADDRESS, ORIGIN_INBOUND, false, 0, ""},
        {SRS("reject"), "<>", SRS_ADDRESS, ORIGIN_INBOUND, false, 0, ""},
        {SRS("reject"), "<a@a.example>", "bob@srs.example", ORIGIN_INBOUND, false, 0, ""},
        {SRS("reject"), "<a@a.example>", SRS_ADDRESS, ORIGIN_OURS, false, 0, ""},
        {SRS("reject"), "<a@a.example>", SRS_ADDRESS, ORIGIN_INBOUND, true, 0, ""},
        {SRS("reject"), "<a@a.example>", SRS_ADDRESS, ORIGIN_INBOUND, false, SERVICE_SPF, ""},
        {SRS("reject") "exceptions = { networks = [ \"192.0.2.0/24\" ]; };", "<a@a.example>",
         SRS_ADDRESS, ORIGIN_INBOUND, false, 0, ""},
        {SRS("reject") "exceptions = { domains = [ \"a.example\" ]; };", "<a@a.example>",
         SRS_ADDRESS, ORIGIN_INBOUND, false, 0, ""},
        {"srs = { on-no-bounce = \"reject\"; };", "<a@a.example>", SRS_ADDRESS, ORIGIN_INBOUND,
         false, 0, ""},
    };
    (void)state;
    PLAY(srs_cases);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r;
        struct verdict v;
        rig_begin(&r, cases[i].conf, "");
        mail_path_parse(str_of(cases[i].from), &r.message.from);
        r.message.origin = cases[i].origin;
        r.message.may_be_forwarded = cases[i].may_be_forwarded;
        r.message.checks = cases[i].checks;
        policy_decide_recipient(r.conf, &r.session, &r.message, &r.evidence,
                                str_of(cases[i].address), r.arena, &v);
        assert_int_equal(v.scope, SCOPE_RECIPIENT);
        assert_str(v.code, cases[i].want);
        assert_str(v.text, *cases[i].want ? BOUNCE : "");
        rig_end(&r);
    }
}

/* --- exceptions --- */

static const struct dkim_signature unknown = {.result = DKIM_TEMPERROR,
                                              .domain = STR_INIT("a.example")};

#define SIGNED                                                                                     \
    .dkim = {.checked = true, .n = 1, .signatures = &unknown}, .spf.skipped = STR_INIT("off")
#define EXCEPT "exceptions = { domains = [ \"a.example\" ]; };"

/* What cannot be known now softens all that is asked for, to what dnsbl.on-doubt says. */
static const struct gate_case exception_cases[] = {
    {"free",
     "exceptions = { networks = [ \"192.0.2.0/24\" ]; }; client = { on-own-helo = "
     "\"reject\"; };",
     {.client.helo = HELO_OURS},
     "accept",
     "accept",
     0},
    {"unsure",
     EXCEPT "client = { on-own-helo = \"reject\"; };",
     {.client.helo = HELO_OURS, SIGNED},
     "accept",
     "tempfail helo: 451 4.7.1 " HELO_TEXT,
     0},
    {"unsure of both",
     EXCEPT "client = { on-own-helo = \"reject\"; on-iprev-fail = \"reject\"; };",
     {.client = {.helo = HELO_OURS, .iprev = IPREV_FAIL}, SIGNED},
     "accept",
     "tempfail iprev: 451 4.7.25 " IPREV_TEXT,
     0},
    {"unsure, and nothing is worse for it",
     EXCEPT,
     {.client.helo = HELO_OURS, SIGNED},
     "accept",
     "tag helo: " HELO_TEXT,
     0},
    {"unsure, and refused all the same",
     EXCEPT "client = { on-own-helo = \"reject\"; }; dnsbl = { on-doubt = \"reject\"; };",
     {.client.helo = HELO_OURS, SIGNED},
     "accept",
     "reject helo: 550 5.7.1 " HELO_TEXT,
     0},
    {"sure",
     EXCEPT "client = { on-own-helo = \"reject\"; };",
     {.client.helo = HELO_OURS, .dkim.checked = true, .spf.skipped = STR_INIT("off")},
     "reject helo: 550 5.7.1 " HELO_TEXT,
     "reject helo: 550 5.7.1 " HELO_TEXT,
     0},
};

static void exceptions(void **state)
{
    (void)state;
    PLAY(exception_cases);
}

#define GREY "greylist = { mode = \"enforce\"; };"

/* All causes at once: the first one is told. */
static const struct gate_case all_cases[] = {
    {"all",
     SRS("reject") GREY
     "client = { on-iprev-fail = \"reject\"; on-own-helo = \"reject\"; };"
     "sender = { mode = \"enforce\"; on-null-mx = \"reject\"; on-no-address = \"reject\"; };",
     {.client = {.iprev = IPREV_FAIL, .helo = HELO_OURS},
      .lists = {.checked = true, .n = 2, .v = two, .sum = 12},
      .sender = {.domain = SENDER_NULL_MX, .no_address = true},
      .srs.no_bounce = 1,
      .spf.mail_from = {true, {.result = SPF_FAIL, .domain = STR_INIT("a.example")}},
      .greylist = {.result = GREYLIST_NEW, .wait_s = 30}},
     "reject iprev: 550 5.7.25 " IPREV_TEXT,
     "reject iprev: 550 5.7.25 " IPREV_TEXT,
     0},
};

static void all(void **state)
{
    (void)state;
    PLAY(all_cases);
}

/* --- greylisting --- */

#define AGAIN "tempfail greylist: 451 4.7.1 Greylisted, please try again in "
#define G(r, s)                                                                                    \
    {                                                                                              \
        .greylist = {.result = (r), .wait_s = (s) }                                                \
    }

static const struct gate_case greylist_cases[] = {
    {"new", GREY, G(GREYLIST_NEW, 30), AGAIN "30 seconds", AGAIN "30 seconds", 0},
    {"wait", GREY, G(GREYLIST_WAIT, 1), AGAIN "1 second", AGAIN "1 second", 0},
    {"wait", GREY, G(GREYLIST_WAIT, 2), AGAIN "2 seconds", AGAIN "2 seconds", 0},
    {"at its end",
     GREY,
     {.greylist = {.result = GREYLIST_NEW, .wait_s = 30, .at_end = true}},
     "accept",
     AGAIN "30 seconds",
     0},
    {"pass", GREY, G(GREYLIST_PASS, 30), "accept", "accept", 0},
    {"unknown", GREY, G(GREYLIST_UNKNOWN, 30), "accept", "accept", 0},
    {"exempt", GREY, G(GREYLIST_EXEMPT, 30), "accept", "accept", 0},
    {"not asked", GREY, G(GREYLIST_NOT_ASKED, 30), "accept", "accept", 0},
    {"in shadow", "greylist = { mode = \"shadow\"; };", G(GREYLIST_NEW, 30),
     "tempfail(shadow) greylist: 451 4.7.1 Greylisted, please try again in 30 seconds",
     "tempfail(shadow) greylist: 451 4.7.1 Greylisted, please try again in 30 seconds", 0},
};

static void greylist(void **state)
{
    struct rig r;
    (void)state;
    PLAY(greylist_cases);
    rig_begin(&r, GREY, "");
    r.evidence.greylist = (struct evidence_greylist){.result = GREYLIST_NEW, .wait_s = 30};
    assert_str(said(&r, POINT_MAIL), "accept");
    assert_str(said(&r, POINT_RCPT), "accept");
    r.message.may_be_forwarded = true;
    assert_str(said(&r, POINT_DATA), "accept");
    assert_str(said(&r, POINT_EOM), AGAIN "30 seconds");
    r.message.may_be_forwarded = false;
    r.message.origin = ORIGIN_OURS;
    assert_str(said(&r, POINT_DATA), "accept");
    assert_str(said(&r, POINT_EOM), "accept");
    r.message.origin = ORIGIN_RELAYED;
    assert_str(said(&r, POINT_EOM), "accept");
    rig_end(&r);
}

/* --- the field --- */

static void field(void **state)
{
    static const struct {
        const char *conf;
        struct evidence e;
        const char *want; /* behind our name */
    } cases[] = {
        {"", {.lists.checked = false}, ""},
        {"", LISTS(two, .sum = 12), "dnsbl=12 (Light, Heavy)"},
        {"", LISTS(one_counts, .sum = 5), "dnsbl=5 (Light)"},
        {"", LISTS(turned, .sum = 12), "dnsbl=12 (Heavy, Light)"},
        {AT("5", "10"), LISTS(two, .sum = 5), "dnsbl=5 (Light, Heavy)"},
        {AT("5", "10"), LISTS(two, .sum = 4), ""},
        {"", {.lists = {.n = 2, .v = two, .sum = 12}}, ""},
        {"", FROM(SENDER_FINE), ""},
        {"", FROM(SENDER_UNKNOWN), "sender=unknown-domain"},
        {"", WITH_SPF(SENDER_UNKNOWN, true, SPF_PASS), ""},
        {"", WITH_SPF(SENDER_UNKNOWN, false, SPF_PASS), "sender=unknown-domain"},
        {"", WITH_SPF(SENDER_UNKNOWN, true, SPF_FAIL), "sender=unknown-domain"},
        {"", WITH_SPF(SENDER_LOCAL_MX, true, SPF_PASS), "sender=local-mx"},
        {"", FROM(SENDER_NULL_MX), "sender=null-mx"},
        {"", FROM(SENDER_TEMPERROR), ""},
        {"", {.sender.no_address = true}, "sender=no-address"},
        {"", {.sender = {SENDER_NULL_MX, true}}, "sender=null-mx"},
        {"", {.client.helo = HELO_OURS}, "helo=ours"},
        {"", {.client.helo = HELO_OTHER}, "helo=other-address"},
        {"", {.client.iprev = IPREV_FAIL}, "iprev=fail"},
        {"", {.client.iprev = IPREV_PASS}, ""},
        {"", {.srs.no_bounce = 2}, "srs=no-bounce"},
        {"", {.client = {.iprev = IPREV_FAIL, .helo = HELO_OURS}}, "helo=ours iprev=fail"},
        {"exceptions = { networks = [ \"192.0.2.0/24\" ]; };", {.client.iprev = IPREV_FAIL}, ""},
        {EXCEPT, {.client.iprev = IPREV_FAIL, SIGNED}, "iprev=fail"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r;
        rig_begin(&r, cases[i].conf, "");
        const struct telling t = {.conf = r.conf,
                                  .session = &r.session,
                                  .message = &r.message,
                                  .evidence = &cases[i].e,
                                  .arena = r.arena};
        struct str want = str_of(cases[i].want);
        if (want.n)
            want = str_printf(r.arena, " mx.recv.example; %s", cases[i].want);
        assert_str(gate_field(&t), str_cstr(r.arena, want));
        rig_end(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clients),  cmocka_unit_test(lists),      cmocka_unit_test(senders),
        cmocka_unit_test(srs),      cmocka_unit_test(exceptions), cmocka_unit_test(all),
        cmocka_unit_test(greylist), cmocka_unit_test(field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
