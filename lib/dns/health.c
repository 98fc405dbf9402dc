/* health.c - from the ends of queries to two lines in the log.
 *
 * Errors: none. */
#include "dns/health.h"

#include "base/log.h"

#define SECOND_US INT64_C(1000000)
#define DOUBT_US  (2 * SECOND_US)  /* nothing answered for so long ... */
#define DOUBT_N   3                /* ... though so much was asked */
#define ASK_US    (10 * SECOND_US) /* between two questions for the root */
#define SAY_US    (60 * SECOND_US) /* between two lines that say the same */

static bool since(int64_t then_us, int64_t now_us, int64_t least_us)
{
    return then_us == 0 || now_us - then_us >= least_us;
}

static enum dns_health_news health_answered(struct dns_health *h, int64_t now_us)
{
    bool tell = h->down && h->said;
    h->down = h->said = false;
    h->failures = 0;
    h->answered_us = now_us;
    return tell ? DNS_HEALTH_UP : DNS_HEALTH_SAME;
}

static enum dns_health_news gone_down(struct dns_health *h, int64_t now_us)
{
    h->down = true;
    h->said = since(h->said_us, now_us, SAY_US);
    if (!h->said)
        return DNS_HEALTH_SAME;
    h->said_us = now_us;
    return DNS_HEALTH_DOWN;
}

enum dns_health_news dns_health_note(struct dns_health *h, enum dns_status status, bool root,
                                     int64_t now_us)
{
    bool failed = status == DNS_SERVFAIL || status == DNS_TIMEOUT;
    if (root)
        h->asking = false;
    if (!failed)
        return health_answered(h, now_us);
    h->failures++;
    if (root && !h->down && h->answered_us < h->asked_us)
        return gone_down(h, now_us);
    if (h->down || h->asking || h->failures < DOUBT_N || now_us - h->answered_us < DOUBT_US ||
        !since(h->asked_us, now_us, ASK_US))
        return DNS_HEALTH_SAME;
    h->asking = true;
    h->asked_us = now_us;
    return DNS_HEALTH_DOUBT;
}

void dns_health_say(const struct dns_health *h, enum dns_health_news news, int64_t silent_us)
{
    long long seconds = (long long)(silent_us / SECOND_US);
    if (news == DNS_HEALTH_DOWN)
        log_warning("DNS: no resolver answers, not even for the root: %u queries failed in %lld s; "
                    "what depends on DNS is temperror until one does",
                    h->failures, seconds);
    else if (news == DNS_HEALTH_UP)
        log_info("DNS: a resolver answers again, after %lld s", seconds);
}
