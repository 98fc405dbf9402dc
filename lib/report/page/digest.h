/* digest.h - the weekly mail about reports: a text, and the overview as a page that any browser
 * shows. It is also made when no report came.
 *
 * Errors: false, and *problem is a phrase. */
#ifndef ASSAY_REPORT_PAGE_DIGEST_H
#define ASSAY_REPORT_PAGE_DIGEST_H

#include "report/page/site.h"

struct digest_mail {
    struct str from, host; /* From; the right side of the Message-ID */
    size_t n_to;
    const char *const *to; /* addresses; if there is none, the mail has no field To */
    int64_t days;          /* number of days, up to yesterday */
    int64_t now;
};

/* The whole mail in `a`: ASCII, lines ending with LF. */
bool digest_compose(const struct page_stores *s, const struct digest_mail *m, struct arena *a,
                    struct str *out, struct str *problem);

#endif
