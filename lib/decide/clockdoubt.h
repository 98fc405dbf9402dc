/* clockdoubt.h - is our clock slow? Signatures that verify, and are dated in the future, say so
 * when they are by many domains: one signer alone may have a clock that is fast. */
#ifndef ASSAY_DECIDE_CLOCKDOUBT_H
#define ASSAY_DECIDE_CLOCKDOUBT_H

#include <stdint.h>

#include "base/str.h"

#define CLOCK_DOUBT_DOMAINS 5    /* so many different ones ... */
#define CLOCK_DOUBT_S       3600 /* ... within such a time, in seconds */

/* Zeroed at the beginning; it has no lock. */
struct clock_doubt {
    struct clock_witness {
        uint64_t domain; /* its hash */
        int64_t at;      /* seconds; 0: none */
        int64_t ahead_s;
    } witnesses[CLOCK_DOUBT_DOMAINS];
    int64_t told_at;
};

/* A signature by this domain is dated ahead_s seconds in the future. How slow our clock is, at
 * least, in seconds, if the operator is to be told now: once in CLOCK_DOUBT_S; else 0. */
int64_t clock_doubt_note(struct clock_doubt *doubt, struct str domain, int64_t ahead_s,
                         int64_t now);

#endif
