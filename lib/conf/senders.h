/* senders.h - the file senders-must-match: which From addresses each authenticated user may use.
 *
 * A line is a user and the addresses, in the form of sender_pattern_parse(), with white space
 * between. "*" as the user is every user. Lines add up. "#" begins a comment at the beginning of a
 * word. */
#ifndef ASSAY_CONF_SENDERS_H
#define ASSAY_CONF_SENDERS_H

#include "conf/conf.h"
#include "mail/address.h"

/* Reads the file that conf names, into conf's arena. What is wrong is added to the problems. */
const struct senders *senders_read(const struct conf *conf, struct conf_problems *problems);
/* The same from text, which has to live as long. */
const struct senders *senders_parse(struct str text, const char *path, struct arena *a,
                                    struct conf_problems *problems);

/* True if the user (as authenticated, case counts) may use this address in From. */
bool senders_allow(const struct senders *map, struct str user, const struct mailbox *author,
                   struct arena *a);

#endif
