/* scenario.h - a scenario file, parsed: see tests/README for how one is written. */
#ifndef ASSAY_TESTS_SCENARIO_H
#define ASSAY_TESTS_SCENARIO_H

#include "base/arena.h"
#include "base/str.h"

enum section {
    SECTION_CONFIG,
    SECTION_ZONE,
    SECTION_SESSION,
    SECTION_SENDERS,
    SECTION_SIGN,
    SECTION_MESSAGE,
    SECTION_EXPECT,
    SECTION_COUNT
};

struct scenario {
    struct str name;
    unsigned line;                     /* where it begins */
    struct str section[SECTION_COUNT]; /* text; what precedes the first scenario is put before it */
    unsigned section_line[SECTION_COUNT];
};

struct scenario_file {
    size_t n;
    struct scenario *v;
};

/* False, and a phrase with the line, if the file is not well-formed. */
bool scenario_parse(struct arena *a, struct str text, struct scenario_file *out,
                    struct str *problem);

/* Text against a pattern in which '*' stands for anything and all else for itself. */
bool pattern_matches(struct str pattern, struct str text);

#endif
