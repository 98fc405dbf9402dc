/* keyset.h - the signing keys of a configuration: loaded, checked, found by author.
 *
 * Which keys sign for a From mailbox: those of the entries of `signing` for its domain, first the
 * entries with `senders` that it matches, then the one without; else the same of the nearest domain
 * above it, where an entry without senders needs `subdomains`; else what OpenDKIM's SigningTable
 * says (tables.h). */
#ifndef ASSAY_KEYS_KEYSET_H
#define ASSAY_KEYS_KEYSET_H

#include "conf/conf.h"
#include "core/signing.h"
#include "keys/keydir.h"

/* Opens every key that the configuration can use, with the rights that the process has now. True
 * with *keys (NULL if no key is configured: nothing is signed); false if anything is wrong with a
 * table or a key, and `problems` says all of it, with file and line and the path of the key.
 *
 * A key file belongs to root or to the user that reads it, and others can neither read nor change
 * it: mode 0600, or 0640 with a group of that user or root's. Reader is the effective user of the
 * process, or conf->user when that is root. Immutable once loaded: usable from any thread. */
bool key_set_load(const struct conf *conf, struct conf_problems *problems, struct key_set **keys);

/* The same, and *dirs is the generation of key directories that was read for it (keydir.h), or
 * NULL. Where `left_out` is not NULL, a key file that cannot be used is no failure: the set is
 * without it, and `left_out` says why; nor is anything about a key directory, of which
 * keydirs_load() tells again. */
bool key_set_load_dirs(const struct conf *conf, struct conf_problems *problems,
                       struct conf_problems *left_out, struct key_set **keys,
                       struct keydirs **dirs);

/* The same configuration, with what the key directories hold now; `old` stays as it is. One thread
 * loads, renews and frees. */
struct key_set *key_set_renew(const struct key_set *old, const struct keydirs *dirs);

/* No message may use it any more. NULL is allowed. */
void key_set_free(struct key_set *set);

#endif
