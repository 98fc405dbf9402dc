/* gzip.h - writes a gzip file in memory (RFC 1952). The same bytes give the same file. */
#ifndef ASSAY_REPORT_OUT_GZIP_H
#define ASSAY_REPORT_OUT_GZIP_H

#include <stdint.h>

#include "base/str.h"

struct gzip;

struct gzip *gzip_new(void);
void gzip_free(struct gzip *g); /* NULL is allowed */

void gzip_add(struct gzip *g, struct str piece);
/* Bytes that were added, and bytes of the file so far, which may lack the last 64 KB of them. */
uint64_t gzip_taken(const struct gzip *g);
uint64_t gzip_given(const struct gzip *g);

/* The whole file, which lives until the next gzip_begin_again() or gzip_free(). */
struct str gzip_finish(struct gzip *g);
void gzip_begin_again(struct gzip *g);

#endif
