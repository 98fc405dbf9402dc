/* signingtable.h - OpenDKIM's KeyTable and SigningTable, loaded: which keys sign for an author.
 *
 * SigningTable behind refile: holds patterns; the first line that matches counts. Otherwise it is
 * asked for user@host, host, user@.parent (for each parent), .parent, user@* and *, in this order.
 * All lines with the very pattern that matched sign; OpenDKIM does so with MultipleSignatures, and
 * without it nobody has use for a second line. */
#ifndef ASSAY_KEYS_SIGNINGTABLE_H
#define ASSAY_KEYS_SIGNINGTABLE_H

#include "conf/conf.h"
#include "dkim/dkim.h"
#include "mail/address.h"

struct signing_table;

/* Gives the key of a file (which it keeps a reference on), or NULL after a complaint. */
struct key_loader {
    struct private_key *(*load)(void *context, struct str path, struct conf_place place);
    void *context;
};

/* Reads both tables of the configuration and loads the keys that they use. NULL if there is none,
 * or after complaints. Lives in `a`. */
struct signing_table *signing_table_load(const struct conf *conf, struct arena *a,
                                         const struct key_loader *loader,
                                         struct conf_problems *problems);

/* As key_set's find(). */
size_t signing_table_find(const struct signing_table *table, const struct mailbox *author,
                          struct arena *a, const struct dkim_signing_key **keys);

/* RSA before Ed25519, otherwise as they are: verifiers that know only the first find it first. */
void signing_keys_sort(struct dkim_signing_key *keys, size_t n);

#endif
