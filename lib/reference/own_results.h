/* own_results.h - what our own libraries say of a message, to be laid beside what others say:
 * whichever library's result counted in the evidence. */
#ifndef ASSAY_REFERENCE_OWN_RESULTS_H
#define ASSAY_REFERENCE_OWN_RESULTS_H

#include "core/engine.h"
#include "core/evidence.h"

/* From the evidence where our own engine decided; else our library is asked, and the answers that
 * it needs are at hand. `engines` as in struct stage_run; everything lives in the asker's arena. */
struct spf_outcome own_results_spf(const struct engines *engines, const struct evidence *evidence,
                                   const struct spf_request *request, struct dns_asker *asker);

/* The same; the message's body is kept whole. */
const struct dkim_signature *own_results_dkim(const struct engines *engines,
                                              const struct evidence *evidence,
                                              const struct dkim_verify_settings *settings,
                                              const struct message *message, struct key_cache *keys,
                                              struct dns_asker *asker, size_t *n);

#endif
