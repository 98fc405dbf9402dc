/* load.c - plays messages to filters as Postfix does, and measures.
 *
 *     bench_load [-grk] [-n EACH] [-e WORDS] [-u FIRST] [-z SENDERS] [-t FILE] [-w MS]
 *                SOCKETS CORPUS CONNECTIONS MESSAGES
 *
 * SOCKETS are one filter or a chain of them (mta.h). CORPUS is a directory of files as corpus.py
 * writes them: a line "client helo sender recipient user" ("-": none), then the message.
 * CONNECTIONS threads are one MTA process each; together they play MESSAGES messages, in the order
 * of the files and around again. Prints
 *
 *     messages seconds p50 p99 well
 *
 * with the times of one message in milliseconds: from connect(), or from MAIL of a later message
 * on the same connection, to the last answer at its end. `well` counts messages that were accepted.
 *
 *     -n EACH     messages of the same client on each connection (1)
 *     -e WORDS    well is what was accepted and has these words in its header now; WORDS_MAX times
 *     -r          well is what was refused at MAIL
 *     -g          well is what was refused later, as greylisting does
 *     -k          each thread plays one connection, and all stay open until standard input ends
 *     -u FIRST    eight zeros in the sender and the header become numbers from FIRST on
 *     -z SENDERS  with -u: the numbers are drawn, from FIRST on, of so many; the k-th comes about
 *                 1/k times as often as the first, as it is with the senders of mail
 *     -t FILE     writes a line for each message: its size in bytes, its time
 *     -w MS       content comes MS behind the envelope, a round trip of a client that pipelines
 *                 MAIL, RCPT and DATA; times are from the last byte then
 *
 * Errors: anything unexpected ends the program with status 1 and a phrase. */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "figures.h"
#include "mta.h"

#define WORDS_MAX 4

static struct {
    struct letter *letters;
    size_t n_letters, n_messages, each;
    const char *sockets, *words[WORDS_MAX], *times;
    size_t n_words;
    enum fate wanted;
    bool keep;      /* connections open */
    long first;     /* -1: no numbers */
    double senders; /* 0: a number for each message */
    atomic_size_t next, well;
    long round_trip; /* ms */
    double *took;    /* of each message, in ms */
} run = {.each = 1, .first = -1, .wanted = FATE_ACCEPTED};

/* --- The MTA processes -------------------------------------------------------------------------*/

static bool is_well(const struct mta *mta, enum fate fate)
{
    bool well = fate == run.wanted;
    for (size_t i = 0; well && i < run.n_words; i++)
        well = mta_header_has(mta, run.words[i]);
    return well;
}

static void sleep_ms(long ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

/* The same for the same message in every run (splitmix64). */
static double drawn(uint64_t i)
{
    uint64_t z = (i + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (double)((z ^ (z >> 31)) >> 11) / 9007199254740992.0;
}

static long number_of(size_t i)
{
    if (run.first < 0)
        return -1;
    long number = run.first + (long)i;
    return run.senders > 0 ? (long)pow(run.senders + 1, drawn((uint64_t)number)) - 1 : number;
}

/* Sets *begun anew where the content comes later. */
static enum fate play(struct mta *mta, const struct letter *l, long number, double *begun)
{
    enum fate fate = mta_envelope(mta, l, number);
    if (fate == FATE_ACCEPTED && run.round_trip) {
        sleep_ms(run.round_trip);
        *begun = now_ms();
    }
    if (fate == FATE_ACCEPTED)
        fate = mta_content(mta, l);
    mta_end(mta);
    return fate;
}

/* Plays messages until there are no more; a session that is open then ends with the program. */
static void *work(void *unused)
{
    struct mta *mta = mta_new(run.sockets);
    const struct letter *l = NULL;
    (void)unused;
    for (size_t on_this = 0, i; (i = atomic_fetch_add(&run.next, 1)) < run.n_messages;) {
        l = on_this ? l->same_client : &run.letters[i % run.n_letters];
        double begun = now_ms();
        if (!on_this)
            mta_connect(mta, l);
        enum fate fate = play(mta, l, number_of(i), &begun);
        run.took[i] = now_ms() - begun;
        atomic_fetch_add(&run.well, is_well(mta, fate));
        if (++on_this >= run.each && run.keep)
            return NULL;
        if (on_this >= run.each) {
            mta_quit(mta);
            on_this = 0;
        }
    }
    mta_free(mta);
    return NULL;
}

static void work_all(size_t connections)
{
    pthread_t *threads = calloc(connections, sizeof *threads);
    pthread_attr_t small;
    if (!threads || pthread_attr_init(&small) || pthread_attr_setstacksize(&small, 128 << 10))
        die("threads");
    for (size_t i = 0; i < connections; i++)
        if ((errno = pthread_create(&threads[i], &small, work, NULL)))
            die("pthread_create");
    for (size_t i = 0; i < connections; i++)
        pthread_join(threads[i], NULL);
    free(threads);
}

/* --- The corpus --------------------------------------------------------------------------------*/

static char *word(char **at)
{
    char *found = strsep(at, " ");
    if (!found)
        die("the first line of a file has five words");
    return strcmp(found, "-") ? found : NULL;
}

static void load_letter(struct letter *l, const char *directory, const char *name)
{
    char path[4096];
    size_t n;
    snprintf(path, sizeof path, "%s/%s", directory, name);
    l->header = l->text = read_file(path, &n);
    char *line = strsep(&l->header, "\n");
    l->client = word(&line);
    l->helo = word(&line);
    l->sender = word(&line);
    l->recipient = word(&line);
    l->user = word(&line);
    l->body = l->header ? strstr(l->header, "\r\n\r\n") : NULL;
    if (!l->body || !l->client || !l->helo || !l->sender || !l->recipient)
        die(name);
    l->body += 4;
    l->body_size = n - (size_t)(l->body - l->text);
}

static int is_letter(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static const struct letter *next_of_client(size_t i)
{
    const struct letter *l;
    size_t at = i;
    do
        l = &run.letters[++at % run.n_letters];
    while (strcmp(l->client, run.letters[i].client));
    return l;
}

static void load_corpus(const char *directory)
{
    struct dirent **names;
    int n = scandir(directory, &names, is_letter, alphasort);
    if (n <= 0)
        die(directory);
    run.n_letters = (size_t)n;
    run.letters = calloc(run.n_letters, sizeof *run.letters);
    if (!run.letters)
        die("memory");
    for (size_t i = 0; i < run.n_letters; i++) {
        load_letter(&run.letters[i], directory, names[i]->d_name);
        free(names[i]);
    }
    for (size_t i = 0; i < run.n_letters; i++)
        run.letters[i].same_client = next_of_client(i);
    free(names);
}

/* --- The figures -------------------------------------------------------------------------------*/

/* Sizes are right where each connection takes one message. */
static void write_times(void)
{
    FILE *f = fopen(run.times, "w");
    if (!f)
        die(run.times);
    for (size_t i = 0; i < run.n_messages; i++)
        fprintf(f, "%zu %.3f\n", run.letters[i % run.n_letters].body_size, run.took[i]);
    fclose(f);
}

static int options(int argc, char **argv)
{
    for (int option; (option = getopt(argc, argv, "n:e:rgku:z:t:w:")) != -1;) {
        if (option == 'n')
            run.each = strtoul(optarg, NULL, 10);
        else if (option == 'e' && run.n_words < WORDS_MAX)
            run.words[run.n_words++] = optarg;
        else if (option == 'r')
            run.wanted = FATE_REFUSED_AT_MAIL;
        else if (option == 'g')
            run.wanted = FATE_REFUSED;
        else if (option == 'k')
            run.keep = true;
        else if (option == 'u')
            run.first = strtol(optarg, NULL, 10);
        else if (option == 'z')
            run.senders = strtod(optarg, NULL);
        else if (option == 't')
            run.times = optarg;
        else if (option == 'w')
            run.round_trip = strtol(optarg, NULL, 10);
        else
            return 0;
    }
    return argc - optind == 4;
}

int main(int argc, char **argv)
{
    if (!options(argc, argv)) {
        fprintf(stderr,
                "usage: bench_load [-grk] [-n EACH] [-e WORDS] [-u FIRST] [-z SENDERS] [-t FILE]"
                " [-w MS] SOCKETS CORPUS CONNECTIONS MESSAGES\n");
        return 2;
    }
    run.sockets = argv[optind];
    load_corpus(argv[optind + 1]);
    run.n_messages = strtoul(argv[optind + 3], NULL, 10);
    run.took = calloc(run.n_messages + 1, sizeof *run.took);
    if (!run.took || !run.n_messages)
        die("messages");
    double begun = now_ms();
    work_all(strtoul(argv[optind + 2], NULL, 10));
    double seconds = (now_ms() - begun) / 1e3;
    if (run.times)
        write_times();
    print_figures(run.took, run.n_messages, seconds, atomic_load(&run.well));
    while (run.keep && getchar() != EOF)
        ;
    return 0;
}
