/* cf.h - Postfix's configuration files, main.cf and master.cf, as postconf(5) and master(5) have
 * them. */
#ifndef ASSAY_MILTER_DOCTOR_CF_H
#define ASSAY_MILTER_DOCTOR_CF_H

#include <stdint.h>

#include "base/str.h"

/* Settings "name = value"; of several with one name the last counts. */
struct cf {
    struct arena *arena;
    const struct cf *below; /* asked for what is not here; NULL: nobody */
    size_t n, cap;
    struct cf_setting {
        struct str name, value;
    } * v;
};

/* The next logical line: comments and empty lines are left out, and what begins with white space
 * goes on with the line before. False at the end. */
bool cf_line(struct str *text, struct arena *a, struct str *line);

void cf_add(struct cf *cf, struct str text); /* "name = value", or "name=value" */
/* All settings of a main.cf. */
void cf_read(struct cf *cf, struct str text);

/* The value with $name, ${name} and $(name) filled in; `fallback` where it is not set. Conditional
 * forms (${name?text}) are left as they are. */
struct str cf_value(const struct cf *cf, const char *name, const char *fallback);

/* Takes the next entry of a list off its front: entries are parted by commas or white space, and
 * one in braces is one, without them. False at the end. */
bool cf_entry(struct str *list, struct str *entry);

/* "300s", "5m", "1h", "1d", "1w"; a bare number is seconds. In milliseconds; -1: it is no time. */
int64_t cf_time_ms(struct str text);

/* The next word of a line; one in braces is one word, without them. False at the end. */
bool cf_word(struct str *line, struct str *word);

#endif
