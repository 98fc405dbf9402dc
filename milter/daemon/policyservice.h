/* policyservice.h - what the policy door answers: the same evaluation and policy as the milter's,
 * up to DATA. Its context is a struct policy_service. */
#ifndef ASSAY_MILTER_POLICYSERVICE_H
#define ASSAY_MILTER_POLICYSERVICE_H

#include "milter/serve/policy_door.h"

struct runtime;
struct policy_service;

/* Outlives the server. */
struct policy_service *policy_service_new(struct runtime *rt);
void policy_service_free(struct policy_service *service); /* NULL is allowed */

extern const struct policy_events policy_events;

#endif
