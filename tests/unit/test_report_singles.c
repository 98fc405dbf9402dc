/* failure reports: a page of their list costs the same wherever it is in the list, and domains
 * share the pages that single ones, and other reports, get as files. A page of one source costs
 * the same among many. */
#include "test.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "report/in/received_store.h"
#include "report/page/site.h"

#define TODAY INT64_C(20786) /* 29 Nov 2026 */

static const struct conf_strings ours = {.all = true};

struct rig {
    char dir[64];
    struct arena *a;
    struct received *store;
    unsigned char digest[FIND_DIGEST]; /* of the last report */
};

static int set_up(void **state)
{
    struct rig *r = calloc(1, sizeof *r);
    struct str problem;
    strcpy(r->dir, "/tmp/assay-singles-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    r->a = arena_new(0);
    r->store = received_open(str_printf(r->a, "%s/received.db", r->dir), r->a, &problem);
    assert_non_null(r->store);
    assert_true(received_begin(r->store));
    *state = r;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *r = *state;
    char command[128];
    received_close(r->store);
    arena_free(r->a);
    snprintf(command, sizeof command, "rm -rf '%s'", r->dir);
    assert_int_equal(system(command), 0);
    free(r);
    return 0;
}

/* So many days before today; each is older than the one before it. */
static void put(struct rig *r, struct str domain, int64_t days)
{
    size_t n = 0;
    while (++r->digest[n] == 0)
        n++;
    int64_t received = (TODAY - days + 1) * 86400 - 1 - r->digest[0] - r->digest[1] * 256;
    const struct failure_report report = {
        .domain = domain, .source = {.family = 4, .bytes = {192, 0, 2, 1}}, .incidents = 1};
    assert_int_equal(received_put_failure(r->store, &report, r->digest, received), RECEIVED_NEW);
}

static struct figures_filter filter_of(struct str domain, struct str source)
{
    return (struct figures_filter){.owner = {.domains = &ours},
                                   .domain = domain,
                                   .from_day = TODAY - 29,
                                   .to_day = TODAY,
                                   .source = source};
}

/* --- The list ----------------------------------------------------------------------------------*/

/* Rows of what a statement reads from beginning to end. */
static int count_scanned(unsigned what, void *scanned, void *statement, void *time)
{
    int *sum = scanned;
    (void)what, (void)time;
    *sum += sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_FULLSCAN_STEP, 0);
    return 0;
}

static void assert_page(struct rig *r, const struct figures_filter *f, int64_t skip, size_t want)
{
    struct figures_single *v;
    size_t n;
    int scanned = 0;
    sqlite3_trace_v2(r->store->db.sqlite, SQLITE_TRACE_PROFILE, count_scanned, &scanned);
    assert_true(figures_singles(r->store, f, skip, 20, r->a, &n, &v));
    sqlite3_trace_v2(r->store->db.sqlite, 0, NULL, NULL);
    assert_int_equal(n, want);
    for (size_t i = 1; i < n; i++)
        assert_true(v[i - 1].received > v[i].received);
    assert_in_range(scanned, 0, want);
}

/* Nothing but the page itself is read from its beginning to its end. */
static void test_any_page_is_cheap(void **state)
{
    struct rig *r = *state;
    const struct figures_filter all = filter_of(STR(""), STR_NONE);
    const struct figures_filter one = filter_of(STR("example.org"), STR_NONE);
    const struct figures_filter from = filter_of(STR(""), STR("192.0.2.0/24"));
    const struct figures_filter nobody = filter_of(STR(""), STR("nobody.example"));
    for (int i = 0; i < 300; i++)
        put(r, i % 3 ? STR("example.org") : STR("example.net"), i / 10);
    put(r, STR("example.org"), 30);
    assert_page(r, &all, 0, 20);
    assert_page(r, &all, 290, 10);
    assert_page(r, &one, 0, 20);
    assert_page(r, &one, 190, 10);
    assert_page(r, &from, 290, 10);
    assert_page(r, &nobody, 0, 0);
}

/* --- Pages of single ones ----------------------------------------------------------------------*/

#define DOMAINS 12

static const struct str names[DOMAINS] = {
    STR_INIT("burst.example"), STR_INIT("quiet.example"), STR_INIT("a.example"),
    STR_INIT("b.example"),     STR_INIT("c.example"),     STR_INIT("d.example"),
    STR_INIT("e.example"),     STR_INIT("f.example"),     STR_INIT("g.example"),
    STR_INIT("h.example"),     STR_INIT("i.example"),     STR_INIT("j.example"),
};

struct counted {
    struct str folder; /* of pages that count */
    size_t n, of[DOMAINS];
};

/* Counts the page for the domain that it says it is about. */
static bool count_page(void *counted, struct str folder, struct str name, struct str text)
{
    struct counted *c = counted;
    (void)name;
    c->n += str_eq(folder, c->folder);
    for (size_t i = 0; i < DOMAINS && str_eq(folder, c->folder); i++) {
        char fact[80];
        snprintf(fact, sizeof fact, "<dt>Domain</dt><dd><bdi>%.*s</bdi>", STR_ARG(names[i]));
        c->of[i] += memmem(text.p, text.n, fact, strlen(fact)) != NULL;
    }
    return true;
}

static struct counted count_pages(struct rig *r, struct str folder, size_t n_ours)
{
    struct str v[DOMAINS], problem;
    struct counted c = {.folder = folder};
    memcpy(v, names, sizeof v);
    const struct conf_strings domains = {.set = true, .n = n_ours, .v = v};
    const struct page_stores stores = {.received = r->store, .owner = {.domains = &domains}};
    assert_true(page_make_files(&stores, TODAY * 86400, count_page, &c, r->a, &problem));
    return c;
}

/* A burst about one domain leaves the others their pages. */
static void test_a_burst(void **state)
{
    struct rig *r = *state;
    for (int i = 0; i < PAGE_FILES_OF_REPORTS + 100; i++)
        put(r, names[0], 1);
    for (int i = 0; i < 5; i++)
        put(r, names[1], 9);
    const struct counted c = count_pages(r, STR("_failure-reports"), 2);
    assert_int_equal(c.of[0], PAGE_FILES_OF_DOMAIN);
    assert_int_equal(c.of[1], 5);
    assert_int_equal(c.n, PAGE_FILES_OF_DOMAIN + 5);
}

/* Too many domains for all pages share them evenly; all that are not ours have one share. */
static void test_even_shares(void **state)
{
    struct rig *r = *state;
    size_t strangers;
    for (int i = 0; i < 300; i++)
        put(r, str_printf(r->a, "x%d.example", i), 1);
    for (size_t i = 2; i < DOMAINS; i++)
        for (int k = 0; k < PAGE_FILES_OF_DOMAIN; k++)
            put(r, names[i], (int64_t)i);
    for (int i = 0; i < 5; i++)
        put(r, names[1], 29);
    const struct counted c = count_pages(r, STR("_failure-reports"), DOMAINS);
    strangers = c.n;
    for (size_t i = 0; i < DOMAINS; i++)
        strangers -= c.of[i];
    assert_int_equal(c.n, PAGE_FILES_OF_REPORTS);
    assert_int_equal(c.of[1], 5);
    for (size_t i = 2; i < DOMAINS; i++)
        assert_in_range(c.of[i], 1995 / 11, 1995 / 11 + 1);
    assert_in_range(strangers, 1995 / 11, 1995 / 11 + 1);
}

/* An aggregate report that anybody sent, of the day that so many days are before today. */
static void put_report(struct rig *r, struct str domain, int64_t days)
{
    static int id;
    struct received_report report = {
        .received = TODAY * 86400,
        .head = {.org_name = STR("x"),
                 .report_id = str_printf(r->a, "%d", ++id),
                 .begin = (TODAY - days) * 86400,
                 .end = (TODAY - days + 1) * 86400 - 1,
                 .policy = {.domain = domain}},
    };
    received_identify(&report);
    assert_int_equal(received_put(r->store, &report), RECEIVED_NEW);
    assert_true(received_end(r->store, &report));
}

/* Reports about domains of others, dated as they like, leave ours their pages. */
static void test_strangers(void **state)
{
    struct rig *r = *state;
    for (int i = 0; i <= PAGE_FILES_OF_REPORTS; i++)
        put_report(r, str_printf(r->a, "x%d.example", i % 20), -9000);
    for (int i = 0; i < 5; i++)
        put_report(r, names[0], 9);
    const struct counted c = count_pages(r, STR("_reports"), 1);
    assert_int_equal(c.of[0], 5);
    assert_int_equal(c.n, PAGE_FILES_OF_DOMAIN + 5);
}

/* --- Sources -----------------------------------------------------------------------------------*/

#define MANY 3000

static struct netaddr address_of(int i)
{
    return (struct netaddr){.family = 4,
                            .bytes = {10, (unsigned char)(i >> 8), (unsigned char)(i & 255), 7}};
}

static void put_sources(struct rig *r)
{
    struct received_report report = {
        .received = TODAY * 86400,
        .trust = TRUST_ALIGNED,
        .head = {.report_id = STR("many"),
                 .begin = (TODAY - 1) * 86400,
                 .end = TODAY * 86400 - 1,
                 .policy = {.domain = STR("example.org")}},
    };
    received_identify(&report);
    assert_int_equal(received_put(r->store, &report), RECEIVED_NEW);
    for (int i = 0; i < MANY; i++) {
        const struct aggregate_row row = {.source = address_of(i), .count = 1};
        assert_true(received_put_row(r->store, &report, &row));
    }
    assert_true(received_end(r->store, &report));
}

static int count_steps(unsigned what, void *steps, void *statement, void *time)
{
    int *sum = steps;
    (void)what, (void)time;
    *sum += sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_VM_STEP, 0);
    return 0;
}

static void assert_source(const struct figures_source *s)
{
    bool labelled = str_eq(s->name, STR("10.5.9.0/24"));
    assert_int_equal(s->kind, SOURCE_NETWORK);
    assert_true(s->name.n);
    assert_int_equal(s->labelled, labelled);
    assert_str(s->title, labelled ? "Relay" : "");
    assert_int_equal(s->first_day, TODAY - 1);
    assert_int_equal(s->last_day, TODAY - 1);
}

/* A page about one source is made without reading what is known of all others. */
static void test_one_source_is_cheap(void **state)
{
    struct rig *r = *state;
    const struct received_label label = {STR("10.5.9.0/24"), STR("own"), STR("Relay"), 1};
    const struct str domains[] = {STR(""), STR("example.org")};
    put_sources(r);
    assert_true(received_put_label(r->store, &label));
    for (size_t i = 0; i < 2; i++) {
        struct figures f;
        int steps = 0;
        const struct figures_filter one = filter_of(domains[i], label.source);
        const struct figures_filter all = filter_of(domains[i], STR_NONE);
        sqlite3_trace_v2(r->store->db.sqlite, SQLITE_TRACE_PROFILE, count_steps, &steps);
        assert_true(figures_read(r->store, &one, r->a, &f));
        sqlite3_trace_v2(r->store->db.sqlite, 0, NULL, NULL);
        assert_in_range(steps, 1, MANY / 2);
        assert_int_equal(f.n_sources, 1);
        assert_str(f.sources[0].name, "10.5.9.0/24");
        assert_source(&f.sources[0]);
        assert_true(figures_read(r->store, &all, r->a, &f));
        assert_int_equal(f.n_sources, MANY);
        for (size_t k = 0; k < MANY; k++)
            assert_source(&f.sources[k]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_any_page_is_cheap, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_burst, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_even_shares, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_strangers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_one_source_is_cheap, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
