/* test.h - what every unit test includes first: cmocka with what it needs, and text comparison. */
#ifndef ASSAY_TESTS_UNIT_TEST_H
#define ASSAY_TESTS_UNIT_TEST_H

/* cmocka.h wants these before it; the blank line keeps them there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"

/* Fails unless got is exactly the C string want; both are printed. */
#define assert_str(got, want) check_str((got), (want), __FILE__, __LINE__)

static inline void check_str(struct str got, const char *want, const char *file, int line)
{
    if (got.n != strlen(want) || (got.n && memcmp(got.p, want, got.n) != 0)) {
        print_error("got  \"%.*s\"\nwant \"%s\"\n", STR_ARG(got), want);
        _fail(file, line);
    }
}

#endif
