/* sampler.h - messages on their way to the libraries of the field, while mail goes on.
 *
 * A bounded queue and one thread. No message waits for it: what does not fit is left out and
 * counted.
 */
#ifndef ASSAY_MILTER_SAMPLER_H
#define ASSAY_MILTER_SAMPLER_H

#include "base/budget.h"
#include "milter/daemon/sample.h"

struct sampler;

/* Starts the thread. What waits is taken from `memory`, within reference.memory of the message's
 * configuration. NULL: there is no thread to be had. */
struct sampler *sampler_new(struct budget *memory);

/* True for this share of all calls, at random. */
bool sampler_chooses(double share);

/* Takes the sample with its arena over. False: it is left out, and stays the caller's. */
bool sampler_take(struct sampler *sampler, struct sample *sample);

/* Counts a sample that is left out because its body could not be kept. */
void sampler_skip(void);

/* Takes no more; waits until clock_us() is until_us for those that it has, and drops the rest. The
 * one that is being judged then goes on. */
void sampler_stop(struct sampler *sampler, int64_t until_us);

/* Waits for all that it has. NULL is allowed. */
void sampler_free(struct sampler *sampler);

#endif
