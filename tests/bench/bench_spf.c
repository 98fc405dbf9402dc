/* bench_spf.c - CPU and memory of an SPF check, answers in the cache.
 *
 *     ninja bench_spf && tests/bench/bench_spf [checks per round]
 *
 * A line is a story: a zone and who asks. Figures are the least of several rounds. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "spf/spf.h"

#define ROUNDS 7

static const struct story {
    const char *name, *zone, *client;
} STORIES[] = {
    {"one record, ip4",
     "example.org. TXT \"v=spf1 ip4:198.51.100.0/24 ip4:203.0.113.0/24 ip4:192.0.2.0/24 -all\"",
     "192.0.2.1"},
    {"three look-ups: mx, a, include",
     "example.org. TXT \"v=spf1 mx a:out.example.org include:_spf.example.net -all\"\n"
     "example.org. MX 10 mx1.example.org\nexample.org. MX 20 mx2.example.org\n"
     "mx1.example.org. A 198.51.100.1\nmx2.example.org. A 198.51.100.2\n"
     "out.example.org. A 198.51.100.3\nout.example.org. A 198.51.100.4\n"
     "_spf.example.net. TXT \"v=spf1 ip4:198.51.100.0/25 ip4:203.0.113.0/24 ip4:192.0.2.0/24 "
     "ip6:2001:db8::/32 ~all\"",
     "192.0.2.1"},
    {"macros: exists, IPv6",
     "example.org. TXT \"v=spf1 exists:%{ir}.%{v}.%{l1r-}._spf.%{d2} -all\"\n"
     "*.example.org. A 127.0.0.1",
     "2001:db8::1"},
    {"ten look-ups, then permerror",
     "example.org. TXT \"v=spf1 a a a a a a a a a a a -all\"\nexample.org. A 198.51.100.1",
     "192.0.2.1"},
};

static double cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static enum spf_result check(const struct story *story, struct dns *dns, struct arena *a)
{
    struct dns_asker asker = {.dns = dns, .arena = a, .patience_us = 1000000};
    struct spf_request request = {
        .helo = STR("mail.example.org"),
        .local = STR("strong-bad"),
        .domain = STR("Example.org"),
        .limits = spf_limits_default,
    };
    struct spf_outcome out;
    netaddr_parse(str_of(story->client), &request.client);
    spf_check(&request, &asker, &out);
    return out.result;
}

static void measure(const struct story *story, unsigned checks)
{
    struct arena *zone_arena = arena_new(0), *a = arena_new(0);
    struct str problem;
    struct dns *dns = dns_open_zone(str_of(story->zone), zone_arena, &problem);
    if (!dns) {
        fprintf(stderr, "bench_spf: %.*s\n", STR_ARG(problem));
        exit(1);
    }
    double least = 0;
    size_t bytes = 0;
    enum spf_result result = check(story, dns, a);
    for (unsigned round = 0; round < ROUNDS; round++) {
        double begin = cpu_us();
        for (unsigned i = 0; i < checks; i++) {
            arena_reset(a);
            result = check(story, dns, a);
        }
        double each = (cpu_us() - begin) / checks;
        least = round == 0 || each < least ? each : least;
        bytes = arena_used(a);
    }
    printf("%-32s %8.2f us %7zu bytes  %s\n", story->name, least, bytes, spf_result_name(result));
    arena_free(a);
    dns_close(dns);
    arena_free(zone_arena);
}

int main(int argc, char **argv)
{
    unsigned checks = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 20000;
    for (size_t i = 0; i < sizeof STORIES / sizeof *STORIES; i++)
        measure(&STORIES[i], checks ? checks : 1);
    return 0;
}
