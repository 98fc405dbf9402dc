/* listhealth.c - a small table of zones under a lock.
 *
 * Errors: none; what does not fit in the table is not remembered. */
#include "core/listhealth.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"

#define ZONES      128        /* more than two configurations can have */
#define FAILURES   5          /* so many one after the other ... */
#define REST_US    60000000   /* ... and nothing is asked for so long */
#define SILENCE_US 3600000000 /* between two warnings about a list */

struct zone_health {
    uint64_t zone; /* its hash; 0: free */
    unsigned failures;
    int64_t rests_until, warned; /* 0: never */
};

struct list_health {
    pthread_mutex_t lock;
    struct zone_health zones[ZONES];
};

struct list_health *list_health_new(void)
{
    struct list_health *h = calloc(1, sizeof *h);
    if (!h)
        abort();
    pthread_mutex_init(&h->lock, NULL);
    return h;
}

void list_health_free(struct list_health *h)
{
    if (!h)
        return;
    pthread_mutex_destroy(&h->lock);
    free(h);
}

/* With the lock. NULL: the table is full. */
static struct zone_health *find_health(struct list_health *h, struct str zone)
{
    uint64_t hash = 14695981039346656037U; /* FNV-1a: zones are the operator's own words */
    for (size_t i = 0; i < zone.n; i++)
        hash = (hash ^ (unsigned char)zone.p[i]) * 1099511628211U;
    hash += !hash;
    for (size_t i = 0; i < ZONES; i++) {
        struct zone_health *z = &h->zones[i];
        if (!z->zone)
            z->zone = hash;
        if (z->zone == hash)
            return z;
    }
    return NULL;
}

const char *list_health_resting_at(struct list_health *h, struct str zone, int64_t now_us)
{
    if (!h)
        return NULL;
    pthread_mutex_lock(&h->lock);
    const struct zone_health *z = find_health(h, zone);
    bool rests = z && now_us < z->rests_until;
    pthread_mutex_unlock(&h->lock);
    return rests ? "it has given no answers lately, and is left alone for a minute" : NULL;
}

static bool note_answer(struct zone_health *z, const struct dnsbl_answer *answer, int64_t now_us)
{
    bool silent = answer->result == DNSBL_UNKNOWN;
    z->failures = silent ? z->failures + 1 : 0;
    if (z->failures >= FAILURES) {
        z->failures = 0;
        z->rests_until = now_us + REST_US;
    } else if (silent) {
        return false;
    }
    if (z->warned && now_us - z->warned < SILENCE_US)
        return false;
    z->warned = now_us;
    return true;
}

void list_health_note_at(struct list_health *h, struct str zone, const struct dnsbl_answer *answer,
                         int64_t now_us, bool *warn)
{
    bool trouble = answer->result == DNSBL_UNKNOWN || answer->result == DNSBL_REFUSED ||
                   answer->result == DNSBL_BROKEN;
    *warn = false;
    if (!h || answer->result == DNSBL_PENDING || answer->result == DNSBL_NOT_ASKED)
        return;
    pthread_mutex_lock(&h->lock);
    struct zone_health *z = find_health(h, zone);
    if (z && trouble)
        *warn = note_answer(z, answer, now_us);
    else if (z)
        z->failures = 0;
    pthread_mutex_unlock(&h->lock);
}

const char *list_health_resting(struct list_health *h, struct str zone)
{
    return h ? list_health_resting_at(h, zone, clock_us()) : NULL;
}

void list_health_note(struct list_health *h, struct str zone, struct str label,
                      const struct dnsbl_answer *answer)
{
    bool warn;
    if (!h)
        return;
    list_health_note_at(h, zone, answer, clock_us(), &warn);
    if (warn)
        log_warning("DNS list %.*s (%.*s) counts for nothing now: %s", STR_ARG(label),
                    STR_ARG(zone), answer->cause ? answer->cause : "it gives no answer");
}
