/* page_rig.h - what tests of report/page share: an arena for each test, a site, its queries and
 * pages.
 */
#ifndef ASSAY_TESTS_PAGE_RIG_H
#define ASSAY_TESTS_PAGE_RIG_H

#include "test.h"

#include "report/page/site.h"

#define TODAY INT64_C(20786) /* 29 Nov 2026 */

#define PAGE_TEST(name) cmocka_unit_test_setup_teardown(name, page_test_begin, page_test_end)

static struct arena *arena;

static int page_test_begin(void **state)
{
    (void)state;
    arena = arena_new(0);
    return 0;
}

static int page_test_end(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static inline bool contains(struct str text, const char *words)
{
    return memmem(text.p, text.n, words, strlen(words)) != NULL;
}

static inline void assert_has(struct str text, const char *words)
{
    if (!contains(text, words)) {
        print_error("no \"%s\" in \"%.*s\"\n", words, STR_ARG(text));
        fail();
    }
}

static const struct str domains[] = {STR_INIT("example.org"), STR_INIT("\"><script>.example")};
static struct page_site site = {.now = TODAY * 86400 + 3600, .n_domains = 2, .domains = domains};

static inline struct page_query query_of(const char *url)
{
    struct page_query q;
    bool found;
    assert_null(page_query_read(str_of(url), TODAY, arena, &q, &found));
    return q;
}

/* The whole page of a view. */
static inline struct str made(void (*view)(struct page *), const char *url, bool live)
{
    static struct page_query q;
    struct page p;
    q = query_of(url);
    site.live = live;
    page_begin(&p, &site, &q, arena, 1);
    view(&p);
    page_end(&p);
    return html_str(&p.h);
}

static inline size_t count_of(struct str text, const char *words)
{
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++)
        n += str_starts(str_sub(text, i, text.n), str_of(words));
    return n;
}

#endif
