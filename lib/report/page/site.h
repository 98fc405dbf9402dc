/* site.h - makes pages from the stores: one that is asked for, or a folder of them.
 *
 * Errors: false, and *problem is a phrase. */
#ifndef ASSAY_REPORT_PAGE_SITE_H
#define ASSAY_REPORT_PAGE_SITE_H

#include "report/page/views.h"
#include "store/rows.h"
#include "store/sent.h"

/* The stores that pages are made from. */
struct page_stores {
    struct received *received; /* NULL: nothing was ever received */
    struct rows_reader *rows;  /* NULL: nothing was ever counted */
    struct sent *sent;         /* NULL: nothing was ever sent */
    struct figures_owner owner;
    bool has_countries; /* the countries of addresses in received reports are known */
};

/* Reads what all pages share. It lives in `a`. */
bool page_site_read(const struct page_stores *s, int64_t now, bool live, struct arena *a,
                    struct page_site *out, struct str *problem);

/* The page as HTML, in `a`. `depth` as in struct page. *found: the source or report that was asked
 * for exists. */
bool page_make(const struct page_stores *s, const struct page_site *site,
               const struct page_query *q, unsigned depth, struct arena *a, struct str *out,
               bool *found, struct str *problem);

/* The same as JSON. */
#define PAGE_API_REPORTS_MAX 10000 /* in one answer; start= gets the next ones */
bool page_make_json(const struct page_stores *s, const struct page_query *q, struct arena *a,
                    struct str *out, bool *found, struct str *problem);

/* Makes every page of a folder of files: index.html; the pages of 7, 30 and 90 days for each domain
 * and for all of them; and those of the newest reports and failure reports of the last 90 days,
 * with a limit for each domain and one in all. Domains share the pages of failure reports evenly;
 * those that are not ours count as one domain. `write` gets folder ("" or "example.org"), name and
 * text; if it returns false, the run ends, and *problem stays empty. */
#define PAGE_FILES_OF_DOMAIN  200
#define PAGE_FILES_OF_REPORTS 2000 /* of either kind */
typedef bool page_write_fn(void *context, struct str folder, struct str name, struct str text);
bool page_make_files(const struct page_stores *s, int64_t now, page_write_fn *write, void *context,
                     struct arena *a, struct str *problem);

/* The filter that a query asks for. */
struct figures_filter page_filter(const struct page_stores *s, const struct page_query *q);

/* --- Within ---*/

/* One entry for each day; *out is NULL if nothing was counted. */
bool page_read_own(const struct page_stores *s, const struct page_query *q, struct arena *a,
                   const struct page_own_day **out);
/* Newest first, PAGE_SENT_MAX at most. */
bool page_read_sent(const struct page_stores *s, const struct page_query *q, struct arena *a,
                    size_t *n, const struct page_sent **out);
bool page_read_sent_day(const struct page_stores *s, int64_t day, struct page_sent_day *out);
/* Readiness by the last two weeks, whatever the period. */
bool page_read_readiness(const struct page_stores *s, const struct page_query *q, struct str domain,
                         struct arena *a, struct readiness *out);
bool page_wants_report(const struct page_query *q, const struct received_report *r);
bool page_wants_tls(const struct page_query *q, const struct tlsrpt *r, int64_t received);
bool page_wants_row(enum figures_result result, const struct aggregate_row *r);
struct str page_stores_problem(const struct page_stores *s, struct arena *a);

#endif
