/* dns/health: when the operator hears that no resolver answers, and when not. */
#include "test.h"

#include "dns/health.h"

#define S INT64_C(1000000)

struct step {
    int64_t at_ms; /* since the beginning */
    enum dns_status status;
    bool root;
    enum dns_health_news news;
};

#define STEPS_MAX 12

static const struct story {
    const char *what;
    struct step steps[STEPS_MAX]; /* to the first at 0 ms */
} stories[] = {
    {"dead from the beginning, back, and dead again within the minute",
     {{1000, DNS_TIMEOUT, false, DNS_HEALTH_SAME},
      {1001, DNS_TIMEOUT, false, DNS_HEALTH_SAME},
      {2500, DNS_SERVFAIL, false, DNS_HEALTH_DOUBT},
      {2600, DNS_TIMEOUT, false, DNS_HEALTH_SAME}, /* it is being asked */
      {7500, DNS_TIMEOUT, true, DNS_HEALTH_DOWN},
      {8000, DNS_TIMEOUT, false, DNS_HEALTH_SAME},
      {9000, DNS_NXDOMAIN, false, DNS_HEALTH_UP},
      {20000, DNS_TIMEOUT, false, DNS_HEALTH_SAME},
      {20001, DNS_TIMEOUT, false, DNS_HEALTH_SAME},
      {20002, DNS_TIMEOUT, false, DNS_HEALTH_DOUBT},
      {21000, DNS_TIMEOUT, true, DNS_HEALTH_SAME}, /* told less than a minute ago */
      {22000, DNS_ANSWER, false, DNS_HEALTH_SAME}}},
    {"dead again later",
     {{2500, DNS_TIMEOUT, false, DNS_HEALTH_SAME},
      {2501, DNS_TIMEOUT, false, DNS_HEALTH_SAME},
      {2502, DNS_TIMEOUT, false, DNS_HEALTH_DOUBT},
      {2503, DNS_SERVFAIL, true, DNS_HEALTH_DOWN},
      {2600, DNS_NODATA, false, DNS_HEALTH_UP},
      {70000, DNS_TIMEOUT, false, DNS_HEALTH_SAME},
      {70001, DNS_TIMEOUT, false, DNS_HEALTH_SAME},
      {70002, DNS_TIMEOUT, false, DNS_HEALTH_DOUBT},
      {70003, DNS_SERVFAIL, true, DNS_HEALTH_DOWN}}},
    {"silent zones on a quiet night: the root is answered, and not asked for again at once",
     {{60000, DNS_TIMEOUT, false, DNS_HEALTH_SAME},
      {60001, DNS_TIMEOUT, false, DNS_HEALTH_SAME},
      {60002, DNS_TIMEOUT, false, DNS_HEALTH_DOUBT},
      {60010, DNS_NODATA, true, DNS_HEALTH_SAME},
      {63000, DNS_TIMEOUT, false, DNS_HEALTH_SAME},
      {63001, DNS_TIMEOUT, false, DNS_HEALTH_SAME},
      {63002, DNS_TIMEOUT, false, DNS_HEALTH_SAME},
      {70003, DNS_TIMEOUT, false, DNS_HEALTH_DOUBT},
      {70004, DNS_NODATA, true, DNS_HEALTH_SAME}}},
    {"silent zones beside good mail",
     {{100, DNS_TIMEOUT, false, DNS_HEALTH_SAME},
      {1200, DNS_ANSWER, false, DNS_HEALTH_SAME},
      {1900, DNS_TIMEOUT, false, DNS_HEALTH_SAME},
      {2500, DNS_TIMEOUT, false, DNS_HEALTH_SAME},
      {2600, DNS_TIMEOUT, false, DNS_HEALTH_SAME},
      {2700, DNS_BOGUS, false, DNS_HEALTH_SAME}, /* forged it may be, but it is an answer */
      {3300, DNS_TIMEOUT, false, DNS_HEALTH_SAME},
      {3400, DNS_TIMEOUT, false, DNS_HEALTH_SAME},
      {3500, DNS_TIMEOUT, false, DNS_HEALTH_SAME}}},
    {"an answer comes before the root's failure",
     {{2500, DNS_TIMEOUT, false, DNS_HEALTH_SAME},
      {2501, DNS_TIMEOUT, false, DNS_HEALTH_SAME},
      {2502, DNS_TIMEOUT, false, DNS_HEALTH_DOUBT},
      {3000, DNS_ANSWER, false, DNS_HEALTH_SAME},
      {7502, DNS_TIMEOUT, true, DNS_HEALTH_SAME}}},
};

static void tells(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof stories / sizeof *stories; i++) {
        struct dns_health h = {.answered_us = 1000 * S};
        for (const struct step *s = stories[i].steps; s->at_ms; s++) {
            int64_t now = 1000 * S + s->at_ms * 1000;
            enum dns_health_news news = dns_health_note(&h, s->status, s->root, now);
            if (news != s->news)
                print_error("%s, at %lld ms\n", stories[i].what, (long long)s->at_ms);
            assert_int_equal(news, s->news);
            if (s == stories[i].steps + STEPS_MAX - 1)
                break;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(tells)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
