/* terminal.h - text from the network on a terminal: in columns, and whole. Nothing of it reaches
 * the terminal that would do something there. */
#ifndef ASSAY_MILTER_TERMINAL_H
#define ASSAY_MILTER_TERMINAL_H

#include "base/str.h"

/* Is it a terminal that obeys escapes (TERM)? Does it show colours, which NO_COLOR turns off? */
bool terminal_obeys(int fd);
bool terminal_has_colours(int fd);

/* The text as one column, safe (str_safe()), with blanks behind it up to `width` cells (wide
 * characters take two, combining ones none); of a
 * longer one the beginning and "...". Absent is empty. Lives in `a`. */
struct str terminal_column(struct arena *a, struct str text, size_t width);

/* A text of several lines, with a line end behind the last one: tabs stay, CR before LF goes, and
 * the rest is safe. Lives in `a`. */
struct str terminal_text(struct arena *a, struct str text);

/* Of a text that is to be safe already, and whose backslashes stay: what a terminal would obey all
 * the same, or show elsewhere than it stands, as \xNN. Line ends and tabs stay. Lives in `a`. */
struct str terminal_harmless(struct arena *a, struct str text);

#endif
