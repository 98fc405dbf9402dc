/* making.h - a page while it is made, for the files of site.h. Private to lib/report/page. */
#ifndef ASSAY_REPORT_PAGE_MAKING_H
#define ASSAY_REPORT_PAGE_MAKING_H

#include "report/page/site.h"

/* A page while it is made. */
struct page_making {
    const struct page_stores *stores;
    const struct page_query *query;
    struct page page;
    struct page_site site; /* with what the page is made from */
    struct arena *arena;
    bool found;
};

/* Makes the views of single reports. */
bool page_make_reports(struct page_making *m);
bool page_make_report(struct page_making *m);
bool page_make_imports(struct page_making *m);

/* Of what is no aggregate report. */
bool page_make_singles(struct page_making *m);
bool page_make_single(struct page_making *m);
bool page_make_tls(struct page_making *m);

#endif
