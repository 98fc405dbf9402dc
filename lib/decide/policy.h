/* policy.h - evidence and configuration in, verdict out. Pure: no DNS, no clock, no MTA. */
#ifndef ASSAY_DECIDE_POLICY_H
#define ASSAY_DECIDE_POLICY_H

#include "conf/conf.h"
#include "core/evidence.h"
#include "core/message.h"
#include "core/verdict.h"

/* At POINT_MAIL and POINT_RCPT only what the configuration lets happen there. Texts live in `a`. */
void policy_decide(const struct conf *conf, enum policy_point point, const struct session *session,
                   const struct message *message, const struct evidence *evidence, struct arena *a,
                   struct verdict *out);

/* At RCPT, beside policy_decide(): what this recipient (an address without brackets) is refused for
 * alone. */
void policy_decide_recipient(const struct conf *conf, const struct session *session,
                             const struct message *message, const struct evidence *evidence,
                             struct str address, struct arena *a, struct verdict *out);

/* True if, under this configuration, the point can give another answer than "go on": for
 * negotiation. */
bool policy_may_refuse(const struct conf *conf, enum policy_point point);

#endif
