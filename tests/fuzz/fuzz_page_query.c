/* The address of a page, as any browser may send it: read, written, and read again it is the same;
 * its texts stay within their bounds, and none of them becomes markup. */
#include "fuzz.h"

#include <string.h>

#include "report/page/frame.h"

#define TODAY INT64_C(20786)

static void require_same(const struct page_query *a, const struct page_query *b)
{
    require(a->view == b->view && a->api == b->api && a->from == b->from && a->to == b->to);
    require(a->result == b->result && a->id == b->id && a->start == b->start);
    require(str_eq(a->domain, b->domain) && str_eq(a->source, b->source));
    require(str_eq(a->reporter, b->reporter) && str_eq(a->report, b->report));
}

static void require_bounds(const struct page_query *q)
{
    require(q->from <= q->to && q->to - q->from < QUERY_DAYS_MAX);
    require(q->view < VIEW_COUNT && q->result < RESULT_COUNT && q->id >= 0 && q->start >= 0);
    require(q->source.n <= QUERY_TEXT_MAX && q->reporter.n <= QUERY_TEXT_MAX);
    require(q->domain.n <= QUERY_TEXT_MAX && q->report.n <= QUERY_TEXT_MAX);
}

/* Text between quotes of an attribute, and before a tag. */
static void require_text(struct arena *a, struct str text)
{
    struct html h;
    html_init(&h, a);
    html_text(&h, text);
    struct str out = html_str(&h);
    for (size_t i = 0; i < out.n; i++)
        require((unsigned char)out.p[i] >= 0x20 && out.p[i] != 0x7F && !strchr("<>\"'", out.p[i]));
}

static void require_page(struct arena *a, const struct page_query *q)
{
    const struct page_site site = {
        .now = TODAY * 86400, .live = true, .n_domains = 1, .domains = &q->domain};
    struct page p;
    page_begin(&p, &site, q, a, 0);
    page_title(&p, "Title", q->source);
    page_end(&p);
    require(html_str(&p.h).n > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(0);
    struct page_query q, again;
    bool found;
    const char *problem = page_query_read(fuzz_text(data, size), TODAY, a, &q, &found);
    require(found || problem);
    if (!problem) {
        require_bounds(&q);
        require(!page_query_read(page_query_url(&q, a), TODAY, a, &again, &found) && found);
        require_same(&q, &again);
        require_text(a, q.source);
        require_text(a, q.reporter);
        require_page(a, &q);
    }
    arena_free(a);
    return 0;
}
