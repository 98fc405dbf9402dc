/* signingtable.h - OpenDKIM's KeyTable and SigningTable, loaded: which keys sign for an author.
 *
 * SigningTable behind refile: holds patterns; the first line that matches counts. Otherwise it is
 * asked for user@host, host, user@.parent (for each parent), .parent, user@* and *, in this order.
 * All lines with the very pattern that matched sign; OpenDKIM does so with MultipleSignatures, and
 * without it a second line has no use. */
#ifndef ASSAY_KEYS_SIGNINGTABLE_H
#define ASSAY_KEYS_SIGNINGTABLE_H

#include "conf/conf.h"
#include "dkim/dkim.h"
#include "keys/keyfiles.h"
#include "mail/address.h"

struct signing_table;

/* Reads both tables of the configuration and asks for the files of the keys that they use. NULL if
 * the configuration names none; lives in `a`. */
struct signing_table *signing_table_read(const struct conf *conf, struct arena *a,
                                         struct key_files *files, struct conf_problems *problems);

/* Once the files are loaded; those that could not be do not sign. */
void signing_table_finish(struct signing_table *table, struct arena *a);

/* As key_set's find(). */
size_t signing_table_find(const struct signing_table *table, const struct mailbox *author,
                          struct arena *a, const struct dkim_signing_key **keys);

/* RSA before Ed25519, otherwise as they are: verifiers that know only the first find it first. */
void signing_keys_sort(struct dkim_signing_key *keys, size_t n);

#endif
