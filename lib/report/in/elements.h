/* elements.h - the names of elements.def as numbers. */
#ifndef ASSAY_REPORT_IN_ELEMENTS_H
#define ASSAY_REPORT_IN_ELEMENTS_H

#include "base/str.h"

enum in_element {
    IN_UNKNOWN,
#define IN_ELEMENT(name, text) IN_##name,
#include "report/in/elements.def"
#undef IN_ELEMENT
};

/* The name without its prefix and colon. Reports need no prefixes, and many are never declared. */
static inline struct str in_local_name(struct str name)
{
    size_t colon = str_find_last(name, ':');
    return colon < name.n ? str_sub(name, colon + 1, name.n) : name;
}

enum in_element in_element_of(struct str local_name);

#endif
