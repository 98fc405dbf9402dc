/* figures.c - what the load generators share. Errors: die(). */
#include "figures.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

void die(const char *what)
{
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what,
            errno ? strerror(errno) : "unexpected");
    exit(1);
}

int open_socket(const char *address)
{
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    struct sockaddr_in inet = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    bool path = strchr(address, '/');
    int one = 1;
    snprintf(local.sun_path, sizeof local.sun_path, "%s", address);
    inet.sin_port = htons((uint16_t)strtoul(address, NULL, 10));
    const void *to = path ? (const void *)&local : (const void *)&inet;
    int fd = socket(path ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, to, (socklen_t)(path ? sizeof local : sizeof inet)))
        die(address);
    if (!path && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one))
        die("TCP_NODELAY");
    return fd;
}

double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

char *read_file(const char *path, size_t *n)
{
    char *text;
    struct stat st;
    FILE *f = fopen(path, "rb");
    if (!f || fstat(fileno(f), &st))
        die(path);
    *n = (size_t)st.st_size;
    text = calloc(1, *n + 1);
    if (!text || fread(text, 1, *n, f) != *n)
        die(path);
    fclose(f);
    return text;
}

static int by_size(const void *a, const void *b)
{
    double x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

void print_figures(double *took, size_t n, double seconds, size_t well)
{
    qsort(took, n, sizeof *took, by_size);
    printf("%zu %.4f %.3f %.3f %zu\n", n, seconds, took[n / 2], took[n * 99 / 100], well);
    fflush(stdout);
}
