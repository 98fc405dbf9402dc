/* telling_util.h - what a stage tells people and programs, as one text. */
#ifndef ASSAY_TESTS_UNIT_TELLING_UTIL_H
#define ASSAY_TESTS_UNIT_TELLING_UTIL_H

#include "core/stage.h"
#include "core/telling.h"

static inline struct str told_to_people(const struct stage *stage, const struct telling *t)
{
    struct strbuf b;
    sb_init(&b, t->arena);
    stage->telling->text(t, &b);
    return sb_str(&b);
}

/* The members, on one line without indents: "a": 1,"b": 2 */
static inline struct str told_to_programs(const struct stage *stage, const struct telling *t)
{
    struct strbuf b;
    struct json j;
    struct str line;
    sb_init(&b, t->arena);
    json_begin(&j, t->arena);
    stage->telling->json(t, &j);
    json_end(&j, '}');
    struct str rest = json_str(&j);
    while (str_split(&rest, '\n', &line))
        sb_add(&b, str_trim(line));
    return str_sub(sb_str(&b), 1, b.n - 1);
}

#endif
