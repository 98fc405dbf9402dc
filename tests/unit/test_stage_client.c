/* stages/client: what is asked about the client's address, and when; iprev, and what HELO says. */
#include "test.h"

#include "stage_rig.h"

#define ON "client = { iprev = \"check\"; };"

/* --- iprev --- */

struct iprev_case {
    const char *what, *client, *zone;
    const char *asked; /* in all */
    enum iprev_result iprev;
    const char *name;
    bool capped;
};

#define PTR    "PTR 1.2.0.192.in-addr.arpa"
#define PTR_IS "1.2.0.192.in-addr.arpa PTR "
#define PTR_V6 "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"

#define NAMES_9                                                                                    \
    PTR_IS "n1.example.\n" PTR_IS "n2.example.\n" PTR_IS "n3.example.\n" PTR_IS                    \
           "n4.example.\n" PTR_IS "n5.example.\n" PTR_IS "n6.example.\n" PTR_IS                    \
           "n7.example.\n" PTR_IS "n8.example.\n" PTR_IS "n9.example.\n"
#define ASKED_9                                                                                    \
    PTR ", A n1.example, A n2.example, A n3.example, A n4.example, A n5.example, A n6.example, "   \
        "A n7.example, A n8.example, A n9.example"

static const struct iprev_case iprev_cases[] = {
    {"it leads back", "192.0.2.1", PTR_IS "a.example.\na.example A 192.0.2.1\n",
     PTR ", A a.example", IPREV_PASS, "a.example", false},
    {"one of its addresses", "192.0.2.1",
     PTR_IS "a.example.\na.example A 192.0.2.9\na.example A 192.0.2.1\n", PTR ", A a.example",
     IPREV_PASS, "a.example", false},
    {"the second name", "192.0.2.1",
     PTR_IS "a.example.\n" PTR_IS "b.example.\na.example A 192.0.2.9\nb.example A 192.0.2.1\n",
     PTR ", A a.example, A b.example", IPREV_PASS, "b.example", false},
    {"the first of two", "192.0.2.1",
     PTR_IS "a.example.\n" PTR_IS "b.example.\na.example A 192.0.2.1\nb.example A 192.0.2.1\n",
     PTR ", A a.example, A b.example", IPREV_PASS, "a.example", false},
    {"one cannot be asked, another one leads back", "192.0.2.1",
     PTR_IS "a.example.\n" PTR_IS "b.example.\na.example SERVFAIL\nb.example A 192.0.2.1\n",
     PTR ", A a.example, A b.example", IPREV_PASS, "b.example", false},
    {"one cannot be asked", "192.0.2.1",
     PTR_IS "a.example.\n" PTR_IS "b.example.\na.example SERVFAIL\nb.example A 192.0.2.9\n",
     PTR ", A a.example, A b.example", IPREV_TEMPERROR, "", false},
    {"it leads elsewhere", "192.0.2.1", PTR_IS "a.example.\na.example A 192.0.2.9\n",
     PTR ", A a.example", IPREV_FAIL, "", false},
    {"it leads nowhere", "192.0.2.1", PTR_IS "a.example.\n", PTR ", A a.example", IPREV_FAIL, "",
     false},
    {"no name", "192.0.2.1", "", PTR, IPREV_PERMERROR, "", false},
    {"no record", "192.0.2.1", "1.2.0.192.in-addr.arpa TXT \"x\"\n", PTR, IPREV_PERMERROR, "",
     false},
    {"names cannot be asked", "192.0.2.1", "1.2.0.192.in-addr.arpa SERVFAIL\n", PTR,
     IPREV_TEMPERROR, "", false},
    {"IPv6", "2001:db8::1", PTR_V6 " PTR a.example.\na.example AAAA 2001:db8::1\n",
     "PTR " PTR_V6 ", AAAA a.example", IPREV_PASS, "a.example", false},
    {"ten names", "192.0.2.1", NAMES_9 PTR_IS "n10.example.\nn10.example A 192.0.2.1\n",
     ASKED_9 ", A n10.example", IPREV_PASS, "n10.example", false},
    {"eleven", "192.0.2.1",
     NAMES_9 PTR_IS "n10.example.\n" PTR_IS "n11.example.\nn11.example A 192.0.2.1\n",
     ASKED_9 ", A n10.example", IPREV_FAIL, "", true},
    {"a private address", "10.0.0.1", "", "", IPREV_NONE, "", false},
    {"no address", "", "", "", IPREV_NONE, "", false},
};

static void set_client(struct rig *r, const char *client)
{
    r->session.client = (struct netaddr){0};
    netaddr_parse(str_of(client), &r->session.client);
}

static void play_all(struct rig *r)
{
    stage_client.mail(&r->run);
    stage_client.rcpt(&r->run);
    stage_client.data(&r->run);
    stage_client.eoh(&r->run);
    stage_client.eom(&r->run);
}

static void iprev(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof iprev_cases / sizeof *iprev_cases; i++) {
        const struct iprev_case *c = &iprev_cases[i];
        struct rig r;
        rig_begin(&r, ON, c->zone);
        set_client(&r, c->client);
        play_all(&r);
        const struct evidence_client *e = &r.evidence.client;
        struct str asked = rig_asked(&r);
        if (e->iprev != c->iprev || !str_eq(e->name, str_of(c->name)) || e->capped != c->capped ||
            !str_eq(asked, str_of(c->asked)))
            fail_msg("%s: %d, \"%.*s\", %d; asked %.*s", c->what, (int)e->iprev, STR_ARG(e->name),
                     e->capped, STR_ARG(asked));
        rig_end(&r);
    }
}

static void who_is_asked_about(void **state)
{
    static const struct {
        const char *conf;
        unsigned checks;
        bool asked;
    } cases[] = {
        {ON, 0, true},
        {"", 0, false},
        {"client = { mode = \"off\"; iprev = \"check\"; };", 0, false},
        {ON, SERVICE_CLIENT, true},
        {ON, SERVICE_SPF, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r;
        rig_begin(&r, cases[i].conf, "");
        r.message.checks = cases[i].checks;
        play_all(&r);
        assert_str(rig_asked(&r), cases[i].asked ? PTR : "");
        rig_end(&r);
    }
}

/* Nobody waits; the names are asked about as soon as they are known, and all at once. */
static void late(void **state)
{
    struct rig r;
    (void)state;
    rig_begin(&r, ON,
              PTR_IS "a.example.\n" PTR_IS "b.example.\na.example A 192.0.2.9\n"
                     "b.example A 192.0.2.1\n");
    const struct evidence_client *e = &r.evidence.client;
    r.message.may_be_forwarded = true;
    stage_client.mail(&r.run);
    assert_str(rig_asked(&r), "");
    r.message.may_be_forwarded = false;
    rig_resolver.holds = true;
    stage_client.rcpt(&r.run);
    assert_str(rig_asked(&r), PTR);
    assert_int_equal(e->iprev, IPREV_NONE);
    rig_answer();
    rig_resolver.holds = true;
    stage_client.data(&r.run);
    assert_str(rig_asked(&r), "A a.example, A b.example");
    assert_int_equal(e->iprev, IPREV_NONE);
    stage_client.eoh(&r.run);
    assert_int_equal(e->iprev, IPREV_NONE);
    rig_answer();
    stage_client.eom(&r.run);
    assert_int_equal(e->iprev, IPREV_PASS);
    assert_str(rig_asked(&r), "");
    rig_end(&r);
}

/* One name is known not to lead back, and the other is under way. */
static void half_late(void **state)
{
    struct rig r;
    (void)state;
    for (int i = 0; i < 2; i++) {
        rig_begin(&r, ON,
                  PTR_IS "a.example.\n" PTR_IS "b.example.\na.example A 192.0.2.9\n"
                         "b.example A 192.0.2.9\n");
        gate_start(r.run.client_gate, STR("1.2.0.192.in-addr.arpa"), DNS_PTR);
        gate_start(r.run.client_gate, i ? STR("a.example") : STR("b.example"), DNS_A);
        rig_resolver.holds = true;
        stage_client.mail(&r.run);
        assert_int_equal(r.evidence.client.iprev, IPREV_NONE);
        rig_answer();
        stage_client.eom(&r.run);
        assert_int_equal(r.evidence.client.iprev, IPREV_FAIL);
        rig_end(&r);
    }
}

/* What is known is not asked again. */
static void once(void **state)
{
    struct rig r;
    (void)state;
    rig_begin(&r, ON, "1.2.0.192.in-addr.arpa SERVFAIL\n");
    stage_client.mail(&r.run);
    assert_str(rig_asked(&r), PTR);
    rig_resolver.now_us += 6000000;
    stage_client.eom(&r.run);
    assert_str(rig_asked(&r), "");
    rig_end(&r);
}

/* --- HELO --- */

static void helo(void **state)
{
    static const struct {
        const char *client, *helo;
        enum helo_result want;
    } cases[] = {
        {"192.0.2.1", "helo.example", HELO_FINE},
        {"192.0.2.1", "mx.recv.example", HELO_OURS},
        {"192.0.2.1", "MX.Recv.Example.", HELO_OURS},
        {"192.0.2.1", "mta.recv.example", HELO_OURS},
        {"192.0.2.1", "more.recv.example", HELO_OURS},
        {"192.0.2.1", "other.recv.example", HELO_FINE},
        {"192.0.2.1", "not a name", HELO_FINE},
        {"192.0.2.1", "", HELO_FINE},
        {"192.0.2.1", "[192.0.2.1]", HELO_FINE},
        {"192.0.2.1", "192.0.2.1", HELO_FINE},
        {"192.0.2.1", "[192.0.2.2]", HELO_OTHER},
        {"192.0.2.1", "192.0.2.2", HELO_OTHER},
        {"192.0.2.1", "[203.0.113.25]", HELO_OURS},
        {"192.0.2.1", "[192.0.2.2", HELO_FINE},
        {"192.0.2.1", "192.0.2.2]", HELO_FINE},
        {"192.0.2.1", "[]", HELO_FINE},
        {"2001:db8::1", "[IPv6:2001:db8::1]", HELO_FINE},
        {"2001:db8::1", "[IPv6:2001:db8::2]", HELO_OTHER},
        {"127.0.0.1", "mx.recv.example", HELO_FINE},
        {"203.0.113.25", "mx.recv.example", HELO_FINE},
        {"", "mx.recv.example", HELO_FINE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r;
        rig_begin(&r, "authserv-id-aliases = [ \"more.recv.example\" ];", "");
        netset_add(&r.conf->host_addresses, STR("203.0.113.25"));
        set_client(&r, cases[i].client);
        r.session.helo = str_of(cases[i].helo);
        r.session.mta_name = STR("mta.recv.example");
        stage_client.mail(&r.run);
        if (r.evidence.client.helo != cases[i].want)
            fail_msg("%s, %s: %d", cases[i].client, cases[i].helo, (int)r.evidence.client.helo);
        rig_end(&r);
    }
}

static void helo_is_looked_at(void **state)
{
    static const struct {
        const char *conf;
        unsigned checks;
        enum helo_result want;
    } cases[] = {
        {"", 0, HELO_OURS},
        {"client = { mode = \"shadow\"; };", 0, HELO_OURS},
        {"client = { mode = \"off\"; };", 0, HELO_FINE},
        {"", SERVICE_CLIENT, HELO_OURS},
        {"", SERVICE_SPF, HELO_FINE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r;
        rig_begin(&r, cases[i].conf, "");
        r.message.checks = cases[i].checks;
        r.session.helo = STR("mx.recv.example");
        stage_client.mail(&r.run);
        assert_int_equal(r.evidence.client.helo, cases[i].want);
        rig_end(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(iprev),
        cmocka_unit_test(who_is_asked_about),
        cmocka_unit_test(late),
        cmocka_unit_test(half_late),
        cmocka_unit_test(once),
        cmocka_unit_test(helo),
        cmocka_unit_test(helo_is_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
