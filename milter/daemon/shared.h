/* shared.h - what snapshots share as long as their settings are the same: a configuration, a
 * resolver, a cache of keys, the processes of assay-reference.
 *
 * It all belongs to the main thread: others use the objects through their snapshot. */
#ifndef ASSAY_MILTER_SHARED_H
#define ASSAY_MILTER_SHARED_H

#include "conf/conf.h"

struct shared {
    unsigned users; /* snapshots */
    void *object;
    void (*close)(void *object);
    int64_t stamp; /* of resolv.conf, for a resolver that uses it */
};

struct shared *shared_hold(struct shared *s); /* s; NULL is allowed */
void shared_release(struct shared *s);        /* the last one closes it; NULL is allowed */

/* Takes the configuration over. */
struct shared *shared_conf(struct conf *conf);

/* For `conf`: the object of the snapshot before, if its configuration `before` has the same
 * settings for it, else another. `before` and `old` are NULL at the start. */

/* NULL on failure, and *problem is a phrase (in `a`). */
struct shared *shared_dns(const struct conf *conf, const struct conf *before, struct shared *old,
                          struct arena *a, struct str *problem);

struct shared *shared_key_cache(const struct conf *conf, const struct conf *before,
                                struct shared *old);

struct shared *shared_list_health(struct shared *old);

/* *state is NULL where nobody asks it. False on failure, and *problem is a phrase (in `a`). */
bool shared_state(const struct conf *conf, const struct conf *before, struct shared *old,
                  struct shared **state, struct arena *a, struct str *problem);

/* *rows is NULL where none are kept (reports.record). As shared_state(). */
bool shared_rows(const struct conf *conf, const struct conf *before, struct shared *old,
                 struct shared **rows, struct arena *a, struct str *problem);

/* *workers is NULL where none are wanted. False on failure, and *problem is a phrase (in `a`). */
bool shared_workers(const struct conf *conf, const struct conf *before, struct shared *old,
                    struct shared **workers, struct arena *a, struct str *problem);

#endif
