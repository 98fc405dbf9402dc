/* report_pages.h - what stands behind pages, for `assay report html`, `assay report digest` and
 * assay-web. */
#ifndef ASSAY_MILTER_REPORT_PAGES_H
#define ASSAY_MILTER_REPORT_PAGES_H

#include "milter/commands/command.h"
#include "report/page/site.h"

/* Our domains and networks; the configuration is loaded. */
struct figures_owner report_pages_owner(struct command *c);

/* Opens what there is in state-dir for reading, as whoever we are; what is missing stays NULL. The
 * owner is filled in by the caller. False, and *problem (in `a`). */
bool report_pages_open(const struct conf *conf, struct arena *a, struct page_stores *out,
                       struct str *problem);
void report_pages_close(struct page_stores *stores);

#endif
