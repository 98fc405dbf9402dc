/* pipeline.h - runs the stages of one message, point by point. */
#ifndef ASSAY_SESSION_PIPELINE_H
#define ASSAY_SESSION_PIPELINE_H

#include "core/stage.h"

struct pipeline;

/* In the order in which they tell of a message; ends with NULL. */
extern const struct stage *const stages_all[];

/* For one message, whose origin is decided; lives in the message's arena. `base` gives everything
 * but the state; engines may be NULL: our own; bodies, too. The asker, which has asked for nothing
 * yet, gets its spare queries here. */
struct pipeline *pipeline_new(const struct stage_run *base);

void pipeline_mail(struct pipeline *p);
void pipeline_rcpt(struct pipeline *p);
void pipeline_data(struct pipeline *p);
void pipeline_eoh(struct pipeline *p);
void pipeline_body(struct pipeline *p, const void *data, size_t n);
void pipeline_eom(struct pipeline *p);

#endif
