/* snapshot.h - what a message is judged with. */
#ifndef ASSAY_SESSION_SNAPSHOT_H
#define ASSAY_SESSION_SNAPSHOT_H

#include "conf/conf.h"
#include "core/engine.h"
#include "core/signing.h"
#include "crypto/keys.h"
#include "dns/dns.h"
#include "store/state.h"

struct list_health;
struct reference;
struct rows;
struct srs_scheme;

/* Immutable. A message takes the one in force at MAIL and keeps it to its end, so a reload never
 * changes a message half-way. */
struct snapshot {
    const struct conf *conf;
    const struct key_set *keys;      /* NULL: nothing is signed */
    const struct srs_scheme *srs;    /* NULL: without srs.domain */
    struct dns *dns;                 /* shared with other snapshots of the same dns settings */
    struct key_cache *key_cache;     /* shared likewise */
    struct list_health *list_health; /* likewise; NULL: none is remembered */
    const struct engines *engines;
    struct state *state;         /* what was seen before, shared likewise; NULL: nobody asks */
    struct rows *rows;           /* where rows for reports go, likewise; NULL: nowhere */
    struct reference *reference; /* shared likewise; NULL: no library is asked for anything */
};

#endif
