/* intake.h - how much of a message's header is kept: everything within the limits of the
 * configuration, and beyond them only the fields that decide. */
#ifndef ASSAY_CORE_INTAKE_H
#define ASSAY_CORE_INTAKE_H

#include "core/message.h"

struct conf;

/* Counts a field with a value of `value_bytes` in: message->header_bytes, over_limit and what tells
 * of fields beyond the limits. True if it has to be kept in message->headers: it is within
 * limits.header-bytes and limits.header-count, or it decides all the same: a From (the policy of
 * its author domain holds whatever the size of the header), an Authentication-Results or
 * Received-SPF (RFC 8601 5: it would be believed). Of these a bounded number is kept. */
bool intake_field(const struct conf *conf, struct message *message, struct str name,
                  size_t value_bytes);

/* What the evaluation of a message takes of its arena at most, once its header is in: signatures
 * read, names found, results written. The bodies that engines keep are not in it. */
size_t intake_evaluation(const struct conf *conf, const struct message *message);

#endif
