/* bench_store.c - the state store with many keys, and rows per second.
 *
 *     ninja bench_store && tests/bench/bench_store [keys [rows [directory [server]]]]
 *
 * Keys are networks, 16 to a question while they are recorded, then one to a question, at random,
 * by one thread and by 16; 0 keys: they are not measured. Rows are of 200 domains in 20 days, added
 * by four threads: once 20 messages are alike, and make one row, and once none. With a server (a
 * URL) all rows are there when their time is taken. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/rows.h"
#include "store/state.h"

#define NOW     1700000000
#define DAY     86400
#define THREADS 16
#define ADDERS  4
#define DAYS    20
#define DOMAINS 200

static char directory[256] = "/tmp";

static double cpu_us(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static double megabytes(const char *path)
{
    struct stat st;
    return stat(path, &st) ? 0 : (double)st.st_size / 1e6;
}

static struct state_key network(unsigned i, char text[40])
{
    uint32_t n = i * 2654435761u;
    int length = snprintf(text, 40, "g:n:%u.%u.%u.0/24", n >> 24, n >> 16 & 255, n >> 8 & 255);
    return (struct state_key){.key = {text, (size_t)length}};
}

static void record_keys(struct state *state, unsigned n)
{
    struct state_asker asker = {.state = state};
    char texts[STATE_KEYS_MAX][40];
    struct state_key keys[STATE_KEYS_MAX];
    int64_t began = clock_us();
    double cpu = cpu_us();
    for (unsigned i = 0; i < n; i += STATE_KEYS_MAX) {
        for (unsigned k = 0; k < STATE_KEYS_MAX; k++)
            keys[k] = network(i + k, texts[k]);
        asker.patience_us = 10000000;
        state_put_if_absent(&asker, NOW, NOW, DAY, keys, STATE_KEYS_MAX);
    }
    double took = (double)(clock_us() - began);
    printf("%u keys recorded: %.1f us a key, %.1f us CPU\n", n, took / n, (cpu_us() - cpu) / n);
}

struct looker {
    struct state *state;
    unsigned keys, n, seed, unknown;
};

static void *look_up(void *arg)
{
    struct looker *l = arg;
    struct state_asker asker = {.state = l->state};
    char text[40];
    for (unsigned i = 0; i < l->n; i++) {
        struct state_key k = network((unsigned)rand_r(&l->seed) % l->keys, text);
        asker.patience_us = 200000;
        state_put_if_absent(&asker, NOW + 60, NOW + 60, DAY, &k, 1);
        l->unknown += k.result == STATE_UNKNOWN;
    }
    return NULL;
}

static void measure_lookups(struct state *state, unsigned keys, unsigned threads, unsigned each)
{
    pthread_t ids[THREADS];
    struct looker lookers[THREADS];
    unsigned unknown = 0;
    int64_t began = clock_us();
    double cpu = cpu_us();
    for (unsigned i = 0; i < threads; i++) {
        lookers[i] = (struct looker){state, keys, each, i + 1, 0};
        pthread_create(&ids[i], NULL, look_up, &lookers[i]);
    }
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
        unknown += lookers[i].unknown;
    }
    double took = (double)(clock_us() - began);
    printf("%2u threads: %.1f us a look-up, %.1f us CPU, %.0f a second, %u unknown\n", threads,
           took / each, (cpu_us() - cpu) / (each * threads), each * threads / took * 1e6, unknown);
}

static void measure_state(unsigned keys)
{
    char path[300];
    struct arena *a = arena_new(0);
    struct str problem = STR_NONE;
    snprintf(path, sizeof path, "%s/bench-state.db", directory);
    unlink(path);
    const struct state_settings settings = {.path = str_of(path)};
    struct state *state = state_open(&settings, a, &problem);
    record_keys(state, keys);
    measure_lookups(state, keys, 1, 50000);
    measure_lookups(state, keys, THREADS, 10000);
    state_close(state);
    printf("%.1f MB on disk, %.0f bytes a key\n", megabytes(path), megabytes(path) * 1e6 / keys);
    unlink(path);
    arena_free(a);
}

struct adder {
    struct rows *rows;
    unsigned n, first, clients; /* clients: of a day */
};

static void *add_rows(void *arg)
{
    struct adder *t = arg;
    char from[40], selector[20];
    for (unsigned i = 0; i < t->n; i++) {
        unsigned client = (i * ADDERS + t->first) % t->clients;
        int n = snprintf(from, sizeof from, "d%u.example.com", client % DOMAINS);
        int s = snprintf(selector, sizeof selector, "s%u", client % 7);
        const struct str domain = {from, (size_t)n};
        const struct row_signature signature = {domain, {selector, (size_t)s}, STR("pass")};
        struct row row = {
            .policy = {.domain = domain, .p = STR("reject"), .destinations = STR("mailto:a@x")},
            .source = {.family = 4,
                       .bytes = {192, (uint8_t)(client >> 16), (uint8_t)(client >> 8),
                                 (uint8_t)client}},
            .header_from = domain,
            .envelope_from = domain,
            .disposition = ROW_PASS,
            .n_signatures = 1,
            .signatures = &signature,
            .spf_domain = domain,
            .spf_scope = STR("mfrom"),
            .spf_result = STR("pass"),
        };
        while (!rows_add(t->rows, NOW + (int64_t)i * DAYS / t->n * DAY, &row))
            usleep(1000); /* this one wants all of them in; the daemon does not wait */
    }
    return NULL;
}

static void add_all(struct rows *rows, unsigned n, unsigned alike)
{
    pthread_t ids[ADDERS];
    struct adder adders[ADDERS];
    for (unsigned i = 0; i < ADDERS; i++) {
        adders[i] = (struct adder){rows, n / ADDERS, i, n / DAYS / alike};
        pthread_create(&ids[i], NULL, add_rows, &adders[i]);
    }
    for (unsigned i = 0; i < ADDERS; i++)
        pthread_join(ids[i], NULL);
    rows_flush(rows, 60000000);
    while (rows_figures(rows).spooled)
        usleep(1000);
}

static bool measure_rows(struct str server, unsigned n, unsigned alike)
{
    char path[300];
    struct arena *a = arena_new(0);
    struct str problem = STR_NONE;
    snprintf(path, sizeof path, "%s/bench-rows.db", directory);
    unlink(path);
    const struct rows_settings settings = {.path = str_of(path), .server = server};
    struct rows *rows = rows_open(&settings, a, &problem);
    if (!rows) {
        fprintf(stderr, "bench_store: %.*s\n", STR_ARG(problem));
        return false;
    }
    int64_t began = clock_us();
    double cpu = cpu_us();
    add_all(rows, n, alike);
    double took = (double)(clock_us() - began);
    cpu = cpu_us() - cpu;
    rows_close(rows);
    printf("%u messages, %u to a row: %.0f a second, %.1f us CPU; %.1f MB on disk\n", n, alike,
           n / took * 1e6, cpu / n, megabytes(path));
    unlink(path);
    arena_free(a);
    return true;
}

int main(int argc, char **argv)
{
    unsigned keys = argc > 1 ? (unsigned)atoi(argv[1]) : 1000000;
    unsigned rows = argc > 2 ? (unsigned)atoi(argv[2]) : 1000000;
    if (argc > 3)
        snprintf(directory, sizeof directory, "%s", argv[3]);
    struct str server = argc > 4 ? str_of(argv[4]) : STR_NONE;
    log_open(LOG_TO_STDERR, "bench", LOG_LEVEL_INFO);
    if (keys)
        measure_state(keys);
    return measure_rows(server, rows, 20) && measure_rows(server, rows, 1) ? 0 : 1;
}
