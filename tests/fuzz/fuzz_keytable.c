/* OpenDKIM's tables: rows, key rows, and patterns against a slower matcher. */
#include "fuzz.h"

#include "keys/tables.h"
#include "mail/pattern.h"

/* The definition: the part before the first asterisk, then any cut of the rest. */
static bool matches(struct str pattern, struct str text)
{
    if (!pattern.n)
        return !text.n;
    struct str rest = str_sub(pattern, 1, pattern.n);
    if (pattern.p[0] != '*')
        return text.n && pattern.p[0] == text.p[0] && matches(rest, str_sub(text, 1, text.n));
    for (size_t i = 0; i <= text.n; i++)
        if (matches(rest, str_sub(text, i, text.n)))
            return true;
    return false;
}

static void check_row(struct arena *a, struct table_row row)
{
    struct key_row key;
    struct str problem;
    require(row.name.n && row.value.n && str_find(row.name, 0, ' ') == row.name.n);
    if (key_row_parse(row.value, a, &key, &problem))
        require(key.domain.n && key.selector.n && str_starts(key.path, STR("/")));
    else
        require(problem.n);
    struct str normal = pattern_normalize(a, row.name);
    require(str_eq(pattern_normalize(a, normal), normal));
    struct str pattern = str_sub(row.name, 0, 12), text = str_sub(row.value, 0, 16);
    require(pattern_match(pattern, text) == matches(pattern, text));
    require(signing_row_key(row.value).n <= row.value.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(0);
    struct conf_problems problems;
    struct table table;
    conf_problems_init(&problems, a);
    table_parse(fuzz_text(data, size), "table", a, &problems, &table);
    for (size_t i = 0; i < table.n; i++)
        check_row(a, table.rows[i]);
    for (size_t i = 0; i < problems.n; i++)
        require(str_starts(problems.v[i], STR("table:")));
    arena_free(a);
    return 0;
}
