/* delay.c - stands before a resolver and gives its answers later; for names below "silent" none.
 *
 *     bench_delay ADDRESS RESOLVER
 *
 * Takes queries on port 53 of ADDRESS over UDP, asks port 53 of RESOLVER. Each line of standard
 * input is the delay in milliseconds from then on, of a whole round trip; its end ends the program.
 *
 * Errors: anything unexpected ends the program with status 1 and a phrase. */
#include <arpa/inet.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define IDS     65536 /* queries on their way; the id towards the resolver tells which */
#define WAITING 65536 /* answers that are held back */
#define PACKET  4096

struct query {
    struct sockaddr_in client;
    uint16_t id; /* the client's */
    double came;
};

struct held {
    struct sockaddr_in client;
    double due;
    size_t n;
    unsigned char packet[PACKET];
};

static struct query queries[IDS];
static struct held held[WAITING]; /* a ring: untouched pages cost nothing */
static size_t first, behind; /* of the ring; the delay is the same for all, so it is in order */
static double delay;         /* ms */
static int front, back;

static _Noreturn void die(const char *what)
{
    perror(what);
    exit(1);
}

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int udp(const char *address, int (*attach)(int, const struct sockaddr *, socklen_t))
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(53)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), size = 4 << 20;
    if (fd < 0 || inet_pton(AF_INET, address, &at.sin_addr) != 1 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size) ||
        attach(fd, (const struct sockaddr *)&at, sizeof at))
        die(address);
    return fd;
}

/* Resolvers may write names in any mixture of cases. */
static bool is_silent(const unsigned char *packet, size_t n)
{
    static const char label[] = "\6silent";
    for (size_t i = 0; i + sizeof label <= n; i++)
        if (packet[i] == label[0] &&
            !strncasecmp((const char *)packet + i, label, sizeof label - 1))
            return true;
    return false;
}

static void take_queries(void)
{
    static uint16_t next;
    unsigned char packet[PACKET];
    for (ssize_t n;;) {
        struct query *q = &queries[next];
        socklen_t size = sizeof q->client;
        n = recvfrom(front, packet, sizeof packet, 0, (struct sockaddr *)&q->client, &size);
        if (n < 0)
            return;
        if (n < 12 || is_silent(packet, (size_t)n))
            continue;
        memcpy(&q->id, packet, sizeof q->id);
        q->came = now_ms();
        memcpy(packet, &next, sizeof next);
        next++;
        if (send(back, packet, (size_t)n, 0) != n)
            die("the resolver");
    }
}

static void take_answers(void)
{
    for (ssize_t n;;) {
        struct held *h = &held[behind % WAITING];
        uint16_t id;
        n = recv(back, h->packet, sizeof h->packet, 0);
        if (n < 12)
            return;
        memcpy(&id, h->packet, sizeof id);
        memcpy(h->packet, &queries[id].id, sizeof id);
        h->client = queries[id].client;
        h->due = queries[id].came + delay;
        h->n = (size_t)n;
        if (++behind - first == WAITING)
            die("too many answers");
    }
}

static void send_due(void)
{
    for (double now = now_ms(); first != behind && held[first % WAITING].due <= now; first++) {
        struct held *h = &held[first % WAITING];
        sendto(front, h->packet, h->n, 0, (struct sockaddr *)&h->client, sizeof h->client);
    }
}

static struct timespec until_due(void)
{
    double left = first == behind ? 1000 : held[first % WAITING].due - now_ms();
    left = left < 0 ? 0 : left;
    return (struct timespec){.tv_sec = (time_t)(left / 1e3),
                             .tv_nsec = (long)(left * 1e6) % 1000000000};
}

static bool take_delay(void)
{
    char line[64];
    ssize_t n = read(STDIN_FILENO, line, sizeof line - 1);
    if (n <= 0)
        return false;
    line[n] = '\0';
    delay = strtod(line, NULL);
    return true;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: bench_delay ADDRESS RESOLVER\n");
        return 2;
    }
    front = udp(argv[1], bind);
    back = udp(argv[2], connect);
    for (;;) {
        struct pollfd fds[] = {{front, POLLIN, 0}, {back, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
        struct timespec wait = until_due();
        if (ppoll(fds, 3, &wait, NULL) < 0)
            die("ppoll");
        if (fds[2].revents && !take_delay())
            return 0;
        take_queries();
        take_answers();
        send_due();
    }
}
