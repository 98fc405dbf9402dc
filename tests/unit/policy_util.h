/* policy_util.h - what policy says of facts and evidence that a test makes up, in one line. */
#ifndef ASSAY_TESTS_UNIT_POLICY_UTIL_H
#define ASSAY_TESTS_UNIT_POLICY_UTIL_H

#include "decide/policy.h"
#include "stage_rig.h"

/* "reject 550 5.7.1 text", with "(shadow)" where it is not done: what is said at this point. */
static inline struct str said(struct rig *r, enum policy_point point)
{
    struct verdict v;
    policy_decide(r->conf, point, &r->session, &r->message, &r->evidence, r->arena, &v);
    if (v.if_enforced == ACTION_ACCEPT)
        return STR("accept");
    return str_printf(r->arena, "%s%s %s: %.*s%s%.*s%s%.*s", action_name(v.if_enforced),
                      v.action == v.if_enforced ? "" : "(shadow)", v.cause, STR_ARG(v.code),
                      v.code.n ? " " : "", STR_ARG(v.enhanced), v.enhanced.n ? " " : "",
                      STR_ARG(v.text));
}

#endif
