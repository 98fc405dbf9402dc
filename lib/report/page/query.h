/* query.h - reads and writes the path and parameters of a URL, which say which page is wanted.
 *
 * /VIEW?domain=D&days=30&from=2026-11-01&to=2026-11-29&source=S&reporter=R&result=fail */
#ifndef ASSAY_REPORT_PAGE_QUERY_H
#define ASSAY_REPORT_PAGE_QUERY_H

#include <stdbool.h>
#include <stdint.h>

#include "report/in/figures.h"

enum page_view {
#define PAGE_VIEW(name, path, title, parent) VIEW_##name,
#include "report/page/views.def"
#undef PAGE_VIEW
    VIEW_COUNT,
};

const char *page_result_title(enum figures_result result); /* "failed" */

#define QUERY_TEXT_MAX 256 /* bytes of a value */
#define QUERY_URL_MAX  4096
#define QUERY_DAYS_MAX 3660 /* the longest period */

struct page_query {
    enum page_view view;
    bool api;          /* /api/VIEW: JSON is wanted */
    struct str domain; /* empty: all domains */
    int64_t from, to;  /* the period, both days included */
    int64_t days;      /* number of days up to today; 0: the URL has from and to */
    int64_t today;     /* 0: not known */
    struct str source, reporter;
    enum figures_result result;
    struct str report; /* a report's id, as the report has it, */
    int64_t id;        /* and its number in the store; of a failure report the number alone */
    int64_t start;     /* of a long list: how many entries to skip */
};

/* Reads "/sources?domain=example.org" as of `today`. NULL, or a phrase that says what is wrong;
 * *found is false if there is no such page. Texts live in `a`. */
const char *page_query_read(struct str url, int64_t today, struct arena *a, struct page_query *out,
                            bool *found);

/* Removes the place in a list, and the report. */
void page_query_to_top(struct page_query *q);

/* Writes the URL of a query. */
struct str page_query_url(const struct page_query *q, struct arena *a);

const char *page_view_path(enum page_view view);
const char *page_view_title(enum page_view view);
/* Where it belongs in the menu: of a report the list of them. */
enum page_view page_view_parent(enum page_view view);
bool page_view_in_menu(enum page_view view);

#endif
