/* judge.c - runs all checks.
 *
 * Errors: none. */
#include "milter/commands/doctor/judge.h"

void judge_all(const struct doctor_facts *facts, struct findings *out)
{
#define DOCTOR_CHECK(id, area, name, judge) judge(facts, out);
#include "milter/commands/doctor/checks.def"
#undef DOCTOR_CHECK
}
