/* spf_check() and DNS: how much it asks, what it asks ahead, checks that do not wait, hostile
 * zones. */
#include "dns_manual.h"
#include "spf_rig.h"

#include <stdio.h>

#include <time.h>

/* ---- asking ahead ---- */

/* A tree of includes, `fan` wide and `depth` deep. */
static struct str tree(struct arena *a, unsigned fan, unsigned depth)
{
    struct strbuf b;
    sb_init(&b, a);
    unsigned n = 1;
    sb_add(&b, STR("example.org. TXT \"v=spf1"));
    for (unsigned i = 0; i < fan; i++)
        sb_printf(&b, " include:n%u.org", n++);
    sb_add(&b, STR(" -all\"\n"));
    unsigned from = 1, to = n;
    for (unsigned d = 1; d < depth; d++) {
        for (unsigned i = from; i < to; i++) {
            sb_printf(&b, "n%u.org. TXT \"v=spf1", i);
            for (unsigned k = 0; k < fan; k++)
                sb_printf(&b, " include:n%u.org", n++);
            sb_add(&b, STR(" -all\"\n"));
        }
        from = to;
        to = n;
    }
    for (unsigned i = from; i < to; i++)
        sb_printf(&b, "n%u.org. TXT \"v=spf1 ip4:198.51.100.1 -all\"\n", i);
    return sb_str(&b);
}

static void include_tree_makes_no_storm(void **state)
{
    static const struct {
        unsigned fan, depth, most;
    } trees[] = {
        {10, 3, 11}, /* the record and ten terms */
        {20, 2, 11}, {6, 3, 11}, {5, 4, 15}, {4, 4, 15}, {3, 5, 15}, {2, 7, 15}, {1, 12, 11},
    };
    (void)state;
    struct arena *a = arena_new(0);
    for (size_t i = 0; i < sizeof trees / sizeof *trees; i++) {
        struct rig r = rig_open_text(tree(a, trees[i].fan, trees[i].depth));
        rig_expect(&r, "permerror", "");
        assert_int_equal(r.out.lookup_terms, 10);
        if (r.asker.queries > trees[i].most)
            print_error("fan %u depth %u: %u queries\n", trees[i].fan, trees[i].depth,
                        r.asker.queries);
        assert_true(r.asker.queries <= trees[i].most);
        rig_close(&r);
    }
    struct rig r = rig_open_text(many(a,
                                      "example.org. TXT \"v=spf1 a:n1.org a:n2.org a:n3.org "
                                      "a:n4.org a:n5.org a:n6.org a:n7.org a:n8.org a:n9.org "
                                      "a:n10.org a:n11.org a:n12.org -all\"\n",
                                      "n#.org. A 198.51.100.1\n", 12));
    rig_expect(&r, "permerror", "");
    assert_int_equal(r.asker.queries, 11);
    rig_close(&r);
    arena_free(a);
}

static void asks_nothing_that_is_not_reached(void **state)
{
    static const struct {
        const char *record;
        unsigned queries;
    } records[] = {
        {"v=spf1 ip4:192.0.2.1 a mx include:a.org -all", 1},
        {"v=spf1 all a mx include:a.org", 1},
        {"v=spf1 a:a.org ip4:192.0.2.1 mx:b.org include:c.org -all", 2},
        {"v=spf1 a:a.org -all redirect=b.org", 2},
    };
    (void)state;
    for (size_t i = 0; i < sizeof records / sizeof *records; i++) {
        char zone[200];
        snprintf(zone, sizeof zone, "example.org. TXT \"%s\"\na.org. A 198.51.100.1",
                 records[i].record);
        struct rig r = rig_open(zone);
        rig_check(&r);
        assert_int_equal(r.asker.queries, records[i].queries);
        rig_close(&r);
    }
}

/* Of an included record no more is kept than what can be reached, however many of its terms cannot
 * be asked for ahead. */
static void asks_nothing_behind_one_term_too_many(void **state)
{
    static const char zone[] = "example.org. TXT \"v=spf1 include:i.org -all\"\n"
                               "unknown.k.org. A 198.51.100.1\ni.org. TXT \"v=spf1";
    (void)state;
    struct arena *a = arena_new(0);
    struct str record = many(a, zone, " a:%{p}.k.org", 10);
    struct rig r = rig_open_text(str_printf(a, "%.*s a:l.org a:m.org -all\"\n", STR_ARG(record)));
    rig_expect(&r, "permerror", "");
    assert_int_equal(r.asker.queries, 4); /* two records, the client's names, unknown.k.org */
    rig_close(&r);
    arena_free(a);
}

static void asks_nothing_for_barred_letters(void **state)
{
    (void)state;
    char local[257];
    memset(local, '.', sizeof local);
    struct rig r = rig_open(
        "example.org. TXT \"v=spf1 a:a.org exists:%{l1}b.org -all\"\na.org. A 198.51.100.1");
    r.request.local = (struct str){local, sizeof local};
    rig_expect(&r, "fail", "-all");
    assert_int_equal(r.asker.queries, 2);
    rig_close(&r);
}

static const char SLOW[] =
    "example.org. TXT \"v=spf1 a:a.org mx include:i.org include:j.org exists:%{p}.k.org -all\"\n"
    "example.org. MX 1 m.org\nm.org. A 198.51.100.2\na.org. A 198.51.100.1\n"
    "i.org. TXT \"v=spf1 a:ia.org ~all\"\nia.org. A 198.51.100.1\n"
    "j.org. TXT \"v=spf1 ip4:198.51.100.7 ~all\"\n"
    "1.2.0.192.in-addr.arpa. PTR m.org.\nunknown.k.org. A 127.0.0.1\n"
    "example.org. DELAY 60ms\na.org. DELAY 60ms\ni.org. DELAY 60ms\nj.org. DELAY 60ms\n"
    "m.org. DELAY 60ms\nia.org. DELAY 60ms\n1.2.0.192.in-addr.arpa. DELAY 60ms\n";

/* The zone, with a delay for each of its names. */
static struct str delayed(struct arena *a, const char *zone)
{
    struct strbuf b;
    struct str rest = str_of(zone), line, name;
    sb_init(&b, a);
    sb_add(&b, rest);
    while (str_split(&rest, '\n', &line))
        if (str_split(&line, ' ', &name) && name.n)
            sb_printf(&b, "\n%.*s DELAY 10ms", STR_ARG(name));
    return sb_str(&b);
}

struct story {
    const char *zone;
    unsigned queries[8];
};

/* How many queries are under way or answered each time the check cannot go on, when all that were
 * asked for are answered in between. False, too, if some answer came later than that: a busy
 * machine may delay it. */
static bool play_rounds(const struct story *story)
{
    struct arena *a = arena_new(0);
    struct rig r = rig_open_text(delayed(a, story->zone));
    r.asker.patience_us = 0;
    r.asker.may_pend = true;
    unsigned rounds = 0, last = 0;
    bool as_told = true;
    for (rig_check(&r); r.out.pending; rig_check(&r)) {
        if (r.asker.queries != last) {
            last = r.asker.queries;
            as_told = as_told && rounds < 7 && last == story->queries[rounds];
            rounds++;
        }
        struct timespec nap = {.tv_nsec = 90000000};
        nanosleep(&nap, NULL);
    }
    as_told = as_told && story->queries[rounds] == 0;
    rig_close(&r);
    arena_free(a);
    return as_told;
}

static void queries_by_round(void **state)
{
    static const struct story stories[] = {
        /* The record; a, MX and both TXT; m; ia; PTR; exists. */
        {SLOW, {1, 5, 6, 7, 8, 9}},
        /* Includes of a modest tree side by side, and what has been evaluated no longer counts. */
        {"example.org. TXT \"v=spf1 include:a.org include:b.org -all\"\n"
         "a.org. TXT \"v=spf1 include:c.org ~all\"\nb.org. TXT \"v=spf1 include:d.org "
         "include:e.org ~all\"\n"
         "c.org. TXT \"v=spf1 ~all\"\nd.org. TXT \"v=spf1 ~all\"\ne.org. TXT \"v=spf1 ~all\"",
         {1, 3, 4, 6}},
        /* A greedy tree include by include; the terms before it at once. */
        {"example.org. TXT \"v=spf1 a:b.org a:c.org include:a.org include:b.org include:c.org "
         "include:d.org "
         "-all\"\n"
         "a.org. TXT \"v=spf1 ~all\"\nb.org. TXT \"v=spf1 ~all\"\nc.org. TXT \"v=spf1 ~all\"\n"
         "d.org. TXT \"v=spf1 ~all\"",
         {1, 4, 5, 6, 7}},
        /* The record; MX; the addresses of all exchanges. */
        {"example.org. TXT \"v=spf1 mx -all\"\n"
         "example.org. MX 1 a.org\nexample.org. MX 2 b.org\nexample.org. MX 3 c.org\n"
         "a.org. A 192.0.2.9\nb.org. A 192.0.2.8\nc.org. A 192.0.2.1",
         {1, 2, 5}},
        /* The record; PTR; those of the client's names that may match, at once. */
        {"example.org. TXT \"v=spf1 ptr -all\"\n"
         "1.2.0.192.in-addr.arpa. PTR a.example.org.\n1.2.0.192.in-addr.arpa. PTR b.example.net.\n"
         "1.2.0.192.in-addr.arpa. PTR c.example.org.\na.example.org. A 192.0.2.9\n"
         "b.example.net. A 192.0.2.1\nc.example.org. A 192.0.2.1",
         {1, 2, 4}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof stories / sizeof *stories; i++) {
        bool as_told = false;
        for (int attempt = 0; attempt < 5 && !as_told; attempt++)
            as_told = play_rounds(&stories[i]);
        if (!as_told)
            print_error("story %zu\n", i);
        assert_true(as_told);
    }
}

static void pending_until_answered(void **state)
{
    (void)state;
    struct rig r = rig_open(SLOW);
    struct rig waiting = rig_open(SLOW);
    unsigned rounds = 0;
    r.asker.patience_us = 0;
    r.asker.may_pend = true;
    for (; rounds < 10000; rounds++) {
        rig_check(&r);
        if (!r.out.pending)
            break;
        assert_int_equal(r.out.result, SPF_NONE);
        assert_int_equal(r.out.lookup_terms, 0);
        assert_int_equal(r.out.problem.n, 0);
        struct timespec nap = {.tv_nsec = 1000000};
        nanosleep(&nap, NULL);
    }
    assert_true(rounds > 10);
    rig_expect(&waiting, "pass", "exists:%{p}.k.org");
    rig_expect(&r, "pass", "exists:%{p}.k.org");
    assert_int_equal(r.out.lookup_terms, waiting.out.lookup_terms);
    assert_int_equal(r.out.void_lookups, waiting.out.void_lookups);
    assert_int_equal(r.asker.queries, waiting.asker.queries);
    rig_close(&r);
    rig_close(&waiting);
}

static void without_patience_temperror(void **state)
{
    (void)state;
    struct rig r = rig_open(SLOW);
    r.asker.patience_us = 0;
    rig_expect(&r, "temperror", "");
    rig_close(&r);
}

static void record_can_be_asked_for_early(void **state)
{
    (void)state;
    struct rig r = rig_open("example.org. TXT \"v=spf1 -all\"");
    spf_prefetch(STR("Example.Org"), &r.asker);
    assert_int_equal(r.asker.queries, 1);
    spf_prefetch(STR("localhost"), &r.asker);
    spf_prefetch(STR("[192.0.2.1]"), &r.asker);
    assert_int_equal(r.asker.queries, 1);
    rig_expect(&r, "fail", "-all");
    assert_int_equal(r.asker.queries, 1);
    rig_close(&r);
}

static void no_step(void *context, unsigned depth, struct str text)
{
    (void)context, (void)depth, (void)text;
}

/* Queries when the check waits for what has no answer for long: of a.org to f.org. `enough` of them
 * come, but with time. */
static unsigned asked_at_last(struct rig *r, unsigned enough)
{
    struct timespec nap = {.tv_nsec = 1000000};
    r->asker.patience_us = 0;
    r->asker.may_pend = true;
    for (int i = 0; i < 3000 && r->asker.queries < enough; i++) {
        rig_check(r);
        nanosleep(&nap, NULL);
    }
    rig_check(r);
    assert_true(r->out.pending);
    return r->asker.queries;
}

static void asked_while_waiting(void **state)
{
    static const struct {
        const char *record;
        struct str local;
        unsigned limit; /* of terms */
        bool listener;
        unsigned queries;
        const char *more; /* of the zone */
    } cases[] = {
        /* What cannot be asked ahead takes nothing of the budget from what can. */
        {"a:a.org exists:%{p}.x.org a:b.org", STR_INIT("user"), 2, false, 3, ""},
        {"a:a.org exists:%{l}..x.org a:b.org", STR_INIT("user"), 2, false, 3, ""},
        {"a:a.org exists:%{l}.x.org a:b.org", STR_INIT("us\xc3\xa9r"), 2, false, 3, ""},
        /* The client's names are asked for once. */
        {"a:a.org ptr a:b.org", STR_INIT("user"), 2, false, 3, ""},
        {"a:a.org ptr a:b.org", STR_INIT("user"), 3, false, 4, ""},
        {"ptr include:i.org", STR_INIT("user"), 4, false, 5, ""},
        /* A network of the client's ends what is known of a tree. */
        {"include:a.org include:b.org ip4:192.0.2.1 a:c.org a:d.org a:e.org a:f.org",
         STR_INIT("user"), 10, false, 3, ""},
        /* One of others does not, even if it is kept for a listener. */
        {"a:a.org ip4:198.51.100.1 a:b.org", STR_INIT("user"), 10, true, 3, ""},
        {"include:a.org include:b.org ip4:198.51.100.1 ip4:198.51.100.2 ip4:198.51.100.3 "
         "ip4:198.51.100.4",
         STR_INIT("user"), 10, true, 3, ""},
        /* Without the client's name the term's own is not known. */
        {"exists:%{p}.x.org", STR_INIT("user"), 10, false, 2, "1.2.0.192.in-addr.arpa. DELAY 60s"},
        {"exists:%{p}.x.org", STR_INIT("user"), 10, false, 3, "m.test. DELAY 60s"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char zone[400];
        snprintf(zone, sizeof zone,
                 "example.org. TXT \"v=spf1 %s -all\"\ni.org. TXT \"v=spf1 a:a.org ptr a:b.org\"\n"
                 "1.2.0.192.in-addr.arpa. PTR m.test.\na.org. DELAY 60s\nb.org. DELAY 60s\n%s",
                 cases[i].record, cases[i].more);
        struct rig r = rig_open(zone);
        r.request.limits.lookup_terms = cases[i].limit;
        r.request.local = cases[i].local;
        r.request.step = cases[i].listener ? no_step : NULL;
        unsigned queries = asked_at_last(&r, cases[i].queries);
        if (queries != cases[i].queries)
            fail_msg("%s: %u queries", cases[i].record, queries);
        rig_close(&r);
    }
}

/* For an address of the client's family, but exists for one of IPv4. */
static void asks_ahead_for_the_right_type(void **state)
{
    (void)state;
    struct rig r = rig_open("example.org. TXT \"v=spf1 a:a.org a:b.org exists:c.org -all\"\n"
                            "a.org. AAAA 2001:db8::1\nb.org. AAAA 2001:db8::2\n");
    assert_true(netaddr_parse(STR("2001:db8::9"), &r.request.client));
    rig_expect(&r, "fail", "-all");
    assert_int_equal(r.out.queries, 4);
    assert_int_equal(r.asker.queries, 4);
    rig_close(&r);
}

/* An errand goes on with the words of the mail, if these have at most 1024 bytes. */
static void long_words_send_no_errand(void **state)
{
    static const struct {
        size_t words, queries;
    } cases[] = {{100, 2}, {1024, 2}, {1025, 1}};
    (void)state;
    char helo[1025];
    memset(helo, 'x', sizeof helo);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r = rig_open("");
        struct dns *zone = r.asker.dns;
        r.asker =
            (struct dns_asker){.arena = r.arena, .dns = open_manual(1 << 20, 0), .may_pend = true};
        r.request.helo =
            (struct str){helo, cases[i].words - r.request.local.n - r.request.domain.n};
        rig_check(&r);
        assert_true(r.out.pending);
        assert_int_equal(asked(), 1);
        spf_check_ahead(&r.request, &r.asker);
        answer_text(STR("v=spf1 include:a.org -all"));
        assert_int_equal(asked(), cases[i].queries);
        rig_close(&r);
        dns_close(zone);
    }
}

/* Whether a name has addresses of the other family may be what cannot be known. */
static void other_family_fails(void **state)
{
    (void)state;
    struct rig r = rig_open("");
    struct dns *zone = r.asker.dns;
    r.asker =
        (struct dns_asker){.arena = r.arena, .dns = open_manual(1 << 20, 0), .may_pend = true};
    r.request.limits.void_lookups = 0;
    rig_check(&r);
    answer_text(STR("v=spf1 a -all"));
    rig_check(&r);
    answer(DNS_NODATA, 60, 0);
    rig_check(&r);
    answer(DNS_SERVFAIL, 60, 0);
    rig_expect(&r, "temperror", "");
    assert_str(r.out.problem, "look-up of AAAA for example.org failed: servfail");
    rig_close(&r);
    dns_close(zone);
}

/* ---- the budget of queries ---- */

/* All that RFC 7208 4.6.4 allows: ten mx of ten exchanges each. The client is the last exchange of
 * the mx `at`. */
static struct str ten_by_ten(struct arena *a, unsigned at)
{
    struct strbuf b;
    sb_init(&b, a);
    sb_add(&b, STR("example.org. TXT \"v=spf1"));
    for (unsigned i = 1; i <= 10; i++)
        sb_printf(&b, " mx:m%u.org", i);
    sb_add(&b, STR(" -all\"\n"));
    for (unsigned i = 1; i <= 10; i++)
        for (unsigned k = 0; k < 10; k++)
            sb_printf(&b, "m%u.org. MX %u x%u.m%u.org\nx%u.m%u.org. A %s\n", i, k, k, i, k, i,
                      i == at && k == 9 ? "192.0.2.1" : "198.51.100.1");
    return sb_str(&b);
}

static void queries_are_limited(void **state)
{
    static const struct {
        unsigned at, limit;
        const char *result, *mechanism;
        unsigned queries;
    } cases[] = {
        {10, SPF_QUERIES_ANY, "pass", "mx:m10.org", 111},
        {10, 111, "pass", "mx:m10.org", 111},
        {10, 110, "permerror", "", 110},
        {5, 60, "pass", "mx:m5.org", 56},
        {6, 60, "permerror", "", 60},
        {0, 60, "permerror", "", 60},
        {0, 111, "fail", "-all", 111},
        {1, 0, "permerror", "", 0},
        {1, 1, "permerror", "", 1},
    };
    (void)state;
    struct arena *a = arena_new(0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r = rig_open_text(ten_by_ten(a, cases[i].at));
        r.request.limits.queries = cases[i].limit;
        r.asker.spare = 10;
        /* The second time all of it is in the cache, and the result is the same. */
        for (int again = 0; again < 2; again++) {
            rig_expect(&r, cases[i].result, cases[i].mechanism);
            assert_int_equal(r.out.queries, cases[i].queries);
            assert_int_equal(r.out.out_of_queries, !strcmp(cases[i].result, "permerror"));
            assert_in_range(r.asker.queries, cases[i].queries, cases[i].queries + 10);
        }
        rig_close(&r);
    }
    arena_free(a);
}

static void queries_are_named_where_they_end(void **state)
{
    static const struct {
        const char *zone;
        unsigned limit;
    } cases[] = {
        {"example.org. TXT \"v=spf1 include:a.org -all\"\na.org. TXT \"v=spf1 -all\"", 1},
        {"example.org. TXT \"v=spf1 redirect=a.org\"\na.org. TXT \"v=spf1 +all\"", 1},
        {"example.org. TXT \"v=spf1 ptr +all\"\n1.2.0.192.in-addr.arpa. PTR a.example.org.", 2},
        {"example.org. TXT \"v=spf1 ptr +all\"", 1},
        {"example.org. TXT \"v=spf1 exists:%{p}.a.org +all\"", 1},
        {"example.org. TXT \"v=spf1 a +all\"", 1},
        {"example.org. TXT \"v=spf1 mx +all\"", 1},
        {"example.org. TXT \"v=spf1 mx +all\"\nexample.org. MX 1 a.org.", 2},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r = rig_open(cases[i].zone);
        r.request.limits.queries = cases[i].limit;
        rig_expect(&r, "permerror", "");
        assert_non_null(strstr(str_cstr(r.arena, r.out.problem), "(dns.max-queries)"));
        assert_true(r.out.out_of_queries);
        rig_close(&r);
    }
}

/* A result that is there is not lost to its explanation. */
static void no_query_is_left_for_the_explanation(void **state)
{
    (void)state;
    struct rig r =
        rig_open("example.org. TXT \"v=spf1 -all exp=why.org\"\nwhy.org. TXT \"because\"");
    r.request.limits.queries = 2;
    rig_expect(&r, "fail", "-all");
    assert_str(r.out.explanation, "because");
    r.request.limits.queries = 1;
    rig_expect(&r, "fail", "-all");
    assert_null(r.out.explanation.p);
    assert_int_equal(r.out.problem.n, 0);
    assert_false(r.out.out_of_queries);
    rig_close(&r);
}

/* ---- hostile zones ---- */

/* Of this process: what others do on the machine does not count. */
static int64_t cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void check_hostile(struct str zone, const char *result)
{
    struct rig r = rig_open_text(zone);
    int64_t begin = cpu_us();
    size_t used = arena_used(r.arena);
    rig_check(&r);
    assert_string_equal(spf_result_name(r.out.result), result);
    assert_true(cpu_us() - begin < 2000000);
    assert_true(arena_used(r.arena) - used < 256U << 10);
    assert_true(r.out.problem.n < 600);
    rig_close(&r);
}

static void hostile_records(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    const char *const txt = "example.org. TXT \"v=spf1\" ";
    /* 400 strings, 500 mechanisms, 64 KB. */
    check_hostile(many(a, txt, "\" ip4:198.51.100.#\" ", 250), "neutral");
    check_hostile(many(a, txt, "\" ip4:198.51.0.0/24\" ", 400), "neutral");
    check_hostile(many(a, txt, "\" a:n#.org\" ", 500), "permerror");
    check_hostile(many(a, txt, "\" ip6:2001:db8::#\" ", 500), "neutral");
    struct strbuf b;
    sb_init(&b, a);
    sb_add(&b, STR("example.org. TXT \"v=spf1"));
    while (b.n < 64000)
        sb_add(&b, STR(" ip4:1.1.1.1"));
    sb_add(&b, STR(" -all\""));
    check_hostile(sb_str(&b), "fail");
    b.n = 0;
    sb_add(&b, STR("example.org. TXT \"v=spf1 exists:"));
    while (b.n < 64000)
        sb_add(&b, STR("%{s1r-+}"));
    sb_add(&b, STR(" -all\""));
    check_hostile(sb_str(&b), "fail");
    b.n = 0;
    sb_add(&b, STR("example.org. TXT \"v=spf1 "));
    for (int i = 0; i < 16000; i++)
        sb_add(&b, STR("\\200"));
    sb_add(&b, STR("\""));
    check_hostile(sb_str(&b), "permerror");
    arena_free(a);
}

/* Macros without end, for values as long as mail can have: the work stays small. */
static void hostile_macros(void **state)
{
    static const char *const macros[] = {"%{lr}", "%{Lr}", "%{s127r.-+}", "%{l1}", "%{h}%%%_"};
    (void)state;
    struct arena *a = arena_new(0);
    char local[256];
    for (size_t i = 0; i < sizeof local; i++)
        local[i] = i % 2 ? '.' : 'a';
    for (size_t i = 0; i < sizeof macros / sizeof *macros; i++) {
        struct strbuf b;
        sb_init(&b, a);
        for (int k = 1; k <= 11; k++) {
            sb_printf(&b, "*.n%d.org. TXT \"v=spf1 include:", k);
            for (size_t begin = b.n; b.n - begin < 60000;)
                sb_add(&b, str_of(macros[i]));
            sb_printf(&b, ".n%d.org -all\"\n", k + 1);
        }
        struct rig r = rig_open_text(sb_str(&b));
        r.request.local = (struct str){local, sizeof local};
        r.request.domain = STR("x.n1.org");
        int64_t begin = cpu_us();
        rig_check(&r);
        assert_true(cpu_us() - begin < 2000000);
        assert_int_equal(r.out.result, SPF_PERMERROR);
        rig_close(&r);
    }
    arena_free(a);
}

static void hostile_zones(void **state)
{
    (void)state;
    check_hostile(STR("example.org. TXT \"v=spf1 include:a.org -all\"\n"
                      "a.org. TXT \"v=spf1 include:example.org -all\""),
                  "permerror");
    check_hostile(STR("example.org. CNAME a.org.\na.org. CNAME example.org."), "temperror");
    check_hostile(STR("example.org. TXT \"v=spf1 a:a.org -all\"\na.org. CNAME a.org."),
                  "temperror");
    check_hostile(STR("example.org. TXT \"v=spf1 ptr -all\"\n1.2.0.192.in-addr.arpa. PTR a.org.\n"
                      "a.org. CNAME b.org.\nb.org. CNAME a.org."),
                  "fail");
    check_hostile(STR("example.org. TXT \"v=spf1 redirect=%{l}.%{d}\"\n"
                      "*.example.org. TXT \"v=spf1 redirect=%{l}.%{d}\""),
                  "permerror");
}

static void odd_clients_and_senders(void **state)
{
    (void)state;
    struct rig r =
        rig_open("example.org. TXT \"v=spf1 a mx ptr exists:%{i}.%{p}.%{c}x.%{h}.%{l}.org "
                 "-all exp=%{l}.%{h}.org\"\nexample.org. A 192.0.2.1");
    r.request.client = (struct netaddr){0};
    r.request.helo = STR_NONE;
    r.request.local = STR_NONE;
    rig_check(&r);
    assert_int_equal(r.out.result, SPF_PERMERROR); /* %{c} */
    rig_close(&r);
    r = rig_open("example.org. TXT \"v=spf1 a mx ptr exists:%{i}.%{p}.%{h}.%{l}.org "
                 "-all exp=%{l}.%{h}.org\"\nexample.org. A 192.0.2.1\nexample.org. MX 1 .");
    r.request.client = (struct netaddr){0};
    r.request.helo = STR_NONE;
    rig_expect(&r, "fail", "-all");
    r.request.helo = STR("a\0b\nc\xff");
    r.request.local = STR("\0\n\xff");
    rig_expect(&r, "fail", "-all");
    rig_close(&r);
    r = rig_open("example.org. TXT \"v=spf1 a:%{h}.org exists:%{l}.org -all\"");
    r.request.helo = STR("a\nb");
    r.request.local = STR("c\x7f");
    rig_expect(&r, "fail", "-all");
    assert_int_equal(r.asker.queries, 1);
    assert_int_equal(r.out.void_lookups, 0);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(include_tree_makes_no_storm),
        cmocka_unit_test(asks_nothing_that_is_not_reached),
        cmocka_unit_test(asks_nothing_behind_one_term_too_many),
        cmocka_unit_test(asks_nothing_for_barred_letters),
        cmocka_unit_test(queries_by_round),
        cmocka_unit_test(pending_until_answered),
        cmocka_unit_test(without_patience_temperror),
        cmocka_unit_test(record_can_be_asked_for_early),
        cmocka_unit_test(asked_while_waiting),
        cmocka_unit_test(asks_ahead_for_the_right_type),
        cmocka_unit_test_setup_teardown(long_words_send_no_errand, setup, teardown),
        cmocka_unit_test_setup_teardown(other_family_fails, setup, teardown),
        cmocka_unit_test(queries_are_limited),
        cmocka_unit_test(queries_are_named_where_they_end),
        cmocka_unit_test(no_query_is_left_for_the_explanation),
        cmocka_unit_test(hostile_records),
        cmocka_unit_test(hostile_macros),
        cmocka_unit_test(hostile_zones),
        cmocka_unit_test(odd_clients_and_senders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
