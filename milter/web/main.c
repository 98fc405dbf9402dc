/* main.c - the program assay-web.
 *
 * Errors: exit status 64 for a wrong call, 69 if it cannot listen on the address, 78 if the
 * configuration is wrong. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conf/listen.h"
#include "milter/commands/owner.h"
#include "milter/commands/report_pages.h"
#include "milter/web/web.h"

#define DEFAULT_LISTEN "inet:8898@127.0.0.1"
#define BACKLOG        128

struct web_words {
    const char *listen;
    struct command_texts names;
    bool version;
};

/* --- The socket --------------------------------------------------------------------------------*/

struct place {
    union {
        struct sockaddr any;
        struct sockaddr_in ip4;
        struct sockaddr_in6 ip6;
    } address;
    socklen_t size;
};

/* Reads an address of loopback; NULL, or a phrase. Users on other hosts come by ssh, or through a
 * web server that knows its users. */
static const char *find_place(const struct listen_address *from, struct arena *a, struct place *out)
{
    const char *host = str_cstr(a, from->host);
    memset(out, 0, sizeof *out);
    if (from->kind == LISTEN_INET && inet_pton(AF_INET, host, &out->address.ip4.sin_addr) == 1) {
        out->address.ip4.sin_family = AF_INET;
        out->address.ip4.sin_port = htons(from->port);
        out->size = sizeof out->address.ip4;
        if (ntohl(out->address.ip4.sin_addr.s_addr) >> 24 == 127)
            return NULL;
    }
    if (from->kind == LISTEN_INET6 && inet_pton(AF_INET6, host, &out->address.ip6.sin6_addr) == 1) {
        out->address.ip6.sin6_family = AF_INET6;
        out->address.ip6.sin6_port = htons(from->port);
        out->size = sizeof out->address.ip6;
        if (IN6_IS_ADDR_LOOPBACK(&out->address.ip6.sin6_addr))
            return NULL;
    }
    return "is no address of loopback, such as inet:8898@127.0.0.1 or inet6:8898@[::1]: put a web "
           "server that knows its users in front of it, or use ssh -L";
}

static int open_socket(const struct place *place)
{
    const int on = 1;
    int fd = socket(place->address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && !setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) &&
        !bind(fd, &place->address.any, place->size) && !listen(fd, BACKLOG))
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static int listen_at(struct command *c, const char *text, int *fd)
{
    struct listen_address address;
    struct place place;
    const char *problem = listen_problem(str_of(text), c->arena, &address);
    if (!problem)
        problem = find_place(&address, c->arena, &place);
    if (problem)
        return command_fail(c, EX_USAGE, "--listen: \"%s\" %s", text, problem);
    *fd = open_socket(&place);
    return *fd >= 0 ? EX_OK : command_fail(c, EX_UNAVAILABLE, "%s: %s", text, strerror(errno));
}

static int port_of(int fd)
{
    struct place place = {.size = sizeof place.address};
    if (getsockname(fd, &place.address.any, &place.size))
        return 0;
    return ntohs(place.address.any.sa_family == AF_INET ? place.address.ip4.sin_port
                                                        : place.address.ip6.sin6_port);
}

/* --- Running -----------------------------------------------------------------------------------*/

static int serve_until_told(struct command *c, int fd)
{
    const struct web_words *w = c->own;
    const struct web web = {.conf = c->conf,
                            .owner = report_pages_owner(c),
                            .n_names = w->names.n,
                            .names = w->names.v};
    int told;
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigprocmask(SIG_BLOCK, &ends, NULL); /* also for the threads */
    signal(SIGPIPE, SIG_IGN);
    struct web_server *server = web_start(&web, fd);
    if (!server)
        return command_fail(c, EX_UNAVAILABLE, "no server can be started: %s", strerror(errno));
    printf("assay-web %s: port %d\n", ASSAY_VERSION, port_of(fd));
    fflush(stdout);
    sigwait(&ends, &told);
    web_stop(server);
    return EX_OK;
}

static int web_run(struct command *c)
{
    const struct web_words *w = c->own;
    int fd = -1, status = EX_OK;
    if (w->version) {
        printf("assay-web %s\n", ASSAY_VERSION);
        return EX_OK;
    }
    status = command_load_conf(c);
    if (status == EX_OK)
        status = listen_at(c, w->listen ? w->listen : DEFAULT_LISTEN, &fd);
    if (status == EX_OK)
        status = command_become_owner(c);
    return status == EX_OK ? serve_until_told(c, fd) : status;
}

static const struct command_option web_options[] = {
    OPTION("listen", "ADDRESS", take_text, struct web_words, listen,
           "where to serve, an address of loopback; default: " DEFAULT_LISTEN),
    OPTION("name", "HOST", take_texts, struct web_words, names,
           "a name that browsers use, if a web server is in front of this one; may be given again"),
    {"version", NULL, take_flag, offsetof(struct web_words, version), "print the version", false,
     'V'},
    {0},
};

static const struct command_row web_command = {
    .name = "assay-web",
    .options = web_options,
    .common = COMMON_CONF,
    .size = sizeof(struct web_words),
    .run = web_run,
    .about = "Serves pages of what the DMARC reports say, on this host alone: by domain, source, "
             "reporter and result, with the reports themselves. It only reads, and works while the "
             "daemon is stopped.",
    .status =
        "0; 64 a wrong call; 69 it cannot listen on the address; 78 the configuration is wrong.",
};

int main(int argc, char **argv)
{
    return frame_main(&web_command, argc, argv);
}
