/* xml.h - XML written as UTF-8, whatever the texts are.
 *
 * What XML 1.0 cannot hold (control characters, bytes that are not UTF-8, U+FFFE, U+FFFF) becomes
 * a question mark; line ends and tabs become blanks. */
#ifndef ASSAY_REPORT_XML_H
#define ASSAY_REPORT_XML_H

#include <stdint.h>

#include "base/str.h"

struct xml {
    void *context;
    void (*write)(void *context, struct str piece);
    unsigned depth;
};

void xml_begin(struct xml *x); /* the declaration */
/* attributes: NULL, or the text of the tag behind its name, written as it is. */
void xml_open(struct xml *x, const char *name, const char *attributes);
void xml_close(struct xml *x, const char *name);
/* An element without others in it. xml_text() writes nothing for an empty text. */
void xml_text(struct xml *x, const char *name, struct str text);
void xml_text_or_empty(struct xml *x, const char *name, struct str text);
void xml_number(struct xml *x, const char *name, int64_t number);

#endif
