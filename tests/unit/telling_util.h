/* telling_util.h - what a stage tells people, programs, header and log, as one text; what was
 * counted. */
#ifndef ASSAY_TESTS_UNIT_TELLING_UTIL_H
#define ASSAY_TESTS_UNIT_TELLING_UTIL_H

#include "base/counters.h"
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

/* Behind the name of this host: " spf=pass smtp.mailfrom=a.example", on one line. */
static inline struct str told_in_header(const struct stage *stage, const struct telling *t)
{
    struct authres w;
    struct strbuf b;
    struct str line;
    authres_begin(&w, t->arena, STR("mx"));
    stage->telling->header(t, &w);
    struct str rest = authres_end(&w);
    sb_init(&b, t->arena);
    while (str_split(&rest, '\n', &line))
        sb_printf(&b, "%s%.*s", b.n ? " " : "", STR_ARG(str_trim(line)));
    return str_trim(str_sub(sb_str(&b), 3, b.n));
}

static inline struct str told_in_log(const struct stage *stage, const struct telling *t)
{
    struct strbuf b;
    sb_init(&b, t->arena);
    stage->telling->log(t, &b);
    return sb_str(&b);
}

static uint64_t counted_before[COUNTER_COUNT];

/* The counters that differ from what they were the last time, "name=more". */
static inline struct str counted(struct arena *a)
{
    struct strbuf b;
    sb_init(&b, a);
    for (size_t i = 0; i < COUNTER_COUNT; i++) {
        unsigned long long more = counter_get((enum counter)i) - counted_before[i];
        if (more)
            sb_printf(&b, " %s=%llu", counter_name((enum counter)i), more);
        counted_before[i] += more;
    }
    return str_trim(sb_str(&b));
}

#endif
