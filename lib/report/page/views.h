/* views.h - the pages, each written from its data. The text is HTML in the arena of `p`, on which
 * page_begin() was called. */
#ifndef ASSAY_REPORT_PAGE_VIEWS_H
#define ASSAY_REPORT_PAGE_VIEWS_H

#include "report/in/alarms.h"
#include "report/in/readiness.h"
#include "report/page/frame.h"

struct page_overview {
    const struct figures *figures;
    struct figures_counts before; /* of the previous period of the same length */
    size_t n_alarms;
    const struct alarm *alarms;
    const struct readiness *readiness; /* NULL: the page is about all domains */
    size_t n_countries;
    const struct figures_country *countries; /* of the last seven days */
    const bool *const *presence;             /* presence_read(); NULL: not known */
    size_t n_own_days;                       /* 0: nothing was counted here */
    const struct page_own_day *own;
    struct page_sent_day sent; /* about yesterday */
};
void page_view_overview(struct page *p, const struct page_overview *o);

void page_view_sources(struct page *p, const struct figures *f);
void page_view_failures(struct page *p, const struct figures *f);

/* One source in all reports: the figures are those of this source alone. */
struct page_sending {
    const struct figures *figures;
    const struct figures_detail *detail;
};
void page_view_source(struct page *p, const struct page_sending *s);

void page_view_readiness(struct page *p, const struct readiness *v, size_t n);
void page_view_countries(struct page *p, const struct figures_country *v, size_t n);

struct page_reporters {
    const struct figures *figures;
    const bool *const *presence; /* presence_read(); NULL: not known */
};
void page_view_reporters(struct page *p, const struct page_reporters *r);

#define PAGE_REPORTS_MAX 200 /* on a page, of any kind */
struct page_reports {
    size_t n;
    const struct received_report *v;
    bool more; /* the list goes on */
    uint64_t refused;
};
void page_view_reports(struct page *p, const struct page_reports *r);

/* Rows are written one by one, because there may be many: on a page of their own, between
 * page_begin_rows() and page_table_end(). The text of that page is then given as `rows`. */
void page_begin_rows(struct page *p, struct page_table *t);
void page_put_row(struct page_table *t, const struct aggregate_row *row);
#define PAGE_ROWS_MAX 2000         /* that are shown */
#define PAGE_RAW_MAX  (256U << 10) /* bytes of XML that are shown */
struct page_whole_report {
    const struct received_report *report; /* NULL: no report has this number */
    struct str rows;
    struct str raw; /* absent: not kept any more */
    bool cut;       /* there are more rows */
};
void page_view_report(struct page *p, const struct page_whole_report *r);

void page_view_imports(struct page *p, const struct received_refusal *v, size_t n);

/* Failure reports, which are about single messages. */
struct page_singles {
    size_t n_sources;
    const struct figures_failures *sources; /* sums, those with most first */
    size_t n;
    const struct figures_single *v;
    bool more;
};
void page_view_singles(struct page *p, const struct page_singles *s);
void page_view_single(struct page *p, const struct figures_single *s); /* NULL: there is none */

/* TLS reports (RFC 8460). The sums are of all reports, and the list has those that are shown. */
struct page_tls_day {
    int64_t day;
    uint64_t good, failed; /* sessions */
};
struct page_tls_policy {
    struct str domain, type;
    uint64_t reports, good, failed;
};
struct page_tls_report {
    struct str organization, report_id, domains;
    int64_t begin;
    uint64_t good, failed;
};
struct page_tls {
    size_t n_days;
    const struct page_tls_day *days;
    size_t n_policies; /* those with most failing sessions first */
    const struct page_tls_policy *policies;
    uint64_t reports;
    size_t n_reporters; /* among them */
    size_t n;
    const struct page_tls_report *v;
    bool more;
};
void page_view_tls(struct page *p, const struct page_tls *t);

struct page_ours {
    size_t n_days;
    const struct page_own_day *days;
    size_t n_sent;
    const struct page_sent *sent;
    bool has_rows, has_sent; /* the database of these exists */
};
void page_view_ours(struct page *p, const struct page_ours *o);

/* --- Parts of several pages --- */

void page_put_days(struct page *p, const struct figures_day *days, size_t n, int height);
void page_put_own_days(struct page *p, const struct page_own_day *days, size_t n, int height);
/* Links to the parts of a long list before and behind this one. */
void page_put_turns(struct page *p, bool more);
/* A table of sources, with at most `most` rows; 0: all. */
void page_put_sources(struct page *p, const struct figures_source *v, size_t n, size_t most);
void page_put_countries(struct page *p, const struct figures_country *v, size_t n, size_t most);
/* A name and its value, within <dl>; nothing for an empty value. */
void page_put_fact(struct page *p, const char *name, struct str value);
void page_put_readiness(struct page *p, const struct readiness *r, size_t most_hit);
void page_put_alarms(struct page *p, const struct alarm *v, size_t n);

#endif
