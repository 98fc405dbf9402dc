/* workers.c - from the options of the reference group to lib/reference.
 *
 * Errors: NULL and a phrase for the operator. */
#include "milter/daemon/workers.h"

struct reference *workers_open(const struct conf *conf, struct arena *a, struct str *problem)
{
    struct str program = conf->reference_program, why = STR_NONE;
    const struct reference_settings settings = {
        .program = program.n ? str_cstr(a, program) : NULL,
        .workers = (unsigned)conf->reference_workers,
        .time_limit_ms = conf->reference_time_limit,
    };
    struct reference *reference = reference_open(&settings, a, &why);
    if (!reference)
        *problem = str_printf(a, "assay-reference cannot be started: %.*s", STR_ARG(why));
    return reference;
}

bool workers_same(const struct conf *a, const struct conf *b)
{
    return reference_wanted(a) == reference_wanted(b) &&
           a->reference_workers == b->reference_workers &&
           a->reference_time_limit == b->reference_time_limit &&
           str_eq(a->reference_program, b->reference_program);
}
