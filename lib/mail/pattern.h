/* pattern.h - addresses with asterisks in them, and the authors that they match. */
#ifndef ASSAY_MAIL_PATTERN_H
#define ASSAY_MAIL_PATTERN_H

#include "base/arena.h"
#include "mail/address.h"

/* The form in which patterns are compared: lower case, the domain normalised (domain.h), label by
 * label where it has asterisks. Any text is a pattern here. */
struct str pattern_normalize(struct arena *a, struct str pattern);

/* A pattern for senders as people write it: "ann@example.org", "*@*.example.org", "@example.org"
 * for all of a domain, "*" for everybody. NULL and *out in its normal form, or what is wrong. */
const char *sender_pattern_parse(struct arena *a, struct str text, struct str *out);

/* The domain of a pattern such as "*@example.org"; absent if that holds an asterisk. */
struct str pattern_domain(struct str pattern);

/* What patterns are matched with: the author's address in lower case. Without a domain name, the
 * local part alone, with an "@" behind it. */
struct str pattern_subject(struct arena *a, const struct mailbox *author);

/* Wildcard match of the whole text, asterisks standing for any text. Text is an author of bounded
 * length. */
bool pattern_match(struct str pattern, struct str text);

#endif
