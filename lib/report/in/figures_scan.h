/* figures_scan.h - what the files of the figures share. Private to lib/report/in. */
#ifndef ASSAY_REPORT_IN_FIGURES_SCAN_H
#define ASSAY_REPORT_IN_FIGURES_SCAN_H

#include "report/in/figures.h"
#include "report/in/received_store.h"

bool figures_wants(enum figures_result wanted, const struct outcome *o);
void figures_count(struct figures_counts *c, const struct outcome *o, uint64_t messages);

/* The filter wants this domain, which is one of ours. */
bool figures_is_ours(const struct figures_filter *f, struct str domain);

/* Fills in names, classes, labels, countries and days of sources whose counts are known. */
bool figures_name_sources(struct received *r, const struct figures_filter *f, struct arena *a,
                          struct figures_source *v, size_t n);

#endif
