/* bench_dns.c - CPU per look-up and look-ups per second, cold and warm.
 *
 *     ninja bench_dns && tests/bench/bench_dns SERVER [look-ups [anchor]]
 *
 * SERVER ("127.0.0.1@5300") has to answer TXT for any name below bench.example: an nsd with a
 * wildcard there does. With an anchor's file libunbound asks it and validates, else c-ares asks.
 * CPU is the whole process's, the server's excluded. "warm" names are in the cache. A message asks
 * for eight. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "dns/dns.h"

#define THREADS_MAX 64

struct round {
    struct dns *dns;
    const char *prefix;
    unsigned first, n;    /* names */
    unsigned per_message; /* look-ups before the arena is reset */
    unsigned failed;
};

static double cpu_us(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static void *look_up(void *arg)
{
    struct round *r = arg;
    struct arena *a = arena_new(0);
    struct dns_asker asker = {0};
    for (unsigned i = 0; i < r->n; i++) {
        char name[64];
        if (i % r->per_message == 0) {
            arena_reset(a);
            asker = (struct dns_asker){.dns = r->dns, .arena = a, .patience_us = 10000000};
        }
        int n = snprintf(name, sizeof name, "%s%u.bench.example", r->prefix, r->first + i);
        const struct dns_answer *answer =
            dns_lookup(&asker, (struct str){name, (size_t)n}, DNS_TXT);
        r->failed += answer->status != DNS_ANSWER;
    }
    arena_free(a);
    return NULL;
}

static void measure(const char *what, const struct round *pattern, unsigned threads)
{
    pthread_t ids[THREADS_MAX];
    struct round rounds[THREADS_MAX];
    unsigned each = pattern->n / threads, failed = 0;
    double cpu = cpu_us();
    int64_t began = clock_us();
    for (unsigned i = 0; i < threads; i++) {
        rounds[i] = *pattern;
        rounds[i].first = i * each;
        rounds[i].n = each;
        if (pthread_create(&ids[i], NULL, look_up, &rounds[i]) != 0)
            abort();
    }
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
        failed += rounds[i].failed;
    }
    double n = (double)each * threads;
    printf("%-5s %2u threads: %7.2f us CPU, %8.0f/s", what, threads, (cpu_us() - cpu) / n,
           n * 1e6 / (double)(clock_us() - began));
    printf(failed ? ", %u failed\n" : "\n", failed);
}

int main(int argc, char **argv)
{
    static const unsigned threads[] = {1, 8, 64};
    struct arena *a = arena_new(0);
    struct str problem = STR_NONE, server = str_of(argc > 1 ? argv[1] : "");
    unsigned n = argc > 2 ? (unsigned)atoi(argv[2]) : 20000;
    struct dns_settings settings = {.servers = &server,
                                    .n_servers = 1,
                                    .dnssec = argc > 3 ? DNSSEC_VALIDATE : DNSSEC_OFF,
                                    .trust_anchor = argc > 3 ? argv[3] : NULL,
                                    .timeout_ms = 5000,
                                    .cache_bytes = 256U << 20,
                                    .max_ttl_s = 86400,
                                    .negative_ttl_s = 60,
                                    .failure_ttl_s = 2};
    struct round r = {.dns = dns_open(&settings, a, &problem), .per_message = 8};
    if (!r.dns || n < THREADS_MAX) {
        fprintf(stderr, "bench_dns: %.*s\n",
                STR_ARG(problem.n ? problem : STR("too few look-ups")));
        return 1;
    }
    for (size_t i = 0; i < sizeof threads / sizeof threads[0]; i++) {
        char prefix[16];
        snprintf(prefix, sizeof prefix, "t%u-", threads[i]);
        r.prefix = prefix;
        r.n = n;
        measure("cold", &r, threads[i]);
        measure("warm", &r, threads[i]);
    }
    dns_close(r.dns);
    arena_free(a);
    return 0;
}
