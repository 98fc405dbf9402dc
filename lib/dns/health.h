/* health.h - does any resolver answer at all? The silence of one zone does not tell.
 *
 * Failures alone say little: one silent zone makes some. When nothing else has come for a while,
 * the resolvers are asked for the root, which every resolver knows. */
#ifndef ASSAY_DNS_HEALTH_H
#define ASSAY_DNS_HEALTH_H

#include "dns/dns.h"

/* One thread's: that which finishes the queries. Zeroed but for answered_us, the time when it
 * begins; times are clock_us()'s. */
struct dns_health {
    int64_t answered_us; /* when something was answered last */
    int64_t asked_us;    /* when the root was asked for last; 0: never */
    int64_t said_us;     /* when the operator was told last that nothing answers; 0: never */
    unsigned failures;   /* since the last answer */
    bool asking;         /* for the root, now */
    bool down, said;     /* down: nothing answers; said: and the operator knows */
};

/* What a finished query means. */
enum dns_health_news {
    DNS_HEALTH_SAME,
    DNS_HEALTH_DOUBT, /* ask for the root, and tell its answer */
    DNS_HEALTH_DOWN,  /* nothing answers, not even that: tell the operator */
    DNS_HEALTH_UP,    /* an operator who was told so can be told of an answer */
};

/* One query finished: `root` if it was that for the root. An operator is told at most once a minute
 * that nothing answers. */
enum dns_health_news dns_health_note(struct dns_health *h, enum dns_status status, bool root,
                                     int64_t now_us);

/* One line for the operator, for DOWN and UP; before the next query is noted. */
void dns_health_say(const struct dns_health *h, enum dns_health_news news, int64_t silent_us);

#endif
