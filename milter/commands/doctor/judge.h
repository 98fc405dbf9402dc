/* judge.h - the judges of checks.def: facts in, findings out, and nothing else. */
#ifndef ASSAY_MILTER_DOCTOR_JUDGE_H
#define ASSAY_MILTER_DOCTOR_JUDGE_H

#include "milter/commands/doctor/facts.h"

#define DOCTOR_CHECK(id, area, name, judge)                                                        \
    void judge(const struct doctor_facts *facts, struct findings *out);
#include "milter/commands/doctor/checks.def"
#undef DOCTOR_CHECK

/* All of them, in the order of checks.def. */
void judge_all(const struct doctor_facts *facts, struct findings *out);

#endif
