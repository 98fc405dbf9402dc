/* html.h - HTML and SVG, written so that no text can become markup.
 *
 * Markup stands in formats alone, which are literals; whatever a format takes as text is escaped.
 * In texts, what has no place in a page (control characters, bytes that are not UTF-8, characters
 * that turn the direction of writing) becomes U+FFFD, and a text beyond HTML_TEXT_MAX ends in
 * "…". */
#ifndef ASSAY_REPORT_PAGE_HTML_H
#define ASSAY_REPORT_PAGE_HTML_H

#include <stdint.h>

#include "base/str.h"

#define HTML_TEXT_MAX 500 /* bytes of one text */

struct html {
    struct strbuf out;
};

void html_init(struct html *h, struct arena *a);

/* Markup with values: %s and %.*s (escaped), %d, %u, %ld, %lu, %zu, %c,
 * %.3f and %%. */
void html_put(struct html *h, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Escaped, whatever its length, and with its line ends. */
void html_long_text(struct html *h, struct str text);

void html_text(struct html *h, struct str text);

/* A number as people read it: 26,412. */
void html_number(struct html *h, uint64_t n);

/* A component of a URL: everything but letters, digits and "-._~" is percent-encoded. */
void html_url(struct strbuf *b, struct str text);

struct str html_str(struct html *h);

#endif
