/* html.h - writes HTML and SVG so that no text can become markup.
 *
 * Only formats, which are literals, have markup; every text that a format takes is escaped. In
 * texts, control characters, bytes that are not UTF-8, and characters that change the direction of
 * writing become U+FFFD; a text longer than HTML_TEXT_MAX ends in "…". */
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

/* A text of any length, escaped, with its line ends. */
void html_long_text(struct html *h, struct str text);

void html_text(struct html *h, struct str text);

/* A number as people read it: 26,412. */
void html_number(struct html *h, uint64_t n);

/* A component of a URL: percent-encodes everything except letters, digits and "-._~". */
void html_url(struct strbuf *b, struct str text);

struct str html_str(struct html *h);

#endif
