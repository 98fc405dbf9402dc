/* chart.h - charts as inline SVG. x is in per cent, so that they fit every width; a table has the
 * same numbers for readers who cannot see the chart. */
#ifndef ASSAY_REPORT_PAGE_CHART_H
#define ASSAY_REPORT_PAGE_CHART_H

#include "report/page/frame.h"

struct page_series {
    const char *title;
    const char *class; /* "s-both": the class of its colour in the style sheet */
    const char *peak;  /* of the last series: what its messages did on a day that stands out; NULL:
                          days are not looked at */
};

#define CHART_SERIES 4
struct page_bar {
    int64_t day;
    uint64_t n[CHART_SERIES]; /* from the bottom up */
};

/* Stacked bars, one for each day; for a long period one for each week, or for each 30 days. */
void page_bars(struct page *p, const char *title, const struct page_series *series, size_t n_series,
               const struct page_bar *bars, size_t n, int height);

/* A line below a number, whose length is `part` of `most`. */
void page_meter(struct page *p, uint64_t part, uint64_t most);

/* A list of names, each with a bar and its number. */
void page_hbars_begin(struct page *p);
void page_hbar(struct page *p, struct str name, uint64_t n, uint64_t most);
void page_hbars_end(struct page *p);

/* A dot for each day, filled if its flag is set. */
void page_dots(struct page *p, const bool *days, size_t n);

#endif
