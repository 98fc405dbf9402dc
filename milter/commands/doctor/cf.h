/* cf.h - reads Postfix's configuration files, main.cf and master.cf, in the syntax of postconf(5)
 * and master(5). */
#ifndef ASSAY_MILTER_DOCTOR_CF_H
#define ASSAY_MILTER_DOCTOR_CF_H

#include <stdint.h>

#include "base/str.h"

/* Settings "name = value"; if a name stands several times, the last one counts. */
struct cf {
    struct arena *arena;
    const struct cf *below; /* has the settings that are not here; NULL: none */
    size_t n, cap;
    struct cf_setting {
        struct str name, value;
    } * v;
};

/* The next logical line: comments and empty lines are left out, and a line that begins with white
 * space continues the one before. False at the end. */
bool cf_line(struct str *text, struct arena *a, struct str *line);

void cf_add(struct cf *cf, struct str text); /* "name = value", or "name=value" */
/* All settings of a main.cf. */
void cf_read(struct cf *cf, struct str text);

/* The value with $name, ${name} and $(name) filled in; `fallback` if it is not set. Conditional
 * forms (${name?text}) are left as they are. */
struct str cf_value(const struct cf *cf, const char *name, const char *fallback);

/* Takes the first entry from a list: commas or white space separate entries; text in braces is one
 * entry, without the braces. False at the end. */
bool cf_entry(struct str *list, struct str *entry);

/* "300s", "5m", "1h", "1d", "1w"; a number alone is seconds. The result is in milliseconds; -1: it
 * is no time. */
int64_t cf_time_ms(struct str text);

/* Takes the next word from a line; text in braces is one word, without the braces. False at the
 * end. */
bool cf_word(struct str *line, struct str *word);

#endif
