/* stages/greylist: who is spared, which keys a message has, and what becomes of them. Its words and
 * what policy makes of them have their cases in tests/scenarios. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "stage_rig.h"

#define PATIENCE_US 20000000 /* a busy machine */
#define ON          "greylist = { mode = \"enforce\"; };"
#define AT_END      "greylist = { mode = \"enforce\"; at = \"end\"; };"

/* --- who is spared: without a store nobody else gets a result --- */

static void is_exempt(struct rig *r, const char *what, const char *want)
{
    stage_greylist.data(&r->run);
    const struct evidence_greylist *g = &r->evidence.greylist;
    if (!str_eq(g->why, str_of(want)) ||
        g->result != (*want ? GREYLIST_EXEMPT : GREYLIST_NOT_ASKED))
        fail_msg("%s: %d, %.*s", what, (int)g->result, STR_ARG(g->why));
}

static void local_networks(void **state)
{
    static const struct {
        const char *client, *why;
    } cases[] = {
        {"127.0.0.1", "local network"},
        {"10.255.0.1", "local network"},
        {"172.31.255.255", "local network"},
        {"172.32.0.0", ""},
        {"192.168.0.1", "local network"},
        {"192.169.0.1", ""},
        {"169.254.1.1", "local network"},
        {"100.127.0.1", "local network"},
        {"100.128.0.1", ""},
        {"::1", "local network"},
        {"::2", ""},
        {"fe80::1", "local network"},
        {"fd00::1", "local network"},
        {"2001:db8::1", ""},
        {"", "no client address"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r;
        rig_begin(&r, ON, "");
        r.session.client = (struct netaddr){0};
        netaddr_parse(str_of(cases[i].client), &r.session.client);
        is_exempt(&r, cases[i].client, cases[i].why);
        rig_end(&r);
    }
}

static void recipients(void **state)
{
    static const struct {
        const char *what;
        struct recipient v[3];
        size_t n;
        const char *why;
    } cases[] = {
        {"others", {{.address = STR_INIT("bob@a.example")}}, 1, ""},
        {"the first",
         {{.address = STR_INIT("abuse@a.example")}, {.address = STR_INIT("b")}},
         2,
         "recipient"},
        {"the last",
         {{.address = STR_INIT("b")}, {.address = STR_INIT("Postmaster")}},
         2,
         "recipient"},
        {"one that was refused",
         {{.address = STR_INIT("abuse@a.example"), .refused = true}, {.address = STR_INIT("b")}},
         2,
         ""},
        {"one that was not kept",
         {{.address = STR_INIT("b")}, {.address = STR_INIT("abuse@a.example")}},
         1,
         ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r;
        struct recipient v[3];
        rig_begin(&r, ON, "");
        memcpy(v, cases[i].v, sizeof v);
        r.message.recipients = v;
        r.message.recipients_kept = r.message.n_recipients = cases[i].n;
        is_exempt(&r, cases[i].what, cases[i].why);
        rig_end(&r);
    }
}

#define REFUSED "spf = { on-fail = \"reject\"; dmarc-pass-cancels = false; };" ON

static void what_spf_refuses(void **state)
{
    static const struct {
        const char *what, *conf;
        enum spf_result spf;
        unsigned checks;
        bool refused;
    } cases[] = {
        {"fail", REFUSED, SPF_FAIL, 0, true},
        {"softfail", REFUSED, SPF_SOFTFAIL, 0, false},
        {"not known yet", REFUSED, SPF_RESULT_COUNT, 0, false},
        {"an aligned signature may save it", "spf = { on-fail = \"reject\"; };" ON, SPF_FAIL, 0,
         false},
        {"a service knows no signature", "spf = { on-fail = \"reject\"; };" ON, SPF_FAIL,
         SERVICE_SPF | SERVICE_GREYLIST, true},
        {"a service that knows nothing of SPF", REFUSED, SPF_FAIL, SERVICE_GREYLIST, false},
        {"tagged", "spf = { on-fail = \"tag\"; dmarc-pass-cancels = false; };" ON, SPF_FAIL, 0,
         false},
        {"SPF in shadow",
         "spf = { mode = \"shadow\"; on-fail = \"reject\"; dmarc-pass-cancels = false; };" ON,
         SPF_FAIL, 0, false},
        {"all in shadow", "mode = \"shadow\";" REFUSED, SPF_FAIL, 0, false},
        {"a forwarder that is trusted",
         "spf = { on-fail = \"reject\"; dmarc-pass-cancels = false; trusted-forwarders = [ "
         "\"192.0.2.0/24\" ]; };" ON,
         SPF_FAIL, 0, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r;
        rig_begin(&r, cases[i].conf, "");
        r.message.checks = cases[i].checks;
        r.evidence.spf.mail_from.checked = cases[i].spf != SPF_RESULT_COUNT;
        r.evidence.spf.mail_from.outcome.result =
            cases[i].spf == SPF_RESULT_COUNT ? SPF_FAIL : cases[i].spf;
        is_exempt(&r, cases[i].what, cases[i].refused ? "SPF fail is refused" : "");
        rig_end(&r);
    }
}

static void who_else_is_spared(void **state)
{
    struct rig r;
    (void)state;
    rig_begin(&r, ON "exceptions = { networks = [ \"192.0.2.0/24\" ]; };", "");
    is_exempt(&r, "a network", "exceptions");
    rig_end(&r);
    rig_begin(&r, ON, "");
    r.evidence.lists.trusted = true;
    is_exempt(&r, "an allow list", "allow list");
    rig_end(&r);
    /* A domain of the exceptions frees nobody before SPF or DKIM has spoken for it. */
    rig_begin(&r, ON "exceptions = { domains = [ \"a.example\" ]; };", "");
    is_exempt(&r, "a domain, perhaps", "");
    rig_end(&r);
}

/* --- when it is asked --- */

static void when(void **state)
{
    static const struct {
        const char *conf;
        unsigned checks;
        bool may_be_forwarded;
        const char *at_data, *at_end; /* who asked */
    } cases[] = {
        {ON, 0, false, "data", "data"},
        {ON, 0, true, "", "end"},
        {AT_END, 0, false, "", "end"},
        {AT_END, SERVICE_GREYLIST, false, "data", "data"},
        {AT_END, SERVICE_SPF, false, "", "end"},
        {"greylist = { mode = \"shadow\"; };", 0, false, "data", "data"},
        {"", 0, false, "", ""},
        {"", SERVICE_GREYLIST, false, "", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r;
        rig_begin(&r, cases[i].conf, "");
        const struct evidence_greylist *g = &r.evidence.greylist;
        r.session.client.family = 0; /* a result without a store */
        r.message.checks = cases[i].checks;
        r.message.may_be_forwarded = cases[i].may_be_forwarded;
        stage_greylist.data(&r.run);
        assert_string_equal(g->result == GREYLIST_NOT_ASKED ? ""
                            : g->at_end                     ? "end"
                                                            : "data",
                            cases[i].at_data);
        stage_greylist.eom(&r.run);
        assert_string_equal(g->result == GREYLIST_NOT_ASKED ? ""
                            : g->at_end                     ? "end"
                                                            : "data",
                            cases[i].at_end);
        rig_end(&r);
    }
}

/* --- with a store --- */

struct memory {
    char dir[64], path[96];
    struct state_settings settings;
    struct state_asker asker;
};

static struct memory memory;

static void open_memory(void)
{
    struct arena *a = arena_new(0);
    struct str problem = STR_NONE;
    memory.asker = (struct state_asker){.state = state_open(&memory.settings, a, &problem),
                                        .patience_us = PATIENCE_US};
    assert_non_null(memory.asker.state);
    arena_free(a);
}

static int make_memory(void **state)
{
    (void)state;
    strcpy(memory.dir, "/tmp/assay-greylist-XXXXXX");
    assert_non_null(mkdtemp(memory.dir));
    snprintf(memory.path, sizeof memory.path, "%s/state.db", memory.dir);
    memory.settings = (struct state_settings){.path = str_of(memory.path)};
    open_memory();
    return 0;
}

static int drop_memory(void **state)
{
    char command[128];
    (void)state;
    state_close(memory.asker.state);
    snprintf(command, sizeof command, "rm -rf '%s'", memory.dir);
    assert_int_equal(system(command), 0);
    return 0;
}

/* Seen first `age` seconds ago, for so many seconds from then on. */
static void remember(const char *key, int64_t age, int64_t ttl_s)
{
    struct state_key k = {.key = str_of(key)};
    int64_t first = RIG_NOW - age;
    memory.asker.patience_us = PATIENCE_US;
    state_put_if_absent(&memory.asker, first, first, ttl_s, &k, 1);
    assert_int_equal(k.result, STATE_ABSENT);
}

static void note_key(void *context, struct str key, int64_t value, int64_t expires)
{
    struct strbuf *b = context;
    sb_printf(b, "%s%.*s=%lld/%lld", b->n ? " " : "", STR_ARG(key), (long long)(RIG_NOW - value),
              (long long)(expires - RIG_NOW));
}

/* KEY=AGE/LEFT of all that is remembered, by key; and nothing is any more. */
static struct str remembered(struct arena *a)
{
    struct strbuf b;
    struct str problem = STR_NONE;
    sb_init(&b, a);
    state_close(memory.asker.state);
    assert_true(state_list(&memory.settings, RIG_NOW, STR(""), note_key, &b, a, &problem));
    for (int i = 0; i < 3; i++)
        unlink(str_printf(a, "%s%s", memory.path, i == 0 ? "" : i == 1 ? "-wal" : "-shm").p);
    open_memory();
    return sb_str(&b);
}

static const char *look_up(struct rig *r)
{
    static const char *const names[] = {
        [GREYLIST_NOT_ASKED] = "not asked",
        [GREYLIST_EXEMPT] = "exempt",
        [GREYLIST_UNKNOWN] = "unknown",
        [GREYLIST_PASS] = "pass",
        [GREYLIST_NEW] = "new",
        [GREYLIST_WAIT] = "wait",
    };
    memory.asker.patience_us = PATIENCE_US;
    r->run.memory = &memory.asker;
    stage_greylist.eom(&r->run);
    return names[r->evidence.greylist.result];
}

/* A clock that was ahead, when the window was shorter: the key lives as long as it does now. */
static void brought_back(void **state)
{
    struct rig r;
    (void)state;
    rig_begin(&r, "greylist = { mode = \"enforce\"; window = \"5h\"; };", "");
    remember("g:n:192.0.2.0/24", -100, 3600);
    assert_string_equal(look_up(&r), "wait");
    assert_int_equal(r.evidence.greylist.wait_s, 30);
    assert_str(remembered(r.arena), "g:n:192.0.2.0/24=0/18000");
    rig_end(&r);
}

/* What passes lives for the lifetime, and no other key does. */
static void passes(void **state)
{
    struct rig r;
    (void)state;
    rig_begin(&r, "greylist = { mode = \"enforce\"; window = \"5h\"; lifetime = \"3d\"; };", "");
    r.evidence.spf.mail_from = (struct evidence_spf_identity){
        true, {.result = SPF_PASS, .narrow = true, .domain = STR_INIT("a.example")}};
    remember("g:n:192.0.2.0/24", 29, 3600);
    remember("g:d:a.example", 30, 3600);
    assert_string_equal(look_up(&r), "pass");
    assert_str(r.evidence.greylist.why, "domain a.example");
    assert_str(remembered(r.arena), "g:d:a.example=30/259200 g:n:192.0.2.0/24=29/3571");
    rig_end(&r);
}

/* The first key that is old enough is told. */
static void two_pass(void **state)
{
    struct rig r;
    (void)state;
    rig_begin(&r, ON, "");
    r.evidence.spf.mail_from = (struct evidence_spf_identity){
        true, {.result = SPF_PASS, .narrow = true, .domain = STR_INIT("a.example")}};
    remember("g:n:192.0.2.0/24", 40, 3600);
    remember("g:d:a.example", 50, 3600);
    assert_string_equal(look_up(&r), "pass");
    assert_str(r.evidence.greylist.why, "network 192.0.2.0/24");
    assert_str(remembered(r.arena), "g:d:a.example=50/2160000 g:n:192.0.2.0/24=40/2160000");
    rig_end(&r);
}

/* What is in memory is known when nobody waits; the other key is not. */
static void half_known(void **state)
{
    static const struct {
        int64_t age;
        const char *result;
    } cases[] = {{10, "unknown"}, {40, "pass"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r;
        rig_begin(&r, ON, "");
        remember("g:n:192.0.2.0/24", cases[i].age, 3600);
        assert_string_equal(look_up(&r), cases[i].age < 30 ? "wait" : "pass");
        r.evidence.greylist = (struct evidence_greylist){0};
        r.evidence.spf.mail_from = (struct evidence_spf_identity){
            true, {.result = SPF_PASS, .narrow = true, .domain = STR_INIT("a.example")}};
        memory.asker.patience_us = 0;
        r.run.memory = &memory.asker;
        stage_greylist.eom(&r.run);
        assert_int_equal(r.evidence.greylist.result,
                         cases[i].age < 30 ? GREYLIST_UNKNOWN : GREYLIST_PASS);
        remembered(r.arena);
        rig_end(&r);
    }
}

/* --- which keys --- */

#define NARROW(d, r)                                                                               \
    {                                                                                              \
        true,                                                                                      \
        {                                                                                          \
            .result = (r), .narrow = true, .domain = STR_INIT(d)                                   \
        }                                                                                          \
    }
#define SIGNED(d)                                                                                  \
    {                                                                                              \
        .result = DKIM_PASS, .domain = STR_INIT(d)                                                 \
    }
#define NETWORK "g:n:192.0.2.0/24=0/86400"
#define KEY(d)  "g:d:" d "=0/86400 "

struct keys_case {
    const char *what;
    struct evidence_spf_identity spf;
    size_t n_dkim, n_dmarc;
    struct dkim_signature dkim[3];
    struct dmarc_outcome dmarc[2];
    const char *keys;
};

static const struct keys_case keys_cases[] = {
    {.what = "a network", .keys = NETWORK},
    {.what = "SPF pass", .spf = NARROW("a.example", SPF_PASS), .keys = KEY("a.example") NETWORK},
    {.what = "no SPF pass", .spf = NARROW("a.example", SPF_NEUTRAL), .keys = NETWORK},
    {.what = "SPF that is not known",
     .spf = {false, {.result = SPF_PASS, .narrow = true, .domain = STR_INIT("a.example")}},
     .keys = NETWORK},
    {.what = "SPF that says nothing",
     .spf = {true, {.result = SPF_PASS, .domain = STR_INIT("a.example")}},
     .keys = NETWORK},
    {.what = "a top-level domain", .spf = NARROW("example", SPF_PASS), .keys = NETWORK},
    {.what = "a public suffix", .spf = NARROW("co.uk", SPF_PASS), .keys = NETWORK},
    {.what = "below one", .spf = NARROW("b.co.uk", SPF_PASS), .keys = KEY("b.co.uk") NETWORK},
    {.what = "further below",
     .spf = NARROW("a.b.co.uk", SPF_PASS),
     .keys = KEY("a.b.co.uk") NETWORK},
    {.what = "no domain", .spf = NARROW("", SPF_PASS), .keys = NETWORK},
    {.what = "a signature of the author",
     .n_dkim = 1,
     .dkim = {SIGNED("b.example")},
     .n_dmarc = 1,
     .dmarc = {{.dkim_aligned = true, .author_domain = STR_INIT("B.example")}},
     .keys = KEY("b.example") NETWORK},
    {.what = "and of another, who is not aligned",
     .n_dkim = 3,
     .dkim = {SIGNED("c.example"), SIGNED("b.example"), SIGNED("xb.example")},
     .n_dmarc = 1,
     .dmarc = {{.dkim_aligned = true, .author_domain = STR_INIT("b.example")}},
     .keys = KEY("b.example") NETWORK},
    {.what = "one that does not hold",
     .n_dkim = 2,
     .dkim = {{.result = DKIM_FAIL, .domain = STR_INIT("b.example")},
              {.result = DKIM_PASS, .domain = STR_INIT("c.example")}},
     .n_dmarc = 1,
     .dmarc = {{.dkim_aligned = true, .author_domain = STR_INIT("b.example")}},
     .keys = NETWORK},
    {.what = "DMARC did not pass by DKIM",
     .n_dkim = 1,
     .dkim = {SIGNED("b.example")},
     .n_dmarc = 1,
     .dmarc = {{.author_domain = STR_INIT("b.example")}},
     .keys = NETWORK},
    {.what = "DMARC was not asked", .n_dkim = 1, .dkim = {SIGNED("b.example")}, .keys = NETWORK},
    {.what = "the second author",
     .n_dkim = 1,
     .dkim = {SIGNED("b.example")},
     .n_dmarc = 2,
     .dmarc = {{.dkim_aligned = true, .author_domain = STR_INIT("c.example")},
               {.dkim_aligned = true, .author_domain = STR_INIT("b.example")}},
     .keys = KEY("b.example") NETWORK},
    {.what = "at and below the organizational domain",
     .n_dkim = 3,
     .dkim = {SIGNED("org.example"), SIGNED("m.org.example"), SIGNED("xorg.example")},
     .n_dmarc = 1,
     .dmarc = {{.dkim_aligned = true,
                .author_domain = STR_INIT("www.org.example"),
                .organizational_domain = STR_INIT("org.example")}},
     .keys = KEY("m.org.example") KEY("org.example") NETWORK},
    {.what = "the same domain twice",
     .spf = NARROW("b.example", SPF_PASS),
     .n_dkim = 2,
     .dkim = {SIGNED("b.example"), SIGNED("m.b.example")},
     .n_dmarc = 1,
     .dmarc = {{.dkim_aligned = true,
                .author_domain = STR_INIT("b.example"),
                .organizational_domain = STR_INIT("b.example")}},
     .keys = KEY("b.example") KEY("m.b.example") NETWORK},
};

static void keys(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof keys_cases / sizeof *keys_cases; i++) {
        const struct keys_case *c = &keys_cases[i];
        struct rig r;
        rig_begin(&r, ON, "");
        r.evidence.spf.mail_from = c->spf;
        r.evidence.dkim =
            (struct evidence_dkim){.checked = true, .n = c->n_dkim, .signatures = c->dkim};
        r.evidence.dmarc.n = c->n_dmarc;
        r.evidence.dmarc.outcomes = c->dmarc;
        assert_string_equal(look_up(&r), "new");
        assert_int_equal(r.evidence.greylist.wait_s, 30);
        struct str got = remembered(r.arena);
        if (!str_eq(got, str_of(c->keys)))
            fail_msg("%s:\ngot  %.*s\nwant %s", c->what, STR_ARG(got), c->keys);
        rig_end(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(local_networks),
        cmocka_unit_test(recipients),
        cmocka_unit_test(what_spf_refuses),
        cmocka_unit_test(who_else_is_spared),
        cmocka_unit_test(when),
        cmocka_unit_test(brought_back),
        cmocka_unit_test(passes),
        cmocka_unit_test(two_pass),
        cmocka_unit_test(half_known),
        cmocka_unit_test(keys),
    };
    return cmocka_run_group_tests(tests, make_memory, drop_memory);
}
