/* failure reports: a page of their list costs the same wherever it is in the list. */
#include "test.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "report/in/figures.h"
#include "report/in/received_store.h"

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

/* What statements cost beyond the rows that they gave. */
static int count_cost(unsigned what, void *cost, void *statement, void *time)
{
    int *sum = cost;
    (void)what, (void)time;
    *sum += sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_SORT, 0);
    *sum += sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_FULLSCAN_STEP, 0);
    return 0;
}

static void assert_page(struct rig *r, const struct figures_filter *f, int64_t skip, size_t want)
{
    struct figures_single *v;
    size_t n;
    int cost = 0;
    sqlite3_trace_v2(r->store->db.sqlite, SQLITE_TRACE_PROFILE, count_cost, &cost);
    assert_true(figures_singles(r->store, f, skip, 20, r->a, &n, &v));
    sqlite3_trace_v2(r->store->db.sqlite, 0, NULL, NULL);
    assert_int_equal(n, want);
    for (size_t i = 1; i < n; i++)
        assert_true(v[i - 1].received > v[i].received);
    assert_int_equal(cost, 0);
}

/* Nothing is sorted, and no table read from its beginning to its end. */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_any_page_is_cheap, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
