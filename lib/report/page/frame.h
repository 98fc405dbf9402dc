/* frame.h - what all pages have: head, menu, filters, foot; and the parts that views are made of.
 */
#ifndef ASSAY_REPORT_PAGE_FRAME_H
#define ASSAY_REPORT_PAGE_FRAME_H

#include "report/page/html.h"
#include "report/page/model.h"
#include "report/page/query.h"

/* What does not change from page to page. */
struct page_site {
    int64_t now; /* seconds since 1970 */
    size_t n_domains;
    const struct str *domains; /* that there are figures of */
    bool live;                 /* served; else a file among others, */
    bool alone;                /* or the only one */
    size_t n_sources;          /* of files: that have a page of their own, of this domain and */
    const struct str *sources; /* period; */
    size_t n_reports, n_singles;
    const int64_t *report_ids; /* likewise, of all domains and periods, ascending */
    const int64_t *single_ids;
    bool has_countries; /* their source wants to be named */
    uint64_t reports;   /* that the page is made from; 0: it is made from others */
};

/* A page under way. */
struct page {
    struct html h;
    struct arena *arena;
    const struct page_site *site;
    const struct page_query *query;
    unsigned depth; /* of a file, below the folder of all */
};

/* From <!doctype> to where the view begins, and from its end on. `lead`: a sentence about what is
 * shown, below the title; may be empty. */
void page_begin(struct page *p, const struct page_site *site, const struct page_query *q,
                struct arena *a, unsigned depth);
void page_title(struct page *p, const char *title, struct str lead);
/* A lead, and what is to be said of filters where there are some. */
struct str page_lead(const struct page *p, const char *lead, const char *filters);
void page_end(struct page *p);

/* A page that says what went wrong. */
struct str page_problem(struct arena *a, const char *title, struct str text);

/* Content-Security-Policy of all pages: nothing is loaded, and the one style sheet stands within.
 */
struct str page_policy(struct arena *a);

/* SHA-256, of 32 bytes. */
void page_digest(struct str text, struct arena *a, unsigned char out[32]);

/* --- Links -------------------------------------------------------------------------------------*/

/* The address of a page; empty if there is none among files. */
struct str page_link(const struct page *p, const struct page_query *to);
/* Names of file and folder that any text can become part of. */
struct str page_file_name(const struct page_query *q, struct arena *a);
struct str page_folder_name(const struct page_query *q, struct arena *a);

/* The text as a link, if there is such a page. */
void page_put_link(struct page *p, const struct page_query *to, struct str text);
void page_put_source(struct page *p, const struct figures_source *s);
void page_put_source_name(struct page *p, struct str name);
void page_put_reporter(struct page *p, struct str name);

/* --- Parts -------------------------------------------------------------------------------------*/

/* A card. `title` and `note` are literals or words of ours; kind: "", "wide", "half", "alarm"... */
void page_card(struct page *p, const char *kind, const char *title, const char *note);
void page_card_end(struct page *p);

/* A figure with its name above and a sentence below. */
void page_figure(struct page *p, const char *name, struct str value);
void page_figure_end(struct page *p);

void page_put_class(struct page *p, enum source_class class, bool labelled);
const char *page_cause_title(enum figures_cause cause);

/* Nothing to show: a sentence, and what to do. */
void page_nothing(struct page *p, const char *text);

/* A table: cells are written between page_cell() and the next call. */
struct page_column {
    const char *title;
    const char *class; /* "n": a number, "d": less important, ""; of title and cells */
};
struct page_table {
    struct page *p;
    const struct page_column *columns;
    size_t n, at; /* the next cell */
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
int64_t page_length(const struct page *p);    /* of the period, in days */
size_t page_days_over(const struct page *p);  /* that reports can have come of: today is not over */
const char *page_country_name(struct str code, char out[3]);

extern const char *const page_style[]; /* the style sheet, in pieces, up to NULL */

#endif
