/* runtime.h - what all connections share: the snapshot in force, the resolver, the key cache, and
 * how many connections and transactions there are.
 *
 * A snapshot is configuration and keys, immutable. A message takes the one in force at MAIL and
 * keeps it to its end, so a reload never changes a message half-way. */
#ifndef ASSAY_MILTER_RUNTIME_H
#define ASSAY_MILTER_RUNTIME_H

#include "base/budget.h"
#include "conf/conf.h"
#include "core/engine.h"
#include "core/signing.h"
#include "crypto/keys.h"
#include "dns/dns.h"
#include "session/session.h"

struct identity;
struct keydirs;
struct reference;
struct runtime;
struct sampler;

/* A configuration with its keys, complete and checked, not in force yet. */
struct candidate {
    struct conf *conf;
    struct key_set *keys;
    struct keydirs *dirs;         /* that the keys were made of; NULL: none */
    const struct srs_scheme *srs; /* in the configuration's arena; NULL: without srs.domain */
};

/* Whose rights the keys are read with: the process's own, or those of the user that the
 * configuration says, who has to be able to read them after the daemon has become that user. */
enum rights { RIGHTS_OWN, RIGHTS_OF_USER };

/* Reads `path` and the keys it names. False: and `problems` says everything that is wrong. Where
 * `left_out` is not NULL, keys that cannot be used are left out and told there (keys/keyset.h), and
 * so is the file of secrets. */
bool candidate_load(const char *path, enum rights rights, struct conf_problems *problems,
                    struct conf_problems *left_out, struct candidate *out);
void candidate_free(struct candidate *c);

struct runtime *runtime_new(void);
/* Ends all that was begun for it: nobody may use it or one of its snapshots any more. */
void runtime_free(struct runtime *rt);

/* Puts the candidate, which it takes over, in force; opens the resolver, the key cache and the
 * processes of assay-reference unless those of the snapshot before have the same settings. False
 * and *problem (in `a`) if one of them cannot be opened: then the snapshot before stays. Main
 * thread only. */
bool runtime_install(struct runtime *rt, struct candidate *c, struct arena *a, struct str *problem);

/* The same snapshot with other keys, which it takes over. Main thread only. */
void runtime_install_keys(struct runtime *rt, struct key_set *keys);

/* The snapshot in force, for the caller to release; from any thread. */
struct snapshot *snapshot_take(struct runtime *rt);
void snapshot_release(struct snapshot *s); /* never frees: that is left to the main thread */

/* Readable when the main thread should call runtime_tidy(): a snapshot fell out of use, or the last
 * open transaction ended while stopping. */
int runtime_wake_fd(const struct runtime *rt);
void runtime_wake(struct runtime *rt);
/* Frees what is out of use. Main thread only. */
void runtime_tidy(struct runtime *rt);

/* Counts a connection in: its number among those that are open, from 1. */
unsigned runtime_connection_opened(struct runtime *rt);
void runtime_connection_closed(struct runtime *rt);

/* Counts a transaction in. False: the daemon is stopping, and none may begin. */
bool runtime_transaction_begins(struct runtime *rt);
void runtime_transaction_ended(struct runtime *rt);
unsigned runtime_open_transactions(const struct runtime *rt);
unsigned runtime_open_connections(const struct runtime *rt);
int64_t runtime_loaded(const struct runtime *rt); /* when the configuration came in force */

/* What dialogues get from it (host.c). */
const struct session_host *runtime_host(const struct runtime *rt);

/* The memory of all messages under way (limits.memory). */
struct budget *runtime_memory(struct runtime *rt);
/* The memory for copies of messages that the libraries are to see (reference.memory). */
struct budget *runtime_copies(struct runtime *rt);
/* Takes messages for comparison. NULL: reference.sample was never more than 0. */
struct sampler *runtime_sampler(struct runtime *rt);

void runtime_stop(struct runtime *rt); /* from here on no transaction may begin */

/* Nobody waits for DNS or for a library any more. Main thread only. */
void runtime_give_up(struct runtime *rt);

#endif
