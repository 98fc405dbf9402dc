/* instant: times as --at takes them. */
#include "test.h"

#include "base/instant.h"

static const struct {
    const char *text;
    int64_t seconds; /* -1: it is none */
} instants[] = {
    {"0", 0},
    {"1700000000", 1700000000},
    {"9223372036854775807", INT64_MAX},
    {"9223372036854775808", -1},
    {"1970-01-01T00:00:00Z", 0},
    {"1970-01-01T00:00:01z", 1},
    {"2023-11-14T22:13:20Z", 1700000000},
    {"2023-11-14t22:13:20.999Z", 1700000000},
    {"2023-11-14T22:13:20+00:00", 1700000000},
    {"2023-11-14T22:13:20-00:00", 1700000000},
    {"2000-02-29T00:00:00Z", 951782400},
    {"2000-03-01T00:00:00Z", 951868800},
    {"2100-03-01T00:00:00Z", 4107542400},
    {"2026-11-29T20:00:00Z", 1795982400},
    {"2024-12-31T23:59:59Z", 1735689599},
    {"2016-12-31T23:59:60Z", 1483228800},
    {"9999-12-31T23:59:59Z", 253402300799},
    {"2100-02-29T00:00:00Z", -1},
    {"2023-02-29T00:00:00Z", -1},
    {"2023-04-31T00:00:00Z", -1},
    {"2023-00-01T00:00:00Z", -1},
    {"2023-13-01T00:00:00Z", -1},
    {"2023-01-00T00:00:00Z", -1},
    {"2023-01-01T24:00:00Z", -1},
    {"2023-01-01T00:60:00Z", -1},
    {"2023-01-01T00:00:61Z", -1},
    {"1969-12-31T23:59:59Z", -1},
    {"2023-11-14T22:13:20", -1},
    {"2023-11-14T22:13:20.Z", -1},
    {"2023-11-14T22:13:20Zulu", -1},
    {"2023-11-14T22:13:20+01:00", -1},
    {"2023-11-14 22:13:20Z", -1},
    {"2023-11-14T22:13Z", -1},
    {"2023-11-14", -1},
    {"2023-1-14T22:13:20Z", -1},
    {"-1", -1},
    {"+1", -1},
    {"1e9", -1},
    {"", -1},
    {"now", -1},
};

static void reads_times(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof instants / sizeof *instants; i++) {
        int64_t seconds = -1;
        if (!instant_parse(str_of(instants[i].text), &seconds))
            assert_int_equal(seconds, -1);
        if (seconds != instants[i].seconds)
            fail_msg("%s is %lld", instants[i].text, (long long)seconds);
    }
}

static void reads_offsets(void **state)
{
    static const struct {
        const char *text;
        int64_t seconds; /* -1: it is none */
    } cases[] = {
        {"1700000000", 1700000000},
        {"2023-11-14T22:13:20Z", 1700000000},
        {"2023-11-14T23:13:20+01:00", 1700000000},
        {"2023-11-14T16:43:20.5-05:30", 1700000000},
        {"1970-01-01T01:00:00+01:00", 0},
        {"1970-01-01T00:59:59+01:00", -1},
        {"1970-01-01T00:00:00-00:01", 60},
        {"2023-11-14T22:13:20+24:00", -1},
        {"2023-11-14T22:13:20+01:60", -1},
        {"2023-11-14T22:13:20+0100", -1},
        {"2023-11-14T22:13:20+01:000", -1},
        {"2023-11-14T22:13:20*01:00", -1},
        {"2023-11-14T22:13:20+", -1},
        {"2023-11-14T22:13:20", -1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t seconds = -1;
        if (!instant_parse_zoned(str_of(cases[i].text), &seconds))
            assert_int_equal(seconds, -1);
        if (seconds != cases[i].seconds)
            fail_msg("%s is %lld", cases[i].text, (long long)seconds);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reads_times),
                                       cmocka_unit_test(reads_offsets)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
