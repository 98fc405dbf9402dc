/* test.h - what every unit test includes first: cmocka with what it needs, and text comparison. */
#ifndef ASSAY_TESTS_UNIT_TEST_H
#define ASSAY_TESTS_UNIT_TEST_H

/* cmocka.h wants these before it; the blank line keeps them there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

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

/* A copy of the text that nobody may read beyond: the memory behind it is out of bounds. */
static inline struct str at_page_end(struct str text)
{
    size_t page = 4096, room = (text.n / page + 1) * page;
    char *p = mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(p, MAP_FAILED);
    assert_int_equal(mprotect(p + room, page, PROT_NONE), 0);
    if (text.n)
        memcpy(p + room - text.n, text.p, text.n);
    return (struct str){p + room - text.n, text.n};
}

#endif
