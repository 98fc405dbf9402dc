/* digest.h - the mail that says once a week what the reports say: in words, and with the overview
 * as a page that any browser shows. It is made when nothing came, too: silence is news.
 *
 * Errors: false, and *problem is a phrase. */
#ifndef ASSAY_REPORT_PAGE_DIGEST_H
#define ASSAY_REPORT_PAGE_DIGEST_H

#include "report/page/site.h"

struct digest_mail {
    struct str from, host; /* From; the right side of the Message-ID */
    size_t n_to;
    const char *const *to; /* addresses; none: there is no field To */
    int64_t days;          /* that are over, up to yesterday */
    int64_t now;
};

/* The whole mail in `a`: ASCII, lines ending with LF. */
bool digest_compose(const struct page_stores *s, const struct digest_mail *m, struct arena *a,
                    struct str *out, struct str *problem);

#endif
