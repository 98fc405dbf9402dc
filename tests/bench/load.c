/* load.c - plays messages to a milter as Postfix speaks the protocol, and measures.
 *
 *     bench_load SOCKET CORPUS CONNECTIONS MESSAGES [PER-CONNECTION]
 *
 * SOCKET is the path of a Unix socket, or a port of 127.0.0.1. CORPUS is a directory of files as
 * corpus.py writes them: a line "client helo sender recipient user" ("-": none), then the message.
 * CONNECTIONS threads are one MTA process each; together they play MESSAGES messages, in the order
 * of the files and around again, PER-CONNECTION (1) of the same client on each connection. Prints
 *
 *     messages seconds p50 p99 accepted
 *
 * with the times of one message in milliseconds: from connect(), or from MAIL of a later message
 * on the same connection, to the answer at its end.
 *
 * As in Postfix, commands are buffered up to 4096 bytes and sent when an answer is awaited; macros
 * are those that the milter asked for, or Postfix's defaults.
 *
 * Errors: anything unexpected ends the program with status 1 and a phrase. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>

#define BUFFER  4096
#define CHUNK   65535
#define STAGES  7
#define ALL     0x1FFFFFU /* every protocol step; the same bits as libmilter's SMFIP_ */
#define ACTIONS 0x1FFU

struct letter {
    char *text; /* the file; the words of its first line are cut out of it */
    char *client, *helo, *sender, *recipient, *user;
    char *header, *body;
    size_t body_size;
    const struct letter *same_client; /* the next one from there, around again */
};

static struct {
    struct letter *letters;
    size_t n_letters, n_messages, per_connection;
    const char *socket;
    atomic_size_t next, accepted;
    double *took; /* of each message, in ms */
} run;

struct wire {
    int fd;
    size_t n_out, n_in, at_in;
    char out[BUFFER], in[BUFFER];
    uint32_t steps;
    char wanted[STAGES][256]; /* names of macros that the milter asked for */
    bool asked;
};

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "bench_load: %s: %s\n", what, errno ? strerror(errno) : "unexpected");
    exit(1);
}

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* --- Bytes -------------------------------------------------------------------------------------*/

static void write_all(int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t done = send(fd, p, n, MSG_NOSIGNAL);
        if (done < 0)
            die("send");
        p += done;
        n -= (size_t)done;
    }
}

static void flush(struct wire *w)
{
    write_all(w->fd, w->out, w->n_out);
    w->n_out = 0;
}

static void put(struct wire *w, const void *p, size_t n)
{
    if (w->n_out + n > BUFFER)
        flush(w);
    if (n > BUFFER) {
        write_all(w->fd, p, n);
        return;
    }
    if (n)
        memcpy(w->out + w->n_out, p, n);
    w->n_out += n;
}

static void get(struct wire *w, void *p, size_t n)
{
    char *to = p;
    while (n) {
        if (w->at_in == w->n_in) {
            ssize_t came = recv(w->fd, w->in, BUFFER, 0);
            if (came <= 0)
                die("the milter went away");
            w->n_in = (size_t)came;
            w->at_in = 0;
        }
        size_t part = w->n_in - w->at_in < n ? w->n_in - w->at_in : n;
        memcpy(to, w->in + w->at_in, part);
        w->at_in += part;
        to += part;
        n -= part;
    }
}

/* --- Packets -----------------------------------------------------------------------------------*/

static void put_head(struct wire *w, char command, size_t n)
{
    uint32_t length = htonl((uint32_t)(n + 1));
    put(w, &length, sizeof length);
    put(w, &command, 1);
}

static void put_packet(struct wire *w, char command, const char *data, size_t n)
{
    put_head(w, command, n);
    put(w, data, n);
}

/* The kind of the next packet; its data, cut to `room`, in data. */
static char get_packet(struct wire *w, char *data, size_t room, size_t *n)
{
    uint32_t length;
    char kind, rest[256];
    get(w, &length, sizeof length);
    size_t left = ntohl(length) - 1;
    get(w, &kind, 1);
    *n = left < room ? left : room;
    get(w, data, *n);
    for (left -= *n; left;) {
        size_t part = left < sizeof rest ? left : sizeof rest;
        get(w, rest, part);
        left -= part;
    }
    return kind;
}

/* The answer to a step, behind all edits; 'c' where the milter gives none. */
static char answer(struct wire *w, uint32_t no_reply)
{
    char kind;
    size_t n;
    if (no_reply && w->steps & no_reply)
        return SMFIR_CONTINUE;
    flush(w);
    do
        kind = get_packet(w, NULL, 0, &n);
    while (strchr("pqimhb+-e", kind));
    return kind;
}

/* --- Negotiation and macros --------------------------------------------------------------------*/

static void negotiate(struct wire *w)
{
    uint32_t offer[3] = {htonl(6), htonl(ACTIONS), htonl(ALL)}, taken[3], stage;
    char data[2048];
    size_t n;
    put_packet(w, SMFIC_OPTNEG, (const char *)offer, sizeof offer);
    flush(w);
    if (get_packet(w, data, sizeof data - 1, &n) != SMFIC_OPTNEG || n < sizeof taken)
        die("negotiation");
    memcpy(taken, data, sizeof taken);
    w->steps = ntohl(taken[2]);
    data[n] = '\0';
    for (size_t at = sizeof taken; at + sizeof stage < n; at += strlen(data + at) + 1) {
        memcpy(&stage, data + at, sizeof stage);
        at += sizeof stage;
        if (ntohl(stage) < STAGES)
            snprintf(w->wanted[ntohl(stage)], sizeof *w->wanted, " %s ", data + at);
        w->asked = true;
    }
}

/* Postfix's defaults hold what is asked for here; `value` of what is not known is NULL. */
static size_t add_macro(const struct wire *w, size_t stage, char *to, size_t n, size_t room,
                        const char *name, const char *value)
{
    char word[64];
    snprintf(word, sizeof word, " %s ", name);
    if (!value || (w->asked && !strstr(w->wanted[stage], word)))
        return n;
    int more = snprintf(to + n, room - n, "%s%c%s", name, 0, value);
    if (more < 0 || n + (size_t)more + 1 > room)
        die("macros");
    return n + (size_t)more + 1;
}

struct macro {
    const char *name, *value;
};

static void put_macros(struct wire *w, char command, size_t stage, const struct macro *macros,
                       size_t count)
{
    char data[1024] = {command};
    size_t n = 1;
    for (size_t i = 0; i < count; i++)
        n = add_macro(w, stage, data, n, sizeof data, macros[i].name, macros[i].value);
    if (n > 1)
        put_packet(w, SMFIC_MACRO, data, n);
}

#define MACROS(w, command, stage, ...)                                                             \
    put_macros(w, command, stage, (const struct macro[]){__VA_ARGS__},                             \
               sizeof((const struct macro[]){__VA_ARGS__}) / sizeof(struct macro))

/* --- The session -------------------------------------------------------------------------------*/

static void open_socket(struct wire *w)
{
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    struct sockaddr_in inet = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    bool path = strchr(run.socket, '/');
    int one = 1;
    snprintf(local.sun_path, sizeof local.sun_path, "%s", run.socket);
    inet.sin_port = htons((uint16_t)strtoul(run.socket, NULL, 10));
    const void *address = path ? (const void *)&local : (const void *)&inet;
    w->fd = socket(path ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (w->fd < 0 || connect(w->fd, address, (socklen_t)(path ? sizeof local : sizeof inet)))
        die(run.socket);
    if (!path && setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one))
        die("TCP_NODELAY");
}

static void put_connect(struct wire *w, const struct letter *l)
{
    char data[512];
    uint16_t port = htons(40000);
    size_t n = strlen(l->helo) + 1;
    if (n + 64 > sizeof data)
        die("a long HELO");
    memcpy(data, l->helo, n);
    data[n++] = strchr(l->client, ':') ? SMFIA_INET6 : SMFIA_INET;
    memcpy(data + n, &port, sizeof port);
    n += sizeof port;
    n += (size_t)snprintf(data + n, sizeof data - n, "%s", l->client) + 1;
    put_packet(w, SMFIC_CONNECT, data, n);
}

static void begin_session(struct wire *w, const struct letter *l)
{
    w->n_out = w->n_in = w->at_in = 0;
    w->asked = false;
    open_socket(w);
    negotiate(w);
    if (!(w->steps & SMFIP_NOCONNECT)) {
        MACROS(w, SMFIC_CONNECT, SMFIM_CONNECT, {"j", "mx.test"}, {"{daemon_name}", "smtpd"},
               {"{client_addr}", l->client}, {"v", "Postfix 3.7.11"});
        put_connect(w, l);
        if (answer(w, SMFIP_NR_CONN) != SMFIR_CONTINUE)
            die("CONNECT is refused");
    }
    if (w->steps & SMFIP_NOHELO)
        return;
    put_packet(w, SMFIC_HELO, l->helo, strlen(l->helo) + 1);
    if (answer(w, SMFIP_NR_HELO) != SMFIR_CONTINUE)
        die("HELO is refused");
}

static void end_session(struct wire *w)
{
    put_packet(w, SMFIC_ABORT, NULL, 0);
    put_packet(w, SMFIC_QUIT, NULL, 0);
    flush(w);
    close(w->fd);
}

/* --- The message -------------------------------------------------------------------------------*/

static bool play_envelope(struct wire *w, const struct letter *l)
{
    if (!(w->steps & SMFIP_NOMAIL)) {
        MACROS(w, SMFIC_MAIL, SMFIM_ENVFROM, {"{auth_type}", l->user ? "PLAIN" : NULL},
               {"{auth_authen}", l->user}, {"{mail_addr}", l->sender});
        put_packet(w, SMFIC_MAIL, l->sender, strlen(l->sender) + 1);
        if (answer(w, SMFIP_NR_MAIL) != SMFIR_CONTINUE)
            return false;
    }
    if (w->steps & SMFIP_NORCPT)
        return true;
    MACROS(w, SMFIC_RCPT, SMFIM_ENVRCPT, {"{rcpt_addr}", l->recipient}, {"{rcpt_mailer}", "local"});
    put_packet(w, SMFIC_RCPT, l->recipient, strlen(l->recipient) + 1);
    return answer(w, SMFIP_NR_RCPT) == SMFIR_CONTINUE;
}

/* One header field: name, NUL, value without its last CRLF and with LF in its folds, NUL. */
static char *play_field(struct wire *w, char *at)
{
    char value[8192];
    size_t n = 0;
    char *colon = strchr(at, ':'), *p = colon + 1;
    if (!(w->steps & SMFIP_HDR_LEADSPC) && *p == ' ')
        p++;
    for (; p[0] != '\r' || p[2] == ' ' || p[2] == '\t'; p++) {
        if (n + 1 == sizeof value)
            die("a long header field");
        if (*p != '\r')
            value[n++] = *p;
    }
    value[n++] = '\0';
    put_head(w, SMFIC_HEADER, (size_t)(colon - at) + 1 + n);
    put(w, at, (size_t)(colon - at));
    put(w, "", 1);
    put(w, value, n);
    return p + 2;
}

static bool play_header(struct wire *w, const struct letter *l)
{
    if (!(w->steps & SMFIP_NOHDRS))
        for (char *at = l->header; at < l->body - 2;) {
            at = play_field(w, at);
            if (answer(w, SMFIP_NR_HDR) != SMFIR_CONTINUE)
                return false;
        }
    if (w->steps & SMFIP_NOEOH)
        return true;
    MACROS(w, SMFIC_EOH, SMFIM_EOH, {"i", "4PLAYED"});
    put_packet(w, SMFIC_EOH, NULL, 0);
    return answer(w, SMFIP_NR_EOH) == SMFIR_CONTINUE;
}

static bool play_body(struct wire *w, const struct letter *l)
{
    char kind = SMFIR_CONTINUE;
    for (size_t at = 0; at < l->body_size && kind == SMFIR_CONTINUE; at += CHUNK) {
        if (w->steps & SMFIP_NOBODY)
            break;
        size_t n = l->body_size - at < CHUNK ? l->body_size - at : CHUNK;
        put_packet(w, SMFIC_BODY, l->body + at, n);
        kind = answer(w, SMFIP_NR_BODY);
    }
    if (kind != SMFIR_CONTINUE && kind != SMFIR_SKIP)
        return false;
    MACROS(w, SMFIC_BODYEOB, SMFIM_EOM, {"i", "4PLAYED"});
    put_packet(w, SMFIC_BODYEOB, NULL, 0);
    kind = answer(w, 0);
    return kind == SMFIR_CONTINUE || kind == SMFIR_ACCEPT;
}

static bool play(struct wire *w, const struct letter *l)
{
    bool data = !(w->steps & SMFIP_NODATA);
    if (!play_envelope(w, l))
        return false;
    if (data)
        put_packet(w, SMFIC_DATA, NULL, 0);
    if (data && answer(w, SMFIP_NR_DATA) != SMFIR_CONTINUE)
        return false;
    return play_header(w, l) && play_body(w, l);
}

static void *mta(void *unused)
{
    struct wire *w = calloc(1, sizeof *w);
    (void)unused;
    if (!w)
        die("memory");
    const struct letter *l = NULL;
    for (size_t on_this = 0, i; (i = atomic_fetch_add(&run.next, 1)) < run.n_messages;) {
        l = on_this ? l->same_client : &run.letters[i % run.n_letters];
        double begun = now_ms();
        if (!on_this)
            begin_session(w, l);
        atomic_fetch_add(&run.accepted, play(w, l));
        run.took[i] = now_ms() - begun;
        if (++on_this >= run.per_connection) {
            end_session(w);
            on_this = 0;
        } else {
            put_packet(w, SMFIC_ABORT, NULL, 0);
        }
    }
    free(w); /* a session that is still open ends with the program */
    return NULL;
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
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *f = fopen(path, "rb");
    if (!f || fstat(fileno(f), &st))
        die(path);
    size_t n = (size_t)st.st_size;
    l->text = calloc(1, n + 1);
    if (!l->text || fread(l->text, 1, n, f) != n)
        die(path);
    fclose(f);
    l->header = l->text;
    char *line = strsep(&l->header, "\n");
    l->client = word(&line);
    l->helo = word(&line);
    l->sender = word(&line);
    l->recipient = word(&line);
    l->user = word(&line);
    l->body = l->header ? strstr(l->header, "\r\n\r\n") : NULL;
    if (!l->body || !l->client || !l->helo || !l->sender || !l->recipient)
        die(path);
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

static int by_size(const void *a, const void *b)
{
    double x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

static void play_all(size_t connections)
{
    pthread_t *threads = calloc(connections, sizeof *threads);
    pthread_attr_t small;
    if (!threads || pthread_attr_init(&small) || pthread_attr_setstacksize(&small, 128 << 10))
        die("threads");
    for (size_t i = 0; i < connections; i++)
        if ((errno = pthread_create(&threads[i], &small, mta, NULL)))
            die("pthread_create");
    for (size_t i = 0; i < connections; i++)
        pthread_join(threads[i], NULL);
    free(threads);
}

int main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: bench_load SOCKET CORPUS CONNECTIONS MESSAGES [PER-CONNECTION]\n");
        return 2;
    }
    run.socket = argv[1];
    load_corpus(argv[2]);
    run.n_messages = strtoul(argv[4], NULL, 10);
    run.per_connection = argc > 5 ? strtoul(argv[5], NULL, 10) : 1;
    run.took = calloc(run.n_messages + 1, sizeof *run.took);
    if (!run.took || !run.n_messages)
        die("messages");
    double begun = now_ms();
    play_all(strtoul(argv[3], NULL, 10));
    double seconds = (now_ms() - begun) / 1e3;
    qsort(run.took, run.n_messages, sizeof *run.took, by_size);
    printf("%zu %.4f %.3f %.3f %zu\n", run.n_messages, seconds, run.took[run.n_messages / 2],
           run.took[run.n_messages * 99 / 100], atomic_load(&run.accepted));
    return 0;
}
