/* dmarc_prefetch(): what is asked before it is needed, and what is asked when answers come, while
 * no thread waits. */
#include "dmarc_rig.h"
#include "dns_manual.h"

#include <unistd.h>

/* Queries for the message, its errands' too: these count theirs just after they were sent. */
static unsigned queries_at_last(struct setting *s, unsigned expected)
{
    for (int i = 0; i < 2000 && s->asker.queries != expected; i++) {
        usleep(1000);
        dns_prefetch(&s->asker, s->request.author_domain, DNS_CNAME); /* it is known by now */
    }
    return s->asker.queries;
}

/* What is prefetched is what is asked for, in a resolver whose answers are late. */
static void prefetch(void **state)
{
    (void)state;
    static const char zone[] = "_dmarc.example.com. DELAY 20ms\n"
                               "_dmarc.example.com. TXT \"v=DMARC1; p=reject; np=none\"\n"
                               "_dmarc.com. DELAY 20ms\n";
    struct setting *s = open_zone(zone, "a.b.example.com");
    dmarc_prefetch(s->request.author_domain, NULL, &s->asker);
    assert_int_equal(s->asker.queries, 4);
    assert_int_equal(s->asker.waited_us, 0);
    assert_int_equal(s->asker.patience_us, 1000000);
    assert_false(s->asker.may_pend);

    evaluate(s);
    assert_int_equal(s->outcome.result, DMARC_FAIL);
    assert_int_equal(s->outcome.policy_tag, 'n');
    assert_int_equal(queries_at_last(s, 5), 5); /* and whether the author domain exists */
    assert_int_equal(s->outcome.queries, 5);

    /* The policy is known now, so it is known that existence matters for its neighbour. */
    struct dns_asker next = {.dns = s->dns, .arena = s->arena};
    dmarc_prefetch(STR("c.b.example.com"), NULL, &next);
    assert_int_equal(next.queries, 2);
    close_zone(s);
}

/* A walk that a known record has ended is not prefetched beyond it. */
static void prefetch_ends(void **state)
{
    (void)state;
    struct setting *s = open_zone("_dmarc.b.example.com. TXT \"v=DMARC1; p=reject; psd=n\"\n", "x");
    dmarc_prefetch(STR("a.b.example.com"), NULL, &s->asker);
    assert_int_equal(s->asker.queries, 2);
    close_zone(s);
}

/* By a list: two names at once, and the author domain's existence where the cache tells that it
 * matters. */
static void prefetch_by_list(void **state)
{
    (void)state;
    struct setting *s = open_zone("_dmarc.example.com. DELAY 20ms\n"
                                  "_dmarc.example.com. TXT \"v=DMARC1; p=reject; np=none\"\n"
                                  "_dmarc.own.example.com. TXT \"v=DMARC1; p=reject\"\n"
                                  "_dmarc.c.b.example.com. TXT \"hello\"\n"
                                  "_dmarc.d.b.example.com. DELAY 20ms\n",
                                  "a.b.example.com");
    struct str problem;
    s->request.psl = psl_parse(s->arena, STR("com"), &problem);
    dmarc_prefetch(s->request.author_domain, s->request.psl, &s->asker);
    assert_int_equal(s->asker.queries, 2);
    assert_int_equal(s->asker.waited_us, 0);
    evaluate(s);
    assert_int_equal(s->outcome.policy_tag, 'n');
    assert_int_equal(s->outcome.discovery, DMARC_PSL);
    assert_int_equal(s->asker.queries, 3);

    struct dns_asker next = {.dns = s->dns, .arena = s->arena};
    dns_lookup(&s->asker, STR("_dmarc.c.b.example.com"), DNS_TXT);
    dmarc_prefetch(STR("c.b.example.com"), s->request.psl, &next);
    assert_int_equal(next.queries, 1);
    struct dns_asker unknown = {.dns = s->dns, .arena = s->arena};
    dmarc_prefetch(STR("d.b.example.com"), s->request.psl, &unknown); /* it may have its own */
    assert_int_equal(unknown.queries, 1);
    struct dns_asker own = {.dns = s->dns, .arena = s->arena};
    dns_lookup(&s->asker, STR("_dmarc.own.example.com"), DNS_TXT);
    dmarc_prefetch(STR("own.example.com"), s->request.psl, &own);
    assert_int_equal(own.queries, 0);
    close_zone(s);
}

/* With a record of its own, a domain need not exist; by the walk as by the list. */
static void prefetch_of_an_own_record(void **state)
{
    (void)state;
    struct setting *s = open_zone("_dmarc.example.com. TXT \"v=DMARC1; p=reject; np=none\"\n"
                                  "_dmarc.own.b.example.com. TXT \"v=DMARC1; p=reject\"\n",
                                  "x");
    struct str own = STR("own.b.example.com"), none = STR("a.b.example.com");
    dmarc_prefetch(own, NULL, &s->asker);
    assert_int_equal(s->asker.queries, 4); /* the walk's */
    dmarc_prefetch(none, NULL, &s->asker);
    assert_int_equal(s->asker.queries, 6); /* its own record, and whether it exists */
    close_zone(s);
}

/* Of an identifier's walk what the author domain's has not, where they may be compared at all. */
static void prefetch_identifier(void **state)
{
    (void)state;
    static const struct {
        const char *domain, *author;
        unsigned queries;
    } cases[] = {
        {"a.bounce.example.com", "www.example.com", 2},
        {"www.example.com", "example.com", 1},
        {"example.com", "www.example.com", 0},
        {"www.example.com", "www.example.com", 0},
        {"badexample.com", "example.com", 0},
        {"www.example.net", "www.example.com", 0},
        {"a.com", "com", 0},
        {"com", "example.com", 0},
        {"a.b.c.d.e.f.g.h.example.com", "example.com", 6},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct setting *s = open_zone("", "x");
        dmarc_prefetch_identifier(str_of(cases[i].domain), str_of(cases[i].author), &s->asker);
        assert_int_equal(s->asker.queries, cases[i].queries);
        assert_int_equal(s->asker.lookups, 0);
        close_zone(s);
    }
}

#define NP_DIFFERS "v=DMARC1; p=reject; np=none"

static void not_traced(void *context, const struct dns_event *event)
{
    (void)context, (void)event;
    fail_msg("what is not waited for is no look-up");
}

/* The existence of the domain, if a policy above it leads to the question, and it has none. */
static void existence_is_asked_for(void **state)
{
    static const struct {
        const char *suffixes;     /* the public suffix list; or NULL */
        const char *own, *above;  /* records */
        size_t at_first, at_last; /* queries */
    } cases[] = {
        {NULL, "", NP_DIFFERS, 3, 4},
        {NULL, "", "v=DMARC1; p=reject; np=reject", 3, 3},
        {NULL, "", "", 3, 3},
        {NULL, "v=DMARC1; p=reject", NP_DIFFERS, 3, 3},
        {"com", "", NP_DIFFERS, 2, 3},
        {"com", "", "v=DMARC1; p=reject; np=reject", 2, 2},
        {"com", "v=DMARC1; p=reject", NP_DIFFERS, 2, 2},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena *a = arena_new(0);
        struct str problem;
        const struct psl *psl =
            cases[i].suffixes ? psl_parse(a, str_of(cases[i].suffixes), &problem) : NULL;
        struct dns_asker asker = {
            .dns = open_manual(1 << 20, 0), .arena = a, .patience_us = 5, .trace = not_traced};
        dmarc_prefetch(STR("a.example.com"), psl, &asker);
        assert_int_equal(asker.patience_us, 5);
        assert_false(asker.may_pend);
        assert_ptr_equal(asker.trace, not_traced);
        assert_int_equal(asked(), cases[i].at_first);
        answer_text(str_of(cases[i].own));
        answer_text(str_of(cases[i].above));
        if (cases[i].at_first > 2)
            answer_text(STR(""));
        assert_int_equal(asked(), cases[i].at_last);
        arena_free(a);
        dns_close(asker.dns);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prefetch),
        cmocka_unit_test(prefetch_ends),
        cmocka_unit_test(prefetch_by_list),
        cmocka_unit_test(prefetch_of_an_own_record),
        cmocka_unit_test(prefetch_identifier),
        cmocka_unit_test_setup_teardown(existence_is_asked_for, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
