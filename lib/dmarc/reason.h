/* reason.h - why an evaluation came out as it did, in words. Internal to lib/dmarc.
 *
 * Every phrase is clean ASCII and lives in the asker's arena. */
#ifndef ASSAY_DMARC_REASON_H
#define ASSAY_DMARC_REASON_H

#include "dmarc/treewalk.h"

struct str dmarc_shown(struct dmarc_walker *walker, struct str domain);
struct str dmarc_identifier_shown(struct dmarc_walker *walker, const struct dmarc_identifier *id);
const char *dmarc_tag_name(char policy_tag); /* "sp" for 's' */
const char *dmarc_aligned_word(enum dmarc_aligned aligned);

/* The alignment mode that the record asks for an identifier of this kind. */
enum dmarc_alignment dmarc_mode(const struct dmarc_record *record,
                                const struct dmarc_identifier *id);

struct str dmarc_why_none(struct dmarc_walker *walker, struct str author);
struct str dmarc_why_unusable(struct dmarc_walker *walker, const struct dmarc_node *node);
struct str dmarc_why_no_policy(struct dmarc_walker *walker, const struct dmarc_node *unknown);
struct str dmarc_why_no_existence(struct dmarc_walker *walker, const struct dmarc_outcome *out,
                                  enum dns_status status);
struct str dmarc_why_pass(struct dmarc_walker *walker, const struct dmarc_request *request,
                          size_t index);
/* `index`: an identifier that may pass and be aligned. */
struct str dmarc_why_undecided(struct dmarc_walker *walker, const struct dmarc_request *request,
                               size_t index);
struct str dmarc_why_fail(struct dmarc_walker *walker, const struct dmarc_request *request,
                          const struct dmarc_outcome *out);

#endif
