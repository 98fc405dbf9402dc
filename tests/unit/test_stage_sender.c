/* stages/sender: what is asked about the sender's domain, and when; whether it can be answered, and
 * whether a bounce names somebody who can. */
#include "test.h"

#include "stage_rig.h"

#define ON "sender = { mode = \"enforce\"; };"

/* --- the domain of MAIL FROM --- */

#define MX_9                                                                                       \
    "a.example MX 1 m1.example\na.example MX 2 m2.example\na.example MX 3 m3.example\n"            \
    "a.example MX 4 m4.example\na.example MX 5 m5.example\na.example MX 6 m6.example\n"            \
    "a.example MX 7 m7.example\na.example MX 8 m8.example\na.example MX 9 m9.example\n"
#define ASKED_9                                                                                    \
    "MX a.example, A m1.example, A m2.example, A m3.example, A m4.example, A m5.example, "         \
    "A m6.example, A m7.example, A m8.example, A m9.example, "
#define V6_9                                                                                       \
    "AAAA m1.example, AAAA m2.example, AAAA m3.example, AAAA m4.example, AAAA m5.example, "        \
    "AAAA m6.example, AAAA m7.example, AAAA m8.example, AAAA m9.example"

struct domain_case {
    const char *what, *zone;
    const char *asked;
    enum sender_domain want;
};

static const struct domain_case domain_cases[] = {
    {"an MX", "a.example MX 1 m.example\nm.example A 192.0.2.9\n",
     "MX a.example, A m.example, AAAA m.example", SENDER_FINE},
    {"the second one",
     "a.example MX 1 m.example\na.example MX 2 n.example\nn.example A 192.0.2.9\n",
     "MX a.example, A m.example, A n.example, AAAA m.example, AAAA n.example", SENDER_FINE},
    {"the first one is enough",
     "a.example MX 1 m.example\na.example MX 2 n.example\nm.example A 192.0.2.9\n",
     "MX a.example, A m.example, A n.example, AAAA m.example", SENDER_FINE},
    {"an MX by IPv6", "a.example MX 1 m.example\nm.example AAAA 2001:db8::9\n",
     "MX a.example, A m.example, AAAA m.example", SENDER_FINE},
    {"an MX without addresses", "a.example MX 1 m.example\n",
     "MX a.example, A m.example, AAAA m.example", SENDER_FINE},
    {"a null MX", "a.example MX 0 .\n", "MX a.example", SENDER_NULL_MX},
    {"an MX that is local", "a.example MX 1 m.example\nm.example A 127.0.0.1\n",
     "MX a.example, A m.example, AAAA m.example", SENDER_LOCAL_MX},
    {"an MX that is local by both",
     "a.example MX 1 m.example\nm.example A 10.0.0.1\n"
     "m.example AAAA ::1\n",
     "MX a.example, A m.example, AAAA m.example", SENDER_LOCAL_MX},
    {"one local address and one that is not",
     "a.example MX 1 m.example\nm.example A 10.0.0.1\nm.example A 192.0.2.9\n",
     "MX a.example, A m.example, AAAA m.example", SENDER_FINE},
    {"one address and a local one",
     "a.example MX 1 m.example\nm.example A 192.0.2.9\nm.example A 10.0.0.1\n",
     "MX a.example, A m.example, AAAA m.example", SENDER_FINE},
    {"local, and another one without address",
     "a.example MX 1 m.example\na.example MX 2 n.example\nm.example A 10.0.0.1\n",
     "MX a.example, A m.example, A n.example, AAAA m.example, AAAA n.example", SENDER_LOCAL_MX},
    {"local, and another one that is not known",
     "a.example MX 1 m.example\na.example MX 2 n.example\nm.example A 10.0.0.1\n"
     "n.example SERVFAIL\n",
     "MX a.example, A m.example, A n.example, AAAA m.example, AAAA n.example", SENDER_TEMPERROR},
    {"not known, and another one that is local",
     "a.example MX 1 m.example\na.example MX 2 n.example\nn.example A 10.0.0.1\n"
     "m.example SERVFAIL\n",
     "MX a.example, A m.example, A n.example, AAAA m.example, AAAA n.example", SENDER_TEMPERROR},
    {"ten", MX_9 "a.example MX 10 m10.example\nm10.example A 192.0.2.9\n",
     ASKED_9 "A m10.example, " V6_9 ", AAAA m10.example", SENDER_FINE},
    {"eleven",
     MX_9 "a.example MX 10 m10.example\na.example MX 11 m11.example\nm11.example A 192.0.2.9\n"
          "m1.example A 10.0.0.1\n",
     ASKED_9 "A m10.example, " V6_9 ", AAAA m10.example", SENDER_LOCAL_MX},
    {"no MX", "a.example A 192.0.2.9\n", "MX a.example, AAAA a.example, A a.example", SENDER_FINE},
    {"no MX, IPv6", "a.example AAAA 2001:db8::9\n", "MX a.example, AAAA a.example, A a.example",
     SENDER_FINE},
    {"no MX, and local", "a.example A 192.168.0.1\n", "MX a.example, AAAA a.example, A a.example",
     SENDER_LOCAL_MX},
    {"nothing", "", "MX a.example, AAAA a.example, A a.example", SENDER_UNKNOWN},
    {"a text", "a.example TXT \"x\"\n", "MX a.example, AAAA a.example, A a.example",
     SENDER_UNKNOWN},
    {"no answer", "a.example SERVFAIL\n", "MX a.example", SENDER_TEMPERROR},
};

static void play_all(struct rig *r)
{
    stage_sender.mail(&r->run);
    stage_sender.rcpt(&r->run);
    stage_sender.data(&r->run);
    stage_sender.eoh(&r->run);
    stage_sender.eom(&r->run);
}

static void domains(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof domain_cases / sizeof *domain_cases; i++) {
        const struct domain_case *c = &domain_cases[i];
        struct rig r;
        rig_begin(&r, ON, c->zone);
        play_all(&r);
        struct str asked = rig_asked(&r);
        if (r.evidence.sender.domain != c->want || !str_eq(asked, str_of(c->asked)) ||
            r.evidence.sender.no_address)
            fail_msg("%s: %d; asked %.*s", c->what, (int)r.evidence.sender.domain, STR_ARG(asked));
        rig_end(&r);
    }
}

static void who_is_asked_about(void **state)
{
    static const struct {
        const char *conf, *from;
        unsigned checks;
        bool may_be_forwarded;
        const char *asked;
    } cases[] = {
        {ON, "<x@a.example>", 0, false, "MX a.example"},
        {ON, "<x@A.Example.>", 0, false, "MX a.example"},
        {"", "<x@a.example>", 0, false, ""},
        {ON, "<x@a.example>", 0, true, ""},
        {ON, "<x@a.example>", SERVICE_SENDER, false, "MX a.example"},
        {ON, "<x@a.example>", SERVICE_SPF, false, ""},
        {ON "exceptions = { networks = [ \"192.0.2.0/24\" ]; };", "<x@a.example>", 0, false, ""},
        {ON, "<x>", 0, false, ""},
        {ON, "<x@[192.0.2.1]>", 0, false, ""},
        {ON, "<>", 0, false, ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r;
        rig_begin(&r, cases[i].conf, "a.example MX 0 .\n");
        mail_path_parse(str_of(cases[i].from), &r.message.from);
        r.message.checks = cases[i].checks;
        r.message.may_be_forwarded = cases[i].may_be_forwarded;
        stage_sender.mail(&r.run);
        assert_str(rig_asked(&r), cases[i].asked);
        assert_int_equal(r.evidence.sender.domain,
                         *cases[i].asked ? SENDER_NULL_MX : SENDER_UNCHECKED);
        rig_end(&r);
    }
}

/* Nobody waits; what is known is not asked again. */
static void late(void **state)
{
    struct rig r;
    (void)state;
    rig_begin(&r, ON, "a.example MX 1 m.example\nm.example SERVFAIL\n");
    const struct evidence_sender *e = &r.evidence.sender;
    rig_resolver.holds = true;
    stage_sender.mail(&r.run);
    assert_str(rig_asked(&r), "MX a.example");
    assert_int_equal(e->domain, SENDER_UNCHECKED);
    rig_answer();
    rig_resolver.holds = true;
    stage_sender.rcpt(&r.run);
    assert_str(rig_asked(&r), "A m.example, AAAA m.example");
    assert_int_equal(e->domain, SENDER_UNCHECKED);
    rig_answer();
    stage_sender.data(&r.run);
    assert_int_equal(e->domain, SENDER_TEMPERROR);
    rig_resolver.now_us += 6000000;
    stage_sender.eoh(&r.run);
    stage_sender.eom(&r.run);
    assert_str(rig_asked(&r), "");
    rig_end(&r);
}

/* A host under way, and another one that is known. */
static void half_late(void **state)
{
    static const struct {
        const char *n; /* what is known of the second host */
        enum sender_domain before, after;
    } cases[] = {
        {"n.example A 10.0.0.1\n", SENDER_UNCHECKED, SENDER_LOCAL_MX},
        {"n.example SERVFAIL\n", SENDER_UNCHECKED, SENDER_TEMPERROR},
        {"n.example A 192.0.2.9\n", SENDER_FINE, SENDER_FINE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r;
        char zone[200] =
            "a.example MX 1 m.example\na.example MX 2 n.example\nm.example A 10.0.0.2\n";
        rig_begin(&r, ON, strcat(zone, cases[i].n));
        gate_start(r.run.sender_gate, STR("a.example"), DNS_MX);
        gate_start(r.run.sender_gate, STR("n.example"), DNS_A);
        gate_start(r.run.sender_gate, STR("n.example"), DNS_AAAA);
        rig_resolver.holds = true;
        stage_sender.mail(&r.run);
        assert_int_equal(r.evidence.sender.domain, cases[i].before);
        rig_answer();
        stage_sender.eom(&r.run);
        assert_int_equal(r.evidence.sender.domain, cases[i].after);
        rig_end(&r);
    }
}

/* --- the header of a bounce --- */

#define BAD                                                                                        \
    "bad.example MX 0 .\nbad2.example MX 0 .\nlocal.example A 127.0.0.1\n"                         \
    "good.example A 192.0.2.9\ndoubt.example SERVFAIL\n"

static void bounces(void **state)
{
    static const struct {
        const char *from, *sender, *reply_to;
        const char *asked; /* at the end of the header */
        bool no_address;
    } cases[] = {
        {" a@good.example", NULL, NULL, "MX good.example", false},
        {" a@bad.example", NULL, NULL, "MX bad.example", true},
        {" a@local.example", NULL, NULL, "MX local.example", true},
        {" a@doubt.example", NULL, NULL, "MX doubt.example", false},
        {" a@none.example", NULL, NULL, "MX none.example", true},
        {" a@bad.example", " a@good.example", NULL, "MX bad.example, MX good.example", false},
        {" a@bad.example", NULL, " a@good.example", "MX bad.example, MX good.example", false},
        {NULL, NULL, " a@bad.example", "MX bad.example", true},
        {" a@bad.example, b@good.example", NULL, NULL, "MX bad.example, MX good.example", false},
        {" a@bad.example, b@bad2.example, c@bad.example, d@bad.example, e@good.example", NULL, NULL,
         "MX bad.example, MX bad2.example, MX good.example", false},
        {" a@bad.example, b@bad2.example, c@bad.example, d@bad.example, e@bad.example, "
         "f@good.example",
         NULL, NULL, "MX bad.example, MX bad2.example", true},
        {" a", NULL, NULL, "", true},
        {NULL, NULL, NULL, "", true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r;
        rig_begin(&r, ON, BAD);
        mail_path_parse(STR("<>"), &r.message.from);
        if (cases[i].from)
            rig_header(&r, "From", cases[i].from);
        if (cases[i].sender)
            rig_header(&r, "Sender", cases[i].sender);
        if (cases[i].reply_to)
            rig_header(&r, "Reply-To", cases[i].reply_to);
        rig_resolver.holds = true;
        stage_sender.eoh(&r.run);
        assert_str(rig_asked(&r), cases[i].asked);
        rig_answer();
        stage_sender.eom(&r.run);
        assert_int_equal(r.evidence.sender.no_address, cases[i].no_address);
        rig_end(&r);
    }
}

/* An answer that is still under way is no reason to call an address useless. */
static void a_bounce_in_doubt(void **state)
{
    struct rig r;
    (void)state;
    rig_begin(&r, ON, BAD);
    mail_path_parse(STR("<>"), &r.message.from);
    rig_header(&r, "From", " a@bad.example");
    rig_resolver.holds = true;
    stage_sender.eom(&r.run);
    assert_false(r.evidence.sender.no_address);
    rig_end(&r);
}

/* Nor is anything asked about the header of other mail, or where nothing is checked. */
static void no_bounces(void **state)
{
    struct rig r;
    (void)state;
    rig_begin(&r, ON, BAD "a.example A 192.0.2.9\n");
    rig_header(&r, "From", " a@bad.example");
    stage_sender.mail(&r.run);
    rig_asked(&r);
    stage_sender.eoh(&r.run);
    stage_sender.eom(&r.run);
    assert_str(rig_asked(&r), "");
    assert_false(r.evidence.sender.no_address);
    rig_end(&r);
    rig_begin(&r, "", BAD);
    mail_path_parse(STR("<>"), &r.message.from);
    rig_header(&r, "From", " a@bad.example");
    play_all(&r);
    assert_str(rig_asked(&r), "");
    assert_false(r.evidence.sender.no_address);
    rig_end(&r);
}

/* What a client publishes of itself saves no sender: it fills its own part. */
static void a_client_of_much_saves_no_sender(void **state)
{
    struct rig r;
    (void)state;
    rig_begin(&r, "sender = { mode = \"enforce\"; };",
              "*.much.example A 10.0.0.1\n*.much.example A 10.0.0.2\n*.much.example A 10.0.0.3\n"
              "*.much.example A 10.0.0.4\n*.much.example A 10.0.0.5\n*.much.example A 10.0.0.6\n");
    for (unsigned i = 0; i < 200; i++)
        gate_lookup(r.run.client_gate, str_printf(r.arena, "n%u.much.example", i), DNS_A);
    assert_int_equal(gate_lookup(r.run.client_gate, STR("n.much.example"), DNS_A)->status,
                     DNS_SERVFAIL);
    stage_sender.mail(&r.run);
    assert_int_equal(r.evidence.sender.domain, SENDER_UNKNOWN);
    rig_end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(domains),    cmocka_unit_test(who_is_asked_about),
        cmocka_unit_test(late),       cmocka_unit_test(half_late),
        cmocka_unit_test(bounces),    cmocka_unit_test(a_bounce_in_doubt),
        cmocka_unit_test(no_bounces), cmocka_unit_test(a_client_of_much_saves_no_sender),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
