/* site.h - pages made of what the stores hold: one that is asked for, or a folder of them.
 *
 * Errors: false, and *problem is a phrase. */
#ifndef ASSAY_REPORT_PAGE_SITE_H
#define ASSAY_REPORT_PAGE_SITE_H

#include "report/page/views.h"
#include "store/rows.h"
#include "store/sent.h"

/* What pages are made of. */
struct page_stores {
    struct received *received; /* NULL: nothing was ever received */
    struct rows_reader *rows;  /* NULL: nothing was ever counted */
    struct sent *sent;         /* NULL: nothing was ever sent */
    struct figures_owner owner;
    bool has_countries; /* of received reports the countries are known */
};

/* Who we are, and what there is. Lives in `a`. */
bool page_site_read(const struct page_stores *s, int64_t now, bool live, struct arena *a,
                    struct page_site *out, struct str *problem);

/* The page as HTML, in `a`. `depth` as in struct page. *found: there is what was asked for. */
bool page_make(const struct page_stores *s, const struct page_site *site,
               const struct page_query *q, unsigned depth, struct arena *a, struct str *out,
               bool *found, struct str *problem);

/* The same as JSON. */
#define PAGE_API_REPORTS_MAX 10000 /* of one answer; the others with start= */
bool page_make_json(const struct page_stores *s, const struct page_query *q, struct arena *a,
                    struct str *out, bool *found, struct str *problem);

/* Every page that a folder of files has: index.html; for each domain and all of them those of 7, 30
 * and 90 days; and those of the newest reports and failure reports of the last 90 days, so many of
 * a domain, and so many in all. `write` gets folder ("" or "example.org"), name and text; false
 * from it ends it, and leaves *problem empty. */
#define PAGE_FILES_OF_DOMAIN  200
#define PAGE_FILES_OF_REPORTS 2000 /* of either kind */
typedef bool page_write_fn(void *context, struct str folder, struct str name, struct str text);
bool page_make_files(const struct page_stores *s, int64_t now, page_write_fn *write, void *context,
                     struct arena *a, struct str *problem);

/* The filter that a query asks for. */
struct figures_filter page_filter(const struct page_stores *s, const struct page_query *q);

/* --- Within ---*/

/* A day each; *out is NULL if nothing was counted. */
bool page_read_own(const struct page_stores *s, const struct page_query *q, struct arena *a,
                   const struct page_own_day **out);
/* Newest first, PAGE_SENT_MAX at most. */
bool page_read_sent(const struct page_stores *s, const struct page_query *q, struct arena *a,
                    size_t *n, const struct page_sent **out);
bool page_read_sent_day(const struct page_stores *s, int64_t day, struct page_sent_day *out);
/* By the last two weeks, whatever the period. */
bool page_read_readiness(const struct page_stores *s, const struct page_query *q, struct str domain,
                         struct arena *a, struct readiness *out);
bool page_wants_report(const struct page_query *q, const struct received_report *r);
bool page_wants_tls(const struct page_query *q, const struct tlsrpt *r);
bool page_wants_row(enum figures_result result, const struct aggregate_row *r);
struct str page_stores_problem(const struct page_stores *s, struct arena *a);

#endif
