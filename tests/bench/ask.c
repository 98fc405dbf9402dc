/* ask.c - asks a server what an MTA asks beside its milters, and measures.
 *
 *     bench_ask [-e WORDS] KIND SOCKET REQUESTS CONNECTIONS
 *
 * KIND is how an answer ends: "policy" with an empty line (SMTPD_POLICY_README), "line" with its
 * line (tcp_table(5)), "netstring" where it says itself (socketmap_table(5)). SOCKET is a path or a
 * port of 127.0.0.1. REQUESTS is a file: for each request a line with its bytes, and then these.
 * CONNECTIONS threads are one MTA process each, with one connection; together they ask each request
 * once, and each waits for its answer. Prints
 *
 *     requests seconds p50 p99 well
 *
 * with the times of one answer in milliseconds. `well` counts answers that have WORDS in them. The
 * connections stay open until standard input ends, so that whoever serves them can be measured.
 *
 * Errors: anything unexpected ends the program with status 1 and a phrase. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "figures.h"

#define ANSWER_MAX 4096

struct request {
    const char *text;
    size_t n;
};

static struct {
    const char *kind, *socket, *words;
    struct request *requests;
    size_t n_requests;
    atomic_size_t next, well;
    double *took; /* of each request, in ms */
} run = {.words = ""};

/* Is this a whole answer? */
static bool is_whole(const char *answer, size_t n)
{
    if (strcmp(run.kind, "policy") == 0)
        return n >= 2 && strcmp(answer + n - 2, "\n\n") == 0;
    if (strcmp(run.kind, "line") == 0)
        return n && answer[n - 1] == '\n';
    char *colon;
    size_t length = strtoul(answer, &colon, 10);
    return *colon == ':' && n == (size_t)(colon - answer) + length + 2;
}

static void ask(int fd, const struct request *r, char *answer)
{
    size_t n = 0;
    if (send(fd, r->text, r->n, MSG_NOSIGNAL) != (ssize_t)r->n)
        die("send");
    do {
        ssize_t got = recv(fd, answer + n, ANSWER_MAX - n, 0);
        if (got <= 0)
            die("the server ends a connection");
        n += (size_t)got;
        answer[n] = '\0';
    } while (!is_whole(answer, n));
}

static void *work(void *unused)
{
    char answer[ANSWER_MAX + 1];
    int fd = open_socket(run.socket);
    (void)unused;
    for (size_t i; (i = atomic_fetch_add(&run.next, 1)) < run.n_requests;) {
        double begun = now_ms();
        ask(fd, &run.requests[i], answer);
        run.took[i] = now_ms() - begun;
        atomic_fetch_add(&run.well, strstr(answer, run.words) != NULL);
    }
    return NULL;
}

static void work_all(size_t connections)
{
    pthread_t *threads = calloc(connections, sizeof *threads);
    if (!threads)
        die("memory");
    for (size_t i = 0; i < connections; i++)
        if ((errno = pthread_create(&threads[i], NULL, work, NULL)))
            die("pthread_create");
    for (size_t i = 0; i < connections; i++)
        pthread_join(threads[i], NULL);
    free(threads);
}

/* The next request of the text; false: there is none. */
static bool next_request(char **at, struct request *r)
{
    char *end;
    r->n = strtoul(*at, &end, 10);
    if (*end != '\n' || end == *at)
        return false;
    r->text = end + 1;
    *at = end + 1 + r->n;
    return true;
}

static void load_requests(const char *path)
{
    size_t size;
    struct request r;
    char *text = read_file(path, &size), *at = text;
    while (next_request(&at, &r))
        run.n_requests++;
    run.requests = calloc(run.n_requests + 1, sizeof *run.requests);
    run.took = calloc(run.n_requests + 1, sizeof *run.took);
    if (!run.requests || !run.took || !run.n_requests || at != text + size)
        die(path);
    at = text;
    for (size_t i = 0; i < run.n_requests; i++)
        next_request(&at, &run.requests[i]);
}

int main(int argc, char **argv)
{
    int option = getopt(argc, argv, "e:");
    if (option == 'e')
        run.words = optarg;
    if ((option != -1 && option != 'e') || argc - optind != 4) {
        fprintf(stderr, "usage: bench_ask [-e WORDS] KIND SOCKET REQUESTS CONNECTIONS\n");
        return 2;
    }
    run.kind = argv[optind];
    run.socket = argv[optind + 1];
    load_requests(argv[optind + 2]);
    double begun = now_ms();
    work_all(strtoul(argv[optind + 3], NULL, 10));
    print_figures(run.took, run.n_requests, (now_ms() - begun) / 1e3, atomic_load(&run.well));
    while (getchar() != EOF)
        ;
    return 0;
}
