/* Round trips: how many times one after the other a message has to wait for DNS, counted without a
 * clock. The resolver answers all that was asked by then when the test says so, or when the message
 * waits (dns_entry_wait() is wrapped by the linker): that is a round. What is asked in between is
 * answered in the next one. */
#include "test.h"

#include <stdlib.h>

#include "base/counters.h"
#include "decide/record.h"
#include "dns_held.h"
#include "session/pipeline.h"

#define QUERIES_MAX 100 /* dns.max-queries */

static struct {
    unsigned rounds, queries;
} counted;

static bool count_query(const struct dns_question *q)
{
    (void)q;
    counted.queries++;
    return true;
}

static void pass_round(void)
{
    counted.rounds++;
    held_answer();
}

const struct dns_answer *__wrap_dns_entry_wait(struct dns *dns, struct dns_entry *e,
                                               int64_t deadline_us);

const struct dns_answer *__wrap_dns_entry_wait(struct dns *dns, struct dns_entry *e,
                                               int64_t deadline_us)
{
    (void)dns, (void)deadline_us;
    while (!dns_entry_answer(e)) {
        assert_true(held.n > 0);
        pass_round();
    }
    return dns_entry_answer(e);
}

/* --- the mail --- */

static const char ZONE[] =
    "plain.example. TXT \"v=spf1 ip4:192.0.2.1 -all\"\n"
    "one.example. TXT \"v=spf1 include:pool0.example -all\"\n"
    "two.example. TXT \"v=spf1 include:news.example include:pool1.example -all\"\n"
    "three.example. TXT \"v=spf1 redirect=pool2.example\"\n"
    "four.example. TXT \"v=spf1 include:pool3.example -all\"\n"
    "news.example. TXT \"v=spf1 ip4:203.0.113.0/24 ~all\"\n"
    "pool3.example. TXT \"v=spf1 include:pool2.example ~all\"\n"
    "pool2.example. TXT \"v=spf1 include:pool1.example ~all\"\n"
    "pool1.example. TXT \"v=spf1 include:pool0.example ~all\"\n"
    "pool0.example. TXT \"v=spf1 ip4:192.0.2.0/28 ~all\"\n"
    "mx.example. TXT \"v=spf1 mx a -all\"\nmx.example. MX 10 out.mx.example.\n"
    "out.mx.example. A 192.0.2.1\n"
    "ptr.example. TXT \"v=spf1 ptr -all\"\n1.2.0.192.in-addr.arpa. PTR c.ptr.example.\n"
    "c.ptr.example. A 192.0.2.1\nc.ptr.example. TXT \"v=spf1 -all\"\n"
    "bare.example. A 192.0.2.1\nexample. A 192.0.2.9\n"
    "np.example. TXT \"v=spf1 ip4:192.0.2.1 -all\"\nsub.np.example. A 192.0.2.1\n"
    "_dmarc.np.example. TXT \"v=DMARC1; p=quarantine; sp=quarantine; np=reject\"\n"
    "s1._domainkey.np.example. TXT \"v=DKIM1; p=\"\n"
    "s1._domainkey.alias.example. CNAME key.elsewhere.example.\n"
    "key.elsewhere.example. TXT \"v=DKIM1; p=\"\n"
    "alias.example. TXT \"v=spf1 ip4:192.0.2.1 -all\"\n"
    "bounces.plain.example. TXT \"v=spf1 include:pool0.example -all\"\n";

/* What every sender with a policy has. */
static const char *const senders[] = {"plain", "one", "two", "three", "four", "mx", "ptr", "alias"};

/* What a hostile one has: a tree of includes that never matches. */
static struct tree {
    unsigned fan, depth;
} tree;

static void add_tree(struct strbuf *b)
{
    unsigned from = 0, to = 1, n = 1;
    for (unsigned d = 0; d < tree.depth; d++) {
        for (unsigned i = from; i < to; i++) {
            sb_printf(b, "n%u.tree.example. TXT \"v=spf1", i);
            for (unsigned k = 0; k < tree.fan; k++)
                sb_printf(b, " include:n%u.tree.example", n++);
            sb_add(b, STR(" -all\"\n"));
        }
        from = to;
        to = n;
    }
    for (unsigned i = from; i < to; i++)
        sb_printf(b, "n%u.tree.example. TXT \"v=spf1 -all\"\n", i);
}

/* And one who sends a storm: ten mx of ten exchanges each, ten deep domains that sign, and an
 * author and a sender whose names have many labels. */
static bool storm;
static bool check_helo;       /* spf.check-helo */
static const char *gate = ""; /* the gate's options */
static const char *more = ""; /* of the zone */

#define DEEP "a.b.c.d.e.f.g.storm.example"

static void add_storm(struct strbuf *b)
{
    sb_add(b, STR(DEEP ". TXT \"v=spf1"));
    for (unsigned i = 0; i < 10; i++)
        sb_printf(b, " mx:m%u.storm.example", i);
    sb_add(b, STR(" -all\"\n_dmarc.storm.example. TXT \"v=DMARC1; p=reject; np=none\"\n"));
    for (unsigned i = 0; i < 100; i++)
        sb_printf(b,
                  "m%u.storm.example. MX 1 x%u.m%u.storm.example\n"
                  "x%u.m%u.storm.example. A 198.51.100.1\n",
                  i / 10, i % 10, i / 10, i % 10, i / 10);
}

static struct str zone_of(struct arena *a)
{
    struct strbuf b;
    sb_init(&b, a);
    sb_add(&b, str_of(more));
    sb_add(&b, str_of(ZONE));
    for (size_t i = 0; i < sizeof senders / sizeof *senders; i++) {
        sb_printf(&b, "_dmarc.%s.example. TXT \"v=DMARC1; p=reject\"\n", senders[i]);
        if (strcmp(senders[i], "alias"))
            sb_printf(&b, "s1._domainkey.%s.example. TXT \"v=DKIM1; p=\"\n", senders[i]);
    }
    add_tree(&b);
    if (storm)
        add_storm(&b);
    sb_addc(&b, '\0');
    return sb_str(&b);
}

struct mail {
    const char *what;
    const char *sender, *author, *signer; /* domains; signer NULL: not signed */
};

struct played {
    unsigned rounds;  /* after the last byte */
    unsigned queries; /* with cold caches */
    unsigned warm;    /* of the same message once more */
    enum spf_result spf, helo;
    enum dmarc_result dmarc;
    enum iprev_result iprev;
    char dkim[200]; /* the results */
};

/* How the MTA tells the message: how many rounds pass until RCPT, and until the last byte. Both
 * MTAs tell header and body after that. */
struct dialogue {
    unsigned to_rcpt, to_content;
};

static void play_points(struct pipeline *p, struct dns_asker *asker, const struct dialogue *d)
{
    pipeline_mail(p);
    for (unsigned i = 0; i < d->to_rcpt; i++)
        pass_round();
    pipeline_rcpt(p);
    for (unsigned i = 0; i < d->to_content; i++)
        pass_round();
    counted.rounds = 0;
    pipeline_eoh(p);
    pipeline_body(p, "x\r\n", 3);
    asker->may_pend = false;
    asker->patience_us = 1000000000;
    pipeline_eom(p);
}

static void add_signatures(struct arena *a, struct header_list *headers, const struct mail *mail)
{
    unsigned n = storm ? 20 : mail->signer ? 1 : 0;
    for (unsigned i = 0; i < n; i++) {
        struct str below = storm ? str_printf(a, "s%u.x.y.z.", i) : STR("");
        header_list_add(headers, STR("DKIM-Signature"),
                        str_printf(a,
                                   " v=1; a=rsa-sha256; d=%.*s%s; s=s1; h=from; b=AAAA;\n"
                                   "\tbh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
                                   STR_ARG(below), mail->signer));
    }
}

static void take_results(const struct evidence *e, struct played *out)
{
    out->spf = e->spf.mail_from.outcome.result;
    out->helo = e->spf.helo.outcome.result;
    out->dmarc = e->dmarc.result;
    out->iprev = e->client.iprev;
    out->dkim[0] = '\0';
    for (size_t i = 0; i < e->dkim.n; i++) {
        strcat(out->dkim, " ");
        strcat(out->dkim, dkim_result_name(e->dkim.signatures[i].result));
    }
}

static void play_once(struct dns *dns, const struct mail *mail, const struct dialogue *d,
                      struct played *out)
{
    struct arena *a = arena_new(0);
    struct conf_problems problems;
    conf_problems_init(&problems, a);
    struct conf *conf = conf_parse(str_printf(a,
                                              "authserv-id = \"mx.recv.example\";\n"
                                              "dkim = { max-signatures = 20; };\n"
                                              "spf = { check-helo = %s; };%s",
                                              check_helo ? "true" : "false", gate),
                                   &problems);
    struct key_cache *keys = key_cache_new(1 << 20);
    struct session session = {.arena = a, .smtp = true, .helo = STR("c.ptr.example")};
    struct message message = {.arena = a, .now = 1795000000, .origin = ORIGIN_INBOUND};
    struct evidence evidence = {0};
    struct dns_asker asker = {.dns = dns, .arena = a, .may_pend = true};
    struct stage_run run = {.conf = conf,
                            .session = &session,
                            .message = &message,
                            .evidence = &evidence,
                            .asker = &asker,
                            .keys = keys};
    assert_non_null(conf);
    netaddr_parse(STR("192.0.2.1"), &session.client);
    message.from_text = str_printf(a, "<x@%s>", mail->sender);
    mail_path_parse(message.from_text, &message.from);
    header_list_init(&message.headers, a);
    header_list_add(&message.headers, STR("From"), str_printf(a, " <x@%s>", mail->author));
    add_signatures(a, &message.headers, mail);
    play_points(pipeline_new(&run), &asker, d);
    assert_true(evidence.spf.mail_from.checked);
    assert_true(evidence.dmarc.checked);
    take_results(&evidence, out);
    const struct verdict verdict = {0};
    record_count(POINT_EOM, &(struct telling){.stages = stages_all,
                                              .message = &message,
                                              .evidence = &evidence,
                                              .verdict = &verdict});
    key_cache_free(keys);
    conf_free(conf);
    arena_free(a);
}

static struct played play(const struct mail *mail, const struct dialogue *d)
{
    static const struct dialogue at_once = {0, 0};
    struct arena *a = arena_new(0);
    struct dns *dns = held_open(zone_of(a).p, count_query, NULL);
    counted.queries = 0;
    struct played played, again;
    play_once(dns, mail, d, &played);
    played.rounds = counted.rounds;
    while (held.n)
        pass_round();
    played.queries = counted.queries;
    play_once(dns, mail, &at_once, &again);
    /* No result depends on the cache. */
    assert_int_equal(again.spf, played.spf);
    assert_int_equal(again.helo, played.helo);
    assert_int_equal(again.dmarc, played.dmarc);
    assert_int_equal(again.iprev, played.iprev);
    assert_string_equal(again.dkim, played.dkim);
    played.warm = counted.queries - played.queries;
    dns_close(dns);
    arena_free(a);
    return played;
}

/* After the last byte: the depth of SPF's look-ups, where the client sends everything at once; what
 * is left of it by then, where it does not; and one round for keys and policy, two where the policy
 * leads to one more question. */
static void rounds(void **state)
{
    static const struct dialogue at_once = {0, 0}, quick = {1, 1}, pipelined = {0, 4};
    static const struct {
        struct mail mail;
        unsigned at_once, quick, pipelined, queries;
    } cases[] = {
        {{"SPF direct", "plain.example", "plain.example", "plain.example"}, 1, 1, 1, 4},
        {{"SPF, one include", "one.example", "one.example", "one.example"}, 2, 1, 1, 5},
        {{"SPF, two deep", "two.example", "two.example", "two.example"}, 3, 1, 1, 7},
        {{"SPF, three deep", "three.example", "three.example", "three.example"}, 4, 2, 1, 7},
        {{"SPF, four deep", "four.example", "four.example", "four.example"}, 5, 3, 1, 8},
        {{"SPF, mx and a", "mx.example", "mx.example", "mx.example"}, 3, 1, 1, 7},
        {{"SPF, ptr", "ptr.example", "ptr.example", "ptr.example"}, 3, 1, 1, 6},
        {{"key by CNAME", "alias.example", "alias.example", "alias.example"}, 1, 1, 1, 4},
        {{"bounce address below author", "bounces.plain.example", "plain.example", "plain.example"},
         2,
         1,
         1,
         6},
        {{"sent for by another", "one.example", "plain.example", "plain.example"}, 2, 1, 1, 5},
        {{"subdomain without policy", "np.example", "sub.np.example", "np.example"}, 2, 2, 2, 6},
        {{"the same, SPF two deep", "two.example", "sub.np.example", "np.example"}, 3, 2, 2, 9},
        {{"nothing published", "bare.example", "bare.example", NULL}, 1, 1, 1, 3},
        {{"unsigned", "one.example", "one.example", NULL}, 2, 1, 1, 4},
        {{"np of its own", "np.example", "np.example", "np.example"}, 1, 1, 1, 4},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct mail *mail = &cases[i].mail;
        struct played a = play(mail, &at_once), b = play(mail, &quick), c = play(mail, &pipelined);
        print_message("%s: %u, %u, %u rounds; %u queries\n", mail->what, a.rounds, b.rounds,
                      c.rounds, a.queries);
        assert_int_equal(a.rounds, cases[i].at_once);
        assert_int_equal(b.rounds, cases[i].quick);
        assert_int_equal(c.rounds, cases[i].pipelined);
        /* It is asked earlier, not more. */
        assert_int_equal(a.queries, cases[i].queries);
        assert_int_equal(b.queries, cases[i].queries);
        assert_int_equal(c.queries, cases[i].queries);
        assert_int_equal(a.warm, 0);
    }
}

/* An errand asks for no more than the evaluation: see the same trees in test_spf_dns.c. */
static void hostile_trees(void **state)
{
    static const struct dialogue dialogues[] = {{0, 0}, {1, 1}, {0, 20}, {20, 0}, {3, 2}};
    static const struct {
        struct tree tree;
        unsigned most;
    } trees[] = {
        {{10, 3}, 11}, {{20, 2}, 11}, {{6, 3}, 11}, {{5, 4}, 15},
        {{4, 4}, 15},  {{3, 5}, 15},  {{2, 7}, 15}, {{1, 12}, 11},
    };
    static const struct mail mail = {"tree", "n0.tree.example", "bare.example", NULL};
    (void)state;
    for (size_t i = 0; i < sizeof trees / sizeof *trees; i++) {
        tree = trees[i].tree;
        for (size_t k = 0; k < sizeof dialogues / sizeof *dialogues; k++) {
            struct played p = play(&mail, &dialogues[k]);
            assert_int_equal(p.spf, SPF_PERMERROR);
            assert_in_range(p.queries, 1, trees[i].most + 2); /* and two for DMARC */
        }
    }
    tree = (struct tree){0};
}

/* HELO is evaluated when it is known what MAIL FROM leaves of the queries; its record is there. */
static void helo(void **state)
{
    static const struct dialogue at_once = {0, 0}, quick = {1, 1};
    static const struct mail mail = {"HELO", "two.example", "bare.example", NULL};
    (void)state;
    check_helo = true;
    struct played a = play(&mail, &at_once), b = play(&mail, &quick);
    check_helo = false;
    assert_int_equal(a.spf, SPF_PASS);
    assert_int_equal(a.helo, SPF_FAIL);
    assert_int_equal(a.rounds, 3);
    assert_int_equal(b.rounds, 1);
    assert_int_equal(a.queries, b.queries);
}

/* However the message comes, it costs no more queries than it may, and its results are the same. */
static void a_storm_has_an_end(void **state)
{
    static const struct dialogue dialogues[] = {{0, 0}, {1, 1}, {0, 20}, {20, 0}, {3, 2}, {40, 40}};
    static const struct mail mail = {"storm", DEEP, DEEP, "storm.example"};
    (void)state;
    storm = check_helo = true;
    for (size_t k = 0; k < sizeof dialogues / sizeof *dialogues; k++) {
        uint64_t before = counter_get(CTR_DNS_OUT_OF_QUERIES);
        struct played p = play(&mail, &dialogues[k]);
        assert_int_equal(counter_get(CTR_DNS_OUT_OF_QUERIES), before + 2); /* it is played twice */
        print_message("storm %zu: %u queries\n", k, p.queries);
        assert_int_equal(p.spf, SPF_PERMERROR);
        assert_int_equal(p.helo, SPF_PERMERROR);
        assert_int_equal(p.dmarc, DMARC_FAIL);
        assert_string_equal(p.dkim, " permerror permerror permerror permerror permerror permerror "
                                    "permerror permerror permerror permerror policy policy policy "
                                    "policy policy policy policy policy policy policy");
        assert_in_range(p.queries, 60, QUERIES_MAX);
    }
    storm = check_helo = false;
}

/* Lists, the client's name and the sender's domain are asked about while SPF is: nobody waits for
 * them longer. */
static void the_gate_is_asked_ahead(void **state)
{
    static const struct dialogue at_once = {0, 0}, quick = {1, 1};
    static const struct mail mail = {"gate", "mx.example", "mx.example", "mx.example"};
    (void)state;
    unsigned without = play(&mail, &quick).queries;
    gate = "client = { iprev = \"check\"; }; sender = { mode = \"enforce\"; };\n"
           "dnsbl = { lists = ( { zone = \"bl.example\"; weight = 10; },\n"
           "{ zone = \"allow.example\"; kind = \"allow\"; weight = -5; },\n"
           "{ zone = \"dbl.example\"; kind = \"domain\"; weight = 6; } ); };";
    struct played slow = play(&mail, &at_once), fast = play(&mail, &quick);
    gate = "";
    assert_int_equal(slow.rounds, 3);
    assert_int_equal(fast.rounds, 1);
    /* Of each list both test points, one of a list of domains; the address, or two names; PTR and
     * its A; AAAA of the exchange. */
    assert_int_equal(fast.queries, without + 3 + 3 + 3 + 2 + 1);
}

/* All names of the client are looked up at once; the last one leads back. */
static void a_client_of_many_names(void **state)
{
    static const struct dialogue at_once = {0, 0}, quick = {1, 1};
    static const struct mail mail = {"names", "plain.example", "plain.example", NULL};
    (void)state;
    gate = "client = { iprev = \"check\"; };";
    more =
        "1.2.0.192.in-addr.arpa. PTR a.ptr.example.\n1.2.0.192.in-addr.arpa. PTR b.ptr.example.\n"
        "a.ptr.example. A 192.0.2.2\nb.ptr.example. A 192.0.2.3\n";
    struct played slow = play(&mail, &at_once), fast = play(&mail, &quick);
    gate = more = "";
    assert_int_equal(slow.iprev, IPREV_PASS);
    assert_int_equal(fast.iprev, IPREV_PASS);
    assert_int_equal(slow.rounds, 2);
    assert_int_equal(fast.rounds, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounds),
        cmocka_unit_test(the_gate_is_asked_ahead),
        cmocka_unit_test(a_client_of_many_names),
        cmocka_unit_test(hostile_trees),
        cmocka_unit_test(helo),
        cmocka_unit_test(a_storm_has_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
