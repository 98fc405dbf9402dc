/* clockdoubt.c - the last domains that signed in the future, one entry each.
 *
 * Errors: none. */
#include "decide/clockdoubt.h"

/* FNV-1a: whoever makes two domains collide delays a line in the log. */
static uint64_t hash_domain(struct str domain)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < domain.n; i++)
        h = (h ^ (unsigned char)domain.p[i]) * UINT64_C(0x100000001b3);
    return h;
}

/* The domain's own entry, or else the oldest. */
static struct clock_witness *place_for(struct clock_doubt *doubt, uint64_t domain)
{
    struct clock_witness *oldest = &doubt->witnesses[0];
    for (size_t i = 0; i < CLOCK_DOUBT_DOMAINS; i++) {
        struct clock_witness *w = &doubt->witnesses[i];
        if (w->domain == domain)
            return w;
        if (w->at < oldest->at)
            oldest = w;
    }
    return oldest;
}

/* By how much all witnesses agree that our clock is slow; 0 if there are too few. */
static int64_t least_ahead(const struct clock_doubt *doubt, int64_t now)
{
    int64_t least = INT64_MAX;
    for (size_t i = 0; i < CLOCK_DOUBT_DOMAINS; i++) {
        const struct clock_witness *w = &doubt->witnesses[i];
        if (!w->at || now - w->at > CLOCK_DOUBT_S)
            return 0;
        least = w->ahead_s < least ? w->ahead_s : least;
    }
    return least;
}

int64_t clock_doubt_note(struct clock_doubt *doubt, struct str domain, int64_t ahead_s, int64_t now)
{
    uint64_t h = hash_domain(domain);
    *place_for(doubt, h) = (struct clock_witness){h, now, ahead_s};
    int64_t ahead = least_ahead(doubt, now);
    if (!ahead || (doubt->told_at && now - doubt->told_at < CLOCK_DOUBT_S))
        return 0;
    doubt->told_at = now;
    return ahead;
}
