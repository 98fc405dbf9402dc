/* frame.h - what all pages have: head, menu, filters, foot; and the parts that views are made of.
 */
#ifndef ASSAY_REPORT_PAGE_FRAME_H
#define ASSAY_REPORT_PAGE_FRAME_H

#include "report/page/html.h"
#include "report/page/model.h"
#include "report/page/query.h"

/* What all pages share. */
struct page_site {
    int64_t now; /* seconds since 1970 */
    size_t n_domains;
    const struct str *domains; /* domains that have figures */
    bool live;                 /* served by assay-web; false: a file */
    bool alone;                /* a single file, without other pages */
    size_t n_sources;          /* for files: the sources of this domain and period */
    const struct str *sources; /* that have a page of their own */
    size_t n_reports, n_singles;
    const int64_t *report_ids; /* for files: reports with a page of their own, of all domains and
                                  periods, ascending */
    const int64_t *single_ids;
    bool has_countries; /* then the page names where they come from */
    uint64_t reports;   /* that the page is made from; 0: from others */
};

/* A page under way. */
struct page {
    struct html h;
    struct arena *arena;
    const struct page_site *site;
    const struct page_query *query;
    unsigned depth; /* of a file: folders between it and the top folder */
};

/* Write everything before the view, from <!doctype> on, and everything behind it. `lead`: a
 * sentence below the title about what is shown; may be empty. */
void page_begin(struct page *p, const struct page_site *site, const struct page_query *q,
                struct arena *a, unsigned depth);
void page_title(struct page *p, const char *title, struct str lead);
/* A lead, and what is to be said of filters where there are some. */
struct str page_lead(const struct page *p, const char *lead, const char *filters);
void page_end(struct page *p);

/* A page that says what went wrong. */
struct str page_problem(struct arena *a, const char *title, struct str text);

/* Content-Security-Policy of all pages: nothing is loaded, and only the style sheet within the page
 * is allowed. */
struct str page_policy(struct arena *a);

/* SHA-256, of 32 bytes. */
void page_digest(struct str text, struct arena *a, unsigned char out[32]);

/* --- Links -------------------------------------------------------------------------------------*/

/* The address of a page; empty if the files do not have this page. */
struct str page_link(const struct page *p, const struct page_query *to);
/* Names of file and folder that any text can become part of. */
struct str page_file_name(const struct page_query *q, struct arena *a);
struct str page_folder_name(const struct page_query *q, struct arena *a);

/* The text, as a link if the page exists. */
void page_put_link(struct page *p, const struct page_query *to, struct str text);
void page_put_source(struct page *p, const struct figures_source *s);
void page_put_source_name(struct page *p, struct str name);
void page_put_reporter(struct page *p, struct str name);
/* The same, and who else sends in its name. */
void page_put_known_reporter(struct page *p, const struct figures_reporter *r);

/* --- Parts -------------------------------------------------------------------------------------*/

/* A card. `title` and `note` are literals or words of ours; kind: "", "wide", "half", "alarm"... */
void page_card(struct page *p, const char *kind, const char *title, const char *note);
void page_card_end(struct page *p);

/* A figure: its name is above it, and a sentence below. */
void page_figure(struct page *p, const char *name, struct str value);
void page_figure_end(struct page *p);

void page_put_class(struct page *p, enum source_class class, bool labelled);
const char *page_cause_title(enum figures_cause cause);

/* Where there is nothing to show: a sentence, and what to do. */
void page_nothing(struct page *p, const char *text);
/* A card with such a sentence alone. */
void page_notice(struct page *p, const char *title, const char *text);

/* A table: the content of a cell is written after page_cell(). */
struct page_column {
    const char *title;
    const char *class; /* "n": a number, "d": less important, ""; of title and cells */
};
struct page_table {
    struct page *p;
    const struct page_column *columns;
    size_t n, at; /* at: the next cell */
    bool in_row;
};
void page_table_begin(struct page *p, struct page_table *t, const char *caption,
                      const struct page_column *columns, size_t n);
void page_row(struct page_table *t);
void page_cell(struct page_table *t);
void page_table_end(struct page_table *t);

/* --- Words -------------------------------------------------------------------------------------*/

struct str page_day_text(const struct page *p, int64_t day);  /* "24 Nov", "1 Jan 2025" */
struct str page_last_text(const struct page *p, int64_t day); /* and "today", "yesterday" */
struct str page_time_text(const struct page *p, int64_t t);   /* "29 Nov 2026 13:40 UTC" */
struct str page_share(const struct page *p, uint64_t part, uint64_t all); /* "94.6 %" */
struct str page_count(const struct page *p, uint64_t n);                  /* "32,857" */
struct str page_period(const struct page *p); /* "30 days", "1 to 7 Nov" */
int64_t page_length(const struct page *p);    /* length of the period in days */
size_t page_days_over(
    const struct page *p); /* days of the period that are over, about which reports can have come */
const char *page_country_name(struct str code, char out[3]);

extern const char *const page_style[]; /* the style sheet, in pieces, up to NULL */

#endif
