/* stages/lists: which questions go to which list, and when; and what is made of the answers. What
 * policy makes of that has its cases in tests/scenarios. */
#include "test.h"

#include "core/listhealth.h"
#include "stage_rig.h"

#define CLIENTS "dnsbl = { lists = ( { zone = \"bl.example\"; weight = 5; } ); };"
#define DOMAINS                                                                                    \
    "dnsbl = { lists = ( { zone = \"dbl.example\"; kind = \"domain\"; weight = 5; } ); };"
#define BOTH                                                                                       \
    "dnsbl = { lists = ( { zone = \"bl.example\"; weight = 5; },"                                  \
    "{ zone = \"dbl.example\"; kind = \"domain\"; weight = 5; } ); };"

#define PROBES  "A 1.0.0.127.bl.example, A 2.0.0.127.bl.example"
#define ADDRESS "A 1.2.0.192.bl.example"
#define ENVELOPE                                                                                   \
    "A invalid.dbl.example, A helo.example.dbl.example, A a.example.dbl.example, "                 \
    "A client.example.dbl.example"

#define PROBE_V6   "A 1.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.bl.example"
#define ADDRESS_V6 "A 1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.example"

struct asked_case {
    const char *what, *conf;
    const char *client, *helo, *from, *name; /* NULL: 192.0.2.1, helo.example, ... */
    const char *author;                      /* the value of From */
    const char *at_mail, *at_data, *at_eoh, *at_eom;
    bool forwarded; /* it may be, until the end of the header */
};

static const struct asked_case asked_cases[] = {
    {.what = "an address", .conf = CLIENTS, .at_mail = PROBES ", " ADDRESS},
    {.what = "an IPv6 address",
     .conf = CLIENTS,
     .client = "2001:db8::1",
     .at_mail = PROBE_V6 ", " ADDRESS_V6},
    {.what = "an allow list is asked alike",
     .conf = "dnsbl = { lists = ( { zone = \"bl.example\"; kind = \"allow\"; weight = -5; } ); };",
     .at_mail = PROBES ", " ADDRESS},
    {.what = "each domain once, when it is known",
     .conf = DOMAINS,
     .author = " a@a.example, b@b.example, c@c.example",
     .at_mail = ENVELOPE,
     .at_eoh = "A b.example.dbl.example, A c.example.dbl.example",
     .at_eom = "A signer.example.dbl.example, A second.example.dbl.example"},
    {.what = "lists of both kinds",
     .conf = BOTH,
     .author = " b@b.example",
     .at_mail = PROBES ", " ADDRESS ", " ENVELOPE,
     .at_eoh = "A b.example.dbl.example",
     .at_eom = "A signer.example.dbl.example, A second.example.dbl.example"},
    {.what = "nothing in the envelope is a domain",
     .conf = DOMAINS,
     .helo = "localhost",
     .from = "<>",
     .name = "[192.0.2.1]",
     .author = " b@b.example",
     .at_eoh = "A invalid.dbl.example, A b.example.dbl.example",
     .at_eom = "A signer.example.dbl.example, A second.example.dbl.example"},
    {.what = "nor here",
     .conf = DOMAINS,
     .helo = "192.0.2.1",
     .from = "<x@[192.0.2.1]>",
     .name = "two..dots.example",
     .author = " b@localhost",
     .at_eom = "A invalid.dbl.example, A signer.example.dbl.example, "
               "A second.example.dbl.example"},
    {.what = "nor here",
     .conf = DOMAINS,
     .helo = "what!ever.example",
     .from = "<x>",
     .name = "",
     .author = " b@b.example, c",
     .at_eoh = "A invalid.dbl.example, A b.example.dbl.example",
     .at_eom = "A signer.example.dbl.example, A second.example.dbl.example"},
    {.what = "sixteen domains, and no more",
     .conf = DOMAINS,
     .helo = "a.example", /* counts once */
     .author = " x@b1.example, x@b2.example, x@b3.example, x@b4.example, x@b5.example,"
               " x@b6.example, x@b7.example, x@b8.example, x@b9.example, x@b10.example,"
               " x@b11.example, x@b12.example, x@b13.example, x@b14.example, x@b15.example",
     .at_mail = "A invalid.dbl.example, A a.example.dbl.example, A client.example.dbl.example",
     .at_eoh = "A b1.example.dbl.example, A b2.example.dbl.example, A b3.example.dbl.example, "
               "A b4.example.dbl.example, A b5.example.dbl.example, A b6.example.dbl.example, "
               "A b7.example.dbl.example, A b8.example.dbl.example, A b9.example.dbl.example, "
               "A b10.example.dbl.example, A b11.example.dbl.example, A b12.example.dbl.example, "
               "A b13.example.dbl.example, A b14.example.dbl.example"},
    {.what = "forwarded mail might need nothing",
     .conf = BOTH,
     .author = " b@b.example",
     .forwarded = true,
     .at_eoh = PROBES ", " ADDRESS ", " ENVELOPE ", A b.example.dbl.example",
     .at_eom = "A signer.example.dbl.example, A second.example.dbl.example"},
    {.what = "a private address",
     .conf = BOTH,
     .client = "10.1.2.3",
     .at_mail = ENVELOPE,
     .at_eom = "A signer.example.dbl.example, A second.example.dbl.example"},
    {.what = "an address of this host",
     .conf = BOTH,
     .client = "203.0.113.25",
     .at_mail = ENVELOPE,
     .at_eom = "A signer.example.dbl.example, A second.example.dbl.example"},
    {.what = "no address",
     .conf = BOTH,
     .client = "",
     .at_mail = ENVELOPE,
     .at_eom = "A signer.example.dbl.example, A second.example.dbl.example"},
    {.what = "the client's name is looked up", /* and is known at DATA */
     .conf = DOMAINS "client = { iprev = \"check\"; };",
     .at_mail = "A invalid.dbl.example, A helo.example.dbl.example, A a.example.dbl.example",
     .at_data = "A found.example.dbl.example",
     .at_eom = "A signer.example.dbl.example, A second.example.dbl.example"},
    {.what = "organizational domains",
     .conf = "dnsbl = { lists = ( { zone = \"dbl.spamhaus.org\"; weight = 5; },"
             "{ zone = \"multi.surbl.org\"; weight = 5; } ); };",
     .helo = "mail.b.co.uk",
     .from = "<>",
     .name = "",
     .at_mail = "A invalid.dbl.spamhaus.org, A b.co.uk.dbl.spamhaus.org, "
                "A invalid.multi.surbl.org, A mail.b.co.uk.multi.surbl.org",
     .at_eom = "A signer.example.dbl.spamhaus.org, A second.example.dbl.spamhaus.org, "
               "A signer.example.multi.surbl.org, A second.example.multi.surbl.org"},
    {.what = "a dead list",
     .conf = "dnsbl = { lists = ( { zone = \"dnsbl.sorbs.net\"; weight = 5; },"
             "{ zone = \"bl.example\"; weight = 5; } ); };",
     .at_mail = PROBES ", " ADDRESS},
    {.what = "no list", .conf = ""},
    {.what = "mode off",
     .conf = "dnsbl = { mode = \"off\"; lists = ( { zone = \"bl.example\"; "
             "weight = 5; } ); };"},
    {.what = "an excepted network",
     .conf = BOTH "exceptions = { networks = [ \"192.0.2.0/24\" ]; };"},
};

static const struct dkim_signature signatures[] = {
    {.result = DKIM_PASS, .domain = STR_INIT("signer.example")},
    {.result = DKIM_FAIL, .domain = STR_INIT("broken.example")},
    {.result = DKIM_PASS, .domain = STR_INIT("second.example")},
};

/* At this point the stage asks this. */
static void asks(struct rig *r, const char *what, const char *point,
                 void (*hook)(struct stage_run *), const char *want)
{
    hook(&r->run);
    struct str got = rig_asked(r);
    if (!str_eq(got, str_of(want ? want : "")))
        fail_msg("%s, %s:\ngot  %.*s\nwant %s", what, point, STR_ARG(got), want ? want : "");
}

static void begin_case(struct rig *r, const struct asked_case *c)
{
    rig_begin(r, c->conf, "");
    netset_add(&r->conf->host_addresses, STR("203.0.113.25"));
    r->session.client_name = str_of(c->name ? c->name : "client.example");
    if (c->helo)
        r->session.helo = str_of(c->helo);
    if (c->from)
        mail_path_parse(str_of(c->from), &r->message.from);
    if (c->client) {
        r->session.client = (struct netaddr){0};
        netaddr_parse(str_of(c->client), &r->session.client);
    }
    if (c->author)
        rig_header(r, "From", c->author);
    r->message.may_be_forwarded = c->forwarded;
}

static void what_is_asked(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof asked_cases / sizeof *asked_cases; i++) {
        const struct asked_case *c = &asked_cases[i];
        struct rig r;
        begin_case(&r, c);
        asks(&r, c->what, "MAIL", stage_lists.mail, c->at_mail);
        r.evidence.client.name = STR("found.example");
        asks(&r, c->what, "DATA", stage_lists.data, c->at_data);
        r.message.may_be_forwarded = false;
        asks(&r, c->what, "end of header", stage_lists.eoh, c->at_eoh);
        r.evidence.dkim = (struct evidence_dkim){.checked = true, .n = 3, .signatures = signatures};
        asks(&r, c->what, "end", stage_lists.eom, c->at_eom);
        rig_end(&r);
    }
}

/* A policy service asks what its configuration names. */
static void checks_of_a_service(void **state)
{
    struct rig r;
    (void)state;
    rig_begin(&r, CLIENTS, "");
    r.message.checks = SERVICE_SPF | SERVICE_CLIENT;
    asks(&r, "other checks", "MAIL", stage_lists.mail, "");
    r.message.checks = SERVICE_DNSBL;
    asks(&r, "this check", "MAIL", stage_lists.mail, PROBES ", " ADDRESS);
    rig_end(&r);
}

/* What a list does not answer is asked for once more where its answer is read, and not ahead. */
static void failures_are_repeated(void **state)
{
    struct rig r;
    (void)state;
    rig_begin(&r, BOTH,
              "1.0.0.127.bl.example SERVFAIL\n1.2.0.192.bl.example SERVFAIL\n"
              "invalid.dbl.example SERVFAIL\na.example.dbl.example SERVFAIL\n");
    r.asker.spare = 10;
    asks(&r, "failures", "MAIL", stage_lists.mail,
         PROBES ", " ADDRESS ", A invalid.dbl.example, A helo.example.dbl.example, "
                "A a.example.dbl.example");
    rig_resolver.now_us += 6000000;
    rig_header(&r, "From", " b@b.example");
    asks(&r, "failures", "end of header", stage_lists.eoh, "A b.example.dbl.example");
    rig_resolver.now_us += 6000000;
    asks(&r, "failures", "end", stage_lists.eom, ADDRESS ", A a.example.dbl.example");
    assert_int_equal(r.evidence.lists.v[0].answer.result, DNSBL_UNKNOWN);
    assert_int_equal(r.evidence.lists.v[1].answer.result, DNSBL_UNKNOWN);
    rig_end(&r);
}

/* --- answers --- */

struct answers_case {
    const char *what, *conf, *zone;
    const char *results; /* of each list: result, whether it counts, what it is about */
    int sum, doubt, pending;
    bool trusted, trust_unknown;
};

#define DNSWL "dnsbl = { lists = ( { zone = \"list.dnswl.org\"; weight = -4; } ); };"
#define ALLOW                                                                                      \
    "dnsbl = { lists = ( { zone = \"wl.example\"; kind = \"allow\"; weight = -3; },"               \
    "{ zone = \"bl.example\"; weight = 6; },"                                                      \
    "{ zone = \"wl2.example\"; kind = \"allow\"; weight = -5; } ); };"
#define ALIVE                                                                                      \
    "2.0.0.127.bl.example A 127.0.0.2\n2.0.0.127.wl.example A 127.0.0.2\n"                         \
    "2.0.0.127.wl2.example A 127.0.0.2\n2.0.0.127.list.dnswl.org A 127.0.0.2\n"

static const struct answers_case answers_cases[] = {
    {"a listing", CLIENTS, ALIVE "1.2.0.192.bl.example A 127.0.0.3\n", "listed! 192.0.2.1",
     .sum = 5},
    {"none", CLIENTS, ALIVE, "clear 192.0.2.1", .sum = 0},
    {"an empty list", CLIENTS, "", "suspended 192.0.2.1", .sum = 0},
    {"an empty list has no listings", CLIENTS, "1.2.0.192.bl.example A 127.0.0.3\n",
     "listed! 192.0.2.1", .sum = 5},
    {"a list of the world", CLIENTS,
     ALIVE "1.0.0.127.bl.example A 127.0.0.3\n1.2.0.192.bl.example A 127.0.0.3\n",
     "suspended 192.0.2.1", .sum = 0},
    {"a list of the world, without this client", CLIENTS,
     ALIVE "1.0.0.127.bl.example A 127.0.0.3\n", "suspended 192.0.2.1", .sum = 0},
    {"no answer", CLIENTS, ALIVE "1.2.0.192.bl.example SERVFAIL\n", "unknown 192.0.2.1", .sum = 0},
    {"a list of domains needs no test entry", DOMAINS, "", "clear a.example", .sum = 0},
    {"the first listing counts", DOMAINS,
     "helo.example.dbl.example A 127.0.0.2\na.example.dbl.example A 127.0.0.3\n",
     "listed! helo.example", .sum = 5},
    {"the second name", DOMAINS, "a.example.dbl.example A 127.0.0.2\n", "listed! a.example",
     .sum = 5},
    {"a listing is graver than what is not known", DOMAINS,
     "helo.example.dbl.example SERVFAIL\na.example.dbl.example A 127.0.0.2\n", "listed! a.example",
     .sum = 5},
    {"what is not known is graver than nothing", DOMAINS, "helo.example.dbl.example SERVFAIL\n",
     "unknown helo.example", .sum = 0},

    {"an allow list knows it", ALLOW, ALIVE "1.2.0.192.wl.example A 127.0.0.2\n",
     "listed! 192.0.2.1, clear 192.0.2.1, clear 192.0.2.1", .sum = -3, .trusted = true},
    {"another one", ALLOW,
     ALIVE "1.2.0.192.wl2.example A 127.0.0.2\n1.2.0.192.bl.example A 127.0.0.2\n",
     "clear 192.0.2.1, listed! 192.0.2.1, listed! 192.0.2.1", .sum = 1, .trusted = true},
    {"allow lists without an answer", ALLOW,
     ALIVE "1.2.0.192.wl.example SERVFAIL\n1.2.0.192.wl2.example SERVFAIL\n"
           "1.2.0.192.bl.example SERVFAIL\n",
     "unknown 192.0.2.1, unknown 192.0.2.1, unknown 192.0.2.1", .doubt = -8, .trust_unknown = true},
    {"the first one has no answer", ALLOW, ALIVE "1.2.0.192.wl.example SERVFAIL\n",
     "unknown 192.0.2.1, clear 192.0.2.1, clear 192.0.2.1", .doubt = -3, .trust_unknown = true},
    {"a block list without an answer is no doubt of trust", ALLOW,
     ALIVE "1.2.0.192.bl.example SERVFAIL\n", "clear 192.0.2.1, unknown 192.0.2.1, clear 192.0.2.1",
     .sum = 0},
    {"DNSWL: none", DNSWL, ALIVE "1.2.0.192.list.dnswl.org A 127.0.9.0\n", "listed 192.0.2.1",
     .sum = 0},
    {"DNSWL: low", DNSWL, ALIVE "1.2.0.192.list.dnswl.org A 127.0.9.1\n", "listed! 192.0.2.1",
     .sum = -4},
    {"DNSWL: medium", DNSWL, ALIVE "1.2.0.192.list.dnswl.org A 127.0.9.2\n", "listed! 192.0.2.1",
     .sum = -4, .trusted = true},
    {"DNSWL: high", DNSWL, ALIVE "1.2.0.192.list.dnswl.org A 127.0.9.3\n", "listed! 192.0.2.1",
     .sum = -4, .trusted = true},
};

static struct str results_of(struct rig *r)
{
    const struct evidence_lists *lists = &r->evidence.lists;
    struct strbuf b;
    sb_init(&b, r->arena);
    for (size_t i = 0; i < lists->n; i++) {
        const struct evidence_list *e = &lists->v[i];
        sb_printf(&b, "%s%s%s%s%.*s", b.n ? ", " : "", dnsbl_result_name(e->answer.result),
                  e->answer.counts ? "!" : "", e->about.n ? " " : "", STR_ARG(e->about));
    }
    return sb_str(&b);
}

static void what_is_made_of_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof answers_cases / sizeof *answers_cases; i++) {
        const struct answers_case *c = &answers_cases[i];
        struct rig r;
        rig_begin(&r, c->conf, c->zone);
        stage_lists.mail(&r.run);
        assert_false(r.evidence.lists.checked);
        stage_lists.data(&r.run);
        const struct evidence_lists *lists = &r.evidence.lists;
        struct str got = results_of(&r);
        if (!lists->checked || !str_eq(got, str_of(c->results)) || lists->sum != c->sum ||
            lists->doubt != c->doubt || lists->pending != c->pending ||
            lists->trusted != c->trusted || lists->trust_unknown != c->trust_unknown)
            fail_msg("%s: %.*s; sum %d, doubt %d, pending %d, trusted %d, unknown %d", c->what,
                     STR_ARG(got), lists->sum, lists->doubt, lists->pending, lists->trusted,
                     lists->trust_unknown);
        rig_end(&r);
    }
}

/* At DATA nobody waits where nothing may be refused; at the end all is known. */
static void answers_that_are_late(void **state)
{
    struct rig r;
    (void)state;
    rig_begin(&r, ALLOW, ALIVE "1.2.0.192.wl.example A 127.0.0.2\n");
    rig_resolver.holds = true;
    stage_lists.mail(&r.run);
    stage_lists.data(&r.run);
    assert_str(results_of(&r), "pending 192.0.2.1, pending 192.0.2.1, pending 192.0.2.1");
    assert_int_equal(r.evidence.lists.pending, -8);
    assert_int_equal(r.evidence.lists.doubt, 0);
    assert_int_equal(r.evidence.lists.sum, 0);
    assert_true(r.evidence.lists.trust_unknown);
    rig_answer();
    stage_lists.eoh(&r.run);
    stage_lists.eom(&r.run);
    assert_str(results_of(&r), "listed! 192.0.2.1, clear 192.0.2.1, clear 192.0.2.1");
    assert_int_equal(r.evidence.lists.pending, 0);
    assert_int_equal(r.evidence.lists.sum, -3);
    assert_false(r.evidence.lists.trust_unknown);
    rig_end(&r);
}

/* No list is believed before it has said what it makes of its test point. */
static void probes_that_are_late(void **state)
{
    static const struct {
        const char *known, *at_data; /* what has been answered by then */
    } cases[] = {
        {"1.2.0.192.bl.example", "pending 192.0.2.1"},
        {"1.0.0.127.bl.example", "pending 192.0.2.1"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r;
        rig_begin(&r, CLIENTS, ALIVE "1.2.0.192.bl.example A 127.0.0.2\n");
        gate_start(r.run.lists_gate, str_of(cases[i].known), DNS_A);
        rig_resolver.holds = true;
        stage_lists.mail(&r.run);
        stage_lists.data(&r.run);
        assert_str(results_of(&r), cases[i].at_data);
        assert_int_equal(r.evidence.lists.sum, 0);
        rig_answer();
        stage_lists.eom(&r.run);
        assert_str(results_of(&r), "listed! 192.0.2.1");
        assert_int_equal(r.evidence.lists.sum, 5);
        rig_end(&r);
    }
}

/* What is settled is not read again; one more name unsettles it. */
static void what_is_settled(void **state)
{
    struct rig r;
    (void)state;
    rig_begin(&r, DOMAINS, "b.example.dbl.example A 127.0.0.2\n");
    stage_lists.mail(&r.run);
    stage_lists.data(&r.run);
    assert_str(results_of(&r), "clear a.example");
    r.evidence.lists.sum = 77;
    stage_lists.eom(&r.run);
    assert_int_equal(r.evidence.lists.sum, 77);
    rig_header(&r, "From", " b@b.example");
    stage_lists.eoh(&r.run);
    stage_lists.eom(&r.run);
    assert_str(results_of(&r), "listed! b.example");
    assert_int_equal(r.evidence.lists.sum, 5);
    rig_end(&r);
}

/* A list that has given no answers lately is left alone, and how it answers is noted. */
static void a_list_that_rests(void **state)
{
    struct list_health *health = list_health_new();
    (void)state;
    for (int i = 0; i < 6; i++) {
        struct rig r;
        rig_begin(&r, CLIENTS, "1.2.0.192.bl.example SERVFAIL\n");
        r.run.list_health = health;
        asks(&r, "a silent list", "MAIL", stage_lists.mail, i < 5 ? PROBES ", " ADDRESS : "");
        stage_lists.data(&r.run);
        assert_str(results_of(&r), i < 5 ? "unknown 192.0.2.1" : "suspended");
        rig_end(&r);
    }
    list_health_free(health);
}

/* A message that has used up more than half of its time, with names of its sender's, says nothing
 * about a list that does not answer. */
static void messages_in_a_hurry(int64_t patience_us, const char *then)
{
    struct list_health *health = list_health_new();
    for (int i = 0; i < 6; i++) {
        struct rig r;
        rig_begin(&r, CLIENTS, ALIVE "1.2.0.192.bl.example A 127.0.0.2\n");
        r.run.list_health = health;
        r.conf->dns_deadline = 20;
        rig_resolver.holds = i < 5;
        stage_lists.mail(&r.run);
        r.asker.may_pend = false;
        r.asker.patience_us = i < 5 ? patience_us : INT64_C(15000000);
        stage_lists.eom(&r.run);
        assert_str(results_of(&r), i < 5 ? "unknown 192.0.2.1" : then);
        rig_answer();
        rig_end(&r);
    }
    list_health_free(health);
}

static void a_list_that_nobody_waited_for(void **state)
{
    (void)state;
    messages_in_a_hurry(1, "listed! 192.0.2.1");
    messages_in_a_hurry(9999, "listed! 192.0.2.1");
    messages_in_a_hurry(10000, "suspended");
}

/* What the DNS says of a client and of its sender is theirs to choose: answers and names without
 * end keep no list from being heard, before it is asked or after. */
static void lists_are_heard_whatever_a_client_publishes(void **state)
{
    struct rig r;
    (void)state;
    for (unsigned after = 0; after < 2; after++) {
        rig_begin(&r, BOTH,
                  ALIVE "1.2.0.192.bl.example A 127.0.0.2\nb.example.dbl.example A 127.0.0.2\n"
                        "*.much.example A 10.0.0.1\n*.much.example A 10.0.0.2\n"
                        "*.much.example A 10.0.0.3\n*.much.example A 10.0.0.4\n"
                        "*.much.example A 10.0.0.5\n*.much.example A 10.0.0.6\n"
                        "*.much.example A 10.0.0.7\n*.much.example A 10.0.0.8\n");
        rig_header(&r, "From", " b@b.example");
        if (after)
            stage_lists.mail(&r.run);
        for (unsigned i = 0; i < 200; i++)
            gate_lookup(r.run.client_gate, str_printf(r.arena, "n%u.much.example", i), DNS_A);
        assert_int_equal(gate_lookup(r.run.client_gate, STR("n.much.example"), DNS_A)->status,
                         DNS_SERVFAIL);
        if (!after)
            stage_lists.mail(&r.run);
        stage_lists.data(&r.run);
        assert_int_equal(r.evidence.lists.sum, 5);
        stage_lists.eoh(&r.run);
        stage_lists.eom(&r.run);
        assert_int_equal(r.evidence.lists.sum, 10);
        rig_end(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_asked),
        cmocka_unit_test(checks_of_a_service),
        cmocka_unit_test(failures_are_repeated),
        cmocka_unit_test(what_is_made_of_it),
        cmocka_unit_test(answers_that_are_late),
        cmocka_unit_test(probes_that_are_late),
        cmocka_unit_test(what_is_settled),
        cmocka_unit_test(a_list_that_rests),
        cmocka_unit_test(a_list_that_nobody_waited_for),
        cmocka_unit_test(lists_are_heard_whatever_a_client_publishes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
