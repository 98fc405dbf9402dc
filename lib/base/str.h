/* str.h - text as a pointer and a length, and a builder for it.
 *
 * A `struct str` owns nothing: it is a view of bytes that live in an arena, a literal or a packet.
 * The bytes may be anything, NUL included. Absent is { NULL, 0 }; empty is { "", 0 }. */
#ifndef ASSAY_BASE_STR_H
#define ASSAY_BASE_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

struct str {
    const char *p;
    size_t n;
};

#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
#define STR_INIT(literal)                                                                          \
    {                                                                                              \
        "" literal, sizeof(literal) - 1                                                            \
    } /* for static tables */
#define STR_NONE ((struct str){NULL, 0})
/* For printf: printf("%.*s", STR_ARG(s)). Only for text that is known to be clean. */
#define STR_ARG(s) ((int)(s).n), ((s).p ? (s).p : "")

struct str str_of(const char *cstring);             /* NULL gives STR_NONE */
struct str str_copy(struct arena *a, struct str s); /* a copy, NUL behind it; absent stays absent */
char *str_cstr(struct arena *a, struct str s);      /* the same as a C string; never NULL */
struct str str_lower(struct arena *a, struct str s); /* ASCII only */
struct str str_printf(struct arena *a, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
struct str str_vprintf(struct arena *a, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

bool str_eq(struct str a, struct str b);
bool str_eq_nocase(struct str a, struct str b); /* ASCII only */
int str_cmp_nocase(struct str a, struct str b); /* <0, 0, >0 */
bool str_starts(struct str s, struct str prefix);
bool str_starts_nocase(struct str s, struct str prefix);
bool str_ends_nocase(struct str s, struct str suffix);

/* Position of the first (last) `c` at or after `from`; s.n if there is none. */
size_t str_find(struct str s, size_t from, char c);
size_t str_find_last(struct str s, char c);

/* The same for a text, in any case (ASCII only). */
size_t str_find_nocase(struct str s, size_t from, struct str words);

struct str str_sub(struct str s, size_t from, size_t to); /* bytes from..to-1, clamped */
struct str str_trim(struct str s);                        /* without SP TAB CR LF at both ends */

/* Takes the text before the next `c` off the front of *rest; false when nothing is left. */
bool str_split(struct str *rest, char c, struct str *part);

/* Insertions, deletions and replacements that make one text of the other: for "do you mean ...?".
 * Texts above STR_DISTANCE_MAX bytes have nothing in common. */
#define STR_DISTANCE_MAX 64
size_t str_distance(struct str a, struct str b);

/* Decimal digits only, all of them, not above max: true and *value. */
bool str_to_u64(struct str s, unsigned long long max, unsigned long long *value);

bool str_is_ascii(struct str s); /* no 8-bit bytes */

/* Length of the valid UTF-8 sequence of two or more bytes at s[i], 0 if there is none (RFC 3629);
 * C1 controls (U+0080 to U+009F) do not count. */
size_t str_utf8(struct str s, size_t i);

/* Does a character begin at s[i] that turns the text around it, or that nobody sees? A name that
 * has one may look like another. */
bool str_misleads(struct str s, size_t i);

/* Text from the network, fit for a log line, a header or a reply: printable ASCII stays; control,
 * 8-bit bytes that are not valid UTF-8, and backslash become \xHH; at most `max` bytes of output, a
 * longer text ends in "...". Valid UTF-8 above U+009F stays when `utf8` is true, but for what
 * misleads. */
struct str str_safe(struct arena *a, struct str s, size_t max, bool utf8);

/* Builder: grows in its arena. */
struct strbuf {
    struct arena *arena;
    char *p;
    size_t n, cap;
};

void sb_init(struct strbuf *b, struct arena *a);
void sb_add(struct strbuf *b, struct str s);
void sb_addc(struct strbuf *b, char c);
void sb_printf(struct strbuf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sb_vprintf(struct strbuf *b, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
struct str sb_str(struct strbuf *b); /* what was built so far, NUL behind it */

#endif
