/* fuzz.h - what every fuzz target includes first. */
#ifndef ASSAY_TESTS_FUZZ_FUZZ_H
#define ASSAY_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"

/* Called with each input; returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold for every input; kept in all builds. */
#define require(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static inline struct str fuzz_text(const uint8_t *data, size_t size)
{
    return (struct str){size ? (const char *)data : "", size};
}

/* Requires the value of a header field that we wrote to be one: lines below 998 bytes, folds before
 * white space, something else on every line, no control characters (RFC 5322 2.1.1, 2.2, 3.2.2).
 * Lines above 78 have no place left to fold them at. */
static inline void require_field_lines(struct str value, size_t name_columns)
{
    struct str line;
    size_t column = name_columns;
    for (struct str rest = value; str_split(&rest, '\n', &line); column = 0) {
        struct str text = str_trim(line);
        require(line.n + column < 998);
        require(column || (line.n > 0 && (line.p[0] == ' ' || line.p[0] == '\t')));
        require(column || text.n > 0);
        require(line.n + column <= 78 || str_find(text, 0, ' ') == text.n);
        for (size_t i = column ? 0 : 1; i < line.n; i++)
            require((unsigned char)line.p[i] >= 0x20 && line.p[i] != 0x7F);
    }
}

#endif
