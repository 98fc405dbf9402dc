/* core/gate: the queries and the patience of the gate, and what frees a message from it. */
#include "test.h"

#include "core/evidence.h"
#include "core/gate.h"
#include "core/message.h"

static void responsible_addresses(void **state)
{
    static const struct {
        struct str address;
        bool want;
    } cases[] = {
        {STR_INIT("postmaster@a.example"), true},
        {STR_INIT("abuse@a.example"), true},
        {STR_INIT("PostMaster@a.example"), true},
        {STR_INIT("ABUSE@[192.0.2.1]"), true},
        {STR_INIT("postmaster"), true},
        {STR_INIT("abuse"), true},
        {STR_INIT("post@a.example"), false},
        {STR_INIT("xabuse@a.example"), false},
        {STR_INIT("abuse@b@a.example"), false},
        {STR_INIT("@a.example"), false},
        {STR_INIT(""), false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (gate_is_responsible(cases[i].address) != cases[i].want)
            fail_msg("%s", cases[i].address.p);
}

/* --- Queries -----------------------------------------------------------------------------------*/

#define ALL 20 /* half of dns.max-queries, which client and sender share on top */

struct game {
    struct arena *arena;
    struct dns *dns;
    struct dns_asker asker;
    struct gate *gate;
};

static void begin(struct game *g, const char *zone)
{
    static const struct conf conf = {.dns_max_queries = 2 * ALL};
    struct str problem;
    *g = (struct game){.arena = arena_new(0)};
    g->dns = dns_open_zone(str_of(zone), g->arena, &problem);
    assert_non_null(g->dns);
    g->asker =
        (struct dns_asker){.dns = g->dns, .arena = g->arena, .patience_us = INT64_C(10000000)};
    g->gate = gate_new(&conf, &g->asker);
}

static void end(struct game *g)
{
    arena_free(g->arena);
    dns_close(g->dns);
}

static enum dns_status status_of(struct game *g, unsigned number)
{
    struct str name = str_printf(g->arena, "n%u.example", number);
    return gate_lookup(g->gate, name, DNS_A)->status;
}

/* None of them is the message's. */
static void a_share_of_its_own(void **state)
{
    struct game g;
    (void)state;
    begin(&g, "example. A 192.0.2.1\n");
    for (unsigned i = 0; i < ALL; i++)
        assert_int_equal(status_of(&g, i), DNS_NXDOMAIN);
    assert_int_equal(status_of(&g, ALL), DNS_SERVFAIL);
    assert_int_equal(g.asker.queries, 0);
    assert_int_equal(g.asker.lookups, 0);
    end(&g);
}

/* What is started is counted, and beyond the share nothing is. */
static void what_is_started_counts(void **state)
{
    struct game g;
    (void)state;
    begin(&g, "example. A 192.0.2.1\n");
    for (unsigned i = 0; i < 2 * ALL; i++)
        gate_start(g.gate, str_printf(g.arena, "n%u.example", i), DNS_A);
    assert_int_equal(status_of(&g, 2 * ALL), DNS_SERVFAIL);
    end(&g);
    begin(&g, "example. A 192.0.2.1\n");
    gate_start(g.gate, STR("n0.example"), DNS_A);
    for (unsigned i = 0; i < ALL; i++)
        assert_int_equal(status_of(&g, i), DNS_NXDOMAIN);
    assert_int_equal(status_of(&g, ALL), DNS_SERVFAIL);
    end(&g);
}

/* It waits with the message's patience, and the message has waited then. */
static void the_patience_of_the_message(void **state)
{
    struct game g;
    (void)state;
    begin(&g, "slow.example. A 192.0.2.1\nslow.example. DELAY 20ms\n"
              "slower.example. A 192.0.2.1\nslower.example. DELAY 20ms\n"
              "late.example. A 192.0.2.1\nlate.example. DELAY 3600s\n");
    const int64_t patience = g.asker.patience_us;
    assert_int_equal(gate_lookup(g.gate, STR("slow.example"), DNS_A)->status, DNS_ANSWER);
    const int64_t first = g.asker.waited_us;
    assert_true(first > 0);
    assert_int_equal(g.asker.patience_us, patience - first);
    assert_int_equal(gate_lookup(g.gate, STR("slower.example"), DNS_A)->status, DNS_ANSWER);
    assert_true(g.asker.waited_us > first);
    assert_int_equal(g.asker.patience_us, patience - g.asker.waited_us);
    g.asker.patience_us = 0;
    assert_int_equal(gate_lookup(g.gate, STR("late.example"), DNS_A)->status, DNS_TIMEOUT);
    g.asker.may_pend = true;
    assert_int_equal(gate_lookup(g.gate, STR("late.example"), DNS_A)->status, DNS_PENDING);
    end(&g);
}

/* --- Exceptions --------------------------------------------------------------------------------*/

#define FREE  "free.example"
#define OTHER "other.example"

struct words {
    const char *from, *helo;    /* from: "" is the null sender */
    const char *spf, *spf_helo; /* "pass free.example": result and domain; NULL: not checked */
    const char *dkim;           /* the same; "": none is there; NULL: not checked */
    enum gate_freedom want;
};

static enum spf_result spf_result_of(struct str word)
{
    return str_eq(word, STR("pass"))        ? SPF_PASS
           : str_eq(word, STR("temperror")) ? SPF_TEMPERROR
                                            : SPF_FAIL;
}

static struct evidence_spf_identity identity_of(const char *text)
{
    struct str rest = str_of(text), word;
    if (!text)
        return (struct evidence_spf_identity){0};
    str_split(&rest, ' ', &word);
    return (struct evidence_spf_identity){
        .checked = true, .outcome = {.result = spf_result_of(word), .domain = rest}};
}

/* One more, which would free the message, stands behind the last one. */
static size_t signatures_of(const char *text, struct dkim_signature out[4])
{
    struct str rest = str_of(text), one, word;
    size_t n = 0;
    while (str_split(&rest, ',', &one)) {
        str_split(&one, ' ', &word);
        out[n++] =
            (struct dkim_signature){.result = str_eq(word, STR("pass"))        ? DKIM_PASS
                                              : str_eq(word, STR("temperror")) ? DKIM_TEMPERROR
                                                                               : DKIM_FAIL,
                                    .domain = one};
    }
    out[n] = (struct dkim_signature){.result = DKIM_PASS, .domain = STR(FREE)};
    return n;
}

static enum gate_freedom freedom(const struct conf *conf, const struct words *w, struct arena *a)
{
    struct dkim_signature signatures[4];
    const struct session session = {.smtp = true, .helo = str_of(w->helo)};
    const struct message message = {
        .arena = a, .from = {.null = !*w->from, .local = STR("a"), .domain = str_of(w->from)}};
    const struct evidence evidence = {
        .spf = {.mail_from = identity_of(w->spf), .helo = identity_of(w->spf_helo)},
        .dkim = {
            .checked = w->dkim, .n = signatures_of(w->dkim, signatures), .signatures = signatures}};
    return gate_freedom(conf, &session, &message, &evidence, a);
}

/* At DATA DKIM is not checked; at the end of the message everything is. */
static void domains_that_free(void **state)
{
    static const struct words cases[] = {
        {OTHER, OTHER, NULL, NULL, NULL, GATE_BOUND},
        {FREE, OTHER, NULL, NULL, NULL, GATE_UNSURE},
        {"Free.Example.", OTHER, NULL, NULL, NULL, GATE_UNSURE},
        {OTHER, FREE, NULL, NULL, NULL, GATE_BOUND},
        {"", FREE, NULL, NULL, NULL, GATE_UNSURE},
        {"", OTHER, NULL, NULL, NULL, GATE_BOUND},
        /* SPF says pass. */
        {FREE, OTHER, "pass " FREE, NULL, NULL, GATE_FREE},
        {FREE, OTHER, "pass " FREE, NULL, "", GATE_FREE},
        {FREE, OTHER, "pass " FREE, NULL, "fail " FREE, GATE_FREE},
        {OTHER, OTHER, "pass " OTHER, NULL, "", GATE_BOUND},
        {OTHER, OTHER, "pass " OTHER, "pass " FREE, "", GATE_FREE},
        {OTHER, OTHER, "pass " OTHER, "pass " FREE, NULL, GATE_FREE},
        {OTHER, OTHER, "pass " OTHER, "pass " OTHER, "", GATE_BOUND},
        /* It does not, or cannot. */
        {FREE, OTHER, "fail " FREE, NULL, NULL, GATE_UNSURE},
        {FREE, OTHER, "fail " FREE, NULL, "", GATE_BOUND},
        {FREE, OTHER, "fail " FREE, "fail " FREE, "", GATE_BOUND},
        {FREE, OTHER, "temperror " FREE, NULL, NULL, GATE_UNSURE},
        {FREE, OTHER, "temperror " FREE, NULL, "", GATE_UNSURE},
        {OTHER, OTHER, "fail " OTHER, "temperror " FREE, "", GATE_UNSURE},
        {FREE, OTHER, "temperror " FREE, "pass " FREE, "", GATE_FREE},
        {FREE, OTHER, "pass " FREE, "temperror " FREE, "", GATE_FREE},
        /* DKIM does. */
        {OTHER, OTHER, "fail " OTHER, NULL, "pass " FREE, GATE_FREE},
        {OTHER, OTHER, "fail " OTHER, NULL, "pass " OTHER, GATE_BOUND},
        {OTHER, OTHER, "fail " OTHER, NULL, "temperror " FREE, GATE_UNSURE},
        {OTHER, OTHER, "fail " OTHER, NULL, "temperror " OTHER, GATE_BOUND},
        {OTHER, OTHER, "fail " OTHER, NULL, "fail " FREE, GATE_BOUND},
        {FREE, OTHER, "temperror " FREE, NULL, "pass " FREE, GATE_FREE},
        {FREE, OTHER, "temperror " FREE, NULL, "fail " FREE, GATE_UNSURE},
        {OTHER, OTHER, NULL, NULL, "pass " FREE ",temperror " FREE, GATE_FREE},
        {OTHER, OTHER, NULL, NULL, "temperror " FREE ",pass " FREE, GATE_FREE},
        {OTHER, OTHER, NULL, NULL, "temperror " FREE ",pass " OTHER, GATE_UNSURE},
        {OTHER, OTHER, NULL, NULL, "fail " FREE ",temperror " FREE, GATE_UNSURE},
        {OTHER, OTHER, NULL, NULL, "pass " OTHER ",fail " OTHER ",pass " FREE, GATE_FREE},
        /* Not known though the end has come: an engine gave no result. */
        {FREE, OTHER, NULL, NULL, "", GATE_UNSURE},
    };
    static struct str names[] = {STR_INIT(FREE)};
    struct arena *a = arena_new(0);
    const struct conf conf = {.exceptions_domains = {.v = names, .n = 1}, .dkim_mode = SWITCH_ON},
                      without = {.dkim_mode = SWITCH_ON};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum gate_freedom got = freedom(&conf, &cases[i], a);
        if (got != cases[i].want)
            fail_msg("case %zu: %d, not %d", i, (int)got, (int)cases[i].want);
        assert_int_equal(freedom(&without, &cases[i], a), GATE_BOUND);
    }
    arena_free(a);
}

/* Without DKIM, or where SPF is not asked, nothing more can come. */
static void what_may_come_yet(void **state)
{
    static struct str names[] = {STR_INIT(FREE)};
    static const struct words failed = {FREE, OTHER, "fail " FREE, NULL, NULL, 0};
    struct arena *a = arena_new(0);
    struct conf conf = {.exceptions_domains = {.v = names, .n = 1}, .dkim_mode = SWITCH_ON};
    const struct session session = {.smtp = true, .helo = STR(OTHER)};
    const struct message message = {.arena = a, .from = {.local = STR("a"), .domain = STR(FREE)}};
    struct evidence skipped = {.spf = {.skipped = STR("it is off")}};
    (void)state;
    assert_int_equal(freedom(&conf, &failed, a), GATE_UNSURE);
    assert_int_equal(gate_freedom(&conf, &session, &message, &skipped, a), GATE_UNSURE);
    skipped.dkim.checked = true;
    assert_int_equal(gate_freedom(&conf, &session, &message, &skipped, a), GATE_BOUND);
    skipped.dkim.checked = false;
    conf.dkim_mode = SWITCH_OFF;
    assert_int_equal(freedom(&conf, &failed, a), GATE_BOUND);
    assert_int_equal(gate_freedom(&conf, &session, &message, &skipped, a), GATE_BOUND);
    arena_free(a);
}

/* One that was refused does not count, nor does what stands behind the last one. */
static void recipients_that_free(void **state)
{
    static struct str names[] = {STR_INIT("free@here.example")};
    static const struct {
        const char *first, *second;
        bool refused; /* the second */
        enum gate_freedom want;
    } cases[] = {
        {"a@here.example", "b@here.example", false, GATE_BOUND},
        {"free@here.example", "b@here.example", false, GATE_FREE},
        {"a@here.example", "free@here.example", false, GATE_FREE},
        {"a@here.example", "free@here.example", true, GATE_BOUND},
        {"free@here.example", "free@here.example", true, GATE_FREE},
    };
    struct arena *a = arena_new(0);
    const struct conf conf = {.exceptions_recipients = {.v = names, .n = 1}}, without = {0};
    const struct session session = {.smtp = true};
    const struct evidence evidence = {0};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct recipient all[] = {{.address = str_of(cases[i].first)},
                                  {.address = str_of(cases[i].second), .refused = cases[i].refused},
                                  {.address = names[0]}};
        const struct message message = {
            .arena = a, .recipients = all, .recipients_kept = 2, .n_recipients = 2};
        assert_int_equal(gate_freedom(&conf, &session, &message, &evidence, a), cases[i].want);
        assert_int_equal(gate_freedom(&without, &session, &message, &evidence, a), GATE_BOUND);
    }
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(responsible_addresses),  cmocka_unit_test(a_share_of_its_own),
        cmocka_unit_test(what_is_started_counts), cmocka_unit_test(the_patience_of_the_message),
        cmocka_unit_test(domains_that_free),      cmocka_unit_test(what_may_come_yet),
        cmocka_unit_test(recipients_that_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
