/* elements.c - names of elements to numbers. */
#include "report/in/elements.h"

enum in_element in_element_of(struct str name)
{
    static const struct str names[] = {
#define IN_ELEMENT(id, text) STR_INIT(text),
#include "report/in/elements.def"
#undef IN_ELEMENT
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].n == name.n && name.p[0] == names[i].p[0] && str_eq(names[i], name))
            return (enum in_element)(i + 1);
    return IN_UNKNOWN;
}
